//! The error card with its numbered ways forward.

use halo_engine::{Card, Engine, Offer, Speaker};
use halo_types::{Action, Lang, Target};

use super::words::Words;
use crate::explain::card;
use crate::terminal::{Style, visible};

/// The card without its ways forward.
pub(super) fn told(card: &Card, words: Words, style: Style) -> String {
    let spoke = Some(speaker(card, words));
    card::told(&card.evidence, &card.diagnosis, spoke, words.lang(), style)
}

/// The ways forward, numbered.
pub(super) fn ways(card: &Card, engine: &Engine, words: Words, style: Style) -> String {
    let mut out = String::new();
    if card.offers.is_empty() {
        return out;
    }
    out.push('\n');
    out.push_str(&words.t("chat-ways"));
    out.push('\n');
    for (nth, offer) in card.offers.iter().enumerate() {
        card::way(&mut out, nth + 1, &label(offer, engine, words), &note(offer, words), style);
    }
    out
}

fn label(offer: &Offer, engine: &Engine, words: Words) -> String {
    match (offer.action, &offer.target) {
        (Action::Resend | Action::WaitAndResend, _) => words.t("chat-way-resend"),
        (Action::SwitchModel | Action::SwitchProvider, Some(target)) => {
            words.t1("chat-way-switch", "model", name(engine, target, words))
        }
        (Action::SwitchModel | Action::SwitchProvider, None) => words.t("chat-way-pick"),
        (Action::NewConversation, _) => words.t("chat-way-new"),
        (Action::EditMessage, _) => words.t("chat-way-edit"),
        (Action::Report, _) => words.t("chat-way-report"),
        _ => offer.text.clone(),
    }
}

fn note(offer: &Offer, words: Words) -> String {
    let mut notes = Vec::new();
    if offer.images > 0 {
        notes.push(words.t1("chat-way-pictures", "n", offer.images));
    }
    if let Some((before, after)) = offer.tokens.filter(|(before, after)| before != after) {
        let (before, after) = (tokens(before), tokens(after));
        notes.push(words.t2("chat-tokens", ("before", &before), ("after", &after)));
    }
    notes.extend(offer.url.clone());
    notes.join(" · ")
}

/// Tokens as they are told: about.
pub(super) fn tokens(n: u64) -> String {
    if n < 1_000 { n.to_string() } else { format!("{}k", (n + 500) / 1_000) }
}

/// A model with its provider, as a person knows it.
pub(super) fn name(engine: &Engine, target: &Target, words: Words) -> String {
    let practice = engine.practice().is_some_and(|p| p.provider.id == target.provider);
    let provider = if practice {
        words.t("chat-practice-provider")
    } else {
        let known = engine.provider(&target.provider);
        known.map_or_else(|| target.provider.to_string(), |provider| provider.name)
    };
    let mut out = String::new();
    visible(&mut out, &format!("{} · {provider}", target.model));
    out
}

/// Who spoke.
fn speaker(card: &Card, words: Words) -> String {
    let provider = card.vendor_name(&card.provider_name);
    match card.speaker() {
        Speaker::HaloEnded => words.t("chat-speaker-ended"),
        Speaker::Halo => words.t("chat-speaker-halo"),
        Speaker::Broken(host) => words.t1("chat-speaker-broken", "host", host),
        Speaker::Network(host) => words.t1("chat-speaker-network", "host", host),
        Speaker::Proxy => words.t1("chat-speaker-proxy", "name", provider),
        Speaker::Provider => words.t1("chat-speaker-provider", "name", provider),
        Speaker::Carried(carriers) => {
            let carriers = carriers.join(" → ");
            words.t2("chat-speaker-carried", ("name", &provider), ("carriers", &carriers))
        }
    }
}

/// The title of a scenario or the like, in the person's language.
pub(super) fn of<'a>(lang: Lang, en: &'a str, zh: &'a str) -> &'a str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}
