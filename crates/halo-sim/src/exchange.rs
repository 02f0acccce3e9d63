//! One request to a model: read it, check it, choose what is played.

use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::http::HeaderMap;
use halo_types::{Headers, Protocol, redact};
use halo_wire::endpoint::{GeminiMethod, GeminiTarget};
use halo_wire::server::{check_history, decode_request, encode_error, wants_usage};
use serde_json::{Map, Value};

use crate::counter::key_of;
use crate::limits::{self, Caller};
use crate::play::{self, Asked, Head, Ids, Op, Reply};
use crate::{Simulator, catalogue, direct, text};

/// A request as it arrived.
pub(crate) struct Incoming<'a> {
    pub(crate) protocol: Protocol,
    /// The path as called.
    pub(crate) path: &'a str,
    /// Model and form, where they stand in the path.
    pub(crate) target: Option<&'a GeminiTarget>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) created_s: i64,
}

/// What is noted in the journal beside the bytes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) model: Option<String>,
    pub(crate) nth: Option<u32>,
    pub(crate) history_fault: Option<String>,
}

impl Simulator {
    /// Decides what a request to a model gets.
    pub(crate) fn respond(&self, incoming: &Incoming<'_>) -> (Reply, Notes) {
        let mut notes = Notes::default();
        let protocol = incoming.protocol;
        let ids = self.ids(protocol, incoming.created_s);
        let mut request = match decode_request(protocol, incoming.body) {
            Ok((request, _)) => request,
            Err(error) => {
                return (json_error(encode_error(protocol, &error.body()), 400, &ids), notes);
            }
        };
        let mut as_list = false;
        if let Some(target) = incoming.target {
            request.model.clone_from(&target.model);
            request.stream = target.method != GeminiMethod::GenerateContent;
            as_list = target.method == GeminiMethod::StreamGenerateContent { sse: false };
        }
        notes.model = Some(request.model.clone());
        let asked = Asked {
            protocol,
            request: &request,
            usage: wants_usage(protocol, incoming.body),
            as_list,
            ids: &ids,
            created_s: incoming.created_s,
            speed: self.0.options.speed,
        };
        if let Err(fault) = check_history(protocol, &request) {
            notes.history_fault = Some(fault.message.clone());
            return (json_error(encode_error(protocol, &fault.body()), 400, &ids), notes);
        }
        let key = key_from(incoming.headers);
        let parameters = parameters(incoming.body);
        if let Some(director) = &self.0.director {
            let asks = direct::directing(
                &asked,
                key.as_deref(),
                incoming.path,
                incoming.body,
                &parameters,
            );
            if let Some(scene) = director.direct(&asks) {
                return (direct::reply(&asked, scene), notes);
            }
        }
        if let Some(example) = request.model.strip_prefix("rule:").and_then(catalogue::example_of) {
            return (play::http(&asked, &example, &[]), notes);
        }
        let Some(scenario) = self.scenario(&request.model) else {
            return (self.refuse(&asked, "model", &[]), notes);
        };

        let now = Instant::now();
        let caller = Caller { protocol, key: key.as_deref(), parameters: &parameters, now };
        if let Err(refusal) = limits::check(scenario, &request, &caller, &self.0.counters) {
            let words = self.0.catalogue.refusal(refusal.name, Some(scenario));
            let in_stream = scenario.limits.in_stream;
            let reply = words.map_or_else(
                || unworded(&ids),
                |words| play::refusal(&asked, words, &refusal.values, in_stream),
            );
            return (reply, notes);
        }

        let count_of = |prompt: &str| {
            key_of(&[protocol.as_str(), key.as_deref().unwrap_or_default(), &request.model, prompt])
        };
        if let Some(continuation) = play::continuation(scenario, &request) {
            // The broken answer becomes whole, so its prompt may be played again.
            self.0.counters.reset(count_of(&text::last_prompt(continuation.before)));
            return (play::rest(&asked, &continuation), notes);
        }
        let count = count_of(&text::last_prompt(&request.messages));
        let nth = self.0.counters.next(count, now);
        notes.nth = Some(nth);
        let reply = play::reply(&asked, &scenario.play(nth));
        if reply.answered {
            self.0.counters.reset(count);
        }
        (reply, notes)
    }

    /// A refusal in the common words.
    pub(crate) fn refuse(
        &self,
        asked: &Asked<'_>,
        name: &str,
        values: &[(&'static str, String)],
    ) -> Reply {
        match self.0.catalogue.refusal(name, None) {
            Some(words) => play::refusal(asked, words, values, false),
            None => unworded(asked.ids),
        }
    }

    /// A refusal of something that is no request to a model.
    pub(crate) fn refuse_call(
        &self,
        protocol: Protocol,
        name: &str,
        values: &[(&'static str, String)],
    ) -> Reply {
        let created_s = crate::now().0 / 1_000;
        let ids = self.ids(protocol, created_s);
        let request = halo_types::ChatRequest::default();
        let speed = self.0.options.speed;
        let asked = Asked {
            protocol,
            request: &request,
            usage: false,
            as_list: false,
            ids: &ids,
            created_s,
            speed,
        };
        self.refuse(&asked, name, values)
    }

    /// New names for one exchange; no two are alike.
    pub(crate) fn ids(&self, protocol: Protocol, created_s: i64) -> Ids {
        let count = self.0.requests.fetch_add(1, Ordering::Relaxed);
        let hash = |salt: &str| key_of(&[salt, &count.to_string(), &created_s.to_string()]);
        let (a, b) = (hash("a"), hash("b"));
        let hex = format!("{a:016x}{b:016x}");
        let (request, answer) = match protocol {
            Protocol::Anthropic => {
                (format!("req_011C{}", &hex[..20]), format!("msg_01{}", &hex[8..30]))
            }
            Protocol::OpenaiChat => (format!("req_{hex}"), format!("chatcmpl-{}", &hex[..29])),
            Protocol::OpenaiResponses => (format!("req_{hex}"), format!("resp_{hex}")),
            Protocol::Gemini => (hex.clone(), hex[..22].to_owned()),
        };
        let uuid = format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        );
        let header = match protocol {
            Protocol::Anthropic => Some("request-id"),
            Protocol::OpenaiChat | Protocol::OpenaiResponses => Some("x-request-id"),
            Protocol::Gemini => None,
        };
        Ids { header, request, relay: format!("{created_s}{a:016x}"), uuid, answer }
    }
}

fn json_error(body: Vec<u8>, status: u16, ids: &Ids) -> Reply {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(ids.header.map(|name| (name.to_owned(), ids.request.clone())));
    Reply {
        head: Head::Send { status, headers },
        ops: vec![Op::Bytes(body.into())],
        answered: false,
    }
}

/// The answer where a refusal has no words; the tests see to it that all have.
fn unworded(ids: &Ids) -> Reply {
    json_error(b"{}".to_vec(), 400, ids)
}

/// The key in whichever protocol's header.
fn key_from(headers: &HeaderMap) -> Option<String> {
    let value = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let bearer = value("authorization")
        .and_then(|v| v.get(..7).filter(|s| s.eq_ignore_ascii_case("bearer ")).map(|_| &v[7..]));
    value("x-api-key")
        .or_else(|| value("x-goog-api-key"))
        .or(bearer)
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
}

/// The parameters of a request that are really given.
fn parameters(body: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut map)) => {
            // Gemini's stand one level deeper.
            if let Some(Value::Object(inner)) = map.remove("generationConfig") {
                map.extend(inner);
            }
            map.retain(|_, value| !value.is_null());
            map
        }
        _ => Map::new(),
    }
}

/// Request headers for the journal, keys masked.
pub(crate) fn journal_headers(headers: &HeaderMap) -> Headers {
    Headers::new(headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let shown = match name.as_str() {
            "x-api-key" | "api-key" | "x-goog-api-key" | "cookie" => redact::shorten(&value),
            "authorization" | "proxy-authorization" => match value.split_once(' ') {
                Some((scheme, key)) => format!("{scheme} {}", redact::shorten(key)),
                None => redact::shorten(&value),
            },
            _ => value.into_owned(),
        };
        (name.as_str().to_owned(), shown)
    }))
}
