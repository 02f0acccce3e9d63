//! One client per provider, made as its settings say.

use std::time::Duration;

use halo_types::{Action, AttemptOutcome, Kind, Protocol, Proxy, Record};

use crate::bench::{Bench, answer, card, id_of, target};
use crate::doctor::examine;

/// Changes how the provider of a protocol is reached.
fn reach(
    bench: &Bench,
    protocol: Protocol,
    change: impl FnOnce(&mut halo_config::ConnectionSettings),
) {
    let mut provider = bench.engine.provider(&target(protocol, "x").provider).unwrap();
    change(&mut provider.connection);
    bench.engine.config().save_provider(provider).unwrap();
}

#[tokio::test]
async fn each_provider_has_a_client_that_follows_its_settings() {
    let bench = Bench::new().await;
    assert_eq!(bench.engine.kept_clients(), 0, "clients are made when they are needed");
    let openai = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    let anthropic = bench.chat(Protocol::Anthropic, "halo-practice").await;
    for kept in [1, 1] {
        assert!(answer(&openai.say("Hello").await).is_some());
        assert_eq!(bench.engine.kept_clients(), kept);
    }
    assert!(answer(&anthropic.say("Hello").await).is_some());
    assert_eq!(bench.engine.kept_clients(), 2);

    // An answer that runs is not disturbed by a client made anew, and can still be stopped.
    let running = bench.chat(Protocol::OpenaiChat, "stall-mid-stream").await;
    running.submit("Go on", Vec::new()).await;
    let begun = |view: &halo_engine::ConversationView| {
        view.running.as_ref().is_some_and(|running| !running.text.is_empty())
    };
    running.until(begun, false).await;
    reach(&bench, Protocol::OpenaiChat, |connection| connection.proxy = Some(Proxy::Direct));
    assert!(answer(&openai.say("And now?").await).is_some());
    assert_eq!(bench.engine.kept_clients(), 2);
    let provider = bench.engine.provider(&target(Protocol::OpenaiChat, "x").provider).unwrap();
    let client = bench.engine.client(&provider).await.unwrap();
    assert_eq!(client.options().proxy, Proxy::Direct);
    let _ = bench.engine.stop(running.id).await;

    // A form that is not saved gets a client that nobody keeps.
    let mut draft = provider.clone();
    draft.connection.idle_timeout_s = Some(7);
    let client = bench.engine.client(&draft).await.unwrap();
    assert_eq!(client.options().idle_timeout, Duration::from_secs(7));
    let client = bench.engine.client(&provider).await.unwrap();
    assert_ne!(client.options().idle_timeout, Duration::from_secs(7));

    bench.engine.config().remove_provider(&provider.id).unwrap();
    assert_eq!(bench.engine.kept_clients(), 1, "a client goes with its provider");
}

#[tokio::test]
async fn a_file_of_certificates_that_is_missing_is_named_and_can_be_put_there() {
    let bench = Bench::new().await;
    reach(&bench, Protocol::OpenaiChat, |connection| {
        connection.ca_file = Some("certificates/mine.pem".into());
    });
    let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
    let view = chat.say("Hello").await;
    let failed = card(&view).unwrap();
    assert_eq!((failed.diagnosis.kind, failed.diagnosis.transient), (Kind::Network, false));
    let path = bench.engine.config().paths().data().join("certificates/mine.pem");
    let words = failed.evidence.transport.as_ref().unwrap().chain.join(" ");
    assert!(words.contains(&format!("{} does not exist", path.display())), "{words}");

    let provider = bench.engine.provider(&target(Protocol::OpenaiChat, "x").provider).unwrap();
    let report = examine(&bench.engine, &provider, "halo-practice").await;
    assert!(report.failure().is_some_and(|failure| failure.evidence.transport.is_some()));

    reach(&bench, Protocol::OpenaiChat, |connection| connection.ca_file = None);
    chat.act(&failed, Action::Resend, None).await;
    assert!(answer(&chat.settled().await).is_some());
}

#[tokio::test]
async fn a_proxy_of_the_provider_is_used_and_blamed() {
    let bench = Bench::new().await;
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    // The general proxy is not for this machine, where the simulator is.
    let general = format!("http://127.0.0.1:{port}").parse().unwrap();
    bench.engine.config().update(|all| all.connection.proxy = Some(general)).unwrap();
    let provider = bench.engine.provider(&target(Protocol::Anthropic, "x").provider).unwrap();
    let report = examine(&bench.engine, &provider, "halo-practice").await;
    assert_eq!(report.failure(), None);

    let own = format!("http://me:geheim-pw@127.0.0.1:{port}").parse().unwrap();
    reach(&bench, Protocol::Anthropic, |connection| connection.proxy = Some(own));
    let provider = bench.engine.provider(&provider.id).unwrap();
    let report = examine(&bench.engine, &provider, "halo-practice").await;
    let failure = report.failure().unwrap();
    assert_eq!(failure.stage, halo_engine::DoctorStage::Proxy);
    assert_eq!(failure.diagnosis.kind, Kind::Network);
    assert!(format!("{:?}", failure.evidence).contains("proxy"), "{:?}", failure.evidence);
    assert!(!format!("{failure:?}").contains("geheim"), "{failure:?}");
    let text = std::fs::read_to_string(bench.engine.config().paths().config()).unwrap();
    assert!(!text.contains("geheim") && text.contains("me@127.0.0.1"), "{text}");
}

#[tokio::test]
async fn the_end_of_a_good_attempt_keeps_what_the_headers_tell() {
    let bench = Bench::new().await;
    for protocol in [Protocol::OpenaiChat, Protocol::Anthropic] {
        let chat = bench.chat(protocol, "halo-practice").await;
        assert!(answer(&chat.say("Hello").await).is_some(), "{}", id_of(protocol));
        let records = bench.engine.store().records(chat.id).await.unwrap();
        let end = records.iter().find_map(|record| match record {
            Record::AttemptEnd(end) => Some(end.clone()),
            _ => None,
        });
        let end = end.unwrap();
        assert!(matches!(end.outcome, AttemptOutcome::Answered { .. }));
        let names: Vec<&str> = end.headers.iter().map(|(name, _)| name).collect();
        assert!(names.iter().any(|name| name.contains("request-id")), "{names:?}");
        assert!(!names.contains(&"content-type"), "{names:?}");
    }
}
