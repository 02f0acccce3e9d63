//! The same mistake is not made twice, and what was learned can be proved wrong.

use halo_engine::{ConversationView, Engine, EngineError, Item};
use halo_types::{
    Fact, FactOrigin, FactValue, Kind, Parameters, Protocol, Record, StepKind, Target,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, Chat, answer, id_of, target};

/// How many attempts of a conversation failed.
fn failures(view: &ConversationView) -> usize {
    view.items.iter().filter(|item| matches!(item, Item::Card(_))).count()
}

fn learned(engine: &Engine, target: &Target) -> Vec<Fact> {
    let provider = engine.provider(&target.provider).unwrap();
    let mut facts = engine.own_facts(&provider);
    facts.retain(|fact| fact.scope.model == target.model && fact.origin == FactOrigin::Learned);
    facts
}

/// Two conversations with a model: the first one learns, the second one does not fail.
async fn learns_once(
    bench: &Bench,
    target: &Target,
    system: Option<&str>,
    parameters: Parameters,
    lesson: FactValue,
) {
    for failed in [1, 0] {
        let id = bench.engine.create(Some(target.clone())).await.unwrap();
        let mut records = bench.engine.store().records(id).await.unwrap();
        let Some(Record::Conversation(meta)) = records.first_mut() else { panic!("{records:?}") };
        meta.system = system.map(str::to_owned);
        meta.parameters = parameters.clone();
        bench.engine.store().append(id, &records).await.unwrap();
        let chat = Chat { engine: &bench.engine, id };
        let view = chat.say("Hello").await;
        assert!(answer(&view).is_some(), "{lesson:?}: {view:#?}");
        assert_eq!(failures(&view), failed, "{lesson:?}: {view:#?}");
    }
    let facts = learned(&bench.engine, target);
    let fact = facts.iter().find(|fact| fact.value == lesson).expect("it was learned");
    assert!(fact.quote.is_some() && fact.attempt.is_some() && fact.conversation.is_some());
}

#[tokio::test]
async fn a_refused_parameter_and_a_too_long_answer_are_mistakes_made_once() {
    let bench = Bench::new().await;
    let warm = Parameters { temperature: Some(0.7), ..Parameters::default() };
    let long = Parameters { max_tokens: Some(100_000), ..Parameters::default() };
    let refused = || FactValue::ParameterRefused("temperature".to_owned());
    for protocol in [Protocol::OpenaiChat, Protocol::Anthropic] {
        let picky = target(protocol, "parameter-refused");
        learns_once(&bench, &picky, None, warm.clone(), refused()).await;
        let brief = target(protocol, "output-limit");
        learns_once(&bench, &brief, None, long.clone(), FactValue::MaxOutput(4_096)).await;
    }
}

#[tokio::test]
async fn with_leave_pictures_are_left_out_and_a_full_window_is_compacted_before_the_error() {
    let bench = Bench::with(|settings| {
        settings.recovery.always_omit_images = true;
        settings.recovery.always_compact = true;
    })
    .await;
    for failed in [1, 0] {
        let chat = bench.chat(Protocol::Anthropic, "blind").await;
        let picture = include_bytes!("../picture.png").to_vec();
        let image = bench.engine.add_image(picture, None).await.unwrap();
        let view = chat.say_with("What is this?", vec![image]).await;
        assert!(answer(&view).is_some(), "{view:#?}");
        assert_eq!(failures(&view), failed, "{view:#?}");
        let step = view.items.iter().find_map(|item| match item {
            Item::Step(step) => Some(step.clone()),
            _ => None,
        });
        let step = step.expect("what was left out is shown");
        assert!(matches!(step.kind, StepKind::OmitImages { .. }) && step.in_force);
    }
    for failed in [1, 0] {
        let chat = bench.chat(Protocol::OpenaiChat, "halo-practice").await;
        for n in 0..6 {
            let words = "A long remark about many things. ".repeat(450);
            chat.say(&format!("Remark {n}. {words}")).await;
        }
        let small = target(Protocol::OpenaiChat, "small-window");
        bench.engine.set_target(chat.id, small).await.unwrap();
        let view = chat.say("What did I say first?").await;
        assert!(answer(&view).is_some(), "{view:#?}");
        let full = |item: &&Item| matches!(item, Item::Card(card) if card.diagnosis.kind == Kind::ContextLengthExceeded);
        assert_eq!(view.items.iter().filter(full).count(), failed, "{view:#?}");
    }
}

/// A provider that takes one thing amiss: `refuse` says what is wrong with a body.
pub(crate) async fn provider(bench: &Bench, refuse: fn(&Value) -> Option<&'static str>) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, refuse));
        }
    });
    let id: halo_types::ProviderId = id_of(Protocol::OpenaiChat).parse().unwrap();
    bench
        .engine
        .config()
        .update(|settings| {
            for provider in settings.providers.iter_mut().filter(|p| p.id == id) {
                provider.base_url = format!("http://{address}/v1");
            }
        })
        .unwrap();
    target(Protocol::OpenaiChat, "picky")
}

async fn serve(mut stream: TcpStream, refuse: fn(&Value) -> Option<&'static str>) -> Option<()> {
    let mut bytes = Vec::new();
    let body = loop {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            break body;
        }
    };
    let (status, kind, text) = match refuse(&body) {
        Some(message) => {
            let error = json!({ "error": { "message": message, "type": "invalid_request_error" } });
            ("400 Bad Request", "application/json", error.to_string())
        }
        None if body["stream"] == true => {
            let part = json!({ "choices": [{ "index": 0, "delta": { "content": "Yes." } }] });
            let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
            let text = format!("data: {part}\n\ndata: {end}\n\ndata: [DONE]\n\n");
            ("200 OK", "text/event-stream", text)
        }
        None => {
            let message = json!({ "role": "assistant", "content": "Yes." });
            let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
            ("200 OK", "application/json", json!({ "choices": [choice] }).to_string())
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

#[tokio::test]
async fn a_refused_role_is_folded_and_a_refused_stream_is_not_asked_for_again() {
    let bench = Bench::new().await;
    let picky = provider(&bench, |body| {
        let system = body["messages"][0]["role"] == "system";
        system.then_some("Developer instruction is not enabled for this model")
    })
    .await;
    let role = FactValue::ParameterRefused("system".to_owned());
    learns_once(&bench, &picky, Some("Be brief."), Parameters::default(), role).await;

    let picky = provider(&bench, |body| {
        (body["stream"] == true).then_some("This model does not support streaming.")
    })
    .await;
    let stream = FactValue::Streaming(false);
    learns_once(&bench, &picky, None, Parameters::default(), stream).await;
}

#[tokio::test]
async fn the_output_limit_goes_by_its_other_name_or_is_given_where_it_is_demanded() {
    let bench = Bench::new().await;
    let picky = provider(&bench, |body| {
        let old = body.get("max_tokens").is_some();
        old.then_some("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
    })
    .await;
    let limit = Parameters { max_tokens: Some(500), ..Parameters::default() };
    let old = FactValue::ParameterRefused("max_tokens".to_owned());
    learns_once(&bench, &picky, None, limit, old).await;

    let picky = provider(&bench, |body| {
        body.get("max_tokens").is_none().then_some("Missing required parameter: 'max_tokens'.")
    })
    .await;
    let demanded = FactValue::ParameterRequired("max_tokens".to_owned());
    learns_once(&bench, &picky, None, Parameters::default(), demanded).await;
}

#[tokio::test]
async fn a_step_that_is_taken_back_is_tried_again_and_an_answer_proves_it() {
    let bench = Bench::new().await;
    // The refusal is a mood of this provider: it ends with the second message.
    let picky = provider(&bench, |body| {
        let first = body["messages"].as_array().is_some_and(|messages| messages.len() < 2);
        (first && body.get("top_p").is_some())
            .then_some("Unsupported parameter: 'top_p' is not supported with this model.")
    })
    .await;
    let chat =
        Chat { engine: &bench.engine, id: bench.engine.create(Some(picky.clone())).await.unwrap() };
    let parameters = Parameters { top_p: Some(0.5), ..Parameters::default() };
    bench.engine.set_parameters(chat.id, parameters).await.unwrap();
    let view = chat.say("Hello").await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(learned(&bench.engine, &picky).len(), 1);
    let step = view.items.iter().find_map(|item| match item {
        Item::Step(step) => Some(step.id),
        _ => None,
    });
    bench.engine.undo_step(chat.id, step.unwrap()).await.unwrap();
    assert_eq!(learned(&bench.engine, &picky), []);
    let view = chat.say("Again").await;
    assert!(answer(&view).is_some(), "{view:#?}");
    assert_eq!(learned(&bench.engine, &picky), []);
}

#[tokio::test]
async fn a_person_s_fact_replaces_their_older_one_beats_the_learned_and_is_taken_back_for_good() {
    let bench = Bench::new().await;
    let target = target(Protocol::OpenaiChat, "my-own-model");
    let set = |value| bench.engine.set_fact(&target.provider, " my-own-model ", value);
    let first = set(FactValue::ContextWindow(8_192)).await.unwrap();
    let second = set(FactValue::ContextWindow(16_384)).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(bench.engine.model_facts(&target).window(), Some(16_384));
    let refused = set(FactValue::ContextWindow(0)).await.unwrap_err();
    assert!(matches!(refused, EngineError::Fact(_)), "{refused}");
    let stored = bench.engine.store().facts().await.unwrap();
    assert_eq!(stored, std::slice::from_ref(&second));

    let gone = bench.engine.forget_fact(second.id).await.unwrap();
    assert_eq!(gone, Some(second.clone()));
    assert_eq!(bench.engine.forget_fact(second.id).await.unwrap(), None);
    assert_eq!(bench.engine.store().facts().await.unwrap(), [], "not after a restart either");
    bench.engine.put_back_fact(second).await.unwrap();
    assert_eq!(bench.engine.model_facts(&target).window(), Some(16_384));
}

#[tokio::test]
async fn of_a_small_window_an_answer_gets_half_of_what_the_request_leaves() {
    let bench = Bench::new().await;
    let model = "halo-practice";
    let at = target(Protocol::Anthropic, model);
    bench.engine.set_fact(&at.provider, model, FactValue::ContextWindow(800)).await.unwrap();
    let chat = bench.chat(Protocol::Anthropic, model).await;
    chat.say("Hello").await;
    let sent = crate::recovery::bodies(&bench, model);
    let body: Value = serde_json::from_str(&sent[0]).unwrap();
    let asked = body["max_tokens"].as_u64().unwrap();
    assert!((300..400).contains(&asked), "{asked}");
}
