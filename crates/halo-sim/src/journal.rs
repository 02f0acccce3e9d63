//! What came in and what went out, for tests and for looking behind a card.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use halo_types::{Body, Headers, Protocol, Timestamp};
use serde::Serialize;

/// The most bytes kept of one body.
const MAX_BODY: usize = 1 << 20;
/// The most bytes kept of all bodies together.
const MAX_TOTAL: usize = 64 << 20;

/// One request and what was sent back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exchange {
    /// Counts up from 1.
    pub id: u64,
    /// When the request had arrived.
    pub at: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The path as called.
    pub path: String,
    /// The protocol of the path.
    pub protocol: Option<Protocol>,
    /// The request's headers; keys masked.
    pub request_headers: Headers,
    /// The request's body.
    pub request_body: Body,
    /// The model asked for.
    pub model: Option<String>,
    /// Which request of the same prompt it was, from 0, where a scenario counts.
    pub nth: Option<u32>,
    /// The rule of the protocol that the message list broke, if it did.
    pub history_fault: Option<String>,
    /// The status sent; `None` where the connection ended before.
    pub status: Option<u16>,
    /// The headers sent, without those the HTTP layer adds.
    pub response_headers: Headers,
    /// The body bytes handed to the socket, in order.
    pub response_body: Body,
    /// Whether a body was longer than the journal keeps.
    pub truncated: bool,
    /// How the answer ended.
    pub ended: Ended,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It is still going on, or the client went away.
    Open,
    /// The body was sent to its end.
    Whole,
    /// The connection was closed on purpose.
    Closed,
    /// The connection was reset on purpose.
    Reset,
}

/// The last exchanges, bounded in number and in bytes.
#[derive(Debug)]
pub(crate) struct Journal {
    max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    exchanges: VecDeque<Record>,
    next: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Record {
    exchange: Exchange,
    response: Vec<u8>,
}

impl Record {
    fn bytes(&self) -> usize {
        self.exchange.request_body.as_bytes().len() + self.response.len()
    }
}

impl Journal {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, kept: Mutex::new(Kept { next: 1, ..Kept::default() }) }
    }

    /// Begins an exchange and gives it its id.
    pub(crate) fn begin(&self, mut exchange: Exchange) -> u64 {
        if exchange.request_body.as_bytes().len() > MAX_BODY {
            exchange.request_body =
                Body::from(exchange.request_body.as_bytes()[..MAX_BODY].to_vec());
            exchange.truncated = true;
        }
        let mut kept = self.lock();
        exchange.id = kept.next;
        kept.next += 1;
        let id = exchange.id;
        let record = Record { exchange, response: Vec::new() };
        kept.bytes += record.bytes();
        kept.exchanges.push_back(record);
        while kept.exchanges.len() > self.max || kept.bytes > MAX_TOTAL {
            match kept.exchanges.pop_front() {
                Some(old) => kept.bytes -= old.bytes(),
                None => break,
            }
        }
        id
    }

    /// Changes an exchange, if it is still kept.
    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut Exchange)) {
        if let Some(record) = self.lock().find(id) {
            change(&mut record.exchange);
        }
    }

    /// Adds bytes that were sent.
    pub(crate) fn sent(&self, id: u64, bytes: &[u8]) {
        let mut kept = self.lock();
        let Some(record) = kept.find(id) else { return };
        let room = MAX_BODY - record.response.len();
        let part = &bytes[..bytes.len().min(room)];
        record.response.extend_from_slice(part);
        record.exchange.truncated |= part.len() < bytes.len();
        kept.bytes += part.len();
    }

    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.lock()
            .exchanges
            .iter()
            .map(|record| Exchange {
                response_body: Body::from(record.response.clone()),
                ..record.exchange.clone()
            })
            .collect()
    }

    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        kept.exchanges.clear();
        kept.bytes = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while the lock is held, and half an entry would still be readable.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, id: u64) -> Option<&mut Record> {
        let first = self.exchanges.front()?.exchange.id;
        let at = usize::try_from(id.checked_sub(first)?).ok()?;
        self.exchanges.get_mut(at)
    }
}
