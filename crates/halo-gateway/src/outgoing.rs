//! From a program's request to the call of a provider.

use axum::http::{HeaderMap, Uri};
use bytes::Bytes;
use halo_config::{ProviderConfig, Secret};
use halo_engine::Engine;
use halo_transport::Call;
use halo_types::{Blobs, ChatRequest, Part, Protocol, RequestFacts};
use halo_wire::server::{decode_request, unheld_parameters};
use halo_wire::{auth_headers, encode, endpoint, request_losses};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::own::OwnError;
use crate::route::{self, Route};

/// Headers of a program that mean something to a provider of the same protocol.
const HEADERS_TAKEN: &[&str] = &[
    "anthropic-version",
    "anthropic-beta",
    "openai-beta",
    "idempotency-key",
    "x-client-request-id",
    "http-referer",
    "x-title",
];

/// A program's request as it came.
pub(crate) struct Incoming {
    /// The protocol the program speaks.
    pub(crate) protocol: Protocol,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
}

/// A call and what has to be known to answer the program.
pub(crate) struct Outgoing {
    pub(crate) call: Call,
    /// Where it goes.
    pub(crate) provider: ProviderConfig,
    /// Whether the program wants a stream.
    pub(crate) stream: bool,
    /// The model's name as the provider knows it.
    pub(crate) model: String,
    /// Parameters that a translation had to leave out, by name.
    pub(crate) omitted: Vec<String>,
}

/// What has to be read of a body that is otherwise passed on unread.
#[derive(Deserialize)]
struct Head<'b> {
    #[serde(borrow)]
    model: Option<&'b RawValue>,
    #[serde(borrow)]
    stream: Option<&'b RawValue>,
}

impl Incoming {
    /// Finds the provider and makes the call.
    pub(crate) fn prepare(&self, engine: &Engine) -> Result<Outgoing, OwnError> {
        let head: Head<'_> = serde_json::from_slice(&self.body).map_err(OwnError::NotJson)?;
        let stream = head.stream.is_some_and(|value| value.get() == "true");
        let raw_model = head.model.ok_or(OwnError::NoModel)?;
        let name: String = serde_json::from_str(raw_model.get()).map_err(|_| OwnError::NoModel)?;
        if name.trim().is_empty() {
            return Err(OwnError::NoModel);
        }
        let default = engine.default_target();
        let Route { provider, model } = route::choose(&engine.providers(), default.as_ref(), &name)
            .ok_or(OwnError::NoProvider)?;
        let endpoints = endpoint::resolve(provider.protocol, &provider.base_url)
            .map_err(|error| OwnError::BaseUrl { provider: provider.id.clone(), error })?;
        let (body, omitted) = if provider.protocol != self.protocol {
            self.translate(engine, &provider, &model)?
        } else if name == model {
            (self.body.to_vec(), Vec::new())
        } else {
            (rename(&self.body, raw_model, &model), Vec::new())
        };
        let mut call = Call::post(endpoints.chat_url(&model, stream), provider.protocol, body);
        let key = engine.config().keys(&provider.id).into_iter().next();
        call.headers = auth_headers(provider.protocol, key.as_ref().map(Secret::expose));
        if provider.protocol == self.protocol {
            self.take_along(&mut call);
        }
        call.provider = provider.vendor().map(str::to_owned);
        call.known_secrets = key.iter().map(|key| key.expose().to_owned()).collect();
        call.request = RequestFacts {
            model: Some(model.clone()),
            stream: Some(stream),
            ..RequestFacts::default()
        };
        Ok(Outgoing { call, provider, stream, model, omitted })
    }

    /// What the request holds, for the diagnosis of its failure.
    pub(crate) fn facts(&self, outgoing: &Outgoing) -> RequestFacts {
        let mut facts = outgoing.call.request.clone();
        if let Ok((request, _)) = decode_request(self.protocol, &self.body) {
            let images = parts(&request).filter(|part| matches!(part, Part::Image(_))).count();
            facts.images = u32::try_from(images).ok();
            facts.max_tokens = request.max_tokens;
        }
        facts
    }

    /// The body in the provider's protocol, and the parameters it goes without.
    fn translate(
        &self,
        engine: &Engine,
        provider: &ProviderConfig,
        model: &str,
    ) -> Result<(Vec<u8>, Vec<String>), OwnError> {
        let (mut request, blobs): (ChatRequest, Blobs) = decode_request(self.protocol, &self.body)?;
        model.clone_into(&mut request.model);
        let cannot = |what: String| OwnError::Untranslatable {
            from: self.protocol,
            to: provider.protocol,
            provider: provider.id.clone(),
            what,
        };
        // A part that only one protocol knows must not get lost in silence.
        let foreign = parts(&request).find_map(|part| match part {
            Part::Unknown { json, .. } => {
                Some(json.get("type").and_then(|kind| kind.as_str()).unwrap_or("?").to_owned())
            }
            _ => None,
        });
        if let Some(kind) = foreign {
            return Err(cannot(format!(
                "it holds a content part of the type {kind:?} in a form that only {} knows",
                self.protocol
            )));
        }
        let options = engine.encode_options(provider, model);
        let lost = request_losses(provider.protocol, &request);
        let body = encode(provider.protocol, &request, &blobs, &options)
            .map_err(|error| cannot(error.to_string()))?;
        let mut omitted = unheld_parameters(self.protocol, &self.body);
        omitted.extend(lost.iter().map(ToString::to_string));
        Ok((body, omitted))
    }

    /// Adds the program's own headers and query, as far as a provider has a use for them.
    fn take_along(&self, call: &mut Call) {
        for &name in HEADERS_TAKEN {
            if let Some(value) = self.headers.get(name).and_then(|value| value.to_str().ok()) {
                call.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                call.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        let query = self.uri.query().unwrap_or_default();
        if query.split('&').any(|pair| pair == "beta=true") {
            call.url.push_str("?beta=true");
        }
    }
}

fn parts(request: &ChatRequest) -> impl Iterator<Item = &Part> {
    request.messages.iter().flat_map(|message| &message.parts)
}

/// The body with another model's name in it; every other byte stays.
fn rename(body: &[u8], raw_model: &RawValue, model: &str) -> Vec<u8> {
    // The raw value is a slice of the body.
    let start = raw_model.get().as_ptr().addr() - body.as_ptr().addr();
    let end = start + raw_model.get().len();
    let name = serde_json::Value::from(model).to_string();
    [&body[..start], name.as_bytes(), &body[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_changes_nothing_but_the_name() {
        let body = br#"{ "n": 1.50, "model" : "work\/gpt-4o" ,"b":{"model":"x"}, "big":123456789012345678901234567890 }"#;
        let head: Head<'_> = serde_json::from_slice(body).unwrap();
        let renamed = rename(body, head.model.unwrap(), "gpt-\"4o\"");
        assert_eq!(
            String::from_utf8(renamed).unwrap(),
            r#"{ "n": 1.50, "model" : "gpt-\"4o\"" ,"b":{"model":"x"}, "big":123456789012345678901234567890 }"#
        );
    }
}
