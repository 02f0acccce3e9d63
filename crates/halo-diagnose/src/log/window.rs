//! A long input as windows that overlap, so that each can be searched by itself.

use std::ops::Range;

/// How far around a hit the search looks, in bytes. No block is longer.
pub const LOOK: usize = 64 * 1024;

/// A piece of an input with its surroundings. Hits within `own` are this window's business; up to
/// [`LOOK`] bytes on each side serve to see whole blocks.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    /// The bytes with the surroundings.
    pub bytes: &'a [u8],
    /// What belongs to this window and to no other.
    pub own: Range<usize>,
    /// Where `bytes` begins in the input.
    pub offset: u64,
}

/// Cuts an input into windows. It holds the overlap, the caller the bytes:
///
/// ```
/// use halo_diagnose::log::Feed;
/// let mut feed = Feed::default();
/// let mut bytes = Vec::new();
/// feed.overlap(&mut bytes);
/// bytes.extend_from_slice(b"a line\n");
/// let window = feed.cut(&bytes, true);
/// assert_eq!((window.own, window.offset), (0..7, 0));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Feed {
    tail: Vec<u8>,
    /// Where in `tail` the next window's own part begins.
    own: usize,
    offset: u64,
}

impl Feed {
    /// The longest overlap, in bytes.
    pub const OVERLAP: usize = 2 * LOOK;

    /// Puts the overlap with the window before into `bytes`. The caller adds what follows in the
    /// input.
    pub fn overlap(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.tail);
    }

    /// The window that `bytes` make: the overlap and what follows. `last` tells that the input
    /// ends with them.
    pub fn cut<'a>(&mut self, bytes: &'a [u8], last: bool) -> Window<'a> {
        let end = if last { bytes.len() } else { bytes.len().saturating_sub(LOOK).max(self.own) };
        let window = Window { bytes, own: self.own..end, offset: self.offset };
        let from = end.saturating_sub(LOOK);
        self.tail.clear();
        self.tail.extend_from_slice(&bytes[from..]);
        self.own = end - from;
        self.offset += from as u64;
        window
    }
}
