//! From what a person types as base URL to the URLs that are called.

use halo_types::Protocol;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use crate::gemini::target::{GeminiMethod, GeminiTarget, gemini_target};

/// The URLs of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The base, in its clean form, without a slash at the end.
    pub base: String,
    /// Where chat requests go. Gemini's names the model; here it stands as `{model}`.
    pub chat: String,
    /// Where the list of models is.
    pub models: String,
}

impl Endpoints {
    /// Where a request for `model` goes.
    ///
    /// ```
    /// use halo_types::Protocol;
    /// use halo_wire::endpoint::resolve;
    ///
    /// let google = resolve(Protocol::Gemini, "generativelanguage.googleapis.com")?;
    /// assert_eq!(
    ///     google.chat_url("gemini-2.5-flash", true),
    ///     "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash\
    ///      :streamGenerateContent?alt=sse",
    /// );
    /// # Ok::<(), halo_wire::endpoint::EndpointError>(())
    /// ```
    #[must_use]
    pub fn chat_url(&self, model: &str, stream: bool) -> String {
        let Some(head) = self.chat.strip_suffix(GEMINI_CALL) else {
            return self.chat.clone();
        };
        // Vertex AI lists `publishers/google/models/…`.
        let vertex = model.strip_prefix("publishers/").and_then(|_| model.split_once("/models/"));
        let model = vertex.map_or(model.strip_prefix("models/").unwrap_or(model), |(_, id)| id);
        // Tuned models are a collection of their own.
        let is_tuned = model.starts_with("tunedModels/");
        let head = head.strip_suffix("models/").filter(|_| is_tuned).unwrap_or(head);
        let model = utf8_percent_encode(model, SEGMENT);
        // Without `alt=sse` a stream comes as one JSON list.
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        format!("{head}{model}:{method}")
    }
}

/// The end of a Gemini URL before the model is known.
const GEMINI_CALL: &str = "{model}:generateContent";

/// What is encoded in a model's name as a segment of a path. Slashes stay: tuned models have them.
const SEGMENT: &AsciiSet = &QUERY.remove(b'/').remove(b':').remove(b'@');

/// What is encoded in the value of a query.
pub(crate) const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text that is no usable base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Nothing was given.
    #[error("the base URL is empty")]
    Empty,
    /// White space or control characters inside.
    #[error("the base URL contains white space; check where it begins and ends")]
    WhiteSpace,
    /// A scheme other than http and https.
    #[error("the base URL begins with {0:?}; it has to begin with https:// or http://")]
    Scheme(String),
    /// No host.
    #[error("the base URL names no host")]
    NoHost,
    /// A host that cannot be one.
    #[error("{0:?} is no host name")]
    Host(String),
    /// A port that cannot be one.
    #[error("{0:?} is no port; it has to be a number from 1 to 65535")]
    Port(String),
    /// User or password in the URL.
    #[error("the base URL contains a user name or password; keys belong into the key field")]
    Credentials,
    /// A query or fragment that is not part of a base.
    #[error("the base URL contains {0:?}; give it without query and fragment")]
    Query(char),
    /// A path that holds what no path holds.
    #[error("the base URL contains {0:?}, which no address contains")]
    Character(char),
}

/// Path ends that people paste along with the base.
const ENDPOINTS: &[&str] = &[
    "/chat/completions",
    "/messages/count_tokens",
    "/messages",
    "/responses",
    "/completions",
    "/embeddings",
    "/models",
];

/// Finds the URLs for a base URL as a person typed it.
///
/// A missing or doubled `/v1`, slashes at the end, a full endpoint path, surrounding spaces or
/// quotes and a missing scheme are mended. Where a base has a version or a path of its own
/// (`/v1beta/openai`, `/api/paas/v4`, `/compatible-mode/v1`), that is kept. A base that ends with
/// `#` is taken as it stands: nothing is added, for servers that have no version in their paths.
///
/// # Errors
/// Where the text cannot be a base URL; the error says what is wrong with it.
///
/// ```
/// use halo_types::Protocol;
/// use halo_wire::endpoint::resolve;
///
/// let endpoints = resolve(Protocol::OpenaiChat, "api.openai.com")?;
/// assert_eq!(endpoints.chat, "https://api.openai.com/v1/chat/completions");
/// # Ok::<(), halo_wire::endpoint::EndpointError>(())
/// ```
pub fn resolve(protocol: Protocol, base: &str) -> Result<Endpoints, EndpointError> {
    let text = base.trim().trim_matches(['"', '\'', '`', '<', '>']).trim();
    if text.is_empty() {
        return Err(EndpointError::Empty);
    }
    let text = &text.replace('\\', "/");
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(EndpointError::WhiteSpace);
    }
    let (scheme, rest) = split_scheme(text)?;
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (host, port) = split_authority(authority)?;
    let scheme = scheme.unwrap_or(if is_local(&host) { "http" } else { "https" });
    let exact = path.ends_with('#');
    let path = clean_path(if protocol == Protocol::Gemini { before_model(path) } else { path })?;
    let path = if exact { path } else { with_version(protocol, &path, &host) };
    let base = format!("{scheme}://{host}{port}{path}");
    let chat = match protocol {
        Protocol::Anthropic => format!("{base}/messages"),
        Protocol::OpenaiChat => format!("{base}/chat/completions"),
        Protocol::OpenaiResponses => format!("{base}/responses"),
        Protocol::Gemini => format!("{base}/models/{GEMINI_CALL}"),
    };
    Ok(Endpoints { models: format!("{base}/models"), chat, base })
}

/// Other base URLs that the same server may answer under, likeliest first, in a form that
/// [`resolve`] takes: without and with a version, and where relays like to mount the API. Empty for
/// a text that is no base URL.
///
/// ```
/// use halo_types::Protocol;
/// use halo_wire::endpoint::variants;
///
/// let others = variants(Protocol::OpenaiChat, "https://relay.example/openai/v1");
/// assert_eq!(others[..2], ["https://relay.example/openai#", "https://relay.example/v1"]);
/// ```
#[must_use]
pub fn variants(protocol: Protocol, base: &str) -> Vec<String> {
    let Ok(given) = resolve(protocol, base) else { return Vec::new() };
    let Some((scheme, rest)) = given.base.split_once("://") else { return Vec::new() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    while segments.last().is_some_and(|last| is_version(last)) {
        segments.pop();
    }
    let own = segments.iter().fold(String::new(), |path, segment| path + "/" + segment);
    let version = if protocol == Protocol::Gemini { "/v1beta" } else { "/v1" };
    let mounts: &[&str] = match protocol {
        Protocol::Anthropic => &["", "/api", "/anthropic", "/api/anthropic"],
        Protocol::OpenaiChat | Protocol::OpenaiResponses => {
            &["", "/api", "/openai", "/api/openai", "/compatible-mode"]
        }
        Protocol::Gemini => &["", "/gemini", "/api", "/google"],
    };
    let mut found = Vec::new();
    let mut add = |path: String| {
        let url = format!("{scheme}://{authority}{path}");
        let new = resolve(protocol, &url).is_ok_and(|other| other.base != given.base);
        if new && !found.contains(&url) {
            found.push(url);
        }
    };
    add(format!("{own}{version}"));
    add(format!("{own}#"));
    for mount in mounts {
        add(format!("{mount}{version}"));
    }
    add("/api#".to_owned());
    found
}

fn split_scheme(text: &str) -> Result<(Option<&'static str>, &str), EndpointError> {
    // `https:/host` and `https//host` are slips of the finger.
    let lower = text.to_ascii_lowercase();
    for (scheme, name) in [("https", "https"), ("http", "http")] {
        if let Some(rest) = lower.strip_prefix(scheme) {
            let slashes = rest.trim_start_matches(':').trim_start_matches('/');
            let between = rest.len() - slashes.len();
            let separator = &rest[..between];
            if separator.contains('/') || (separator == ":" && !starts_with_port(slashes)) {
                return Ok((Some(name), &text[scheme.len() + between..]));
            }
        }
    }
    match text.split_once("://") {
        Some((scheme, _)) if !scheme.contains(['/', '.', '?']) => {
            Err(EndpointError::Scheme(format!("{}://", shorten(scheme))))
        }
        _ => Ok((None, text.trim_start_matches('/'))),
    }
}

/// `http:8080` would be a host named http.
fn starts_with_port(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < text.len() && (digits.is_empty() || digits.starts_with('/'))
}

/// The host in lower case and the port with its colon, empty where none was given.
fn split_authority(authority: &str) -> Result<(String, String), EndpointError> {
    if authority.contains('@') {
        return Err(EndpointError::Credentials);
    }
    let bad_host = || EndpointError::Host(shorten(authority));
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (inner, port) = rest.split_once(']').ok_or_else(bad_host)?;
        inner.parse::<std::net::Ipv6Addr>().map_err(|_| bad_host())?;
        (format!("[{}]", inner.to_ascii_lowercase()), port)
    } else {
        let at = authority.find(':').unwrap_or(authority.len());
        let (host, port) = authority.split_at(at);
        if host.is_empty() {
            return Err(EndpointError::NoHost);
        }
        // Non-ASCII names are turned into punycode by the HTTP client.
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
        let empty_label = host.trim_end_matches('.').split('.').any(str::is_empty);
        if !host.chars().all(fits) || empty_label {
            return Err(bad_host());
        }
        (host.to_lowercase(), port)
    };
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, String::new())),
        None => Err(bad_host()),
        Some("") => Ok((host, String::new())),
        Some(digits) => match digits.parse::<u16>() {
            Ok(number) if number > 0 => Ok((host, format!(":{number}"))),
            _ => Err(EndpointError::Port(shorten(digits))),
        },
    }
}

/// The path of a Gemini URL up to the model, if it names one, with or without a method.
fn before_model(path: &str) -> &str {
    let lower = path.to_ascii_lowercase();
    let at = ["/models/", "/tunedmodels/"].iter().filter_map(|name| lower.find(name)).min();
    at.map_or(path, |at| &path[..at])
}

/// The path with single slashes, without a slash or an endpoint at its end.
fn clean_path(path: &str) -> Result<String, EndpointError> {
    let path = path.trim_end_matches(['?', '#']);
    for c in path.chars() {
        match c {
            '?' | '#' => return Err(EndpointError::Query(c)),
            '"' | '<' | '>' | '{' | '}' | '|' | '^' | '`' => {
                return Err(EndpointError::Character(c));
            }
            _ => {}
        }
    }
    let mut clean = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        clean.push('/');
        clean.push_str(segment);
    }
    // More than once: pasted endpoints come doubled, too.
    while let Some(base) = ENDPOINTS.iter().find_map(|end| strip_suffix(&clean, end)) {
        clean.truncate(base);
    }
    Ok(clean)
}

fn strip_suffix(path: &str, end: &str) -> Option<usize> {
    let at = path.len().checked_sub(end.len())?;
    path.get(at..).filter(|tail| tail.eq_ignore_ascii_case(end)).map(|_| at)
}

/// Adds the version a base lacks and takes away the one it has twice.
fn with_version(protocol: Protocol, path: &str, host: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    while let [.., before, last] = segments.as_slice() {
        if is_version(last) && last.eq_ignore_ascii_case(before) {
            segments.pop();
        } else {
            break;
        }
    }
    // Some vendors' bases are known to have a path of their own that people leave out.
    if segments.is_empty() {
        match (protocol, host) {
            (Protocol::OpenaiChat, "generativelanguage.googleapis.com") => {
                segments = vec!["v1beta", "openai"];
            }
            (Protocol::OpenaiChat, "openrouter.ai") => segments = vec!["api"],
            (Protocol::OpenaiChat, "api.groq.com") => segments = vec!["openai"],
            (Protocol::Anthropic, "api.deepseek.com") => segments = vec!["anthropic"],
            _ => {}
        }
    }
    if protocol == Protocol::Gemini {
        gemini_segments(&mut segments, host);
    }
    if protocol == Protocol::OpenaiChat
        && host == "generativelanguage.googleapis.com"
        && segments.last().is_some_and(|last| is_version(last))
    {
        segments.push("openai");
    }
    let complete = match protocol {
        // Every server of this protocol answers under /v1/messages, whatever stands before.
        Protocol::Anthropic => segments.last().is_some_and(|last| is_version(last)),
        Protocol::Gemini => {
            segments.last().is_some_and(|last| is_version(last)) || segments.contains(&"publishers")
        }
        Protocol::OpenaiChat | Protocol::OpenaiResponses => {
            segments.iter().any(|segment| is_version(segment))
                // Gateways that mount the whole API elsewhere say so in the last segment.
                || segments.last().is_some_and(|last| matches!(*last, "compat" | "inference"))
                || matches!(host, "api.perplexity.ai" | "api.githubcopilot.com")
        }
    };
    if !complete {
        segments.push(if protocol == Protocol::Gemini { "v1beta" } else { "v1" });
    }
    segments.iter().fold(String::new(), |path, segment| path + "/" + segment)
}

/// Mends what is peculiar to Gemini's bases: the base of the interface in OpenAI's form is taken
/// for another, and Vertex AI wants the models' publisher:
/// <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>. Without
/// a project that is its express mode.
fn gemini_segments(segments: &mut Vec<&str>, host: &str) {
    if let [.., before, "openai"] = segments.as_slice()
        && is_version(before)
    {
        segments.pop();
    }
    let is_vertex = host == "aiplatform.googleapis.com"
        || host.ends_with("-aiplatform.googleapis.com")
        || (segments.contains(&"projects") && segments.contains(&"locations"));
    if is_vertex && !segments.contains(&"publishers") {
        if !segments.iter().any(|segment| is_version(segment)) {
            segments.insert(0, "v1");
        }
        segments.extend(["publishers", "google"]);
    }
}

/// `v1`, `v4`, `v1beta`, `v1alpha1`.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix(['v', 'V']) else {
        return false;
    };
    let tail = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    tail.len() < rest.len()
        && (tail.is_empty() || tail.starts_with("beta") || tail.starts_with("alpha"))
}

/// Whether a host without a scheme is one that hardly speaks TLS: this machine or the local
/// network.
fn is_local(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok_and(|address| {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        });
    }
    if let Ok(address) = host.parse::<std::net::Ipv4Addr>() {
        return address.is_loopback()
            || address.is_private()
            || address.is_link_local()
            || address.is_unspecified();
    }
    host == "localhost"
        || host.ends_with(".localhost")
        || host.ends_with(".local")
        || host.ends_with(".lan")
        || host.ends_with(".internal")
        || !host.contains('.')
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
