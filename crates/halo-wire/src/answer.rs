//! An answer put together from its events.

use halo_types::{Blobs, Part, Protocol, StopReason, Usage};

use crate::Event;
use crate::server::keep_image;

/// Collects the events of one answer.
///
/// ```
/// use halo_types::Part;
/// use halo_wire::{Answer, Event};
///
/// let mut answer = Answer::default();
/// answer.add(&Event::Text("Hel".to_owned()));
/// answer.add(&Event::Text("lo".to_owned()));
/// assert_eq!(answer.parts(), [Part::text("Hello")]);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// What the provider counted.
    pub usage: Usage,
    /// Why the model stopped.
    pub stop: Option<StopReason>,
    /// The bytes of the pictures in its parts; their width and height stay 0 there.
    pub blobs: Blobs,
    parts: Vec<Part>,
    /// Where in `parts` each tool call is.
    calls: Vec<(usize, usize)>,
}

impl Answer {
    /// An answer that consists of these parts.
    #[must_use]
    pub fn from_parts(parts: Vec<Part>, usage: Usage, stop: StopReason) -> Self {
        Self { parts, usage, stop: Some(stop), ..Self::default() }
    }

    /// Takes in one event.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Start { id, model } => {
                self.id = self.id.take().or_else(|| id.clone());
                self.model = self.model.take().or_else(|| model.clone());
            }
            Event::Text(delta) => match self.parts.last_mut() {
                Some(Part::Text { text }) => text.push_str(delta),
                _ => self.parts.push(Part::text(delta)),
            },
            Event::Thinking(delta) => match self.parts.last_mut() {
                Some(Part::Thinking { text, signature: None, redacted: None, .. }) => {
                    text.push_str(delta);
                }
                _ => self.parts.push(Part::thought(delta)),
            },
            Event::Signature { protocol: by, proof } => match self.parts.last_mut() {
                Some(Part::Thinking {
                    signature: signature @ None,
                    redacted: None,
                    protocol,
                    ..
                }) => {
                    *signature = Some(proof.clone());
                    *protocol = Some(*by);
                }
                _ => self.parts.push(opaque(*by, Some(proof), None)),
            },
            Event::RedactedThinking { protocol, data } => {
                self.parts.push(opaque(*protocol, None, Some(data)));
            }
            Event::Image { media_type, bytes } => {
                self.parts.push(keep_image(media_type, bytes.clone(), &mut self.blobs));
            }
            Event::ToolCall { index, id, name } => {
                self.calls.push((*index, self.parts.len()));
                self.parts.push(Part::ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                });
            }
            Event::ToolArguments { index, delta } => {
                let place = self.calls.iter().rev().find(|(call, _)| call == index);
                if let Some(Part::ToolCall { arguments, .. }) =
                    place.and_then(|(_, at)| self.parts.get_mut(*at))
                {
                    arguments.push_str(delta);
                }
            }
            Event::Usage(usage) => self.usage = merge(self.usage, *usage),
            Event::Stop(reason) => self.stop = Some(reason.clone()),
            Event::Block { protocol, json } => self
                .parts
                .push(Part::Unknown { protocol: protocol.as_str().to_owned(), json: json.clone() }),
            Event::Error { .. } | Event::Unknown { .. } | Event::Done => {}
        }
    }

    /// The parts so far, in order. Arguments of tool calls are complete only at the end.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        self.parts.clone()
    }

    /// Gives up the parts without a copy.
    #[must_use]
    pub fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// The visible text so far.
    #[must_use]
    pub fn text(&self) -> String {
        let mut whole = String::new();
        for part in &self.parts {
            if let Part::Text { text } = part {
                whole.push_str(text);
            }
        }
        whole
    }

    /// Characters of the visible text so far.
    #[must_use]
    pub fn text_len(&self) -> usize {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text { text } => text.chars().count(),
                _ => 0,
            })
            .sum()
    }

    /// Whether nothing has come that a person or a program could use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text { text } => text.is_empty(),
            Part::Thinking { .. } => true,
            _ => false,
        })
    }

    /// The events that would build this answer, [`Event::Done`] included.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events = vec![Event::Start { id: self.id.clone(), model: self.model.clone() }];
        let mut calls = 0;
        for part in &self.parts {
            match part {
                Part::Text { text } => events.push(Event::Text(text.clone())),
                Part::Thinking { redacted: Some(data), protocol, .. } => {
                    let protocol = protocol.unwrap_or(Protocol::Anthropic);
                    events.push(Event::RedactedThinking { protocol, data: data.clone() });
                }
                Part::Thinking { text, signature, protocol, .. } => {
                    if !text.is_empty() {
                        events.push(Event::Thinking(text.clone()));
                    }
                    let protocol = protocol.unwrap_or(Protocol::Anthropic);
                    let proof = signature.clone();
                    events.extend(proof.map(|proof| Event::Signature { protocol, proof }));
                }
                Part::ToolCall { id, name, arguments } => {
                    events.push(Event::ToolCall {
                        index: calls,
                        id: id.clone(),
                        name: name.clone(),
                    });
                    if !arguments.is_empty() {
                        events
                            .push(Event::ToolArguments { index: calls, delta: arguments.clone() });
                    }
                    calls += 1;
                }
                Part::Unknown { protocol, json } => {
                    if let Ok(protocol) = protocol.parse() {
                        events.push(Event::Block { protocol, json: json.clone() });
                    }
                }
                Part::Image(image) => {
                    events.extend(self.blobs.get(&image.blob).map(|bytes| Event::Image {
                        media_type: image.media_type.clone(),
                        bytes: bytes.to_vec(),
                    }));
                }
                Part::ToolResult { .. } => {}
            }
        }
        if self.usage != Usage::default() {
            events.push(Event::Usage(self.usage));
        }
        events.extend(self.stop.clone().map(Event::Stop));
        events.push(Event::Done);
        events
    }
}

fn opaque(protocol: Protocol, signature: Option<&String>, redacted: Option<&String>) -> Part {
    Part::Thinking {
        text: String::new(),
        signature: signature.cloned(),
        redacted: redacted.cloned(),
        protocol: Some(protocol),
    }
}

/// Figures only grow in the course of an answer, and relays send zeros for what they do not know.
pub(crate) fn merge(old: Usage, new: Usage) -> Usage {
    Usage {
        input: old.input.max(new.input),
        output: old.output.max(new.output),
        cache_read: old.cache_read.max(new.cache_read),
        cache_write: old.cache_write.max(new.cache_write),
        thinking: old.thinking.max(new.thinking),
    }
}
