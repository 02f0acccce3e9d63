//! Which proxy requests take, and its address with credentials.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Which way requests to a provider take.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub enum Proxy {
    /// As the system says: its settings, or variables such as `HTTPS_PROXY`.
    #[default]
    System,
    /// Straight, whatever the system says.
    Direct,
    /// Through this proxy.
    Url(ProxyUrl),
}

impl Proxy {
    /// The address, where one is given.
    #[must_use]
    pub const fn url(&self) -> Option<&ProxyUrl> {
        match self {
            Self::Url(url) => Some(url),
            Self::System | Self::Direct => None,
        }
    }

    /// It as settings write it, without a password.
    #[must_use]
    pub fn without_password(&self) -> Self {
        match self {
            Self::Url(url) => Self::Url(url.without_password()),
            other => other.clone(),
        }
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    /// Takes `system`, `direct` or an address.
    fn from_str(text: &str) -> Result<Self, ProxyError> {
        match text.trim() {
            "system" => Ok(Self::System),
            "direct" => Ok(Self::Direct),
            text => text.parse().map(Self::Url),
        }
    }
}

impl fmt::Display for Proxy {
    /// As settings write it; a password appears as `…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Direct => f.write_str("direct"),
            Self::Url(url) => url.fmt(f),
        }
    }
}

/// The schemes a proxy's address may have.
pub const PROXY_SCHEMES: &[&str] = &["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The address of a proxy. Its password never prints; only [`ProxyUrl::expose`] and
/// [`ProxyUrl::password`] hand it out.
///
/// ```
/// use halo_types::ProxyUrl;
/// let proxy: ProxyUrl = "socks5h://me:p@ss/word@10.0.0.1:1080".parse()?;
/// assert_eq!(proxy.to_string(), "socks5h://me:…@10.0.0.1:1080");
/// assert_eq!(proxy.expose(), "socks5h://me:p%40ss%2Fword@10.0.0.1:1080");
/// assert_eq!("127.0.0.1:7890".parse::<ProxyUrl>()?.to_string(), "http://127.0.0.1:7890");
/// # Ok::<(), halo_types::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyUrl {
    scheme: &'static str,
    /// Percent-encoded, like the password.
    user: Option<String>,
    password: Option<String>,
    /// With the brackets of an IPv6 address.
    host: String,
    port: Option<u16>,
}

impl ProxyUrl {
    /// The scheme, one of [`PROXY_SCHEMES`].
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port: the one given, else the usual one of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            "http" => 80,
            "https" => 443,
            _ => 1080,
        })
    }

    /// The user, percent-decoded.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        self.user.as_deref().map(decode)
    }

    /// The password, percent-decoded.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        self.password.as_deref().map(decode)
    }

    /// The password as a URL holds it, percent-encoded.
    #[must_use]
    pub fn encoded_password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Whether it names a user and no password, so that one kept elsewhere may be filled in.
    #[must_use]
    pub const fn wants_password(&self) -> bool {
        self.user.is_some() && self.password.is_none()
    }

    /// The same address without its password.
    #[must_use]
    pub fn without_password(&self) -> Self {
        Self { password: None, ..self.clone() }
    }

    /// The same address with this user, as text or percent-encoded.
    #[must_use]
    pub fn with_user(&self, user: &str) -> Self {
        Self { user: Some(encode(user)), ..self.clone() }
    }

    /// The same address with this password, as text or percent-encoded.
    #[must_use]
    pub fn with_password(&self, password: &str) -> Self {
        Self { password: Some(encode(password)), ..self.clone() }
    }

    /// The whole address with its password, for the HTTP client and the keys file.
    #[must_use]
    pub fn expose(&self) -> String {
        self.write(self.password.as_deref())
    }

    /// What must be masked wherever it appears: the password in every form that is sent.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let Some(encoded) = self.password.as_ref().filter(|password| !password.is_empty()) else {
            return Vec::new();
        };
        let user = self.user().unwrap_or_default();
        let plain = decode(encoded);
        let basic = STANDARD.encode(format!("{user}:{plain}"));
        let mut secrets = vec![basic, encoded.clone(), plain];
        secrets.dedup();
        secrets
    }

    fn write(&self, password: Option<&str>) -> String {
        let mut text = format!("{}://", self.scheme);
        if let Some(user) = &self.user {
            text.push_str(user);
            if let Some(password) = password {
                text.push(':');
                text.push_str(password);
            }
            text.push('@');
        }
        text.push_str(&self.host);
        if let Some(port) = self.port {
            text.push_str(&format!(":{port}"));
        }
        text
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyError;

    /// Takes an address as people write it: an address without a scheme but with a port is an
    /// HTTP proxy, and signs in a password that a URL would not allow are encoded.
    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("http".to_owned(), text),
        };
        let scheme = PROXY_SCHEMES.iter().find(|known| **known == scheme).ok_or_else(|| {
            // What is no word may hold credentials.
            let word = scheme.len() <= 16 && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
            ProxyError::Scheme { found: if word { scheme } else { "…".to_owned() } }
        })?;
        // A password may hold every sign, the ones that end an authority among them; a host holds
        // none of them.
        let (credentials, address) = match rest.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, rest),
        };
        let address = address.strip_suffix('/').unwrap_or(address);
        let (host, port) = split_port(address)?;
        if port.is_none() && !text.contains("://") {
            return Err(ProxyError::NoAddress);
        }
        let (user, password) = match credentials.map(|c| c.split_once(':').ok_or(c)) {
            None => (None, None),
            Some(Ok((user, password))) => (Some(encode(user)), Some(encode(password))),
            Some(Err(user)) => (Some(encode(user)), None),
        };
        let controls = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| decode(text).contains(char::is_control))
        };
        if controls(&user) || controls(&password) {
            return Err(ProxyError::Credentials);
        }
        Ok(Self { scheme, user, password, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().filter(|password| !password.is_empty());
        f.write_str(&self.write(password.map(|_| "…")))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// Why a text is no proxy. It never repeats credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Not a scheme that Halo can use.
    #[error(
        "{found:?} is no kind of proxy that Halo knows; there are http, https, socks4, socks4a, socks5 and socks5h"
    )]
    Scheme {
        /// What stands before `://`.
        found: String,
    },
    /// Not `system`, `direct` or an address.
    #[error(
        "a proxy is an address such as http://host:port or socks5h://host:port, or system, or direct"
    )]
    NoAddress,
    /// The host is none.
    #[error("the proxy's address names no usable host")]
    Host,
    /// The port is none.
    #[error("the proxy's port must be a number from 1 to 65535")]
    Port,
    /// Line breaks or other control characters in user or password.
    #[error("the proxy's user and password must not hold control characters")]
    Credentials,
}

/// A text that was to be a proxy, fit to be shown: what may be credentials appears as `…`.
#[must_use]
pub fn mask_proxy(text: &str) -> String {
    let Some((before, address)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.find("://").map_or("", |end| &before[..end + 3]);
    // What stands in front of a scheme, such as the key of a settings line, may stay.
    format!("{scheme}…@{address}")
}

fn split_port(address: &str) -> Result<(&str, Option<u16>), ProxyError> {
    let (host, port) = match address.rsplit_once(':') {
        // The colons of an IPv6 address stand before its closing bracket.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (address, None),
    };
    let port = match port {
        None => None,
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Some(port),
            _ => return Err(ProxyError::Port),
        },
    };
    let good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        }
    };
    if good { Ok((host, port)) } else { Err(ProxyError::Host) }
}

/// Percent-encodes what a URL does not take in its credentials; what is encoded already stays.
fn encode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut encoded = String::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = byte == b'%' && hex_pair(bytes, at + 1).is_some();
        if escape || byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Percent-decodes; bytes that are no UTF-8 become U+FFFD.
fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        for (text, shown, exposed) in [
            ("http://proxy.example:8080", "http://proxy.example:8080", None),
            (" HTTP://Proxy.Example:8080/ ", "http://proxy.example:8080", None),
            ("127.0.0.1:7890", "http://127.0.0.1:7890", None),
            ("socks5h://[::1]:1080", "socks5h://[::1]:1080", None),
            ("socks4a://box", "socks4a://box", None),
            ("http://me@h:1", "http://me@h:1", None),
            ("http://me:@h:1", "http://me:@h:1", Some("http://me:@h:1")),
            ("http://me:geheim@h:1", "http://me:…@h:1", Some("http://me:geheim@h:1")),
            ("https://a:b:c/d?e#f@h", "https://a:…@h", Some("https://a:b%3Ac%2Fd%3Fe%23f@h")),
            ("http://a:50%25@h:1", "http://a:…@h:1", Some("http://a:50%25@h:1")),
            ("http://a:100%@h:1", "http://a:…@h:1", Some("http://a:100%25@h:1")),
        ] {
            let url: ProxyUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            // An empty password is none worth hiding.
            assert_eq!(url.to_string().replace(":@", "@"), shown.replace(":@", "@"), "{text}");
            assert_eq!(url.expose(), exposed.unwrap_or(shown), "{text}");
            assert_eq!(url.expose().parse(), Ok(url.clone()), "{text}");
            assert!(!format!("{url:?}").contains("geheim"));
        }
    }

    #[test]
    fn what_is_no_address() {
        for (text, error) in [
            ("", ProxyError::NoAddress),
            ("sytem", ProxyError::NoAddress),
            ("ftp://host:1", ProxyError::Scheme { found: "ftp".into() }),
            ("me:pw@ftp://host:1", ProxyError::Scheme { found: "…".into() }),
            ("http://", ProxyError::Host),
            ("http://u:p@", ProxyError::Host),
            ("http://a b:1", ProxyError::Host),
            ("http://h:1/path", ProxyError::Port),
            ("http://h/path", ProxyError::Host),
            ("10.0.0.1:80:90", ProxyError::Host),
            ("http://h:0", ProxyError::Port),
            ("http://h:+1", ProxyError::Port),
            ("http://h:65536", ProxyError::Port),
            ("http://[::g]:1", ProxyError::Host),
            ("http://u:a\nb@h:1", ProxyError::Credentials),
            ("http://u:a%0Ab@h:1", ProxyError::Credentials),
        ] {
            let found = text.parse::<ProxyUrl>();
            let same = match (&found, &error) {
                // An empty text names no host either; both words would do.
                (Err(ProxyError::Host), ProxyError::NoAddress) => true,
                (Err(found), want) => found == want,
                (Ok(_), _) => false,
            };
            assert!(same, "{text:?}: {found:?}");
        }
    }

    #[test]
    fn a_password_can_be_taken_out_and_put_back() {
        let url: ProxyUrl = "http://me:s3cret%21@h:1".parse().unwrap();
        let bare = url.without_password();
        assert!(bare.wants_password() && !url.wants_password());
        assert_eq!(bare.with_password("s3cret%21"), url);
        assert_eq!(url.password().as_deref(), Some("s3cret!"));
        assert_eq!(url.secrets(), ["bWU6czNjcmV0IQ==", "s3cret%21", "s3cret!"]);
        assert!(bare.secrets().is_empty());
    }

    #[test]
    fn texts_that_are_no_proxy_lose_what_may_be_a_password() {
        for (text, shown) in [
            ("ftp://me:pw@host:1", "ftp://…@host:1"),
            ("me:p/w@host:1", "…@host:1"),
            ("http://me:p@s/s@host", "http://…@host"),
            ("no credentials", "no credentials"),
        ] {
            assert_eq!(mask_proxy(text), shown);
        }
    }
}
