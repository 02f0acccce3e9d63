//! A message: the person's words as typed, an answer as Markdown.

use std::sync::Arc;

use askama::Template;
use halo_engine::{Mend, MessageView};
use halo_types::{
    ConversationId, Ending, ImageRef, Instead, Kind, MessageId, Part, Protocol, Role, StopReason,
};

use super::files;
use super::{Piece, Setting, duration, money, tokens};
use crate::clock;
use crate::error::PageError;
use crate::strings::Words;

/// A person's text longer than this many characters is folded.
const FOLD_CHARS: usize = 2400;
/// And one of more lines than this.
const FOLD_LINES: usize = 40;

/// A part of a message, ready to be shown.
enum Shown<'a> {
    /// An answer's Markdown as HTML.
    Html(Arc<str>),
    /// Text as typed.
    Plain(&'a str),
    /// The beginning of a long text, and all of it.
    Folded { head: &'a str, whole: &'a str },
    /// A text file that was attached.
    File { name: &'a str, size: String, raw: &'a str },
    /// A thought.
    Thinking(&'a str),
    /// A thought the provider hides.
    HiddenThinking,
    /// A picture.
    Picture(&'a ImageRef),
    /// A call of a tool, or its result.
    Tool { label: String, text: &'a str },
    /// Something that cannot be shown.
    Unknown(String),
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessageTemplate<'a> {
    words: Words,
    conversation: ConversationId,
    view: &'a MessageView,
    role: &'static str,
    parts: Vec<Shown<'a>>,
    pictures: Vec<&'a ImageRef>,
    model: Option<String>,
    reported: Option<&'a str>,
    /// By whom it was answered, and why not by the first choice.
    instead: Option<String>,
    at: String,
    at_iso: String,
    usage: Option<String>,
    /// How long it thought, in words.
    thought: Option<String>,
    ending: &'static str,
    ending_text: Option<String>,
    /// The words that came twice, shortened.
    repeated: String,
    /// How it is sent otherwise than it stands here, in words.
    mended: Vec<String>,
    can_continue: bool,
    can_resend: bool,
    siblings: Option<Siblings>,
}

/// The place of a message among the alternatives to it.
struct Siblings {
    /// `2/3`
    text: String,
    previous: Option<MessageId>,
    next: Option<MessageId>,
}

fn siblings(view: &MessageView) -> Option<Siblings> {
    let all = &view.siblings;
    let at = all.iter().position(|id| *id == view.message.id)?;
    (all.len() > 1).then(|| Siblings {
        text: format!("{}/{}", at + 1, all.len()),
        previous: at.checked_sub(1).map(|before| all[before]),
        next: all.get(at + 1).copied(),
    })
}

pub(super) fn piece(
    conversation: ConversationId,
    view: &MessageView,
    card_follows: bool,
    setting: &Setting<'_>,
) -> Result<Piece, PageError> {
    let message = &view.message;
    let words = setting.words;
    let is_answer = message.role == Role::Assistant;
    let scope = message.id.to_string();
    let mut parts = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text } if is_answer => {
                parts.push(Shown::Html(setting.renderer.render(text, &scope)));
            }
            Part::Text { text } => {
                let (typed, files) = files::split(text);
                if !typed.is_empty() || files.is_empty() {
                    parts.push(plain(typed));
                }
                parts.extend(files.into_iter().map(|file| Shown::File {
                    name: file.name,
                    size: words.t1("file-size", "size", file.size.div_ceil(1000)),
                    raw: file.raw,
                }));
            }
            Part::Image(image) if is_answer => parts.push(Shown::Picture(image)),
            // A person's pictures stand together above the text.
            Part::Image(_) => {}
            // A signature over the part that follows; nothing was thought.
            Part::Thinking { text, redacted: None, protocol: Some(Protocol::Gemini), .. }
                if text.is_empty() => {}
            Part::Thinking { text, .. } if text.trim().is_empty() => {
                parts.push(Shown::HiddenThinking);
            }
            Part::Thinking { text, .. } => parts.push(Shown::Thinking(text)),
            Part::ToolCall { name, arguments, .. } => {
                let label = words.t1("message-tool-call", "name", name);
                parts.push(Shown::Tool { label, text: arguments });
            }
            Part::ToolResult { text, is_error, .. } => {
                let key = if *is_error { "message-tool-error" } else { "message-tool-result" };
                parts.push(Shown::Tool { label: words.t(key), text });
            }
            Part::Unknown { protocol, .. } => {
                parts.push(Shown::Unknown(words.t1("message-unknown-part", "protocol", protocol)));
            }
        }
    }
    let (ending, ending_key) = ending(message.ending.as_ref());
    let origin = message.origin.as_ref();
    let template = MessageTemplate {
        words,
        conversation,
        view,
        role: if is_answer { "assistant" } else { "user" },
        parts,
        pictures: if is_answer { Vec::new() } else { message.images().collect() },
        model: origin.map(|origin| setting.model_name(&origin.target)),
        reported: origin
            .and_then(|o| o.model_reported.as_deref().filter(|name| *name != o.target.model)),
        instead: view.instead.as_ref().map(|why| instead(why, view, setting)),
        at: setting.zone.time_text(message.at),
        at_iso: clock::rfc3339(message.at),
        usage: usage(words, view),
        thought: view
            .thinking_ms
            .filter(|_| is_answer)
            .map(|ms| words.t1("message-thought", "duration", duration(ms))),
        ending,
        ending_text: ending_key.map(|key| words.t(key)),
        repeated: shortened(&view.repeated),
        mended: view.mended.iter().map(|mend| words.t(mended(*mend))).collect(),
        can_continue: view.can_continue && !card_follows,
        can_resend: view.can_resend && !card_follows,
        siblings: siblings(view),
    };
    Ok(Piece::new(format!("m-{}", message.id), template.render()?))
}

/// By whom an answer was written, and why not by the first choice: named by what differs, the key,
/// the provider or the model.
fn instead(why: &Instead, view: &MessageView, setting: &Setting<'_>) -> String {
    let words = setting.words;
    let by = view.message.origin.as_ref().map_or(&why.target, |origin| &origin.target);
    let number = |key: Option<u32>| words.t1("instead-key", "n", key.unwrap_or(1));
    let (by, first) = if *by == why.target {
        (number(view.key), number(why.key))
    } else if by.model == why.target.model {
        let at = |target| {
            let provider = setting.provider_of(target);
            words.t2("instead-at", ("model", &setting.model_name(target)), ("provider", &provider))
        };
        (at(by), at(&why.target))
    } else {
        (setting.model_name(by), setting.model_name(&why.target))
    };
    let reason = words.t(reason(why.kind));
    match why.until {
        None => words.t_all("message-instead", [("by", &by), ("first", &first), ("why", &reason)]),
        Some(until) => words.t_all(
            "message-instead-until",
            [
                ("by", &by),
                ("first", &first),
                ("why", &reason),
                ("time", &setting.zone.time_text(until)),
            ],
        ),
    }
}

/// The key of the words for why a place was not asked, or not any more.
fn reason(kind: Kind) -> &'static str {
    match kind {
        Kind::RateLimited => "instead-rate-limited",
        Kind::QuotaExhausted => "instead-quota-exhausted",
        Kind::InvalidApiKey => "instead-invalid-api-key",
        Kind::AccountDisabled => "instead-account-disabled",
        Kind::PermissionDenied => "instead-permission-denied",
        Kind::RegionUnsupported => "instead-region-unsupported",
        Kind::ModelNotFound => "instead-model-not-found",
        Kind::EndpointNotFound => "instead-endpoint-not-found",
        Kind::Overloaded => "instead-overloaded",
        Kind::ServerError => "instead-server-error",
        Kind::Timeout => "instead-timeout",
        Kind::Network => "instead-network",
        Kind::StreamInterrupted => "instead-stream-interrupted",
        Kind::InvalidResponse => "instead-invalid-response",
        Kind::ContextLengthExceeded => "instead-context-length-exceeded",
        Kind::ImageUnsupported => "instead-image-unsupported",
        _ => "instead-other",
    }
}

/// A text of at most some 120 characters, its middle left out.
fn shortened(text: &str) -> String {
    const END: usize = 60;
    let chars: Vec<char> = text.trim().chars().collect();
    if chars.len() <= 2 * END {
        return chars.into_iter().collect();
    }
    let (head, tail) = (&chars[..END], &chars[chars.len() - END..]);
    head.iter().chain([&' ', &'…', &' ']).chain(tail).collect()
}

/// The key of the words for what was mended.
fn mended(mend: Mend) -> &'static str {
    match mend {
        Mend::ForeignThinking => "mended-foreign-thinking",
        Mend::ForeignBlock => "mended-foreign-block",
        Mend::EmptyMessage => "mended-empty-message",
        Mend::Joined => "mended-joined",
        Mend::Opening => "mended-opening",
        Mend::CallWithoutResult => "mended-call-without-result",
        Mend::ResultWithoutCall => "mended-result-without-call",
    }
}

fn plain(text: &str) -> Shown<'_> {
    let by_chars = text.char_indices().nth(FOLD_CHARS).map(|(at, _)| at);
    let by_lines = text.match_indices('\n').nth(FOLD_LINES).map(|(at, _)| at);
    match by_chars.into_iter().chain(by_lines).min() {
        Some(end) => Shown::Folded { head: &text[..end], whole: text },
        None => Shown::Plain(text),
    }
}

/// The name of an ending and the key of its words; most answers end without any.
fn ending(ending: Option<&Ending>) -> (&'static str, Option<&'static str>) {
    match ending {
        None => ("", None),
        Some(Ending::Stopped) => ("stopped", Some("ending-stopped")),
        Some(Ending::Interrupted) => ("interrupted", Some("ending-interrupted")),
        Some(Ending::Complete { stop }) => match stop {
            StopReason::Length => ("length", Some("ending-length")),
            StopReason::Context => ("context", Some("ending-context")),
            StopReason::Filter => ("filter", Some("ending-filter")),
            StopReason::Refusal => ("refusal", Some("ending-refusal")),
            StopReason::End | StopReason::Tool | StopReason::Other { .. } => ("complete", None),
        },
    }
}

fn usage(words: Words, view: &MessageView) -> Option<String> {
    let usage = view.message.usage?;
    // A broken answer carries the figures of its beginning, which count no output yet.
    match (usage.input, usage.output.filter(|output| *output > 0)) {
        (Some(input), Some(output)) => {
            let (input, output) = (tokens(input), tokens(output));
            let text = words.t2("message-usage", ("input", &input), ("output", &output));
            Some(match view.cost.filter(|cost| *cost > 0) {
                Some(cost) => {
                    format!("{text} · {}", words.t1("message-cost", "cost", money(cost)))
                }
                None => text,
            })
        }
        (None, Some(output)) => Some(words.t1("message-usage-output", "output", tokens(output))),
        _ => None,
    }
}
