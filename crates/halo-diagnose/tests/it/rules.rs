use std::collections::HashSet;

use halo_diagnose::{Context, Example, Rule, diagnose, rules};
use halo_types::{Diagnosis, Kind, Timestamp};

fn read(example: &Example) -> Diagnosis {
    let now = Some(Timestamp(1_790_000_000_000));
    diagnose(&example.evidence(), &Context { now, ..Context::default() })
}

fn check(rule: &Rule, example: &Example, want: Kind, wrong: &mut Vec<String>) {
    let got = read(example);
    let mut faults = Vec::new();
    if got.kind != want {
        faults.push(format!("kind {} by {}, want {want}", got.kind, got.because.rule));
    }
    if let Some(want) = example.transient.filter(|want| *want != got.transient) {
        faults.push(format!("transient is {}, want {want}", got.transient));
    }
    if let Some(want) = example.after_ms {
        let after = got.retry.as_ref().map(|retry| retry.after_ms);
        if after != Some(want) {
            faults.push(format!("wait {after:?}, want {want}"));
        }
    }
    let facts = serde_json::to_value(&got.facts).expect("facts are plain data");
    for (name, want) in &example.facts {
        if facts.get(name) != Some(want) {
            faults.push(format!("{name} is {:?}, want {want}", facts.get(name)));
        }
    }
    if let Some((start, end)) = got.because.span {
        assert!(example.body.get(start..end).is_some_and(|s| !s.is_empty()), "{}: span", rule.id);
    }
    for fault in faults {
        wrong.push(format!("{}: {fault}\n    {:?} {}", rule.id, example.status, example.body));
    }
}

#[test]
fn examples_and_near_misses_through_the_whole_machine() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for example in &rule.example {
            check(rule, example, example.kind.unwrap_or(rule.kind), &mut wrong);
        }
        for near in &rule.near {
            let want =
                near.kind.unwrap_or_else(|| panic!("{}: a near-miss names its kind", rule.id));
            check(rule, near, want, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_is_complete() {
    let mut ids = HashSet::new();
    for rule in rules() {
        assert!(ids.insert(&rule.id), "{} twice", rule.id);
        assert!(!rule.example.is_empty(), "{} has no example", rule.id);
        assert!(!rule.near.is_empty(), "{} has no near-miss", rule.id);
        let source = rule.source.as_deref().unwrap_or_default();
        assert!(source.starts_with("https://"), "{} has no source", rule.id);
    }
    for kind in Kind::ALL {
        let covered = rules().iter().any(|rule| rule.kind == *kind);
        assert_eq!(covered, *kind != Kind::Unknown, "{kind}");
    }
}
