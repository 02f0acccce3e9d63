//! Rules as they stand in `rules/*.toml`.

use halo_types::{
    Action, Blame, Confidence, Evidence, Headers, Kind, Phase, RequestFacts, Scope, TransportClass,
    TransportFailure,
};
use serde::Deserialize;

/// One rule: what must hold, and what it then means.
///
/// Words are given in `any` (one of them), `all` (one of each group) and `absent` (none, in any
/// layer). A word matches from the beginning of a word, whatever its case, so `overload` finds
/// "overloaded"; with `|` at its end it must end there as well. A word after `#` is a code: it
/// matches a whole structured field, or stands in a text as an identifier of its own; with `*` at
/// its end it is the beginning of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The stable id, `theme-or-vendor.kind-hint.words`.
    pub id: String,
    /// What it means.
    pub kind: Kind,
    /// Which rule wins where several match: the higher one. The hundreds are tiers: within a tier
    /// the innermost layer wins.
    #[serde(default = "middling")]
    pub precedence: u16,
    /// How sure the verdict is.
    #[serde(default = "likely")]
    pub confidence: Confidence,
    /// Where it is documented or was seen.
    #[serde(default)]
    pub source: Option<String>,
    /// Errors it must recognise.
    #[serde(default)]
    pub example: Vec<Example>,
    /// Errors that look similar and must not be taken for it.
    #[serde(default)]
    pub near: Vec<Example>,
    /// Whether waiting helps, where that differs from the kind.
    #[serde(default)]
    pub transient: Option<bool>,
    /// What the fault is attached to, where that differs from the kind.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// Whose side it is on, where that differs from the kind.
    #[serde(default)]
    pub blame: Option<Blame>,
    /// The ways forward, where they differ from the kind's.
    #[serde(default)]
    pub remedies: Option<Vec<Action>>,

    /// One of these must be among the speakers.
    #[serde(default)]
    pub(crate) vendor: Vec<String>,
    /// None of these may be among the speakers.
    #[serde(default)]
    pub(crate) not_vendor: Vec<String>,
    /// One of these statuses: `429`, or `"5xx"` for a class, or `"none"`.
    #[serde(default)]
    pub(crate) status: Vec<StatusPattern>,
    /// None of these statuses.
    #[serde(default)]
    pub(crate) not_status: Vec<StatusPattern>,
    #[serde(default)]
    pub(crate) any: Vec<String>,
    #[serde(default)]
    pub(crate) all: Vec<Vec<String>>,
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    /// How far apart, in bytes, the words of `all` may stand.
    #[serde(default)]
    pub(crate) reach: Option<usize>,
    /// A pattern over the layer's text.
    #[serde(default)]
    pub(crate) regex: Option<String>,
    /// One of these faults below HTTP.
    #[serde(default)]
    pub(crate) transport: Vec<TransportClass>,
    /// One of these phases.
    #[serde(default)]
    pub(crate) phase: Vec<Phase>,
    /// Whether part of the answer had arrived.
    #[serde(default)]
    pub(crate) partial: Option<bool>,
    /// Whether pictures were sent; unknown counts as neither.
    #[serde(default)]
    pub(crate) images: Option<bool>,
    /// What the body as a whole is.
    #[serde(default)]
    pub(crate) body: Option<BodyForm>,
    /// The body as received contains one of these, to the letter.
    #[serde(default)]
    pub(crate) raw: Vec<String>,
    /// Whether a field of the body tells how long to wait.
    #[serde(default)]
    pub(crate) waits: Option<bool>,
    /// The text of the layer has at most this many bytes.
    #[serde(default)]
    pub(crate) max_len: Option<usize>,
}

fn likely() -> Confidence {
    Confidence::Likely
}

/// For a person's own rules, which come before the built-in ones anyway.
fn middling() -> u16 {
    500
}

/// A status or a class of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StatusText")]
pub(crate) enum StatusPattern {
    One(u16),
    Class(u16),
    None,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StatusText {
    Number(u16),
    Text(String),
}

impl TryFrom<StatusText> for StatusPattern {
    type Error = String;

    fn try_from(text: StatusText) -> Result<Self, String> {
        match text {
            StatusText::Number(status) => Ok(Self::One(status)),
            StatusText::Text(text) if text == "none" => Ok(Self::None),
            StatusText::Text(text) => text
                .strip_suffix("xx")
                .and_then(|class| class.parse().ok())
                .map(Self::Class)
                .ok_or_else(|| format!("{text:?} is no status; write 429, \"5xx\" or \"none\"")),
        }
    }
}

impl StatusPattern {
    pub(crate) fn matches(self, status: Option<u16>) -> bool {
        match self {
            Self::One(want) => status == Some(want),
            Self::Class(class) => status.is_some_and(|status| status / 100 == class),
            Self::None => status.is_none(),
        }
    }
}

/// What a body as a whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyForm {
    /// Nothing but white space, or `null`.
    Empty,
    /// An HTML page.
    Html,
    /// Text that is no JSON.
    Text,
    /// JSON.
    Json,
}

/// An error in a provider's own dialect, with what must come out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The HTTP status; none for a pasted text.
    #[serde(default)]
    pub status: Option<u16>,
    /// Response headers.
    #[serde(default)]
    pub headers: Headers,
    /// The body or text.
    #[serde(default)]
    pub body: String,
    /// A hint who was spoken to.
    #[serde(default)]
    pub provider: Option<String>,
    /// The fault below HTTP.
    #[serde(default)]
    pub transport: Option<TransportClass>,
    /// Where in the exchange it happened.
    #[serde(default)]
    pub phase: Option<Phase>,
    /// How many pictures were sent.
    #[serde(default)]
    pub images: Option<u32>,
    /// Characters of the answer that had arrived.
    #[serde(default)]
    pub partial_chars: u64,
    /// The kind that must come out; the rule's own for an example, another for a near-miss.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Whether it must come out as transient.
    #[serde(default)]
    pub transient: Option<bool>,
    /// The wait that must be read, in milliseconds.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// Facts that must be read.
    #[serde(default)]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

impl Example {
    /// The example as evidence.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence {
            status: self.status,
            headers: self.headers.clone(),
            body: self.body.as_str().into(),
            phase: self.phase,
            provider: self.provider.clone(),
            transport: self.transport.map(|class| TransportFailure { class, chain: Vec::new() }),
            request: RequestFacts { images: self.images, ..RequestFacts::default() },
            partial_chars: self.partial_chars,
            ..Evidence::default()
        }
    }
}

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    pub(crate) rule: Vec<Rule>,
}
