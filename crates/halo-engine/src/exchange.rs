//! One request on the wire: recorded, sent, journalled, and what came of it.

use std::time::Instant;

use halo_config::{ProviderConfig, Secret};
use halo_context::{Correction, Success};
use halo_recover::{Place, Spot};
use halo_store::ChunkKind;
use halo_transport::{Call, Client};
use halo_types::{
    AttemptId, AttemptStart, Blobs, ChatRequest, ConversationMeta, Evidence, Headers, Instead,
    Part, Phase, Protocol, Record, RequestFacts, StepId, Target, Turn,
};
use halo_wire::{Answer, EncodeOptions, Event, MaxTokensField, encode, endpoint};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::journal::Journal;
use crate::live::RunGuard;
use crate::sizes::correction;
use crate::{Engine, EngineError};

/// The largest part of an answer kept to prove that it was unusable, in bytes.
const KEPT_RAW: usize = 64 * 1024;
/// The name of the parameter that asks for a stream.
pub(crate) const STREAM: &str = "stream";
/// The most output asked of a model that demands a figure, in tokens.
const MAX_OUTPUT: u64 = 8_192;

/// A request that is about to be sent.
pub(crate) struct Outgoing {
    pub(crate) request: ChatRequest,
    /// The steps that made it what it is.
    pub(crate) steps: Vec<StepId>,
    /// Parameters to leave out.
    pub(crate) omit: Vec<String>,
    /// The attempt whose refusal led to it; it must differ from that one in bytes.
    pub(crate) refused: Option<AttemptId>,
}

/// A request that was sent, and what came of it.
pub(crate) struct Sent {
    pub(crate) attempt: AttemptId,
    /// Where it went.
    pub(crate) place: Place,
    /// Whether the turn had sent something before.
    pub(crate) again: bool,
    pub(crate) outcome: Outcome,
    /// Milliseconds to the first part of the answer.
    pub(crate) first_part_ms: Option<u64>,
    /// Milliseconds it thought aloud.
    pub(crate) thinking_ms: Option<u64>,
    pub(crate) total_ms: u64,
    /// What the request held, as far as facts about the model speak of it.
    pub(crate) held: Success,
    /// What the head of the answer said about limits and the request's id; empty where none came.
    pub(crate) headers: Headers,
}

/// What came of an exchange, before it is known how long it took in all.
struct Exchanged {
    outcome: Outcome,
    first_part_ms: Option<u64>,
    thinking_ms: Option<u64>,
    headers: Headers,
}

impl Exchanged {
    fn before_any_answer(outcome: Outcome) -> Self {
        Self { outcome, first_part_ms: None, thinking_ms: None, headers: Headers::default() }
    }
}

/// What came of a request.
pub(crate) enum Outcome {
    /// The protocol's terminator came, and there is something in the answer.
    Answered { answer: Box<Answer> },
    /// It failed; what had come is in `answer`.
    Failed { evidence: Box<Evidence>, answer: Box<Answer> },
    /// The person stopped it, or Halo is closing; what had come is in `answer`.
    Stopped { answer: Box<Answer> },
}

/// Parameters in the conversation's requests that can be left out, by every name a provider may
/// use for them.
pub(crate) fn droppable_parameters(protocol: Protocol, meta: &ConversationMeta) -> Vec<String> {
    // Without a stream the answer comes in one piece.
    let mut names = vec![STREAM];
    let parameters = &meta.parameters;
    if parameters.temperature.is_some() {
        names.push("temperature");
    }
    if parameters.top_p.is_some() {
        names.push("top_p");
    }
    if !parameters.stop.is_empty() {
        names.extend(["stop", "stop_sequences", "stopSequences"]);
    }
    if parameters.effort.is_some() {
        names.extend(["reasoning_effort", "reasoning", "thinking", "thinkingConfig"]);
    }
    if meta.system.is_some() {
        names.push("system");
    }
    match protocol {
        Protocol::Anthropic => {}
        Protocol::OpenaiChat => names.push("stream_options"),
        Protocol::OpenaiResponses | Protocol::Gemini => {}
    }
    // Anthropic demands a value.
    if protocol != Protocol::Anthropic && parameters.max_tokens.is_some() {
        names.extend(["max_tokens", "max_completion_tokens", "max_output_tokens"]);
        names.push("maxOutputTokens");
    }
    names.into_iter().map(str::to_owned).collect()
}

/// The same, where there may be no settings of a conversation.
pub(crate) fn droppable(protocol: Protocol, meta: Option<&ConversationMeta>) -> Vec<String> {
    meta.map_or_else(Vec::new, |meta| droppable_parameters(protocol, meta))
}

/// Where a request goes and with what.
pub(crate) struct Route {
    pub(crate) provider: ProviderConfig,
    pub(crate) key: Option<Secret>,
}

impl Engine {
    /// The provider of a place with its key; the first one where that was taken away meanwhile.
    pub(crate) fn route(&self, spot: &Spot) -> Result<Route, EngineError> {
        let id = &spot.target.provider;
        let provider = self.provider(id).ok_or_else(|| EngineError::NoProvider(id.clone()))?;
        let mut keys = self.config().keys(id);
        let nth = usize::try_from(spot.key).ok().filter(|nth| *nth < keys.len()).unwrap_or(0);
        let key = (nth < keys.len()).then(|| keys.swap_remove(nth));
        Ok(Route { provider, key })
    }

    /// What a model demands of requests beyond its protocol.
    #[must_use]
    pub fn encode_options(&self, provider: &ProviderConfig, model: &str) -> EncodeOptions {
        let target = Target { provider: provider.id.clone(), model: model.to_owned() };
        let facts = self.model_facts(&target);
        let limits = [facts.max_output.map(|known| known.value), facts.window().map(|w| w / 4)];
        let known = limits.iter().any(Option::is_some);
        let max_tokens = limits.into_iter().flatten().fold(MAX_OUTPUT, u64::min).max(1);
        EncodeOptions {
            default_max_tokens: known.then_some(max_tokens),
            // OpenAI's newer models refuse the old name; other servers know only that.
            max_tokens_field: if provider.vendor() == Some("openai") {
                MaxTokensField::MaxCompletionTokens
            } else {
                MaxTokensField::MaxTokens
            },
            ..EncodeOptions::default()
        }
    }

    /// The most output to ask for where a model demands a figure: of a small window half of what the
    /// request leaves, lest an answer be cut short; what is counted here is an estimate.
    fn roomy(
        &self,
        provider: &ProviderConfig,
        request: &ChatRequest,
        input: u64,
        usual: u64,
    ) -> u64 {
        let target = Target { provider: provider.id.clone(), model: request.model.clone() };
        let facts = self.model_facts(&target);
        let Some(window) = facts.window() else { return usual };
        let room = window.saturating_sub(input) / 2;
        let most = facts.max_output.map_or(halo_wire::DEFAULT_MAX_TOKENS, |known| known.value);
        usual.max(room.min(most).min(MAX_OUTPUT))
    }

    /// Builds the call of a request; the same code serves the chat and Settings → Test.
    ///
    /// # Errors
    /// The words of what is wrong with the base URL or the request.
    pub(crate) fn call(
        &self,
        route: &Route,
        request: &ChatRequest,
        blobs: &Blobs,
        omit: Vec<String>,
    ) -> Result<Call, String> {
        let provider = &route.provider;
        let endpoints = endpoint::resolve(provider.protocol, &provider.base_url)
            .map_err(|error| error.to_string())?;
        let input = self.own_count(provider, request);
        let mut options = EncodeOptions { omit, ..self.encode_options(provider, &request.model) };
        options.default_max_tokens =
            options.default_max_tokens.map(|usual| self.roomy(provider, request, input, usual));
        let body = encode(provider.protocol, request, blobs, &options)
            .map_err(|error| error.to_string())?;
        let images = request
            .messages
            .iter()
            .flat_map(|message| &message.parts)
            .filter(|part| matches!(part, Part::Image(_)))
            .count();
        let mut call =
            Call::post(endpoints.chat_url(&request.model, request.stream), provider.protocol, body);
        call.headers =
            halo_wire::auth_headers(provider.protocol, route.key.as_ref().map(Secret::expose));
        call.provider = provider.vendor().map(str::to_owned);
        call.known_secrets = route.key.iter().map(|key| key.expose().to_owned()).collect();
        call.request = RequestFacts {
            model: Some(request.model.clone()),
            images: u32::try_from(images).ok(),
            input_tokens: Some(input),
            max_tokens: request.max_tokens,
            stream: Some(request.stream),
        };
        Ok(call)
    }

    /// The size of a request by Halo's own count, which reported figures are compared with.
    fn own_count(&self, provider: &ProviderConfig, request: &ChatRequest) -> u64 {
        let target = Target { provider: provider.id.clone(), model: request.model.clone() };
        self.sizing(&target, Correction::NONE, |estimator| estimator.request(request))
    }

    /// Sends one request of a turn that follows no course of its own.
    ///
    /// # Errors
    /// As [`Engine::send_to`].
    pub(crate) async fn send(
        &self,
        guard: &RunGuard,
        turn: &Turn,
        target: &Target,
        outgoing: Outgoing,
    ) -> Result<Option<Sent>, EngineError> {
        self.send_to(guard, turn, &self.usual_spot(target), None, outgoing).await
    }

    /// Sends one request of a turn to a place. It waits until the pace of the key lets it go, and
    /// the attempt is on disk before the request leaves. `None` where its bytes are those of an
    /// attempt that was refused: nothing is repeated then; and where Halo ends before it left.
    ///
    /// # Errors
    /// Only those of Halo itself: a provider that is gone from the settings, a store that fails.
    pub(crate) async fn send_to(
        &self,
        guard: &RunGuard,
        turn: &Turn,
        spot: &Spot,
        instead: Option<Instead>,
        outgoing: Outgoing,
    ) -> Result<Option<Sent>, EngineError> {
        let Outgoing { request, steps, omit, refused } = outgoing;
        let target = &spot.target;
        let route = self.route(spot)?;
        let blobs = self.blobs_of(&request).await?;
        let mut call = self.call(&route, &request, &blobs, omit);
        let body: &[u8] = call.as_ref().map(|call| call.body.as_slice()).unwrap_or_default();
        let body_sha256 = hex(&Sha256::digest(body));
        let (nth, correction) = {
            let log = guard.live().log.lock().await;
            let same =
                |id| log.attempt(id).is_some_and(|(_, a)| a.start.body_sha256 == body_sha256);
            if refused.is_some_and(same) {
                return Ok(None);
            }
            let nth = log.turn(turn.id).map_or(0, |turn| turn.attempts.len());
            (nth, correction(&log, target))
        };
        let held = self.held(target, &request, body);
        let input_tokens = self.own_count(&route.provider, &request);
        let tokens = self.sizing(target, correction, |e| e.request(&request));
        if let Ok(call) = &mut call {
            call.request.input_tokens = Some(tokens);
        }
        let place = self.place(spot);
        if !self.wait_in_line(guard, turn, &place.key, target, tokens).await? {
            return Ok(None);
        }
        let attempt = AttemptId::new(Uuid::now_v7());
        let at = self.now();
        let again = nth > 0;
        self.leaves(&place, again);
        let start = AttemptStart {
            id: attempt,
            turn: turn.id,
            conversation: turn.conversation,
            nth: u32::try_from(nth).unwrap_or(u32::MAX).saturating_add(1),
            target: target.clone(),
            protocol: route.provider.protocol,
            url: call.as_ref().map_or_else(|_| route.provider.base_url.clone(), |c| c.url.clone()),
            steps,
            body_sha256,
            images: call.as_ref().ok().and_then(|call| call.request.images).unwrap_or(0),
            input_tokens,
            key: self.key_number(spot),
            instead,
            at,
        };
        guard.append(&[Record::Attempt(Box::new(start))]).await?;
        guard.attempt_begins(attempt, target, at);
        self.tell(crate::Update::Changed(turn.conversation));
        let began = Instant::now();
        let failed = |evidence| {
            let (evidence, answer) = (Box::new(evidence), Box::default());
            Exchanged::before_any_answer(Outcome::Failed { evidence, answer })
        };
        let exchanged = match call {
            Ok(call) => match self.client(&route.provider).await {
                Ok(client) => self.exchange(&client, guard, attempt, call, began).await,
                Err(error) => failed(*error.evidence(&call)),
            },
            // Nothing left this machine: Halo speaks for itself.
            Err(words) => {
                let evidence = Evidence {
                    phase: Some(Phase::Connect),
                    at: Some(self.now()),
                    request: RequestFacts {
                        model: Some(request.model.clone()),
                        ..RequestFacts::default()
                    },
                    ..Evidence::from_text(words)
                };
                failed(evidence)
            }
        };
        let Exchanged { outcome, first_part_ms, thinking_ms, headers } = exchanged;
        let total_ms = ms(began);
        Ok(Some(Sent {
            attempt,
            place,
            again,
            outcome,
            first_part_ms,
            thinking_ms,
            total_ms,
            held,
            headers,
        }))
    }

    /// Sends a call and reads its answer to the end.
    async fn exchange(
        &self,
        client: &Client,
        guard: &RunGuard,
        attempt: AttemptId,
        call: Call,
        began: Instant,
    ) -> Exchanged {
        let mut answer = Box::<Answer>::default();
        let mut first_part_ms = None;
        let mut first_thought = None;
        let mut thinking_ms = None;
        let cancel = guard.cancel();
        let facts = call.request.clone();
        let (provider, url) = (call.provider.clone(), call.url.clone());
        let mut reply = match client.send(call, cancel).await {
            Ok(reply) => reply,
            Err(_) if cancel.is_cancelled() => {
                return Exchanged::before_any_answer(Outcome::Stopped { answer });
            }
            Err(evidence) => {
                return Exchanged::before_any_answer(Outcome::Failed { evidence, answer });
            }
        };
        let headers = telling(reply.headers());
        let journal = Journal::start(self.store().clone(), attempt);
        let mut raw = Vec::new();
        let ended = loop {
            let piece = match reply.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break None,
                Err(evidence) => break Some(evidence),
            };
            let room = KEPT_RAW.saturating_sub(raw.len());
            raw.extend_from_slice(&piece.raw[..piece.raw.len().min(room)]);
            for event in &piece.events {
                match event {
                    Event::Text(text) => {
                        first_part_ms.get_or_insert_with(|| ms(began));
                        if thinking_ms.is_none() {
                            thinking_ms = first_thought.map(ms);
                        }
                        journal.push(ChunkKind::Text, text);
                        guard.more(attempt, false, text);
                    }
                    Event::Thinking(text) => {
                        first_part_ms.get_or_insert_with(|| ms(began));
                        first_thought.get_or_insert_with(Instant::now);
                        journal.push(ChunkKind::Thinking, text);
                        guard.more(attempt, true, text);
                    }
                    Event::Signature { proof, .. } => journal.push(ChunkKind::Signature, proof),
                    _ => {}
                }
                answer.add(event);
            }
        };
        let thinking_ms = thinking_ms.or_else(|| first_thought.map(ms));
        journal.finish().await;
        let outcome = match ended {
            Some(_) if cancel.is_cancelled() => Outcome::Stopped { answer },
            Some(evidence) => Outcome::Failed { evidence, answer },
            // An answer without anything in it is a failure, never a message.
            None if answer.is_empty() => {
                let evidence = Evidence {
                    provider,
                    url: Some(url),
                    phase: Some(Phase::Stream),
                    request: facts,
                    at: Some(self.now()),
                    ..Evidence::from_http(reply.status(), reply.headers().clone(), raw)
                };
                Outcome::Failed { evidence: Box::new(evidence), answer }
            }
            None => Outcome::Answered { answer },
        };
        Exchanged { outcome, first_part_ms, thinking_ms, headers }
    }

    /// The bytes of the pictures in a request.
    async fn blobs_of(&self, request: &ChatRequest) -> Result<Blobs, EngineError> {
        let mut blobs = Blobs::default();
        for part in request.messages.iter().flat_map(|message| &message.parts) {
            if let Part::Image(image) = part
                && blobs.get(&image.blob).is_none()
                && let Some(bytes) = self.store().blob(&image.blob).await?
            {
                blobs.insert(image.blob.clone(), bytes);
            }
        }
        Ok(blobs)
    }
}

/// What is kept of the headers of every answer: the state of rate limits, and the names under
/// which provider and relays find the request again. The rest (cookies, caches, policies) says
/// nothing about it.
fn telling(headers: &Headers) -> Headers {
    const PARTS: &[&str] = &["ratelimit", "rate-limit", "request-id", "requestid", "trace-id"];
    const NAMES: &[&str] = &["retry-after", "cf-ray", "x-amzn-trace-id", "openai-processing-ms"];
    let kept = headers.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part))
    });
    Headers::new(kept)
}

/// Milliseconds since `began`.
pub(crate) fn ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_headers_stays_what_tells_of_limits_and_the_request() {
        let headers = Headers::new([
            ("content-type", "text/event-stream"),
            ("X-RateLimit-Remaining-Requests", "59"),
            ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z"),
            ("set-cookie", "a=…"),
            ("request-id", "req_1"),
            ("x-oneapi-request-id", "2"),
            ("cf-ray", "3"),
            ("retry-after", "4"),
            ("strict-transport-security", "max-age=1"),
        ]);
        let kept = telling(&headers);
        let values: Vec<&str> = kept.iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["59", "2026-01-01T00:00:00Z", "req_1", "2", "3", "4"]);
    }
}
