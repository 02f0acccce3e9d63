//! The doctor against the simulator.

use halo_config::ProviderConfig;
use halo_engine::{DoctorReport, DoctorStage, Engine, Patient, Proof, Verdict};
use halo_types::{FactValue, Kind, Lang, Protocol};

use crate::bench::{Bench, target};

pub(crate) async fn examine(
    engine: &Engine,
    provider: &ProviderConfig,
    model: &str,
) -> DoctorReport {
    let model = Some(model.to_owned());
    let patient = Patient { provider: provider.clone(), key: None, model };
    let mut heard = Vec::new();
    let report = engine.examine(patient, Lang::En, &mut |stage| heard.push(stage.clone())).await;
    assert_eq!(heard, report.stages, "each step is told as soon as it is over");
    report
}

fn provider(bench: &Bench, protocol: Protocol) -> ProviderConfig {
    bench.engine.provider(&target(protocol, "x").provider).unwrap()
}

fn verdict(report: &DoctorReport, stage: DoctorStage) -> Option<Verdict> {
    report.stages.iter().find(|report| report.stage == stage).map(|report| report.verdict)
}

#[tokio::test]
async fn every_step_is_taken_and_what_the_model_can_do_is_remembered() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let model = "halo-practice-tools";
        let report = examine(&bench.engine, &provider(&bench, *protocol), model).await;
        assert_eq!(report.failure(), None, "{protocol}: {report:#?}");
        let stages: Vec<DoctorStage> = report.stages.iter().map(|stage| stage.stage).collect();
        assert_eq!(
            stages,
            [
                DoctorStage::Address,
                DoctorStage::Dns,
                DoctorStage::Connect,
                DoctorStage::Endpoint,
                DoctorStage::Key,
                DoctorStage::Models,
                DoctorStage::Token,
                DoctorStage::Stream,
                DoctorStage::Picture,
                DoctorStage::Tools,
            ],
            "{protocol}"
        );
        for stage in &report.stages {
            assert_eq!(stage.verdict, Verdict::Passed, "{protocol}: {stage:?}");
            assert!(
                !stage.proof.words(Lang::En).is_empty() && !stage.proof.words(Lang::Zh).is_empty()
            );
            let asked = stage.stage >= DoctorStage::Models;
            assert_eq!(stage.raw.is_some(), asked, "{protocol}: {stage:?}");
        }
        let facts = bench.engine.model_facts(&target(*protocol, model));
        assert!(facts.vision.unwrap().value && facts.tools.unwrap().value, "{protocol}");
        assert!(facts.streaming.unwrap().value, "{protocol}");
    }
}

#[tokio::test]
async fn a_base_url_without_its_version_is_found() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let mut moved = provider(&bench, *protocol);
        // The simulator answers under any prefix but this one.
        moved.base_url = format!("{}/v2/nothing", moved.base_url);
        let report = examine(&bench.engine, &moved, "halo-practice").await;
        if let Some(better) = &report.better_base {
            assert_eq!(verdict(&report, DoctorStage::Endpoint), Some(Verdict::Warned));
            assert_eq!(verdict(&report, DoctorStage::Token), Some(Verdict::Passed), "{better}");
        } else {
            assert_eq!(verdict(&report, DoctorStage::Endpoint), Some(Verdict::Passed));
        }
    }
}

#[tokio::test]
async fn the_step_at_fault_is_named_with_the_card_of_a_conversation() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let provider = provider(&bench, *protocol);
        for (model, stage, kind) in [
            ("wrong-key", DoctorStage::Key, Kind::InvalidApiKey),
            ("quota", DoctorStage::Key, Kind::QuotaExhausted),
            ("model-not-found", DoctorStage::Models, Kind::ModelNotFound),
            ("overloaded-forever", DoctorStage::Token, Kind::Overloaded),
            ("garbage", DoctorStage::Token, Kind::InvalidResponse),
        ] {
            let report = examine(&bench.engine, &provider, model).await;
            let failure = report.failure().unwrap_or_else(|| panic!("{protocol} {model}"));
            assert_eq!(
                (failure.stage, failure.diagnosis.kind),
                (stage, kind),
                "{protocol} {model}"
            );
            assert_eq!(verdict(&report, DoctorStage::Tools), None, "nothing is tried behind it");
        }
    }
}

#[tokio::test]
async fn a_blind_model_is_no_failure_but_a_fact() {
    let bench = Bench::new().await;
    for protocol in Protocol::ALL {
        let report = examine(&bench.engine, &provider(&bench, *protocol), "blind").await;
        assert_eq!(report.failure(), None, "{protocol}");
        assert_eq!(verdict(&report, DoctorStage::Picture), Some(Verdict::Warned), "{protocol}");
        assert!(report.learned.contains(&FactValue::Vision(false)), "{protocol}");
        assert_eq!(bench.engine.model_facts(&target(*protocol, "blind")).sees(), Some(false));
    }
}

#[tokio::test]
async fn a_model_that_is_not_listed_is_met_by_its_neighbours() {
    let bench = Bench::new().await;
    let report =
        examine(&bench.engine, &provider(&bench, Protocol::OpenaiChat), "halo-practise").await;
    let models = report.stages.iter().find(|stage| stage.stage == DoctorStage::Models).unwrap();
    assert_eq!(models.verdict, Verdict::Warned);
    let Proof::Models { missing: Some(missing), nearest, .. } = &models.proof else {
        panic!("{models:?}");
    };
    assert_eq!((missing.as_str(), nearest[0].as_str()), ("halo-practise", "halo-practice"));
    assert_eq!(report.failure().unwrap().diagnosis.kind, Kind::ModelNotFound);
}

#[tokio::test]
async fn nobody_there_is_told_at_the_connection() {
    let bench = Bench::new().await;
    let mut gone = provider(&bench, Protocol::Anthropic);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    gone.base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = examine(&bench.engine, &gone, "m").await;
    let failure = report.failure().unwrap();
    assert_eq!((failure.stage, failure.diagnosis.kind), (DoctorStage::Connect, Kind::Network));
    gone.base_url = "http://".to_owned();
    let report = examine(&bench.engine, &gone, "m").await;
    assert_eq!(report.failure().unwrap().stage, DoctorStage::Address);
}
