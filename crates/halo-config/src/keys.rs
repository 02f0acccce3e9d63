//! The settings that are single values, one entry each: reading, layering and writing back all
//! go through this table.

use halo_types::{ProviderId, Target};
use toml_edit::{Array, Value};

use crate::{Settings, connection};

/// One setting.
pub(crate) struct Key {
    /// Its path in the file, at most one table deep.
    pub(crate) name: &'static str,
    /// The environment variable that overrules the file.
    pub(crate) env: &'static str,
    /// The TOML type it has.
    pub(crate) shape: Shape,
    /// What it takes, as the end of "must be …".
    pub(crate) expected: &'static str,
    /// Sets it from text; `false` where the text is no value of it.
    pub(crate) set: fn(&mut Settings, &str) -> bool,
    /// Its value as TOML; `None` where it has none.
    pub(crate) value: fn(&Settings) -> Option<Value>,
}

/// The TOML type of a setting.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Flag,
    Number,
    /// Texts; in a variable with commas between them.
    List,
}

const YES_OR_NO: &str = "true or false";

pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "listen",
        env: "HALO_LISTEN",
        shape: Shape::Text,
        expected: "an address and a port, such as \"127.0.0.1:7575\"",
        set: |settings, text| {
            let address = match text.strip_prefix("localhost:") {
                Some(port) => format!("127.0.0.1:{port}"),
                None => text.to_owned(),
            };
            store(&mut settings.listen, address.parse().ok())
        },
        value: |settings| Some(settings.listen.to_string().into()),
    },
    Key {
        name: "hosts",
        env: "HALO_HOSTS",
        shape: Shape::List,
        expected: "a list of host names without port, such as [\"halo.example.org\"]",
        set: |settings, text| {
            let names = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
            store(&mut settings.hosts, names.map(host_name).collect())
        },
        value: |settings| {
            let names: Array = settings.hosts.iter().map(String::as_str).collect();
            (!names.is_empty()).then_some(Value::Array(names))
        },
    },
    Key {
        name: "language",
        env: "HALO_LANGUAGE",
        shape: Shape::Text,
        expected: "a language, \"en\" or \"zh\"",
        set: |settings, text| store(&mut settings.language, text.parse().ok().map(Some)),
        value: |settings| settings.language.map(|language| language.as_str().into()),
    },
    Key {
        name: "default_target",
        env: "HALO_DEFAULT_TARGET",
        shape: Shape::Text,
        expected: "a provider and a model, such as \"anthropic/claude-sonnet-4-5\"",
        set: |settings, text| store(&mut settings.default_target, target(text).map(Some)),
        value: |settings| settings.default_target.as_ref().map(|target| target.to_string().into()),
    },
    Key {
        name: "report_url",
        env: "HALO_REPORT_URL",
        shape: Shape::Text,
        expected: "an address that begins with https:// or http://",
        set: |settings, text| {
            let web = text.starts_with("https://") || text.starts_with("http://");
            store(&mut settings.report_url, web.then(|| Some(text.to_owned())))
        },
        value: |settings| settings.report_url.as_deref().map(Value::from),
    },
    Key {
        name: "recovery.retry_automatically",
        env: "HALO_RETRY_AUTOMATICALLY",
        shape: Shape::Flag,
        expected: YES_OR_NO,
        set: |settings, text| store(&mut settings.recovery.retry_automatically, text.parse().ok()),
        value: |settings| Some(settings.recovery.retry_automatically.into()),
    },
    Key {
        name: "recovery.max_tries",
        env: "HALO_MAX_TRIES",
        shape: Shape::Number,
        expected: "a whole number from 1 to 20",
        set: |settings, text| {
            let tries = text.parse().ok().filter(|tries| (1..=20).contains(tries));
            store(&mut settings.recovery.max_tries, tries)
        },
        value: |settings| Some(i64::from(settings.recovery.max_tries).into()),
    },
    Key {
        name: "recovery.max_wait_in_line_s",
        env: "HALO_MAX_WAIT_IN_LINE_S",
        shape: Shape::Number,
        expected: "a whole number of seconds from 0 to 3600",
        set: |settings, text| {
            let seconds = text.parse().ok().filter(|seconds| *seconds <= 3600);
            store(&mut settings.recovery.max_wait_in_line_s, seconds)
        },
        value: |settings| i64::try_from(settings.recovery.max_wait_in_line_s).ok().map(Value::from),
    },
    Key {
        name: "recovery.always_omit_images",
        env: "HALO_ALWAYS_OMIT_IMAGES",
        shape: Shape::Flag,
        expected: YES_OR_NO,
        set: |settings, text| store(&mut settings.recovery.always_omit_images, text.parse().ok()),
        value: |settings| Some(settings.recovery.always_omit_images.into()),
    },
    Key {
        name: "recovery.always_shrink_images",
        env: "HALO_ALWAYS_SHRINK_IMAGES",
        shape: Shape::Flag,
        expected: YES_OR_NO,
        set: |settings, text| store(&mut settings.recovery.always_shrink_images, text.parse().ok()),
        value: |settings| Some(settings.recovery.always_shrink_images.into()),
    },
    Key {
        name: "recovery.always_compact",
        env: "HALO_ALWAYS_COMPACT",
        shape: Shape::Flag,
        expected: YES_OR_NO,
        set: |settings, text| store(&mut settings.recovery.always_compact, text.parse().ok()),
        value: |settings| Some(settings.recovery.always_compact.into()),
    },
    Key {
        name: "recovery.compact_at_percent",
        env: "HALO_COMPACT_AT_PERCENT",
        shape: Shape::Number,
        expected: "a whole number of percent from 10 to 100",
        set: |settings, text| {
            let percent = text.parse().ok().filter(|percent| (10..=100).contains(percent));
            store(&mut settings.recovery.compact_at_percent, percent)
        },
        value: |settings| Some(i64::from(settings.recovery.compact_at_percent).into()),
    },
    Key {
        name: "recovery.failover",
        env: "HALO_FAILOVER",
        shape: Shape::Text,
        expected: "one of \"off\", \"keys\", \"providers\", \"models\"",
        set: |settings, text| store(&mut settings.recovery.failover, text.parse().ok()),
        value: |settings| Some(settings.recovery.failover.as_str().into()),
    },
    Key {
        name: "recovery.ladder",
        env: "HALO_LADDER",
        shape: Shape::List,
        expected: "a list of models, each with its provider, such as [\"anthropic/claude-sonnet-4-5\"]",
        set: |settings, text| {
            let names = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
            store(&mut settings.recovery.ladder, names.map(target).collect())
        },
        value: |settings| {
            let ladder = &settings.recovery.ladder;
            let names: Array = ladder.iter().map(ToString::to_string).collect();
            (!ladder.is_empty()).then_some(Value::Array(names))
        },
    },
    Key {
        name: "connection.proxy",
        env: "HALO_PROXY",
        shape: connection::PROXY.shape,
        expected: connection::PROXY.expected,
        set: |settings, text| (connection::PROXY.set)(&mut settings.connection, text),
        value: |settings| (connection::PROXY.value)(&settings.connection),
    },
    Key {
        name: "connection.ca_file",
        env: "HALO_CA_FILE",
        shape: connection::CA_FILE.shape,
        expected: connection::CA_FILE.expected,
        set: |settings, text| (connection::CA_FILE.set)(&mut settings.connection, text),
        value: |settings| (connection::CA_FILE.value)(&settings.connection),
    },
    Key {
        name: "connection.connect_timeout_s",
        env: "HALO_CONNECT_TIMEOUT_S",
        shape: connection::CONNECT_TIMEOUT.shape,
        expected: connection::CONNECT_TIMEOUT.expected,
        set: |settings, text| (connection::CONNECT_TIMEOUT.set)(&mut settings.connection, text),
        value: |settings| (connection::CONNECT_TIMEOUT.value)(&settings.connection),
    },
    Key {
        name: "connection.first_byte_timeout_s",
        env: "HALO_FIRST_BYTE_TIMEOUT_S",
        shape: connection::FIRST_BYTE_TIMEOUT.shape,
        expected: connection::FIRST_BYTE_TIMEOUT.expected,
        set: |settings, text| (connection::FIRST_BYTE_TIMEOUT.set)(&mut settings.connection, text),
        value: |settings| (connection::FIRST_BYTE_TIMEOUT.value)(&settings.connection),
    },
    Key {
        name: "connection.idle_timeout_s",
        env: "HALO_IDLE_TIMEOUT_S",
        shape: connection::IDLE_TIMEOUT.shape,
        expected: connection::IDLE_TIMEOUT.expected,
        set: |settings, text| (connection::IDLE_TIMEOUT.set)(&mut settings.connection, text),
        value: |settings| (connection::IDLE_TIMEOUT.value)(&settings.connection),
    },
];

/// The setting of that name.
pub(crate) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Stores a value; `false` where there is none.
pub(crate) fn store<T>(place: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

/// A host name as it stands in a `Host` header, in lower case; `None` for anything else, such as
/// a whole address or a port.
#[must_use]
pub fn host_name(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = !text.is_empty() && text.len() <= 253 && text.chars().all(fits);
    name.then(|| text.to_ascii_lowercase())
}

/// `provider/model`; the model's name may hold further slashes.
fn target(text: &str) -> Option<Target> {
    let (provider, model) = text.split_once('/')?;
    let provider: ProviderId = provider.parse().ok()?;
    (!model.trim().is_empty()).then(|| Target { provider, model: model.trim().to_owned() })
}
