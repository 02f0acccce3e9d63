//! What cures each kind of failure: one table, which the machine goes by and which the
//! documentation shows.

use std::fmt::Write as _;

use halo_types::{Action, Kind};

use crate::{Policy, Rung};

/// A change of the view that may cure a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mending {
    /// Leave the refused parameter out.
    DropParameter,
    /// Ask for no more output than the model can write.
    LowerMaxTokens,
    /// The plainest form of the message list.
    RepairHistory,
    /// Leave the pictures out.
    OmitImages,
    /// Send the pictures smaller.
    ShrinkImages,
    /// Summarise the older part.
    Compact,
}

impl Mending {
    /// Whether the person allows it without being asked.
    #[must_use]
    pub const fn allowed(self, policy: &Policy) -> bool {
        match self {
            Self::DropParameter | Self::LowerMaxTokens | Self::RepairHistory => policy.repair,
            Self::OmitImages => policy.omit_images,
            Self::ShrinkImages => policy.shrink_images,
            Self::Compact => policy.compact,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::DropParameter => "leaves the named parameter out",
            Self::LowerMaxTokens => "lowers the output to the told limit",
            Self::RepairHistory => "sends the plainest history",
            Self::OmitImages => "leaves the pictures out, if allowed",
            Self::ShrinkImages => "sends the pictures smaller, if allowed",
            Self::Compact => "compacts, if allowed",
        }
    }
}

/// What follows a failure of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cure {
    /// Whether the same request is sent again after a wait.
    pub waits: bool,
    /// The step that is taken instead, once.
    pub mends: Option<Mending>,
    /// The rungs of the ladder that are taken before waiting.
    pub at_once: &'static [Rung],
    /// The rungs that are taken when waiting and mending are used up.
    pub at_last: &'static [Rung],
    /// Whether a rung must be known to take what failed here, not just not known to refuse it.
    pub proven: bool,
    /// Whether the same request makes sense again once the person did something elsewhere.
    pub resend_after_hand: bool,
}

const NOTHING: Cure = Cure {
    waits: false,
    mends: None,
    at_once: &[],
    at_last: &[],
    proven: false,
    resend_after_hand: false,
};
const ALL: &[Rung] = &[Rung::Key, Rung::Provider, Rung::Model];
const ELSEWHERE: &[Rung] = &[Rung::Provider, Rung::Model];
const PASSES: Cure = Cure { waits: true, at_last: ELSEWHERE, ..NOTHING };
const OF_THE_KEY: Cure = Cure { at_once: ALL, resend_after_hand: true, ..NOTHING };
const OF_THE_PROVIDER: Cure = Cure { at_once: ELSEWHERE, ..NOTHING };
const OF_THE_RIGHT: Cure = Cure { resend_after_hand: true, ..OF_THE_PROVIDER };
const OF_THE_PARAMETER: Cure = Cure { mends: Some(Mending::DropParameter), ..NOTHING };

/// What cures a kind.
#[must_use]
pub const fn cure(kind: Kind) -> Cure {
    match kind {
        Kind::RateLimited => Cure { at_once: &[Rung::Key], at_last: ALL, ..PASSES },
        Kind::Overloaded
        | Kind::ServerError
        | Kind::Timeout
        | Kind::StreamInterrupted
        | Kind::InvalidResponse => PASSES,
        Kind::Network => Cure { resend_after_hand: true, ..PASSES },
        Kind::QuotaExhausted | Kind::InvalidApiKey | Kind::AccountDisabled => OF_THE_KEY,
        Kind::PermissionDenied | Kind::RegionUnsupported | Kind::EndpointNotFound => OF_THE_RIGHT,
        Kind::ModelNotFound => OF_THE_PROVIDER,
        Kind::ContextLengthExceeded => {
            Cure { mends: Some(Mending::Compact), at_last: ELSEWHERE, proven: true, ..NOTHING }
        }
        Kind::ImageUnsupported => {
            Cure { mends: Some(Mending::OmitImages), at_last: ELSEWHERE, proven: true, ..NOTHING }
        }
        Kind::OutputLimitExceeded => Cure { mends: Some(Mending::LowerMaxTokens), ..NOTHING },
        Kind::InvalidHistory => Cure { mends: Some(Mending::RepairHistory), ..NOTHING },
        Kind::UnsupportedFeature | Kind::InvalidRequest => OF_THE_PARAMETER,
        Kind::Cancelled | Kind::Unknown => Cure { resend_after_hand: true, ..NOTHING },
        Kind::RequestTooLarge | Kind::ImageInvalid => {
            Cure { mends: Some(Mending::ShrinkImages), ..NOTHING }
        }
        Kind::ContentFiltered => NOTHING,
    }
}

/// The table of all kinds as Markdown. `offers` says what a card of the kind offers, best first.
#[must_use]
pub fn table(policy: &Policy, offers: impl Fn(Kind) -> Vec<Action>) -> String {
    let mut out = String::from(
        "| kind | by itself | where failover is allowed | the card offers |\n|---|---|---|---|\n",
    );
    let seconds = policy.max_line_ms / 1_000;
    for kind in Kind::ALL {
        let cure = cure(*kind);
        let mut itself = Vec::new();
        if cure.waits {
            itself.push(format!(
                "waits and sends again, {} tries, {seconds} s in line, or a told wait of up to a day",
                policy.max_tries
            ));
        }
        itself.extend(cure.mends.map(|mending| format!("{}, once", mending.words())));
        let mut ladder = Vec::new();
        if !cure.at_once.is_empty() {
            ladder.push(format!("at once: {}", rungs(cure.at_once)));
        }
        if !cure.at_last.is_empty() {
            let proven = if cure.proven { " known to take it" } else { "" };
            ladder.push(format!("then: {}{proven}", rungs(cure.at_last)));
        }
        let offers: Vec<&str> = offers(*kind).into_iter().map(Action::as_str).collect();
        let or_none = |words: Vec<String>| {
            if words.is_empty() { "–".to_owned() } else { words.join("; ") }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {kind} | {} | {} | {} |",
            or_none(itself),
            or_none(ladder),
            offers.join(", ")
        );
    }
    out
}

fn rungs(rungs: &[Rung]) -> String {
    let word = |rung: &Rung| match rung {
        Rung::Key => "key",
        Rung::Provider => "provider",
        Rung::Model => "model",
    };
    rungs.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_is_never_waited_for_and_what_passes_always_is() {
        for kind in Kind::ALL {
            let cure = cure(*kind);
            assert_eq!(cure.waits, kind.is_transient(), "{kind}");
            assert!(!cure.waits || cure.mends.is_none(), "{kind}");
            assert!(!cure.proven || cure.at_once.is_empty(), "{kind}");
        }
    }

    #[test]
    fn no_other_model_is_asked_what_one_refused_for_its_content_or_form() {
        for kind in [
            Kind::ContentFiltered,
            Kind::Cancelled,
            Kind::InvalidRequest,
            Kind::InvalidHistory,
            Kind::ImageInvalid,
            Kind::RequestTooLarge,
            Kind::OutputLimitExceeded,
            Kind::UnsupportedFeature,
            Kind::Unknown,
        ] {
            let cure = cure(kind);
            assert!(cure.at_once.is_empty() && cure.at_last.is_empty(), "{kind}");
        }
    }

    #[test]
    fn the_table_has_a_row_for_every_kind() {
        let table = table(&Policy::default(), |_| vec![Action::Resend]);
        assert_eq!(table.lines().count(), 2 + Kind::ALL.len());
        assert!(table.contains("| quota_exhausted | – | at once: key, provider, model | resend |"));
        let limited = "| rate_limited | waits and sends again, 4 tries, 120 s in line, or a told wait \
                       of up to a day | at once: key; then: key, provider, model | resend |";
        assert!(table.contains(limited), "{table}");
    }
}
