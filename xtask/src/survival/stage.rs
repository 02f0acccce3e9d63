//! What the provider does: it looks at each request and at the plan of the turn under way.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use halo_sim::{Directing, Director, Scene};
use halo_types::{Part, StopReason};

use super::plan::{Class, Form, Plan, Refuses, Summaries};

/// How the keys of trials begin; the number of the world follows.
pub(super) const KEY: &str = "sk-trial-";
/// The longest summary the simulated model writes, in tokens.
const MAX_SUMMARY: u64 = 2_000;

/// All worlds' stages, by their number.
#[derive(Default)]
pub(super) struct Stages(Mutex<HashMap<u64, Arc<Stage>>>);

impl Stages {
    pub(super) fn open(&self, world: u64) -> Arc<Stage> {
        let stage = Arc::new(Stage::default());
        lock(&self.0).insert(world, Arc::clone(&stage));
        stage
    }

    pub(super) fn close(&self, world: u64) {
        lock(&self.0).remove(&world);
    }
}

impl Director for Stages {
    fn direct(&self, request: &Directing<'_>) -> Option<Scene> {
        let rest = request.key?.strip_prefix(KEY)?;
        let world = rest.split('-').next()?.parse().ok()?;
        let stage = lock(&self.0).get(&world).cloned()?;
        stage.play(request)
    }
}

/// One world's stage: the turn under way and what was seen of it.
#[derive(Default)]
pub(super) struct Stage(Mutex<Option<Playing>>);

/// A turn as the provider sees it.
struct Playing {
    plan: Plan,
    seen: Seen,
    /// Goes up with each click, after which the same bytes may rightly come again.
    clicks: u64,
    /// Key, model and bytes that were refused for good, and after how many clicks.
    refused: HashSet<(String, String, u64, u64)>,
    refused_targets: HashSet<(String, String, u64)>,
    failures: u32,
    summaries: u32,
    first: Option<First>,
    in_order: bool,
}

/// What the first request of a turn was.
struct First {
    key: String,
    model: String,
    path: String,
    prompt: String,
    tokens: u64,
    picture: u64,
}

/// What the provider saw of a turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Requests, those for summaries left out.
    pub(super) requests: u64,
    /// Requests that were refused or broken on purpose.
    pub(super) faults: u64,
    /// Why a retry was wrong.
    pub(super) wrong: Vec<String>,
    /// The body of the last request that was answered.
    pub(super) answered: String,
    /// How many answers were whole.
    pub(super) answers: u64,
    /// Requests for summaries.
    pub(super) summaries: u64,
}

impl Stage {
    pub(super) fn begin(&self, plan: Plan) {
        *lock(&self.0) = Some(Playing {
            plan,
            seen: Seen::default(),
            clicks: 0,
            refused: HashSet::new(),
            refused_targets: HashSet::new(),
            failures: 0,
            summaries: 0,
            first: None,
            in_order: false,
        });
    }

    /// The person pressed a button.
    pub(super) fn click(&self) {
        if let Some(playing) = lock(&self.0).as_mut() {
            playing.clicks += 1;
        }
    }

    /// The person saw to the account: paid, asked for access, wrote to the provider.
    pub(super) fn in_order(&self) {
        if let Some(playing) = lock(&self.0).as_mut() {
            playing.in_order = true;
        }
    }

    pub(super) fn seen(&self) -> Seen {
        lock(&self.0).as_ref().map(|playing| playing.seen.clone()).unwrap_or_default()
    }

    fn play(&self, request: &Directing<'_>) -> Option<Scene> {
        let mut playing = lock(&self.0);
        let playing = playing.as_mut()?;
        Some(if request.wants_summary { playing.summary(request) } else { playing.reply(request) })
    }
}

impl Playing {
    fn reply(&mut self, request: &Directing<'_>) -> Scene {
        let first = self.first.get_or_insert_with(|| First {
            key: request.key.unwrap_or_default().to_owned(),
            model: request.request.model.clone(),
            path: base_of(request),
            prompt: request.prompt(),
            tokens: request.tokens,
            picture: largest_picture(request),
        });
        let refuses = match &self.plan.refuses {
            Refuses::Times(times) => self.failures < *times,
            Refuses::Pictures => largest_picture(request) > 0,
            // A fault of one model; others take what it refuses.
            _ if !matches!(self.plan.refuses, Refuses::Account | Refuses::Address)
                && request.request.model != first.model =>
            {
                false
            }
            Refuses::LargePictures => {
                let limit = first.picture * 6 / 10;
                first.picture > 0 && largest_picture(request) > limit
            }
            Refuses::Large => request.tokens > first.tokens * 6 / 10,
            Refuses::Output(limit) => request.request.max_tokens.is_some_and(|max| max > *limit),
            Refuses::Parameter(name) => match name.as_str() {
                "system" => request.request.system.is_some(),
                "stream" => request.request.stream,
                "temperature" => request.request.temperature.is_some(),
                "top_p" => request.request.top_p.is_some(),
                name => request.parameters.contains_key(name),
            },
            Refuses::History => {
                request.request.messages.iter().flat_map(|m| &m.parts).any(|part| {
                    matches!(
                        part,
                        Part::Thinking { .. } | Part::ToolCall { .. } | Part::ToolResult { .. }
                    )
                })
            }
            Refuses::Account => !self.in_order && request.key == Some(first.key.as_str()),
            Refuses::Model => true,
            Refuses::Address => !self.in_order && base_of(request) == first.path,
            Refuses::Prompt => request.prompt() == first.prompt,
        };
        self.seen.requests += 1;
        self.watch(request);
        if refuses {
            self.failures += 1;
            self.seen.faults += 1;
            self.note_refusal(request);
            return self.fault(request);
        }
        self.answer(request)
    }

    /// Was this refused for good before, with nobody having done anything since?
    fn watch(&mut self, request: &Directing<'_>) {
        let (key, model, bytes) = of(request);
        let clicks = self.clicks;
        if self.refused.contains(&(key.clone(), model.clone(), bytes, clicks)) {
            self.seen.wrong.push(format!("the same bytes to {model} again"));
        } else if self.plan.class == Class::Person
            && self.refused_targets.contains(&(key, model.clone(), clicks))
        {
            self.seen.wrong.push(format!("{} asked of {model} again", self.plan.text.kind));
        }
    }

    fn note_refusal(&mut self, request: &Directing<'_>) {
        if self.plan.text.transient {
            return;
        }
        let (key, model, bytes) = of(request);
        self.refused.insert((key.clone(), model.clone(), bytes, self.clicks));
        self.refused_targets.insert((key, model, self.clicks));
    }

    fn fault(&self, request: &Directing<'_>) -> Scene {
        let text = &self.plan.text;
        let answer = self.plan.answer();
        let share = |percent: u64| {
            let chars = u64::try_from(answer.len()).unwrap_or_default() * percent / 100;
            answer[..usize::try_from(chars).unwrap_or_default()].to_owned()
        };
        match &self.plan.form {
            Form::Http => Scene::Http {
                status: text.status,
                headers: text.headers.clone(),
                body: self.worded(request).into_bytes(),
            },
            Form::Event { after } => {
                Scene::StreamError { text: share(*after), data: self.worded(request) }
            }
            Form::Break { how, after } => Scene::Broken { text: after.map(share), how: *how },
        }
    }

    /// The words of the fault with the figures of this request.
    fn worded(&self, request: &Directing<'_>) -> String {
        let text = &self.plan.text;
        let (Refuses::Large, Some(first)) = (&self.plan.refuses, &self.first) else {
            return text.body.clone();
        };
        let mut body = text.body.clone();
        // The larger figure first: the smaller one may stand in it.
        let mut figures: Vec<(u64, u64)> = [
            text.input.map(|input| (input, request.tokens)),
            text.window.map(|window| (window, first.tokens * 6 / 10)),
        ]
        .into_iter()
        .flatten()
        .collect();
        figures.sort_by_key(|figure| std::cmp::Reverse(figure.0));
        for (old, new) in figures {
            body = body.replace(&old.to_string(), &new.to_string());
        }
        body
    }

    fn answer(&mut self, request: &Directing<'_>) -> Scene {
        let full = self.plan.answer();
        let begun = request.last_answer().unwrap_or_default();
        let begun = if full.starts_with(&begun) { begun.as_str() } else { begun.trim_end() };
        let text = if begun.is_empty() || !full.starts_with(begun) {
            full
        } else {
            // Models like to repeat their last words before they go on.
            let words = begun.trim_end().split(' ').rev().take(self.plan.repeats);
            let repeated = words.map(|word| word.len() + 1).sum::<usize>().saturating_sub(1);
            let repeated = if repeated < 12 { 0 } else { repeated };
            let end = if repeated > 0 { begun.trim_end().len() } else { begun.len() };
            full[end.saturating_sub(repeated)..].to_owned()
        };
        self.seen.answers += 1;
        self.seen.answered = String::from_utf8_lossy(request.body).into_owned();
        Scene::Answer {
            thinking: if self.plan.thinks {
                "I count the words.".to_owned()
            } else {
                String::new()
            },
            text,
            stop: StopReason::End,
            pace: Duration::ZERO,
        }
    }

    fn summary(&mut self, request: &Directing<'_>) -> Scene {
        self.summaries += 1;
        self.seen.summaries += 1;
        let said = |text: String| Scene::Answer {
            thinking: String::new(),
            text,
            stop: StopReason::End,
            pace: Duration::ZERO,
        };
        let refused = |status: u16, kind: &str, words: &str| Scene::Http {
            status,
            headers: Vec::new(),
            body: serde_json::json!({"error": {"type": kind, "message": words, "code": kind}})
                .to_string()
                .into_bytes(),
        };
        match self.plan.summaries {
            Summaries::Refused => {
                refused(402, "insufficient_quota", "You exceeded your current quota.")
            }
            Summaries::TooLong if self.summaries <= 2 => refused(
                400,
                "context_length_exceeded",
                "Your input exceeds the context window of this model.",
            ),
            Summaries::Busy if self.summaries <= 1 => {
                refused(529, "overloaded_error", "Overloaded")
            }
            Summaries::Rubbish => said("Sure! Here you go.".to_owned()),
            _ => said(request.summary(MAX_SUMMARY)),
        }
    }
}

/// Key, model and a number for the bytes.
fn of(request: &Directing<'_>) -> (String, String, u64) {
    let mut hasher = DefaultHasher::new();
    request.body.hash(&mut hasher);
    let key = request.key.unwrap_or_default().to_owned();
    (key, request.request.model.clone(), hasher.finish())
}

/// The part of the path that a base URL decides.
fn base_of(request: &Directing<'_>) -> String {
    request.path.split('/').nth(1).unwrap_or_default().to_owned()
}

/// The size of the largest picture, in bytes.
fn largest_picture(request: &Directing<'_>) -> u64 {
    let parts = request.request.messages.iter().flat_map(|message| &message.parts);
    parts
        .map(|part| match part {
            Part::Image(image) => image.bytes.max(1),
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

/// Locks, and goes on after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
