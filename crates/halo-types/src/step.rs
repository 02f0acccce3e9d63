//! Steps of the view: recorded, reversible changes of what is sent, never of what is stored.

use serde::{Deserialize, Serialize};

use crate::{AttemptId, BlobId, ConversationId, ImageRef, MessageId, StepId, Target, Timestamp};

/// One step of a conversation's view. Undoing it is another record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// The conversation whose view it changes.
    pub conversation: ConversationId,
    /// When it was taken.
    pub at: Timestamp,
    /// What it does.
    pub kind: StepKind,
    /// The failed attempt that caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<AttemptId>,
    /// Who took it.
    pub by: StepBy,
}

/// Who took a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepBy {
    /// The person pressed the button.
    Person,
    /// Halo, because it is harmless or was allowed in advance.
    Auto,
}

/// What a step does to the view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum StepKind {
    /// Pictures become notes in requests to this target. Other targets get them as before.
    OmitImages {
        /// The model that cannot see them, or not so many.
        target: Target,
        /// Only those in messages before this one; all where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<MessageId>,
    },
    /// Pictures are sent smaller to this target. The originals stay as they are.
    ShrinkImages {
        /// The model that refused them for their size.
        target: Target,
        /// The longest side that is sent, in pixels.
        max_side: u32,
        /// What is sent instead of which picture.
        pictures: Vec<SmallerImage>,
    },
    /// Everything before `first_kept` is sent as this summary.
    Summarise {
        /// The first message that is sent as it is.
        first_kept: MessageId,
        /// The summary in the words of the model that wrote it, or the notes of the rule.
        summary: String,
        /// The model that wrote it; `None` where the rule without a model did.
        by: Option<Target>,
        /// In how many parts it was summarised before the summaries were made one; 1 where the
        /// model read all of it at once.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        parts: u32,
        /// The step whose summary the person changed into this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edits: Option<StepId>,
        /// Estimated tokens of the request before.
        tokens_before: u64,
        /// Estimated tokens of the request after.
        tokens_after: u64,
    },
    /// A parameter is not sent to this target.
    DropParameter {
        /// The model that refused it.
        target: Target,
        /// The parameter's name as the provider wrote it.
        name: String,
    },
    /// No more output than this is asked of this target.
    LowerMaxTokens {
        /// The model with the limit.
        target: Target,
        /// The most to ask for, in tokens.
        max_tokens: u64,
    },
    /// The message list is sent in its plainest form, for a provider that refused it: without
    /// thinking and blocks of one protocol, tool calls and results as text. What every protocol
    /// demands needs no step; the view does it always.
    RepairHistory,
}

/// The parts of summaries of the time before there were several.
const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_one(parts: &u32) -> bool {
    *parts == 1
}

/// A picture that is sent in place of a larger one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallerImage {
    /// The picture in the log.
    pub original: BlobId,
    /// The smaller one, a blob of its own.
    pub sent: ImageRef,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_the_time_before_parts_and_edits_can_still_be_read() {
        let old = r#"{"do":"summarise","first_kept":"01890000-0000-7000-8000-000000000001",
            "summary":"s","by":null,"tokens_before":2,"tokens_after":1}"#;
        let step: StepKind = serde_json::from_str(old).unwrap();
        assert!(matches!(step, StepKind::Summarise { parts: 1, edits: None, .. }), "{step:?}");
        let again = serde_json::to_string(&step).unwrap();
        assert!(!again.contains("parts") && !again.contains("edits"), "{again}");
    }
}
