//! Where the words of the table stand in the layers of an error.

use crate::literal::Sort;
use crate::table::Table;
use crate::unwrap::{Layer, Origin};
use crate::vendor::Witnesses;

/// How far from the deciding words, in bytes, a veto is heard; in a long log what stands far away
/// speaks of something else.
const VETO_REACH: usize = 400;
/// How many places of one word are kept per layer.
const MAX_PLACES: u8 = 8;
/// The longest text that is heard as a whole.
const SHORT: usize = 1200;

/// A word and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) literal: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Place {
    pub(crate) fn span(self) -> (usize, usize) {
        (self.start as usize, self.end as usize)
    }
}

/// Where each literal of a table was found.
#[derive(Debug)]
pub(crate) struct Hits {
    /// Of all layers, one layer after the other, each sorted by literal and place.
    places: Vec<Place>,
    /// Where the places of each layer end.
    ends: Vec<usize>,
    /// Literals that may have been found, by the last bits of their numbers.
    anywhere: [u64; 16],
    /// Literals found in any layer, sorted.
    present: Vec<u32>,
}

impl Hits {
    /// Finds all words and codes in all layers, and notes which vendors they tell of.
    pub(crate) fn find(table: &Table, layers: &[Layer], witnesses: &mut Witnesses<'_>) -> Self {
        let mut anywhere = [0_u64; 16];
        let mut places: Vec<Place> = Vec::with_capacity(64);
        let mut ends = Vec::with_capacity(layers.len());
        let mut small = Vec::new();
        let mut seen: Vec<u8> = Vec::new();
        for layer in layers {
            let text = layer.text.as_str().as_bytes();
            let from = places.len();
            small.clear();
            small.extend_from_slice(text);
            small.make_ascii_lowercase();
            // Only a long text can hold a word very often.
            let count = text.len() > SHORT;
            if count {
                seen.clear();
                seen.resize(table.sorts.len(), 0);
            }
            table.trie.each(text, &small, |literals, start, end| {
                for literal in literals {
                    let at = *literal as usize;
                    if count && seen[at] >= MAX_PLACES || !table.sorts[at].fits(layer, start, end) {
                        continue;
                    }
                    if count {
                        seen[at] += 1;
                    }
                    anywhere[at / 64 % 16] |= 1 << (at % 64);
                    places.push(Place {
                        literal: *literal,
                        // Layers are cut long before 4 GiB.
                        start: u32::try_from(start).unwrap_or(u32::MAX),
                        end: u32::try_from(end).unwrap_or(u32::MAX),
                    });
                    if table.sorts[at] != Sort::Mark {
                        continue;
                    }
                    for mark in table.marks(*literal) {
                        let list =
                            if mark.layer { &mut witnesses.layers } else { &mut witnesses.words };
                        if !list.contains(&mark.vendor) {
                            list.push(mark.vendor);
                        }
                    }
                }
            });
            places[from..].sort_unstable();
            ends.push(places.len());
        }
        let mut present: Vec<u32> = places.iter().map(|place| place.literal).collect();
        present.sort_unstable();
        present.dedup();
        Self { places, ends, anywhere, present }
    }

    /// The literals that stand in any layer, sorted.
    pub(crate) fn present(&self) -> &[u32] {
        &self.present
    }

    /// Calls `see` for each of `literals`, which are sorted, that may stand in some layer, until it
    /// returns true; tells whether it did.
    #[inline]
    pub(crate) fn any_present(&self, literals: &[u32], mut see: impl FnMut(u32) -> bool) -> bool {
        // Rules of meaning have hundreds of words, a text has few of them.
        if literals.len() > 4 * self.present.len() {
            let mut rest = literals;
            self.present.iter().any(|literal| {
                let at = rest.partition_point(|other| other < literal);
                rest = &rest[at..];
                rest.first() == Some(literal) && see(*literal)
            })
        } else {
            literals.iter().any(|literal| self.anywhere(*literal) && see(*literal))
        }
    }

    /// All places in a layer, sorted by literal.
    pub(crate) fn in_layer(&self, layer: usize) -> &[Place] {
        let from = layer.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.places[from..self.ends[layer]]
    }

    /// Whether a literal may stand in some layer; false for nearly all that do not.
    #[inline]
    fn anywhere(&self, literal: u32) -> bool {
        self.anywhere[literal as usize / 64 % 16] & (1 << (literal % 64)) != 0
    }

    /// The places of a literal in a layer.
    #[inline]
    pub(crate) fn of(&self, layer: usize, literal: u32) -> &[Place] {
        // Most literals stand nowhere.
        if self.anywhere(literal) { self.found(layer, literal) } else { &[] }
    }

    fn found(&self, layer: usize, literal: u32) -> &[Place] {
        let places = self.in_layer(layer);
        let from = places.partition_point(|place| place.literal < literal);
        let len = places[from..].iter().take_while(|place| place.literal == literal).count();
        &places[from..from + len]
    }

    /// Whether one of `literals` stands in a layer.
    pub(crate) fn any_of(&self, layer: usize, literals: &[u32]) -> bool {
        self.any_present(literals, |literal| !self.of(layer, literal).is_empty())
    }

    /// Whether a veto is heard at `span` of `layer`.
    pub(crate) fn vetoed(
        &self,
        words: &[u32],
        layers: &[Layer],
        layer: usize,
        span: (usize, usize),
    ) -> bool {
        self.any_present(words, |word| {
            (0..layers.len()).any(|other| {
                if other != layer && layers[other].origin == Origin::Spelled {
                    return false;
                }
                let heard = layers[other].text.len() <= SHORT;
                self.of(other, word).iter().map(|place| place.span()).any(|(start, end)| {
                    let near = other == layer
                        && end + VETO_REACH >= span.0
                        && start <= span.1 + VETO_REACH;
                    heard || near
                })
            })
        })
    }

    /// The place of one of `words` nearest to `span`, if it is near enough.
    pub(crate) fn near(
        &self,
        words: &[u32],
        layer: usize,
        span: (usize, usize),
        reach: usize,
    ) -> Option<(usize, usize)> {
        let mut nearest: Option<(usize, (usize, usize))> = None;
        self.any_present(words, |word| {
            for place in self.of(layer, word) {
                let (start, end) = place.span();
                let gap = start.saturating_sub(span.1) + span.0.saturating_sub(end);
                if gap <= reach && nearest.is_none_or(|old| (gap, (start, end)) < old) {
                    nearest = Some((gap, (start, end)));
                }
            }
            false
        });
        nearest.map(|(_, place)| place)
    }
}
