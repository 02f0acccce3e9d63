//! Why the engine could not do what it was asked.

use halo_types::{ConversationId, ProviderId, Timestamp, TurnId};

/// Why the engine could not do what it was asked. Failures of providers are no errors of the
/// engine: they become cards in the conversation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No such conversation.
    #[error("there is no conversation {0}")]
    NoConversation(ConversationId),
    /// No such turn, attempt, message or step in the conversation.
    #[error("the conversation has no such {0}")]
    NotFound(&'static str),
    /// A turn is under way.
    #[error("an answer is under way in this conversation; stop it or wait for it")]
    Busy,
    /// A turn waits to be sent.
    #[error("a message waits in this conversation; send it now, cancel it or wait for it")]
    Waiting {
        /// When it is due.
        until: Timestamp,
    },
    /// Another process runs the turns.
    #[error("Halo runs already on this data; nothing was sent from here")]
    Elsewhere,
    /// Neither text nor picture.
    #[error("the message is empty")]
    Empty,
    /// The text is longer than Halo takes.
    #[error("the message has {bytes} bytes; Halo takes at most {max}")]
    TooLong {
        /// What was given.
        bytes: usize,
        /// What is taken.
        max: usize,
    },
    /// No provider is configured.
    #[error("no model is chosen; add a provider in Settings → AI Model")]
    NoTarget,
    /// The provider is not configured.
    #[error("there is no provider named {0}")]
    NoProvider(ProviderId),
    /// The turn was submitted to another conversation.
    #[error("turn {0} belongs to another conversation")]
    ForeignTurn(TurnId),
    /// The file is no picture Halo can send.
    #[error("{name} is not a picture that can be sent: {why}")]
    NotAPicture {
        /// The file's name.
        name: String,
        /// Why.
        why: String,
    },
    /// The picture is too large.
    #[error("{name} has {bytes} bytes; pictures may have at most {max}")]
    PictureTooLarge {
        /// The file's name.
        name: String,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// There is nothing to compact.
    #[error("nothing to compact")]
    Compact(#[from] halo_context::CompactError),
    /// No model can have that.
    #[error("this cannot be said of a model")]
    Fact(#[from] halo_types::FactFault),
    /// The action does not fit.
    #[error("this cannot be done here: {0}")]
    DoesNotFit(&'static str),
    /// No practice scenario of that name.
    #[error("there is no practice scenario {0:?}")]
    NoScenario(String),
    /// The store failed.
    #[error("the conversation could not be stored")]
    Store(#[from] halo_store::StoreError),
    /// The settings could not be read or written.
    #[error("the settings could not be changed")]
    Config(#[from] halo_config::ConfigError),
}
