//! What was found, added up in bounded memory.
//!
//! **One error is counted once**, however many lines tell of it. Lines that go on with the line
//! before (indented, tracebacks, bodies over several lines) are one block, and a block is one
//! occurrence. A block is another account of the occurrence before, and not counted again, if it
//! follows within three lines and two seconds in the same file and
//!
//! - names the same request id (then up to 30 lines may lie between), or
//! - is the same text to the letter, time included, or
//! - is of the same kind but of another shape, names no other request id, and repeats the deciding
//!   words, or one of both gives a status alone.
//!
//! The same shape again, with other numbers, is another occurrence.

use std::collections::{BTreeMap, HashMap};

use halo_types::{Evidence, Kind, Timestamp};

use super::digest::Digest;
use super::search::Found;
use super::stamp::Stamp;

/// How many shapes are told apart; the rarest half goes to the others when they are more.
const MAX_GROUPS: usize = 2048;
/// How many hours are told apart.
const MAX_HOURS: usize = 50_000;
/// How much of an example is kept, in bytes.
const MAX_EXAMPLE: usize = 3 * 1024;
/// How far apart two accounts of one error may stand, in lines and milliseconds.
const NEAR_LINES: i64 = 3;
const NEAR_LINES_SAME_ID: i64 = 30;
const NEAR_MS: i64 = 2000;
/// How many occurrences are compared with a new one.
const RECENT: usize = 8;

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the file, in the order in which they were begun.
    pub file: usize,
    /// The line, from 1.
    pub line: u64,
}

/// A count with the first and last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// How many of them an unchanged request may cure.
    pub transient: u64,
    /// The earliest time.
    pub first: Option<Stamp>,
    /// The latest time.
    pub last: Option<Stamp>,
}

impl Count {
    fn add(&mut self, transient: bool, stamp: Option<Stamp>) {
        self.count += 1;
        self.transient += u64::from(transient);
        if let Some(stamp) = stamp {
            self.first = Some(self.first.map_or(stamp, |first| first.min(stamp)));
            self.last = Some(self.last.map_or(stamp, |last| last.max(stamp)));
        }
    }
}

/// Errors of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What kind of error.
    pub kind: Kind,
    /// Whether waiting helps.
    pub transient: bool,
    /// The rule that decided.
    pub rule: &'static str,
    /// Who spoke.
    pub vendor: Option<&'static str>,
    /// How many, and when.
    pub count: Count,
    /// Where the first one stands.
    pub place: Place,
    /// When the first one in the file was written.
    pub stamp: Option<Stamp>,
    /// The text of the first one: wrappers, colours and stack frames left out, secrets **not**
    /// masked.
    pub text: String,
}

impl Group {
    /// The first one as evidence, for the whole diagnosis. Where an access line gives nothing but
    /// a status, the body is empty. `provider` tells who was asked, where nothing in the log does.
    #[must_use]
    pub fn evidence(&self, provider: Option<&str>) -> Evidence {
        let mut evidence = super::verdict::evidence(&self.text, provider);
        evidence.at = self.stamp.filter(|stamp| stamp.zoned).map(|stamp| Timestamp(stamp.ms));
        evidence
    }
}

/// An occurrence that later ones are compared with.
#[derive(Debug)]
struct Recent {
    file: usize,
    last_line: i64,
    stamp: Option<Stamp>,
    kind: Kind,
    id: Option<u64>,
    twin: u64,
    cores: Vec<Option<u64>>,
    shapes: Vec<u64>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Summary {
    /// All occurrences.
    pub total: Count,
    /// By kind.
    pub kinds: BTreeMap<Kind, Count>,
    /// By who spoke.
    pub vendors: BTreeMap<Option<&'static str>, u64>,
    /// By hour, counted since 1970; see [`Stamp`] for the zone.
    pub hours: BTreeMap<i64, u64>,
    /// Occurrences without a time, or beyond the most hours that are told apart.
    pub hourless: u64,
    /// Occurrences whose time names no zone.
    pub zoneless: u64,
    /// Occurrences whose shape is no longer told apart.
    pub others: BTreeMap<Kind, u64>,
    /// Blocks that were another account of an occurrence already counted.
    pub repeated: u64,
    /// Lines read.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    groups: HashMap<u64, Group>,
    recent: Vec<Recent>,
    file: Option<usize>,
    /// Lines of this file before the window.
    file_lines: u64,
    /// Whether the last byte of this file was a line end.
    open_line: bool,
    /// Where the last block of this file ended.
    last_end: u64,
    digest: Digest,
}

impl Summary {
    /// Begins the next file.
    pub fn begin_file(&mut self) {
        self.end_line();
        self.file = Some(self.file.map_or(0, |file| file + 1));
        self.file_lines = 0;
        self.last_end = 0;
        self.recent.clear();
    }

    /// Counts a last line without a line end.
    fn end_line(&mut self) {
        if self.open_line {
            self.lines += 1;
            self.open_line = false;
        }
    }

    /// Lines read, with a last one that has no line end yet.
    #[must_use]
    pub fn all_lines(&self) -> u64 {
        self.lines + u64::from(self.open_line)
    }

    /// Ends the input.
    pub fn finish(&mut self) {
        self.end_line();
    }

    /// Adds what was found in a window: in the order of the windows. `own` is the window's own
    /// part and `newlines` how many line ends it has.
    pub fn add(&mut self, own: &[u8], newlines: u64, found: &[Found<'_>]) {
        for one in found {
            self.add_one(one);
        }
        self.file_lines += newlines;
        self.lines += newlines;
        self.bytes += own.len() as u64;
        if let Some(last) = own.last() {
            self.open_line = *last != b'\n';
        }
    }

    fn add_one(&mut self, found: &Found<'_>) {
        // A block that two windows see, or that lies in the one before.
        if found.start < self.last_end {
            return;
        }
        self.last_end = found.end;
        let base = i64::try_from(self.file_lines).unwrap_or(i64::MAX);
        let line = |relative: i64| base.saturating_add(relative).saturating_add(1);
        let file = self.file.unwrap_or(0);
        if self.is_repeated(found, file, line(found.first_line), line(found.last_line)) {
            self.repeated += 1;
            return;
        }
        let verdict = &found.verdict;
        self.total.add(verdict.transient, found.stamp);
        self.kinds.entry(verdict.kind).or_default().add(verdict.transient, found.stamp);
        *self.vendors.entry(verdict.vendor).or_default() += 1;
        self.zoneless += u64::from(found.stamp.is_some_and(|stamp| !stamp.zoned));
        let hour = found.stamp.map(|stamp| stamp.ms.div_euclid(3_600_000));
        match hour.filter(|hour| self.hours.len() < MAX_HOURS || self.hours.contains_key(hour)) {
            Some(hour) => *self.hours.entry(hour).or_default() += 1,
            None => self.hourless += 1,
        }
        let place = Place { file, line: u64::try_from(line(found.line)).unwrap_or(1) };
        self.group(found, place);
    }

    fn group(&mut self, found: &Found<'_>, place: Place) {
        let verdict = &found.verdict;
        if let Some(group) = self.groups.get_mut(&verdict.shape) {
            group.count.add(verdict.transient, found.stamp);
            return;
        }
        if self.groups.len() >= MAX_GROUPS {
            self.thin_out();
        }
        self.digest.fill(found.text, false);
        let mut count = Count::default();
        count.add(verdict.transient, found.stamp);
        let group = Group {
            kind: verdict.kind,
            transient: verdict.transient,
            rule: verdict.rule,
            vendor: verdict.vendor,
            count,
            place,
            stamp: found.stamp,
            text: excerpt(&self.digest.text, verdict.line),
        };
        self.groups.insert(verdict.shape, group);
    }

    /// Gives the rarer half of the shapes to the others; among equals the later ones.
    fn thin_out(&mut self) {
        let mut order: Vec<(u64, Place, u64)> = self
            .groups
            .iter()
            .map(|(shape, group)| (u64::MAX - group.count.count, group.place, *shape))
            .collect();
        order.sort_unstable();
        for (_, _, shape) in order.drain(MAX_GROUPS / 2..) {
            if let Some(group) = self.groups.remove(&shape) {
                *self.others.entry(group.kind).or_default() += group.count.count;
            }
        }
    }

    /// Whether a block is another account of an occurrence just counted.
    fn is_repeated(&mut self, found: &Found<'_>, file: usize, first: i64, last: i64) -> bool {
        let verdict = &found.verdict;
        let same = self.recent.iter_mut().rev().find(|recent| {
            let gap = first - recent.last_line;
            let near = recent.file == file
                && gap <= NEAR_LINES_SAME_ID
                && match (recent.stamp, found.stamp) {
                    (Some(a), Some(b)) => (a.ms - b.ms).abs() <= NEAR_MS,
                    _ => true,
                };
            if !near {
                return false;
            }
            if found.id.is_some() && found.id == recent.id {
                return true;
            }
            let other_id = found.id.is_some() && recent.id.is_some();
            if gap > NEAR_LINES || other_id {
                return false;
            }
            // One line is one occurrence of a kind.
            let one_line = gap <= 0 && recent.kind == verdict.kind;
            let twin = found.twin == recent.twin && found.stamp.is_some();
            let core = verdict.core.is_none()
                || recent.cores.iter().any(|core| core.is_none() || *core == verdict.core);
            one_line
                || twin
                || recent.kind == verdict.kind && core && !recent.shapes.contains(&verdict.shape)
        });
        if let Some(recent) = same {
            recent.last_line = last;
            recent.id = recent.id.or(found.id);
            if recent.shapes.len() < RECENT {
                recent.shapes.push(verdict.shape);
                recent.cores.push(verdict.core);
            }
            return true;
        }
        if self.recent.len() >= RECENT {
            self.recent.remove(0);
        }
        self.recent.push(Recent {
            file,
            last_line: last,
            stamp: found.stamp,
            kind: verdict.kind,
            id: found.id,
            twin: found.twin,
            cores: vec![verdict.core],
            shapes: vec![verdict.shape],
        });
        false
    }

    /// The shapes, worst first: kinds that need the person before those that pass by themselves,
    /// then the frequent before the rare.
    #[must_use]
    pub fn worst(&self) -> Vec<&Group> {
        let mut groups: Vec<(&u64, &Group)> = self.groups.iter().collect();
        groups.sort_by_key(|(shape, group)| {
            (group.transient, u64::MAX - group.count.count, group.place, **shape)
        });
        groups.into_iter().map(|(_, group)| group).collect()
    }
}

/// The digest, or where it is long, its first line and what stands around the deciding one.
fn excerpt(text: &[u8], line: usize) -> String {
    if text.len() <= MAX_EXAMPLE {
        return String::from_utf8_lossy(text).into_owned();
    }
    let start = match line.checked_sub(1) {
        None => 0,
        Some(newline) => {
            memchr::memchr_iter(b'\n', text).nth(newline).map_or(0, |newline| newline + 1)
        }
    };
    let end = (start + MAX_EXAMPLE).min(text.len());
    let mut out = String::from_utf8_lossy(&text[start..end]).into_owned();
    while out.ends_with('\u{fffd}') {
        out.pop();
    }
    out
}
