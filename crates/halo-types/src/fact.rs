//! What is known about a model at a provider, and from where.

use serde::{Deserialize, Serialize};

use crate::{AttemptId, ConversationId, FactId, Price, ProviderId, Timestamp};

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
    /// The conversation of that attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
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
    /// A parameter it does not answer without, as the provider names it.
    ParameterRequired(String),
    /// The largest picture file it takes, in bytes.
    PictureBytes(u64),
    /// The most pictures it takes in one request.
    PictureCount(u64),
    /// The longest side of a picture that it takes, in pixels.
    PictureSide(u64),
}

/// A value that no model can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactFault {
    /// A number that is too small or too large.
    #[error("{value} is not between {least} and {most}")]
    OutOfBounds {
        /// What was given.
        value: u64,
        /// The least that is taken.
        least: u64,
        /// The most that is taken.
        most: u64,
    },
    /// A name that is empty or too long to be one.
    #[error("the name of a parameter has between 1 and {most} characters")]
    NoName {
        /// The most characters.
        most: usize,
    },
}

/// The longest name of a parameter, in characters.
const MAX_NAME: usize = 100;
/// The highest price that is believed: 100,000 dollars for a million tokens, in nano-dollars.
const MAX_PRICE: u64 = 100_000_000_000_000;

impl FactValue {
    /// The stored names of all kinds of facts. A newer Halo may have stored others.
    pub const NAMES: &'static [&'static str] = &[
        "context_window",
        "max_output",
        "vision",
        "streaming",
        "parameter_refused",
        "tools",
        "reasoning",
        "price",
        "parameter_required",
        "picture_bytes",
        "picture_count",
        "picture_side",
    ];

    /// Whether both say something about the same thing, so that the newer one replaces the older.
    #[must_use]
    pub fn same_thing(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ParameterRefused(a), Self::ParameterRefused(b))
            | (Self::ParameterRequired(a), Self::ParameterRequired(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether it says that the model refuses something. Models learn; such a fact grows old.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Vision(false)
                | Self::Streaming(false)
                | Self::Tools(false)
                | Self::Reasoning(false)
                | Self::ParameterRefused(_)
                | Self::ParameterRequired(_)
                | Self::PictureBytes(_)
                | Self::PictureCount(_)
                | Self::PictureSide(_)
        )
    }

    /// Checks that a model can have this value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), FactFault> {
        let within = |value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(FactFault::OutOfBounds { value, least, most })
            }
        };
        match self {
            Self::ContextWindow(value) => within(*value, 256, 1_000_000_000),
            Self::MaxOutput(value) => within(*value, 1, 100_000_000),
            Self::PictureBytes(value) => within(*value, 1_024, 10_000_000_000),
            Self::PictureCount(value) => within(*value, 1, 100_000),
            Self::PictureSide(value) => within(*value, 16, 1_000_000),
            Self::Price(price) => {
                let all = [Some(price.input), Some(price.output), price.cache_read];
                all.into_iter()
                    .chain([price.cache_write])
                    .flatten()
                    .try_for_each(|nano| within(nano, 0, MAX_PRICE))
            }
            Self::ParameterRefused(name) | Self::ParameterRequired(name) => {
                let fits = (1..=MAX_NAME).contains(&name.trim().chars().count());
                if fits { Ok(()) } else { Err(FactFault::NoName { most: MAX_NAME }) }
            }
            Self::Vision(_) | Self::Streaming(_) | Self::Tools(_) | Self::Reasoning(_) => Ok(()),
        }
    }
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
            (FactValue::Streaming(true), r#"{"fact":"streaming","value":true}"#),
            (
                FactValue::ParameterRequired("max_tokens".to_owned()),
                r#"{"fact":"parameter_required","value":"max_tokens"}"#,
            ),
            (FactValue::PictureBytes(5_242_880), r#"{"fact":"picture_bytes","value":5242880}"#),
            (FactValue::PictureCount(20), r#"{"fact":"picture_count","value":20}"#),
            (FactValue::PictureSide(8000), r#"{"fact":"picture_side","value":8000}"#),
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
            let named = FactValue::NAMES.iter().any(|name| json.contains(&format!("\"{name}\"")));
            assert!(named, "{json}");
            assert_eq!(value.check(), Ok(()));
        }
    }

    #[test]
    fn what_no_model_can_have_is_refused() {
        for value in [
            FactValue::ContextWindow(0),
            FactValue::ContextWindow(1_000_000_000_000_000),
            FactValue::MaxOutput(0),
            FactValue::MaxOutput(u64::MAX),
            FactValue::PictureBytes(0),
            FactValue::ParameterRefused(" ".to_owned()),
            FactValue::ParameterRefused("x".repeat(101)),
        ] {
            assert!(value.check().is_err(), "{value:?}");
        }
        let error = FactValue::ContextWindow(0).check().unwrap_err();
        assert_eq!(error.to_string(), "0 is not between 256 and 1000000000");
    }

    #[test]
    fn two_refused_parameters_are_two_things() {
        let refused = |name: &str| FactValue::ParameterRefused(name.to_owned());
        assert!(refused("top_p").same_thing(&refused("top_p")));
        assert!(!refused("top_p").same_thing(&refused("temperature")));
        assert!(FactValue::Vision(true).same_thing(&FactValue::Vision(false)));
        assert!(!FactValue::ContextWindow(1).same_thing(&FactValue::MaxOutput(1)));
    }
}
