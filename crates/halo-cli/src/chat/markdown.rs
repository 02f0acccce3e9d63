//! Markdown for a terminal, as it comes: what is printed is never printed again.
//!
//! Words of a paragraph go out as they come. What cannot be shown before it is whole is held back
//! that long: a word, an emphasised span, a line of code, a table.

use unicode_width::UnicodeWidthStr as _;

use super::code::Colours;
use super::inline::{self, Span};
use crate::terminal::{pieces, visible};

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// To the letter, for files and programs.
    Raw,
    /// To the letter, but unable to act on the terminal.
    Plain,
    /// With styles, wrapped at this width.
    Rich(usize),
}

const DIM: &str = "2";
const BOLD: &str = "1";

/// Turns a growing text into what is to be printed.
pub(super) struct Markdown {
    form: Form,
    /// What has come of the present line and is not printed.
    pending: String,
    block: Block,
    /// Where the cursor stands, in columns.
    column: usize,
    /// How far lines of the present block are moved in when they wrap.
    indent: usize,
    /// What stands before each wrapped line, as in a quotation.
    margin: &'static str,
    /// Spaces that are printed once a word follows.
    spaces: usize,
    /// Style of the whole line, as in a heading.
    line_style: &'static str,
    out: String,
}

enum Block {
    /// The kind of the line is not known yet.
    Start,
    /// Words go out as they come.
    Text,
    Fence {
        mark: String,
        colours: Box<Colours>,
    },
    Table(Vec<String>),
}

impl Markdown {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            pending: String::new(),
            block: Block::Start,
            column: 0,
            indent: 0,
            margin: "",
            spaces: 0,
            line_style: "",
            out: String::new(),
        }
    }

    /// Takes more of the text; gives what is to be printed now.
    pub(super) fn push(&mut self, text: &str) -> String {
        match self.form {
            Form::Raw => return text.to_owned(),
            Form::Plain => {
                harmless(&mut self.out, text);
                return std::mem::take(&mut self.out);
            }
            Form::Rich(_) => {}
        }
        for piece in text.split_inclusive('\n') {
            if let Some(line) = piece.strip_suffix('\n') {
                self.pending.push_str(line.trim_end_matches('\r'));
                self.line_ends();
            } else {
                self.pending.push_str(piece);
                self.grow();
            }
        }
        std::mem::take(&mut self.out)
    }

    /// The text is over; gives what was held back, with a line break where one is missing.
    pub(super) fn finish(&mut self, last: char) -> String {
        if matches!(self.form, Form::Rich(_)) {
            if !self.pending.is_empty() {
                self.line_ends();
            }
            self.end_table();
            if matches!(self.block, Block::Text) {
                self.new_line();
            }
            self.block = Block::Start;
        } else if last != '\n' {
            self.out.push('\n');
        }
        std::mem::take(&mut self.out)
    }

    fn width(&self) -> usize {
        if let Form::Rich(width) = self.form { width } else { usize::MAX }
    }

    /// The line is whole.
    fn line_ends(&mut self) {
        let line = std::mem::take(&mut self.pending);
        match &mut self.block {
            Block::Fence { mark, colours } => {
                if closes(&line, mark) {
                    self.block = Block::Start;
                } else {
                    let mut safe = String::new();
                    visible(&mut safe, &line);
                    let painted = colours.line(&safe);
                    self.out.push_str("  ");
                    self.out.push_str(&painted);
                    self.out.push('\n');
                }
            }
            Block::Table(rows) if line.trim_start().starts_with('|') => rows.push(line),
            Block::Table(_) => {
                self.end_table();
                self.pending = line;
                self.line_ends();
            }
            Block::Start => {
                self.pending = line;
                self.begin(true);
                if matches!(self.block, Block::Text) {
                    self.words(true);
                    self.new_line();
                }
                self.pending.clear();
            }
            Block::Text => {
                self.pending = line;
                self.words(true);
                self.new_line();
            }
        }
    }

    /// More of the line came.
    fn grow(&mut self) {
        if matches!(self.block, Block::Start) {
            let start = self.pending.trim_start();
            let may_be_more =
                start.starts_with(|c: char| "`~#|>-*+_".contains(c) || c.is_ascii_digit());
            if start.is_empty() || (may_be_more && start.len() < 8) || needs_its_end(start) {
                return;
            }
            self.begin(false);
        }
        if matches!(self.block, Block::Text) {
            self.words(false);
        }
    }

    /// Tells what the line is by how it begins.
    fn begin(&mut self, whole: bool) {
        let line = std::mem::take(&mut self.pending);
        let lead = line.len() - line.trim_start().len();
        let start = line.trim_start();
        (self.indent, self.margin, self.line_style) = (lead.min(12), "", "");
        if start.is_empty() {
            self.out.push('\n');
            return;
        }
        if let Some(mark) = fence(start) {
            let language = start[mark.len()..].trim();
            if !language.is_empty() {
                let mut safe = String::from("  ");
                visible(&mut safe, language);
                self.out.push_str(&paint(DIM, &safe));
                self.out.push('\n');
            }
            let colours = Box::new(Colours::of(language));
            self.block = Block::Fence { mark: mark.to_owned(), colours };
            return;
        }
        if whole && is_rule(start) {
            self.out.push_str(&paint(DIM, &"─".repeat(self.width().min(40))));
            self.out.push('\n');
            return;
        }
        if start.starts_with('|') {
            self.block = Block::Table(vec![line]);
            return;
        }
        self.block = Block::Text;
        let hashes = start.bytes().take_while(|b| *b == b'#').count();
        if (1..=6).contains(&hashes) && start[hashes..].starts_with(' ') {
            self.line_style = if hashes == 1 { "1;4" } else { BOLD };
            start[hashes..].trim().trim_end_matches('#').trim_end().clone_into(&mut self.pending);
            return;
        }
        if let Some(rest) = start.strip_prefix('>') {
            self.margin = "│ ";
            self.put_margin();
            rest.strip_prefix(' ').unwrap_or(rest).clone_into(&mut self.pending);
            return;
        }
        self.out.push_str(&" ".repeat(self.indent));
        self.column = self.indent;
        let rest = match bullet(start) {
            Some((sign, rest)) => {
                self.out.push_str(&sign);
                self.column += sign.width();
                self.indent = self.column;
                rest
            }
            None => start,
        };
        rest.clone_into(&mut self.pending);
    }

    /// Prints what of the line can be printed.
    fn words(&mut self, whole: bool) {
        let text = std::mem::take(&mut self.pending);
        let (spans, used) = inline::read(&text, whole);
        for span in spans {
            self.span(&span);
        }
        text[used..].clone_into(&mut self.pending);
    }

    fn span(&mut self, span: &Span) {
        let mut safe = String::new();
        visible(&mut safe, &span.text);
        let style = match (self.line_style, span.style.as_str()) {
            ("", style) => style.to_owned(),
            (line, "") => line.to_owned(),
            (line, style) => format!("{line};{style}"),
        };
        // A run of words of one style is painted at once.
        let mut run = String::new();
        for piece in pieces(&safe) {
            let word = piece.trim_end_matches(' ');
            let width = word.width();
            if !word.is_empty() {
                let begun = self.column > self.indent;
                if begun && self.column + self.spaces + width > self.width() {
                    self.paint_run(&style, &mut run);
                    self.wrap();
                }
                let spaces = std::mem::take(&mut self.spaces);
                // A line under words does not begin before them.
                let place = if run.is_empty() { &mut self.out } else { &mut run };
                place.push_str(&" ".repeat(spaces));
                run.push_str(word);
                self.column += spaces + width;
            }
            self.spaces += piece.len() - word.len();
        }
        self.paint_run(&style, &mut run);
    }

    fn paint_run(&mut self, style: &str, run: &mut String) {
        if !run.is_empty() {
            self.out.push_str(&paint(style, run));
            run.clear();
        }
    }

    fn wrap(&mut self) {
        self.out.push('\n');
        self.spaces = 0;
        if self.margin.is_empty() {
            self.out.push_str(&" ".repeat(self.indent));
            self.column = self.indent;
        } else {
            self.put_margin();
        }
    }

    fn put_margin(&mut self) {
        self.out.push_str(&paint(DIM, self.margin));
        self.column = self.margin.width();
        self.indent = self.column;
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        (self.column, self.indent, self.spaces) = (0, 0, 0);
        (self.margin, self.line_style) = ("", "");
        self.block = Block::Start;
    }

    fn end_table(&mut self) {
        if let Block::Table(rows) = &self.block {
            let table = super::table::render(rows, self.width());
            self.out.push_str(&table);
            self.block = Block::Start;
        }
    }
}

/// Text whose control characters cannot act on the terminal, its lines kept.
fn harmless(out: &mut String, text: &str) {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        visible(out, line.trim_end_matches('\r'));
    }
}

pub(super) fn paint(style: &str, text: &str) -> String {
    if style.is_empty() { text.to_owned() } else { format!("\u{1b}[{style}m{text}\u{1b}[0m") }
}

/// The mark of a code fence, where the line opens one.
fn fence(start: &str) -> Option<&str> {
    let sign = start.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = start.chars().take_while(|c| *c == sign).count();
    let info = &start[length..];
    (length >= 3 && !(sign == '`' && info.contains('`'))).then(|| &start[..length])
}

fn closes(line: &str, mark: &str) -> bool {
    let line = line.trim();
    line.len() >= mark.len() && mark.chars().next().is_some_and(|c| line.chars().all(|l| l == c))
}

/// Whether the line cannot be told before it ends: a fence, a table, a rule.
fn needs_its_end(start: &str) -> bool {
    start.starts_with("```")
        || start.starts_with("~~~")
        || start.starts_with('|')
        || is_rule(start)
        // The number of hashes at the end of a heading is not shown.
        || start.trim_start_matches('#').starts_with(' ') && start.starts_with('#')
}

fn is_rule(start: &str) -> bool {
    let signs: String = start.chars().filter(|c| *c != ' ').collect();
    let first = signs.chars().next();
    signs.len() >= 3
        && first.is_some_and(|c| "-*_".contains(c) && signs.chars().all(|sign| sign == c))
}

/// The sign of a list item, and what follows it.
fn bullet(start: &str) -> Option<(String, &str)> {
    if let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|sign| start.strip_prefix(sign)) {
        for (task, sign) in [("[ ] ", "☐ "), ("[x] ", "☑ "), ("[X] ", "☑ ")] {
            if let Some(rest) = rest.strip_prefix(task) {
                return Some((sign.to_owned(), rest));
            }
        }
        return Some(("• ".to_owned(), rest));
    }
    let digits = start.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &start[digits..];
    let follows = rest.starts_with(". ") || rest.starts_with(") ");
    ((1..=9).contains(&digits) && follows).then(|| (start[..digits + 2].to_owned(), &rest[2..]))
}

#[cfg(test)]
mod tests;
