//! Words of conditions as data files write them, and their numbers. The build script uses this
//! too, so that the built-in words are numbered before the program runs.

use std::collections::HashMap;

/// A word or code of some condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Literal {
    pub(crate) text: String,
    pub(crate) sort: Sort,
}

/// How a literal is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    /// From the beginning of a word.
    Word,
    /// A whole word.
    WholeWord,
    /// A whole structured field or identifier.
    Code,
    /// The beginning of a structured field or identifier.
    CodePrefix,
    /// Wherever a word or a part of a `CamelCase` name begins; for marks of vendors and the like.
    Mark,
}

impl Literal {
    #[allow(dead_code, reason = "for the build script")]
    pub(crate) fn mark(text: &str) -> Self {
        Self { text: text.to_owned(), sort: Sort::Mark }
    }

    /// A word as rules write it; see [`crate::Rule`].
    pub(crate) fn of_rule(word: &str) -> Self {
        let (text, sort) = match word.strip_prefix('#') {
            Some(code) => match code.strip_suffix('*') {
                Some(prefix) => (prefix, Sort::CodePrefix),
                None => (code, Sort::Code),
            },
            None => match word.strip_suffix('|') {
                Some(whole) => (whole, Sort::WholeWord),
                None => (word, Sort::Word),
            },
        };
        Self { text: text.to_owned(), sort }
    }

    /// The spellings that are looked for. The search ignores the case of ASCII letters only; a
    /// word of another alphabet is looked for as it stands and with a capital at its beginning.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = String> {
        let mut chars = self.text.chars();
        let capital = chars
            .next()
            .filter(|c| !c.is_ascii() && c.is_lowercase())
            .map(|first| first.to_uppercase().chain(chars).collect());
        std::iter::once(self.text.clone()).chain(capital)
    }
}

impl Sort {
    /// Every sort; its place is its number in the built table.
    pub(crate) const ALL: [Self; 5] =
        [Self::Word, Self::WholeWord, Self::Code, Self::CodePrefix, Self::Mark];
}

/// Gives each literal a number.
#[derive(Default)]
pub(crate) struct Interner {
    list: Vec<Literal>,
    known: HashMap<Literal, u32>,
}

impl Interner {
    pub(crate) fn add(&mut self, literal: Literal) -> u32 {
        if let Some(number) = self.known.get(&literal) {
            return *number;
        }
        // Tables have far fewer than 2³² entries.
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(literal.clone());
        self.known.insert(literal, number);
        number
    }

    /// How each literal is compared, by its number.
    pub(crate) fn sorts(&self) -> Vec<Sort> {
        self.list.iter().map(|literal| literal.sort).collect()
    }

    /// Every spelling of every literal, with its number.
    pub(crate) fn spellings(&self) -> Vec<(String, u32)> {
        let numbered = self.list.iter().zip(0..);
        numbered.flat_map(|(literal, n)| literal.spellings().map(move |text| (text, n))).collect()
    }
}
