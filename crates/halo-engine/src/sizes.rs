//! How large requests are: one cache of counts for all conversations, and what the answers of a
//! model teach about the estimates for it.

use halo_context::{Correction, Estimator};
use halo_types::{AttemptOutcome, Protocol, Target};

use crate::Engine;
use crate::log::Log;

/// How many of the last answers of a model correct the next estimate for it.
const TELLING_ANSWERS: usize = 5;

impl Engine {
    /// The protocol a model is asked in. Of a provider that is gone nothing is asked; the commonest
    /// protocol serves for showing its conversations.
    pub(crate) fn protocol_of(&self, target: &Target) -> Protocol {
        self.provider(&target.provider).map_or(Protocol::OpenaiChat, |provider| provider.protocol)
    }

    /// Does something with estimates for a model.
    pub(crate) fn sizing<T>(
        &self,
        target: &Target,
        correction: Correction,
        work: impl FnOnce(&mut Estimator<'_>) -> T,
    ) -> T {
        let protocol = self.protocol_of(target);
        let mut cache = self.lock_tokens();
        work(&mut Estimator::new(protocol, &target.model, correction, &mut cache))
    }
}

/// What the last answers of a model in a conversation say about the estimates for it.
pub(crate) fn correction(log: &Log, target: &Target) -> Correction {
    let attempts = log.turns.iter().rev().flat_map(|turn| turn.attempts.iter().rev());
    let pairs = attempts.filter(|attempt| attempt.start.target == *target).filter_map(|attempt| {
        let AttemptOutcome::Answered { message: Some(id) } = attempt.end.as_ref()?.outcome else {
            return None;
        };
        Some((attempt.start.input_tokens, log.message(id)?.usage?.input?))
    });
    Correction::learn(pairs.take(TELLING_ANSWERS))
}
