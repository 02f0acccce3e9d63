//! What facts do to a request before it is sent, and which of them an answer proves wrong.

use std::collections::BTreeSet;

use halo_types::{ChatRequest, Fact, FactId, FactOrigin, FactValue, Part};

use crate::ModelFacts;

/// What a model that demands an output limit is given, in tokens, where none is set.
const USUAL_OUTPUT: u64 = 4_096;
/// The names under which providers know the output limit.
const OUTPUT_LIMITS: &[&str] =
    &["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"];

/// Changes a request into one that the model is known to take: no more output than it can write,
/// no stream where it has none, no tools where it knows none. Parameters it refuses are left out
/// when the request is encoded.
///
/// The catalogue may err about a model at this provider, so nothing is changed on its word alone.
pub fn respect(request: &mut ChatRequest, facts: &ModelFacts) {
    let max_output = facts.max_output.filter(|known| known.origin > FactOrigin::Catalogue);
    if let (Some(asked), Some(most)) = (&mut request.max_tokens, max_output) {
        *asked = (*asked).min(most.value);
    }
    if request.max_tokens.is_none()
        && facts.required.iter().any(|name| OUTPUT_LIMITS.contains(&name.as_str()))
    {
        let most = facts.max_output.map_or(USUAL_OUTPUT, |known| known.value);
        request.max_tokens = Some(USUAL_OUTPUT.min(most).max(1));
    }
    if facts.streaming.is_some_and(|known| !known.value) {
        request.stream = false;
    }
    let no_tools =
        facts.tools.is_some_and(|known| !known.value && known.origin > FactOrigin::Catalogue);
    if no_tools {
        request.tools.clear();
        request.tool_choice = None;
        request.parallel_tools = None;
        for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
            tell(part);
        }
    }
}

/// Tells a call of a tool or its result in words, for a model that knows no tools.
fn tell(part: &mut Part) {
    let words = match part {
        Part::ToolCall { name, arguments, .. } => format!("[Called the tool {name}: {arguments}]"),
        Part::ToolResult { text, .. } => format!("[The tool answered:]\n{text}"),
        _ => return,
    };
    *part = Part::text(words);
}

/// What an answered request held, as far as facts speak of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Success {
    /// Its parameters under the names that the provider got, each written as
    /// [`parameter_key`] does.
    pub parameters: BTreeSet<String>,
    /// Whether `parameters` is known.
    pub parameters_known: bool,
    /// Pictures in it.
    pub images: u64,
    /// The largest of them, in bytes.
    pub image_bytes: u64,
    /// The longest side of them, in pixels.
    pub image_side: u64,
    /// Whether it asked for a stream.
    pub stream: bool,
    /// Whether it offered tools or the answer asks for one.
    pub tools: bool,
    /// Its input in tokens, as the provider counted it.
    pub input: Option<u64>,
    /// The answer in tokens, as the provider counted it.
    pub output: Option<u64>,
}

/// A parameter's name as it is compared: providers write `top_p` and `topP`, and name a part of
/// a group by its path.
#[must_use]
pub fn parameter_key(name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or(name);
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// The learned facts that an answer proves wrong.
#[must_use]
pub fn disproved<'a>(facts: impl IntoIterator<Item = &'a Fact>, by: &Success) -> Vec<FactId> {
    let wrong = |fact: &&Fact| match &fact.value {
        FactValue::ContextWindow(most) => by.input.is_some_and(|input| input > *most),
        FactValue::MaxOutput(most) => by.output.is_some_and(|output| output > *most),
        FactValue::Vision(can) => !can && by.images > 0,
        FactValue::Streaming(can) => !can && by.stream,
        FactValue::Tools(can) => !can && by.tools,
        FactValue::ParameterRefused(name) => {
            by.parameters_known && by.parameters.contains(&parameter_key(name))
        }
        FactValue::ParameterRequired(name) => {
            by.parameters_known && !by.parameters.contains(&parameter_key(name))
        }
        FactValue::PictureBytes(most) => by.image_bytes > *most,
        FactValue::PictureCount(most) => by.images > *most,
        FactValue::PictureSide(most) => by.image_side > *most,
        FactValue::Reasoning(_) | FactValue::Price(_) => false,
    };
    facts
        .into_iter()
        .filter(|fact| fact.origin == FactOrigin::Learned)
        .filter(wrong)
        .map(|fact| fact.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use halo_types::{FactScope, RequestMessage, Role, Timestamp, ToolSpec};
    use uuid::Uuid;

    use super::*;
    use crate::resolve;

    fn fact(origin: FactOrigin, value: FactValue) -> Fact {
        Fact {
            id: FactId::new(Uuid::from_u128(value.to_string_len())),
            scope: FactScope {
                provider: "p".parse().unwrap(),
                base_url: String::new(),
                model: "m".to_owned(),
            },
            value,
            origin,
            at: Timestamp(0),
            quote: None,
            attempt: None,
            conversation: None,
        }
    }

    /// An id of its own for each value.
    trait Len {
        fn to_string_len(&self) -> u128;
    }

    impl Len for FactValue {
        fn to_string_len(&self) -> u128 {
            format!("{self:?}").bytes().fold(7, |sum, b| sum * 31 % 1_000_003 + u128::from(b))
        }
    }

    fn known(origin: FactOrigin, values: Vec<FactValue>) -> ModelFacts {
        let facts: Vec<Fact> = values.into_iter().map(|value| fact(origin, value)).collect();
        resolve(&facts, Timestamp(0))
    }

    fn request() -> ChatRequest {
        let call = Part::ToolCall {
            id: "1".to_owned(),
            name: "look".to_owned(),
            arguments: "{}".to_owned(),
        };
        ChatRequest {
            max_tokens: Some(9_000),
            stream: true,
            tools: vec![ToolSpec {
                name: "look".to_owned(),
                description: None,
                parameters: serde_json::json!({}),
            }],
            messages: vec![RequestMessage { role: Role::Assistant, parts: vec![call] }],
            ..ChatRequest::default()
        }
    }

    #[test]
    fn a_request_keeps_within_what_is_known() {
        let values = || {
            vec![FactValue::MaxOutput(100), FactValue::Streaming(false), FactValue::Tools(false)]
        };
        let mut changed = request();
        respect(&mut changed, &known(FactOrigin::Learned, values()));
        assert_eq!(changed.max_tokens, Some(100));
        assert!(!changed.stream && changed.tools.is_empty());
        let told = Part::text("[Called the tool look: {}]");
        assert_eq!(changed.messages[0].parts, [told]);

        let mut same = request();
        respect(&mut same, &ModelFacts::default());
        assert_eq!(same, request());
        respect(&mut same, &known(FactOrigin::Catalogue, vec![FactValue::MaxOutput(100)]));
        assert_eq!(same, request(), "the catalogue alone changes nothing");
    }

    #[test]
    fn a_limit_that_is_demanded_is_given() {
        let required = || vec![FactValue::ParameterRequired("max_tokens".to_owned())];
        let mut request = ChatRequest::default();
        respect(&mut request, &known(FactOrigin::Learned, required()));
        assert_eq!(request.max_tokens, Some(4_096));
    }

    #[test]
    fn an_answer_disproves_what_it_contradicts_and_only_what_was_learned() {
        let refused = |name: &str| FactValue::ParameterRefused(name.to_owned());
        let wrong = [
            FactValue::ContextWindow(1_000),
            FactValue::MaxOutput(100),
            FactValue::Vision(false),
            FactValue::Streaming(false),
            FactValue::Tools(false),
            refused("generation_config.top_p"),
            FactValue::ParameterRequired("max_tokens".to_owned()),
            FactValue::PictureCount(1),
        ];
        let right = [
            FactValue::ContextWindow(1_001),
            FactValue::MaxOutput(101),
            FactValue::Vision(true),
            refused("temperature"),
            FactValue::PictureBytes(5_000),
            FactValue::PictureSide(800),
        ];
        let success = Success {
            parameters: [parameter_key("topP")].into(),
            parameters_known: true,
            images: 2,
            image_bytes: 5_000,
            image_side: 800,
            stream: true,
            tools: true,
            input: Some(1_001),
            output: Some(101),
        };
        let of = |origin, values: &[FactValue]| -> Vec<Fact> {
            values.iter().map(|value| fact(origin, value.clone())).collect()
        };
        let learned = of(FactOrigin::Learned, &wrong);
        let ids: Vec<FactId> = learned.iter().map(|fact| fact.id).collect();
        assert_eq!(disproved(&learned, &success), ids);
        assert_eq!(disproved(&of(FactOrigin::Learned, &right), &success), []);
        assert_eq!(disproved(&of(FactOrigin::Person, &wrong), &success), []);
        let unknown = Success { parameters_known: false, ..Success::default() };
        assert_eq!(disproved(&learned, &unknown), [], "what is not known proves nothing");
    }
}
