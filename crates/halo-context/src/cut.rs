//! A conversation as passages to read, and chunks of them that fit.

use std::collections::VecDeque;

use halo_types::{ChatRequest, Part, RequestMessage, Role};

use crate::Estimator;
use crate::tokens::{Rough, floor_boundary};

/// Something somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Who, or which summary it is.
    pub(crate) label: String,
    /// Whether it goes on with a passage that was cut.
    pub(crate) goes_on: bool,
    pub(crate) text: String,
}

impl Passage {
    pub(crate) fn new(label: impl Into<String>, text: String) -> Self {
        Self { label: label.into(), goes_on: false, text }
    }

    fn write(&self, out: &mut String) {
        let goes_on = if self.goes_on { " (goes on)" } else { "" };
        out.push_str(&format!("{}{goes_on}:\n{}\n\n", self.label, self.text));
    }
}

/// The passages as one text.
pub(crate) fn written(passages: &[Passage]) -> String {
    let mut text = String::new();
    for passage in passages {
        passage.write(&mut text);
    }
    text
}

/// The messages of a request as texts: pictures and tools become words, thoughts are left out, so
/// that any model can read them and any of them can be cut. Roles alternate as before.
pub(crate) fn as_texts(request: ChatRequest) -> Vec<RequestMessage> {
    let message = |message: RequestMessage| {
        let mut texts: Vec<String> = Vec::new();
        for part in message.parts {
            texts.push(match part {
                Part::Text { text } => text,
                Part::Image(image) => match image.name {
                    Some(name) => format!("[a picture: {name}]"),
                    None => "[a picture]".to_owned(),
                },
                Part::ToolCall { name, arguments, .. } => {
                    format!("[Asked the tool {name}: {arguments}]")
                }
                Part::ToolResult { text, .. } => format!("[The tool answered: {text}]"),
                Part::Thinking { .. } | Part::Unknown { .. } => continue,
            });
        }
        let mut text = texts.join("\n\n");
        if text.trim().is_empty() {
            "[no words]".clone_into(&mut text);
        }
        RequestMessage { role: message.role, parts: vec![Part::text(text)] }
    };
    request.messages.into_iter().map(message).collect()
}

/// The passages of messages that are texts.
pub(crate) fn passages(messages: &[RequestMessage]) -> VecDeque<Passage> {
    let passage = |message: &RequestMessage| {
        let who = match message.role {
            Role::User => "Person",
            Role::Assistant => "Model",
        };
        let texts = message.parts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        Passage::new(who, texts.collect::<Vec<_>>().join("\n\n"))
    };
    messages.iter().map(passage).collect()
}

/// Takes as many passages from the front as fit the budget; one that is too long by itself is cut,
/// and its rest stays in front. At least some of it is taken, so that cutting ends.
pub(crate) fn take(
    rest: &mut VecDeque<Passage>,
    budget: u64,
    estimator: &Estimator<'_>,
) -> Vec<Passage> {
    let mut taken = Vec::new();
    let mut left = budget;
    while let Some(passage) = rest.pop_front() {
        // The frame of a passage: its label and what stands around it.
        let frame = Rough::of(&passage.label) + 6;
        let size = size(&passage.text, left, estimator).saturating_add(frame);
        if size <= left {
            left -= size;
            taken.push(passage);
            continue;
        }
        // A short passage waits for the next chunk; a long one would leave this one half empty.
        if taken.is_empty() || left > budget / 2 {
            let room = left.saturating_sub(frame);
            let (head, tail) = split(passage, room, estimator);
            if let Some(tail) = tail {
                rest.push_front(tail);
            }
            taken.push(head);
        } else {
            rest.push_front(passage);
        }
        break;
    }
    taken
}

/// The tokens of a text; of one that is far beyond `enough` only that it is.
fn size(text: &str, enough: u64, estimator: &Estimator<'_>) -> u64 {
    // No token has more than some dozen bytes on average over a longer text.
    let most = usize::try_from(enough).unwrap_or(usize::MAX).saturating_mul(16);
    if text.len() > most.saturating_add(1_024) { u64::MAX } else { estimator.passing_text(text) }
}

/// Cuts a passage so that its head has about `room` tokens, at the end of a paragraph, a line, a
/// sentence or a word if there is one.
pub(crate) fn split(
    passage: Passage,
    room: u64,
    estimator: &Estimator<'_>,
) -> (Passage, Option<Passage>) {
    let text = &passage.text;
    let mut rough = Rough::default();
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        rough.add(c);
        if rough.tokens() > room {
            end = at;
            break;
        }
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    loop {
        end = place(text, end).max(first);
        if end <= first || estimator.passing_text(&text[..end]) <= room {
            break;
        }
        end = floor_boundary(text, end - end.div_ceil(8));
    }
    if end >= text.len() {
        return (passage, None);
    }
    let (head, tail) = text.split_at(end);
    let tail = Passage { label: passage.label.clone(), goes_on: true, text: tail.to_owned() };
    let head = Passage { text: head.to_owned(), ..passage };
    (head, Some(tail))
}

/// The best place to cut at or before `end`.
fn place(text: &str, end: usize) -> usize {
    if end >= text.len() {
        return text.len();
    }
    let end = floor_boundary(text, end);
    let head = &text[..end];
    let late = |at: usize| at > end / 2;
    for mark in ["\n\n", "\n", ". ", "。", "！", "？"] {
        if let Some(at) = head.rfind(mark).map(|at| at + mark.len()).filter(|at| late(*at)) {
            return at;
        }
    }
    let space = head.char_indices().rev().find(|(_, c)| c.is_whitespace());
    space.map(|(at, c)| at + c.len_utf8()).filter(|at| *at > 0).unwrap_or(end)
}
