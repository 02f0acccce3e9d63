//! Finds the blocks of a window that tell of an error.

use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::Options;
use super::digest::{Digest, hash};
use super::line;
use super::literals::prefilter;
use super::stamp::{self, Stamp};
use super::verdict::{self, Verdict};
use super::window::{LOOK, Window};

/// The most lines of one block.
const MAX_LINES: usize = 160;
/// How many verdicts are remembered, twice: those of late and those before.
const MAX_CACHE: usize = 8 * 1024;
/// Of a line whose beginning is out of sight, pieces of this length are looked at by themselves,
/// with half of it before and after.
const PIECE: u64 = 16 * 1024;
/// How many lines back a time is looked for where the block has none.
const STAMP_LINES: usize = 24;

/// A block that tells of an error.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// Where the block begins in the input.
    pub(super) start: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// The line of the deciding words, counted from the beginning of the window's own part.
    pub(super) line: i64,
    /// The first line of the block, counted alike.
    pub(super) first_line: i64,
    /// The last line of the block, counted alike.
    pub(super) last_line: i64,
    /// When it was written.
    pub(super) stamp: Option<Stamp>,
    /// What it tells.
    pub(super) verdict: Verdict,
    /// A request id that stands in it.
    pub(super) id: Option<u64>,
    /// The same for blocks that are alike to the letter.
    pub(super) twin: u64,
    /// The block as it stands.
    pub(super) text: &'a [u8],
}

/// Searches windows. It remembers verdicts, so keep it for many windows; what it finds does not
/// depend on what it has seen before.
#[derive(Debug, Default)]
pub struct Searcher {
    options: Options,
    verdicts: Verdicts,
    digest: Digest,
}

/// Verdicts by the hash of what was judged. When the late ones are many, those before are
/// forgotten; what is asked for again stays.
#[derive(Debug, Default)]
struct Verdicts {
    late: HashMap<u64, Option<Verdict>>,
    before: HashMap<u64, Option<Verdict>>,
}

impl Verdicts {
    fn of(&mut self, key: u64, judge: impl FnOnce() -> Option<Verdict>) -> Option<Verdict> {
        if let Some(verdict) = self.late.get(&key) {
            return *verdict;
        }
        let verdict = self.before.get(&key).copied().unwrap_or_else(judge);
        if self.late.len() >= MAX_CACHE {
            self.before = std::mem::take(&mut self.late);
        }
        self.late.insert(key, verdict);
        verdict
    }
}

/// Where the block around a hit lies.
struct Block {
    start: usize,
    end: usize,
}

/// The walk over the hits of a window.
struct Walk<'w> {
    bytes: &'w [u8],
    offset: u64,
    /// The line of the last hit, and the beginning of its block with how many lines lie between:
    /// none if that is out of sight.
    last: Option<(usize, Option<(usize, usize)>)>,
    /// The beginning of the last block that was judged.
    judged: Option<usize>,
    /// A place whose line is known, and that line.
    counted: (usize, i64),
}

impl Searcher {
    /// A searcher with options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Finds every block of a window, in order, and returns how many line ends its own part has.
    pub fn search<'a>(&mut self, window: &Window<'a>, found: &mut Vec<Found<'a>>) -> u64 {
        let bytes = window.bytes;
        let own = window.own.clone();
        let mut walk = Walk {
            bytes,
            offset: window.offset,
            last: None,
            judged: None,
            counted: (own.start, 0),
        };
        let mut at = own.start;
        // A literal that begins here and ends beyond is ours.
        let reach = (own.end + 16).min(bytes.len());
        while let Some(hit) = prefilter().find(bytes, at, reach).filter(|hit| *hit < own.end) {
            let (block, next) = walk.block(hit);
            at = next.max(hit + 1);
            if let Some(block) = block {
                found.extend(self.judge(&mut walk, &block));
            }
            if at >= own.end {
                break;
            }
        }
        memchr_iter(b'\n', &bytes[own]).count() as u64
    }

    fn judge<'a>(&mut self, walk: &mut Walk<'a>, block: &Block) -> Option<Found<'a>> {
        let text = &walk.bytes[block.start..block.end];
        let first = &text[..memchr(b'\n', text).unwrap_or(text.len())];
        let level = line::level(&first[line::body_start(first)..]);
        self.digest.fill(text, true);
        let key = hash(level as u64, &self.digest.text);
        let verdict = self.verdicts.of(key, || {
            let words = String::from_utf8_lossy(&self.digest.text);
            verdict::decide(&words, level, self.options.provider.as_deref())
        })?;
        let line = self.digest.lines.get(verdict.line).map_or(0, |line| i64::from(*line));
        let first_line = walk.line_of(block.start);
        let inner = text.strip_suffix(b"\n").unwrap_or(text);
        let lines = memchr_iter(b'\n', inner).count();
        let now = self.options.now_ms();
        let stamp = stamp::find(first, now)
            .or_else(|| stamp::find(&first[line::body_start(first)..], now))
            .or_else(|| walk.stamp_before(block.start, now));
        Some(Found {
            start: walk.offset + block.start as u64,
            end: walk.offset + block.end as u64,
            line: first_line + line,
            first_line,
            last_line: first_line + i64::try_from(lines).unwrap_or(0),
            stamp,
            verdict,
            id: request_id(text),
            twin: hash(0, text),
            text,
        })
    }
}

impl Walk<'_> {
    /// The block around a hit, unless it is the one before, and where the next hit may stand.
    fn block(&mut self, hit: usize) -> (Option<Block>, usize) {
        let low = hit.saturating_sub(LOOK);
        let start = match memrchr(b'\n', &self.bytes[low..hit]) {
            Some(at) => low + at + 1,
            None if low == 0 && self.offset == 0 => 0,
            None => return self.piece(hit),
        };
        let limit = (start + LOOK).min(self.bytes.len());
        let line_end = memchr(b'\n', &self.bytes[hit..limit]).map_or(limit, |at| hit + at + 1);
        // Where no beginning is in sight, the line stands for itself.
        let (head, end) = match self.head(hit, start) {
            Some(head) => (head, None),
            None => (start, Some(line_end)),
        };
        if self.judged == Some(head) {
            return (None, line_end);
        }
        self.judged = Some(head);
        let end = end.unwrap_or_else(|| self.end(head));
        (Some(Block { start: head, end }), line_end)
    }

    /// A piece of a line whose beginning is out of sight. Pieces lie at fixed places of the
    /// input, so that they are the same however it is cut.
    fn piece(&mut self, hit: usize) -> (Option<Block>, usize) {
        let place = self.offset + hit as u64;
        let piece = place - place % PIECE;
        let inside = |place: u64| usize::try_from(place.saturating_sub(self.offset)).unwrap_or(0);
        let start = inside(piece.saturating_sub(PIECE / 2));
        let limit = inside(piece + PIECE + PIECE / 2).min(self.bytes.len());
        let end = memchr(b'\n', &self.bytes[hit..limit]).map_or(limit, |at| hit + at + 1);
        let next = inside(piece + PIECE).min(end).max(hit + 1);
        self.last = None;
        if self.judged == Some(start) {
            return (None, next);
        }
        self.judged = Some(start);
        (Some(Block { start, end }), next)
    }

    /// Where the block begins to which the line at `line` belongs; `None` if that is too far away.
    fn head(&mut self, hit: usize, line: usize) -> Option<usize> {
        let low = hit.saturating_sub(LOOK);
        let mut at = line;
        let mut lines = 0;
        let mut body = self.body(at);
        let found = loop {
            if let Some((_, head)) = self.last.filter(|(last, _)| *last == at && at != line) {
                // What was out of sight for a line before is so for this one.
                let Some((head, before)) = head else { break None };
                lines += before;
                break (lines <= MAX_LINES && head >= low).then_some(head);
            }
            if at == 0 && self.offset == 0 {
                break Some(at);
            }
            if at <= low || lines >= MAX_LINES {
                break None;
            }
            // The line before, if its beginning is in sight.
            let before = match memrchr(b'\n', &self.bytes[low..at - 1]) {
                Some(newline) => low + newline + 1,
                None if low == 0 && self.offset == 0 => 0,
                None => break line::is_head(None, body).then_some(at),
            };
            let previous = &self.bytes[before..at - 1];
            let same = line::wrapper(previous) == line::wrapper(&self.bytes[at..self.line_end(at)]);
            let previous = self.body(before);
            if line::is_head(same.then_some(previous), body) {
                break Some(at);
            }
            at = before;
            body = previous;
            lines += 1;
        };
        self.last = Some((line, found.map(|head| (head, lines))));
        found
    }

    fn line_end(&self, at: usize) -> usize {
        let limit = (at + LOOK).min(self.bytes.len());
        memchr(b'\n', &self.bytes[at..limit]).map_or(limit, |end| at + end)
    }

    /// What the program wrote in the line at `at`, or the first bytes of it.
    fn body(&self, at: usize) -> &[u8] {
        let line = &self.bytes[at..self.line_end(at)];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        &line[line::body_start(line)..]
    }

    /// Where the block ends that begins at `head`.
    fn end(&self, head: usize) -> usize {
        let limit = (head + LOOK).min(self.bytes.len());
        let mut at = head;
        for _ in 0..=MAX_LINES {
            let end = self.line_end(at).min(limit);
            if end + 1 >= limit {
                return limit;
            }
            let next = end + 1;
            let same = line::wrapper(&self.bytes[at..end])
                == line::wrapper(&self.bytes[next..self.line_end(next)]);
            if line::is_head(same.then(|| self.body(at)), self.body(next)) {
                return next;
            }
            at = next;
        }
        at
    }

    /// The line at a place, counted from the beginning of the own part.
    fn line_of(&mut self, place: usize) -> i64 {
        let (known, line) = self.counted;
        let count = |part: &[u8]| i64::try_from(memchr_iter(b'\n', part).count()).unwrap_or(0);
        let line = if place >= known {
            line + count(&self.bytes[known..place])
        } else {
            line - count(&self.bytes[place..known])
        };
        self.counted = (place, line);
        line
    }

    /// The time of the nearest line before that has one.
    fn stamp_before(&self, place: usize, now: Option<i64>) -> Option<Stamp> {
        let low = place.saturating_sub(LOOK / 2);
        let mut end = place.checked_sub(1)?;
        for _ in 0..STAMP_LINES {
            let start = memrchr(b'\n', self.bytes.get(low..end)?).map_or(low, |at| low + at + 1);
            let line = &self.bytes[start..end];
            let found = stamp::find(line, now)
                .or_else(|| stamp::find(&line[line::body_start(line)..], now));
            if found.is_some() {
                return found;
            }
            end = start.checked_sub(1).filter(|end| *end > low)?;
        }
        None
    }
}

/// A request id in a block, as a hash.
fn request_id(text: &[u8]) -> Option<u64> {
    // A search is not set up anew for each block.
    static FINDERS: LazyLock<[memmem::Finder<'static>; 2]> =
        LazyLock::new(|| [memmem::Finder::new("req_"), memmem::Finder::new("equest")]);
    const LABELS: &[&[u8]] = &[b"_id", b" id", b"-id", b"Id", b" ID", b"ID"];
    let after = |at: usize| {
        let rest = &text[at..];
        let skip = rest.iter().take(8).take_while(|b| b"\"'\\:= []".contains(b)).count();
        let word = &rest[skip..];
        let end = word
            .iter()
            .take(80)
            .take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
            .count();
        let word = &word[..end];
        (end >= 8 && word.iter().any(u8::is_ascii_digit)).then(|| hash(1, word))
    };
    if let Some(at) = FINDERS[0].find(text) {
        return after(at);
    }
    FINDERS[1].find_iter(text).find_map(|at| {
        let rest = &text[at + "equest".len()..];
        let label = LABELS.iter().find(|label| rest.starts_with(label))?;
        after(at + "equest".len() + label.len())
    })
}
