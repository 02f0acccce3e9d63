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

/// The longest repetition that is looked for, in bytes.
const MAX_OVERLAP: usize = 4_000;
/// The shortest repetition that is taken for one; shorter ones are chance.
const MIN_OVERLAP: usize = 12;

/// Joins `rest` to `start`. Models often repeat the last words before they go on; a repetition of
/// at least twelve bytes is left out once, unless the text repeats itself anyway.
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
    let longest = start.len().min(rest.len()).min(MAX_OVERLAP);
    let overlap = (MIN_OVERLAP..=longest)
        .rev()
        .filter(|&len| rest.is_char_boundary(len))
        .find(|&len| start.ends_with(&rest[..len]))
        // Words that stand earlier too may rightly come again: leaving them out could lose some.
        .filter(|&len| start.find(&rest[..len]) == Some(start.len() - len))
        .unwrap_or(0);
    Joined { text: format!("{start}{}", &rest[overlap..]), overlap }
}
