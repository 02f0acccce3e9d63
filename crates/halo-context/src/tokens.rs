//! Counting the tokens of a text.
//!
//! OpenAI publishes its vocabularies; the others publish none, and for them the newest of OpenAI's
//! serves as a yardstick that what they report corrects.

use std::sync::LazyLock;

use crate::bpe::Table;

static O200K: LazyLock<Table> = LazyLock::new(Table::o200k);
static CL100K: LazyLock<Table> = LazyLock::new(Table::cl100k);

/// How much of a text is handed to the tokenizer at once, in bytes. It bounds what one very long
/// word costs.
const PIECE: usize = 16 * 1024;
/// Longer texts are counted by samples, in bytes.
const SAMPLED: usize = 512 * 1024;
/// How many samples of [`PIECE`] bytes stand for such a text.
const SAMPLES: usize = 16;

/// A table of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Vocabulary {
    /// GPT-4o and everything after; the yardstick for all other makers.
    O200k,
    /// GPT-4, GPT-4 Turbo and GPT-3.5.
    Cl100k,
}

impl Vocabulary {
    /// The vocabulary of a model, by its name:
    /// <https://github.com/openai/tiktoken/blob/main/tiktoken/model.py>
    pub(crate) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let old = ["gpt-3.5", "gpt-35", "gpt-4-"].iter().any(|begin| name.starts_with(begin));
        if old || name == "gpt-4" { Self::Cl100k } else { Self::O200k }
    }

    fn table(self) -> &'static Table {
        match self {
            Self::O200k => &O200K,
            Self::Cl100k => &CL100K,
        }
    }

    /// The tokens of a text; of a very long one about as many.
    pub(crate) fn count(self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if text.len() <= SAMPLED {
            return self.count_all(text);
        }
        let stride = text.len() / SAMPLES;
        let (mut bytes, mut tokens) = (0u64, 0u64);
        for n in 0..SAMPLES {
            let start = ceil_boundary(text, n * stride);
            let end = floor_boundary(text, (start + PIECE).min(text.len())).max(start);
            bytes += (end - start) as u64;
            tokens += self.count_all(&text[start..end]);
        }
        tokens.saturating_mul(text.len() as u64) / bytes.max(1)
    }

    fn count_all(self, mut text: &str) -> u64 {
        let table = self.table();
        let mut tokens = 0;
        while !text.is_empty() {
            let (piece, rest) = text.split_at(piece_end(text));
            tokens += table.count(piece);
            text = rest;
        }
        tokens
    }
}

/// Where the first piece of a text ends: before white space if there is some, since no token
/// reaches over its beginning.
fn piece_end(text: &str) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let end = floor_boundary(text, PIECE);
    let before_space = text[..end].rfind(char::is_whitespace).filter(|at| *at > PIECE / 2);
    before_space.unwrap_or(end)
}

/// The nearest place at or before `at` where a character begins.
pub(crate) fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The nearest place at or after `at` where a character begins.
pub(crate) fn ceil_boundary(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// A token count without any vocabulary: about four bytes of ASCII, one CJK character or three
/// bytes of anything else make a token. For cutting texts to a length.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rough {
    ascii: u64,
    wide: u64,
    other: u64,
}

impl Rough {
    pub(crate) fn add(&mut self, c: char) {
        match u32::from(c) {
            0..=0x7f => self.ascii += 1,
            0x2e80..=0x9fff
            | 0xac00..=0xd7af
            | 0xf900..=0xfaff
            | 0xff00..=0xffef
            | 0x2_0000..=0x3_ffff => self.wide += 1,
            _ => self.other += c.len_utf8() as u64,
        }
    }

    pub(crate) fn tokens(self) -> u64 {
        self.ascii.div_ceil(4) + self.wide + self.other.div_ceil(3)
    }

    pub(crate) fn of(text: &str) -> u64 {
        let mut rough = Self::default();
        text.chars().for_each(|c| rough.add(c));
        rough.tokens()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_known_counts() {
        // Counted with OpenAI's own library (tiktoken 0.12).
        let cases = [
            ("", 0, 0),
            ("Hello, world!", 4, 4),
            ("tiktoken is great!", 6, 6),
            ("antidisestablishmentarianism", 6, 6),
            ("The quick brown fox jumps over the lazy dog.", 10, 10),
            ("你好，世界", 3, 6),
        ];
        for (text, new, old) in cases {
            assert_eq!(Vocabulary::O200k.count(text), new, "{text}");
            assert_eq!(Vocabulary::Cl100k.count(text), old, "{text}");
        }
    }

    #[test]
    fn the_name_tells_the_vocabulary() {
        for name in ["gpt-4", "gpt-4-turbo", "openai/gpt-3.5-turbo", "gpt-4-0613"] {
            assert_eq!(Vocabulary::of(name), Vocabulary::Cl100k, "{name}");
        }
        for name in ["gpt-4o", "gpt-4.1-mini", "gpt-5.4", "claude-sonnet-4-5", "gemini-3-pro"] {
            assert_eq!(Vocabulary::of(name), Vocabulary::O200k, "{name}");
        }
    }

    #[test]
    fn hostile_texts_are_counted_and_pieces_lose_nothing() {
        for unit in [" ", "\n", "\u{301}", "A", "a", "!", "你", "\u{a0}", "  \n"] {
            let text = unit.repeat(300_000 / unit.len());
            assert!(Vocabulary::Cl100k.count(&text) > 0, "{unit:?}");
            assert!(Vocabulary::O200k.count(&text) > 0, "{unit:?}");
        }
        let words = "The quick brown fox jumps over the lazy dog. ".repeat(2_000);
        assert_eq!(Vocabulary::O200k.count(&words), 20_001);
        let long = words.repeat(8);
        let tokens = Vocabulary::O200k.count(&long);
        assert!(tokens.abs_diff(160_001) < 1_600, "{tokens}");
    }
}
