//! The last events, and who waits for the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo_types::Timestamp;
use tokio::sync::broadcast;

/// How many events are kept for browsers whose connection broke.
const KEPT: usize = 512;
/// How many bytes of them.
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// How far a browser may fall behind before it is told to read the page again.
const CHANNEL: usize = 256;

/// An event as it is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    /// Its id; it names this run of the program too, so that ids of an earlier run are not
    /// mistaken for ours.
    pub(super) id: String,
    /// Its name.
    pub(super) name: &'static str,
    /// JSON, or nothing.
    pub(super) data: Box<str>,
}

impl News {
    /// Tells a browser to read the page again. It has no id: what was missed stays missed.
    pub(super) fn resync() -> Self {
        Self { id: String::new(), name: "resync", data: "{}".into() }
    }
}

/// What a browser gets.
pub(super) struct Subscription {
    /// What it missed, oldest first.
    pub(super) backlog: VecDeque<Arc<News>>,
    /// What comes.
    pub(super) receiver: broadcast::Receiver<Arc<News>>,
}

/// The last events.
pub(super) struct Ring {
    run: String,
    kept: Mutex<Kept>,
    sender: broadcast::Sender<Arc<News>>,
}

#[derive(Default)]
struct Kept {
    next: u64,
    bytes: usize,
    events: VecDeque<Arc<News>>,
}

impl Ring {
    /// An empty ring of a run that began at `start`.
    pub(super) fn new(start: Timestamp) -> Self {
        let (sender, _) = broadcast::channel(CHANNEL);
        Self { run: format!("{:x}", start.0), kept: Mutex::default(), sender }
    }

    /// Keeps an event and sends it to all who listen.
    pub(super) fn publish(&self, name: &'static str, data: String) {
        let data: Box<str> = if data.is_empty() { "{}".into() } else { data.into() };
        let mut kept = self.lock();
        let news = Arc::new(News { id: format!("{}-{}", self.run, kept.next), name, data });
        kept.next += 1;
        kept.bytes += news.data.len();
        kept.events.push_back(Arc::clone(&news));
        while kept.events.len() > KEPT || kept.bytes > KEPT_BYTES {
            let Some(old) = kept.events.pop_front() else { break };
            kept.bytes -= old.data.len();
        }
        // Under the lock, so that nobody subscribes between keeping and sending. An error means
        // that nobody listens.
        let _ = self.sender.send(news);
    }

    /// Events after the one with the id `last`; a request to read the page again where they are
    /// not all there.
    pub(super) fn subscribe(&self, last: Option<&str>) -> Subscription {
        let kept = self.lock();
        let receiver = self.sender.subscribe();
        let backlog = match last {
            None => VecDeque::new(),
            Some(last) => kept
                .after(&self.run, last)
                .unwrap_or_else(|| VecDeque::from([Arc::new(News::resync())])),
        };
        Subscription { backlog, receiver }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every state of the queue is valid, so a panic elsewhere does not matter.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn after(&self, run: &str, last: &str) -> Option<VecDeque<Arc<News>>> {
        let number: u64 = last.strip_prefix(run)?.strip_prefix('-')?.parse().ok()?;
        let wanted = number.checked_add(1)?;
        let first = self.next - u64::try_from(self.events.len()).ok()?;
        let skip = usize::try_from(wanted.checked_sub(first)?).ok()?;
        (wanted <= self.next).then(|| self.events.iter().skip(skip).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(subscription: &Subscription) -> Vec<(&str, &str)> {
        subscription.backlog.iter().map(|n| (n.id.as_str(), n.name)).collect()
    }

    #[test]
    fn a_browser_gets_what_it_missed() {
        let ring = Ring::new(Timestamp(255));
        for name in ["a", "b", "c"] {
            ring.publish(name, String::new());
        }
        assert_eq!(names(&ring.subscribe(None)), []);
        assert_eq!(names(&ring.subscribe(Some("ff-0"))), [("ff-1", "b"), ("ff-2", "c")]);
        assert_eq!(names(&ring.subscribe(Some("ff-2"))), []);
        for strange in ["ff-3", "ff-99", "fe-1", "", "ff-x", "ff-18446744073709551615"] {
            assert_eq!(names(&ring.subscribe(Some(strange))), [("", "resync")], "{strange}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let ring = Ring::new(Timestamp(1));
        for _ in 0..KEPT + 10 {
            ring.publish("x", String::new());
        }
        assert_eq!(names(&ring.subscribe(Some("1-3"))), [("", "resync")]);
        assert_eq!(ring.subscribe(Some("1-9")).backlog.len(), KEPT);
        ring.publish("big", "x".repeat(KEPT_BYTES + 1));
        assert_eq!(names(&ring.subscribe(Some("1-600"))), [("", "resync")]);
    }
}
