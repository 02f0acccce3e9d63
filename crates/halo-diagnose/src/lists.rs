//! Lists of words: each has a number, so that whether one of its words stands in a layer is told
//! by one bit.

use serde::Deserialize;

/// Words of which one must stand in a text, or none.
#[derive(Debug, Deserialize)]
#[serde(from = "Vec<u32>")]
pub(crate) struct Words {
    /// The number of the list within its table.
    pub(crate) list: u32,
    /// The numbers of the words, sorted.
    pub(crate) words: Vec<u32>,
}

/// The number of a list that has none yet.
const NONE: u32 = u32::MAX;

impl From<Vec<u32>> for Words {
    fn from(words: Vec<u32>) -> Self {
        Self { list: NONE, words }
    }
}

/// A set of lists, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct ListSet {
    pub(crate) bits: Vec<u64>,
}

impl FromIterator<u32> for ListSet {
    fn from_iter<T: IntoIterator<Item = u32>>(lists: T) -> Self {
        let mut bits = Vec::new();
        for list in lists {
            let at = list as usize / 64;
            if bits.len() <= at {
                bits.resize(at + 1, 0);
            }
            bits[at] |= 1 << (list % 64);
        }
        Self { bits }
    }
}

/// Gives lists their numbers.
pub(crate) struct Numbering {
    next: u32,
    /// The list without words.
    empty: u32,
    /// Words with the lists that hold them.
    pairs: Vec<(u32, u32)>,
}

impl Numbering {
    /// The first `reserved` numbers are given by hand.
    pub(crate) fn after(reserved: usize) -> Self {
        // Tables have far fewer than 2³² entries.
        let empty = u32::try_from(reserved).unwrap_or(u32::MAX);
        Self { next: empty + 1, empty, pairs: Vec::new() }
    }

    /// Gives a list the next number, if it has none yet.
    pub(crate) fn add(&mut self, words: &mut Words) {
        if words.words.is_empty() {
            words.list = self.empty;
        } else if words.list == NONE {
            self.next += 1;
            self.add_as(self.next - 1, words);
        }
    }

    /// Gives a list a reserved number.
    pub(crate) fn add_as(&mut self, number: u32, words: &mut Words) {
        words.list = number;
        self.pairs.extend(words.words.iter().map(|word| (*word, number)));
    }

    /// How many numbers there are, and the lists of each word.
    pub(crate) fn finish(mut self, words: usize) -> (usize, PerWord<u32>) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        (self.next as usize, PerWord::new(words, self.pairs))
    }
}

/// Some items for each word, stored one after the other.
#[derive(Debug)]
pub(crate) struct PerWord<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> PerWord<T> {
    /// From pairs sorted by word.
    pub(crate) fn new(words: usize, pairs: Vec<(u32, T)>) -> Self {
        let mut starts = vec![0; words + 1];
        for (word, _) in &pairs {
            starts[*word as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    #[inline]
    pub(crate) fn of(&self, word: u32) -> &[T] {
        let at = word as usize;
        &self.items[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}
