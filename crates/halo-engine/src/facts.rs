//! What is learned about models, from errors and from answers, and what the person says of them.
//!
//! A fact has one row for each thing it says about a model: a new error renews the row, and an
//! answer that contradicts a learned fact removes it.

use std::collections::BTreeSet;

use halo_config::ProviderConfig;
use halo_context::{Success, disproved, parameter_key};
use halo_types::{
    AttemptId, ChatRequest, ConversationId, Diagnosis, Evidence, Fact, FactId, FactOrigin,
    FactValue, Kind, Part, ProviderId, StepKind, Target,
};
use halo_wire::{Answer, ModelInfo};
use serde_json::Value;
use uuid::Uuid;

use crate::exchange::STREAM;
use crate::providers::{provider_facts, scope};
use crate::{Engine, EngineError, now};

/// How much of an error's body is searched for words about roles, streams and tools, in bytes.
const SEARCHED: usize = 4 * 1024;

impl Engine {
    /// What was learned about the models of a provider at its present address, and what the
    /// person said about them, the newest first.
    #[must_use]
    pub fn own_facts(&self, provider: &ProviderConfig) -> Vec<Fact> {
        let place = scope(provider, "");
        let mut facts = self.facts_snapshot();
        facts.retain(|fact| {
            fact.origin >= FactOrigin::Learned
                && fact.scope.provider == place.provider
                && fact.scope.base_url == place.base_url
        });
        facts.sort_by_key(|fact| std::cmp::Reverse(fact.at));
        facts
    }

    /// Keeps what the person says about a model. What they said about the same thing before is
    /// replaced.
    ///
    /// # Errors
    /// [`EngineError::Fact`] for what no model can have, [`EngineError::NoProvider`],
    /// [`EngineError::DoesNotFit`] without a model, or if the store fails.
    pub async fn set_fact(
        &self,
        provider: &ProviderId,
        model: &str,
        value: FactValue,
    ) -> Result<Fact, EngineError> {
        value.check()?;
        let model = model.trim();
        if model.is_empty() {
            return Err(EngineError::DoesNotFit("no model is named"));
        }
        let provider =
            self.provider(provider).ok_or_else(|| EngineError::NoProvider(provider.clone()))?;
        let fact = self.renewed(Fact {
            id: FactId::new(Uuid::now_v7()),
            scope: scope(&provider, model),
            value,
            origin: FactOrigin::Person,
            at: now(),
            quote: None,
            attempt: None,
            conversation: None,
        });
        self.put_back_fact(fact.clone()).await?;
        Ok(fact)
    }

    /// Forgets what was learned, or takes back what the person said. `None` where there is no such
    /// fact.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget_fact(&self, id: FactId) -> Result<Option<Fact>, EngineError> {
        self.store().remove_fact(id).await?;
        Ok(self.forget_in_memory(id))
    }

    /// Puts a forgotten fact back.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put_back_fact(&self, fact: Fact) -> Result<(), EngineError> {
        self.store().put_fact(&fact).await?;
        self.remember_fact(fact);
        Ok(())
    }

    /// Keeps what a saved provider's own list says about its models.
    pub async fn learn_models(&self, provider: &ProviderConfig, models: &[ModelInfo]) {
        for fact in models.iter().flat_map(|model| provider_facts(provider, model)) {
            self.learn(fact).await;
        }
    }

    /// Stores what an error or an answer taught about a model.
    pub(crate) async fn learn(&self, fact: Fact) {
        // Losing a fact costs one more error, never a message.
        if let Err(error) = self.put_back_fact(self.renewed(fact)).await {
            tracing::error!(%error, "a fact could not be stored");
        }
    }

    /// The fact with the id of the one that it replaces.
    fn renewed(&self, fact: Fact) -> Fact {
        let replaces = |known: &&Fact| {
            known.origin == fact.origin
                && known.scope == fact.scope
                && known.value.same_thing(&fact.value)
        };
        let id = self.facts_snapshot().iter().find(replaces).map_or(fact.id, |known| known.id);
        Fact { id, ..fact }
    }

    /// Stores a fact that an attempt taught.
    pub(crate) async fn teach(
        &self,
        target: &Target,
        value: FactValue,
        quote: Option<String>,
        (conversation, attempt): (ConversationId, AttemptId),
    ) {
        let Some(provider) = self.provider(&target.provider) else { return };
        self.learn(Fact {
            id: FactId::new(Uuid::now_v7()),
            scope: scope(&provider, &target.model),
            value,
            origin: FactOrigin::Learned,
            at: now(),
            quote,
            attempt: Some(attempt),
            conversation: Some(conversation),
        })
        .await;
    }

    /// What was learned about a model, doubted or not.
    fn learned(&self, target: &Target) -> Vec<Fact> {
        let Some(provider) = self.provider(&target.provider) else { return Vec::new() };
        let scope = scope(&provider, &target.model);
        let mut facts = self.facts_snapshot();
        facts.retain(|fact| fact.origin == FactOrigin::Learned && fact.scope == scope);
        facts
    }

    /// What a request holds, as far as learned facts speak of it.
    pub(crate) fn held(&self, target: &Target, request: &ChatRequest, body: &[u8]) -> Success {
        // Only where a parameter was refused before is the body read again.
        let about_parameters = self.learned(target).iter().any(|fact| {
            matches!(fact.value, FactValue::ParameterRefused(_) | FactValue::ParameterRequired(_))
        });
        let parameters = about_parameters.then(|| parameters_of(body)).flatten();
        let mut held = Success {
            parameters_known: parameters.is_some(),
            parameters: parameters.unwrap_or_default(),
            stream: request.stream,
            tools: !request.tools.is_empty(),
            ..Success::default()
        };
        for part in request.messages.iter().flat_map(|message| &message.parts) {
            let Part::Image(image) = part else { continue };
            held.images += 1;
            held.image_bytes = held.image_bytes.max(image.bytes);
            held.image_side = held.image_side.max(u64::from(image.width.max(image.height)));
        }
        held
    }

    /// Forgets what an answer proves wrong. A picture that was answered proves that the model
    /// sees, and a call of a tool that it knows tools, whatever the catalogue says.
    pub(crate) async fn unlearn(
        &self,
        target: &Target,
        held: Success,
        answer: &Answer,
        place: (ConversationId, AttemptId),
    ) {
        let learned = self.learned(target);
        if learned.is_empty() {
            return;
        }
        let calls = answer.parts().iter().any(|part| matches!(part, Part::ToolCall { .. }));
        let success = Success {
            tools: calls,
            input: answer.usage.input,
            output: answer.usage.output,
            ..held
        };
        for id in disproved(&learned, &success) {
            let value = learned.iter().find(|fact| fact.id == id).map(|fact| &fact.value);
            match value {
                Some(FactValue::Vision(false)) => {
                    self.teach(target, FactValue::Vision(true), None, place).await;
                }
                Some(FactValue::Tools(false)) => {
                    self.teach(target, FactValue::Tools(true), None, place).await;
                }
                _ => self.doubt_one(id).await,
            }
        }
    }

    /// The person took a step back that an error had caused: what the error taught is tried again.
    pub(crate) async fn doubt(&self, step: &StepKind) {
        let (StepKind::DropParameter { target, .. } | StepKind::LowerMaxTokens { target, .. }) =
            step
        else {
            return;
        };
        for fact in self.learned(target).iter().filter(|fact| causes(&fact.value, step)) {
            self.doubt_one(fact.id).await;
        }
    }

    async fn doubt_one(&self, id: FactId) {
        if let Err(error) = self.forget_fact(id).await {
            tracing::error!(%error, "a fact that was proved wrong could not be removed");
        }
    }
}

/// Whether a step is what a fact would have led to.
fn causes(fact: &FactValue, step: &StepKind) -> bool {
    match (step, fact) {
        (StepKind::DropParameter { name, .. }, FactValue::ParameterRefused(refused)) => {
            parameter_key(refused) == parameter_key(name)
        }
        (StepKind::DropParameter { name, .. }, FactValue::Streaming(false)) => name == STREAM,
        (
            StepKind::LowerMaxTokens { .. },
            FactValue::MaxOutput(_) | FactValue::ParameterRequired(_),
        ) => true,
        _ => false,
    }
}

/// The names of a request's parameters, as they are compared; `None` where it is no JSON object.
/// The words of a system prompt count as the parameter `system`, wherever the protocol puts them.
fn parameters_of(body: &[u8]) -> Option<BTreeSet<String>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let object = body.as_object()?;
    let mut names = BTreeSet::new();
    for (name, value) in object {
        names.insert(parameter_key(name));
        // Gemini and Responses keep theirs in groups.
        if !matches!(name.as_str(), "messages" | "contents" | "input" | "tools")
            && let Value::Object(group) = value
        {
            names.extend(group.keys().map(|name| parameter_key(name)));
        }
    }
    let role = body["messages"][0]["role"].as_str();
    let elsewhere = ["instructions", "systemInstruction", "system_instruction"];
    if matches!(role, Some("system" | "developer"))
        || elsewhere.iter().any(|name| object.contains_key(*name))
    {
        names.insert("system".to_owned());
    }
    Some(names)
}

/// What an error teaches about the model that was asked. `parameters` are those of the request
/// that can be left out.
pub(crate) fn lessons(
    asked: &str,
    evidence: &Evidence,
    diagnosis: &Diagnosis,
    parameters: &[String],
) -> Vec<FactValue> {
    let facts = &diagnosis.facts;
    // An error that names another model says nothing about this one.
    if facts.model.as_ref().is_some_and(|named| !asked.contains(named) && !named.contains(asked)) {
        return Vec::new();
    }
    let images = evidence.request.images.unwrap_or(0);
    let mut lessons = Vec::new();
    match diagnosis.kind {
        Kind::ContextLengthExceeded => {
            lessons.extend(facts.context_window.map(FactValue::ContextWindow));
        }
        Kind::OutputLimitExceeded => {
            lessons.extend(facts.max_output_tokens.map(FactValue::MaxOutput));
        }
        Kind::UnsupportedFeature | Kind::InvalidRequest | Kind::InvalidHistory => {
            lessons.extend(refusal(evidence, diagnosis, parameters));
        }
        _ => {}
    }
    if images > 0 {
        let told = |name: &str| facts.other.get(name).and_then(Value::as_u64);
        let limits = [
            told("picture_bytes").map(FactValue::PictureBytes),
            told("picture_count").filter(|most| *most > 0).map(FactValue::PictureCount),
            told("picture_side").map(FactValue::PictureSide),
        ];
        let before = lessons.len();
        lessons.extend(limits.into_iter().flatten());
        // A model that takes fewer pictures than were sent is not blind.
        if diagnosis.kind == Kind::ImageUnsupported && lessons.len() == before {
            lessons.push(FactValue::Vision(false));
        }
    }
    // A figure that was misread must not stand in the way of every request from now on.
    lessons.retain(|lesson| lesson.check().is_ok());
    lessons
}

/// A refused or demanded parameter, a refused role, stream or tool.
fn refusal(evidence: &Evidence, diagnosis: &Diagnosis, parameters: &[String]) -> Option<FactValue> {
    let body = evidence.body.text();
    let end = (0..=body.len().min(SEARCHED)).rev().find(|at| body.is_char_boundary(*at))?;
    let words = body[..end].to_lowercase();
    let says = |any: &[&str]| any.iter().any(|text| words.contains(text));
    let sent = |name: &str| parameters.iter().any(|sent| sent == name);
    let unsupported = diagnosis.kind == Kind::UnsupportedFeature;
    let named = diagnosis.facts.parameter.as_deref();
    if let Some(name) = named {
        let unknown = unsupported || says(UNKNOWN);
        if name == "stream" || name == "tools" || name == "tool_choice" {
            // Told below, by the words about them.
        } else if sent(name) && unknown {
            return Some(FactValue::ParameterRefused(name.to_owned()));
        } else if !sent(name) && OUTPUT_LIMITS.contains(&name) && says(DEMANDED) {
            return Some(FactValue::ParameterRequired(name.to_owned()));
        }
    }
    if named.is_none()
        && says(LEFT_OUT)
        && let Some(name) = OUTPUT_LIMITS.iter().find(|name| words.contains(**name) && !sent(name))
    {
        return Some(FactValue::ParameterRequired((*name).to_owned()));
    }
    let system = says(NO_ROLE) || (unsupported && says(NO_SYSTEM));
    if sent("system") && system {
        return Some(FactValue::ParameterRefused("system".to_owned()));
    }
    let no_stream = says(NO_STREAM) || named == Some("stream");
    if unsupported && evidence.request.stream != Some(false) && no_stream && !says(ONLY_STREAM) {
        return Some(FactValue::Streaming(false));
    }
    let no_tools = says(NO_TOOLS) || matches!(named, Some("tools" | "tool_choice"));
    (unsupported && no_tools).then_some(FactValue::Tools(false))
}

/// Words of an error about a parameter that is not known, as opposed to a bad value of it.
const UNKNOWN: &[&str] = &[
    "unknown",
    "unrecognized",
    "unsupported",
    "not supported",
    "not permitted",
    "cannot find field",
    "extra inputs",
    "unexpected keyword",
    "不支持",
];
/// Words of an error about a parameter that is missing.
const DEMANDED: &[&str] = &["required", "missing", "必填", "缺少", "不能为空"];
/// The same, where no field of the error names the parameter.
const LEFT_OUT: &[&str] = &["missing required", "field required", "is required"];
const OUTPUT_LIMITS: &[&str] = &["max_tokens", "max_completion_tokens", "max_output_tokens"];
/// Words that refuse the role of a system prompt even where the history seems to be at fault.
const NO_ROLE: &[&str] = &[
    "only user and assistant roles",
    "system role not supported",
    "system role is not supported",
    "does not support system role",
];
const NO_SYSTEM: &[&str] = &[
    "system role",
    "system message",
    "system prompt",
    "system instruction",
    "developer instruction",
    "developer message",
    "support system",
    "'system'",
    "'developer'",
    "`system`",
    "`developer`",
    "\\\"system\\\"",
    "\\\"developer\\\"",
    "不支持system",
    "不支持 system",
    "system 角色",
    "system角色",
];
const NO_STREAM: &[&str] = &[
    "not support stream",
    "n't support stream",
    "no streaming support",
    "streaming is not",
    "stream is not",
    "streaming not",
    "not support sse",
    "'stream'",
    "`stream`",
    "不支持流式",
];
/// The opposite: a model that answers in a stream alone.
const ONLY_STREAM: &[&str] = &[
    "only support stream",
    "only supports stream",
    "only support with stream",
    "streaming is required",
    "stream must be",
    "'stream' must be true",
    "stream: true is required",
    "stream_options",
    "不支持非流式",
];
const NO_TOOLS: &[&str] = &[
    "not support tool",
    "n't support tool",
    "not support function",
    "n't support function",
    "support tool use",
    "no tool support",
    "no function calling support",
    "tool calling is not",
    "function calling is not",
    "tool use is not",
    "不支持工具",
    "不支持函数",
];

#[cfg(test)]
mod tests;
