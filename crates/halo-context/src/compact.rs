//! Which older part of a conversation a compaction stands for, and what is gained by it.
//!
//! How the summary is written is the business of [`Compaction`](crate::Compaction).

use halo_types::{Message, MessageId, Parameters, Protocol, Role, Step, StepId, Target};

use crate::view::{View, ViewInput, view};
use crate::{Estimator, ModelFacts};

/// The most a summary may take, in tokens.
pub const MAX_SUMMARY_TOKENS: u64 = 2_000;
/// How often a prompt's older part is compacted without the request fitting afterwards.
pub const MAX_USELESS_TRIES: u32 = 3;
/// The share of the window, in percent, at which compaction is worth offering.
pub const USUAL_COMPACT_AT: u8 = 80;

/// What a compaction is planned from.
#[derive(Debug, Clone, Copy)]
pub struct CompactInput<'a> {
    /// The messages of the branch, oldest first, the prompt that waits for an answer last.
    pub branch: &'a [Message],
    /// The steps in the conversation, oldest first.
    pub steps: &'a [Step],
    /// The pinned messages.
    pub pinned: &'a [MessageId],
    /// The model that will be asked for the next answer.
    pub target: &'a Target,
    /// The protocol it speaks.
    pub protocol: Protocol,
    /// What is known about it.
    pub facts: &'a ModelFacts,
    /// The system prompt.
    pub system: Option<&'a str>,
    /// The share of the window, in percent, from which on conversations are compacted.
    pub at_percent: u8,
    /// How often this conversation was compacted without the request fitting afterwards.
    pub useless_tries: u32,
}

impl CompactInput<'_> {
    /// The view of a part of the branch.
    pub(crate) fn view(&self, branch: &[Message], system: Option<&str>) -> View {
        view(&ViewInput {
            branch,
            steps: self.steps,
            pinned: self.pinned,
            target: self.target,
            protocol: self.protocol,
            facts: self.facts,
            system,
            parameters: &Parameters::default(),
        })
    }
}

/// A planned compaction.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactPlan {
    /// The first message that stays as it is.
    pub first_kept: MessageId,
    /// The steps in force in the request as it is now.
    pub applied: Vec<StepId>,
    /// Parameters to leave out of requests to the target.
    pub omit: Vec<String>,
    /// The most tokens of the summary.
    pub summary_max: u64,
    /// Estimated tokens of the next request as it is now.
    pub tokens_before: u64,
    /// Estimated tokens of the next request afterwards, the summary at its largest.
    pub tokens_after: u64,
}

/// Why there is nothing to compact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// There is no older part.
    #[error("there is nothing before the last message that could be summarised")]
    NothingBefore,
    /// What must stay is too long by itself.
    #[error(
        "the system prompt and the last message alone take about {tokens} tokens; the model reads \
         {window}"
    )]
    LastMessageTooLong {
        /// Their estimated tokens.
        tokens: u64,
        /// The model's window.
        window: u64,
    },
    /// What must stay is too long for the pinned messages in it.
    #[error(
        "with the pinned messages, the last message takes about {tokens} tokens; the model reads \
         {window}"
    )]
    PinnedTooLong {
        /// The estimated tokens of system prompt, pinned messages and last message.
        tokens: u64,
        /// The model's window.
        window: u64,
    },
    /// The request did not fit after several compactions.
    #[error("{tries} compactions did not make the request fit")]
    Useless {
        /// How many.
        tries: u32,
    },
}

/// Plans the compaction of everything but the newest messages.
///
/// The prompt that waits for an answer always stays. Before it, whole exchanges stay while they
/// fit a quarter of the window, or a third of the share at which conversations are compacted;
/// where the window is unknown, half of the present size is aimed at. After each useless try it is
/// half of that.
///
/// # Errors
/// [`CompactError`] where nothing can be gained.
pub fn plan(
    input: &CompactInput<'_>,
    estimator: &mut Estimator<'_>,
) -> Result<CompactPlan, CompactError> {
    let tries = input.useless_tries;
    if tries >= MAX_USELESS_TRIES {
        return Err(CompactError::Useless { tries });
    }
    let branch = input.branch;
    let now = input.view(branch, input.system);
    let tokens_before = estimator.request(&now.request);
    let system_tokens = input.system.map_or(0, |system| estimator.text(system));
    let is_user = |message: &Message| message.role == Role::User;
    let last_user = branch.iter().rposition(is_user).ok_or(CompactError::NothingBefore)?;
    // What is sent if everything before a place is summarised: what comes from there on, and what
    // is pinned before it.
    let mut kept = vec![system_tokens; branch.len() + 1];
    for (at, message) in branch.iter().enumerate().rev() {
        kept[at] = kept[at + 1].saturating_add(estimator.message(message));
    }
    let alone = kept[last_user];
    let mut pinned_tokens = 0u64;
    for (at, message) in branch.iter().enumerate() {
        kept[at] = kept[at].saturating_add(pinned_tokens);
        if input.pinned.contains(&message.id) {
            pinned_tokens = pinned_tokens.saturating_add(estimator.message(message));
        }
    }
    let window = input.facts.window();
    if let Some(window) = window {
        if alone >= window {
            return Err(CompactError::LastMessageTooLong { tokens: alone, window });
        }
        if kept[last_user] >= window {
            return Err(CompactError::PinnedTooLong { tokens: kept[last_user], window });
        }
    }
    let summary_max = summary_tokens(window);
    let keep_budget = match window {
        Some(window) => {
            let share = window.saturating_mul(u64::from(input.at_percent.clamp(1, 100))) / 300;
            (window / 4).min(share)
        }
        None => tokens_before / 2,
    } >> tries;
    let mut first_kept = last_user;
    for at in (0..last_user).rev() {
        if kept[at] + summary_max > keep_budget {
            break;
        }
        if is_user(&branch[at]) {
            first_kept = at;
        }
    }
    // What is in a summary or pinned already makes no room.
    let makes_room = |message: &Message| {
        !now.summarised.contains(&message.id) && !input.pinned.contains(&message.id)
    };
    if !branch[..first_kept].iter().any(makes_room) {
        // Everything that could go is gone already; the newest exchange goes last.
        first_kept = last_user;
        if !branch[..first_kept].iter().any(makes_room) {
            return Err(CompactError::NothingBefore);
        }
    }
    let summary = summary_max.min(tokens_before / 8).max(50);
    Ok(CompactPlan {
        first_kept: branch[first_kept].id,
        applied: now.applied,
        omit: now.omit,
        summary_max,
        tokens_before,
        tokens_after: kept[first_kept].saturating_add(summary).min(tokens_before),
    })
}

/// The most tokens of a summary for a window: an eighth of it, and never more than
/// [`MAX_SUMMARY_TOKENS`].
pub(crate) fn summary_tokens(window: Option<u64>) -> u64 {
    window.map_or(MAX_SUMMARY_TOKENS, |window| (window / 8).clamp(64, MAX_SUMMARY_TOKENS))
}
