//! What a scenario is: data read from `scenarios/*.toml`.

use std::collections::BTreeMap;
use std::fmt;

use halo_types::{Action, Kind, Lang, Parameters, Protocol, Role};
use serde::{Deserialize, Serialize};

use crate::sloppy::Sloppy;
use crate::text;

/// One model that answers, or fails, in a known way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its stable name, which is also the name of the model that plays it.
    pub id: String,
    /// The row of the reference of ten errors that it plays, if it is one of them.
    #[serde(default)]
    pub row: Option<u8>,
    /// Where it stands in a gallery.
    pub group: Group,
    /// What its error means; `None` where nothing fails.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// What a person is expected to do about it.
    #[serde(default)]
    pub way_forward: Option<Action>,
    /// Its name for people.
    pub title: Words,
    /// What happens.
    pub description: Words,
    /// What to send when it is played by a click.
    pub prompt: Words,
    /// Whether a picture goes with the prompt.
    #[serde(default)]
    pub picture: bool,
    /// Parameters to send with the prompt.
    #[serde(default)]
    pub parameters: Parameters,
    /// Earlier messages that the conversation must hold.
    #[serde(default)]
    pub history: Option<Filler>,
    /// Whether the list of models names it.
    #[serde(default = "yes")]
    pub listed: bool,
    /// What the list of models tells about it.
    #[serde(default)]
    pub facts: ModelFacts,
    /// Limits it enforces before anything is played.
    #[serde(default, skip_serializing)]
    pub(crate) limits: Limits,
    /// Its own words for refusals, by the name of the limit.
    #[serde(default, rename = "refusal", skip_serializing)]
    pub(crate) refusals: BTreeMap<String, Dialects<HttpReply>>,
    /// What happens at the first, second, … request of the same prompt. The last one repeats;
    /// an empty list answers.
    #[serde(default, rename = "play", skip_serializing)]
    pub(crate) plays: Vec<Play>,
}

impl Scenario {
    /// The earlier messages that make the scenario work, oldest first: they alternate, begin
    /// with the person and end with the model.
    #[must_use]
    pub fn history(&self, lang: Lang) -> Vec<(Role, String)> {
        let Some(filler) = self.history else { return Vec::new() };
        (0..filler.messages)
            .map(|n| {
                let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
                (role, text::filler(n, filler.tokens, lang))
            })
            .collect()
    }

    /// What the `nth` request (from 0) of the same prompt meets.
    pub(crate) fn play(&self, nth: u32) -> Act {
        let mut first = 0u32;
        for play in &self.plays {
            first = first.saturating_add(play.times);
            if nth < first {
                return play.act.clone();
            }
        }
        self.plays.last().map_or_else(|| Act::Answer(AnswerSpec::default()), |p| p.act.clone())
    }
}

fn yes() -> bool {
    true
}

/// A group of scenarios in a gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Models that answer.
    Talk,
    /// Too many requests.
    RateLimit,
    /// The conversation is too long.
    Context,
    /// Pictures.
    Picture,
    /// Money.
    Quota,
    /// Keys and rights.
    Key,
    /// Names of models.
    Model,
    /// No capacity.
    Overloaded,
    /// Faults at the provider.
    ServerError,
    /// Streams that break, stall or crawl.
    Stream,
    /// HTTP 200 without an answer.
    Answer,
    /// Answers that relays have mangled.
    Sloppy,
    /// Everything else.
    Other,
}

impl Group {
    /// The groups in the order of a gallery.
    pub const ALL: &'static [Group] = &[
        Self::Talk,
        Self::RateLimit,
        Self::Context,
        Self::Picture,
        Self::Quota,
        Self::Key,
        Self::Model,
        Self::Overloaded,
        Self::ServerError,
        Self::Stream,
        Self::Answer,
        Self::Sloppy,
        Self::Other,
    ];

    /// The stable name, as in the files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::RateLimit => "rate_limit",
            Self::Context => "context",
            Self::Picture => "picture",
            Self::Quota => "quota",
            Self::Key => "key",
            Self::Model => "model",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::Stream => "stream",
            Self::Answer => "answer",
            Self::Sloppy => "sloppy",
            Self::Other => "other",
        }
    }

    /// Its heading.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Talk => ("Models that answer", "正常回答的模型"),
            Self::RateLimit => ("Rate limits", "限流"),
            Self::Context => ("Conversation too long", "对话过长"),
            Self::Picture => ("Pictures", "图片"),
            Self::Quota => ("Quota", "额度"),
            Self::Key => ("Keys and rights", "密钥与权限"),
            Self::Model => ("Names of models", "模型名称"),
            Self::Overloaded => ("Overloaded", "服务过载"),
            Self::ServerError => ("Faults at the provider", "服务商故障"),
            Self::Stream => ("Broken, stalled and slow streams", "中断、停滞和缓慢的流"),
            Self::Answer => ("200 without an answer", "没有回答的 200"),
            Self::Sloppy => ("Careless relays", "粗心的中转站"),
            Self::Other => ("Other errors", "其他错误"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text in every language of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

impl Words {
    /// The text in `lang`.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// Earlier messages of a scenario, made up when they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filler {
    /// How many.
    pub messages: u32,
    /// How long each is, in tokens as the simulator counts them, roughly.
    pub tokens: u64,
}

/// What the list of models tells about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelFacts {
    /// The window, in tokens.
    pub context_window: Option<u64>,
    /// The longest answer, in tokens.
    pub max_output: Option<u64>,
    /// Whether it sees pictures.
    pub vision: Option<bool>,
}

/// Limits a scenario enforces by looking at the request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) context_window: Option<u64>,
    pub(crate) max_output: Option<u64>,
    pub(crate) vision: bool,
    pub(crate) refuse_parameters: Vec<String>,
    pub(crate) key: Option<String>,
    pub(crate) requests_per_minute: Option<usize>,
    /// Refuse with an event of a stream under HTTP 200 instead of an HTTP error.
    pub(crate) in_stream: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            context_window: None,
            max_output: None,
            vision: true,
            refuse_parameters: Vec::new(),
            key: None,
            requests_per_minute: None,
            in_stream: false,
        }
    }
}

/// The same thing in the words of each protocol.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialects<T> {
    pub(crate) anthropic: T,
    /// Both protocols of OpenAI report errors alike.
    pub(crate) openai: T,
    /// Without words of Google's own, a relay that speaks like OpenAI stands in front of it.
    #[serde(default = "Option::default")]
    pub(crate) gemini: Option<T>,
}

impl<T> Dialects<T> {
    pub(crate) fn get(&self, protocol: Protocol) -> &T {
        match protocol {
            Protocol::Anthropic => &self.anthropic,
            Protocol::OpenaiChat | Protocol::OpenaiResponses => &self.openai,
            Protocol::Gemini => self.gemini.as_ref().unwrap_or(&self.openai),
        }
    }

    /// All that are given.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        [&self.anthropic, &self.openai].into_iter().chain(&self.gemini)
    }
}

/// A whole HTTP answer, with `${name}` where something is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpReply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
    /// Leave out the request id that the provider itself would send.
    pub(crate) bare: bool,
    /// Send this many meaningless bytes instead of `body`.
    pub(crate) garbage_bytes: usize,
    /// Take status, headers and body from the first example of this rule of the diagnosis.
    pub(crate) from_rule: Option<String>,
}

/// What happens at some of the requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "PlayEntry")]
pub(crate) struct Play {
    /// For how many requests.
    pub(crate) times: u32,
    pub(crate) act: Act,
}

/// What happens at a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    Answer(AnswerSpec),
    Http(Dialects<HttpReply>),
    StreamError(StreamError),
    Cut(Cut),
    Stall(Stall),
}

/// An answer that arrives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnswerSpec {
    /// The words; the practice answer where none are given.
    pub(crate) text: Option<Words>,
    /// Say `text` this often.
    pub(crate) repeat: Option<usize>,
    /// Thoughts that come first.
    pub(crate) thinking: Option<Words>,
    /// Wait before the first byte.
    pub(crate) delay_ms: u64,
    /// Wait after every few words.
    pub(crate) pace_ms: Option<u64>,
    pub(crate) content_type: Option<String>,
    /// Stop early.
    pub(crate) stop_after_chars: Option<usize>,
    pub(crate) stop: PlayedStop,
    /// Call the first tool that is offered.
    pub(crate) tools: bool,
    /// The answer counts as a failure, so that the next request meets the next play.
    pub(crate) empty: bool,
    /// Mangle it as relays do.
    pub(crate) sloppy: Option<Sloppy>,
}

/// Why a played answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlayedStop {
    #[default]
    End,
    Length,
}

/// An error event inside a stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct StreamError {
    /// After this much text; 0 sends it as the first event.
    #[serde(default)]
    pub(crate) after_chars: usize,
    /// The data of the event in each protocol's words.
    #[serde(flatten)]
    pub(crate) data: Dialects<String>,
}

/// An answer that breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    /// After this much text; before the response's head where absent.
    #[serde(default)]
    pub(crate) after_chars: Option<usize>,
    pub(crate) how: CutHow,
}

/// How a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CutHow {
    /// The connection closes inside the body.
    Abort,
    /// The body ends in good order, without the protocol's terminator.
    End,
    /// The connection is reset.
    Reset,
}

/// An answer that falls silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stall {
    /// After this much text; before the response's head where absent.
    #[serde(default)]
    pub(crate) after_chars: Option<usize>,
}

/// The form of a play in the files: one of the keys, and how often.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayEntry {
    #[serde(default = "one")]
    times: u32,
    answer: Option<AnswerSpec>,
    http: Option<Dialects<HttpReply>>,
    stream_error: Option<StreamError>,
    cut: Option<Cut>,
    stall: Option<Stall>,
}

fn one() -> u32 {
    1
}

impl TryFrom<PlayEntry> for Play {
    type Error = &'static str;

    fn try_from(entry: PlayEntry) -> Result<Self, Self::Error> {
        let mut acts = [
            entry.answer.map(Act::Answer),
            entry.http.map(Act::Http),
            entry.stream_error.map(Act::StreamError),
            entry.cut.map(Act::Cut),
            entry.stall.map(Act::Stall),
        ]
        .into_iter()
        .flatten();
        match (acts.next(), acts.next()) {
            (Some(act), None) => Ok(Self { times: entry.times, act }),
            _ => Err("a play is exactly one of answer, http, stream_error, cut and stall"),
        }
    }
}
