//! What a turn meets: drawn from the seed, before anything runs.

use halo_sim::Break;
use halo_types::{Kind, Protocol};

use super::pool::{Pool, Text};
use super::random::Random;

/// Of a hundred faulty turns, how many pass by themselves, can be repaired, need the person.
pub(super) const MIX: [(Class, u64); 3] =
    [(Class::Transient, 60), (Class::Repairable, 25), (Class::Person, 15)];

const TRANSIENT: &[(Kind, u64)] = &[
    (Kind::RateLimited, 35),
    (Kind::Overloaded, 22),
    (Kind::ServerError, 22),
    (Kind::Timeout, 10),
    (Kind::InvalidResponse, 4),
    (Kind::StreamInterrupted, 4),
    (Kind::Network, 3),
];
const REPAIRABLE: &[(Kind, u64)] = &[
    (Kind::ContextLengthExceeded, 30),
    (Kind::ImageUnsupported, 16),
    (Kind::UnsupportedFeature, 16),
    (Kind::InvalidHistory, 14),
    (Kind::OutputLimitExceeded, 10),
    (Kind::ImageInvalid, 8),
    (Kind::RequestTooLarge, 6),
];
const PERSON: &[(Kind, u64)] = &[
    (Kind::QuotaExhausted, 28),
    (Kind::InvalidApiKey, 20),
    (Kind::ModelNotFound, 16),
    (Kind::PermissionDenied, 11),
    (Kind::ContentFiltered, 10),
    (Kind::EndpointNotFound, 5),
    (Kind::RegionUnsupported, 5),
    (Kind::AccountDisabled, 5),
];

/// What it takes to get over a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Time.
    Transient,
    /// Another request.
    Repairable,
    /// A stream that broke after its first words: the rest, or the whole again.
    Broken,
    /// Something only a person can do.
    Person,
}

impl Class {
    pub(super) const ALL: [Self; 4] =
        [Self::Transient, Self::Repairable, Self::Broken, Self::Person];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Repairable => "repairable",
            Self::Broken => "broken after words",
            Self::Person => "needs the person",
        }
    }
}

/// What is refused, told by looking at the request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refuses {
    /// So many requests, whatever they are.
    Times(u32),
    /// Requests with pictures.
    Pictures,
    /// Pictures larger than six tenths of the largest that came first.
    LargePictures,
    /// Requests larger than six tenths of the first one.
    Large,
    /// More output than this.
    Output(u64),
    /// Requests with this parameter.
    Parameter(String),
    /// Thoughts, calls of tools and their results.
    History,
    /// The keys that were configured when the turn began, until the account is in order.
    Account,
    /// The model that was asked first.
    Model,
    /// The address that was called first.
    Address,
    /// The prompt that was sent first.
    Prompt,
}

/// How a fault comes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// As an HTTP answer.
    Http,
    /// As an event of a stream, after this share of the words, in per cent.
    Event { after: u64 },
    /// As a break, before the head or after a share of the words.
    Break { how: Break, after: Option<u64> },
}

/// How the simulated model writes a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Summaries {
    /// Honestly, from the request.
    Honest,
    /// It refuses.
    Refused,
    /// The request for it is too long at first.
    TooLong,
    /// A word or two that say nothing.
    Rubbish,
    /// It is busy at first.
    Busy,
}

/// What stood in the conversation before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// Whatever the turns before left.
    Going,
    /// A new conversation.
    New,
    /// A long one, with facts to keep.
    Long { messages: u64 },
    /// One with thoughts, calls of tools and results.
    Tools,
}

/// How the turn begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// With a prompt.
    Prompt,
    /// With another answer to the last prompt.
    Regenerate,
}

/// A turn, planned.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) number: u64,
    pub(super) class: Class,
    pub(super) text: Text,
    pub(super) form: Form,
    pub(super) refuses: Refuses,
    pub(super) protocol: Protocol,
    /// A model nobody has learned anything about.
    pub(super) new_model: bool,
    pub(super) history: History,
    pub(super) begin: Begin,
    pub(super) pictures: usize,
    pub(super) words: u64,
    pub(super) thinks: bool,
    /// How many words a model repeats before it goes on with a broken answer.
    pub(super) repeats: usize,
    pub(super) summaries: Summaries,
    /// Whether `/compact` is typed before the prompt.
    pub(super) compact_first: bool,
}

impl Plan {
    /// The plan of a turn.
    pub(super) fn draw(pool: &Pool, seed: u64, number: u64) -> Self {
        let mut random = Random::of(seed, number);
        let class = random.weighted(&MIX).unwrap_or(Class::Transient);
        let mut plan = Self {
            number,
            class,
            text: Text::plain("none", Kind::ServerError, &[], 500, ""),
            form: Form::Http,
            refuses: Refuses::Times(1),
            protocol: *random.pick(Protocol::ALL).unwrap_or(&Protocol::OpenaiChat),
            new_model: random.percent(15),
            history: if random.percent(12) { History::New } else { History::Going },
            begin: if random.percent(10) { Begin::Regenerate } else { Begin::Prompt },
            pictures: usize::from(random.percent(8)),
            words: 12 + random.below(60),
            thinks: random.percent(15),
            repeats: usize::try_from(random.below(4)).unwrap_or_default() * 3,
            summaries: random
                .weighted(&[
                    (Summaries::Honest, 70),
                    (Summaries::Refused, 8),
                    (Summaries::TooLong, 8),
                    (Summaries::Rubbish, 6),
                    (Summaries::Busy, 8),
                ])
                .unwrap_or(Summaries::Honest),
            compact_first: random.percent(2),
        };
        match class {
            Class::Person => plan.person(pool, &mut random),
            Class::Repairable => plan.repairable(pool, &mut random),
            Class::Transient | Class::Broken => plan.transient(pool, &mut random),
        }
        if plan.text.event {
            // An event comes in the stream of the protocol that it belongs to.
            let anthropic = plan.text.body.contains(r#""type":"error""#);
            plan.protocol = if anthropic { Protocol::Anthropic } else { Protocol::OpenaiChat };
            plan.begin = Begin::Prompt;
            if plan.history == History::Going {
                plan.history = History::New;
            }
        }
        plan
    }

    fn transient(&mut self, pool: &Pool, random: &mut Random) {
        self.refuses = Refuses::Times(1 + u32::from(random.percent(40)));
        let kind = random.weighted(TRANSIENT).unwrap_or(Kind::Overloaded);
        let words = |event: bool| move |text: &Text| text.transient && text.event == event;
        let drawn = pool
            .draw(random, kind, words(false))
            .or_else(|| pool.draw(random, Kind::Overloaded, words(false)))
            .cloned();
        if let Some(text) = drawn {
            self.text = text;
        }
        let gone = |kind, also: &[Kind]| Text::plain("connection", kind, also, 0, "");
        let broken = [Kind::StreamInterrupted, Kind::Network, Kind::InvalidResponse, Kind::Timeout];
        match random.below(100) {
            0..72 => {}
            // An error event before the first word.
            72..78 => {
                if let Some(text) = pool.draw(random, kind, words(true)).cloned() {
                    self.text = text;
                } else if serde_json::from_str::<serde_json::Value>(&self.text.body)
                    .is_ok_and(|json| json.is_object())
                {
                    // The status that stood beside the words is not in the stream.
                    self.text.also.extend(Kind::ALL.iter().filter(|kind| kind.is_transient()));
                } else {
                    return;
                }
                self.form = Form::Event { after: 0 };
            }
            78..83 => {
                let how = if random.percent(50) { Break::Close } else { Break::Reset };
                self.form = Form::Break { how, after: None };
                self.text = gone(Kind::Network, &broken);
            }
            83..84 => {
                self.form = Form::Break { how: Break::Stall, after: None };
                self.text = gone(Kind::Timeout, &[]);
            }
            84..86 => {
                let (html, status) = ("<html><body><h1>502 Bad Gateway</h1></body></html>", 502);
                let also = [Kind::Network, Kind::Overloaded];
                self.text = Text::plain("html", Kind::ServerError, &also, status, html);
                self.text.headers = vec![("content-type".to_owned(), "text/html".to_owned())];
            }
            86..88 => {
                let also = [Kind::StreamInterrupted];
                self.text = Text::plain("empty 200", Kind::InvalidResponse, &also, 200, "");
            }
            // After the first words.
            number => {
                self.class = Class::Broken;
                let after = Some(10 + random.below(80));
                let how = match number % 4 {
                    0 => Break::End,
                    1 => Break::Reset,
                    _ => Break::Close,
                };
                self.form = Form::Break { how, after };
                if number == 98 {
                    self.form = Form::Break { how: Break::Stall, after };
                }
                self.text = gone(Kind::StreamInterrupted, &broken);
                self.words += 20;
            }
        }
    }

    fn repairable(&mut self, pool: &Pool, random: &mut Random) {
        self.new_model = true;
        self.begin = Begin::Prompt;
        let mut kind = random.weighted(REPAIRABLE).unwrap_or(Kind::ContextLengthExceeded);
        // Where there is no text of a kind that fits, another kind is drawn.
        for _ in 0..8 {
            if let Some(text) = pool.draw(random, kind, |text| self.curable(text)).cloned() {
                self.text = text;
                break;
            }
            kind = random.weighted(REPAIRABLE).unwrap_or(Kind::ContextLengthExceeded);
        }
        if self.text.event {
            self.form = Form::Event { after: 0 };
        }
        match self.text.kind {
            Kind::ContextLengthExceeded => {
                self.refuses = Refuses::Large;
                self.history = History::Long { messages: 24 + 2 * random.below(16) };
                self.pictures = 0;
            }
            Kind::ImageUnsupported => self.refuses = Refuses::Pictures,
            Kind::ImageInvalid | Kind::RequestTooLarge => self.refuses = Refuses::LargePictures,
            Kind::InvalidHistory => {
                self.refuses = Refuses::History;
                self.history = History::Tools;
            }
            Kind::OutputLimitExceeded => {
                self.refuses = Refuses::Output(self.text.max_output.unwrap_or(4_096));
                self.history = History::New;
            }
            _ => {
                let name = self.text.parameter.clone().unwrap_or_default();
                self.protocol = match name.as_str() {
                    "temperature" | "top_p" | "system" | "stream" => self.protocol,
                    _ => Protocol::OpenaiChat,
                };
                self.refuses = Refuses::Parameter(name);
                self.history = History::New;
            }
        }
        if matches!(self.refuses, Refuses::Pictures | Refuses::LargePictures) {
            self.pictures = 1 + usize::from(random.percent(30));
            self.history = History::New;
        }
    }

    /// Whether a request can be made that meets this refusal and, repaired, does not.
    fn curable(&self, text: &Text) -> bool {
        const DROPPED: &[&str] =
            &["temperature", "top_p", "system", "stream", "stream_options", "max_tokens"];
        if text.transient {
            return false;
        }
        match text.kind {
            Kind::ContextLengthExceeded => {
                // Its figures are set to those of the request; a figure in words cannot be.
                let figure = |n: u64| text.body.contains(&n.to_string());
                text.window.is_none_or(figure) && !text.event
            }
            Kind::UnsupportedFeature => {
                text.parameter.as_deref().is_some_and(|name| DROPPED.contains(&name))
                    && (text.status == 400 || text.status == 422)
            }
            Kind::OutputLimitExceeded => text.max_output.is_none_or(|max| max >= 400),
            // Of pictures, not of tokens: that is another cure.
            Kind::RequestTooLarge => !text.body.to_lowercase().contains("token"),
            _ => true,
        }
    }

    fn person(&mut self, pool: &Pool, random: &mut Random) {
        let kind = random.weighted(PERSON).unwrap_or(Kind::QuotaExhausted);
        if let Some(text) = pool.draw(random, kind, |text| !text.transient).cloned() {
            self.text = text;
        }
        if self.text.event {
            self.form = Form::Event { after: 0 };
        }
        self.refuses = match kind {
            Kind::ModelNotFound => Refuses::Model,
            Kind::EndpointNotFound => Refuses::Address,
            Kind::ContentFiltered => Refuses::Prompt,
            _ => Refuses::Account,
        };
        if matches!(self.refuses, Refuses::Model | Refuses::Prompt) {
            self.new_model = true;
            self.begin = Begin::Prompt;
        }
    }

    /// What the person says.
    pub(super) fn prompt(&self) -> String {
        format!("Question {}: count the words, please.", self.number)
    }

    /// The answer: words that are numbered, so that a lost or doubled one shows.
    pub(super) fn answer(&self) -> String {
        let words: Vec<String> =
            (1..=self.words).map(|n| format!("t{}.{n}", self.number)).collect();
        words.join(" ")
    }
}
