//! The card of a failed attempt: the provider's words first, then what they mean, then the ways
//! forward, then who spoke.

use askama::Template;
use halo_engine::{Card, Offer, Purpose, Running, Speaker, WaitView};
use halo_types::{
    Action, Blame, Confidence, ConversationId, Kind, Lang, Phase, Target, Timestamp, TurnId,
};

use super::{Piece, Setting, duration, raw, tokens};
use crate::clock;
use crate::error::{PageError, stuck};
use crate::settings::percent;
use crate::strings::Words;
use crate::teach::{self, OwnRule};

/// A wait longer than this is told as a time of the clock.
const COUNTDOWN_MS: u64 = 120_000;

/// A way forward as it is shown.
struct Way {
    action: Action,
    label: String,
    /// A line below the label: what it would change.
    note: Option<String>,
    /// The whole remedy in words.
    text: String,
    how: How,
}

/// What a way forward does.
enum How {
    /// The engine acts on the failed turn.
    Act { target: Option<String> },
    /// The person chooses a model, then the engine acts.
    Pick { only_seeing: bool },
    /// A page of Halo opens.
    Page { href: String },
    /// A page of the provider opens.
    Outside { href: String },
    /// The prompt goes back into the composer.
    Edit { href: String },
    /// The report is copied.
    Report { href: String },
    /// Nothing to press: advice.
    Advice,
}

/// A line of the details.
struct Detail {
    key: &'static str,
    value: String,
}

/// An attempt in the timeline.
struct Try {
    nth: u32,
    at: String,
    model: String,
    /// Which key, where it was not the first.
    key: Option<String>,
    outcome: String,
    took: Option<String>,
    status: Option<u16>,
}

#[derive(Template)]
#[template(path = "card.html")]
struct CardTemplate<'a> {
    words: Words,
    conversation: ConversationId,
    card: &'a Card,
    /// The provider as the page calls it.
    provider: String,
    kind: &'static str,
    raw: Option<String>,
    is_long: bool,
    /// What the network said, where no provider spoke.
    chain: Option<String>,
    no_words: Option<String>,
    wait: Option<WaitTemplate>,
    /// Whether Halo will send again by itself; the countdown then carries the first button.
    waits: bool,
    ways: Vec<Way>,
    advice: Vec<Way>,
    blame: &'static str,
    speaker: String,
    /// Between two sentences: nothing in Chinese.
    gap: &'static str,
    helps: String,
    doubt: Option<String>,
    details: Vec<Detail>,
    tries: Vec<Try>,
    tries_text: String,
    folded_text: String,
    purpose: Option<&'static str>,
    /// Why no compaction makes room.
    stuck: Option<String>,
    own: Option<OwnRule>,
    teach: String,
    unteach: String,
}

struct WaitTemplate {
    until: i64,
    until_iso: String,
    counts_down: bool,
    automatic: bool,
    text: String,
    from: String,
}

pub(super) fn piece(
    conversation: ConversationId,
    card: &Card,
    setting: &Setting<'_>,
) -> Result<Piece, PageError> {
    let words = setting.words;
    let evidence = &card.evidence;
    let diagnosis = &card.diagnosis;
    let body = evidence.body.as_bytes();
    let span = (diagnosis.because.field == "body").then_some(diagnosis.because.span).flatten();
    let chain = evidence.transport.as_ref().map(|failure| failure.chain.join("\n"));
    let (ways, advice) = ways(conversation, card, setting);
    let provider = setting.provider_name(&card.target, &card.provider_name);
    let title = &diagnosis.title;
    let is_known = diagnosis.kind != Kind::Unknown;
    let status = evidence.status.map(|s| format!("{s} · ")).unwrap_or_default();
    let template = CardTemplate {
        words,
        conversation,
        card,
        speaker: speaker(card, &provider, words),
        provider,
        kind: diagnosis.kind.as_str(),
        raw: (!body.is_empty()).then(|| raw::marked(body, span)),
        is_long: raw::is_long(body),
        no_words: (body.is_empty() && chain.is_none()).then(|| match evidence.status {
            Some(status) => words.t1("card-no-words-status", "status", status),
            None => words.t("card-no-words"),
        }),
        chain: chain.filter(|text| !text.is_empty()),
        wait: card.wait.as_ref().map(|wait| self::wait(wait, card.at, setting)),
        waits: card.wait.as_ref().is_some_and(|wait| wait.automatic),
        ways,
        advice,
        blame: blame(diagnosis.blame),
        gap: if words.lang() == Lang::Zh { "" } else { " " },
        // Of an error that was not recognised nobody can say whether waiting helps, and its
        // meaning says already that Halo does not know.
        helps: match (is_known, diagnosis.transient) {
            (false, _) => String::new(),
            (true, true) => words.t("card-waiting-helps"),
            (true, false) => words.t("card-waiting-useless"),
        },
        doubt: (is_known && diagnosis.confidence == Confidence::Guess)
            .then(|| words.t("card-guess")),
        details: details(card, setting),
        tries: tries(card, setting),
        tries_text: words.n("attempts-count", "n", card.attempts.len()),
        folded_text: format!("{} · {status}{title}", words.t1("card-attempt-nth", "n", card.nth)),
        purpose: match card.purpose {
            Purpose::Reply => None,
            Purpose::Continue => Some("card-purpose-continue"),
            Purpose::Compact => Some("card-purpose-compact"),
        },
        stuck: card.stuck.as_ref().map(|error| stuck(words, error)),
        own: OwnRule::of(diagnosis, setting.own),
        teach: teach::address(conversation, card.attempt),
        unteach: format!("/c/{conversation}/unteach"),
    };
    Ok(Piece::new(format!("e-{}", card.attempt), template.render()?))
}

fn wait(wait: &WaitView, at: Timestamp, setting: &Setting<'_>) -> WaitTemplate {
    let words = setting.words;
    let counts_down = wait.automatic && wait.until.ms_since(at) <= COUNTDOWN_MS;
    let clock = setting.zone.near_text(wait.until, at);
    let key = if wait.automatic { "wait-automatic" } else { "wait-until" };
    let from = match wait.from.as_str() {
        "pace" => "wait-from-pace",
        told if told.starts_with("header") || told.starts_with("body") => "wait-from-provider",
        _ => "wait-from-halo",
    };
    WaitTemplate {
        until: wait.until.0,
        until_iso: clock::rfc3339(wait.until),
        counts_down,
        automatic: wait.automatic,
        text: words.t1(key, "time", clock),
        from: words.t(from),
    }
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingTemplate {
    words: Words,
    conversation: ConversationId,
    turn: TurnId,
    model: String,
    until: i64,
    until_iso: String,
    counts_down: bool,
    text: String,
    from: String,
}

/// A turn that waits before anything was sent.
pub(super) fn waiting(
    conversation: ConversationId,
    running: &Running,
    view: &WaitView,
    setting: &Setting<'_>,
) -> Result<Piece, PageError> {
    let WaitTemplate { until, until_iso, counts_down, text, from, .. } =
        wait(view, running.since, setting);
    let template = WaitingTemplate {
        words: setting.words,
        conversation,
        turn: running.turn,
        model: setting.model_name(&running.target),
        until,
        until_iso,
        counts_down,
        text,
        from,
    };
    Ok(Piece::new(format!("w-{}", running.turn), template.render()?))
}

/// The buttons, best first, and what is only advice.
fn ways(conversation: ConversationId, card: &Card, setting: &Setting<'_>) -> (Vec<Way>, Vec<Way>) {
    if card.overtaken {
        return (Vec::new(), Vec::new());
    }
    let waits = card.wait.as_ref().is_some_and(|wait| wait.automatic);
    card.offers
        .iter()
        // While Halo waits, the countdown carries these buttons.
        .filter(|o| !(waits && matches!(o.action, Action::WaitAndResend | Action::Resend)))
        .map(|offer| way(conversation, card, offer, setting))
        .partition(|way| !matches!(way.how, How::Advice))
}

fn way(conversation: ConversationId, card: &Card, offer: &Offer, setting: &Setting<'_>) -> Way {
    let words = setting.words;
    let (turn, attempt) = (card.turn, card.attempt);
    let settings = |field: &str| {
        let mut href = format!(
            "/settings/ai-model?provider={}&field={field}&conversation={conversation}\
             &turn={turn}&attempt={attempt}",
            card.target.provider
        );
        // The form shows the refused name.
        if field == "model" {
            href.push_str("&refused=");
            href.push_str(&percent(&card.target.model));
        }
        How::Page { href }
    };
    let outside = || match offer.url.as_deref().filter(|url| is_outside(url)) {
        Some(url) => How::Outside { href: url.to_owned() },
        None => How::Advice,
    };
    let how = match offer.action {
        Action::WaitAndResend
        | Action::Resend
        | Action::Continue
        | Action::CompactAndResend
        | Action::ResendWithoutImages
        | Action::ShrinkImagesAndResend
        | Action::RepairHistoryAndResend
        | Action::DropParameterAndResend
        | Action::LowerMaxTokensAndResend => How::Act { target: None },
        Action::SwitchModel | Action::SwitchProvider => match &offer.target {
            Some(target) => How::Act { target: Some(target.to_string()) },
            None => How::Pick {
                only_seeing: card
                    .offers
                    .iter()
                    .any(|offer| offer.action == Action::ResendWithoutImages),
            },
        },
        Action::OpenSettingsKey => settings("key"),
        Action::OpenSettingsUrl => settings("url"),
        Action::OpenSettingsModel => settings("model"),
        Action::OpenBilling
        | Action::OpenConsole
        | Action::OpenLimits
        | Action::OpenStatus
        | Action::ContactProvider => outside(),
        Action::EditMessage => {
            How::Edit { href: format!("/c/{conversation}?edit={}", card.prompt) }
        }
        Action::NewConversation => How::Page { href: "/new".to_owned() },
        Action::CheckNetwork => How::Advice,
        Action::Report => {
            How::Report { href: format!("/c/{conversation}/attempts/{attempt}/report") }
        }
    };
    Way {
        action: offer.action,
        label: label(offer, setting),
        note: note(offer, words),
        text: offer.text.clone(),
        how,
    }
}

/// Addresses come from data files, yet only the web may be opened by a click.
fn is_outside(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:")
}

fn label(offer: &Offer, setting: &Setting<'_>) -> String {
    let words = setting.words;
    match (&offer.action, &offer.target) {
        // Pressing it does not wait: the person decided that it is time.
        (Action::Resend | Action::WaitAndResend, _) => words.t("card-resend"),
        (Action::SwitchModel | Action::SwitchProvider, Some(target)) => {
            words.t1("card-switch-to", "model", switch_name(target, setting))
        }
        (Action::SwitchModel, None) => words.t("card-switch-other"),
        _ => offer.text.clone(),
    }
}

/// A model with its provider, as a person knows it.
fn switch_name(target: &Target, setting: &Setting<'_>) -> String {
    setting.targets.iter().find(|info| info.target == *target).map_or_else(
        || target.to_string(),
        |info| {
            let provider = setting.words.provider(&info.provider_name, info.practice);
            format!("{} · {provider}", info.target.model)
        },
    )
}

fn note(offer: &Offer, words: Words) -> Option<String> {
    match offer.action {
        Action::CompactAndResend => offer.tokens.map(|(before, after)| {
            words.t2("card-compact-note", ("before", &tokens(before)), ("after", &tokens(after)))
        }),
        Action::ResendWithoutImages | Action::ShrinkImagesAndResend => {
            let pictures =
                (offer.images > 0).then(|| words.n("card-pictures-note", "n", offer.images));
            let sizes = offer.tokens.filter(|(before, after)| before != after);
            let sizes = sizes.map(|(before, after)| {
                words.t2("card-size-note", ("before", &tokens(before)), ("after", &tokens(after)))
            });
            match (pictures, sizes) {
                (Some(pictures), Some(sizes)) => Some(format!("{pictures} · {sizes}")),
                (pictures, sizes) => pictures.or(sizes),
            }
        }
        _ => None,
    }
}

fn speaker(card: &Card, name: &str, words: Words) -> String {
    let provider = card.vendor_name(name);
    match card.speaker() {
        Speaker::HaloEnded => words.t("speaker-halo-ended"),
        Speaker::Halo => words.t("speaker-halo"),
        Speaker::Broken(host) => words.t1("speaker-broken", "host", host),
        Speaker::Network(host) => words.t1("speaker-network", "host", host),
        Speaker::Proxy => words.t1("speaker-proxy", "name", provider),
        Speaker::Provider => words.t1("speaker-provider", "name", provider),
        Speaker::Carried(carriers) => words.t2(
            "speaker-provider-by",
            ("name", &provider),
            ("carriers", &carriers.join(" → ")),
        ),
    }
}

fn blame(blame: Blame) -> &'static str {
    match blame {
        Blame::Caller => "caller",
        Blame::Account => "account",
        Blame::Proxy => "proxy",
        Blame::Provider => "provider",
        Blame::Network => "network",
        Blame::Halo => "halo",
    }
}

fn details(card: &Card, setting: &Setting<'_>) -> Vec<Detail> {
    let words = setting.words;
    let evidence = &card.evidence;
    let because = &card.diagnosis.because;
    let mut details = Vec::new();
    let mut add = |key, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            details.push(Detail { key, value });
        }
    };
    add("detail-status", evidence.status.map(|status| status.to_string()));
    add("detail-request-id", card.diagnosis.facts.request_id.clone());
    let provider = setting.provider_name(&card.target, &card.provider_name);
    add("detail-model", Some(format!("{} · {provider}", card.target.model)));
    add("detail-url", Some(card.url.clone()));
    add("detail-phase", evidence.phase.map(|phase| words.t(phase_key(phase))));
    add("detail-time", Some(setting.zone.minute_text(card.at)));
    add("detail-took", Some(duration(card.total_ms)));
    add("detail-partial", (evidence.partial_chars > 0).then(|| evidence.partial_chars.to_string()));
    add("detail-kind", Some(card.diagnosis.kind.as_str().to_owned()));
    add("detail-rule", Some(because.rule.clone()));
    if because.field != "body" && because.field != "none" {
        let decided = if because.quote.is_empty() {
            because.field.clone()
        } else {
            format!("{}: {}", because.field, because.quote)
        };
        add("detail-decided", Some(decided));
    }
    if evidence.truncated {
        add("detail-cut", Some(words.t("detail-cut-text")));
    }
    details
}

fn phase_key(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "phase-connect",
        Phase::Headers => "phase-headers",
        Phase::Body => "phase-body",
        Phase::Stream => "phase-stream",
    }
}

fn tries(card: &Card, setting: &Setting<'_>) -> Vec<Try> {
    let words = setting.words;
    let outcome = |outcome: &str| match outcome {
        "answered" => words.t("outcome-answered"),
        "stopped" => words.t("outcome-stopped"),
        "died" => words.t("outcome-died"),
        "running" => words.t("outcome-running"),
        kind => match kind.parse() {
            Ok(kind) => halo_diagnose::kind_text(kind, words.lang()).title.to_string(),
            Err(_) => kind.to_owned(),
        },
    };
    card.attempts
        .iter()
        .map(|line| Try {
            nth: line.nth,
            at: setting.zone.time_text(line.at),
            model: setting.model_name(&line.target),
            key: line.key.filter(|key| *key > 1).map(|key| words.t1("instead-key", "n", key)),
            outcome: outcome(&line.outcome),
            took: line.total_ms.map(duration),
            status: line.status,
        })
        .collect()
}
