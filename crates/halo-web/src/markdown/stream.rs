//! A text that grows: blocks that will not change any more, and one tail that may.
//!
//! A block of Markdown is settled once a whole line of the next block stands below it. Only
//! the tail is parsed again when more text comes, so the cost of a long answer stays linear.

use pulldown_cmark::{Event, Parser};

use super::{growing_html, math, options};

/// A growing text and what is settled of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Growing {
    text: String,
    /// Bytes of `text` whose blocks are settled.
    settled: usize,
    /// The number of settled blocks.
    blocks: usize,
}

/// What changed on a page when a text grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grown {
    /// How many blocks stood before `blocks`.
    pub(crate) from: usize,
    /// The blocks that are new since the last time.
    pub(crate) blocks: Vec<String>,
    /// The part that may still change.
    pub(crate) tail: String,
}

impl Growing {
    /// Adds text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The length of the text in bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Renders what was added since the last call.
    pub(crate) fn render(&mut self, scope: &str) -> Grown {
        let from = self.blocks;
        let mut blocks = Vec::new();
        let rest = &self.text[self.settled..];
        let mut start = 0;
        for end in boundaries(rest) {
            let block = &rest[start..end];
            if !block.trim().is_empty() {
                blocks.push(growing_html(block, scope));
            }
            start = end;
        }
        self.settled += start;
        self.blocks += blocks.len();
        let tail = growing_html(&presentable(&self.text[self.settled..]), scope);
        Grown { from, blocks, tail }
    }
}

/// Where settled blocks end: the starts of all top-level blocks but the first.
fn boundaries(text: &str) -> Vec<usize> {
    // A line that still grows may turn out to belong to the block above it.
    let whole_lines = text.rfind('\n').map_or(0, |at| at + 1);
    let mut depth = 0_usize;
    let mut starts = Vec::new();
    let text = math::blotted(&text[..whole_lines]);
    for (event, range) in Parser::new_ext(&text, options()).into_offset_iter() {
        match event {
            Event::Start(_) => {
                if depth == 0 {
                    starts.push(range.start);
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Rule | Event::Html(_) if depth == 0 => starts.push(range.start),
            _ => {}
        }
    }
    // The first block begins where the text begins, whatever blank lines stand before it.
    starts.into_iter().skip(1).map(|at| line_start(&text, at)).collect()
}

/// Indented blocks start after their indentation, which belongs to them.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The tail as it should look while it is unfinished: a table whose second line is still being
/// written is shown as a table already.
fn presentable(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().collect();
    let at = lines.iter().rposition(|line| line.trim().is_empty()).map_or(0, |blank| blank + 1);
    let block = &lines[at..];
    let is_row = |line: &str| line.trim_start().starts_with('|');
    let in_table = match block {
        [header] => is_row(header),
        [header, rule] => {
            is_row(header) && rule.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
        }
        _ => false,
    };
    if !in_table {
        return tail.to_owned();
    }
    let header = block[0].trim_end().trim_end_matches('|');
    let columns = header.matches('|').count().max(1);
    let mut text: String = lines[..at].iter().flat_map(|line| [*line, "\n"]).collect();
    text.push_str(header);
    text.push_str("|\n|");
    text.push_str(&"---|".repeat(columns));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\n\nA *paragraph*\nof two lines.\nSetext\n===\n- a\n- b\n\n  more\n\n\
        ```rust\nfn main() {}\n\n\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\n---\n\n<div>raw</div>\n\n\
            indented\n\n$$\na\n- b\n=\n$$\n\nand \\(x_1\\) *so* $y_2$\n\nend";

    fn whole(text: &str, cut: usize) -> String {
        let mut growing = Growing::default();
        let mut blocks: Vec<String> = Vec::new();
        let mut tail = String::new();
        let mut pieces = vec![&text[..cut], &text[cut..]];
        pieces.retain(|p| !p.is_empty());
        for piece in pieces {
            growing.push(piece);
            let grown = growing.render("x");
            assert_eq!(grown.from, blocks.len());
            blocks.extend(grown.blocks);
            tail = grown.tail;
        }
        blocks.concat() + &tail
    }

    #[test]
    fn growing_in_two_pieces_ends_as_the_whole_does() {
        let expected = growing_html(TEXT, "x");
        for cut in (0..TEXT.len()).filter(|at| TEXT.is_char_boundary(*at)) {
            assert_eq!(whole(TEXT, cut), expected, "cut at {cut}: {:?}", &TEXT[..cut]);
        }
    }

    #[test]
    fn growing_byte_by_byte_ends_as_the_whole_does() {
        let mut growing = Growing::default();
        let mut html = String::new();
        let mut tail = String::new();
        for c in TEXT.chars() {
            growing.push(c.encode_utf8(&mut [0; 4]));
            let grown = growing.render("x");
            html.extend(grown.blocks);
            tail = grown.tail;
        }
        assert_eq!(html + &tail, growing_html(TEXT, "x"));
        assert_eq!(growing.len(), TEXT.len());
    }

    #[test]
    fn unfinished_fences_and_tables_look_like_what_they_become() {
        let tail = |text: &str| {
            let mut growing = Growing::default();
            growing.push(text);
            growing.render("x").tail
        };
        assert!(tail("```python\nprint(1)").contains("<figure"));
        assert!(tail("| a | b").contains("<th>b</th>"));
        assert!(tail("| a | b |\n|--").contains("<th>b</th>"));
        assert!(tail("| a | b |\n|---|---|\n| 1 ").contains("<td>1</td>"));
        assert!(!tail("a | b").contains("<table"));
    }
}
