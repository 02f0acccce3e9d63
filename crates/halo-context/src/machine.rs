//! How a summary comes about, rung by rung, down to the one that cannot fail.
//!
//! ```text
//!            answered                        ┌─ overflow: half the size, what was
//!   whole ───────────────▶ done              ▼  written stays
//!     │ too long,        ┌────────────▶ in chunks ──▶ summary of summaries ──▶ done
//!     │ overflow ────────┘                   │
//!     │ failed for good                      │ failed for good, three useless tries,
//!     ▼                                      ▼ too many requests
//!   the next writer, from the top; after the last one: by rule ──▶ done
//! ```

use std::collections::VecDeque;

use halo_types::{ChatRequest, Message, MessageId, Part, RequestMessage, Role, Target};

use crate::Estimator;
use crate::compact::{CompactInput, CompactPlan, MAX_USELESS_TRIES, summary_tokens};
use crate::cut::{Passage, as_texts, passages, split, take, written};
use crate::rule::summary_by_rule;
use crate::supplement::completed;
use crate::tokens::floor_boundary;

/// The most requests that are answered or overflow at one writer before the next one is asked.
pub const MAX_REQUESTS: u32 = 100;
/// The smallest chunk that is worth a request, in tokens.
const SMALLEST_CHUNK: u64 = 48;

/// A model that may be asked for the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The model.
    pub target: Target,
    /// Its window, where known.
    pub window: Option<u64>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Send this to [`Compaction::writer`], and say what came of it.
    Ask(Box<ChatRequest>),
    /// Another model is to be asked from here on: ask again, with its estimator.
    OtherWriter,
    /// Here is the summary.
    Done(Summary),
}

/// Why a request for a summary failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It was too long for the model.
    TooLong {
        /// What is known by now about the model's window.
        window: Option<u64>,
    },
    /// The model refuses, is gone, or does not answer.
    Model,
    /// The key, the account or the way to the provider: none of its models can help.
    Provider,
}

/// A summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its words.
    pub text: String,
    /// The model that wrote it; `None` where the rule without a model did.
    pub by: Option<Target>,
    /// In how many parts the conversation was summarised.
    pub parts: u32,
}

/// A compaction under way.
///
/// [`next`](Self::next) says what to send, and the same again until [`answered`](Self::answered) or
/// [`failed`](Self::failed) said what came of it. It ends after a bounded number of both, and it
/// always ends with a summary.
#[derive(Debug, Clone)]
pub struct Compaction {
    /// The span as texts.
    messages: Vec<RequestMessage>,
    /// For the rule.
    span: Vec<Message>,
    pinned: Vec<MessageId>,
    earlier: Option<String>,
    keep: Option<String>,
    summary_max: u64,
    writers: VecDeque<Writer>,
    rung: Rung,
    /// The most tokens of question and answer together that this writer is thought to take.
    limit: Option<u64>,
    /// Tokens of the last request.
    sent: u64,
    useless: u32,
    requests: u32,
}

#[derive(Debug, Clone)]
enum Rung {
    Whole,
    Chunks(Chunks),
    Rule,
    Done(Summary),
}

/// One level of summaries: of the conversation, or of summaries.
#[derive(Debug, Clone)]
struct Chunks {
    /// What is still to be read.
    rest: VecDeque<Passage>,
    /// What is being read.
    current: Vec<Passage>,
    /// The summaries of what was read.
    written: Vec<String>,
    /// Whether it is summaries that are read.
    again: bool,
    /// Chunks of the first level.
    parts: u32,
    /// The tokens of all that is read on this level.
    size: u64,
}

impl Compaction {
    /// Begins a planned compaction. `keep` is what the person wants kept, `earlier` the summary
    /// that stood for the oldest part until now, and `others` are asked, in this order, where the
    /// model of the conversation cannot.
    #[must_use]
    pub fn new(
        input: &CompactInput<'_>,
        plan: &CompactPlan,
        keep: Option<&str>,
        earlier: Option<&str>,
        others: Vec<Writer>,
    ) -> Self {
        let branch = input.branch;
        let end = branch.iter().position(|m| m.id == plan.first_kept).unwrap_or(branch.len());
        let span = branch[..end].to_vec();
        let messages = as_texts(input.view(&span, None).request);
        let own = Writer { target: input.target.clone(), window: input.facts.window() };
        let mut writers: VecDeque<Writer> = [own].into();
        writers.extend(others);
        let nothing = messages.is_empty();
        Self {
            messages,
            span,
            pinned: input.pinned.to_vec(),
            earlier: earlier.map(str::to_owned),
            keep: keep.map(str::trim).filter(|keep| !keep.is_empty()).map(str::to_owned),
            summary_max: plan.summary_max,
            limit: writers.front().and_then(|writer| writer.window),
            writers,
            rung: if nothing { Rung::Rule } else { Rung::Whole },
            sent: 0,
            useless: 0,
            requests: 0,
        }
    }

    /// The model that the next request goes to; `None` once no model is asked any more. The
    /// estimator has to be its own.
    #[must_use]
    pub fn writer(&self) -> Option<&Target> {
        match self.rung {
            Rung::Whole | Rung::Chunks(_) => self.writers.front().map(|writer| &writer.target),
            Rung::Rule | Rung::Done(_) => None,
        }
    }

    /// Says what to do next.
    pub fn next(&mut self, estimator: &mut Estimator<'_>) -> Next {
        let writers = self.writers.len();
        loop {
            if self.writers.len() != writers && self.writer().is_some() {
                return Next::OtherWriter;
            }
            let request = match &self.rung {
                Rung::Done(summary) => return Next::Done(summary.clone()),
                Rung::Rule => {
                    let (earlier, most) = (self.earlier.as_deref(), self.summary_max);
                    let text = summary_by_rule(&self.span, &self.pinned, earlier, most, estimator);
                    self.rung = Rung::Done(Summary { text, by: None, parts: 1 });
                    continue;
                }
                Rung::Whole => self.whole(estimator),
                Rung::Chunks(_) => self.chunk(estimator),
            };
            if let Some(request) = request {
                self.sent = estimator.request(&request);
                return Next::Ask(Box::new(request));
            }
        }
    }

    /// The request was answered with this text.
    pub fn answered(&mut self, text: &str, estimator: &mut Estimator<'_>) {
        let text = text.trim();
        if text.is_empty() {
            self.next_writer();
            return;
        }
        self.requests += 1;
        match &mut self.rung {
            Rung::Whole => self.finish(text.to_owned(), 1, estimator),
            Rung::Chunks(chunks) => {
                chunks.current.clear();
                chunks.written.push(text.to_owned());
                if !chunks.again {
                    chunks.parts += 1;
                }
            }
            Rung::Rule | Rung::Done(_) => {}
        }
    }

    /// The request failed for good.
    pub fn failed(&mut self, fault: Fault) {
        let window = match fault {
            Fault::TooLong { window } => window,
            Fault::Model => return self.next_writer(),
            Fault::Provider => {
                if let Some(front) = self.writers.front().map(|w| w.target.provider.clone()) {
                    let mut at = 0;
                    // The one in front goes below.
                    self.writers.retain(|writer| {
                        at += 1;
                        at == 1 || writer.target.provider != front
                    });
                }
                return self.next_writer();
            }
        };
        self.requests += 1;
        // What was told counts, but what was just refused is no measure to trust.
        let half = (self.sent + self.output()) / 2;
        self.limit = Some([window, self.limit].into_iter().flatten().fold(half, u64::min));
        match &mut self.rung {
            Rung::Whole => self.rung = self.first_level(),
            Rung::Chunks(chunks) => {
                for passage in chunks.current.drain(..).rev() {
                    chunks.rest.push_front(passage);
                }
            }
            Rung::Rule | Rung::Done(_) => return,
        }
        self.of_no_use();
    }

    /// Counts a try that led nowhere.
    fn of_no_use(&mut self) {
        self.useless += 1;
        if self.useless >= MAX_USELESS_TRIES {
            self.next_writer();
        }
    }

    fn next_writer(&mut self) {
        if matches!(self.rung, Rung::Done(_)) {
            return;
        }
        self.writers.pop_front();
        self.rung = if self.writers.is_empty() { Rung::Rule } else { Rung::Whole };
        self.limit = self.writers.front().and_then(|writer| writer.window);
        (self.useless, self.requests, self.sent) = (0, 0, 0);
    }

    /// The most tokens a request of this writer asks for.
    fn output(&self) -> u64 {
        match self.limit {
            Some(limit) => self.summary_max.min(summary_tokens(Some(limit))),
            None => self.summary_max,
        }
    }

    fn request(&self, messages: Vec<RequestMessage>) -> ChatRequest {
        ChatRequest {
            model: self.writers.front().map(|w| w.target.model.clone()).unwrap_or_default(),
            messages,
            stream: true,
            max_tokens: Some(self.output()),
            ..ChatRequest::default()
        }
    }

    fn first_level(&self) -> Rung {
        Rung::Chunks(Chunks {
            rest: passages(&self.messages),
            current: Vec::new(),
            written: Vec::new(),
            again: false,
            parts: 0,
            size: 0,
        })
    }

    /// The whole span with the instruction at its end; `None` where the rung has changed because
    /// that does not fit.
    fn whole(&mut self, estimator: &mut Estimator<'_>) -> Option<ChatRequest> {
        let instruction = self.instruction("conversation above");
        let mut request = self.request(self.messages.clone());
        crate::view::ask(&mut request, instruction);
        let size = estimator.request(&request).saturating_add(self.output());
        if self.limit.is_some_and(|limit| size > limit) {
            self.rung = self.first_level();
            return None;
        }
        Some(request)
    }

    /// The chunk that is read now; `None` where the rung has changed.
    fn chunk(&mut self, estimator: &mut Estimator<'_>) -> Option<ChatRequest> {
        let output = self.output();
        let again = matches!(&self.rung, Rung::Chunks(chunks) if chunks.again);
        let frame = self.request(vec![self.said(again, &[])]);
        let frame = estimator.request(&frame).saturating_add(output);
        let room = self.limit.unwrap_or(u64::MAX).saturating_sub(frame);
        // A tenth is left for what estimates are wrong by.
        let budget = room - room / 10;
        let Rung::Chunks(chunks) = &mut self.rung else { return None };
        if chunks.size == 0 {
            chunks.size = chunks.rest.iter().map(|p| estimator.passing_text(&p.text)).sum();
            chunks.size = chunks.size.max(1);
        }
        if chunks.current.is_empty() && chunks.rest.is_empty() {
            self.level_ends(estimator);
            return None;
        }
        let ahead = chunks.size / budget.max(1);
        if budget < SMALLEST_CHUNK
            || self.requests >= MAX_REQUESTS
            || (chunks.parts == 0 && ahead > u64::from(MAX_REQUESTS))
        {
            self.next_writer();
            return None;
        }
        if chunks.current.is_empty() {
            chunks.current = take(&mut chunks.rest, budget, estimator);
        }
        loop {
            let Rung::Chunks(chunks) = &self.rung else { return None };
            let request = self.request(vec![self.said(again, &chunks.current)]);
            let size = estimator.request(&request).saturating_add(output);
            if self.limit.is_none_or(|limit| size <= limit) {
                return Some(request);
            }
            // Passages counted one by one came out smaller than together.
            if !self.smaller(estimator) {
                self.next_writer();
                return None;
            }
        }
    }

    /// Gives a part of the present chunk back; `false` where nothing can be given back.
    fn smaller(&mut self, estimator: &Estimator<'_>) -> bool {
        let Rung::Chunks(chunks) = &mut self.rung else { return false };
        let Some(last) = chunks.current.pop() else { return false };
        if !chunks.current.is_empty() {
            chunks.rest.push_front(last);
            return true;
        }
        let room = estimator.passing_text(&last.text) / 2;
        let (head, tail) = split(last, room, estimator);
        let cut = tail.is_some();
        if let Some(tail) = tail {
            chunks.rest.push_front(tail);
        }
        chunks.current.push(head);
        cut
    }

    /// All of a level was read: there is a summary, or there are summaries to be summarised.
    fn level_ends(&mut self, estimator: &mut Estimator<'_>) {
        let Rung::Chunks(chunks) = &mut self.rung else { return };
        let written = std::mem::take(&mut chunks.written);
        let parts = chunks.parts;
        if let [only] = written.as_slice() {
            self.finish(only.clone(), parts, estimator);
            return;
        }
        let before = chunks.size;
        let size: u64 = written.iter().map(|text| estimator.passing_text(text)).sum();
        self.read_again(written, parts, size);
        // Summaries that are hardly shorter than what they are of lead nowhere.
        if size > before / 4 * 3 {
            self.of_no_use();
        }
    }

    fn read_again(&mut self, texts: Vec<String>, parts: u32, size: u64) {
        let passage =
            |(at, text): (usize, String)| Passage::new(format!("Summary of part {}", at + 1), text);
        self.rung = Rung::Chunks(Chunks {
            rest: texts.into_iter().enumerate().map(passage).collect(),
            current: Vec::new(),
            written: Vec::new(),
            again: true,
            parts,
            size: size.max(1),
        });
    }

    /// A summary of everything is there. One that is much longer than it was asked to be is
    /// summarised again.
    fn finish(&mut self, text: String, parts: u32, estimator: &mut Estimator<'_>) {
        let size = estimator.passing_text(&text);
        if size <= self.summary_max.saturating_mul(2) {
            let by = self.writers.front().map(|writer| writer.target.clone());
            let most = self.summary_max;
            let text = completed(text, &self.span, &self.pinned, most, estimator);
            self.rung = Rung::Done(Summary { text, by, parts });
            return;
        }
        self.read_again(vec![text], parts, size);
        self.of_no_use();
    }

    /// Passages and what is asked about them, as one message: every protocol takes that.
    fn said(&self, again: bool, passages: &[Passage]) -> RequestMessage {
        let (what, of) = if again {
            ("Summaries of consecutive parts of one conversation, oldest first.", "summaries above")
        } else {
            ("A part of a longer conversation. The other parts are read separately.", "part above")
        };
        let asked = self.instruction(of);
        let text = format!("{what}\n\n{}[End of the text.]\n\n{asked}", written(passages));
        RequestMessage { role: Role::User, parts: vec![Part::text(text)] }
    }

    fn instruction(&self, of: &str) -> String {
        let words = self.output() * 3 / 5;
        let mut text = format!(
            "Summarise the {of} so that the conversation can go on without the messages themselves. \
         Keep: what the person wants, decisions and their reasons, names, numbers, file names and \
         code that will be needed again (verbatim where short), and open questions. Write in the \
         language of the conversation, in plain notes, at most {words} words. Answer with the \
         summary only."
        );
        if let Some(keep) = self.keep.as_deref() {
            // As many bytes as the window has tokens: about a quarter of it.
            let most =
                self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
            text.push_str("\n\nAbove all keep: ");
            text.push_str(&keep[..floor_boundary(keep, most)]);
        }
        text
    }
}
