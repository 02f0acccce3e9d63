//! The table of cures stands in ARCHITECTURE.md as the code has it, and what is refused is not
//! sent again as it was.
//!
//! `UPDATE_GOLDEN=1` writes the table instead of comparing it; then read the difference.

use std::collections::BTreeMap;
use std::path::Path;

use halo_recover::{Policy, cure, table};
use halo_types::{AttemptOutcome, AttemptStart, Kind, Lang, Parameters, Protocol, Record};

use crate::bench::{Bench, target};

const BEGIN: &str = "<!-- cures: written by a test -->\n";
const END: &str = "<!-- end of cures -->";

#[test]
fn the_table_of_cures_is_the_documented_one() {
    let reference = halo_diagnose::reference(Lang::En);
    let offers = |kind: Kind| {
        reference.kind(kind).remedies.iter().map(|remedy| remedy.action).take(4).collect()
    };
    let rendered = table(&Policy::default(), offers);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table has a place");
    let (stands, after) = rest.split_once(END).expect("and that an end");
    if stands != rendered && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{rendered}{END}{after}")).unwrap();
    } else {
        assert_eq!(stands, rendered, "UPDATE_GOLDEN=1 rewrites it");
    }
}

/// How many rules of each kind are played.
const EACH: usize = 1;

#[tokio::test]
async fn what_is_refused_is_never_repeated_and_a_repair_changes_the_bytes() {
    let bench = Bench::with(|settings| {
        settings.recovery.always_omit_images = true;
        settings.recovery.always_compact = true;
    })
    .await;
    let mut played: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut repaired: BTreeMap<Kind, usize> = BTreeMap::new();
    let picture = include_bytes!("../picture.png").to_vec();
    let image = bench.engine.add_image(picture, None).await.unwrap();
    for rule in halo_diagnose::rules().iter().filter(|rule| !rule.kind.is_transient()) {
        let count = played.entry(rule.kind).or_default();
        // Without a cure one is as good as another.
        let enough = if cure(rule.kind).mends.is_some() { 4 * EACH } else { EACH };
        if *count >= enough {
            continue;
        }
        *count += 1;
        let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
        chat.say("Remember that the sky is green.").await;
        let parameters = Parameters {
            temperature: Some(0.5),
            top_p: Some(0.9),
            max_tokens: Some(100_000),
            ..Parameters::default()
        };
        bench.engine.set_parameters(chat.id, parameters).await.unwrap();
        let model = target(Protocol::OpenaiChat, &format!("rule:{}", rule.id));
        bench.engine.set_target(chat.id, model.clone()).await.unwrap();
        chat.say_with("What is this?", vec![image.clone()]).await;

        let records = bench.engine.store().records(chat.id).await.unwrap();
        let mut refused: Vec<&AttemptStart> = Vec::new();
        let mut starts: Vec<&AttemptStart> = Vec::new();
        for record in &records {
            match record {
                Record::Attempt(start) if start.target == model => {
                    for before in &refused {
                        assert_ne!(before.body_sha256, start.body_sha256, "{}", rule.id);
                    }
                    starts.push(start);
                }
                Record::AttemptEnd(end) => {
                    let start = starts.iter().find(|start| start.id == end.attempt);
                    if let (Some(start), AttemptOutcome::Failed { diagnosis, .. }) =
                        (start, &end.outcome)
                        && !diagnosis.transient
                    {
                        refused.push(start);
                        if refused.len() > 1 {
                            *repaired.entry(diagnosis.kind).or_default() += 1;
                        }
                    }
                }
                _ => {}
            }
        }
        assert!(starts.len() <= 12, "{}: {} attempts", rule.id, starts.len());
    }
    let missing: Vec<&Kind> = Kind::ALL
        .iter()
        .filter(|kind| !kind.is_transient() && **kind != Kind::Unknown)
        .filter(|kind| !played.contains_key(kind))
        .collect();
    assert!(missing.is_empty(), "never played: {missing:?}");
    for kind in [Kind::ImageUnsupported, Kind::ContextLengthExceeded, Kind::UnsupportedFeature] {
        assert!(repaired.get(&kind).is_some_and(|n| *n > 0), "{kind}: {repaired:?}");
    }
}
