//! Which remedies fit the failure at hand: no advice that cannot help.

use halo_types::Action;

use crate::{Signs, Situation, cure};

/// Whether `action` can help after this failure in this situation.
///
/// Diagnosis names remedies by what the error says; this leaves out those that the conversation
/// gives no ground for, such as leaving out pictures where there are none.
#[must_use]
pub fn fits(action: Action, signs: &Signs, situation: &Situation) -> bool {
    match action {
        Action::ResendWithoutImages | Action::ShrinkImagesAndResend => situation.images > 0,
        Action::CompactAndResend => situation.can_compact,
        Action::Continue => situation.shown,
        Action::DropParameterAndResend => {
            signs.parameter.as_ref().is_some_and(|name| situation.parameters.contains(name))
        }
        Action::LowerMaxTokensAndResend => signs.max_output.is_some(),
        Action::WaitAndResend => signs.transient,
        // After a refusal the same bytes would be refused again; a key, a balance or a right may
        // have changed in the meantime, so there the person may try.
        Action::Resend => {
            signs.transient || situation.changed || cure(signs.kind).resend_after_hand
        }
        _ => true,
    }
}
