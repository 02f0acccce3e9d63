//! Every scenario plays in both dialects, streaming and not, and means what its file says.

use halo_diagnose::diagnose;
use halo_sim::Scenario;
use halo_types::{
    Action, Evidence, Kind, Lang, Phase, Protocol, RequestFacts, Role, TransportClass,
    TransportFailure,
};
use halo_wire::Finish;
use serde_json::{Value, json};

use crate::client::{End, Received, Served, ask_as, fast};

/// Scenarios that never answer an unchanged request.
const FOR_EVER: &[&str] = &[
    "quota",
    "quota-stream",
    "quota-relay",
    "permission-denied",
    "region",
    "model-not-found",
    "model-not-found-stream",
    "model-not-found-relay",
    "overloaded-forever",
    "server-error-forever",
    "content-filtered",
    "content-filtered-relay",
    "html-page",
];

/// A request that plays `scenario`, with what the app would send along.
fn request(scenario: &Scenario, protocol: Protocol, stream: bool, lang: Lang) -> Value {
    let mut messages: Vec<Value> = scenario
        .history(lang)
        .into_iter()
        .map(|(role, text)| {
            let role = if role == Role::User { "user" } else { "assistant" };
            json!({ "role": role, "content": text })
        })
        .collect();
    let text = scenario.prompt.get(lang);
    let content = match (scenario.picture, protocol) {
        (false, _) => json!(text),
        (true, Protocol::Anthropic) => json!([
            { "type": "image", "source": {
                "type": "base64", "media_type": "image/png", "data": picture() } },
            { "type": "text", "text": text },
        ]),
        (true, _) => json!([
            { "type": "image_url",
              "image_url": { "url": format!("data:image/png;base64,{}", picture()) } },
            { "type": "text", "text": text },
        ]),
    };
    messages.push(json!({ "role": "user", "content": content }));
    let mut body = json!({ "model": scenario.id, "stream": stream, "messages": messages });
    if let Some(temperature) = scenario.parameters.temperature {
        body["temperature"] = json!(temperature);
    }
    match (scenario.parameters.max_tokens, protocol) {
        (Some(max), _) => body["max_tokens"] = json!(max),
        (None, Protocol::Anthropic) => body["max_tokens"] = json!(4096),
        (None, _) => {}
    }
    body
}

pub(crate) fn picture() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(b"\x89PNG\r\n\x1a\nonly the head matters here")
}

/// The request as the way forward of the scenario would change it.
fn mended(scenario: &Scenario, mut body: Value) -> (Value, &'static str) {
    let mut key = "practice";
    match scenario.way_forward {
        Some(Action::OpenSettingsKey) => key = "practice-key-ok",
        Some(Action::CompactAndResend) => {
            let messages = body["messages"].as_array_mut().unwrap();
            let last = messages.pop().unwrap();
            *messages = vec![last];
        }
        Some(Action::ResendWithoutImages) => {
            let last = body["messages"].as_array_mut().unwrap().last_mut().unwrap();
            last["content"] = json!(scenario.prompt.en);
        }
        Some(Action::DropParameterAndResend) => {
            body.as_object_mut().unwrap().remove("temperature");
        }
        Some(Action::LowerMaxTokensAndResend) => body["max_tokens"] = json!(4096),
        _ => {}
    }
    (body, key)
}

/// What a client would hand to the diagnosis; `None` for a good answer.
fn evidence(
    received: &Received,
    scenario: &Scenario,
    protocol: Protocol,
    stream: bool,
) -> Option<Evidence> {
    let fault = |class| Some(TransportFailure { class, chain: Vec::new() });
    let request = RequestFacts {
        model: Some(scenario.id.clone()),
        images: Some(u32::from(scenario.picture)),
        stream: Some(stream),
        ..RequestFacts::default()
    };
    let base = Evidence {
        status: received.status,
        headers: received.headers.clone(),
        request,
        ..Evidence::default()
    };
    let Some(status) = received.status else {
        let class = match received.end {
            End::Silent => TransportClass::FirstByteTimeout,
            _ => TransportClass::Reset,
        };
        return Some(Evidence { phase: Some(Phase::Headers), transport: fault(class), ..base });
    };
    if status != 200 {
        let body = received.body.clone().into();
        return Some(Evidence { phase: Some(Phase::Body), body, ..base });
    }
    let (answer, error, finish) = received.answer(protocol);
    let partial_chars = answer.text().chars().count() as u64;
    if let Some(raw) = error {
        let (phase, body) = (Some(Phase::Stream), raw.into());
        return Some(Evidence { phase, body, partial_chars, ..base });
    }
    let class = match (received.end, &finish) {
        (End::Silent, _) if partial_chars == 0 => TransportClass::FirstByteTimeout,
        (End::Silent, _) => TransportClass::IdleTimeout,
        (End::Reset, _) => TransportClass::Reset,
        (End::Closed, _) | (End::Whole, Finish::Truncated) => TransportClass::Truncated,
        (End::Whole, Finish::Complete) if partial_chars > 0 => return None,
        (End::Whole, _) => {
            let (phase, body) = (Some(Phase::Body), received.body.clone().into());
            let transport = fault(TransportClass::Protocol);
            return Some(Evidence { phase, body, transport, ..base });
        }
    };
    let (phase, transport) = (Some(Phase::Stream), fault(class));
    Some(Evidence { phase, transport, partial_chars, ..base })
}

/// Plays `scenario` once and gives the first failure and the answer that follows it.
async fn play(
    served: &Served,
    scenario: &Scenario,
    protocol: Protocol,
    stream: bool,
    lang: Lang,
) -> (Option<Evidence>, Option<String>) {
    let body = request(scenario, protocol, stream, lang);
    let mut failure = None;
    let mut next = (body.clone(), "practice");
    for _ in 0..4 {
        let received = ask_as(served.address, protocol, &next.0, next.1).await;
        match evidence(&received, scenario, protocol, stream) {
            Some(found) if failure.is_none() => failure = Some(found),
            Some(_) => {}
            None if scenario.id == "rate-limit-per-minute" && failure.is_none() => continue,
            None => return (failure, received.said(protocol)),
        }
        next = mended(scenario, body.clone());
    }
    (failure, None)
}

async fn check(protocol: Protocol, stream: bool, lang: Lang) {
    let served = fast().await;
    let mut faults = Vec::new();
    for scenario in served.sim.scenarios() {
        let (failure, answer) = play(&served, scenario, protocol, stream, lang).await;
        let found = failure.as_ref().map(|e| diagnose(e, &halo_diagnose::Context::default()));
        let wanted = if !stream && scenario.kind == Some(Kind::StreamInterrupted) {
            // Without a stream there is nothing that could have begun.
            found.as_ref().map(|d| d.kind)
        } else {
            scenario.kind
        };
        if found.as_ref().map(|d| d.kind) != wanted {
            faults.push(format!(
                "{}: {:?}, diagnosed as {:?} by {:?}\n  {failure:?}",
                scenario.id,
                scenario.kind,
                found.as_ref().map(|d| d.kind),
                found.as_ref().map(|d| &d.because.rule),
            ));
        }
        let for_ever =
            FOR_EVER.contains(&scenario.id.as_str()) || scenario.id == "rate-limit-per-minute";
        if answer.is_none() != for_ever {
            faults.push(format!("{}: answered {answer:?}", scenario.id));
        }
    }
    assert!(faults.is_empty(), "{protocol}, stream {stream}\n{}", faults.join("\n"));
    let broken: Vec<_> = served.sim.journal().into_iter().filter_map(|e| e.history_fault).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[tokio::test]
async fn anthropic_streams() {
    check(Protocol::Anthropic, true, Lang::En).await;
}

#[tokio::test]
async fn anthropic_whole() {
    check(Protocol::Anthropic, false, Lang::Zh).await;
}

#[tokio::test]
async fn openai_streams() {
    check(Protocol::OpenaiChat, true, Lang::Zh).await;
}

#[tokio::test]
async fn openai_whole() {
    check(Protocol::OpenaiChat, false, Lang::En).await;
}
