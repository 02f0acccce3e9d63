//! Where a turn may go: the places of its ladder, which of them are well, and which the request
//! fits.

use halo_recover::{Candidate, Outlook, Place, Reach, Rung, Spot, Unwell, Way, cure, ladder, rung};
use halo_types::{Diagnosis, Instead, Kind, Part, ProviderId, Target, Turn, TurnKind};

use crate::live::RunGuard;
use crate::sizes::correction;
use crate::turn::view_of;
use crate::watch::key_id;
use crate::{Engine, EngineError};

/// The way of a turn along its ladder.
pub(crate) struct Course {
    /// Its places, the first choice in front.
    spots: Vec<Spot>,
    at: usize,
    /// Why it left its first choice.
    left: Option<Unwell>,
}

impl Course {
    /// Where the turn stands.
    pub(crate) fn here(&self) -> &Spot {
        &self.spots[self.at]
    }

    /// The number of the place, for the machine.
    pub(crate) fn place(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    /// What was to be asked in the first place, where the turn stands elsewhere.
    pub(crate) fn instead(&self, engine: &Engine) -> Option<Instead> {
        let left = self.left.filter(|_| self.at > 0)?;
        let first = self.spots.first()?;
        let key = engine.key_number(first);
        Some(Instead { target: first.target.clone(), key, kind: left.kind, until: left.until })
    }

    /// Goes to another place, because this one failed.
    pub(crate) fn go(&mut self, engine: &Engine, place: u32, failure: &Diagnosis) {
        if self.left.is_none() {
            let now = engine.now();
            let first = self.spots.first().map(|spot| engine.place(spot));
            let known = first.and_then(|first| engine.watch().health().unwell(&first, now));
            let told = failure.retry.as_ref().filter(|_| failure.transient);
            let until = known.and_then(|unwell| unwell.until);
            let until = until.or_else(|| told.map(|retry| now.plus_ms(retry.after_ms)));
            self.left = Some(Unwell { kind: failure.kind, until });
        }
        let last = self.spots.len().saturating_sub(1);
        self.at = usize::try_from(place).map_or(last, |place| place.min(last));
    }

    /// The course of a turn. It begins at its first choice, or, where that is known to be unwell
    /// and the person allows it, at the first place that is better.
    pub(crate) async fn begin(
        engine: &Engine,
        guard: &RunGuard,
        turn: &Turn,
        target: Target,
    ) -> Result<Self, EngineError> {
        let spots = engine.spots(turn, target);
        let mut course = Self { spots, at: 0, left: None };
        let first = engine.place(&course.spots[0]);
        let sent_before = {
            let log = guard.live().log.lock().await;
            log.turn(turn.id).is_some_and(|turn| !turn.attempts.is_empty())
        };
        if sent_before {
            // The person sends it again, so the first choice is asked again.
            engine.watch().health().forgive(&first);
        }
        if course.spots.len() == 1 {
            return Ok(course);
        }
        let now = engine.now();
        let Some(unwell) = engine.watch().health().unwell(&first, now) else { return Ok(course) };
        let rests = unwell.until.map_or(u64::MAX, |until| until.ms_since(now));
        let soon = unwell.kind == Kind::RateLimited && rests <= engine.policy().max_line_ms;
        let cure = cure(unwell.kind);
        let rungs = if soon { cure.at_once } else { &[Rung::Key, Rung::Provider, Rung::Model] };
        let leads = |rung: &Rung| cure.at_once.contains(rung) || cure.at_last.contains(rung);
        let ways = course.ways(engine, guard, turn, unwell.kind).await;
        let way = rungs
            .iter()
            .filter(|rung| leads(rung))
            .find_map(|rung| ways.iter().find(|way| way.rung == *rung));
        if let Some(way) = way {
            course.at = way.place as usize;
            course.left = Some(unwell);
        }
        Ok(course)
    }

    /// How things stand beyond the turn, after a failure of this kind.
    pub(crate) async fn outlook(
        &self,
        engine: &Engine,
        guard: &RunGuard,
        turn: &Turn,
        kind: Kind,
    ) -> Outlook {
        let ways = self.ways(engine, guard, turn, kind).await;
        Outlook { ways, ..engine.outlook(&self.here().target) }
    }

    /// The other places that are well and that the request fits, those known to fit in front.
    async fn ways(&self, engine: &Engine, guard: &RunGuard, turn: &Turn, kind: Kind) -> Vec<Way> {
        let mut ways: Vec<Way> = Vec::new();
        let mut known: Vec<(&Target, Option<bool>)> = Vec::new();
        let (first, here) = (&self.spots[0].target, &self.here().target);
        for (n, spot) in self.spots.iter().enumerate().filter(|(n, _)| *n != self.at) {
            let now = engine.now();
            if engine.watch().health().unwell(&engine.place(spot), now).is_some() {
                continue;
            }
            let proven = if spot.target == *here {
                Some(true)
            } else if let Some((_, fit)) = known.iter().find(|(target, _)| **target == spot.target)
            {
                *fit
            } else {
                let fit = fits(engine, guard, turn, &spot.target, kind).await;
                known.push((&spot.target, fit));
                fit
            };
            let (Some(proven), Ok(place)) = (proven, u32::try_from(n)) else { continue };
            ways.push(Way { place, rung: rung(first, here, &spot.target), proven });
        }
        ways.sort_by_key(|way| !way.proven);
        ways
    }
}

/// Whether a request fits a model: `None` where it is known not to, else whether that is known.
/// After a failure for the window or for pictures, it is these that must be known.
async fn fits(
    engine: &Engine,
    guard: &RunGuard,
    turn: &Turn,
    target: &Target,
    kind: Kind,
) -> Option<bool> {
    let facts = engine.model_facts(target);
    let (request, correction) = {
        let log = guard.live().log.lock().await;
        (view_of(engine, &log, turn, target, &facts).request, correction(&log, target))
    };
    let tokens = engine.sizing(target, correction, |estimator| estimator.request(&request));
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    let pictures = parts.any(|part| matches!(part, Part::Image(_)));
    let window = facts.window().map(|window| tokens <= window);
    let sees = if pictures { facts.sees() } else { Some(true) };
    let tools =
        if request.tools.is_empty() { Some(true) } else { facts.tools.map(|known| known.value) };
    if [window, sees, tools].contains(&Some(false)) {
        return None;
    }
    Some(match kind {
        Kind::ContextLengthExceeded => window.is_some(),
        Kind::ImageUnsupported => sees.is_some(),
        _ => window.is_some() && sees.is_some() && tools.is_some(),
    })
}

impl Engine {
    /// The models that the person allows to be asked instead of this one, best first.
    pub(crate) fn stand_ins(&self, target: &Target) -> Vec<Target> {
        let mut others: Vec<Target> = Vec::new();
        for spot in self.places_beside(target.clone(), false) {
            if spot.target != *target && !others.contains(&spot.target) {
                others.push(spot.target);
            }
        }
        others
    }

    /// The places a turn may go to. The practice provider takes no part, on either side; the rest
    /// of a broken answer is asked of the model that began it.
    fn spots(&self, turn: &Turn, target: Target) -> Vec<Spot> {
        self.places_beside(target, matches!(turn.kind, TurnKind::Continue { .. }))
    }

    fn places_beside(&self, target: Target, stays: bool) -> Vec<Spot> {
        let settings = self.config().settings();
        let practice = self.practice().map(|practice| &practice.provider.id);
        let stays = stays || practice == Some(&target.provider);
        let reach = if stays { Reach::Off } else { settings.recovery.failover };
        let keys =
            |id: &ProviderId| u32::try_from(self.config().key_infos(id).len()).unwrap_or(u32::MAX);
        let mut known = Vec::new();
        for provider in settings.providers.iter().filter(|p| Some(&p.id) != practice) {
            let keys = keys(&provider.id);
            // A provider whose key is missing can only refuse.
            if provider.needs_key && keys == 0 {
                continue;
            }
            // What the person put on the ladder counts as known there, listed or not.
            let listed = settings.recovery.ladder.iter();
            let listed = listed.filter(|t| t.provider == provider.id).map(|t| &t.model);
            for model in provider.models.iter().chain(listed) {
                let target = Target { provider: provider.id.clone(), model: model.clone() };
                known.push(Candidate { target, keys });
            }
        }
        let first = Candidate { keys: keys(&target.provider), target };
        ladder(reach, &first, &known, &settings.recovery.ladder)
    }

    /// A place by its key's fingerprint.
    pub(crate) fn place(&self, spot: &Spot) -> Place {
        let keys = self.config().keys(&spot.target.provider);
        let key = usize::try_from(spot.key).ok().and_then(|n| keys.get(n)).or(keys.first());
        Place { target: spot.target.clone(), key: key_id(&spot.target.provider, key) }
    }

    /// Which of a provider's keys a place uses, from 1; `None` where there is none.
    pub(crate) fn key_number(&self, spot: &Spot) -> Option<u32> {
        let keys = self.config().key_infos(&spot.target.provider).len();
        let there = usize::try_from(spot.key).is_ok_and(|n| n < keys);
        if there { Some(spot.key + 1) } else { (keys > 0).then_some(1) }
    }

    /// Where a request goes that follows no course, such as that of a summary: the first key that
    /// is well, where the person allows others than the first.
    pub(crate) fn usual_spot(&self, target: &Target) -> Spot {
        let first = Spot { target: target.clone(), key: 0 };
        if self.config().settings().recovery.failover < Reach::Keys {
            return first;
        }
        let keys = u32::try_from(self.config().key_infos(&target.provider).len()).unwrap_or(0);
        let now = self.now();
        let spots = (0..keys).map(|key| Spot { key, ..first.clone() });
        let well = |spot: &Spot| self.watch().health().unwell(&self.place(spot), now).is_none();
        spots.into_iter().find(well).unwrap_or(first)
    }

    /// How things stand at a model, where nowhere else may be gone to.
    pub(crate) fn outlook(&self, target: &Target) -> Outlook {
        let now = self.now();
        let health = self.watch().health();
        Outlook {
            not_before: Some(health.not_before(target, now)).filter(|at| *at > now),
            open: health.open_until(target, now).is_some(),
            ways: Vec::new(),
        }
    }
}
