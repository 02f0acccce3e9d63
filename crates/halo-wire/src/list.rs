//! A JSON list whose elements are handed out as they arrive: Gemini's stream without `alt=sse`.

/// Cuts the elements out of a list. Elements are objects; what else stands between them is
/// skipped.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// What has not been handed out; until [`Decoder::begin`] everything, the `[` included.
    bytes: Vec<u8>,
    /// How much of it has been looked at.
    at: usize,
    /// Where the element begins that is being read.
    start: Option<usize>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The list has ended; nothing after it counts.
    closed: bool,
    begun: bool,
    too_long: bool,
    limit: usize,
}

impl Decoder {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            at: 0,
            start: None,
            depth: 0,
            in_string: false,
            escaped: false,
            closed: false,
            begun: false,
            too_long: false,
            limit,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.bytes.len());
        self.too_long |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    /// How many of `len` bytes fit in before an element has to be taken out.
    pub(crate) fn room(&self, len: usize) -> usize {
        self.limit.saturating_sub(self.bytes.len()).min(len).max(1)
    }

    /// The next whole element.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        while let Some(&byte) = self.bytes.get(self.at).filter(|_| !self.closed) {
            if self.in_string {
                self.skip_string();
                continue;
            }
            self.at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if self.depth == 1 {
                        self.start = Some(self.at - 1);
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.closed = self.depth == 0;
                    if self.depth == 1
                        && let Some(start) = self.start.take()
                    {
                        return Some(self.bytes[start..self.at].to_vec());
                    }
                }
                _ => {}
            }
        }
        if self.begun {
            self.forget();
        }
        None
    }

    /// Goes on to the end of the text that has begun, or of what is here of it.
    fn skip_string(&mut self) {
        let rest = &self.bytes[self.at..];
        if std::mem::take(&mut self.escaped) {
            self.at += 1;
            return;
        }
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) => {
                self.at += found + 1;
                self.escaped = rest[found] == b'\\';
                self.in_string = self.escaped;
            }
            None => self.at = self.bytes.len(),
        }
    }

    /// The first element was a piece of an answer: from now on nothing is kept twice.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// What is left: the whole input before [`Decoder::begin`], later an element that is cut.
    pub(crate) fn into_rest(mut self) -> Vec<u8> {
        if self.begun {
            self.forget();
        }
        self.bytes
    }

    /// Drops what has been handed out or skipped.
    fn forget(&mut self) {
        let seen = if self.closed { self.bytes.len() } else { self.at };
        let done = self.start.unwrap_or(seen);
        self.bytes.drain(..done);
        self.at = seen - done;
        self.start = self.start.map(|_| 0);
    }
}
