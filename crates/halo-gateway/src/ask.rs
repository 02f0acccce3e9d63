//! Asks a provider until an answer proves good or the failure is final.

use std::time::Duration;

use halo_config::ProviderConfig;
use halo_diagnose::diagnose;
use halo_engine::{Engine, now};
use halo_recover::{Machine, Next, Policy, Signs, Situation};
use halo_transport::{Call, Piece, Reply};
use halo_types::{
    Evidence, Lang, Phase, RequestFacts, StopReason, TransportClass, TransportFailure,
};
use halo_wire::{Answer, Event};
use uuid::Uuid;

use crate::refusal::Failure;

/// The largest part of an empty answer kept as evidence, in bytes.
const KEPT_RAW: usize = 64 * 1024;

/// An answer that proved good.
pub(crate) struct Good {
    /// Where the rest comes from.
    pub(crate) reply: Reply,
    /// What was held back until now.
    pub(crate) held: Vec<Piece>,
    /// What `held` amounts to.
    pub(crate) answer: Answer,
    /// How many attempts it took.
    pub(crate) attempts: u32,
}

/// Sends a call, and sends it again after failures that pass, as the settings allow. Nothing of
/// an answer is let through before its first real part, so all of this is invisible to the
/// program that asked. Dropping the future ends the provider's work.
///
/// `facts` are read only after a failure: counting a request's pictures means reading all of it.
pub(crate) async fn ask(
    engine: &Engine,
    provider: &ProviderConfig,
    call: &Call,
    facts: impl Fn() -> RequestFacts,
) -> Result<Good, Failure> {
    let policy = Policy { omit_images: false, compact: false, repair: false, ..engine.policy() };
    let (_, seed) = Uuid::now_v7().as_u64_pair();
    let mut machine = Machine::new(policy, seed);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let mut evidence = match attempt(engine, provider, call).await {
            Ok((reply, held, answer)) => return Ok(Good { reply, held, answer, attempts }),
            Err(evidence) => evidence,
        };
        evidence.request = facts();
        let diagnosis = diagnosed(engine, &evidence);
        let next = machine.handle_failure(&Signs::from(&diagnosis), &Situation::default(), now());
        tracing::info!(
            provider = call.provider,
            attempts,
            status = evidence.status,
            kind = %diagnosis.kind,
            "a gateway request failed"
        );
        match next {
            Next::SendAt { at, .. } => {
                let wait = tokio::time::sleep(Duration::from_millis(at.ms_since(now())));
                tokio::select! {
                    () = wait => continue,
                    // Halo ends: the program gets the failure instead of silence.
                    () = engine.closing().cancelled() => {}
                }
            }
            // The policy allows no repair, since they would change what the caller asked, and no
            // other place was named. No program holds its connection for a wait that is too long to
            // sit out.
            Next::Later { .. } | Next::Repair(_) | Next::Fallback(_) | Next::Ask { .. } => {}
        }
        return Err(Failure { evidence, diagnosis, attempts, protocol: call.protocol });
    }
}

/// What a failure means, in the language of the settings.
pub(crate) fn diagnosed(engine: &Engine, evidence: &Evidence) -> halo_types::Diagnosis {
    let lang = engine.config().settings().language.unwrap_or(Lang::En);
    diagnose(evidence, &engine.context(now(), lang))
}

/// Sends a call once. Of a stream, holds everything back until its first real part; of any other
/// answer, until its end.
async fn attempt(
    engine: &Engine,
    provider: &ProviderConfig,
    call: &Call,
) -> Result<(Reply, Vec<Piece>, Answer), Box<Evidence>> {
    let stream = call.request.stream == Some(true);
    let client = engine.client(provider).await.map_err(|error| error.evidence(call))?;
    let mut reply = client.send(call.clone(), engine.closing()).await?;
    let mut held = Vec::new();
    let mut answer = Answer::default();
    while let Some(piece) = reply.next().await? {
        let real = piece.events.iter().any(is_real);
        piece.events.iter().for_each(|event| answer.add(event));
        held.push(piece);
        if stream && real {
            return Ok((reply, held, answer));
        }
    }
    // An answer that was cut short on purpose may be empty; any other is a failure.
    if answer.is_empty() && matches!(answer.stop, None | Some(StopReason::End)) {
        return Err(empty(&reply, &held, call));
    }
    Ok((reply, held, answer))
}

/// Whether an event is something that a program could show or use.
fn is_real(event: &Event) -> bool {
    match event {
        Event::Text(text) | Event::Thinking(text) => !text.is_empty(),
        Event::RedactedThinking { .. }
        | Event::Image { .. }
        | Event::ToolCall { .. }
        | Event::Block { .. } => true,
        _ => false,
    }
}

/// Evidence of an answer that has nothing in it.
fn empty(reply: &Reply, held: &[Piece], call: &Call) -> Box<Evidence> {
    let mut raw = Vec::new();
    for piece in held {
        let room = KEPT_RAW.saturating_sub(raw.len());
        raw.extend_from_slice(&piece.raw[..piece.raw.len().min(room)]);
    }
    Box::new(Evidence {
        provider: call.provider.clone(),
        url: Some(call.url.clone()),
        phase: Some(Phase::Body),
        transport: Some(TransportFailure {
            class: TransportClass::Protocol,
            chain: vec!["the answer is complete and has nothing in it".to_owned()],
        }),
        at: Some(now()),
        ..Evidence::from_http(reply.status(), reply.headers().clone(), raw)
    })
}
