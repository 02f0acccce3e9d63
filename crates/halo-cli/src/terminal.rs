//! Text for a terminal: wrapped at its width, coloured only there, and never able to act on it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width that prose is wrapped to where nobody says how wide the screen is.
pub(crate) const WIDTH: usize = 78;
/// Lines longer than this are hard to read, however wide the screen is.
const WIDEST: usize = 100;
const NARROWEST: usize = 30;

/// Whether words may be coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// No control sequences.
    Plain,
    /// For a terminal.
    Colour,
}

impl Style {
    /// Colour on a terminal, unless the person asked for none.
    pub(crate) fn of(out: &impl IsTerminal) -> Self {
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if colour { Self::Colour } else { Self::Plain }
    }

    /// The text in a colour, given by its number in the ANSI sequences.
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// The width that standard output is wrapped to.
pub(crate) fn width() -> usize {
    if !io::stdout().is_terminal() {
        return WIDTH;
    }
    let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.map_or(WIDTH, |columns| columns.clamp(NARROWEST, WIDEST))
}

/// Adds a line.
pub(crate) fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

/// Adds text whose control characters cannot act on the terminal.
pub(crate) fn visible(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if c.is_control() => out.push('\u{fffd}'),
            // Marks that turn the reading direction could make the text lie.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Wraps prose at spaces, and between ideographs, which need none.
pub(crate) fn wrap(out: &mut String, text: &str, first: &str, rest: &str, limit: usize) {
    let mut current = first.to_owned();
    let mut width = current.width();
    let mut empty = true;
    for piece in pieces(text) {
        let piece_width = piece.trim_end().width();
        if !empty && width + piece_width > limit {
            line(out, current.trim_end());
            current = rest.to_owned();
            width = current.width();
        }
        current.push_str(piece);
        width += piece.width();
        empty = false;
    }
    line(out, current.trim_end());
}

/// Words with the space behind them; an ideograph is a word with the punctuation that follows.
pub(crate) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let wide = |c: char| c.width() == Some(2);
        let closing = |c: char| "，。、；：！？）】》”’,.;:!?)".contains(c);
        let ends = match next {
            None => true,
            Some(next) => {
                (c == ' ' && next != ' ')
                    || (wide(c) || wide(next)) && !closing(next) && next != ' '
            }
        };
        if ends {
            let end = at + c.len_utf8();
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces
}

/// Says a line on standard output. A reader that has gone (`halo | head -1`) is no reason for a
/// program that serves others to end.
pub(crate) fn say(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// The same on standard error.
pub(crate) fn warn(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_at_the_width_in_either_script() {
        let mut out = String::new();
        wrap(&mut out, "one two three four five", "- ", "  ", 12);
        assert_eq!(out, "- one two\n  three four\n  five\n");
        let mut out = String::new();
        wrap(&mut out, "服务商限制每分钟的用量，等一会儿。", "", "", 12);
        for text in out.lines() {
            // Punctuation may hang over by one character.
            assert!(text.width() <= 14, "{text}");
        }
        assert_eq!(out.replace('\n', ""), "服务商限制每分钟的用量，等一会儿。");
    }
}
