//! Emphasis, code and links inside a line.

/// A run of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// The numbers of an ANSI sequence; empty for plain text.
    pub(super) style: String,
    pub(super) text: String,
}

/// An emphasised span that is longer than this is taken for a sign that stands for itself.
const LONGEST: usize = 600;

/// Reads spans from the beginning of a text. Says how many bytes are read; the rest waits for more
/// unless the line is whole.
pub(super) fn read(text: &str, whole: bool) -> (Vec<Span>, usize) {
    let mut spans = Vec::new();
    let used = styled(text, "", whole, &mut spans);
    (spans, used)
}

fn styled(text: &str, style: &str, whole: bool, spans: &mut Vec<Span>) -> usize {
    let mut plain = String::new();
    // Where each byte of it stands in the text: a backslash hides one.
    let mut origin: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut before = ' ';
    while at < text.len() {
        origin.truncate(plain.len());
        let start = at;
        let rest = &text[at..];
        let sign = rest.chars().next().unwrap_or(' ');
        match mark(rest, before) {
            Mark::None => {
                plain.push(sign);
                at += sign.len_utf8();
            }
            // It may become a sign when more comes.
            Mark::Open if !whole && rest.len() < LONGEST => {
                put(spans, style, &mut plain);
                return at;
            }
            Mark::Open => {
                plain.push(sign);
                at += sign.len_utf8();
            }
            Mark::Literal { text, used } => {
                plain.push_str(text);
                at += used;
            }
            Mark::Code { inner, used } => {
                put(spans, style, &mut plain);
                spans.push(Span { style: joined(style, "36"), text: inner.to_owned() });
                at += used;
            }
            Mark::Emphasis { own, inner, used } => {
                put(spans, style, &mut plain);
                styled(inner, &joined(style, own), true, spans);
                at += used;
            }
            Mark::Link { inner, address, used } => {
                put(spans, style, &mut plain);
                styled(inner, &joined(style, "4"), true, spans);
                if !address.is_empty() && address != inner {
                    spans.push(Span { style: joined(style, "2"), text: format!(" ({address})") });
                }
                at += used;
            }
        }
        origin.resize(plain.len(), start);
        before = text[..at].chars().next_back().unwrap_or(' ');
    }
    if !whole {
        // A word that still grows waits, so that it can be wrapped as one.
        let last = crate::terminal::pieces(&plain).last().copied().unwrap_or_default();
        if !last.ends_with(' ') && last.len() < LONGEST {
            let from = plain.len() - last.len();
            at = origin.get(from).copied().unwrap_or(at);
            plain.truncate(from);
        }
    }
    put(spans, style, &mut plain);
    at
}

fn put(spans: &mut Vec<Span>, style: &str, plain: &mut String) {
    if !plain.is_empty() {
        spans.push(Span { style: style.to_owned(), text: std::mem::take(plain) });
    }
}

fn joined(style: &str, own: &str) -> String {
    if style.is_empty() { own.to_owned() } else { format!("{style};{own}") }
}

/// What stands at the beginning of a text.
enum Mark<'a> {
    None,
    /// A sign whose other end is not here.
    Open,
    Literal {
        text: &'a str,
        used: usize,
    },
    Code {
        inner: &'a str,
        used: usize,
    },
    Emphasis {
        own: &'static str,
        inner: &'a str,
        used: usize,
    },
    Link {
        inner: &'a str,
        address: &'a str,
        used: usize,
    },
}

fn mark(rest: &str, before: char) -> Mark<'_> {
    match rest.as_bytes().first() {
        Some(b'\\') => match rest.as_bytes().get(1) {
            Some(sign) if sign.is_ascii_punctuation() => {
                Mark::Literal { text: &rest[1..2], used: 2 }
            }
            Some(_) => Mark::None,
            None => Mark::Open,
        },
        Some(b'`') => code(rest),
        Some(b'~') if rest.starts_with("~~") => between(rest, "~~", "9"),
        Some(b'*') => stars(rest),
        // Inside a word an underscore is a letter.
        Some(b'_') if before.is_alphanumeric() => Mark::None,
        Some(b'_') if rest.starts_with("__") => between(rest, "__", "1"),
        Some(b'_') => between(rest, "_", "3"),
        Some(b'[') => link(rest, 0),
        Some(b'!') if rest.starts_with("![") => link(&rest[1..], 1),
        _ => Mark::None,
    }
}

fn code(rest: &str) -> Mark<'_> {
    let length = rest.bytes().take_while(|b| *b == b'`').count();
    let fence = &rest[..length];
    let mut from = length;
    while let Some(found) = rest[from..].find(fence) {
        let start = from + found;
        let run = rest[start..].bytes().take_while(|b| *b == b'`').count();
        if run == length {
            let inner = &rest[length..start];
            let trimmed = inner.strip_prefix(' ').and_then(|inner| inner.strip_suffix(' '));
            let inner = trimmed.filter(|inner| !inner.trim().is_empty()).unwrap_or(inner);
            return Mark::Code { inner, used: start + length };
        }
        from = start + run;
    }
    Mark::Open
}

fn stars(rest: &str) -> Mark<'_> {
    if rest.starts_with("***") {
        between(rest, "***", "1;3")
    } else if rest.starts_with("**") {
        between(rest, "**", "1")
    } else {
        between(rest, "*", "3")
    }
}

/// What stands between two equal signs, the first before a word and the second behind one.
fn between<'a>(rest: &'a str, sign: &'static str, own: &'static str) -> Mark<'a> {
    let inner = &rest[sign.len()..];
    let Some(first) = inner.chars().next() else { return Mark::Open };
    if first.is_whitespace() {
        return Mark::None;
    }
    let mut from = 0;
    while let Some(found) = inner[from..].find(sign) {
        let end = from + found;
        let last = inner[..end].chars().next_back();
        let single = sign.len() > 1 || !inner[end + 1..].starts_with(sign);
        if last.is_some_and(|c| !c.is_whitespace() && c != '\\') && single {
            return Mark::Emphasis { own, inner: &inner[..end], used: end + 2 * sign.len() };
        }
        // Of a double sign inside a single one both halves are passed over.
        from = end + if single { sign.len() } else { 2 * sign.len() };
    }
    Mark::Open
}

fn link(rest: &str, skipped: usize) -> Mark<'_> {
    let Some(close) = rest.find(']') else { return Mark::Open };
    let after = &rest[close + 1..];
    if after.is_empty() {
        return Mark::Open;
    }
    if !after.starts_with('(') {
        return Mark::None;
    }
    let Some(end) = after.find(')') else { return Mark::Open };
    let address = after[1..end].split_whitespace().next().unwrap_or_default();
    Mark::Link { inner: &rest[1..close], address, used: skipped + close + 1 + end + 1 }
}
