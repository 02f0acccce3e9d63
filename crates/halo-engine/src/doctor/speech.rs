//! Asking the model and hearing it out.

use std::time::Instant;

use halo_config::Secret;
use halo_transport::{Call, Reply};
use halo_types::{Blobs, ChatRequest, Evidence, Phase, Protocol};
use halo_wire::{Answer, Event};

use super::{DoctorStage, Examination, RawReply, TestFailure};
use crate::now;

/// How much of a reply is kept, in bytes.
const KEPT_RAW: usize = 64 * 1024;

/// An answer that was heard to its end.
pub(super) struct Heard {
    pub(super) answer: Answer,
    pub(super) raw: RawReply,
    /// When the first word came.
    pub(super) first: Option<Instant>,
    /// In how many pieces the text came.
    pub(super) pieces: usize,
}

impl Heard {
    /// Hears a reply out. A failure comes with what had been heard.
    pub(super) async fn all(mut reply: Reply) -> Result<Self, (Box<Evidence>, Self)> {
        let raw =
            RawReply { status: reply.status(), headers: reply.headers().clone(), body: Vec::new() };
        let mut heard = Self { answer: Answer::default(), raw, first: None, pieces: 0 };
        loop {
            let piece = match reply.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(heard),
                Err(evidence) => return Err((evidence, heard)),
            };
            let room = KEPT_RAW.saturating_sub(heard.raw.body.len());
            heard.raw.body.extend_from_slice(&piece.raw[..piece.raw.len().min(room)]);
            for event in &piece.events {
                if matches!(event, Event::Text(_) | Event::Thinking(_)) {
                    heard.first.get_or_insert_with(Instant::now);
                    heard.pieces += 1;
                }
                heard.answer.add(event);
            }
        }
    }
}

impl Examination<'_> {
    /// Key and names of a call.
    pub(super) fn credentials(&self, protocol: Protocol, call: &mut Call) {
        let key = self.route.key.as_ref().map(Secret::expose);
        call.headers = halo_wire::auth_headers(protocol, key);
        call.known_secrets = key.into_iter().map(str::to_owned).collect();
        call.provider = self.route.provider.vendor().map(str::to_owned);
    }

    pub(super) fn failure(&self, during: DoctorStage, evidence: Evidence) -> TestFailure {
        TestFailure::new(during, evidence, &self.engine.context(now(), self.lang))
    }

    /// Asks the model as the chat would.
    pub(super) async fn ask(
        &self,
        stage: DoctorStage,
        request: &ChatRequest,
        blobs: &Blobs,
        omit: Vec<String>,
    ) -> Result<Heard, TestFailure> {
        let context = self.engine.context(now(), self.lang);
        let call = self
            .engine
            .call(&self.route, request, blobs, omit)
            .map_err(|words| TestFailure::local(DoctorStage::Address, words, &context))?;
        let facts = call.request.clone();
        let reply = self
            .client
            .send(call, self.engine.closing())
            .await
            .map_err(|evidence| self.failure(stage, *evidence))?;
        let heard =
            Heard::all(reply).await.map_err(|(evidence, _)| self.failure(stage, *evidence))?;
        if heard.answer.is_empty() && heard.answer.stop != Some(halo_types::StopReason::Length) {
            let raw = heard.raw.clone();
            let evidence = Evidence {
                phase: Some(Phase::Stream),
                request: facts,
                at: Some(now()),
                ..Evidence::from_http(raw.status, raw.headers, raw.body)
            };
            return Err(self.failure(stage, evidence));
        }
        Ok(heard)
    }
}
