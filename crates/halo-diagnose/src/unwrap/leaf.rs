//! What a text, number or flag of a value means, by the keys above it.

use super::{Key, Wait, contains_ci};
use crate::text::Text;

/// How many words of a path are kept.
const MAX_PATH: usize = 6;

/// A text, number or flag of a value.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The keys above it.
    pub(super) path: Path,
    /// Its words, unescaped.
    pub(super) words: Words,
    /// Whether it was in quotes.
    pub(super) quoted: bool,
}

/// The words of a leaf: most need no unescaping and stay where they are.
#[derive(Debug)]
pub(super) enum Words {
    /// A range of the text that was read.
    There(usize, usize),
    /// Unescaped.
    Own(Box<Text>),
}

/// Keys as ranges of the text that was read, innermost last; list items have none of their own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Path {
    keys: [(u32, u32); MAX_PATH],
    len: usize,
    /// The leaf is the name of an error that stood as a key.
    names: bool,
}

/// What a leaf says, beside the text that it was read from.
pub(super) struct Said<'t> {
    source: &'t Text,
    leaf: &'t Leaf,
    /// The key in small letters; empty where it is too long to have a meaning.
    name: &'t str,
}

/// The longest key with a meaning of its own.
pub(super) const MAX_NAME: usize = 24;

impl Leaf {
    /// The leaf read beside its text; `name` is room for its key.
    pub(super) fn said<'t>(&'t self, source: &'t Text, name: &'t mut [u8; MAX_NAME]) -> Said<'t> {
        let key = if self.path.names { "__type" } else { self.path.last(source) };
        let room = name.get_mut(..key.len()).unwrap_or_default();
        if !room.is_empty() {
            room.copy_from_slice(key.as_bytes());
            room.make_ascii_lowercase();
        }
        Said { source, leaf: self, name: std::str::from_utf8(room).unwrap_or_default() }
    }
}

impl Path {
    /// The path of a leaf that is the name of an error.
    pub(super) fn of_name() -> Self {
        Self { names: true, ..Self::default() }
    }

    /// Goes below a key; false where the path is too deep to note it.
    pub(super) fn push(&mut self, (start, end): (usize, usize)) -> bool {
        let fits = self.len < MAX_PATH;
        if fits {
            self.keys[self.len] = (offset(start), offset(end));
            self.len += 1;
        }
        fits
    }

    pub(super) fn pop(&mut self) {
        self.len -= 1;
    }

    fn last<'t>(&self, source: &'t Text) -> &'t str {
        self.len.checked_sub(1).map_or("", |at| self.key(source, at))
    }

    fn key<'t>(&self, source: &'t Text, at: usize) -> &'t str {
        let (start, end) = self.keys[at];
        &source.as_str()[start as usize..end as usize]
    }
}

/// Fields whose `seconds` tell how long to wait.
pub(super) const DELAYS: &[&str] = &["retrydelay", "retry_delay"];

impl<'t> Said<'t> {
    pub(super) fn as_str(&self) -> &'t str {
        match &self.leaf.words {
            Words::There(start, end) => &self.source.as_str()[*start..*end],
            Words::Own(text) => text.as_str(),
        }
    }

    /// The text that the words are a part of, and the part.
    pub(super) fn place(&self) -> (&'t Text, usize, usize) {
        match &self.leaf.words {
            Words::There(start, end) => (self.source, *start, *end),
            Words::Own(text) => (text, 0, text.len()),
        }
    }

    /// The words as a text of their own.
    pub(super) fn to_text(&self) -> Text {
        let (text, start, end) = self.place();
        text.slice(start, end)
    }

    fn under(&self, names: &[&str]) -> bool {
        let path = &self.leaf.path;
        let above = path.len.saturating_sub(1);
        (0..above).any(|at| {
            let key = path.key(self.source, at);
            names.iter().any(|name| key.eq_ignore_ascii_case(name))
        })
    }

    /// What the request said, what a model wrote, and where a program stands: not the error.
    pub(super) fn is_noise(&self) -> bool {
        match self.name {
            "failed_generation" | "input" | "prompt" | "prompts" | "documentation_url"
            | "doc_url" | "user_id" | "timestamp" | "created" | "fingerprint"
            | "system_fingerprint" | "isretryable" | "arguments" | "tool_choice"
            | "cost_breakdown" | "usage" | "parentid" | "@type" | "links" | "level"
            | "severity" | "ts" | "time" | "@timestamp" | "logger" | "caller" | "hostname"
            | "pid" | "requestbodyvalues" | "extendedrequestid" | "cfid" => true,
            "object" => self.as_str() != "error",
            "content" | "text" | "reasoning_content" => {
                self.under(&["choices", "candidates", "delta", "messages", "contents", "content"])
            }
            _ => {
                self.leaf.path.len > 1
                    && self.under(&[
                        "usage",
                        "links",
                        "requestBodyValues",
                        "safetyRatings",
                        "tools",
                        "request_body",
                    ])
            }
        }
    }

    pub(super) fn is_word(&self) -> bool {
        self.leaf.quoted || self.as_str().chars().any(char::is_alphabetic) && !self.is_flag()
    }

    fn is_flag(&self) -> bool {
        matches!(
            self.as_str(),
            "null" | "None" | "true" | "false" | "True" | "False" | "undefined" | "nil" | "none"
        )
    }

    /// The meaning of the field, if its key has one.
    pub(super) fn key(&self) -> Option<Key> {
        let value = self.as_str();
        let identifier = || {
            !value.is_empty()
                && value.len() <= 96
                && !self.is_flag()
                && (value.len() <= 48 || !value.contains(char::is_whitespace))
                && !value.contains('{')
        };
        match self.name {
            "code"
            | "error_code"
            | "errcode"
            | "err_code"
            | "errorcode"
            | "error_type"
            | "errortype"
            | "type"
            | "__type"
            | "status"
            | "reason"
            | "status_code"
            | "statuscode"
            | "http_code"
            | "httpstatus"
            | "http_status"
            | "raw_status_code"
            | "blockreason"
            | "finishreason"
            | "finish_reason"
            | "stop_reason"
            | "native_finish_reason"
            | "errno"
            | "name"
            | "title"
            | "error_class"
            | "quotaid"
            | "bizcode"
            | "event"
            | "statustext"
            | "errortitle"
            | "ret"
            | "subtype"
            | "category" => identifier().then_some(Key::Code),
            // `{"error":"invalid_api_key"}`, `{"error":"Unauthorized"}`, `{"error":"server_error"}`
            "error" | "detail" | "message" => (identifier()
                && !value.contains(' ')
                && (value.contains('_') || value.contains('.')))
            .then_some(Key::Code),
            // `"loc":["body","reasoning_effort"]` of FastAPI.
            "loc" => (identifier() && !["body", "query", "path", "header"].contains(&value))
                .then_some(Key::Param),
            "param" | "parameter" => (identifier() && !value.is_empty()).then_some(Key::Param),
            "model" | "model_id" | "modelid" | "model_name" => {
                (identifier() && !self.is_flag()).then_some(Key::Model)
            }
            "request_id" | "requestid" | "req_id" | "x-request-id" | "requestid:" | "log_id"
            | "trace_id" | "sid" => identifier().then_some(Key::RequestId),
            "n_ctx" | "max_model_len" | "context_window" => Some(Key::Window),
            "n_prompt_tokens" | "prompt_tokens_count" => Some(Key::Sent),
            // `"retryDelay":{"seconds":28}`, also as gRPC prints it: `retry_delay { seconds: 28 }`.
            "seconds" if self.under(DELAYS) => Some(Key::Wait(Wait::Seconds)),
            "retrydelay"
            | "retry_after"
            | "retry-after"
            | "retryafter"
            | "retry_after_seconds"
            | "retryafterseconds"
            | "retry_after_secs"
            | "reset_in_seconds"
            | "resets_in_seconds"
            | "estimated_time"
            | "wait_seconds" => Some(Key::Wait(Wait::Seconds)),
            "retry_after_ms" | "retry-after-ms" | "retryafterms" => Some(Key::Wait(Wait::Millis)),
            "resets_at" | "reset_at" | "resetat" | "reset_time" | "resettime"
            | "x-ratelimit-reset" => Some(Key::Wait(Wait::Instant)),
            _ => None,
        }
    }

    /// The HTTP error status, for fields that hold one.
    pub(super) fn status(&self) -> Option<u16> {
        let fits = matches!(
            self.name,
            "code"
                | "status"
                | "status_code"
                | "statuscode"
                | "http_code"
                | "httpstatus"
                | "http_status"
                | "raw_status_code"
                | "error_code"
        );
        let value = self.as_str();
        if !fits || value.len() < 3 {
            return None;
        }
        let digits = value.get(..3)?;
        let rest = value[3..].bytes().next();
        if rest.is_some_and(|b| b != b' ') {
            return None;
        }
        digits.parse().ok().filter(|status| (400..600).contains(status))
    }

    /// Whether the text may hold another value, a page or a stream.
    pub(super) fn may_hide_more(&self) -> bool {
        let s = self.as_str();
        s.len() > 5
            && (memchr::memchr2(b'{', b'[', s.as_bytes()).is_some()
                || memchr::memchr(b'<', s.as_bytes()).is_some()
                    && (contains_ci(s, "<html") || contains_ci(s, "<!doctype"))
                || s.starts_with("data:")
                || memchr::memchr(b'\n', s.as_bytes()).is_some() && s.contains("data:"))
    }
}

/// Texts are cut long before 4 GiB, so offsets fit.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
