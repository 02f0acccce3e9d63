//! What is known about a model at a provider, and from where.

use serde::{Deserialize, Serialize};

use crate::{AttemptId, FactId, Price, ProviderId, Timestamp};

/// One thing known about a model. Facts learned at one provider never speak for another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Its id.
    pub id: FactId,
    /// What it is about.
    pub scope: FactScope,
    /// What is known.
    #[serde(flatten)]
    pub value: FactValue,
    /// Where it comes from.
    pub origin: FactOrigin,
    /// When it became known.
    pub at: Timestamp,
    /// The provider's words that prove it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The attempt that taught it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
}

/// What a fact is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactScope {
    /// The configured provider.
    pub provider: ProviderId,
    /// Its base URL at that time; a provider that moves is another one.
    pub base_url: String,
    /// The model's name.
    pub model: String,
}

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", content = "value", rename_all = "snake_case")]
pub enum FactValue {
    /// The window, in tokens.
    ContextWindow(u64),
    /// The most the model can write in one answer, in tokens.
    MaxOutput(u64),
    /// Whether it takes pictures.
    Vision(bool),
    /// Whether its answers can be streamed.
    Streaming(bool),
    /// A parameter it refuses, as the provider names it.
    ParameterRefused(String),
    /// Whether it can call tools.
    Tools(bool),
    /// Whether it can think before it answers.
    Reasoning(bool),
    /// What its tokens cost at this provider.
    Price(Price),
}

/// Where a fact comes from, weakest first: a later one beats an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactOrigin {
    /// The built-in catalogue.
    Catalogue,
    /// The provider's own list of models.
    Provider,
    /// An error or a test at this provider.
    Learned,
    /// The person.
    Person,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_stored_in_one_form_for_good() {
        // What earlier versions stored must be read for ever; a new value only adds a line.
        for (value, json) in [
            (FactValue::ContextWindow(8192), r#"{"fact":"context_window","value":8192}"#),
            (FactValue::MaxOutput(4096), r#"{"fact":"max_output","value":4096}"#),
            (FactValue::Vision(true), r#"{"fact":"vision","value":true}"#),
            (
                FactValue::ParameterRefused("top_k".to_owned()),
                r#"{"fact":"parameter_refused","value":"top_k"}"#,
            ),
            (FactValue::Tools(true), r#"{"fact":"tools","value":true}"#),
            (FactValue::Reasoning(false), r#"{"fact":"reasoning","value":false}"#),
            (
                FactValue::Price(Price {
                    input: 2_500_000_000,
                    output: 15_000_000_000,
                    cache_read: Some(250_000_000),
                    cache_write: None,
                    up_to: Some(272_000),
                }),
                r#"{"fact":"price","value":{"input":2500000000,"output":15000000000,"cache_read":250000000,"up_to":272000}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(serde_json::from_str::<FactValue>(json).unwrap(), value);
        }
    }
}
