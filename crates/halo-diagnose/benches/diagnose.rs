//! How long a diagnosis takes: bodies as providers send them (the rules' own examples), and the
//! worst that 1 MB can hold.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use halo_diagnose::{Context, diagnose, rules};
use halo_types::Evidence;

fn usual(c: &mut Criterion) {
    let mut examples: Vec<Evidence> =
        rules().iter().flat_map(|rule| &rule.example).map(|example| example.evidence()).collect();
    examples.sort_by_key(|evidence| evidence.body.as_bytes().len());
    let median = examples[examples.len() / 2].clone();
    let longest = examples[examples.len() - 1].clone();
    let context = Context::default();
    c.bench_function("median body", |b| b.iter(|| diagnose(black_box(&median), &context)));
    c.bench_function("longest body", |b| b.iter(|| diagnose(black_box(&longest), &context)));
    c.bench_function("all examples", |b| {
        b.iter(|| examples.iter().for_each(|e| drop(black_box(diagnose(e, &context)))))
    });
}

fn hostile(c: &mut Criterion) {
    let context = Context::default();
    for (name, piece) in [
        ("1 MB of braces", "{"),
        ("1 MB of nested wrappers", "{\"error\":{\"message\":\""),
        ("1 MB of words", "rate limit insufficient balance context "),
    ] {
        let evidence = Evidence::from_text(piece.repeat((1 << 20) / piece.len()));
        c.bench_function(name, |b| b.iter(|| diagnose(black_box(&evidence), &context)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = usual, hostile
}
criterion_main!(benches);
