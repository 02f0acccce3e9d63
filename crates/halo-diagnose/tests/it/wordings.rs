//! Wordings that nobody has documented: the families of meaning must read them all, and must not
//! take what lasts for what passes.

use halo_diagnose::{Context, diagnose};
use halo_types::{Evidence, Kind};

#[test]
fn errors_in_words_of_their_own_are_read() {
    let mut wrong = Vec::new();
    let lines = include_str!("../data/wordings.tsv").lines().filter(|line| !line.starts_with('#'));
    for (kind, text) in lines.filter_map(|line| line.split_once('\t')) {
        let kind: Kind = serde_json::from_value(kind.into()).expect(kind);
        let evidence = Evidence { body: text.into(), ..Evidence::default() };
        let got = diagnose(&evidence, &Context::default());
        if got.kind != kind {
            wrong.push(format!("{kind} → {} ({}): {text}", got.kind, got.because.rule));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
