//! Compiles the patterns of rules, facts and hints.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// A case-insensitive pattern whose `\d`, `\w` and `\b` mean ASCII: codes, numbers and names are
/// ASCII, and the tables of Unicode would make the patterns a hundred times larger.
pub(crate) fn compile(source: &str) -> Regex {
    let ascii =
        source.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]").replace(r"\b", r"(?-u:\b)");
    RegexBuilder::new(&ascii)
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(1 << 21)
        .build()
        .expect("the built-in patterns compile; tests compile them all")
}

/// A pattern that is compiled when it is first needed: most failures need few of them, and
/// compiling all would cost the start of the program more than everything else.
#[derive(Debug)]
pub(crate) struct LazyRegex {
    source: String,
    regex: OnceLock<Regex>,
}

impl LazyRegex {
    pub(crate) fn new(source: String) -> Self {
        Self { source, regex: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &Regex {
        self.regex.get_or_init(|| compile(&self.source))
    }

    #[cfg(test)]
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}
