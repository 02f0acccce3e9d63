//! The rules compiled: one automaton over all words, and the rules each word concerns.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::pattern::LazyRegex;
use crate::rule::{Rule, RuleFile};
use crate::vendors;

/// The built-in rule files.
const FILES: &[(&str, &str)] = &[
    ("rules/access.toml", include_str!("../rules/access.toml")),
    ("rules/cloudflare.toml", include_str!("../rules/cloudflare.toml")),
    ("rules/families.toml", include_str!("../rules/families.toml")),
    ("rules/image.toml", include_str!("../rules/image.toml")),
    ("rules/minimax.toml", include_str!("../rules/minimax.toml")),
    ("rules/model.toml", include_str!("../rules/model.toml")),
    ("rules/qianfan.toml", include_str!("../rules/qianfan.toml")),
    ("rules/quota.toml", include_str!("../rules/quota.toml")),
    ("rules/rate.toml", include_str!("../rules/rate.toml")),
    ("rules/request.toml", include_str!("../rules/request.toml")),
    ("rules/service.toml", include_str!("../rules/service.toml")),
    ("rules/size.toml", include_str!("../rules/size.toml")),
    ("rules/spark.toml", include_str!("../rules/spark.toml")),
    ("rules/status.toml", include_str!("../rules/status.toml")),
    ("rules/transport.toml", include_str!("../rules/transport.toml")),
    ("rules/wrappers.toml", include_str!("../rules/wrappers.toml")),
    ("rules/zhipu.toml", include_str!("../rules/zhipu.toml")),
];

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
    /// Anywhere; for the marks of vendors.
    Mark,
}

/// The conditions of one rule in numbers.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) any: Vec<u32>,
    pub(crate) all: Vec<Vec<u32>>,
    pub(crate) absent: Vec<u32>,
    pub(crate) regex: Option<LazyRegex>,
}

/// What a mark in the text says about a vendor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) vendor: usize,
    pub(crate) layer: bool,
}

/// The compiled table.
pub(crate) struct Table {
    pub(crate) rules: Vec<Rule>,
    pub(crate) conditions: Vec<Conditions>,
    pub(crate) automaton: AhoCorasick,
    /// The literals behind each pattern of the automaton.
    pub(crate) patterns: Vec<Vec<u32>>,
    pub(crate) literals: Vec<Literal>,
    /// Rules that a literal may decide, by literal.
    pub(crate) concerned: Vec<Vec<u32>>,
    /// Rules without words.
    pub(crate) wordless: Vec<u32>,
    /// Vendors told by a literal, by literal.
    pub(crate) marks: Vec<Vec<Mark>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut rules = Vec::new();
    for (name, source) in FILES {
        let file: RuleFile = match toml::from_str(source) {
            Ok(file) => file,
            Err(error) => panic!("{name}: {error}"),
        };
        rules.extend(file.rule);
    }
    Table::build(rules)
});

pub(crate) fn table() -> &'static Table {
    &TABLE
}

/// Every rule, with its examples.
///
/// ```
/// let rules = halo_diagnose::rules();
/// assert!(rules.iter().any(|rule| rule.kind == halo_types::Kind::RateLimited));
/// ```
#[must_use]
pub fn rules() -> &'static [Rule] {
    &TABLE.rules
}

impl Table {
    fn build(rules: Vec<Rule>) -> Self {
        let mut literals = Interner::default();
        let mut conditions = Vec::with_capacity(rules.len());
        let mut marks: HashMap<u32, Vec<Mark>> = HashMap::new();
        for rule in &rules {
            let mut intern = |words: &[String]| -> Vec<u32> {
                words.iter().map(|word| literals.add(literal(word))).collect()
            };
            conditions.push(Conditions {
                any: intern(&rule.any),
                all: rule.all.iter().map(|group| intern(group)).collect(),
                absent: intern(&rule.absent),
                regex: rule.regex.clone().map(LazyRegex::new),
            });
        }
        for (index, vendor) in vendors().iter().enumerate() {
            for (words, layer) in [(&vendor.words, false), (&vendor.layer, true)] {
                for word in words {
                    let id = literals.add(Literal { text: word.clone(), sort: Sort::Mark });
                    marks.entry(id).or_default().push(Mark { vendor: index, layer });
                }
            }
        }
        let literals = literals.list;

        let mut by_text: HashMap<String, usize> = HashMap::new();
        let mut patterns: Vec<Vec<u32>> = Vec::new();
        let mut texts: Vec<String> = Vec::new();
        for (id, literal) in literals.iter().enumerate() {
            for text in spellings(&literal.text) {
                let at = *by_text.entry(text.to_ascii_lowercase()).or_insert_with(|| {
                    patterns.push(Vec::new());
                    texts.push(text.clone());
                    patterns.len() - 1
                });
                patterns[at].push(number(id));
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&texts)
            .expect("a few thousand short words are within the automaton's limits");

        let mut concerned = vec![Vec::new(); literals.len()];
        let mut wordless = Vec::new();
        for (index, conditions) in conditions.iter().enumerate() {
            // One group suffices: a rule matches only if each of its groups has a hit.
            let trigger = if conditions.any.is_empty() {
                conditions.all.first()
            } else {
                Some(&conditions.any)
            };
            match trigger {
                Some(words) => {
                    for word in words {
                        let rules: &mut Vec<u32> = &mut concerned[*word as usize];
                        if rules.last() != Some(&number(index)) {
                            rules.push(number(index));
                        }
                    }
                }
                None => wordless.push(number(index)),
            }
        }
        let marks =
            (0..number(literals.len())).map(|id| marks.remove(&id).unwrap_or_default()).collect();
        Self { rules, conditions, automaton, patterns, literals, concerned, wordless, marks }
    }
}

/// The automaton ignores the case of ASCII letters only; a word of another alphabet is looked for
/// as it stands and with a capital at its beginning.
fn spellings(word: &str) -> Vec<String> {
    let mut spellings = vec![word.to_owned()];
    let mut chars = word.chars();
    if let Some(first) = chars.next().filter(|c| !c.is_ascii() && c.is_lowercase()) {
        spellings.push(first.to_uppercase().chain(chars).collect());
    }
    spellings
}

#[derive(Default)]
struct Interner {
    list: Vec<Literal>,
    known: HashMap<Literal, u32>,
}

impl Interner {
    fn add(&mut self, literal: Literal) -> u32 {
        if let Some(id) = self.known.get(&literal) {
            return *id;
        }
        let id = number(self.list.len());
        self.list.push(literal.clone());
        self.known.insert(literal, id);
        id
    }
}

/// Tables have far fewer than 2³² entries.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn literal(word: &str) -> Literal {
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
    Literal { text: text.to_owned(), sort }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_of_rules_compile() {
        for regex in table().conditions.iter().filter_map(|c| c.regex.as_ref()) {
            assert!(!regex.get().as_str().is_empty(), "{}", regex.source());
        }
    }
}
