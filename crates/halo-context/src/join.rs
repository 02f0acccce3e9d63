//! Joining the rest of a broken answer to what had come.

/// What is asked of the model so that it writes the rest of its answer.
#[must_use]
pub fn continue_instruction() -> &'static str {
    "Your last answer broke off. Continue it from exactly where it stopped. Do not repeat what \
     you have written, do not comment on the break, and begin with the very next characters."
}

/// Two pieces made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The whole text.
    pub text: String,
    /// Bytes of the second piece that repeated the end of the first and were left out.
    pub overlap: usize,
}

/// The shortest repetition that is taken for one; shorter ones are chance.
const MIN_OVERLAP: usize = 12;

/// Joins `rest` to `start`. Models often repeat the last words before they go on, or begin anew; a
/// repetition of at least twelve bytes is left out once, unless the text repeats itself anyway.
///
/// ```
/// let joined = halo_context::join("The quick brown fox jum", "quick brown fox jumps over");
/// assert_eq!(joined.text, "The quick brown fox jumps over");
/// assert_eq!(halo_context::join("ab", "cd").text, "abcd");
/// let verse = "row, row, row your boat. ";
/// assert_eq!(halo_context::join(&verse.repeat(2), verse).text, verse.repeat(3));
/// ```
#[must_use]
pub fn join(start: &str, rest: &str) -> Joined {
    let overlap = repeated(start.as_bytes(), rest.as_bytes());
    let overlap = Some(overlap)
        .filter(|&len| len >= MIN_OVERLAP)
        // Words that stand earlier too may rightly come again: leaving them out could lose some.
        .filter(|&len| start.find(&rest[..len]) == Some(start.len() - len))
        .unwrap_or(0);
    Joined { text: format!("{start}{}", &rest[overlap..]), overlap }
}

/// How many bytes of the end of `start` are the beginning of `rest`, found in one pass over both
/// (Knuth, Morris and Pratt), since both may be megabytes. Where they meet is a boundary of
/// characters in both: `rest` begins with one, and so does what follows `start`.
fn repeated(start: &[u8], rest: &[u8]) -> usize {
    let rest = &rest[..rest.len().min(start.len())];
    // Of each beginning of `rest`, how many of its last bytes are its first ones.
    let mut borders = vec![0; rest.len()];
    let mut len = 0;
    for at in 1..rest.len() {
        while len > 0 && rest[at] != rest[len] {
            len = borders[len - 1];
        }
        len += usize::from(rest[at] == rest[len]);
        borders[at] = len;
    }
    let mut len = 0;
    for byte in &start[start.len() - rest.len()..] {
        while len > 0 && (len == rest.len() || *byte != rest[len]) {
            len = borders[len - 1];
        }
        if rest.get(len) == Some(byte) {
            len += 1;
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_that_begins_anew_is_not_doubled_however_long() {
        let words: Vec<String> = (0..20_000).map(|n| format!("word{n}")).collect();
        let whole = words.join(" ");
        let start = &whole[..whole.len() / 2];
        let joined = join(start, &whole);
        assert_eq!((joined.text.as_str(), joined.overlap), (whole.as_str(), start.len()));
    }

    proptest! {
        #[test]
        fn the_longest_repetition_is_found(
            start in "[ab\u{e9}\u{4e2d}]{0,30}",
            rest in "[ab\u{e9}\u{4e2d}]{0,30}",
        ) {
            let longest = (0..=start.len().min(rest.len()))
                .rev()
                .find(|&len| start.as_bytes().ends_with(&rest.as_bytes()[..len]));
            prop_assert_eq!(Some(repeated(start.as_bytes(), rest.as_bytes())), longest);
            let joined = join(&start, &rest);
            prop_assert!(joined.text.starts_with(&start) && joined.text.ends_with(&rest[joined.overlap..]));
        }
    }
}
