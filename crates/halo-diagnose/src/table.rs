//! The rules compiled: one trie over all words, and the rules each word concerns.

use std::sync::LazyLock;

use halo_types::Kind;
use serde::Deserialize;

use crate::hits::Hits;
use crate::literal::{Interner, Literal, Sort};
use crate::pattern::{Found, LazyRegex};
use crate::rule::{Rule, RuleFile};
use crate::trie::Trie;
use crate::unwrap::Layer;
use crate::vendor::{index_of, vendors};

/// The built-in rule files with their names.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));
/// The same rules without their examples.
const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
const CONDITIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/conditions.json"));
/// The trie over the words of rules, facts, hints and vendors, and the sort of each word.
const TRIE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trie.bin"));
const SORTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sorts.bin"));
const FACTS: &str = include_str!(concat!(env!("OUT_DIR"), "/facts.json"));
const HINTS: &str = include_str!(concat!(env!("OUT_DIR"), "/hints.json"));

/// The longest text that patterns search, in bytes.
const MAX_TEXT: usize = 6 * 1024;

/// The conditions of one rule in numbers.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) words: WordConditions,
    pub(crate) regex: Option<LazyRegex>,
    pub(crate) vendor: Vec<usize>,
    pub(crate) not_vendor: Vec<usize>,
}

/// The numbers of the words that must stand in a text, or must not; each list is sorted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WordConditions {
    pub(crate) any: Vec<u32>,
    pub(crate) all: Vec<Vec<u32>>,
    pub(crate) absent: Vec<u32>,
}

/// What a mark in the text says about a vendor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) vendor: usize,
    pub(crate) layer: bool,
}

/// A pattern that is tried where one of some words was found.
#[derive(Debug, Deserialize)]
pub(crate) struct Pattern {
    pub(crate) on: Vec<u32>,
    /// Whether every match begins with one of these words.
    anchored: bool,
    #[serde(rename = "pattern")]
    pub(crate) regex: LazyRegex,
}

impl Pattern {
    /// The first match in the head of a layer, if the words it needs are there.
    pub(crate) fn captures<'l>(
        &self,
        layer: &'l Layer,
        index: usize,
        hits: &Hits,
    ) -> Option<Found<'l>> {
        let text = layer.text.as_str();
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        if !self.anchored {
            return hits.any_of(index, &self.on).then(|| self.regex.get().captures(text)).flatten();
        }
        let mut starts: Vec<usize> = Vec::new();
        hits.any_present(&self.on, |word| {
            starts.extend(hits.of(index, word).iter().map(|place| place.start as usize));
            false
        });
        starts.sort_unstable();
        starts.dedup();
        let fitting = starts.into_iter().filter(|start| *start < end);
        fitting.into_iter().find_map(|start| self.regex.get().captures_at(text, start))
    }
}

/// A pattern for numbers and names.
#[derive(Debug)]
pub(crate) struct Fact {
    /// The kinds it tells of; all if empty.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) pattern: Pattern,
}

#[derive(Deserialize)]
struct FactGroup {
    kinds: Vec<Kind>,
    patterns: Vec<Pattern>,
}

/// Patterns for waits; see `hints.toml`.
#[derive(Debug, Deserialize)]
pub(crate) struct HintPatterns {
    pub(crate) duration: Pattern,
    pub(crate) bare: Pattern,
    pub(crate) chinese: Pattern,
    pub(crate) instant: Pattern,
    pub(crate) clock: Pattern,
    pub(crate) clock_cjk: Pattern,
}

/// What a limit counts, told by words.
#[derive(Debug, Deserialize)]
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
    /// The rules by rank, the strongest first.
    pub(crate) order: Vec<u32>,
    /// The ranks of rules that a literal may decide.
    concerned: Lists<u32>,
    /// Vendors told by a literal.
    marks: Lists<Mark>,
    /// The ranks of rules without words.
    pub(crate) wordless: Vec<u32>,
}

/// Patterns and words that belong to the built-in table alone.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    pub(crate) table: Table,
    facts: Vec<Fact>,
    /// Facts that a literal may tell, by their places in `facts`.
    told: Lists<u32>,
    pub(crate) hints: HintPatterns,
    pub(crate) scopes: Vec<LimitScope>,
}

#[derive(Deserialize)]
struct FactsData {
    fact: Vec<FactGroup>,
    scope: Vec<LimitScope>,
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(|| {
    fn read<T: serde::de::DeserializeOwned>(what: &str, json: &str) -> T {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{what}: {error}"))
    }
    let rules: Vec<Rule> = read("rules", RULES);
    let conditions: Vec<WordConditions> = read("conditions", CONDITIONS);
    let facts: FactsData = read("facts", FACTS);
    let marks = vendors().iter().enumerate().flat_map(|(vendor, data)| {
        [(&data.words_numbers, false), (&data.layer_numbers, true)].into_iter().flat_map(
            move |(list, layer)| list.iter().map(move |word| (*word, Mark { vendor, layer })),
        )
    });
    let sorts = SORTS.iter().map(|sort| Sort::ALL[usize::from(*sort)]).collect();
    let table = Table::build(rules, conditions, Trie::from_bytes(TRIE), sorts, marks.collect());
    let scopes = facts.scope;
    let facts: Vec<Fact> = facts
        .fact
        .into_iter()
        .flat_map(|group| {
            let kinds = group.kinds;
            group.patterns.into_iter().map(move |pattern| Fact { kinds: kinds.clone(), pattern })
        })
        .collect();
    let mut told: Vec<(u32, u32)> = (0..)
        .zip(&facts)
        .flat_map(|(at, fact)| fact.pattern.on.iter().map(move |word| (*word, at)))
        .collect();
    told.sort_unstable();
    let told = Lists::new(SORTS.len(), told);
    BuiltIn { table, facts, told, hints: read("hints", HINTS), scopes }
});

impl BuiltIn {
    /// The facts whose words stand in some layer, in the order of the data file.
    pub(crate) fn facts(&self, hits: &Hits) -> impl Iterator<Item = &Fact> {
        let mut told: Vec<u32> =
            hits.present().iter().flat_map(|word| self.told.of(*word)).copied().collect();
        told.sort_unstable();
        told.dedup();
        told.into_iter().map(|at| &self.facts[at as usize])
    }
}

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
        let mut words = Interner::default();
        let mut intern = |list: &[String]| -> Vec<u32> {
            let numbers = list.iter().map(|word| words.add(Literal::of_rule(word)));
            let mut numbers: Vec<u32> = numbers.collect();
            numbers.sort_unstable();
            numbers
        };
        let conditions = rules
            .iter()
            .map(|rule| WordConditions {
                any: intern(&rule.any),
                all: rule.all.iter().map(|group| intern(group)).collect(),
                absent: intern(&rule.absent),
            })
            .collect();
        let spellings = words.spellings();
        let trie = Trie::new(spellings.iter().map(|(text, number)| (text.as_str(), *number)));
        Self::build(rules, conditions, trie, words.sorts(), Vec::new())
    }

    fn build(
        rules: Vec<Rule>,
        words: Vec<WordConditions>,
        trie: Trie,
        sorts: Vec<Sort>,
        mut marks: Vec<(u32, Mark)>,
    ) -> Self {
        let vendors = |ids: &[String]| ids.iter().filter_map(|id| index_of(id)).collect();
        let conditions: Vec<Conditions> = rules
            .iter()
            .zip(words)
            .map(|(rule, words)| Conditions {
                words,
                regex: rule.regex.clone().map(LazyRegex::from),
                vendor: vendors(&rule.vendor),
                not_vendor: vendors(&rule.not_vendor),
            })
            .collect();
        let mut order: Vec<u32> = (0..).take(rules.len()).collect();
        order.sort_by_key(|rule| std::cmp::Reverse(rules[*rule as usize].precedence));
        let mut concerned = Vec::new();
        let mut wordless = Vec::new();
        for (rank, number) in (0..).zip(&order) {
            let words = &conditions[*number as usize].words;
            // One group suffices: a rule matches only if each of its groups has a hit.
            let trigger = if words.any.is_empty() { words.all.first() } else { Some(&words.any) };
            match trigger {
                Some(words) => concerned.extend(words.iter().map(|word| (*word, rank))),
                None => wordless.push(rank),
            }
        }
        concerned.sort_unstable();
        concerned.dedup();
        marks.sort_by_key(|(word, _)| *word);
        Self {
            concerned: Lists::new(sorts.len(), concerned),
            marks: Lists::new(sorts.len(), marks),
            trie,
            sorts,
            rules,
            conditions,
            wordless,
            order,
        }
    }

    /// The ranks of the rules that a literal may decide.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_compile() {
        let built_in = built_in();
        for regex in built_in.table.conditions.iter().filter_map(|c| c.regex.as_ref()) {
            assert!(regex.get().names().next().is_none(), "{}: names are facts", regex.source());
        }
        for fact in &built_in.facts {
            let regex = &fact.pattern.regex;
            assert!(regex.get().names().next().is_some(), "{}: names nothing", regex.source());
        }
        use HintPatterns as Hints;
        let hints = &built_in.hints;
        let Hints { duration, bare, chinese, instant, clock, clock_cjk } = hints;
        for hint in [duration, bare, chinese, instant, clock, clock_cjk] {
            assert!(
                hint.regex.get().names().next().is_some(),
                "{}: names nothing",
                hint.regex.source()
            );
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
