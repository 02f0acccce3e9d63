//! One request, ready to leave.

use std::fmt;

use halo_types::{Protocol, RequestFacts};

/// The HTTP methods that providers' APIs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read something: a list of models.
    Get,
    /// Ask the model.
    Post,
}

/// One request. It is sent once, as it is.
///
/// `content-type`, `accept` and `user-agent` are added where `headers` does not name them.
#[derive(Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The full URL.
    pub url: String,
    /// Headers, credentials included. Values of credential headers never appear in evidence.
    pub headers: Vec<(String, String)>,
    /// The body as encoded.
    pub body: Vec<u8>,
    /// The protocol that decodes the answer.
    pub protocol: Protocol,
    /// Further secrets to mask wherever they appear, besides those in `headers`.
    pub known_secrets: Vec<String>,
    /// The hint for [`Evidence::provider`](halo_types::Evidence::provider).
    pub provider: Option<String>,
    /// What the request holds; copied into evidence.
    pub request: RequestFacts,
}

impl Call {
    /// A request with a JSON body.
    #[must_use]
    pub fn post(url: impl Into<String>, protocol: Protocol, body: Vec<u8>) -> Self {
        Self { method: Method::Post, body, ..Self::get(url, protocol) }
    }

    /// A request without a body.
    #[must_use]
    pub fn get(url: impl Into<String>, protocol: Protocol) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            protocol,
            known_secrets: Vec::new(),
            provider: None,
            request: RequestFacts::default(),
        }
    }
}

impl fmt::Debug for Call {
    /// Leaves out everything that may hold a secret or the conversation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("protocol", &self.protocol)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
