//! Search, the part that no backend decides: which words of a record can be found, how a query is
//! read, and how a find is shown.

use halo_types::{
    AttemptId, AttemptOutcome, ConversationId, Evidence, MessageId, Record, Role, Timestamp,
};

/// The most bytes of one text that can be found. A person's words and an answer are far below it;
/// pasted files beyond it are found by their beginning.
const MAX_TEXT: usize = 1 << 20;
/// The most bytes of an error's body that can be found.
const MAX_BODY: usize = 64 << 10;
/// The most words of a query that count.
const MAX_WORDS: usize = 12;
/// The most characters of a word that count.
const MAX_WORD: usize = 200;
/// How many characters stand before and behind the first mark of a snippet.
const BEFORE: usize = 40;
const BEHIND: usize = 120;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The title of the conversation.
    Title,
    /// A message.
    Message {
        /// The message.
        id: MessageId,
        /// Who spoke.
        role: Role,
    },
    /// A failed attempt: the provider's own words, or what they mean.
    Error {
        /// The attempt.
        attempt: AttemptId,
    },
}

/// One find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its title; empty where it has none yet.
    pub title: String,
    /// What was found in it.
    pub found: Found,
    /// When that was stored; for a title, when the conversation began.
    pub at: Timestamp,
    /// The words around the find.
    pub snippet: Snippet,
}

/// A piece of a text with the found words marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snippet {
    /// The piece, on one line; `…` stands where more was left out.
    pub text: String,
    /// The byte ranges of the found words, in order and apart from each other.
    pub marks: Vec<(usize, usize)>,
}

impl Snippet {
    /// The piece cut at its marks: texts and whether each is a found word.
    #[must_use]
    pub fn pieces(&self) -> Vec<(&str, bool)> {
        let mut pieces = Vec::new();
        let mut done = 0;
        for &(start, end) in &self.marks {
            let (Some(before), Some(marked)) =
                (self.text.get(done..start), self.text.get(start..end))
            else {
                continue;
            };
            if !before.is_empty() {
                pieces.push((before, false));
            }
            pieces.push((marked, true));
            done = end;
        }
        match self.text.get(done..) {
            Some(rest) if !rest.is_empty() => pieces.push((rest, false)),
            _ => {}
        }
        pieces
    }
}

/// The words a query consists of: whatever stands between spaces, to the letter. No sign has a
/// meaning of its own.
#[must_use]
pub fn words(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in query.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().take(MAX_WORD).collect();
        if !word.is_empty() && !words.contains(&word) && words.len() < MAX_WORDS {
            words.push(word);
        }
    }
    words
}

/// What of a record can be found, and as what; `None` for records without words.
#[must_use]
pub fn text_of(record: &Record) -> Option<(Found, String)> {
    let (found, text) = match record {
        Record::Conversation(meta) => (Found::Title, meta.title.clone()),
        Record::Message(message) => {
            (Found::Message { id: message.id, role: message.role }, message.text())
        }
        Record::AttemptEnd(end) => match &end.outcome {
            AttemptOutcome::Failed { evidence, diagnosis, .. } => {
                let mut text = diagnosis.title.to_string();
                said(evidence, &diagnosis.because.quote, &mut text);
                (Found::Error { attempt: end.attempt }, text)
            }
            AttemptOutcome::Answered { .. }
            | AttemptOutcome::Stopped { .. }
            | AttemptOutcome::Died { .. } => return None,
        },
        Record::Turn(_)
        | Record::Attempt(_)
        | Record::Wait(_)
        | Record::WaitEnd(_)
        | Record::Step(_)
        | Record::StepUndone(_)
        | Record::StepRedone(_)
        | Record::Pin(_)
        | Record::Head(_)
        | Record::Tombstone(_) => return None,
    };
    // SQLite's functions end a text at its first NUL.
    Some((found, cut(&text, MAX_TEXT).replace('\0', " ")))
}

/// The words of a failure: status, body, chain of causes.
fn said(evidence: &Evidence, quote: &str, text: &mut String) {
    let mut add = |more: &str| {
        if !more.trim().is_empty() {
            text.push('\n');
            text.push_str(more);
        }
    };
    if let Some(status) = evidence.status {
        add(&status.to_string());
    }
    let body = evidence.body.text();
    let body = cut(&body, MAX_BODY);
    add(body);
    // `\u8bf7` is how many servers write 请: what a person reads and types are the signs.
    if body.contains("\\u") {
        add(&unescaped(body));
    }
    if !body.contains(quote) {
        add(quote);
    }
    for cause in evidence.transport.iter().flat_map(|failure| &failure.chain) {
        add(cause);
    }
}

/// The text with `\uXXXX` replaced by what it stands for.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut units = Vec::new();
        while let Some(unit) = rest.strip_prefix("\\u").and_then(|r| r.get(..4)) {
            let Ok(unit) = u16::from_str_radix(unit, 16) else { break };
            units.push(unit);
            rest = &rest[6..];
        }
        if units.is_empty() {
            out.push_str("\\u");
            rest = &rest[2..];
        }
        out.push_str(&String::from_utf16_lossy(&units));
    }
    out.push_str(rest);
    out
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The piece of a text around the first of the words, with all of them marked. Upper and lower
/// case are the same.
#[must_use]
pub fn snippet(text: &str, words: &[String]) -> Snippet {
    let chars: Vec<char> =
        text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect();
    let folded: Vec<char> = chars.iter().map(|c| fold(*c)).collect();
    let words: Vec<Vec<char>> = words.iter().map(|word| word.chars().map(fold).collect()).collect();
    let first = words.iter().filter_map(|word| position(&folded, word, 0)).min().unwrap_or(0);
    let start = first.saturating_sub(BEFORE);
    let end = first.saturating_add(BEHIND).min(chars.len());

    let mut marked = vec![false; end - start];
    for word in &words {
        let mut from = start;
        while let Some(at) = position(&folded[..end], word, from) {
            marked[at - start..at - start + word.len()].fill(true);
            from = at + word.len();
        }
    }
    let mut snippet = Snippet::default();
    if start > 0 {
        snippet.text.push('…');
    }
    let mut open = None;
    let mut space = true;
    for (c, marked) in chars[start..end].iter().zip(&marked) {
        match (open, marked) {
            (None, true) => open = Some(snippet.text.len()),
            (Some(from), false) => {
                snippet.marks.push((from, snippet.text.len()));
                open = None;
            }
            _ => {}
        }
        // Lines and indentation of the text become one space each.
        if *c != ' ' || !space {
            snippet.text.push(*c);
        }
        space = *c == ' ';
    }
    if let Some(from) = open {
        snippet.marks.push((from, snippet.text.len()));
    }
    if end < chars.len() {
        snippet.text.push('…');
    }
    snippet
}

fn position(text: &[char], word: &[char], from: usize) -> Option<usize> {
    if word.is_empty() || text.len() < word.len() {
        return None;
    }
    (from..=text.len() - word.len()).find(|at| text[*at..at + word.len()] == *word)
}

fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, query: &str) -> String {
        let snippet = snippet(text, &words(query));
        let pieces = snippet.pieces();
        pieces.iter().map(|(t, m)| if *m { format!("[{t}]") } else { (*t).to_owned() }).collect()
    }

    #[test]
    fn found_words_are_marked_whatever_their_case_and_script() {
        assert_eq!(shown("The quick brown Fox", "fox QUICK"), "The [quick] brown [Fox]");
        assert_eq!(shown("请求过于频繁，请稍后再试", "频繁"), "请求过于[频繁]，请稍后再试");
        assert_eq!(shown("one\n\n  two", "two"), "one [two]");
        assert_eq!(shown("nothing", "else"), "nothing");
        assert_eq!(shown("", "else"), "");
        let long = format!("{}needle{}", "a ".repeat(100), " b".repeat(100));
        let text = shown(&long, "needle");
        assert!(
            text.starts_with("…a") && text.contains("[needle]") && text.ends_with('…'),
            "{text}"
        );
    }

    #[test]
    fn a_query_is_words_and_nothing_else() {
        assert_eq!(words("  a  AND \"b* \0 a"), ["a", "AND", "\"b*"]);
        assert_eq!(words(" \n "), Vec::<String>::new());
        assert_eq!(words(&"x ".repeat(99)), ["x"]);
    }

    #[test]
    fn escaped_signs_are_found_as_signs() {
        assert_eq!(
            unescaped(r#"{"m":"\u8bf7\u6c42 \ud83d\ude00 \uZZ"}"#),
            "{\"m\":\"请求 😀 \\uZZ\"}"
        );
        assert_eq!(unescaped("\\u12"), "\\u12");
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_query_do_harm(text in ".{0,300}", query in ".{0,12}") {
            let snippet = snippet(&text, &words(&query));
            let whole: String = snippet.pieces().iter().map(|(text, _)| *text).collect();
            proptest::prop_assert_eq!(whole, snippet.text);
        }
    }
}
