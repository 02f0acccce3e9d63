//! What the edges read: a conversation as it is to be shown, and the news about it.

use halo_context::{CompactError, Mend, PictureFaults};
use halo_types::{
    Action, AttemptId, ConversationId, ConversationMeta, Diagnosis, Evidence, Instead, Message,
    MessageId, StepId, StepKind, Target, Timestamp, TurnId,
};

use crate::turn_state::TurnState;

/// A row of the conversation list.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationSummary {
    /// The conversation.
    pub id: ConversationId,
    /// Its title; empty before the first prompt.
    pub title: String,
    /// Whether the person keeps it on top of the list.
    pub pinned: bool,
    /// When its log last grew.
    pub updated_at: Timestamp,
    /// What it is doing.
    pub activity: Activity,
}

/// What a conversation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// A request is under way.
    Running,
    /// It waits before the next try.
    Waiting {
        /// When that is due.
        until: Timestamp,
    },
    /// It was not sent yet: others to the same provider are due before it.
    Queued,
}

/// A conversation as it is to be shown: the branch up to its head.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationView {
    /// Title, system prompt and chosen target.
    pub meta: ConversationMeta,
    /// The model that the next turn goes to; `None` where no provider is configured.
    pub target: Option<Target>,
    /// Messages, cards and step notes from oldest to newest.
    pub items: Vec<Item>,
    /// The turn under way, if one is.
    pub running: Option<Running>,
    /// What it waits for, if it waits.
    pub wait: Option<WaitView>,
    /// Its state, where it waits or is queued.
    pub waits: Option<TurnState>,
    /// The size of the next request.
    pub meter: Meter,
    /// Whether the target takes pictures; `None` where unknown.
    pub vision: Option<bool>,
    /// Records of the conversation that are damaged and left out.
    pub damaged: usize,
}

/// One thing in the thread.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A message.
    Message(Box<MessageView>),
    /// A failed attempt.
    Card(Box<Card>),
    /// A step of the view, shown where it takes effect.
    Step(StepView),
}

/// A message and how the present view treats it.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageView {
    /// The message as stored.
    pub message: Message,
    /// All messages at this place in the order of making, itself included; one where there is no
    /// other.
    pub siblings: Vec<MessageId>,
    /// For answers: the turn, so that Continue and Resend can name it.
    pub turn: Option<TurnId>,
    /// For whole answers: what it cost by the prices known now, in nano-dollars; `None` where they
    /// or the figures of the answer do not say.
    pub cost: Option<u64>,
    /// For answers: milliseconds it thought aloud.
    pub thinking_ms: Option<u64>,
    /// For answers of another model, provider or key than the first choice: why.
    pub instead: Option<Instead>,
    /// For answers: which of the provider's keys was used, from 1.
    pub key: Option<u32>,
    /// Whether its pictures are left out of requests to the present target.
    pub images_omitted: bool,
    /// Whether its pictures are sent smaller to the present target.
    pub images_smaller: bool,
    /// What is mended in it so that the present target's protocol takes it.
    pub mended: Vec<Mend>,
    /// Whether it is sent only as part of a summary.
    pub summarised: bool,
    /// Whether it is pinned: sent word for word whatever is summarised.
    pub pinned: bool,
    /// Whether Continue makes sense: it broke off, was stopped or ran into the output limit,
    /// and nothing follows it.
    pub can_continue: bool,
    /// Whether the turn can be sent again: it is the last of the branch and nothing runs.
    pub can_resend: bool,
    /// For an answer that was continued: the words that came twice, and stand here once.
    pub repeated: String,
    /// Whether it is the last one of the branch that is shown.
    pub is_last: bool,
    /// Whether the branch that is shown ends here although messages follow: the next prompt begins
    /// another one.
    pub forked: bool,
}

/// A step of the view.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// The step.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
    /// When it was taken.
    pub at: Timestamp,
    /// Whether it changes requests to the present target.
    pub in_force: bool,
    /// Whether it was taken back.
    pub undone: bool,
}

/// The card of a failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The turn that failed.
    pub turn: TurnId,
    /// The message it was to answer.
    pub prompt: MessageId,
    /// The attempt that failed; acting on the card names it.
    pub attempt: AttemptId,
    /// Which try of the turn it was, from 1.
    pub nth: u32,
    /// The model asked.
    pub target: Target,
    /// The provider's name as the person gave it.
    pub provider_name: String,
    /// The URL called.
    pub url: String,
    /// What the provider sent.
    pub evidence: Evidence,
    /// What it means, in the language asked for.
    pub diagnosis: Diagnosis,
    /// What can be done, best first; empty on a card that a later attempt has overtaken.
    pub offers: Vec<Offer>,
    /// The wait before the next automatic try.
    pub wait: Option<WaitView>,
    /// All attempts of the turn so far.
    pub attempts: Vec<AttemptLine>,
    /// Whether a later attempt of the same turn exists.
    pub overtaken: bool,
    /// What the turn is for.
    pub purpose: Purpose,
    /// Of a conversation that is too long: why no compaction makes room.
    pub stuck: Option<CompactError>,
    /// Milliseconds the attempt took.
    pub total_ms: u64,
    /// When it failed.
    pub at: Timestamp,
}

/// What a turn is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Answer the prompt.
    Reply,
    /// Write the rest of an answer.
    Continue,
    /// Summarise the older part.
    Compact,
}

/// A way forward that fits this failure in this conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// What to do.
    pub action: Action,
    /// The remedy in words, in the language asked for.
    pub text: String,
    /// For a switch: to which model. A switch without a target opens the picker.
    pub target: Option<Target>,
    /// For actions that open a page.
    pub url: Option<String>,
    /// For actions that take a step: estimated tokens of the request before and after.
    pub tokens: Option<(u64, u64)>,
    /// For leaving pictures out: how many.
    pub images: u32,
}

/// A wait before the next try.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitView {
    /// When the next try is due.
    pub until: Timestamp,
    /// Why so long: `header:retry-after`, `body`, `backoff`, …
    pub from: String,
    /// Whether Halo sends by itself then. Longer waits only name the time.
    pub automatic: bool,
}

/// One attempt in the list of a card.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptLine {
    /// Which try, from 1.
    pub nth: u32,
    /// The model asked.
    pub target: Target,
    /// Which of the provider's keys was used, from 1; `None` where that was not kept.
    pub key: Option<u32>,
    /// When it left.
    pub at: Timestamp,
    /// How long it took; `None` while it runs.
    pub total_ms: Option<u64>,
    /// HTTP status, where one came.
    pub status: Option<u16>,
    /// The kind's name, or `answered`, `stopped`, `died`, `running`.
    pub outcome: String,
}

/// A turn under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// The turn.
    pub turn: TurnId,
    /// The attempt; `None` between attempts.
    pub attempt: Option<AttemptId>,
    /// The model asked.
    pub target: Target,
    /// What it is for.
    pub purpose: Purpose,
    /// What has come of the answer.
    pub text: String,
    /// What has come of the thinking.
    pub thinking: String,
    /// When the attempt began.
    pub since: Timestamp,
}

/// The size of the next request, in tokens. An estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meter {
    /// What the next request will hold.
    pub tokens: u64,
    /// The target's window; `None` where unknown.
    pub window: Option<u64>,
    /// Pictures that the next request will hold.
    pub images: u32,
    /// What of them the model is known to refuse.
    pub refused: PictureFaults,
    /// Whether pictures that are too large are made smaller before they are sent.
    pub shrinks: bool,
    /// From how many tokens on compaction is offered, or done; `None` where the window is unknown.
    pub compact_at: Option<u64>,
    /// At that size and above: estimated tokens before and after a compaction, where it would make
    /// room.
    pub compaction: Option<(u64, u64)>,
}

/// News for the edges.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// More of a running answer. `start` is the length in bytes of what came before `text` in
    /// this attempt (of the same sort), so that a listener can tell a gap.
    Delta {
        /// The conversation.
        conversation: ConversationId,
        /// The attempt.
        attempt: AttemptId,
        /// Whether it is thinking rather than answer.
        thinking: bool,
        /// Bytes before this piece.
        start: usize,
        /// The piece.
        text: String,
    },
    /// The conversation's view changed: fetch it again.
    Changed(ConversationId),
    /// The conversation list changed.
    List,
    /// The person's own rules changed: any card may read otherwise now.
    Rules,
}
