//! The part of a provider's form that says how it is reached: proxy, certificates, time limits.

use askama::Template;
use halo_config::{ConnectionSettings, ProviderConfig};
use halo_engine::{CaError, Engine, check_ca_file};
use halo_types::{Proxy, ProxyError, ProxyUrl, mask_proxy};

use super::form::Fault;
use crate::strings::Words;

/// The fields as links and faults name them; those of the settings file.
const FIELDS: [&str; 5] =
    ["proxy", "ca_file", "connect_timeout_s", "first_byte_timeout_s", "idle_timeout_s"];

/// What was typed. A form without these fields changes none of them.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Typed {
    /// In the order of [`FIELDS`].
    values: [Option<String>; 5],
    /// The password of the proxy; empty keeps the saved one.
    password: String,
}

impl Typed {
    /// The fields of a saved provider. A password is not among them.
    pub(super) fn of(connection: &ConnectionSettings) -> Self {
        let proxy = connection.proxy.as_ref().map(|proxy| match proxy {
            Proxy::Url(url) => url.without_password().expose(),
            other => other.to_string(),
        });
        let number = |seconds: Option<u64>| seconds.map(|seconds| seconds.to_string());
        let file = connection.ca_file.as_ref().map(|path| path.display().to_string());
        Self {
            values: [
                proxy,
                file,
                number(connection.connect_timeout_s),
                number(connection.first_byte_timeout_s),
                number(connection.idle_timeout_s),
            ],
            password: String::new(),
        }
    }

    /// Takes a posted field, if it is one of these.
    pub(super) fn read(&mut self, name: &str, value: &str) {
        if name == "proxy_password" {
            value.clone_into(&mut self.password);
        } else if let Some(at) = FIELDS.iter().position(|field| *field == name) {
            self.values[at] = Some(value.trim().to_owned());
        }
    }

    /// Puts what was typed into the settings; what cannot be used is left out and named.
    pub(super) fn apply(&self, connection: &mut ConnectionSettings) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (field, value) in FIELDS.into_iter().zip(&self.values) {
            let Some(value) = value else { continue };
            if field == "proxy" {
                match self.proxy(value) {
                    Ok(proxy) => connection.proxy = proxy,
                    Err(fault) => faults.push(fault),
                }
            } else if connection.set(field, value).is_err() {
                faults.push(match field {
                    "ca_file" => Fault::connection(field, "settings-error-ca-path", []),
                    _ => Fault::connection(field, "settings-error-seconds", [("max", most(field))]),
                });
            }
        }
        faults
    }

    fn proxy(&self, value: &str) -> Result<Option<Proxy>, Fault> {
        let fault = |key, args: Vec<(&'static str, String)>| Fault::connection("proxy", key, args);
        if value.is_empty() {
            return match self.password.is_empty() {
                true => Ok(None),
                false => Err(fault("settings-error-proxy-user", Vec::new())),
            };
        }
        let proxy = value.parse::<Proxy>().map_err(|error| match error {
            ProxyError::Scheme { found } => {
                fault("settings-error-proxy-scheme", vec![("found", found)])
            }
            ProxyError::Host => fault("settings-error-proxy-host", Vec::new()),
            ProxyError::Port => fault("settings-error-proxy-port", Vec::new()),
            ProxyError::Credentials => fault("settings-error-proxy-credentials", Vec::new()),
            _ => fault("settings-error-proxy-address", Vec::new()),
        })?;
        if value.contains('…') {
            return Err(fault("settings-error-proxy-masked", Vec::new()));
        }
        if self.password.is_empty() {
            return Ok(Some(proxy));
        }
        if self.password.contains(char::is_control) {
            return Err(fault("settings-error-proxy-credentials", Vec::new()));
        }
        match proxy {
            // In a field of its own a percent sign is one, too.
            Proxy::Url(url) if url.user().is_some() => {
                Ok(Some(Proxy::Url(url.with_password(&self.password.replace('%', "%25")))))
            }
            _ => Err(fault("settings-error-proxy-user", Vec::new())),
        }
    }

    /// Address and password as the form shows them again: a password that was typed into the
    /// address moves to its own field.
    fn shown_proxy(&self) -> (String, String) {
        let typed = self.values[0].clone().unwrap_or_default();
        match typed.parse::<ProxyUrl>() {
            Ok(url) if url.encoded_password().is_some() => {
                let password = url.password().unwrap_or_default();
                let password =
                    if self.password.is_empty() { password } else { self.password.clone() };
                (url.without_password().expose(), password)
            }
            Ok(_) => (typed, self.password.clone()),
            Err(_) => (mask_proxy(&typed), self.password.clone()),
        }
    }
}

fn most(field: &str) -> String {
    if field == "connect_timeout_s" { "300" } else { "3600" }.to_owned()
}

/// What is wrong with the file of certificates that a provider would use.
pub(super) fn ca_fault(engine: &Engine, provider: &ProviderConfig) -> Option<Fault> {
    provider.connection.ca_file.as_ref()?;
    let path = engine.config().connection(provider).ca_file?;
    let error = check_ca_file(&path).err()?;
    let path = ("path", path.display().to_string());
    let fault = |key, args: Vec<(&'static str, String)>| Fault::connection("ca_file", key, args);
    Some(match error {
        CaError::Missing { .. } => fault("settings-error-ca-missing", vec![path]),
        CaError::Unreadable { source, .. } => {
            fault("settings-error-ca-unreadable", vec![path, ("why", source.to_string())])
        }
        CaError::NoCertificate { .. } => fault("settings-error-ca-empty", vec![path]),
        CaError::Damaged { nth, .. } => {
            fault("settings-error-ca-damaged", vec![path, ("n", nth.to_string())])
        }
        // Of a new kind the words of the error itself.
        error => fault("settings-error-ca-other", vec![("why", error.to_string())]),
    })
}

/// A number of seconds in the form.
struct Seconds {
    name: &'static str,
    label: String,
    value: String,
    usual: u64,
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "settings/connection.html")]
struct ConnectionView {
    w: Words,
    open: bool,
    proxy: String,
    usual_proxy: String,
    password: String,
    password_saved: bool,
    proxy_faults: Vec<String>,
    ca_file: String,
    usual_ca: String,
    ca_faults: Vec<String>,
    seconds: Vec<Seconds>,
    field: String,
}

/// This part of the form.
pub(super) fn view(
    engine: &Engine,
    w: Words,
    typed: &Typed,
    provider: &ProviderConfig,
    faults: &[Fault],
    field: &str,
) -> Result<String, askama::Error> {
    let faults_of = |field: &str| -> Vec<String> {
        faults.iter().filter(|fault| fault.field() == field).map(|fault| fault.words(w)).collect()
    };
    // What holds where the fields are empty.
    let bare = ProviderConfig { connection: ConnectionSettings::default(), ..provider.clone() };
    let usual = engine.client_options(&bare);
    let value = |at: usize| typed.values[at].clone().unwrap_or_default();
    let timers = [usual.connect_timeout, usual.first_byte_timeout, usual.idle_timeout];
    let labels = ["connect", "first-byte", "idle"];
    let seconds = (0..3)
        .map(|nth| {
            let name = FIELDS[nth + 2];
            Seconds {
                name,
                label: w.t(&format!("settings-form-connection-{}", labels[nth])),
                value: value(nth + 2),
                usual: timers[nth].as_secs(),
                faults: faults_of(name),
            }
        })
        .collect();
    let (proxy, password) = typed.shown_proxy();
    let saved = engine.config().connection(provider).proxy;
    ConnectionView {
        w,
        open: typed.values.iter().flatten().any(|value| !value.is_empty())
            || FIELDS.contains(&field),
        password_saved: password.is_empty()
            && saved.as_ref().and_then(Proxy::url).is_some_and(|url| {
                url.password().is_some_and(|password| !password.is_empty())
                    && url.without_password().expose() == proxy
            }),
        proxy,
        usual_proxy: usual.proxy.to_string(),
        password,
        proxy_faults: faults_of("proxy"),
        ca_file: value(1),
        usual_ca: usual.ca_file.map(|path| path.display().to_string()).unwrap_or_default(),
        ca_faults: faults_of("ca_file"),
        seconds,
        field: field.to_owned(),
    }
    .render()
}

/// Whether a fault belongs to this part of the form.
pub(super) fn concerns(fault: &Fault) -> bool {
    FIELDS.contains(&fault.field())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        let mut typed = Typed::default();
        fields.iter().for_each(|(name, value)| typed.read(name, value));
        typed
    }

    fn applied(fields: &[(&str, &str)]) -> (ConnectionSettings, Vec<&'static str>) {
        let mut connection = ConnectionSettings {
            proxy: Some(Proxy::Direct),
            idle_timeout_s: Some(9),
            ..ConnectionSettings::default()
        };
        let faults = typed(fields).apply(&mut connection);
        (connection, faults.iter().map(Fault::field).collect())
    }

    #[test]
    fn what_is_not_in_the_form_stays_and_what_is_empty_goes() {
        let (connection, faults) = applied(&[("ca_file", " /a/b.pem ")]);
        assert_eq!((connection.proxy, connection.idle_timeout_s), (Some(Proxy::Direct), Some(9)));
        assert_eq!(connection.ca_file.unwrap().to_str(), Some("/a/b.pem"));
        assert!(faults.is_empty());
        let (connection, _) = applied(&[("proxy", ""), ("idle_timeout_s", "")]);
        assert_eq!(connection, ConnectionSettings::default());
    }

    #[test]
    fn faults_stand_at_their_field() {
        for (fields, want) in [
            (&[("proxy", "sytem")][..], "proxy"),
            (&[("proxy", "http://…@host:1")], "proxy"),
            (&[("proxy", "http://host:1"), ("proxy_password", "x")], "proxy"),
            (&[("proxy", ""), ("proxy_password", "x")], "proxy"),
            (&[("connect_timeout_s", "301")], "connect_timeout_s"),
            (&[("first_byte_timeout_s", "0")], "first_byte_timeout_s"),
            (&[("idle_timeout_s", "1.5")], "idle_timeout_s"),
        ] {
            assert_eq!(applied(fields).1, [want], "{fields:?}");
        }
    }

    #[test]
    fn a_password_has_a_field_of_its_own() {
        let fields = [("proxy", "http://me@host:1"), ("proxy_password", "50% @/")];
        let proxy = applied(&fields).0.proxy.unwrap();
        assert_eq!(proxy.url().unwrap().password().as_deref(), Some("50% @/"));
        assert_eq!(Typed::of(&applied(&fields).0).values[0].as_deref(), Some("http://me@host:1"));
        let shown = typed(&[("proxy", "http://me:p%40ss@host:1")]).shown_proxy();
        assert_eq!(shown, ("http://me@host:1".to_owned(), "p@ss".to_owned()));
        let shown = typed(&[("proxy", "ftp://me:pw@host:1")]).shown_proxy();
        assert_eq!(shown.0, "ftp://…@host:1");
    }
}
