//! Patterns of rules, facts and hints.

use std::sync::OnceLock;

use regex_automata::meta::{self, BuildError};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use serde::Deserialize;

/// A compiled pattern. Words are looked for before a pattern is tried, so it takes no prefilter of
/// its own: making one would take most of the time that compiling takes.
#[derive(Debug)]
pub(crate) struct Pattern(meta::Regex);

/// Where a pattern matched.
pub(crate) struct Found<'t> {
    text: &'t str,
    captures: Captures,
}

impl<'t> Found<'t> {
    /// The text of a named part, if it took part in the match.
    pub(crate) fn name(&self, name: &str) -> Option<&'t str> {
        self.captures.get_group_by_name(name).map(|span| &self.text[span.range()])
    }
}

impl Pattern {
    /// A case-insensitive pattern whose `\d`, `\w` and `\b` mean ASCII: codes, numbers and names
    /// are ASCII, and the tables of Unicode would make the patterns a hundred times larger.
    ///
    /// # Errors
    ///
    /// Fails if the pattern is no regular expression, or compiles to more than 2 MiB.
    pub(crate) fn compile(source: &str) -> Result<Self, Box<BuildError>> {
        let ascii = source
            .replace(r"\d", "[0-9]")
            .replace(r"\w", "[0-9A-Za-z_]")
            .replace(r"\b", r"(?-u:\b)");
        meta::Regex::builder()
            .configure(meta::Config::new().auto_prefilter(false).nfa_size_limit(Some(1 << 21)))
            .syntax(syntax::Config::new().case_insensitive(true).multi_line(true))
            .build(&ascii)
            .map(Self)
            .map_err(Box::new)
    }

    /// The first match with its parts.
    pub(crate) fn captures<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        // Finding that there is nothing is much cheaper than looking for the parts.
        if !self.0.is_match(text) {
            return None;
        }
        let mut captures = self.0.create_captures();
        self.0.captures(text, &mut captures);
        captures.is_match().then_some(Found { text, captures })
    }

    /// The match that begins at `start`, with its parts.
    pub(crate) fn captures_at<'t>(&self, text: &'t str, start: usize) -> Option<Found<'t>> {
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
        if !self.0.is_match(input.clone()) {
            return None;
        }
        let mut captures = self.0.create_captures();
        self.0.search_captures(&input, &mut captures);
        captures.is_match().then_some(Found { text, captures })
    }

    /// The range of the first match.
    pub(crate) fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.0.find(text).map(|found| (found.start(), found.end()))
    }

    /// The names of its parts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.group_info().all_names().filter_map(|(_, _, name)| name)
    }
}

/// A pattern that is compiled when it is first needed: most failures need few of them, and
/// compiling all would cost the start of the program more than everything else.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct LazyRegex {
    source: String,
    compiled: OnceLock<Pattern>,
}

impl From<String> for LazyRegex {
    fn from(source: String) -> Self {
        Self { source, compiled: OnceLock::new() }
    }
}

impl LazyRegex {
    pub(crate) fn get(&self) -> &Pattern {
        self.compiled.get_or_init(|| {
            Pattern::compile(&self.source).expect(
                "built-in patterns compile, a test compiles them all; a person's own are compiled \
                 before they are taken",
            )
        })
    }

    #[cfg(test)]
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}
