//! The rules compiled: one trie over all words, and the rules each word concerns.

use std::collections::HashMap;
use std::sync::LazyLock;

use halo_types::Kind;
use serde::Deserialize;

use crate::pattern::LazyRegex;
use crate::rule::{Rule, RuleFile};
use crate::trie::Trie;
use crate::vendor::{index_of, vendors};
use crate::words::{Literal, Sort};

/// The built-in rule files with their names.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));
/// The same rules without their examples.
const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
const FACTS: &str = include_str!(concat!(env!("OUT_DIR"), "/facts.json"));
const HINTS: &str = include_str!(concat!(env!("OUT_DIR"), "/hints.json"));

/// The conditions of one rule in numbers.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) any: Vec<u32>,
    pub(crate) all: Vec<Vec<u32>>,
    pub(crate) absent: Vec<u32>,
    pub(crate) regex: Option<LazyRegex>,
    pub(crate) vendor: Vec<usize>,
    pub(crate) not_vendor: Vec<usize>,
}

/// What a mark in the text says about a vendor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) vendor: usize,
    pub(crate) layer: bool,
}

/// A pattern that is tried where one of some words was found.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) on: Vec<u32>,
    pub(crate) regex: LazyRegex,
}

/// Patterns for numbers and names.
#[derive(Debug)]
pub(crate) struct FactGroup {
    /// The kinds it tells of; all if empty.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) patterns: Vec<Pattern>,
}

/// Patterns for waits; see `hints.toml`.
#[derive(Debug)]
pub(crate) struct HintPatterns {
    pub(crate) duration: Pattern,
    pub(crate) bare: Pattern,
    pub(crate) chinese: Pattern,
    pub(crate) instant: Pattern,
    pub(crate) clock: Pattern,
    pub(crate) clock_cjk: Pattern,
}

/// What a limit counts, told by words.
#[derive(Debug)]
pub(crate) struct LimitScope {
    pub(crate) name: String,
    pub(crate) words: Vec<u32>,
}

/// The compiled table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) rules: Vec<Rule>,
    pub(crate) conditions: Vec<Conditions>,
    pub(crate) trie: Trie,
    /// How each literal is compared.
    pub(crate) sorts: Vec<Sort>,
    /// Rules that a literal may decide.
    concerned: Lists<u32>,
    /// Vendors told by a literal.
    marks: Lists<Mark>,
    /// Rules without words, the strongest first.
    pub(crate) wordless: Vec<u32>,
}

/// Patterns and words that belong to the built-in table alone.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    pub(crate) table: Table,
    pub(crate) facts: Vec<FactGroup>,
    pub(crate) hints: HintPatterns,
    pub(crate) scopes: Vec<LimitScope>,
}

#[derive(Deserialize)]
struct PatternData {
    on: Vec<String>,
    pattern: LazyRegex,
}

#[derive(Deserialize)]
struct FactsData {
    fact: Vec<FactGroupData>,
    scope: Vec<LimitScopeData>,
}

#[derive(Deserialize)]
struct FactGroupData {
    #[serde(default)]
    kinds: Vec<Kind>,
    patterns: Vec<PatternData>,
}

#[derive(Deserialize)]
struct LimitScopeData {
    name: String,
    words: Vec<String>,
}

#[derive(Deserialize)]
struct HintsData {
    duration: PatternData,
    bare: PatternData,
    chinese: PatternData,
    instant: PatternData,
    clock: PatternData,
    clock_cjk: PatternData,
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(|| {
    let rules: Vec<Rule> =
        serde_json::from_str(RULES).unwrap_or_else(|error| panic!("rules: {error}"));
    let facts: FactsData =
        serde_json::from_str(FACTS).unwrap_or_else(|error| panic!("facts: {error}"));
    let hints: HintsData =
        serde_json::from_str(HINTS).unwrap_or_else(|error| panic!("hints: {error}"));
    let mut words = Interner::default();
    let mut pattern = |data: PatternData| Pattern {
        on: data.on.iter().map(|word| words.add(Literal::mark(word))).collect(),
        regex: data.pattern,
    };
    let facts_groups = facts
        .fact
        .into_iter()
        .map(|group| FactGroup {
            kinds: group.kinds,
            patterns: group.patterns.into_iter().map(&mut pattern).collect(),
        })
        .collect();
    let hints = HintPatterns {
        duration: pattern(hints.duration),
        bare: pattern(hints.bare),
        chinese: pattern(hints.chinese),
        instant: pattern(hints.instant),
        clock: pattern(hints.clock),
        clock_cjk: pattern(hints.clock_cjk),
    };
    let scopes = facts
        .scope
        .into_iter()
        .map(|scope| LimitScope {
            name: scope.name,
            words: scope.words.iter().map(|word| words.add(Literal::mark(word))).collect(),
        })
        .collect();
    let mut marks = Vec::new();
    for (vendor, data) in vendors().iter().enumerate() {
        for (list, layer) in [(&data.words, false), (&data.layer, true)] {
            for word in list {
                marks.push((words.add(Literal::mark(word)), Mark { vendor, layer }));
            }
        }
    }
    let table = Table::build(rules, words, marks);
    BuiltIn { table, facts: facts_groups, hints, scopes }
});

pub(crate) fn built_in() -> &'static BuiltIn {
    &BUILT_IN
}

static RULES_WITH_EXAMPLES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = Vec::new();
    for (name, source) in FILES {
        let file: RuleFile =
            toml::from_str(source).unwrap_or_else(|error| panic!("{name}: {error}"));
        rules.extend(file.rule);
    }
    rules
});

/// Every rule, with its examples.
///
/// ```
/// let rules = halo_diagnose::rules();
/// assert!(rules.iter().any(|rule| rule.kind == halo_types::Kind::RateLimited));
/// ```
#[must_use]
pub fn rules() -> &'static [Rule] {
    &RULES_WITH_EXAMPLES
}

impl Table {
    /// A table of rules whose patterns are known to compile.
    pub(crate) fn of_rules(rules: Vec<Rule>) -> Self {
        Self::build(rules, Interner::default(), Vec::new())
    }

    fn build(rules: Vec<Rule>, mut words: Interner, mut marks: Vec<(u32, Mark)>) -> Self {
        let mut conditions = Vec::with_capacity(rules.len());
        for rule in &rules {
            let mut intern = |list: &[String]| -> Vec<u32> {
                list.iter().map(|word| words.add(Literal::of_rule(word))).collect()
            };
            let vendors = |ids: &[String]| ids.iter().filter_map(|id| index_of(id)).collect();
            conditions.push(Conditions {
                any: intern(&rule.any),
                all: rule.all.iter().map(|group| intern(group)).collect(),
                absent: intern(&rule.absent),
                regex: rule.regex.clone().map(LazyRegex::from),
                vendor: vendors(&rule.vendor),
                not_vendor: vendors(&rule.not_vendor),
            });
        }
        let mut concerned = Vec::new();
        let mut wordless = Vec::new();
        for (index, conditions) in (0..).zip(&conditions) {
            // One group suffices: a rule matches only if each of its groups has a hit.
            let trigger = if conditions.any.is_empty() {
                conditions.all.first()
            } else {
                Some(&conditions.any)
            };
            match trigger {
                Some(words) => concerned.extend(words.iter().map(|word| (*word, index))),
                None => wordless.push(index),
            }
        }
        wordless.sort_by_key(|rule| std::cmp::Reverse(rules[*rule as usize].precedence));
        concerned.sort_unstable();
        concerned.dedup();
        marks.sort_by_key(|(word, _)| *word);

        let literals = words.list;
        let spellings: Vec<(String, u32)> = literals
            .iter()
            .zip(0..)
            .flat_map(|(literal, number)| literal.spellings().map(move |text| (text, number)))
            .collect();
        Self {
            trie: Trie::new(spellings.iter().map(|(text, number)| (text.as_str(), *number))),
            concerned: Lists::new(literals.len(), concerned),
            marks: Lists::new(literals.len(), marks),
            sorts: literals.iter().map(|literal| literal.sort).collect(),
            rules,
            conditions,
            wordless,
        }
    }

    /// The rules that a literal may decide.
    pub(crate) fn concerned(&self, literal: u32) -> &[u32] {
        self.concerned.of(literal)
    }

    /// The vendors that a literal tells of.
    pub(crate) fn marks(&self, literal: u32) -> &[Mark] {
        self.marks.of(literal)
    }
}

/// One list per literal, stored one after the other.
#[derive(Debug)]
struct Lists<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    /// From pairs sorted by literal.
    fn new(literals: usize, pairs: Vec<(u32, T)>) -> Self {
        let mut starts = vec![0; literals + 1];
        for (literal, _) in &pairs {
            starts[*literal as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    fn of(&self, literal: u32) -> &[T] {
        let at = literal as usize;
        &self.items[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Gives each literal a number.
#[derive(Default)]
struct Interner {
    list: Vec<Literal>,
    known: HashMap<Literal, u32>,
}

impl Interner {
    fn add(&mut self, literal: Literal) -> u32 {
        if let Some(number) = self.known.get(&literal) {
            return *number;
        }
        // Tables have far fewer than 2³² entries.
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(literal.clone());
        self.known.insert(literal, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_compile() {
        let built_in = built_in();
        for regex in built_in.table.conditions.iter().filter_map(|c| c.regex.as_ref()) {
            assert!(!regex.get().as_str().is_empty(), "{}", regex.source());
        }
        for pattern in built_in.facts.iter().flat_map(|group| &group.patterns) {
            let regex = &pattern.regex;
            assert!(regex.get().captures_len() > 1, "{}: names nothing", regex.source());
        }
        use HintPatterns as Hints;
        let hints = &built_in.hints;
        let Hints { duration, bare, chinese, instant, clock, clock_cjk } = hints;
        for hint in [duration, bare, chinese, instant, clock, clock_cjk] {
            assert!(hint.regex.get().captures_len() > 1, "{}: names nothing", hint.regex.source());
        }
    }

    #[test]
    fn rules_name_known_vendors_and_are_the_same_with_and_without_examples() {
        assert_eq!(rules().len(), built_in().table.rules.len());
        for (with, without) in rules().iter().zip(&built_in().table.rules) {
            assert_eq!(with.id, without.id);
            for id in with.vendor.iter().chain(&with.not_vendor) {
                assert!(index_of(id).is_some(), "{}: {id} is no vendor", with.id);
            }
        }
    }
}
