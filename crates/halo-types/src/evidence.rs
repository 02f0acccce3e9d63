//! What a failure left behind, unchanged from socket to screen.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// Everything known about one failure. Diagnosis adds to it and never replaces it.
///
/// As JSON all fields but `body` are optional and unknown fields are ignored, so a record of a
/// log can be read as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// HTTP status; `None` where no HTTP answer arrived or the text came from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Response headers in the order received; secrets masked.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Headers::is_empty"
    )]
    pub headers: Headers,
    /// The body as received, secrets masked: an HTTP body, the raw frame of a stream, or a text.
    pub body: Body,
    /// Where in the exchange it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// A hint who was spoken to, for example `openai` or a preset's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The URL that was called, without user, password and query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The fault below HTTP, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<TransportFailure>,
    /// What the request held, where the caller knows.
    #[serde(default, deserialize_with = "null_is_default")]
    pub request: RequestFacts,
    /// Characters of the answer that had arrived before the failure.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partial_chars: u64,
    /// When the failure was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether `body` was cut because it was longer than Halo keeps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl Evidence {
    /// Evidence that consists of a text alone.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { body: Body::from(text.into()), ..Self::default() }
    }

    /// Evidence of an HTTP answer.
    #[must_use]
    pub fn from_http(status: u16, headers: Headers, body: impl Into<Body>) -> Self {
        Self {
            status: Some(status),
            headers,
            body: body.into(),
            phase: Some(Phase::Body),
            ..Self::default()
        }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Where in the exchange a failure happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before a connection stood: DNS, TCP, TLS, proxy.
    Connect,
    /// Connected, but no response headers yet.
    Headers,
    /// While a whole (not streamed) body was read, error bodies included.
    Body,
    /// Inside a stream that had begun with HTTP 200.
    Stream,
}

/// A fault below HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportFailure {
    /// What kind of fault.
    pub class: TransportClass,
    /// The chain of error texts, outermost first.
    pub chain: Vec<String>,
}

/// Classes of faults below HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportClass {
    /// The host name could not be resolved.
    Dns,
    /// The connection was refused.
    Refused,
    /// No way leads to the address: no network, no route.
    Unreachable,
    /// The connection was reset or closed too early.
    Reset,
    /// The certificate or TLS settings are at fault; waiting does not help.
    Certificate,
    /// Any other TLS fault.
    Tls,
    /// A local or network proxy failed.
    Proxy,
    /// No connection in time.
    ConnectTimeout,
    /// No first byte in time.
    FirstByteTimeout,
    /// A pause inside the answer longer than allowed.
    IdleTimeout,
    /// The stream ended without its protocol's terminator.
    Truncated,
    /// The bytes were not HTTP or could not be decoded.
    Protocol,
    /// Stopped by the caller.
    Cancelled,
    /// None of these.
    Other,
}

/// What the failed request held.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RequestFacts {
    /// The model asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many pictures were sent; `None` where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<u32>,
    /// Halo's estimate of the input, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// The requested maximum output, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Whether a stream was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
}

/// Headers in the order received. Names compare without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Headers from name and value pairs.
    pub fn new<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }

    /// Adds a header at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The first value of `name`, whatever its case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Headers {
    /// A list of `[name, value]` pairs, so that order and repetition survive.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Headers {
    /// Takes a list of pairs or an object whose values are texts, numbers, booleans or lists.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadersVisitor;

        impl<'de> Visitor<'de> for HeadersVisitor {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers as an object or a list of [name, value] pairs")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some(pair) = seq.next_element::<(String, String)>()? {
                    headers.push(pair);
                }
                Ok(Headers(headers))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                    match value {
                        serde_json::Value::Array(values) => {
                            for value in values {
                                headers.push((name.clone(), header_text(value)));
                            }
                        }
                        value => headers.push((name, header_text(value))),
                    }
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_any(HeadersVisitor)
    }
}

fn header_text(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A body as received. As JSON it is a text where the bytes are UTF-8, else
/// `{"base64":"…"}`, so that nothing is lost.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Body(Vec<u8>);

impl Body {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The body as text, with U+FFFD for bytes that are not UTF-8.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        // The usual case in one fast pass.
        match std::str::from_utf8(&self.0) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(&self.0),
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.text())
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Base64Body { base64: STANDARD.encode(&self.0) }.serialize(serializer),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Base64Body {
    base64: String,
}

impl<'de> Deserialize<'de> for Body {
    /// Takes a text, `{"base64":"…"}`, null (empty), or any other JSON value, which is kept as
    /// its JSON text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::from(text)),
            serde_json::Value::Null => Ok(Self::default()),
            serde_json::Value::Object(map) if map.len() == 1 && map.contains_key("base64") => {
                let text = map["base64"].as_str().unwrap_or_default();
                STANDARD.decode(text).map(Self).map_err(de::Error::custom)
            }
            other => Ok(Self::from(other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_needs_only_its_body() {
        let evidence: Evidence = serde_json::from_str(
            r#"{"status":null,"headers":{"Retry-After":20,"x":["a","b"]},"body":"no","other":1,"request":null}"#,
        )
        .unwrap();
        assert_eq!(evidence.headers.first("retry-after"), Some("20"));
        assert_eq!(evidence.headers.iter().count(), 3);
        assert_eq!(evidence.body.text(), "no");
        assert!(serde_json::from_str::<Evidence>(r#"{"status":429}"#).is_err());
    }

    #[test]
    fn evidence_round_trips_with_bytes_that_are_not_text() {
        let evidence = Evidence {
            headers: Headers::new([("a", "1"), ("a", "2")]),
            ..Evidence::from_http(500, Headers::default(), vec![0xff, 0x00, b'x'])
        };
        let json = serde_json::to_string(&evidence).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), evidence);
    }
}
