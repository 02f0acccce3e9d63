//! What the model can do: answer, stream, see, ask for a tool.

use std::time::{Duration, Instant};

use halo_types::{
    Blobs, ChatRequest, FactValue, Kind, Part, RequestMessage, Role, ToolChoice, ToolSpec,
};
use serde_json::json;

use super::speech::Heard;
use super::{DoctorStage, Examination, Proof, TestFailure};
use crate::pictures;

/// The most that the first answer may have, in tokens. OpenAI Responses takes no less.
const FEW_TOKENS: u64 = 16;
/// The most that the other answers may have; a model that thinks needs room for it.
const SOME_TOKENS: u64 = 1_024;

impl Examination<'_> {
    fn request(&self, parts: Vec<Part>) -> ChatRequest {
        ChatRequest {
            model: self.model.clone().unwrap_or_default(),
            messages: vec![RequestMessage { role: Role::User, parts }],
            ..ChatRequest::default()
        }
    }

    /// One small answer in one piece. `false` where the model cannot be asked at all.
    pub(super) async fn one_token(&mut self) -> bool {
        let began = Instant::now();
        let stage = DoctorStage::Token;
        let mut request = self.request(vec![Part::text("Reply with the one word OK.")]);
        request.max_tokens = Some(FEW_TOKENS);
        let mut asked = self.ask(stage, &request, &Blobs::default(), Vec::new()).await;
        if let Err(failure) = &asked
            && let Some(name) = failure.diagnosis.facts.parameter.clone()
        {
            let quote = failure.diagnosis.because.quote.clone();
            asked = self.ask(stage, &request, &Blobs::default(), vec![name.clone()]).await;
            if asked.is_ok() {
                self.learn(FactValue::ParameterRefused(name), Some(quote)).await;
            }
        }
        match asked {
            Ok(Heard { answer, raw, .. }) => {
                let text = answer.text();
                let proof = if text.is_empty() { Proof::Silent } else { Proof::Said(text) };
                self.pass(stage, began, proof, Some(raw));
                true
            }
            Err(failure) => {
                let stage = at_fault(&failure, stage);
                self.fail(began, TestFailure { stage, ..failure });
                false
            }
        }
    }

    /// The same, streamed to its end.
    pub(super) async fn stream(&mut self) {
        let began = Instant::now();
        let stage = DoctorStage::Stream;
        let mut request = self.request(vec![Part::text("Count from one to five in words.")]);
        request.stream = true;
        request.max_tokens = Some(SOME_TOKENS);
        match self.ask(stage, &request, &Blobs::default(), Vec::new()).await {
            Ok(heard) => {
                let first = heard.first.map_or(Duration::ZERO, |first| first - began);
                let proof = Proof::Streamed {
                    first_ms: u64::try_from(first.as_millis()).unwrap_or(u64::MAX),
                    pieces: heard.pieces,
                    text: heard.answer.text(),
                };
                self.learn(FactValue::Streaming(true), None).await;
                self.pass(stage, began, proof, Some(heard.raw));
            }
            Err(failure) => {
                if failure.diagnosis.kind == Kind::UnsupportedFeature {
                    let quote = Some(failure.diagnosis.because.quote.clone());
                    self.learn(FactValue::Streaming(false), quote).await;
                }
                self.fail(began, failure);
            }
        }
    }

    /// A real small picture, and a question that only those who see it can answer.
    pub(super) async fn picture(&mut self) {
        let began = Instant::now();
        let stage = DoctorStage::Picture;
        let bytes = pictures::red_square();
        let Ok(image) = pictures::inspect(&bytes, None) else { return };
        let mut blobs = Blobs::default();
        blobs.insert(image.blob.clone(), bytes);
        let question = "What colour is this square? Reply with the one word.";
        let mut request = self.request(vec![Part::Image(image), Part::text(question)]);
        request.max_tokens = Some(SOME_TOKENS);
        match self.ask(stage, &request, &blobs, Vec::new()).await {
            Ok(heard) => {
                let text = heard.answer.text();
                let raw = Some(heard.raw);
                if sees_red(&text) {
                    self.learn(FactValue::Vision(true), Some(text.clone())).await;
                    self.pass(stage, began, Proof::Sees(text), raw);
                } else {
                    // Some relays drop pictures without a word; that proves nothing about others.
                    self.warn(stage, began, Proof::Overlooks(text), raw);
                }
            }
            Err(failure) if failure.diagnosis.kind == Kind::ImageUnsupported => {
                let quote = Some(failure.diagnosis.because.quote.clone());
                self.learn(FactValue::Vision(false), quote).await;
                let raw = super::RawReply::of_evidence(&failure.evidence);
                self.warn(stage, began, Proof::Blind, raw);
            }
            Err(failure) => self.fail(began, failure),
        }
    }

    /// A question that cannot be answered without the tool.
    pub(super) async fn tools(&mut self) {
        let began = Instant::now();
        let stage = DoctorStage::Tools;
        let question = "Call the tool read_meter with the room \"kitchen\".";
        let mut request = self.request(vec![Part::text(question)]);
        request.max_tokens = Some(SOME_TOKENS);
        request.tools = vec![ToolSpec {
            name: "read_meter".to_owned(),
            description: Some("Reads the thermometer of a room.".to_owned()),
            parameters: json!({
                "type": "object",
                "properties": { "room": { "type": "string" } },
                "required": ["room"],
            }),
        }];
        request.tool_choice = Some(ToolChoice::Auto);
        match self.ask(stage, &request, &Blobs::default(), Vec::new()).await {
            Ok(heard) => {
                let call = heard.answer.parts().into_iter().find_map(|part| match part {
                    Part::ToolCall { name, arguments, .. } => Some(format!("{name}({arguments})")),
                    _ => None,
                });
                let raw = Some(heard.raw);
                match call {
                    Some(call) => {
                        self.learn(FactValue::Tools(true), Some(call.clone())).await;
                        self.pass(stage, began, Proof::CallsTool(call), raw);
                    }
                    None => {
                        let proof = Proof::IgnoresTool(heard.answer.text());
                        self.warn(stage, began, proof, raw);
                    }
                }
            }
            Err(failure) if failure.diagnosis.kind == Kind::UnsupportedFeature => {
                let quote = Some(failure.diagnosis.because.quote.clone());
                self.learn(FactValue::Tools(false), quote).await;
                let raw = super::RawReply::of_evidence(&failure.evidence);
                self.warn(stage, began, Proof::NoTools, raw);
            }
            Err(failure) => self.fail(began, failure),
        }
    }
}

/// The step that a refusal of the first request belongs to.
fn at_fault(failure: &TestFailure, during: DoctorStage) -> DoctorStage {
    if failure.stage != during {
        return failure.stage;
    }
    match failure.diagnosis.kind {
        Kind::InvalidApiKey
        | Kind::PermissionDenied
        | Kind::QuotaExhausted
        | Kind::RegionUnsupported
        | Kind::AccountDisabled => DoctorStage::Key,
        Kind::ModelNotFound => DoctorStage::Models,
        Kind::EndpointNotFound => DoctorStage::Endpoint,
        _ => during,
    }
}

/// Whether a text names the colour, in the languages that models like to answer in.
fn sees_red(text: &str) -> bool {
    let text = text.to_lowercase();
    ["red", "crimson", "scarlet", "红", "紅", "rot", "rouge", "rojo", "赤", "빨", "красн"]
        .iter()
        .any(|word| text.contains(word))
}
