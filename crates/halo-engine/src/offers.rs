//! From what a diagnosis recommends to what this conversation can do: offers with targets,
//! figures and addresses.

use halo_diagnose::action_text;
use halo_recover::{Signs, Situation, fits};
use halo_types::{Action, Diagnosis, Kind, Lang, Message, MessageId, Step, StepKind, Target};

use crate::model::{Offer, WaitView};
use crate::providers::TargetInfo;

/// What the offers are made from.
pub(crate) struct OfferInput<'a> {
    pub(crate) diagnosis: &'a Diagnosis,
    pub(crate) situation: &'a Situation,
    pub(crate) lang: Lang,
    pub(crate) target: &'a Target,
    pub(crate) targets: &'a [TargetInfo],
    pub(crate) wait: Option<&'a WaitView>,
    /// Estimated tokens before and after a step that an action takes.
    pub(crate) sizes: &'a [(Action, (u64, u64))],
}

/// The offers of a card, best first.
pub(crate) fn offers(input: &OfferInput<'_>) -> Vec<Offer> {
    let signs = Signs::from(input.diagnosis);
    let mut offers: Vec<Offer> = Vec::new();
    for remedy in &input.diagnosis.remedies {
        if !fits(remedy.action, &signs, input.situation) {
            continue;
        }
        let offer = Offer {
            action: remedy.action,
            text: remedy.text.to_string(),
            target: None,
            url: remedy.url.as_ref().map(ToString::to_string),
            tokens: input.sizes.iter().find(|size| size.0 == remedy.action).map(|size| size.1),
            images: 0,
        };
        match remedy.action {
            Action::SwitchModel | Action::SwitchProvider => {
                for target in candidates(input, remedy.action) {
                    offers.push(Offer { target: Some(target), ..offer.clone() });
                }
                if remedy.action == Action::SwitchModel {
                    offers.push(offer);
                }
            }
            // As small as is of any use already.
            Action::ShrinkImagesAndResend if offer.tokens.is_none() => {}
            Action::ResendWithoutImages | Action::ShrinkImagesAndResend => {
                offers.push(Offer { images: input.situation.images, ..offer });
            }
            // A page that nobody knows cannot be opened.
            Action::OpenBilling
            | Action::OpenConsole
            | Action::OpenLimits
            | Action::OpenStatus
            | Action::ContactProvider
                if offer.url.is_none() => {}
            Action::WaitAndResend if input.wait.is_none() => {
                offers.push(Offer { action: Action::Resend, ..offer });
            }
            _ => offers.push(offer),
        }
    }
    // What was refused for good may have been mended elsewhere: a key, a balance, a right.
    let mended = !input.diagnosis.transient && fits(Action::Resend, &signs, input.situation);
    if mended && !offers.iter().any(|offer| offer.action == Action::Resend) {
        let at = offers.len().min(1);
        offers.insert(at, plain(Action::Resend, input.lang));
    }
    // What made the stream break matters less than that there is something to go on from.
    if input.situation.shown && !offers.iter().any(|offer| offer.action == Action::Continue) {
        offers.insert(0, plain(Action::Continue, input.lang));
    }
    let mut seen = std::collections::BTreeSet::new();
    offers.retain(|offer| seen.insert((resend_is_one(offer.action), offer.target.clone())));
    offers
}

/// Of a request that is too large, older pictures are left out before those of the prompt: the
/// prompt, where there are pictures before it and in it and that was not tried yet. `None` is all.
pub(crate) fn older_images(
    kind: Kind,
    branch: &[Message],
    steps: &[Step],
    target: &Target,
) -> Option<MessageId> {
    let (prompt, older) = branch.split_last()?;
    let large = matches!(kind, Kind::RequestTooLarge | Kind::ContextLengthExceeded);
    let both =
        prompt.images().next().is_some() && older.iter().any(|m| m.images().next().is_some());
    let tried = steps.iter().any(|step| {
        matches!(&step.kind, StepKind::OmitImages { target: of, before: Some(before) }
            if of == target && *before == prompt.id)
    });
    (large && both && !tried).then_some(prompt.id)
}

/// An offer without particulars.
fn plain(action: Action, lang: Lang) -> Offer {
    let text = action_text(action, lang).to_owned();
    Offer { action, text, target: None, url: None, tokens: None, images: 0 }
}

/// Waiting and resending ends in the same button as resending.
fn resend_is_one(action: Action) -> Action {
    if action == Action::WaitAndResend { Action::Resend } else { action }
}

/// Models worth a button of their own, best first.
fn candidates(input: &OfferInput<'_>, action: Action) -> Vec<Target> {
    let here = &input.target.provider;
    // Practice models are no way forward for a real conversation, and the reverse.
    let practice = input.targets.iter().any(|info| info.practice && info.target.provider == *here);
    let others = input
        .targets
        .iter()
        .filter(|info| info.target != *input.target && info.practice == practice);
    if action == Action::SwitchProvider {
        let mut providers = std::collections::BTreeSet::new();
        return others
            .filter(|info| {
                info.target.provider != *here && providers.insert(info.target.provider.clone())
            })
            .map(|info| info.target.clone())
            .take(2)
            .collect();
    }
    match input.diagnosis.kind {
        Kind::ModelNotFound => {
            let names: Vec<String> = others
                .filter(|info| info.target.provider == *here)
                .map(|info| info.target.model.clone())
                .collect();
            halo_config::nearest(&input.target.model, &names)
                .into_iter()
                .take(3)
                .map(|model| Target { provider: here.clone(), model })
                .collect()
        }
        Kind::ImageUnsupported | Kind::ImageInvalid => {
            best(others.filter(|info| info.vision == Some(true)), here)
        }
        Kind::ContextLengthExceeded => {
            let own = input
                .diagnosis
                .facts
                .context_window
                .or_else(|| {
                    input.targets.iter().find(|i| i.target == *input.target).and_then(|i| i.window)
                })
                .unwrap_or(0);
            best(others.filter(|info| own > 0 && info.window.is_some_and(|w| w > own)), here)
        }
        _ => Vec::new(),
    }
}

/// The first two, those of the same provider before others.
fn best<'a>(
    infos: impl Iterator<Item = &'a TargetInfo>,
    here: &halo_types::ProviderId,
) -> Vec<Target> {
    let mut infos: Vec<&TargetInfo> = infos.collect();
    infos.sort_by_key(|info| info.target.provider != *here);
    infos.into_iter().take(2).map(|info| info.target.clone()).collect()
}
