//! What is asked, and what has to come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use halo_diagnose::{Context, diagnose};
use halo_sim::{Group, Simulator};
use halo_transport::{Call, Client};
use halo_types::{
    Blobs, ChatRequest, Evidence, Kind, Part, Protocol, RequestMessage, Role, TransportClass,
};
use halo_wire::{Answer, EncodeOptions, Event, encode, endpoint};
use tokio_util::sync::CancellationToken;

/// How one stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Whole, and every word of it.
    Answered,
    /// It failed, and it is known why; what came before is a beginning of the answer.
    Failed(Kind),
    /// It was cancelled on purpose.
    Cancelled,
    /// Something that must not happen, in words.
    Fault(String),
}

/// The scenarios, and the words of those that answer.
pub struct Plan {
    base: String,
    scenarios: Vec<Asked>,
}

struct Asked {
    model: String,
    prompt: String,
    /// What it says when it is whole.
    words: String,
    /// Whether it fails for ever.
    never: bool,
}

/// Failures that are wanted beside the answers, in streams and before them.
const FAULTS: &[&str] = &[
    "cut-mid-stream",
    "cut-politely",
    "reset-mid-stream",
    "reset",
    "error-mid-stream",
    "overloaded-midstream",
    "overloaded-stream",
    "server-error-stream",
    "rate-limit-stream",
    "stall-mid-stream",
    "bad-gateway",
    "overloaded",
    "server-error",
    "error-in-200",
    "empty-answer",
    "empty-body",
    "null-body",
    "garbage",
];
/// Failures that no second try mends.
const FOR_EVER: &[&str] = &["quota", "quota-stream", "model-not-found", "html-page"];

impl Plan {
    /// Learns what every scenario says when it answers.
    pub async fn new(sim: &Simulator, base: &str, client: &Client) -> anyhow::Result<Self> {
        let mut names: BTreeMap<String, bool> = BTreeMap::new();
        for scenario in sim.scenarios() {
            let faulty = FAULTS.contains(&scenario.id.as_str());
            let never = FOR_EVER.contains(&scenario.id.as_str());
            let talks = scenario.group == Group::Sloppy || scenario.id == halo_sim::PRACTICE_MODEL;
            if faulty || never || talks {
                names.insert(scenario.id.clone(), never);
            }
        }
        let mut plan = Self { base: base.to_owned(), scenarios: Vec::new() };
        for (model, never) in names {
            let prompt = "Tell me about the practice provider, please.".to_owned();
            let mut asked = Asked { model, prompt, words: String::new(), never };
            if !never {
                asked.words = plan.learn(client, &asked).await?;
            }
            plan.scenarios.push(asked);
        }
        if plan.scenarios.len() < FAULTS.len() {
            bail!("the simulator lacks scenarios that the soak needs");
        }
        Ok(plan)
    }

    /// The whole answer of a scenario, however many tries it takes.
    async fn learn(&self, client: &Client, asked: &Asked) -> anyhow::Result<String> {
        for _ in 0..5 {
            let call = self.call(asked, Protocol::OpenaiChat, false)?;
            let cancel = CancellationToken::new();
            if let (answer, Ok(())) = hear(client, call, &cancel, None).await
                && !answer.is_empty()
            {
                return Ok(answer.text());
            }
        }
        bail!("the scenario {} never answers", asked.model)
    }

    fn call(&self, asked: &Asked, protocol: Protocol, stream: bool) -> anyhow::Result<Call> {
        let request = ChatRequest {
            model: asked.model.clone(),
            messages: vec![RequestMessage {
                role: Role::User,
                parts: vec![Part::text(&asked.prompt)],
            }],
            stream,
            ..ChatRequest::default()
        };
        let body = encode(protocol, &request, &Blobs::default(), &EncodeOptions::default())?;
        let url = endpoint::resolve(protocol, &self.base)?.chat_url(&asked.model, stream);
        let mut call = Call::post(url, protocol, body);
        call.headers = halo_wire::auth_headers(protocol, Some("sk-soak-0123456789"));
        call.request.stream = Some(stream);
        Ok(call)
    }

    /// Plays one stream, chosen by the seed, and says how it ended.
    pub async fn play(&self, client: &Client, seed: &mut u64) -> Outcome {
        let protocol = Protocol::ALL[pick(seed, Protocol::ALL.len())];
        let asked = &self.scenarios[pick(seed, self.scenarios.len())];
        let stream = pick(seed, 8) != 0;
        let stop_after = (pick(seed, 10) == 0).then(|| pick(seed, 12) + 1);
        let call = match self.call(asked, protocol, stream).context("a request") {
            Ok(call) => call,
            Err(error) => return Outcome::Fault(format!("{error:#}")),
        };
        let cancel = CancellationToken::new();
        let heard =
            tokio::time::timeout(Duration::from_secs(60), hear(client, call, &cancel, stop_after));
        let name = format!("{protocol} {} stream={stream}", asked.model);
        match heard.await {
            Err(_) => Outcome::Fault(format!("{name}: still open after a minute")),
            Ok((answer, end)) => judge(asked, &name, cancel.is_cancelled(), &answer, end),
        }
    }
}

fn judge(
    asked: &Asked,
    name: &str,
    cancelled: bool,
    answer: &Answer,
    end: Result<(), Box<Evidence>>,
) -> Outcome {
    let text = answer.text();
    let fault = |what: &str| Outcome::Fault(format!("{name}: {what}"));
    if !asked.words.starts_with(&text) {
        return fault(&format!("words are lost or doubled: {text:?}"));
    }
    match end {
        Ok(()) if asked.never => fault("an answer that nobody gave"),
        Ok(()) if text == asked.words => Outcome::Answered,
        Ok(()) if text.is_empty() => Outcome::Failed(Kind::InvalidResponse),
        Ok(()) => fault(&format!("half an answer passes for a whole one: {text:?}")),
        Err(evidence) => {
            let class = evidence.transport.as_ref().map(|failure| failure.class);
            if cancelled && class == Some(TransportClass::Cancelled) {
                return Outcome::Cancelled;
            }
            let diagnosis = diagnose(&evidence, &Context::default());
            match diagnosis.kind {
                Kind::Unknown => fault(&format!("nobody knows why it failed: {evidence:?}")),
                kind => Outcome::Failed(kind),
            }
        }
    }
}

/// Hears an answer to its end, or cancels it after some pieces.
async fn hear(
    client: &Client,
    call: Call,
    cancel: &CancellationToken,
    stop_after: Option<usize>,
) -> (Answer, Result<(), Box<Evidence>>) {
    let mut answer = Answer::default();
    let mut reply = match client.send(call, cancel).await {
        Ok(reply) => reply,
        Err(evidence) => return (answer, Err(evidence)),
    };
    let mut pieces = 0;
    loop {
        match reply.next().await {
            Ok(Some(piece)) => {
                for event in &piece.events {
                    if let Event::Error { .. } = event {
                        continue;
                    }
                    answer.add(event);
                }
                pieces += 1;
                if stop_after == Some(pieces) {
                    cancel.cancel();
                }
            }
            Ok(None) => return (answer, Ok(())),
            Err(evidence) => return (answer, Err(evidence)),
        }
    }
}

/// A number below `below` (xorshift64*, <https://en.wikipedia.org/wiki/Xorshift>): the same seed
/// plays the same streams.
fn pick(seed: &mut u64, below: usize) -> usize {
    let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *seed = x;
    usize::try_from(x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap_or_default() % below.max(1)
}
