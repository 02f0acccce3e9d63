//! Finds words of a fixed list at the beginnings of words of a text.
//!
//! Rules speak of words, so a search need not begin at every byte: a step-by-step walk from the
//! beginning of each word ends after a few letters for most of them. That is several times
//! cheaper than an automaton over all positions, and takes a fraction of a millisecond to build.

/// A set of words; several numbers may stand behind one word.
#[derive(Debug)]
pub(crate) struct Trie {
    /// The node of each first byte, plus one; 0 where no word begins so.
    roots: Box<[u32; 256]>,
    /// Hashes of the first three bytes of words, one bit each: most places of a text are told from
    /// all words by one look.
    gate: Box<[u32; GATE]>,
    /// Whether any word is a single byte.
    singles: bool,
    /// Where the walk of most words goes on after their first three bytes; see [`Head`].
    heads: Vec<Head>,
    nodes: Vec<Node>,
    /// The first byte of each node's label, so that children are told apart without a look at them.
    firsts: Vec<u8>,
    /// The labels of all nodes, one after the other.
    labels: Vec<u8>,
    /// The numbers of all words, grouped by node.
    numbers: Vec<u32>,
}

/// The bits of the gate for three bytes.
const GATE_BITS: usize = 1 << 16;
/// The size of the gate, in words of 32 bits; the last ones are for words of a single byte.
const GATE: usize = (GATE_BITS + 256) / 32;

/// The bit of the gate for three bytes.
#[inline]
fn gate_of([a, b, c]: [u8; 3]) -> usize {
    let head = u32::from_le_bytes([a, b, c, 0]);
    (head.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    label: (u32, u32),
    numbers: (u32, u32),
    children: (u32, u32),
}

/// The node that three bytes lead to, so that a walk need not begin at the root where most nodes
/// have many children.
#[derive(Debug, Clone, Copy)]
struct Head {
    /// The bytes, and how many of them belong to the node's label.
    bytes: [u8; 4],
    node: u32,
}

/// A free place among the heads.
const FREE: Head = Head { bytes: [u8::MAX; 4], node: 0 };

impl Trie {
    /// A trie over words with their numbers. ASCII letters are compared without their case: they
    /// must be small in the texts that are walked.
    pub(crate) fn new<'a>(words: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let mut words: Vec<(Vec<u8>, u32)> = words
            .into_iter()
            .map(|(word, number)| (word.to_ascii_lowercase().into_bytes(), number))
            .filter(|(word, _)| !word.is_empty())
            .collect();
        words.sort();
        let mut trie = Self {
            roots: Box::new([0; 256]),
            gate: Box::new([0; GATE]),
            singles: false,
            heads: Vec::new(),
            nodes: Vec::new(),
            firsts: Vec::new(),
            labels: Vec::new(),
            numbers: Vec::new(),
        };
        for (word, _) in &words {
            trie.open_gate(word);
            trie.singles |= word.len() == 1;
        }
        let (from, to) = trie.branch(&words, 0);
        for at in from..to {
            trie.roots[usize::from(trie.firsts[at as usize])] = at + 1;
        }
        trie.with_heads()
    }

    /// Fills the table of heads: a hash table with twice as many places as there are heads.
    fn with_heads(mut self) -> Self {
        let mut heads = Vec::new();
        for root in self.roots.iter().filter(|root| **root > 0) {
            self.heads_below(root - 1, &[], &mut heads);
        }
        self.heads = vec![FREE; (2 * heads.len()).next_power_of_two()];
        for head in heads {
            let [a, b, c, _] = head.bytes;
            let mut at = self.place_of([a, b, c]);
            while self.heads[at].bytes != FREE.bytes {
                at = (at + 1) % self.heads.len();
            }
            self.heads[at] = head;
        }
        self
    }

    /// Heads at and below a node. There are none where a word ends before its third byte: such a
    /// word is found from the root.
    fn heads_below(&self, node: u32, before: &[u8], heads: &mut Vec<Head>) {
        let Node { label, numbers, children } = self.nodes[node as usize];
        let label = &self.labels[label.0 as usize..label.1 as usize];
        let bytes = [before, label].concat();
        if let [a, b, c, ..] = bytes[..] {
            let within = u8::try_from(3 - before.len()).unwrap_or_default();
            heads.push(Head { bytes: [a, b, c, within], node });
        } else if numbers.0 == numbers.1 {
            (children.0..children.1).for_each(|child| self.heads_below(child, &bytes, heads));
        }
    }

    /// Where the search for a head begins.
    #[inline]
    fn place_of(&self, head: [u8; 3]) -> usize {
        gate_of(head) & (self.heads.len() - 1)
    }

    /// The node that the first bytes of `text` lead to, and how many bytes of its label and of the
    /// text are known to be the same.
    #[inline]
    fn begin(&self, text: &[u8]) -> Option<(u32, u32, usize)> {
        if let Some([a, b, c]) = text.first_chunk() {
            let mut at = self.place_of([*a, *b, *c]);
            while let Head { bytes: [x, y, z, within @ ..=3], node } = self.heads[at] {
                if [x, y, z] == [*a, *b, *c] {
                    return Some((node, u32::from(within), 3));
                }
                at = (at + 1) & (self.heads.len() - 1);
            }
        }
        match self.roots[usize::from(*text.first()?)] {
            0 => None,
            root => Some((root - 1, 1, 1)),
        }
    }

    fn open_gate(&mut self, word: &[u8]) {
        let mut open = |bit: usize| self.gate[bit / 32] |= 1 << (bit % 32);
        match *word {
            // A word of one byte opens the gate for all that begin so.
            [a] => open(GATE_BITS + usize::from(a)),
            // Any byte may follow a word of two.
            [a, b] => (0..=u8::MAX).for_each(|c| open(gate_of([a, b, c]))),
            [a, b, c, ..] => open(gate_of([a, b, c])),
            [] => {}
        }
    }

    fn is_open(&self, bit: usize) -> bool {
        self.gate[bit / 32] & (1 << (bit % 32)) != 0
    }

    /// Whether a word may begin at `start`.
    #[inline]
    fn may_begin(&self, text: &[u8], start: usize) -> bool {
        match text.get(start..).and_then(|rest| rest.first_chunk()) {
            Some(head) => {
                self.is_open(gate_of(*head))
                    || self.singles && self.is_open(GATE_BITS + usize::from(head[0]))
            }
            None => true,
        }
    }

    /// The trie as numbers, for [`Self::from_bytes`].
    #[allow(dead_code, reason = "for the build script")]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let nodes = self.nodes.iter().flat_map(|node| {
            [node.label, node.numbers, node.children].into_iter().flat_map(|(a, b)| [a, b])
        });
        let lens = [self.nodes.len(), self.numbers.len()].map(offset);
        let words = self.roots.iter().chain(&*self.gate).copied().chain(lens).chain(nodes);
        let words = words.chain(self.numbers.iter().copied());
        let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        bytes.extend(&self.firsts);
        bytes.extend(&self.labels);
        bytes
    }

    /// The trie that [`Self::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let roots = Box::new(std::array::from_fn(|_| next()));
        let gate: Box<[u32; GATE]> = Box::new(std::array::from_fn(|_| next()));
        let singles = gate[GATE_BITS / 32..].iter().any(|open| *open != 0);
        let (nodes, numbers) = (next() as usize, next() as usize);
        let nodes: Vec<Node> = (0..nodes)
            .map(|_| Node {
                label: (next(), next()),
                numbers: (next(), next()),
                children: (next(), next()),
            })
            .collect();
        let numbers: Vec<u32> = (0..numbers).map(|_| next()).collect();
        let rest = &bytes[4 * (256 + GATE + 2 + 6 * nodes.len() + numbers.len())..];
        let (firsts, labels) = rest.split_at(nodes.len());
        let (firsts, labels) = (firsts.to_vec(), labels.to_vec());
        Self { roots, gate, singles, heads: Vec::new(), firsts, labels, nodes, numbers }
            .with_heads()
    }

    /// Adds the nodes below the first `depth` bytes, which all `words` share; returns their range.
    fn branch(&mut self, words: &[(Vec<u8>, u32)], depth: usize) -> (u32, u32) {
        let groups: Vec<&[(Vec<u8>, u32)]> =
            words.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]).collect();
        let from = self.nodes.len();
        for group in &groups {
            self.nodes.push(Node::default());
            self.firsts.push(group[0].0[depth]);
        }
        for (index, group) in groups.iter().enumerate() {
            // Words are sorted: what the first and the last share, all share.
            let (first, last) = (&group[0].0, &group[group.len() - 1].0);
            let shared = first[depth..].iter().zip(&last[depth..]).take_while(|(a, b)| a == b);
            let end = depth + shared.count();
            let label = (offset(self.labels.len()), offset(self.labels.len() + end - depth));
            self.labels.extend_from_slice(&first[depth..end]);
            let whole = group.partition_point(|(word, _)| word.len() == end);
            let numbers = (offset(self.numbers.len()), offset(self.numbers.len() + whole));
            self.numbers.extend(group[..whole].iter().map(|(_, number)| *number));
            let children =
                if whole < group.len() { self.branch(&group[whole..], end) } else { (0, 0) };
            self.nodes[from + index] = Node { label, numbers, children };
        }
        (offset(from), offset(from + groups.len()))
    }

    /// Calls `hit` for every word that begins at `start` of `text`, with its numbers and its end.
    pub(crate) fn walk(&self, text: &[u8], start: usize, mut hit: impl FnMut(&[u32], usize)) {
        let Some((mut node, mut same, read)) = text.get(start..).and_then(|t| self.begin(t)) else {
            return;
        };
        let mut at = start + read;
        loop {
            let Node { label, numbers, children } = self.nodes[node as usize];
            let label = &self.labels[(label.0 + same) as usize..label.1 as usize];
            // Labels are a few bytes long: a loop beats a call.
            let end = at + label.len();
            if end > text.len() || label.iter().zip(&text[at..end]).any(|(a, b)| a != b) {
                return;
            }
            at = end;
            if numbers.0 < numbers.1 {
                hit(&self.numbers[numbers.0 as usize..numbers.1 as usize], at);
            }
            let Some(byte) = text.get(at) else { return };
            let firsts = &self.firsts[children.0 as usize..children.1 as usize];
            match firsts.iter().position(|first| first == byte) {
                Some(child) => node = children.0 + offset(child),
                None => return,
            }
            (at, same) = (at + 1, 1);
        }
    }

    /// Calls `hit` for every word of `text` that begins where a word can begin: at a letter or
    /// digit that follows none and no underscore, at a capital that follows a small letter, and at
    /// everything that is neither letter nor digit. `small` is the text in small letters.
    pub(crate) fn each(
        &self,
        text: &[u8],
        small: &[u8],
        mut hit: impl FnMut(&[u32], usize, usize),
    ) {
        let mut before = OTHER.into();
        for (at, part) in (0..).step_by(BLOCK).zip(text.chunks(BLOCK)) {
            let classes = match part.first_chunk() {
                Some(block) => classes(block),
                None => {
                    // What fills the last block begins a word at the end at most; none fits there.
                    let mut block = [b'a'; BLOCK];
                    block[..part.len()].copy_from_slice(part);
                    classes(&block)
                }
            };
            for (at, eight) in (at..).step_by(8).zip(classes.as_chunks().0) {
                let eight = u64::from_le_bytes(*eight);
                let mut begins = beginnings(eight, (eight << 8) | before);
                before = eight >> 56;
                while begins != 0 {
                    let start = at + begins.trailing_zeros() as usize / 8;
                    begins &= begins - 1;
                    if self.may_begin(small, start) {
                        self.walk(small, start, |numbers, end| hit(numbers, start, end));
                    }
                }
            }
        }
    }

    /// Calls `hit` for every word of `text`, wherever it begins.
    pub(crate) fn anywhere(&self, text: &[u8], mut hit: impl FnMut(&[u32], usize, usize)) {
        for (start, byte) in text.iter().enumerate() {
            if self.roots[usize::from(*byte)] != 0 && self.may_begin(text, start) {
                self.walk(text, start, |numbers, end| hit(numbers, start, end));
            }
        }
    }
}

/// How many bytes are looked at together for the beginnings of words.
const BLOCK: usize = 32;

/// What a byte is for the beginnings of words, one bit each: a small letter or digit, a capital,
/// an underscore, or something else.
const SMALL: u8 = 1;
const CAPITAL: u8 = 2;
const UNDERSCORE: u8 = 4;
const OTHER: u8 = 0;

/// The class of each byte. By itself and without branches, so that the compiler does it for
/// sixteen bytes at once.
#[inline(never)]
fn classes(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let mut classes = [OTHER; BLOCK];
    for (class, byte) in classes.iter_mut().zip(block) {
        let small = byte.is_ascii_lowercase() | byte.is_ascii_digit();
        *class = SMALL * u8::from(small)
            + CAPITAL * u8::from(byte.is_ascii_uppercase())
            + UNDERSCORE * u8::from(*byte == b'_');
    }
    classes
}

/// A one in each of eight bytes where a word can begin, by their classes and those of the bytes
/// before them.
#[inline]
fn beginnings(classes: u64, before: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let (small, capital) = (classes, classes >> 1);
    let joins = (before >> 1) | (before >> 2);
    // A small letter goes on with what any of these began, a capital with the last two.
    let within = (small & (before | joins)) | (capital & joins);
    !within & ONES
}

/// Tables have far fewer than 2³² entries.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<(u32, usize, usize)> {
        let trie = Trie::new(words.iter().zip(0..).map(|(word, number)| (*word, number)));
        let trie = Trie::from_bytes(&trie.to_bytes());
        let mut found = Vec::new();
        let small = text.to_ascii_lowercase();
        trie.each(text.as_bytes(), small.as_bytes(), |numbers, start, end| {
            found.extend(numbers.iter().map(|number| (*number, start, end)));
        });
        found
    }

    #[test]
    fn words_are_found_at_beginnings_only() {
        let words = ["rate", "rate limit", "rate limit", "limit", "限流", "(1008)", "_x"];
        assert_eq!(
            found(&words, "Rate Limit"),
            [(0, 0, 4), (1, 0, 10), (2, 0, 10), (3, 5, 10)],
            "the shorter word first"
        );
        assert_eq!(found(&words, "pirate rate_limit rates"), [(0, 7, 11), (0, 18, 22)]);
        assert_eq!(found(&words, "perRate RATE_X XRATE"), [(0, 3, 7), (0, 8, 12), (6, 12, 14)]);
        assert_eq!(found(&words, "被限流了(1008)a_x"), [(4, 3, 9), (5, 12, 18), (6, 19, 21)]);
        let heads = ["a", "bc", "bcd", "bce f", "xyz", "xyzzy", "xw"];
        assert_eq!(
            found(&heads, "abc bcd bce f xyzzy xw xy"),
            [
                (0, 0, 1),
                (1, 4, 6),
                (2, 4, 7),
                (1, 8, 10),
                (3, 8, 13),
                (4, 14, 17),
                (5, 14, 19),
                (6, 20, 22)
            ]
        );
        assert_eq!(found(&words, ""), []);
        assert_eq!(found(&words, "rat"), []);
        assert_eq!(found(&[], "rate"), []);
    }
}
