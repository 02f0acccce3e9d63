//! Formulas in a text: found before Markdown reads it, put in as MathML after the sanitiser.
//!
//! Markdown would read the backslashes and underscores of a formula as its own, and a sanitiser
//! for HTML is no judge of MathML; so each formula is replaced by a mark that means nothing to
//! either, and the mark by what the renderer made of it. Its output is markup of its own making
//! around escaped text. What cannot be read as TeX is shown as it was written.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::mathml::push_mathml;
use pulldown_latex::{Parser, Storage};

use super::escape;

/// The longest formula in a line of text, in bytes.
const MAX_INLINE: usize = 2_000;
/// The longest formula that stands by itself.
const MAX_DISPLAY: usize = 10_000;
/// How deep a formula may be nested: the renderer goes down by recursion.
const MAX_DEPTH: usize = 60;

/// Around the number of a formula. From the end of a private plane; a text that holds it has no
/// formulas found in it.
const MARK: char = '\u{10FFFC}';

/// A formula in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Formula {
    /// With its delimiters.
    range: Range<usize>,
    /// Without them.
    tex: Range<usize>,
    display: bool,
}

/// A text whose formulas are marks.
pub(super) struct Marked<'t> {
    pub(super) text: Cow<'t, str>,
    formulas: Vec<String>,
}

/// Replaces the formulas of a text by marks.
pub(super) fn mark(text: &str) -> Marked<'_> {
    let found = if text.contains(MARK) { Vec::new() } else { find(text).0 };
    if found.is_empty() {
        return Marked { text: Cow::Borrowed(text), formulas: Vec::new() };
    }
    let mut out = String::with_capacity(text.len());
    let mut formulas = Vec::with_capacity(found.len());
    let mut end = 0;
    for formula in found {
        out.push_str(&text[end..formula.range.start]);
        // Writing to a String cannot fail.
        let _ = write!(out, "{MARK}{}{MARK}", formulas.len());
        let source = &text[formula.range.clone()];
        formulas.push(
            mathml(&text[formula.tex.clone()], formula.display)
                .unwrap_or_else(|| format!("<code class=\"tex\">{}</code>", escape(source))),
        );
        end = formula.range.end;
    }
    out.push_str(&text[end..]);
    Marked { text: Cow::Owned(out), formulas }
}

impl Marked<'_> {
    /// Puts the formulas into what was made of the text.
    pub(super) fn fill(&self, html: String) -> String {
        if self.formulas.is_empty() {
            return html;
        }
        let mut out = String::with_capacity(html.len() * 2);
        let mut pieces = html.split(MARK);
        out.push_str(pieces.next().unwrap_or_default());
        // Between two marks stands a number, then text.
        while let Some(number) = pieces.next() {
            match number.parse::<usize>().ok().and_then(|n| self.formulas.get(n)) {
                Some(formula) => out.push_str(formula),
                None => out.push_str(number),
            }
            out.push_str(pieces.next().unwrap_or_default());
        }
        out
    }
}

/// The text with its formulas blotted out, byte for byte, so that no rule of blocks is seen in
/// them; also from a formula that has only begun.
pub(super) fn blotted(text: &str) -> Cow<'_, str> {
    let (found, open) = find(text);
    if found.is_empty() && open.is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    let ranges = found.into_iter().map(|formula| formula.range);
    for range in ranges.chain(open.map(|at| at..text.len())) {
        out.push_str(&text[end..range.start]);
        out.extend(std::iter::repeat_n('x', range.len()));
        end = range.end;
    }
    out.push_str(&text[end..]);
    Cow::Owned(out)
}

/// MathML of a formula; `None` where it cannot be read.
fn mathml(tex: &str, display: bool) -> Option<String> {
    if tex.trim().is_empty() || depth(tex) > MAX_DEPTH {
        return None;
    }
    let storage = Storage::new();
    let events: Vec<_> = Parser::new(tex, &storage).collect();
    if events.iter().any(Result::is_err) {
        return None;
    }
    let config = RenderConfig {
        display_mode: if display { DisplayMode::Block } else { DisplayMode::Inline },
        ..RenderConfig::default()
    };
    let mut out = String::new();
    push_mathml(&mut out, events.into_iter(), config).ok()?;
    Some(without_styles(&out))
}

/// The policy of the pages refuses styles in attributes; colours have attributes of their own.
fn without_styles(mathml: &str) -> String {
    const STYLE: &str = " style=\"";
    let mut out = String::with_capacity(mathml.len());
    let mut rest = mathml;
    while let Some((before, after)) = rest.split_once(STYLE) {
        out.push_str(before);
        let (style, after) = after.split_once('"').unwrap_or((after, ""));
        for (property, attribute) in
            [("color: ", "mathcolor"), ("background-color: ", "mathbackground")]
        {
            if let Some(colour) = style.strip_prefix(property) {
                let _ = write!(out, " {attribute}=\"{}\"", colour.trim_end_matches(';'));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How deep a formula is nested at most: by its braces, and by commands that follow each other
/// and may be each other's argument.
fn depth(tex: &str) -> usize {
    let bytes = tex.as_bytes();
    let (mut deepest, mut open, mut run) = (0, 0_usize, 0);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                let name = bytes[at + 1..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
                match &tex[at + 1..at + 1 + name] {
                    "left" | "begin" => open += 1,
                    "right" | "end" => open = open.saturating_sub(1),
                    _ => run += 1,
                }
                at += name.max(1);
            }
            b'{' => open += 1,
            b'}' => {
                open = open.saturating_sub(1);
                run = 0;
            }
            b'^' | b'_' => run += 1,
            b' ' | b'\n' => {}
            _ => run = 0,
        }
        deepest = deepest.max(open + run);
        at += 1;
    }
    deepest
}

/// The formulas of a text that are whole, in order, and where one begins that is not.
fn find(text: &str) -> (Vec<Formula>, Option<usize>) {
    let mut found: Vec<Formula> = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    let mut fence: Option<(u8, usize)> = None;
    while at < bytes.len() {
        let line_begins = at == 0 || bytes[at - 1] == b'\n';
        if line_begins && let Some((mark, length, end)) = fence_at(text, at) {
            fence = match fence {
                None => Some((mark, length)),
                Some((open, least)) if open == mark && length >= least => None,
                open => open,
            };
            at = end;
            continue;
        }
        if fence.is_some() {
            at = text[at..].find('\n').map_or(bytes.len(), |newline| at + newline + 1);
            continue;
        }
        match bytes[at] {
            b'`' => at = after_code(text, at),
            b'\\' => match bytes.get(at + 1) {
                Some(b'(') => match closing(text, at + 2, "\\)", MAX_INLINE) {
                    Close::At(end) => at = push(&mut found, text, at, 2, end, 2, false),
                    Close::Open => return (found, Some(at)),
                    Close::None => at += 2,
                },
                Some(b'[') => match closing(text, at + 2, "\\]", MAX_DISPLAY) {
                    Close::At(end) => at = push(&mut found, text, at, 2, end, 2, true),
                    Close::Open => return (found, Some(at)),
                    Close::None => at += 2,
                },
                Some(_) => at += 1 + text[at + 1..].chars().next().map_or(1, char::len_utf8),
                None => at += 1,
            },
            b'$' if bytes.get(at + 1) == Some(&b'$') => {
                match closing(text, at + 2, "$$", MAX_DISPLAY) {
                    Close::At(end) => at = push(&mut found, text, at, 2, end, 2, true),
                    Close::Open => return (found, Some(at)),
                    Close::None => at += 2,
                }
            }
            b'$' => match dollar(text, at) {
                Some(end) => at = push(&mut found, text, at, 1, end, 1, false),
                None => at += 1,
            },
            _ => at += 1,
        }
    }
    (found, None)
}

fn push(
    found: &mut Vec<Formula>,
    text: &str,
    start: usize,
    opening: usize,
    end: usize,
    closing: usize,
    display: bool,
) -> usize {
    let tex = start + opening..end;
    if looks_like_tex(&text[tex.clone()]) {
        found.push(Formula { range: start..end + closing, tex, display });
    }
    end + closing
}

/// Brackets with a backslash also keep Markdown from seeing a link: a phrase is no formula.
fn looks_like_tex(tex: &str) -> bool {
    let tex = tex.trim();
    !tex.is_empty()
        && (!tex.contains(char::is_whitespace)
            || tex.contains(|c: char| "\\^_=+-*/<>{}|()0123456789".contains(c)))
}

/// Where a formula ends.
enum Close {
    At(usize),
    /// It may still come.
    Open,
    /// It does not come before the paragraph ends.
    None,
}

fn closing(text: &str, from: usize, delimiter: &str, most: usize) -> Close {
    let rest = &text[from..];
    let paragraph = rest.find("\n\n").unwrap_or(rest.len());
    match rest[..paragraph].find(delimiter) {
        Some(at) if at <= most => Close::At(from + at),
        None if paragraph == rest.len() && rest.len() <= most => Close::Open,
        _ => Close::None,
    }
}

/// The end of a formula between single dollars, which are money as often as not: it stands in one
/// line, touches its dollars, and neither a digit nor a letter follows.
fn dollar(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || c == '$') {
        return None;
    }
    let line = text[at + 1..].lines().next()?;
    if line.is_empty() || line.starts_with(char::is_whitespace) {
        return None;
    }
    let mut escaped = false;
    for (offset, c) in line.char_indices().take_while(|(offset, _)| *offset <= MAX_INLINE) {
        if c == '$' && !escaped {
            let tex = &line[..offset];
            let after = line[offset + 1..].chars().next();
            let closes = !tex.is_empty()
                && !tex.ends_with(char::is_whitespace)
                && !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '$');
            return (closes && is_balanced(tex) && !tex.contains('`') && !is_money(tex))
                .then_some(at + 1 + offset);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn is_balanced(tex: &str) -> bool {
    let count = |c: char| tex.matches(c).count();
    count('{') == count('}') && count('(') + count('[') == count(')') + count(']')
}

/// `5 or maybe` after a dollar is no formula.
fn is_money(tex: &str) -> bool {
    tex.starts_with(|c: char| c.is_ascii_digit())
        && tex.contains(' ')
        && !tex.contains(|c: char| "\\^_=+<>{}*".contains(c))
}

/// A fence of a code block at the beginning of a line: its character, its length and where its
/// line ends.
fn fence_at(text: &str, at: usize) -> Option<(u8, usize, usize)> {
    let line = text[at..].lines().next()?;
    let inner = line.trim_start_matches(|c: char| c.is_whitespace() || "> ".contains(c));
    let mark = *inner.as_bytes().first().filter(|b| matches!(b, b'`' | b'~'))?;
    let length = inner.bytes().take_while(|b| *b == mark).count();
    // Backticks with more of them in the line are code within a line.
    let fences = length >= 3 && (mark == b'~' || !inner[length..].contains('`'));
    fences.then(|| (mark, length, (at + line.len() + 1).min(text.len())))
}

/// Behind the code that these backticks begin; behind the backticks where nothing ends it.
fn after_code(text: &str, at: usize) -> usize {
    let ticks = text[at..].bytes().take_while(|b| *b == b'`').count();
    let start = at + ticks;
    let rest = &text[start..];
    let paragraph = &rest[..rest.find("\n\n").unwrap_or(rest.len())];
    let mut from = 0;
    while let Some(next) = paragraph[from..].find('`') {
        let begin = from + next;
        let length = paragraph[begin..].bytes().take_while(|b| *b == b'`').count();
        if length == ticks {
            return start + begin + length;
        }
        from = begin + length;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formulas(text: &str) -> Vec<&str> {
        find(text).0.into_iter().map(|formula| &text[formula.tex]).collect()
    }

    #[test]
    fn formulas_are_found_and_money_and_code_are_not() {
        let cases: &[(&str, &[&str])] = &[
            ("Euler: $e^{i\\pi}+1=0$.", &["e^{i\\pi}+1=0"]),
            ("$$\n\\frac{a}{b}\n$$", &["\n\\frac{a}{b}\n"]),
            ("so \\(x_1\\) and \\[y = 2\\]", &["x_1", "y = 2"]),
            ("$x$, $y$", &["x", "y"]),
            ("$\\$5 + x$", &["\\$5 + x"]),
            ("It costs $5 and $6.", &[]),
            ("Between $5-$6, or US$5–US$6", &[]),
            ("($5)-($6)", &[]),
            ("$100 per month, not 50$", &[]),
            ("a $ b $ c", &[]),
            ("`$x$` and ``\\(y`\\)``", &[]),
            ("```\n$x$\n\\[y\\]\n```\n$z$", &["z"]),
            ("~~~~\n$x$\n~~~\n$y$\n~~~~\n", &[]),
            ("> ```\n> $x$\n> ```", &[]),
            ("\\$x$ and \\\\(y\\\\)", &[]),
            ("a \\[not a link\\] here", &[]),
            ("$PATH and $HOME", &[]),
            ("open \\(x and\n\nnever closed\\)", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(formulas(text), *expected, "{text}");
        }
    }

    #[test]
    fn what_has_only_begun_is_kept_together() {
        let text = "Look:\n\n$$\na\n- b\n===\n";
        assert_eq!(find(text).1, Some(7));
        let blotted = blotted(text);
        assert_eq!(blotted.len(), text.len());
        assert_eq!(&blotted[7..], "x".repeat(text.len() - 7));
    }

    #[test]
    fn mathml_has_no_styles_and_no_markup_of_the_text() {
        let html = mathml(r"\color{red}{x} + \text{<script>alert(1)</script>}", false).unwrap();
        assert!(html.starts_with("<math ") && html.contains("mathcolor="), "{html}");
        assert!(!html.contains("style") && !html.contains("<script"), "{html}");
        assert!(
            mathml("\\begin{align}a&=b\\\\c&=d\\end{align}", true).unwrap().contains("<mtable")
        );
        for broken in ["\\frac{a", "\\nonsense x", "}", " "] {
            assert_eq!(mathml(broken, false), None, "{broken}");
        }
    }

    #[test]
    fn nothing_that_is_let_through_is_too_deep() {
        // A thread of the server has this much.
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        let deep = thread.spawn(|| {
            let parts =
                ["{", "\\frac", "\\left(", "x^{", "\\begin{matrix}", "\\sqrt", "^", "x_", "\\hat{"];
            for first in parts {
                for second in parts {
                    for n in [5, 20, 29, 30, 31, 59, 60, 61, 1000] {
                        let tex = [first, second].concat().repeat(n);
                        let _ = mathml(&tex, true);
                        let _ = mathml(&[first.repeat(n), second.repeat(n)].concat(), true);
                    }
                }
            }
        });
        deep.unwrap().join().unwrap();
        assert!(mathml(&format!("{}x{}", "{".repeat(50), "}".repeat(50)), false).is_some());
    }

    #[test]
    fn marks_in_a_text_are_only_text() {
        let text = format!("{MARK}0{MARK} $x$");
        assert_eq!(mark(&text).text, text);
        let marked = mark("$x$");
        assert_eq!(marked.fill(format!("<p>{MARK}9{MARK}</p>")), "<p>9</p>");
    }
}
