//! Decoded text that remembers where in the body each piece came from.

/// Text after unescaping and folding of white space, with the way back to the body's bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    s: String,
    /// `(offset in s, offset in the body)`: from here on both advance together.
    marks: Vec<(u32, u32)>,
}

impl Text {
    /// The whole of `s`, which begins at `raw` in the body.
    pub(crate) fn whole(s: &str, raw: usize) -> Self {
        let mut text = Self::default();
        text.push_str(s, raw);
        text
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.s
    }

    /// Forgets the text and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.s.clear();
        self.marks.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.s.len()
    }

    pub(crate) fn push_str(&mut self, s: &str, raw: usize) {
        if s.is_empty() {
            return;
        }
        let contiguous = self
            .marks
            .last()
            .is_some_and(|(at, from)| *from as usize + (self.s.len() - *at as usize) == raw);
        if !contiguous {
            self.marks.push((offset(self.s.len()), offset(raw)));
        }
        self.s.push_str(s);
    }

    pub(crate) fn push(&mut self, c: char, raw: usize) {
        self.push_str(c.encode_utf8(&mut [0; 4]), raw);
    }

    /// Where the byte at `at` stands in the body.
    pub(crate) fn raw(&self, at: usize) -> usize {
        let next = self.marks.partition_point(|(from, _)| *from as usize <= at);
        match next.checked_sub(1).map(|i| self.marks[i]) {
            Some((from, raw)) => raw as usize + (at - from as usize),
            None => at,
        }
    }

    /// The body's byte range for a range of this text.
    pub(crate) fn raw_range(&self, start: usize, end: usize) -> (usize, usize) {
        if end <= start {
            let at = self.raw(start);
            return (at, at);
        }
        let last = self.s[start..end].chars().next_back().map_or(1, char::len_utf8);
        (self.raw(start), self.raw(end - last) + last)
    }

    /// A part of this text.
    pub(crate) fn slice(&self, start: usize, end: usize) -> Self {
        let mut part = Self { s: self.s[start..end].to_owned(), marks: Vec::new() };
        if start < end {
            part.marks.push((0, offset(self.raw(start))));
            let from = self.marks.partition_point(|(at, _)| *at as usize <= start);
            for (at, raw) in &self.marks[from..] {
                if *at as usize >= end {
                    break;
                }
                part.marks.push((at - offset(start), *raw));
            }
        }
        part
    }

    /// Adds a part of another text.
    pub(crate) fn push_text(&mut self, other: &Self, start: usize, end: usize) {
        let mut at = start;
        let mut next = other.marks.partition_point(|(from, _)| *from as usize <= start);
        while at < end {
            let stop = other.marks.get(next).map_or(end, |(from, _)| (*from as usize).min(end));
            self.push_str(&other.s[at..stop], other.raw(at));
            at = stop;
            next += 1;
        }
    }

    /// Adds a part of another text with every run of white space as one space, typographic
    /// quotes made plain, and terminal frames and colours left out.
    pub(crate) fn push_folded(&mut self, other: &Self, start: usize, end: usize) {
        let part = &other.s[start..end];
        if self.takes_as_it_is(part.as_bytes()) {
            self.push_text(other, start, end);
            return;
        }
        let mut copied = start;
        let mut chars = part.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let at = start + at;
            let replacement = match c {
                ' ' if self.ends_with_space_after(other, copied, at) => "",
                ' ' => continue,
                '\u{1b}' => {
                    // A colour: ESC [ … letter.
                    self.push_text(other, copied, at);
                    while let Some((_, c)) = chars.peek().copied() {
                        chars.next();
                        if c.is_ascii_alphabetic() {
                            break;
                        }
                    }
                    copied = start + chars.peek().map_or(part.len(), |(next, _)| *next);
                    continue;
                }
                '│' | '┃' | '║' => " ",
                c if c.is_whitespace() || c == '\u{feff}' => " ",
                '\u{2018}' | '\u{2019}' | '＇' => "'",
                '\u{201c}' | '\u{201d}' => "\"",
                _ => continue,
            };
            self.push_text(other, copied, at);
            copied = at + c.len_utf8();
            let doubled = replacement == " " && (self.s.is_empty() || self.s.ends_with(' '));
            if !doubled {
                self.push_str(replacement, other.raw(at));
            }
        }
        self.push_text(other, copied, end);
    }

    /// Whether folding would change nothing: printable ASCII with single spaces.
    fn takes_as_it_is(&self, part: &[u8]) -> bool {
        let space = self.s.is_empty() || self.s.ends_with(' ');
        // No way out early: so it is done for many bytes at once.
        let plain = part.iter().fold(true, |plain, b| plain & (0x20..0x7f).contains(b));
        let next = part.get(1..).unwrap_or_default();
        let doubled =
            part.iter().zip(next).fold(0, |two, (a, b)| two | u8::from((*a | *b) == b' '));
        plain && doubled == 0 && !(space && part.first() == Some(&b' '))
    }

    fn ends_with_space_after(&self, other: &Self, copied: usize, at: usize) -> bool {
        if at > copied {
            other.s.as_bytes()[at - 1] == b' '
        } else {
            self.s.is_empty() || self.s.ends_with(' ')
        }
    }
}

/// Bodies are cut long before 4 GiB, so offsets fit.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_the_way_back() {
        let body = "a  b\n\t c │ d\u{1b}[31me ‘f’";
        let whole = Text::whole(body, 0);
        let mut folded = Text::default();
        folded.push_folded(&whole, 0, body.len());
        assert_eq!(folded.as_str(), "a b c de 'f'");
        for (at, c) in folded.as_str().char_indices() {
            let raw = folded.raw(at);
            if c.is_ascii_alphabetic() {
                assert_eq!(body[raw..].chars().next(), Some(c));
            }
        }
        let part = folded.slice(2, 6);
        assert_eq!(part.as_str(), "b c ");
        assert_eq!(part.raw(2), 7);
    }
}
