//! Byte pair encoding, as far as counting needs it: how many tokens a text has, not which.
//!
//! The tables are written by `build.rs` and searched as they lie in the binary. A text is split by
//! the vocabulary's regular expression; in each piece the pair of neighbours with the lowest rank
//! is merged until none is left. Tests compare the counts with `tiktoken-rs`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use regex_automata::Input;
use regex_automata::meta::Regex;

#[expect(clippy::cast_possible_truncation, reason = "the halves of the hash are folded before")]
mod hash {
    include!("bpe/hash.rs");
    pub(super) fn of(bytes: &[u8]) -> u32 {
        hash(bytes)
    }
}

/// Longer pieces are merged by way of a heap.
const SHORT: usize = 64;

/// A vocabulary.
pub(crate) struct Table {
    /// Where each token begins in `bytes`, and where the last one ends.
    offsets: &'static [u8],
    bytes: &'static [u8],
    /// Rank + 1 by hash, with open addressing; 0 is free.
    slots: &'static [u8],
    pattern: Regex,
}

/// What the regular expressions of OpenAI say, without their look ahead, which `pieces` does.
const O200K: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
);
const CL100K: &str = concat!(
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+"
);

impl Table {
    pub(crate) fn o200k() -> Self {
        Self {
            offsets: include_bytes!(concat!(env!("OUT_DIR"), "/o200k.offsets")),
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/o200k.bytes")),
            slots: include_bytes!(concat!(env!("OUT_DIR"), "/o200k.slots")),
            pattern: Regex::new(O200K).expect("the expression is well formed"),
        }
    }

    pub(crate) fn cl100k() -> Self {
        Self {
            offsets: include_bytes!(concat!(env!("OUT_DIR"), "/cl100k.offsets")),
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/cl100k.bytes")),
            slots: include_bytes!(concat!(env!("OUT_DIR"), "/cl100k.slots")),
            pattern: Regex::new(CL100K).expect("the expression is well formed"),
        }
    }

    /// The tokens of a text.
    pub(crate) fn count(&self, text: &str) -> u64 {
        let mut at = 0;
        let mut tokens = 0;
        while let Some(found) = self.pattern.find(Input::new(text).range(at..)) {
            let end = end_of(text, found.start(), found.end());
            tokens += self.count_piece(&text.as_bytes()[found.start()..end]) as u64;
            at = end;
        }
        tokens
    }

    fn count_piece(&self, piece: &[u8]) -> usize {
        if piece.len() == 1 || self.rank(piece).is_some() {
            1
        } else if piece.len() <= SHORT {
            self.merge_short(piece)
        } else {
            self.merge_long(piece)
        }
    }

    /// The rank of a token.
    fn rank(&self, token: &[u8]) -> Option<u32> {
        let mask = self.slots.len() / 4 - 1;
        let mut slot = hash::of(token) as usize & mask;
        loop {
            let rank = number(self.slots, slot).checked_sub(1)?;
            let start = number(self.offsets, rank as usize) as usize;
            let end = number(self.offsets, rank as usize + 1) as usize;
            if self.bytes[start..end] == *token {
                return Some(rank);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Looks at every pair in each round: the quicker way for a word.
    fn merge_short(&self, piece: &[u8]) -> usize {
        // Where each part begins, and the rank it would have together with the next one.
        let mut parts: Vec<(usize, u32)> = (0..=piece.len()).map(|at| (at, u32::MAX)).collect();
        let together = |parts: &[(usize, u32)], at: usize| {
            let (start, end) = (parts[at].0, parts.get(at + 2).map(|part| part.0));
            end.and_then(|end| self.rank(&piece[start..end])).unwrap_or(u32::MAX)
        };
        for at in 0..parts.len() {
            parts[at].1 = together(&parts, at);
        }
        loop {
            let lowest = parts.iter().enumerate().min_by_key(|(_, part)| part.1);
            let Some((at, (_, rank))) = lowest else { break };
            if *rank == u32::MAX {
                break;
            }
            parts.remove(at + 1);
            parts[at].1 = together(&parts, at);
            if at > 0 {
                parts[at - 1].1 = together(&parts, at - 1);
            }
        }
        parts.len() - 1
    }

    /// Keeps the pairs in a heap: a run of many thousand characters stays quick.
    fn merge_long(&self, piece: &[u8]) -> usize {
        // By where a part begins: the beginning of the one before, its own end (0 once it is part
        // of another one), and the rank it would have together with the next one.
        let mut before: Vec<usize> = (0..piece.len()).map(|at| at.wrapping_sub(1)).collect();
        let mut ends: Vec<usize> = (1..=piece.len()).collect();
        let mut ranks = vec![u32::MAX; piece.len()];
        let mut heap = BinaryHeap::new();
        let together = |ends: &[usize], at: usize| {
            let end = *ends.get(ends[at])?;
            self.rank(&piece[at..end])
        };
        for (at, known) in ranks.iter_mut().enumerate() {
            if let Some(rank) = together(&ends, at) {
                *known = rank;
                heap.push(Reverse((rank, at)));
            }
        }
        let mut parts = piece.len();
        while let Some(Reverse((rank, at))) = heap.pop() {
            // What was pushed before a part grew does not hold any more.
            if ranks[at] != rank || ends[at] == 0 {
                continue;
            }
            let next = ends[at];
            ends[at] = ends[next];
            ends[next] = 0;
            if let Some(previous) = before.get_mut(ends[at]) {
                *previous = at;
            }
            parts -= 1;
            for at in [Some(at), before.get(at).copied().filter(|_| at > 0)].into_iter().flatten() {
                ranks[at] = together(&ends, at).unwrap_or(u32::MAX);
                if ranks[at] != u32::MAX {
                    heap.push(Reverse((ranks[at], at)));
                }
            }
        }
        parts
    }
}

/// Where a piece ends: of white space before a word the last character belongs to the word
/// (`\s+(?!\S)` in OpenAI's expressions).
fn end_of(text: &str, start: usize, end: usize) -> usize {
    let piece = &text[start..end];
    let Some(last) = piece.chars().next_back().filter(|c| c.is_whitespace()) else { return end };
    let shortened = end - last.len_utf8();
    let stays = matches!(last, '\r' | '\n')
        || end == text.len()
        || shortened == start
        || !piece.chars().all(char::is_whitespace);
    if stays { end } else { shortened }
}

fn number(numbers: &[u8], at: usize) -> u32 {
    let bytes = numbers[at * 4..].first_chunk().expect("a table holds whole numbers");
    u32::from_le_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

    use super::*;

    static TABLES: LazyLock<[(Table, &CoreBPE); 2]> = LazyLock::new(|| {
        [(Table::o200k(), o200k_base_singleton()), (Table::cl100k(), cl100k_base_singleton())]
    });

    fn check(text: &str) {
        for (own, theirs) in &*TABLES {
            assert_eq!(own.count(text), theirs.count_ordinary(text) as u64, "{text:?}");
        }
    }

    #[test]
    fn texts_of_many_kinds_are_counted_as_the_published_tokenizer_does() {
        for text in [
            "",
            "a",
            "Hello,  world!\n\n  It's 12345 o'clock; I'VE seen\tit. \r\n x",
            "trailing   ",
            "trailing \n  \n ",
            "  \u{3000} wide\u{a0}\u{a0}spaces",
            "fn main() { println!(\"{:?}\", x/y); }\n\n\n// end/\n",
            "你好，世界。这是一个很长的中文句子，没有空格",
            "Привет мир — мне 42 года",
            "🦀🦀🦀 👩‍👩‍👧 e\u{301}\u{301}",
            "ﷺ \u{0} \u{7f} \u{feff}",
        ] {
            check(text);
        }
        for unit in ["a", "ab", " ", "\n", "!", "你", "\u{301}", "Aa", "1", "-=", "🦀"] {
            check(&unit.repeat(300));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_counted_as_the_published_tokenizer_does(
            text in r"(\PC|[ \t\r\n]|[a-zA-Z']{1,9}|[ ]{1,3}|[0-9]|\p{Han}){0,120}"
        ) {
            check(&text);
        }

        #[test]
        fn long_words_are_counted_as_the_published_tokenizer_does(text in "[a-e]{60,400}|[A-Za-z]{60,300}") {
            check(&text);
        }
    }
}
