//! Where the words of the table stand in the layers of an error.

use crate::lists::{ListSet, Words};
use crate::literal::Sort;
use crate::table::Table;
use crate::unwrap::{Layer, Origin};
use crate::vendor::Witnesses;
use crate::words::holds_url;

/// How far from the deciding words, in bytes, a veto is heard; in a long log what stands far away
/// speaks of something else.
const VETO_REACH: usize = 400;
/// How many places of one word are kept per layer.
const MAX_PLACES: u8 = 8;
/// The longest text that is heard as a whole.
const SHORT: usize = 1200;

/// A word and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Default)]
pub(crate) struct Hits {
    /// Of all layers, one layer after the other, each sorted by literal and place.
    places: Vec<Place>,
    /// Where the places of each layer end.
    ends: Vec<usize>,
    /// For each layer the lists of words of which one stands in it, one bit each.
    lists: Vec<u64>,
    /// How many numbers of `lists` belong to one layer.
    stride: usize,
    /// A layer in small letters, while it is searched.
    small: Vec<u8>,
    /// How often each literal was found in it.
    seen: Vec<u8>,
}

/// How much room is kept for the next search: for texts that are heard as a whole.
const MAX_ROOM: usize = 8 * SHORT;

impl Hits {
    /// Finds all words and codes in all layers, and notes which vendors they tell of.
    pub(crate) fn find(&mut self, table: &Table, layers: &[Layer], witnesses: &mut Witnesses<'_>) {
        let Self { places, ends, lists, stride, small, seen } = self;
        *stride = table.list_count.div_ceil(64);
        places.clear();
        ends.clear();
        lists.clear();
        lists.resize(*stride * layers.len(), 0);
        for (layer, lists) in layers.iter().zip(lists.chunks_exact_mut(*stride)) {
            let text = layer.text.as_str().as_bytes();
            let from = places.len();
            small.clear();
            small.extend_from_slice(text);
            small.make_ascii_lowercase();
            // Only a long text can hold a word very often.
            let count = text.len() > SHORT;
            let urls = holds_url(text);
            if count {
                seen.clear();
                seen.resize(table.sorts.len(), 0);
            }
            table.trie.each(text, small, |literals, start, end| {
                for literal in literals {
                    let at = *literal as usize;
                    let sort = table.sorts[at];
                    if count && seen[at] >= MAX_PLACES || !sort.fits(layer, urls, start, end) {
                        continue;
                    }
                    if count {
                        seen[at] += 1;
                    }
                    for list in table.lists.of(*literal) {
                        lists[*list as usize / 64] |= 1 << (list % 64);
                    }
                    places.push(Place {
                        literal: *literal,
                        // Layers are cut long before 4 GiB.
                        start: u32::try_from(start).unwrap_or(u32::MAX),
                        end: u32::try_from(end).unwrap_or(u32::MAX),
                    });
                    if sort != Sort::Mark {
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
            places[from..]
                .sort_unstable_by_key(|p| (u64::from(p.literal) << 32) | u64::from(p.start));
            ends.push(places.len());
        }
    }

    /// Gives back the memory that a long text took.
    pub(crate) fn shrink(&mut self) {
        if self.places.capacity().max(self.small.capacity()).max(self.lists.capacity()) > MAX_ROOM {
            *self = Self::default();
        }
    }

    /// Whether one of `words` stands in a layer.
    #[inline]
    pub(crate) fn has(&self, layer: usize, words: &Words) -> bool {
        let list = words.list as usize;
        self.lists[layer * self.stride + list / 64] & (1 << (list % 64)) != 0
    }

    /// The numbers of the lists of `among` that have a word in the layer, in order.
    pub(crate) fn lists(&self, layer: usize, among: &ListSet) -> impl Iterator<Item = u32> {
        let from = layer * self.stride;
        let words = (0..).zip(self.lists[from..from + self.stride].iter().zip(&among.bits));
        words.flat_map(|(word, (there, wanted))| {
            let mut bits = there & wanted;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }

    /// Calls `see` for each place of one of `words` in a layer until it returns true; tells
    /// whether it did.
    #[inline]
    pub(crate) fn any_place(
        &self,
        layer: usize,
        words: &Words,
        see: impl FnMut(Place) -> bool,
    ) -> bool {
        self.has(layer, words) && self.any_of(layer, &words.words, see)
    }

    fn any_of(&self, layer: usize, mut words: &[u32], mut see: impl FnMut(Place) -> bool) -> bool {
        let mut places = self.in_layer(layer);
        // Both are sorted. Each next one of either is looked for in the rest of the other.
        while let (Some(place), Some(word)) = (places.first(), words.first()) {
            if place.literal < *word {
                places = &places[places.partition_point(|place| place.literal < *word)..];
            } else if *word < place.literal {
                words = &words[words.partition_point(|word| *word < place.literal)..];
            } else {
                if see(*place) {
                    return true;
                }
                places = &places[1..];
            }
        }
        false
    }

    /// All places in a layer, sorted by literal.
    fn in_layer(&self, layer: usize) -> &[Place] {
        let from = layer.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.places[from..self.ends[layer]]
    }

    /// Whether a veto is heard at `span` of `layer`.
    pub(crate) fn vetoed(
        &self,
        words: &Words,
        layers: &[Layer],
        layer: usize,
        span: (usize, usize),
    ) -> bool {
        (0..layers.len()).any(|other| {
            if !self.has(other, words) {
                return false;
            }
            if other != layer && layers[other].origin == Origin::Spelled {
                return false;
            }
            // Who quotes an error does not take part in it.
            if layers[other].around && layers[layer].depth > layers[other].depth {
                return false;
            }
            let heard = layers[other].text.len() <= SHORT;
            heard
                || other == layer
                    && self.any_place(other, words, |place| {
                        let (start, end) = place.span();
                        end + VETO_REACH >= span.0 && start <= span.1 + VETO_REACH
                    })
        })
    }

    /// The place of one of `words` nearest to `span`, if it is near enough.
    pub(crate) fn near(
        &self,
        words: &Words,
        layer: usize,
        span: (usize, usize),
        reach: usize,
    ) -> Option<(usize, usize)> {
        let mut nearest: Option<(usize, (usize, usize))> = None;
        self.any_place(layer, words, |place| {
            let (start, end) = place.span();
            let gap = start.saturating_sub(span.1) + span.0.saturating_sub(end);
            if gap <= reach && nearest.is_none_or(|old| (gap, (start, end)) < old) {
                nearest = Some((gap, (start, end)));
            }
            false
        });
        nearest.map(|(_, place)| place)
    }
}
