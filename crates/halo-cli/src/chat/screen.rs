//! What is printed where: the answer, notes beside it, and the one line that moves.

use std::io::{self, IsTerminal as _, Write as _};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::markdown::Form;
use crate::terminal::{Style, width};

/// The terminal, or the pipes in its place.
pub(super) struct Screen {
    /// How answers are written.
    pub(super) form: Form,
    /// How notes are written.
    pub(super) style: Style,
    /// Whether a person types here.
    pub(super) interactive: bool,
    /// Whether a line may move.
    moves: bool,
    status: String,
    /// Whether nobody reads the answer any more.
    pub(super) gone: bool,
}

impl Screen {
    pub(super) fn new(interactive: bool) -> Self {
        let out = io::stdout();
        let form = match (out.is_terminal(), Style::of(&out)) {
            (false, _) => Form::Raw,
            (true, Style::Plain) => Form::Plain,
            (true, Style::Colour) => Form::Rich(width()),
        };
        let (style, moves) = if interactive {
            (Style::of(&out), out.is_terminal())
        } else {
            (Style::of(&io::stderr()), io::stderr().is_terminal())
        };
        Self { form, style, interactive, moves, status: String::new(), gone: false }
    }

    /// Prints part of an answer.
    pub(super) fn answer(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.status("");
        let mut out = io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.gone = true;
        }
    }

    /// Prints lines beside the answer.
    pub(super) fn note(&mut self, text: &str) {
        self.status("");
        let text = text.trim_end_matches('\n');
        if self.interactive {
            let mut out = io::stdout().lock();
            if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
                self.gone = true;
            }
        } else {
            // Where nobody reads them, notes are not missed.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Prints lines beside the answer, in a lower voice.
    pub(super) fn quiet(&mut self, text: &str) {
        let text = self.style.paint("2", text);
        self.note(&text);
    }

    /// Writes the moving line anew; an empty one goes away.
    pub(super) fn status(&mut self, text: &str) {
        if !self.moves || self.status == text {
            return;
        }
        text.clone_into(&mut self.status);
        let shown = self.style.paint("2", &cut(text, width().saturating_sub(1)));
        let line =
            if text.is_empty() { "\r\u{1b}[K".to_owned() } else { format!("\r\u{1b}[K{shown}") };
        if self.interactive {
            let mut out = io::stdout().lock();
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        } else {
            let mut out = io::stderr().lock();
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
    }
}

/// A line that wraps could not be rewritten.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 1;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width > most {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moving_line_never_wraps() {
        for (text, most, want) in [
            ("short", 10, "short"),
            ("a longer line", 8, "a longe…"),
            ("等待第一个字", 7, "等待第…"),
        ] {
            assert_eq!(cut(text, most), want);
        }
    }
}
