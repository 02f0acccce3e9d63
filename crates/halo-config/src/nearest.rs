//! Names that look like a name.

/// The candidates that resemble `name`, nearest first; those that do not resemble it are left
/// out, and what stands before the last `/` counts only where the rest is equal.
///
/// ```
/// let models = ["gpt-4o-mini".to_owned(), "gpt-4o".to_owned(), "o3".to_owned()];
/// assert_eq!(halo_config::nearest("gpt4o", &models)[0], "gpt-4o");
/// ```
#[must_use]
pub fn nearest(name: &str, candidates: &[String]) -> Vec<String> {
    let wanted = plain(name);
    let mut scored: Vec<(f64, &String)> = candidates
        .iter()
        .map(|candidate| (likeness(&wanted, &plain(candidate)), candidate))
        .filter(|(score, _)| *score >= LEAST)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().map(|(_, candidate)| candidate.clone()).collect()
}

/// Below this, names have no more in common than any two names of models.
const LEAST: f64 = 0.6;

/// Lower case, with one separator and without the vendor's prefix.
fn plain(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.trim()
        .chars()
        .map(|c| if matches!(c, '_' | '.' | ' ' | ':') { '-' } else { c.to_ascii_lowercase() })
        .collect()
}

/// Between 0 and 1. A shared beginning counts most, since it is the family's name.
fn likeness(a: &str, b: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(a, b);
    let shape = strsim::jaro_winkler(a, b);
    (edits + shape) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first() {
        let models: Vec<String> =
            ["claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini"]
                .map(str::to_owned)
                .to_vec();
        let cases = [
            ("claude-sonnet-4.5", "claude-sonnet-4-5"),
            ("anthropic/claude-opus-4-5", "claude-opus-4-5"),
            ("GPT-4o-mimi", "gpt-4o-mini"),
            ("gpt-4", "gpt-4o"),
        ];
        for (name, want) in cases {
            assert_eq!(nearest(name, &models)[0], want, "{name}");
        }
        assert!(nearest("zzz", &models).is_empty());
        assert!(nearest("", &models).is_empty());
    }
}
