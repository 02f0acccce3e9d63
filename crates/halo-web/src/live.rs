//! News for browsers: one event stream each, whatever conversation they show.
//!
//! One task turns the engine's news into events. Words that arrive are rendered here, once for
//! all browsers, and gathered for some milliseconds so that a fast model does not flood them.
//! The last events are kept, so that a browser whose connection broke gets what it missed; one
//! that missed more is told to read the page again.

mod answer;
mod ring;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use halo_engine::{Engine, Update};
use halo_types::{ConversationId, Lang};
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::auth;
use crate::clock;
use crate::state::AppState;

use answer::Answer;
use ring::{News, Ring, Subscription};

/// How long words are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(45);
/// How often an idle stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How soon a browser that was signed out hears nothing more.
const SESSION_CHECK: Duration = Duration::from_secs(5);
/// Answers to keep for which no word came lately.
const MAX_QUIET: usize = 64;

/// The news of all conversations.
pub(crate) struct Hub {
    ring: Arc<Ring>,
    shutdown: CancellationToken,
}

impl Hub {
    /// Starts the task that listens to the engine.
    pub(crate) fn start(engine: Engine, shutdown: CancellationToken) -> Self {
        let ring = Arc::new(Ring::new(clock::now()));
        let updates = engine.updates();
        let desk = Desk {
            engine,
            ring: Arc::clone(&ring),
            answers: HashMap::new(),
            last_flush: Instant::now(),
        };
        let token = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = desk.listen(updates) => {}
            }
        });
        Self { ring, shutdown }
    }

    /// News from now on, and before it what came after the event with the id `last`.
    fn subscribe(
        &self,
        last: Option<&str>,
    ) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
        let subscription = self.ring.subscribe(last);
        let shutdown = self.shutdown.clone();
        stream::unfold((subscription, shutdown), async |(mut subscription, shutdown)| {
            let news = tokio::select! {
                () = shutdown.cancelled() => None,
                news = next(&mut subscription) => news,
            }?;
            let event = Event::default().id(news.id.as_str()).event(news.name).data(&*news.data);
            Some((Ok(event), (subscription, shutdown)))
        })
    }
}

async fn next(subscription: &mut Subscription) -> Option<Arc<News>> {
    if let Some(news) = subscription.backlog.pop_front() {
        return Some(news);
    }
    match subscription.receiver.recv().await {
        Ok(news) => Some(news),
        Err(RecvError::Lagged(_)) => Some(Arc::new(News::resync())),
        Err(RecvError::Closed) => None,
    }
}

/// `GET /events`.
pub(crate) async fn events(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let news = state
        .hub()
        .subscribe(last)
        .take_until(Box::pin(signed_out(state.clone(), headers.clone())));
    let sse = Sse::new(news).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("alive"));
    let no_buffering = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (no_buffering, sse).into_response()
}

/// Waits until the browser is signed out, by whichever process.
async fn signed_out(state: AppState, headers: HeaderMap) {
    loop {
        tokio::time::sleep(SESSION_CHECK).await;
        let session = auth::session(state.engine().store().as_ref(), &headers).await;
        // A store that cannot be read just now says nothing of the session.
        if matches!(session, Ok(None)) {
            return;
        }
    }
}

/// The task's own state.
struct Desk {
    engine: Engine,
    ring: Arc<Ring>,
    answers: HashMap<ConversationId, Answer>,
    last_flush: Instant,
}

impl Desk {
    async fn listen(mut self, mut updates: Receiver<Update>) {
        loop {
            let waiting = self.answers.values().any(Answer::has_news);
            let due = self.last_flush + GATHER;
            let update = tokio::select! {
                // News is taken before the clock: a flush then carries all that is there.
                biased;
                update = updates.recv() => update,
                () = tokio::time::sleep_until(due), if waiting => {
                    self.flush(None);
                    continue;
                }
            };
            match update {
                Ok(update) => self.take(update).await,
                Err(RecvError::Lagged(_)) => {
                    self.answers.clear();
                    self.ring.publish("resync", String::new());
                }
                Err(RecvError::Closed) => return,
            }
            if self.last_flush.elapsed() >= GATHER && self.answers.values().any(Answer::has_news) {
                self.flush(None);
            }
        }
    }

    async fn take(&mut self, update: Update) {
        match update {
            Update::Delta { conversation, attempt, thinking, start, text } => {
                let answer = self
                    .answers
                    .entry(conversation)
                    .and_modify(|answer| answer.restart_for(attempt))
                    .or_insert_with(|| Answer::new(attempt));
                if !answer.push(thinking, start, &text) {
                    self.catch_up(conversation).await;
                }
            }
            Update::Changed(conversation) => {
                // The words before the change come first.
                self.flush(Some(conversation));
                let data = json!({ "conversation": conversation }).to_string();
                self.ring.publish("changed", data);
            }
            Update::List => self.ring.publish("list", String::new()),
            // Which conversations hold a card that reads otherwise now, only their pages can tell.
            Update::Rules => self.ring.publish("resync", String::new()),
        }
    }

    /// Some words were missed: takes the answer as the engine has it.
    async fn catch_up(&mut self, conversation: ConversationId) {
        // A conversation that cannot be read shows that on its page; here it only has no news.
        let Ok(view) = self.engine.conversation(conversation, Lang::En).await else { return };
        match view.running.and_then(|running| Some((running.attempt?, running))) {
            Some((attempt, running)) => {
                let answer = Answer::resumed(attempt, &running.text, &running.thinking);
                self.answers.insert(conversation, answer);
            }
            None => {
                self.answers.remove(&conversation);
            }
        }
    }

    /// Sends what has come, of one conversation or of all.
    fn flush(&mut self, only: Option<ConversationId>) {
        for (id, answer) in &mut self.answers {
            if only.is_none_or(|only| only == *id)
                && let Some(data) = answer.news(*id)
            {
                self.ring.publish("delta", data);
            }
        }
        if only.is_none() {
            self.last_flush = Instant::now();
        }
        // Whatever is dropped here is taken from the engine again when more of it comes.
        if self.answers.len() > MAX_QUIET {
            self.answers.clear();
        }
    }
}
