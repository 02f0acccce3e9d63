//! The summary that needs no model: the lines that are worth keeping, in the speakers' own words.

use std::collections::{BTreeMap, HashSet};

use halo_types::{Message, MessageId, Role};

use crate::Estimator;
use crate::tokens::Rough;

/// A line longer than this many tokens is looked at by its sentences.
const LONG_LINE: u64 = 60;
/// The most tokens of one piece.
const LONGEST: u64 = 160;
/// Words of lines in which something was settled.
const DECISIONS: &[&str] = &[
    "decid",
    "agreed",
    "we will ",
    "we'll ",
    "must ",
    "must not",
    "let's ",
    "we chose",
    "chosen",
    "go with ",
    "settled on",
    "conclusion",
    "todo",
    "remember ",
    "requirement",
    "deadline",
    "important",
    "决定",
    "必须",
    "我们会",
    "我们将",
    "约定",
    "同意",
    "选择",
    "确定",
    "结论",
    "务必",
    "记住",
    "要求",
    "截止",
    "決定",
    "必須",
    "約定",
    "選擇",
    "確定",
    "結論",
    "務必",
    "記住",
];

/// What a piece of a message is worth; the smaller, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Something was decided, or is asked.
    Matters,
    /// Code.
    Code,
    /// A name, a number, a path, inline code.
    Fact,
    /// How a message begins.
    Opening,
    Rest,
}

/// A piece of a message, on as many lines as it had.
struct Piece {
    worth: Worth,
    text: String,
    tokens: u64,
}

/// A summary that needs no model: of each message, where there is room, what was decided and
/// asked, code, names and numbers, and how it begins; the person's words before the model's, newer
/// before older. The first message stands in front, and notes tell of the gaps. Pinned messages
/// are left to themselves. `span` is what the summary stands for, `earlier` the summary that stood
/// for its oldest part until now, `budget` how many tokens it may have.
#[must_use]
pub fn summary_by_rule(
    span: &[Message],
    pinned: &[MessageId],
    earlier: Option<&str>,
    budget: u64,
    estimator: &Estimator<'_>,
) -> String {
    let mut rough = budget;
    let mut text = String::new();
    // Pieces are measured roughly; what they come to is counted.
    for _ in 0..6 {
        text = by_rule(span, pinned, earlier, rough);
        if estimator.passing_text(&text) <= budget {
            break;
        }
        rough = rough / 4 * 3;
    }
    text
}

fn by_rule(span: &[Message], pinned: &[MessageId], earlier: Option<&str>, budget: u64) -> String {
    let mut lines = vec![
        "Made by rule, without a model: what follows are lines as they were written; […] \
              stands for what is left out."
            .to_owned(),
    ];
    let mut left = budget.saturating_sub(Rough::of(&lines[0]) + 1);
    if let Some(earlier) = earlier {
        let text = digest(earlier, left / 3);
        let line = format!("From an earlier summary: {text}");
        left = left.saturating_sub(Rough::of(&line) + 1);
        lines.push(line);
    }
    let messages: Vec<&Message> = span.iter().filter(|m| !pinned.contains(&m.id)).collect();
    let texts: Vec<String> = messages.iter().map(|message| said(message)).collect();
    // The first message often says what it is all about.
    let mut opening = String::new();
    if let Some(first) = texts.first() {
        opening =
            if Rough::of(first) <= left / 3 { first.clone() } else { digest(first, left / 3) };
        left = left.saturating_sub(Rough::of(&opening) + 4);
    }
    let pieces: Vec<Vec<Piece>> = texts.iter().map(|text| pieces(text)).collect();
    let chosen = choose(&messages, &pieces, left);
    let mut skipped = 0usize;
    let tell = |lines: &mut Vec<String>, skipped: &mut usize| {
        if *skipped > 0 {
            lines.push(format!("[{skipped} messages are left out here.]"));
            *skipped = 0;
        }
    };
    for (at, message) in messages.iter().enumerate() {
        let who = match message.role {
            Role::User => "Person",
            Role::Assistant => "Model",
        };
        let text = if at == 0 {
            opening.clone()
        } else {
            let Some(places) = chosen.get(&at) else {
                skipped += 1;
                continue;
            };
            joined(&pieces[at], places)
        };
        tell(&mut lines, &mut skipped);
        lines.push(format!("{who}: {text}"));
    }
    tell(&mut lines, &mut skipped);
    let kept = span.len() - messages.len();
    if kept > 0 {
        lines.push(format!("[{kept} pinned messages are not in these lines; they follow whole.]"));
    }
    lines.join("\n")
}

/// Of each piece worth keeping (what was decided or asked, code, names and numbers) the words that
/// tell it from others: those with figures, inner capitals or signs of code.
pub(crate) fn telling_pieces(span: &[Message], pinned: &[MessageId]) -> Vec<Vec<String>> {
    let telling = |word: &&str| {
        let inner = word.chars().skip(1).any(char::is_uppercase);
        word.len() >= 3 && (inner || word.chars().any(|c| c.is_ascii_digit() || "_@/".contains(c)))
    };
    let words = |piece: &Piece| -> Vec<String> {
        let words = piece.text.split(|c: char| c.is_whitespace() || "`\"“”()[]{},;:!?".contains(c));
        let words = words.map(|word| word.trim_end_matches('.'));
        words.filter(telling).map(str::to_owned).collect()
    };
    let messages = span.iter().filter(|message| !pinned.contains(&message.id));
    let kept = messages.flat_map(|message| pieces(&said(message)));
    let kept = kept.filter(|piece| piece.worth <= Worth::Fact);
    kept.map(|piece| words(&piece)).filter(|words| !words.is_empty()).collect()
}

/// What a message says, its pictures and tools in words.
fn said(message: &Message) -> String {
    let mut text = message.text();
    let images = message.images().count();
    if images > 0 {
        text.push_str(&format!("\n[{images} picture(s)]"));
    }
    text
}

/// Which pieces of which messages there is room for. The first message is dealt with elsewhere.
fn choose(
    messages: &[&Message],
    pieces: &[Vec<Piece>],
    mut left: u64,
) -> BTreeMap<usize, Vec<usize>> {
    let mut order: Vec<(Worth, bool, std::cmp::Reverse<usize>, usize)> = Vec::new();
    for (at, of) in pieces.iter().enumerate().skip(1) {
        let model = messages[at].role == Role::Assistant;
        let worths = of.iter().enumerate();
        order.extend(worths.map(|(n, piece)| (piece.worth, model, std::cmp::Reverse(at), n)));
    }
    order.sort_unstable();
    let mut chosen: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut said = HashSet::new();
    for (_, _, std::cmp::Reverse(at), n) in order {
        // The speaker's name and the note of a gap cost something, too.
        let frame = if chosen.contains_key(&at) { 3 } else { 12 };
        let cost = pieces[at][n].tokens + frame;
        // What was said again and again is said once.
        if cost <= left && said.insert(pieces[at][n].text.as_str()) {
            left -= cost;
            chosen.entry(at).or_default().push(n);
        } else if left < 20 {
            break;
        }
    }
    for places in chosen.values_mut() {
        places.sort_unstable();
    }
    chosen
}

/// The pieces at these places, with a sign for each gap.
fn joined(pieces: &[Piece], places: &[usize]) -> String {
    let mut out = String::new();
    let mut next = 0;
    for &place in places {
        if place > next {
            out.push_str(if out.is_empty() { "[…] " } else { " […]" });
        }
        if !out.is_empty() && !out.ends_with("[…] ") {
            out.push('\n');
        }
        out.push_str(&pieces[place].text);
        next = place + 1;
    }
    if next < pieces.len() {
        out.push_str(" […]");
    }
    out
}

/// The best pieces of a text, up to about `tokens`.
fn digest(text: &str, tokens: u64) -> String {
    let pieces = pieces(text);
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|at| (pieces[*at].worth.min(Worth::Opening), *at));
    // How it begins comes first: it says what it is about.
    order.sort_by_key(|at| *at > 0);
    let mut left = tokens;
    let mut places = Vec::new();
    let mut said = HashSet::new();
    for at in order {
        if !said.insert(pieces[at].text.as_str()) {
            continue;
        }
        let cost = pieces[at].tokens + 3;
        if cost <= left {
            left -= cost;
            places.push(at);
        } else if places.is_empty() {
            return beginning(text, tokens);
        }
    }
    places.sort_unstable();
    joined(&pieces, &places)
}

/// A text in pieces: blocks of code, lines, and the sentences of long lines.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut code: Option<Vec<&str>> = None;
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        match &mut code {
            Some(lines) => {
                lines.push(line);
                if fence {
                    let lines = code.take().unwrap_or_default();
                    found.push(block(&lines));
                }
            }
            None if fence => code = Some(vec![line]),
            None if line.trim().is_empty() => {}
            None if Rough::of(line) <= LONG_LINE => found.push(line.trim().to_owned()),
            None => found.extend(sentences(line)),
        }
    }
    if let Some(lines) = code {
        found.push(block(&lines));
    }
    let piece = |(at, text): (usize, String)| {
        let text = if Rough::of(&text) > LONGEST && !text.starts_with("```") {
            beginning(&text, LONGEST)
        } else {
            text
        };
        Piece { worth: worth(&text, at == 0), tokens: Rough::of(&text), text }
    };
    found.into_iter().enumerate().map(piece).collect()
}

/// A block of code; the end of a long one is left out.
fn block(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut size = 0;
    for (at, line) in lines.iter().enumerate() {
        size += Rough::of(line) + 1;
        if size > LONGEST && at > 1 && at + 1 < lines.len() {
            out.push_str("…\n```");
            return out;
        }
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&if Rough::of(line) > LONGEST {
            beginning(line, LONGEST)
        } else {
            (*line).to_owned()
        });
    }
    out
}

fn sentences(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut signs = line.char_indices().peekable();
    while let Some((at, c)) = signs.next() {
        let next = signs.peek().map(|(_, next)| *next);
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if ends || next.is_none() {
            let end = at + c.len_utf8();
            let sentence = line[start..end].trim();
            if !sentence.is_empty() {
                found.push(sentence.to_owned());
            }
            start = end;
        }
    }
    found
}

fn worth(text: &str, first: bool) -> Worth {
    let end = text.trim_end_matches(|c: char| c.is_whitespace() || "\"'”’)）*_".contains(c));
    let lower = text.to_lowercase();
    if end.ends_with(['?', '？']) || DECISIONS.iter().any(|word| lower.contains(word)) {
        Worth::Matters
    } else if text.starts_with("```") {
        Worth::Code
    } else if has_fact(text) {
        Worth::Fact
    } else if first {
        Worth::Opening
    } else {
        Worth::Rest
    }
}

/// Whether there is a name, a number, a path or inline code in it.
fn has_fact(text: &str) -> bool {
    if text.contains('`') || text.contains("://") {
        return true;
    }
    text.split_whitespace().enumerate().any(|(at, word)| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        word.chars().any(char::is_numeric)
            || word.contains(['_', '/', '@'])
            || (at > 0 && capital && word.len() > 1)
            || (word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-'))
    })
}

/// The beginning of a text up to about `tokens`, on one line.
fn beginning(text: &str, tokens: u64) -> String {
    let mut out = String::new();
    let mut size = Rough::default();
    for word in text.split_whitespace() {
        let space = if out.is_empty() { "" } else { " " };
        for c in space.chars().chain(word.chars()) {
            out.push(c);
            size.add(c);
            if size.tokens() >= tokens {
                out.push('…');
                return out;
            }
        }
    }
    out
}
