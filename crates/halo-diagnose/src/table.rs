//! The rules compiled: one trie over all words, and the rules each word concerns.

use std::sync::LazyLock;

use halo_types::Kind;
use serde::Deserialize;

use crate::hits::Hits;
use crate::lists::{ListSet, Numbering, PerWord, Words};
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
#[derive(Debug)]
pub(crate) struct Conditions {
    pub(crate) words: WordConditions,
    pub(crate) regex: Option<LazyRegex>,
    pub(crate) vendor: Vec<usize>,
    pub(crate) not_vendor: Vec<usize>,
}

/// The words that must stand in a text, or must not.
#[derive(Debug, Deserialize)]
pub(crate) struct WordConditions {
    pub(crate) any: Words,
    pub(crate) all: Vec<Words>,
    pub(crate) absent: Words,
}

impl WordConditions {
    /// The words of which one must be there for the rule to be tried: one group suffices, as each
    /// must have a hit.
    fn trigger(&mut self) -> Option<&mut Words> {
        if self.any.words.is_empty() { self.all.first_mut() } else { Some(&mut self.any) }
    }
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
    pub(crate) on: Words,
    /// Whether every match begins with one of these words.
    anchored: bool,
    #[serde(rename = "pattern")]
    pub(crate) regex: LazyRegex,
}

impl Pattern {
    /// The first match in the head of a layer, if the words it needs are there.
    #[inline]
    pub(crate) fn captures<'l>(
        &self,
        layer: &'l Layer,
        index: usize,
        hits: &Hits,
    ) -> Option<Found<'l>> {
        if hits.has(index, &self.on) { self.search(layer, index, hits) } else { None }
    }

    fn search<'l>(&self, layer: &'l Layer, index: usize, hits: &Hits) -> Option<Found<'l>> {
        let text = layer.text.as_str();
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        if !self.anchored {
            return self.regex.get().captures(text);
        }
        let mut starts: Vec<usize> = Vec::new();
        hits.any_place(index, &self.on, |place| {
            starts.push(place.start as usize);
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
    pub(crate) words: Words,
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
    /// The lists that hold a literal. A list that makes a rule be tried has the rule's rank as
    /// its number.
    pub(crate) lists: PerWord<u32>,
    /// How many lists there are.
    pub(crate) list_count: usize,
    /// The lists that make a rule be tried.
    pub(crate) tried: ListSet,
    /// Vendors told by a literal.
    marks: PerWord<Mark>,
    /// The ranks of rules without words.
    pub(crate) wordless: Vec<u32>,
}

/// Patterns and words that belong to the built-in table alone.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    pub(crate) table: Table,
    /// Their lists are numbered one after the other.
    facts: Vec<Fact>,
    /// The lists of the facts that each kind tells.
    told: Vec<ListSet>,
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
    let mut scopes = facts.scope;
    let mut facts: Vec<Fact> = facts
        .fact
        .into_iter()
        .flat_map(|group| {
            let kinds = group.kinds;
            group.patterns.into_iter().map(move |pattern| Fact { kinds: kinds.clone(), pattern })
        })
        .collect();
    let mut hints: HintPatterns = read("hints", HINTS);
    let others = (facts.iter_mut().map(|fact| &mut fact.pattern.on))
        .chain(scopes.iter_mut().map(|scope| &mut scope.words))
        .chain(hints.all().map(|pattern| &mut pattern.on));
    let trie = Trie::from_bytes(TRIE);
    let table = Table::build(rules, conditions, others, trie, sorts, marks.collect());
    let tells = |fact: &Fact, kind| fact.kinds.is_empty() || fact.kinds.contains(kind);
    let told = Kind::ALL.iter().map(|kind| {
        facts.iter().filter(|fact| tells(fact, kind)).map(|fact| fact.pattern.on.list).collect()
    });
    let told = told.collect();
    BuiltIn { table, facts, told, hints, scopes }
});

impl HintPatterns {
    fn all(&mut self) -> impl Iterator<Item = &mut Pattern> {
        let Self { duration, bare, chinese, instant, clock, clock_cjk } = self;
        [duration, bare, chinese, instant, clock, clock_cjk].into_iter()
    }
}

impl BuiltIn {
    /// The facts of a kind whose words stand in a layer, in the order of the data file.
    pub(crate) fn facts(
        &self,
        kind: Kind,
        layer: usize,
        hits: &Hits,
    ) -> impl Iterator<Item = &Fact> {
        let first = self.facts.first().map_or(0, |fact| fact.pattern.on.list);
        let told = hits.lists(layer, &self.told[kind as usize]);
        told.map(move |list| &self.facts[(list - first) as usize])
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
                any: intern(&rule.any).into(),
                all: rule.all.iter().map(|group| intern(group).into()).collect(),
                absent: intern(&rule.absent).into(),
            })
            .collect();
        let spellings = words.spellings();
        let trie = Trie::new(spellings.iter().map(|(text, number)| (text.as_str(), *number)));
        Self::build(rules, conditions, [].into_iter(), trie, words.sorts(), Vec::new())
    }

    /// `others` are lists of words that belong to no rule.
    fn build<'w>(
        rules: Vec<Rule>,
        words: Vec<WordConditions>,
        others: impl Iterator<Item = &'w mut Words>,
        trie: Trie,
        sorts: Vec<Sort>,
        mut marks: Vec<(u32, Mark)>,
    ) -> Self {
        let vendors = |ids: &[String]| ids.iter().filter_map(|id| index_of(id)).collect();
        let mut conditions: Vec<Conditions> = rules
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
        let mut wordless = Vec::new();
        let mut numbering = Numbering::after(rules.len());
        for (rank, number) in (0..).zip(&order) {
            let words = &mut conditions[*number as usize].words;
            match words.trigger() {
                Some(words) => numbering.add_as(rank, words),
                None => wordless.push(rank),
            }
            let WordConditions { any, all, absent } = words;
            all.iter_mut().chain([any, absent]).for_each(|list| numbering.add(list));
        }
        others.for_each(|list| numbering.add(list));
        let wordy = (0..).take(rules.len()).filter(|rank| !wordless.contains(rank));
        let tried = wordy.collect();
        let (list_count, lists) = numbering.finish(sorts.len());
        marks.sort_by_key(|(word, _)| *word);
        Self {
            lists,
            list_count,
            tried,
            marks: PerWord::new(sorts.len(), marks),
            trie,
            sorts,
            rules,
            conditions,
            wordless,
            order,
        }
    }

    /// The vendors that a literal tells of.
    pub(crate) fn marks(&self, literal: u32) -> &[Mark] {
        self.marks.of(literal)
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
