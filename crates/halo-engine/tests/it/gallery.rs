//! Every fault of the gallery, played: it ends in the card that its rule names.

use halo_config::{ConnectionSettings, ProviderConfig};
use halo_engine::gallery::faults;
use halo_engine::{Engine, Options, Practice};
use halo_sim::{SimOptions, Simulator, serve};
use halo_types::{AttemptOutcome, Lang, Protocol, Record};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;

#[tokio::test]
async fn every_fault_of_the_gallery_ends_in_the_card_its_rule_names() {
    let bench = Bench::with(|settings| settings.recovery.retry_automatically = false).await;
    let config = bench.config();
    bench.engine.close().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sim = Simulator::new(SimOptions { speed: f64::INFINITY, ..SimOptions::default() });
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, sim, stop.clone()));
    let store = halo_store_sqlite::SqliteStore::open(&config.paths().database()).await.unwrap();
    let provider = ProviderConfig {
        id: "practice".parse().unwrap(),
        name: "Practice".to_owned(),
        preset: "practice".to_owned(),
        protocol: Protocol::OpenaiChat,
        base_url: format!("http://{address}/v1"),
        key_env: None,
        needs_key: false,
        models: Vec::new(),
        connection: ConnectionSettings::default(),
    };
    let practice = Practice { provider, models: Vec::new(), scenarios: Vec::new() };
    let options =
        Options { practice: Some(practice), ..Options::new(config, std::sync::Arc::new(store)) };
    let engine = Engine::open(options).await.unwrap();
    assert!(faults().len() > 120, "{}", faults().len());
    let mut wrong = Vec::new();
    for fault in faults() {
        let id = engine.play(&fault.scenario(), Lang::En, None).await.unwrap();
        let read = loop {
            let records = engine.store().records(id).await.unwrap();
            let end = records.into_iter().find_map(|record| match record {
                Record::AttemptEnd(end) => Some(end.outcome),
                _ => None,
            });
            if let Some(outcome) = end {
                break outcome;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        };
        match read {
            AttemptOutcome::Failed { diagnosis, .. } if diagnosis.kind == fault.kind => {}
            AttemptOutcome::Failed { diagnosis, .. } => {
                wrong.push((fault.rule, fault.kind, Some(diagnosis.kind)));
            }
            _ => wrong.push((fault.rule, fault.kind, None)),
        }
        engine.stop(id).await.unwrap();
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), faults().len());
    engine.close().await;
    stop.cancel();
    server.await.unwrap();
}
