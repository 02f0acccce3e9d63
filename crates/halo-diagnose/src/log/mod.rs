//! Provider errors inside the logs of programs, whatever their size.
//!
//! The work has three parts, all of them without I/O and clock. [`Feed`] cuts an input into
//! [`Window`]s that overlap, so that several can be searched at once; [`Searcher`] finds the
//! blocks of a window that tell of an error; [`Summary`] adds them up, in the order of the
//! windows. [`Scan`] is all three in one, for a single thread.
//!
//! How a block is found: a line that holds one of the [`literals`] is a hit. Its block reaches
//! back to the line that begins the record and on to the next such line. The block, with other
//! numbers and ids in place of its own, is judged: see the rules in `verdict.rs`. What is found
//! depends on the bytes around a hit alone, so it is the same however the input is cut.
//!
//! ```
//! use halo_diagnose::log::{Options, Scan};
//! use halo_types::Kind;
//!
//! let mut scan = Scan::new(Options::default());
//! scan.begin_file();
//! scan.push(b"2026-11-01 12:00:00 INFO ready\n2026-11-01 12:00:01 ERROR openai.RateLimit");
//! scan.push(b"Error: Error code: 429 - {'error': {'message': 'Rate limit reached'}}\n");
//! let summary = scan.finish();
//! assert_eq!((summary.lines, summary.total.count), (2, 1));
//! assert_eq!(summary.worst()[0].kind, Kind::RateLimited);
//! assert_eq!(summary.worst()[0].place.line, 2);
//! ```

mod access;
mod digest;
mod line;
mod literals;
mod marks;
mod prompts;
mod search;
mod stamp;
mod summary;
mod verdict;
mod window;

use halo_types::Timestamp;

pub use literals::literals;
pub use search::{Found, Searcher};
pub use stamp::Stamp;
pub use summary::{Count, Group, Place, Summary};
pub use window::{Feed, LOOK, Window};

/// What a search depends on besides the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Who was asked, where nothing in the log tells.
    pub provider: Option<String>,
    /// The present: tells the year where a log leaves it out.
    pub now: Option<Timestamp>,
}

impl Options {
    fn now_ms(&self) -> Option<i64> {
        self.now.map(|now| now.0)
    }
}

/// How many bytes are gathered before they are searched.
const STEP: usize = 512 * 1024;

/// A search in one thread: bytes in, summary out.
#[derive(Debug, Default)]
pub struct Scan {
    feed: Feed,
    searcher: Searcher,
    summary: Summary,
    bytes: Vec<u8>,
}

impl Scan {
    /// A search with options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { searcher: Searcher::new(options), ..Self::default() }
    }

    /// Begins the next file.
    pub fn begin_file(&mut self) {
        self.end_file();
        self.summary.begin_file();
    }

    /// Takes the next bytes of the file; they may be cut anywhere.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = (Feed::OVERLAP + STEP).saturating_sub(self.bytes.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.bytes.extend_from_slice(now);
            bytes = later;
            if self.bytes.len() >= Feed::OVERLAP + STEP {
                self.step(false);
            }
        }
    }

    fn step(&mut self, last: bool) {
        let window = self.feed.cut(&self.bytes, last);
        let mut found = Vec::new();
        let newlines = self.searcher.search(&window, &mut found);
        self.summary.add(&window.bytes[window.own], newlines, &found);
        drop(found);
        self.feed.overlap(&mut self.bytes);
    }

    fn end_file(&mut self) {
        self.step(true);
        self.feed = Feed::default();
        self.bytes.clear();
    }

    /// Ends the input.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        self.end_file();
        self.summary.finish();
        self.summary
    }
}
