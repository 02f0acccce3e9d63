//! The failover ladder: another key of the provider, another provider of the same model, another
//! model. In that order, and only as far as the person allows.

use std::fmt;
use std::str::FromStr;

use halo_types::Target;
use serde::{Deserialize, Serialize};

/// How far a turn may go by itself.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nowhere else.
    #[default]
    Off,
    /// To another key of the same provider.
    Keys,
    /// To another provider that has the same model.
    Providers,
    /// To another model.
    Models,
}

impl Reach {
    /// All of them, from near to far.
    pub const ALL: [Self; 4] = [Self::Off, Self::Keys, Self::Providers, Self::Models];

    /// The stable name used in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Keys => "keys",
            Self::Providers => "providers",
            Self::Models => "models",
        }
    }
}

impl FromStr for Reach {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reach| reach.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Another key of the same provider.
    Key,
    /// Another provider of the same model.
    Provider,
    /// Another model.
    Model,
}

/// A model that could be asked, and how many keys there are for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The model at its provider.
    pub target: Target,
    /// The keys of its provider; 0 where it needs none.
    pub keys: u32,
}

/// A place of the ladder: a model, and which key of its provider, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The model at its provider.
    pub target: Target,
    /// Which key, from 0; 0 too where there is none.
    pub key: u32,
}

/// The places a turn may go to, its first choice in front, the others in the order in which they
/// are to be tried. `known` are all models that may take part, in the person's order; `others`
/// the models that may stand in for any.
#[must_use]
pub fn ladder(
    reach: Reach,
    first: &Candidate,
    known: &[Candidate],
    others: &[Target],
) -> Vec<Spot> {
    let mut targets = vec![first.clone()];
    if reach >= Reach::Providers {
        let same = known.iter().filter(|candidate| {
            candidate.target.provider != first.target.provider
                && same_model(&candidate.target.model, &first.target.model)
        });
        targets.extend(same.cloned());
    }
    if reach >= Reach::Models {
        let find = |target: &Target| known.iter().find(|candidate| candidate.target == *target);
        targets.extend(others.iter().filter_map(find).cloned());
    }
    let mut spots: Vec<Spot> = Vec::new();
    for candidate in targets {
        if spots.iter().any(|spot| spot.target == candidate.target) {
            continue;
        }
        let keys = if reach >= Reach::Keys { candidate.keys.max(1) } else { 1 };
        spots.extend((0..keys).map(|key| Spot { target: candidate.target.clone(), key }));
    }
    spots
}

/// Which rung leads from one place to another, for a turn whose first choice is `first`.
#[must_use]
pub fn rung(first: &Target, from: &Target, to: &Target) -> Rung {
    if from == to {
        Rung::Key
    } else if same_model(&first.model, &to.model) {
        Rung::Provider
    } else {
        Rung::Model
    }
}

/// Whether two names are of the same model: relays put the maker's name before it
/// (`openai/gpt-5`).
#[must_use]
pub fn same_model(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        let (provider, model) = text.split_once('/').unwrap();
        Target { provider: provider.parse().unwrap(), model: model.to_owned() }
    }

    fn candidate(text: &str, keys: u32) -> Candidate {
        Candidate { target: target(text), keys }
    }

    #[test]
    fn the_ladder_goes_as_far_as_allowed_and_names_each_place_once() {
        let known = [
            candidate("openai/gpt-5", 2),
            candidate("relay/openai/GPT-5", 1),
            candidate("local/gpt-5", 0),
            candidate("anthropic/claude", 2),
            candidate("openai/gpt-5-mini", 2),
        ];
        let others = [target("anthropic/claude"), target("gone/away"), target("local/gpt-5")];
        let of = |reach| {
            let spots = ladder(reach, &known[0], &known, &others);
            spots.iter().map(|s| format!("{}#{}", s.target, s.key)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(Reach::Off), "openai/gpt-5#0");
        assert_eq!(of(Reach::Keys), "openai/gpt-5#0 openai/gpt-5#1");
        assert_eq!(
            of(Reach::Providers),
            "openai/gpt-5#0 openai/gpt-5#1 relay/openai/GPT-5#0 local/gpt-5#0"
        );
        assert_eq!(
            of(Reach::Models),
            "openai/gpt-5#0 openai/gpt-5#1 relay/openai/GPT-5#0 local/gpt-5#0 \
             anthropic/claude#0 anthropic/claude#1"
        );
    }

    #[test]
    fn rungs_are_told_from_where_the_turn_stands() {
        let (first, relay) = (target("openai/gpt-5"), target("relay/openai/gpt-5"));
        let other = target("anthropic/claude");
        assert_eq!(rung(&first, &first, &first), Rung::Key);
        assert_eq!(rung(&first, &first, &relay), Rung::Provider);
        assert_eq!(rung(&first, &relay, &other), Rung::Model);
        assert_eq!(rung(&first, &other, &other), Rung::Key);
    }

    #[test]
    fn names_round_trip() {
        for reach in Reach::ALL {
            assert_eq!(reach.as_str().parse(), Ok(reach));
        }
        assert_eq!("Off".parse::<Reach>(), Err(()));
    }
}
