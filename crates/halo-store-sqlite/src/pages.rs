//! A damaged database read without SQLite: page by page, row by row.
//!
//! SQLite finds a row through the pages above it, so one bad page hides thousands of good rows.
//! The rows themselves lie in leaf pages that can be told by their first byte, and what Halo keeps
//! in them proves itself: records carry a checksum, pictures are named by one. So every page is
//! looked at, and what does not prove itself is not believed.
//! The format: <https://www.sqlite.org/fileformat2.html>

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What SQLite makes, where the head of the file does not say.
const USUAL_PAGE: u32 = 4096;
/// A leaf of a table.
const LEAF: u8 = 0x0d;
/// No row of Halo is larger: a picture has at most 20 MiB.
const MAX_ROW: u64 = 256 << 20;

/// The pages of a database, the newer ones of its journal in place of the file's.
pub(crate) struct Pages {
    file: File,
    wal: Option<File>,
    /// Where the journal holds a page.
    newer: HashMap<u32, u64>,
    size: u32,
    reserved: u32,
    count: u32,
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// A number with a point, or a text that is none.
    Other,
}

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    page: u32,
    cell: u16,
}

/// A row as it lies in the file.
pub(crate) struct Row {
    pub(crate) rowid: i64,
    payload: Vec<u8>,
}

impl Pages {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut head = Vec::with_capacity(100);
        file.by_ref().take(100).read_to_end(&mut head)?;
        let ours = head.starts_with(b"SQLite format 3\0");
        let size = match be16(&head, 16).filter(|_| ours) {
            Some(1) => 65_536,
            Some(size) if size >= 512 && size.is_power_of_two() => u32::from(size),
            _ => USUAL_PAGE,
        };
        let reserved = head.get(20).copied().filter(|_| ours).map_or(0, u32::from);
        let mut wal_path = path.as_os_str().to_owned();
        wal_path.push("-wal");
        let mut pages = Self {
            file,
            wal: File::open(wal_path).ok(),
            newer: HashMap::new(),
            size,
            reserved: if reserved < size / 2 { reserved } else { 0 },
            count: u32::try_from(length.div_ceil(u64::from(size))).unwrap_or(u32::MAX),
        };
        pages.read_journal();
        Ok(pages)
    }

    /// Takes in the journal up to its last whole commit. What it holds proves itself later, so its
    /// checksums are not reckoned.
    fn read_journal(&mut self) {
        let Some(wal) = &mut self.wal else { return };
        let mut head = [0; 32];
        if wal.read_exact(&mut head).is_err() || be32(&head, 8) != Some(self.size) {
            return;
        }
        let frame = 24 + u64::from(self.size);
        let mut since_commit = Vec::new();
        let mut at = 32;
        let mut begin = [0; 24];
        while wal.seek(SeekFrom::Start(at)).is_ok() && wal.read_exact(&mut begin).is_ok() {
            // Frames of an earlier round of the journal lie behind those of the present one.
            if begin[8..16] != head[16..24] {
                break;
            }
            let page = be32(&begin, 0).unwrap_or(0);
            since_commit.push((page, at + 24));
            if be32(&begin, 4).is_some_and(|pages| pages > 0) {
                self.newer.extend(since_commit.drain(..));
            }
            at += frame;
        }
        let last = self.newer.keys().copied().max().unwrap_or(0);
        self.count = self.count.max(last);
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// A page by its number, from 1; what is missing at its end is zero.
    fn page(&mut self, number: u32) -> Option<Vec<u8>> {
        if number == 0 || number > self.count {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.size as usize);
        let (file, at) = match (self.newer.get(&number), &mut self.wal) {
            (Some(at), Some(wal)) => (wal, *at),
            _ => (&mut self.file, u64::from(number - 1) * u64::from(self.size)),
        };
        file.seek(SeekFrom::Start(at)).ok()?;
        file.by_ref().take(u64::from(self.size)).read_to_end(&mut bytes).ok()?;
        bytes.resize(self.size as usize, 0);
        Some(bytes)
    }

    /// The rows of a page, where it is a leaf of a table; none where it is anything else.
    pub(crate) fn rows(&mut self, number: u32) -> Vec<(Place, Row)> {
        let Some(page) = self.page(number) else { return Vec::new() };
        let head = head_of(number);
        if page.get(head) != Some(&LEAF) {
            return Vec::new();
        }
        let cells = be16(&page, head + 3).unwrap_or(0);
        (0..cells)
            .filter_map(|cell| {
                let row = self.row_of(&page, number, cell)?;
                Some((Place { page: number, cell }, row))
            })
            .collect()
    }

    /// The row at a place that [`Pages::rows`] named.
    pub(crate) fn row(&mut self, place: Place) -> Option<Row> {
        let page = self.page(place.page)?;
        self.row_of(&page, place.page, place.cell)
    }

    fn row_of(&mut self, page: &[u8], number: u32, cell: u16) -> Option<Row> {
        let pointer = head_of(number) + 8 + 2 * usize::from(cell);
        let mut at = usize::from(be16(page, pointer)?);
        let length = varint(page, &mut at)?;
        let rowid = varint(page, &mut at)?.cast_signed();
        // Nor is it larger than the file.
        if length > MAX_ROW.min(u64::from(self.count) * u64::from(self.size)) {
            return None;
        }
        let usable = u64::from(self.size - self.reserved);
        let most = usable - 35;
        let local = if length <= most {
            length
        } else {
            let least = (usable - 12) * 32 / 255 - 23;
            let fitting = least + (length - least) % (usable - 4);
            if fitting <= most { fitting } else { least }
        };
        let end = at.checked_add(usize::try_from(local).ok()?)?;
        let mut payload = page.get(at..end)?.to_vec();
        let length = usize::try_from(length).ok()?;
        if payload.len() < length {
            let mut next = be32(page, end)?;
            // Each page brings something, so a chain that leads in circles ends as well.
            while payload.len() < length {
                let more = self.page(next)?;
                next = be32(&more, 0)?;
                let take = (length - payload.len()).min(usize::try_from(usable - 4).ok()?);
                payload.extend_from_slice(more.get(4..4 + take)?);
            }
        }
        Some(Row { rowid, payload })
    }
}

impl Row {
    /// The values of the row; `None` where it is not set as rows are.
    pub(crate) fn cells(&self) -> Option<Vec<Cell<'_>>> {
        let payload = &self.payload;
        let mut at = 0;
        let head = usize::try_from(varint(payload, &mut at)?).ok()?;
        if head > payload.len() || head > 200 {
            return None;
        }
        let mut kinds = Vec::new();
        while at < head {
            kinds.push(varint(payload, &mut at)?);
        }
        let mut at = head;
        kinds
            .into_iter()
            .map(|kind| {
                let length = match kind {
                    0 | 8 | 9 => 0,
                    1..=4 => usize::try_from(kind).ok()?,
                    5 => 6,
                    6 | 7 => 8,
                    10 | 11 => return None,
                    _ => usize::try_from((kind - 12) / 2).ok()?,
                };
                let bytes = payload.get(at..at.checked_add(length)?)?;
                at += length;
                Some(match kind {
                    0 => Cell::Null,
                    1..=6 => Cell::Int(integer(bytes)),
                    8 => Cell::Int(0),
                    9 => Cell::Int(1),
                    7 => Cell::Other,
                    kind if kind % 2 == 0 => Cell::Blob(bytes),
                    _ => std::str::from_utf8(bytes).map_or(Cell::Other, Cell::Text),
                })
            })
            .collect()
    }
}

/// The first page begins with the head of the file.
const fn head_of(number: u32) -> usize {
    if number == 1 { 100 } else { 0 }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn integer(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(start, |number, byte| (number << 8) | i64::from(*byte))
}

/// Seven bits a byte, the ninth byte whole.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for nth in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if nth == 8 {
            return Some((number << 8) | u64::from(byte));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}
