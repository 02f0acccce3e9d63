//! How long a diagnosis takes: of bodies as providers send them (the rules' own examples, and the
//! labelled errors in `../shared/corpus` where they are), the one in the middle and the slowest;
//! and the worst that 1 MB can hold. Also how long the rules take to be ready.
#![expect(clippy::print_stdout, reason = "the child process tells its time")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use halo_diagnose::{Context, diagnose, rules};
use halo_types::Evidence;

fn examples() -> Vec<Evidence> {
    rules().iter().flat_map(|rule| &rule.example).map(|example| example.evidence()).collect()
}

fn corpus() -> Vec<Evidence> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let files = ["documented.jsonl", "realworld.jsonl"];
    let texts = files.iter().filter_map(|f| std::fs::read_to_string(format!("{folder}/{f}")).ok());
    texts
        .flat_map(|text| {
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<_>>()
        })
        .collect()
}

/// The bodies sorted by how long they take, in nanoseconds.
fn timed(bodies: Vec<Evidence>) -> Vec<(u128, Evidence)> {
    let context = Context::default();
    let mut timed: Vec<(u128, Evidence)> = bodies
        .into_iter()
        .map(|evidence| {
            let once = || {
                let started = Instant::now();
                for _ in 0..4 {
                    black_box(diagnose(black_box(&evidence), &context));
                }
                started.elapsed().as_nanos() / 4
            };
            once();
            ((0..40).map(|_| once()).min().unwrap_or(0), evidence)
        })
        .collect();
    timed.sort_by_key(|(time, _)| *time);
    timed
}

fn bodies(c: &mut Criterion) {
    let context = Context::default();
    for (name, bodies) in [("examples", examples()), ("corpus", corpus())] {
        if bodies.is_empty() {
            continue;
        }
        let timed = timed(bodies);
        // The least of some rounds: what a busy machine disturbs least.
        let at = |share: usize| timed[(timed.len() - 1) * share / 1000].0;
        println!(
            "{name}: at best {} ns at the median, {} at 99 %, {} at most",
            at(500),
            at(990),
            at(1000)
        );
        for (which, at) in [("median", timed.len() / 2), ("slowest", timed.len() - 1)] {
            let evidence = &timed[at].1;
            let name = format!("{name}: {which} of {} bodies", timed.len());
            c.bench_function(&name, |b| b.iter(|| diagnose(black_box(evidence), &context)));
        }
    }
}

fn hostile(c: &mut Criterion) {
    let context = Context::default();
    for (name, piece) in [
        ("1 MB of braces", "{"),
        ("1 MB of nested wrappers", "{\"error\":{\"message\":\""),
        ("1 MB of escaped wrappers", "{\\\"error\\\":\\\"[{"),
        ("1 MB of words", "rate limit insufficient balance context "),
        ("1 MB of numbers", "429 500 retry in 5 "),
        ("1 MB without a break", "error"),
        ("1 MB of pages", "<html><p>502 Bad Gateway"),
        ("1 MB of frames", "data: {\"error\":\"x\"}\n"),
        ("1 MB of ideographs", "余额不足限流"),
    ] {
        let evidence = Evidence::from_text(piece.repeat((1 << 20) / piece.len()));
        c.bench_function(name, |b| b.iter(|| diagnose(black_box(&evidence), &context)));
    }
}

/// The start of the rule table happens once in a process, so a child process measures it.
fn start(c: &mut Criterion) {
    let child = std::env::args().next().unwrap_or_default();
    c.bench_function("first diagnosis of a process", |b| {
        b.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| {
                    let output = std::process::Command::new(&child)
                        .env("HALO_BENCH_START", "1")
                        .output()
                        .expect("the bench can start itself");
                    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                    std::time::Duration::from_nanos(text.parse().expect("it prints nanoseconds"))
                })
                .sum()
        });
    });
}

fn all(c: &mut Criterion) {
    if std::env::var_os("HALO_BENCH_START").is_some() {
        let evidence = Evidence::from_text("429 Too Many Requests: please try again in 20s");
        let started = Instant::now();
        black_box(diagnose(&evidence, &Context::default()));
        println!("{}", started.elapsed().as_nanos());
        std::process::exit(0);
    }
    bodies(c);
    hostile(c);
    start(c);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = all
}
criterion_main!(benches);
