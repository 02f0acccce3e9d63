//! Patterns of rules, facts and hints.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// A case-insensitive pattern whose `\d`, `\w` and `\b` mean ASCII: codes, numbers and names are
/// ASCII, and the tables of Unicode would make the patterns a hundred times larger.
///
/// # Errors
///
/// Fails if the pattern is no regular expression, or compiles to more than 2 MiB.
pub(crate) fn compile(source: &str) -> Result<Regex, regex::Error> {
    let ascii =
        source.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]").replace(r"\b", r"(?-u:\b)");
    RegexBuilder::new(&ascii).case_insensitive(true).multi_line(true).size_limit(1 << 21).build()
}

/// A pattern that is compiled when it is first needed: most failures need few of them, and
/// compiling all would cost the start of the program more than everything else.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct LazyRegex {
    source: String,
    regex: OnceLock<Regex>,
}

impl From<String> for LazyRegex {
    fn from(source: String) -> Self {
        Self { source, regex: OnceLock::new() }
    }
}

impl LazyRegex {
    pub(crate) fn get(&self) -> &Regex {
        self.regex.get_or_init(|| {
            compile(&self.source).expect("built-in patterns compile, a test compiles them all; a person's own are compiled before they are taken")
        })
    }

    #[cfg(test)]
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}
