//! Colours for code in a terminal: the sixteen that every terminal has, so that they fit its theme.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, ScopeStack, SyntaxSet};

use super::markdown::paint;

/// Loaded with the first code block.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Longer lines are shown without colours: they would hold up the answer.
const LONGEST_LINE: usize = 4 * 1024;

/// Colours the lines of one block.
pub(super) struct Colours {
    state: Option<(ParseState, ScopeStack)>,
}

impl Colours {
    /// For a language by its name; without colours where it is unknown.
    pub(super) fn of(language: &str) -> Self {
        let name = language.split([' ', ',', '{']).next().unwrap_or_default();
        let syntax = (!name.is_empty()).then(|| SYNTAXES.find_syntax_by_token(name)).flatten();
        Self { state: syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new())) }
    }

    /// A line without its end, coloured.
    pub(super) fn line(&mut self, line: &str) -> String {
        let Some((state, stack)) = &mut self.state else { return line.to_owned() };
        let whole = format!("{line}\n");
        if whole.len() > LONGEST_LINE {
            self.state = None;
            return line.to_owned();
        }
        let Ok(ops) = state.parse_line(&whole, &SYNTAXES) else {
            self.state = None;
            return line.to_owned();
        };
        let mut out = String::new();
        let mut at = 0;
        for (end, op) in ops {
            let end = end.min(line.len());
            if at < end {
                out.push_str(&paint(colour(stack), &line[at..end]));
            }
            at = end;
            if stack.apply(&op).is_err() {
                break;
            }
        }
        if at < line.len() {
            out.push_str(&paint(colour(stack), &line[at..]));
        }
        out
    }
}

/// The colour of the innermost scope that has one.
fn colour(stack: &ScopeStack) -> &'static str {
    for scope in stack.as_slice().iter().rev() {
        let name = scope.build_string();
        let colour = match name.split('.').next().unwrap_or_default() {
            "comment" => "2",
            "string" => "32",
            "constant" => "35",
            "keyword" | "storage" => "34",
            "entity" if name.starts_with("entity.name") => "33",
            "support" => "36",
            "markup" if name.contains("inserted") => "32",
            "markup" if name.contains("deleted") => "31",
            _ => continue,
        };
        return colour;
    }
    ""
}
