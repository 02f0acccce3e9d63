//! From the log to what is shown.

use std::collections::{BTreeSet, HashMap};

use halo_context::{CompactError, ModelFacts, View, ViewInput, view};
use halo_diagnose::{Context, diagnose};
use halo_recover::{Outlook, Situation};
use halo_types::{
    Action, AttemptOutcome, Blame, Ending, Evidence, Kind, Message, MessageId, Parameters, Part,
    Phase, Price, RequestFacts, Role, StepBy, StepKind, StopReason, Target, Timestamp,
    TransportClass, TransportFailure, TurnKind,
};

use crate::Engine;
use crate::compact::{planned, threshold};
use crate::log::{AttemptLog, Log, StepLog, TurnLog};
use crate::model::{
    AttemptLine, Card, ConversationView, Item, MessageView, Meter, Purpose, Running, StepView,
    WaitView,
};
use crate::offers::{OfferInput, offers, older_images};
use crate::providers::TargetInfo;
use crate::settle::new_step;
use crate::shrink;
use crate::sizes::correction;
use crate::summaries::replaced;
use crate::turn_state::TurnState;

/// What a conversation is shown from.
pub(crate) struct ShowInput<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) log: &'a Log,
    pub(crate) target: Option<&'a Target>,
    pub(crate) facts: &'a ModelFacts,
    pub(crate) targets: &'a [TargetInfo],
    pub(crate) running: Option<Running>,
    /// The wait of the running turn.
    pub(crate) wait: Option<WaitView>,
    /// The state of the running turn, where it waits or is queued.
    pub(crate) waits: Option<TurnState>,
    /// For the diagnosis of what failed; its `now` is the present.
    pub(crate) context: &'a Context,
}

/// What a turn is for.
pub(crate) fn purpose(kind: &TurnKind) -> Purpose {
    match kind {
        TurnKind::Reply => Purpose::Reply,
        TurnKind::Continue { .. } => Purpose::Continue,
        TurnKind::Compact { .. } => Purpose::Compact,
    }
}

/// The evidence of an attempt that failed; made up only where Halo itself ended in its middle, or
/// could not store how it went.
pub(crate) fn evidence(log: &Log, attempt: &AttemptLog) -> Option<Evidence> {
    match attempt.end.as_ref().map(|end| &end.outcome) {
        Some(AttemptOutcome::Failed { evidence, .. }) => Some((**evidence).clone()),
        Some(AttemptOutcome::Died { .. }) | None => Some(Evidence {
            phase: Some(Phase::Stream),
            url: Some(attempt.start.url.clone()),
            transport: Some(TransportFailure {
                class: TransportClass::Truncated,
                chain: vec!["Halo was ended while the answer was on its way".to_owned()],
            }),
            request: RequestFacts {
                model: Some(attempt.start.target.model.clone()),
                ..RequestFacts::default()
            },
            partial_chars: attempt
                .partial()
                .and_then(|id| log.message(id))
                .map_or(0, |message| message.text().chars().count() as u64),
            at: Some(attempt.ended_at()),
            ..Evidence::default()
        }),
        Some(AttemptOutcome::Answered { .. } | AttemptOutcome::Stopped { .. }) => None,
    }
}

/// The situation in which an attempt failed.
pub(crate) fn situation(
    log: &Log,
    turn: &TurnLog,
    attempt: &AttemptLog,
    compactable: bool,
) -> Situation {
    let shown = attempt.partial().is_some_and(|id| log.message(id).is_some());
    Situation {
        shown: shown && turn.turn.kind == TurnKind::Reply,
        images: attempt.start.images,
        can_compact: compactable,
        changed: false,
        parameters: log.meta.as_ref().map_or_else(Vec::new, |meta| {
            crate::exchange::droppable_parameters(attempt.start.protocol, meta)
        }),
        outlook: Outlook::default(),
    }
}

/// The conversation as it is to be shown.
pub(crate) fn show(input: &ShowInput<'_>) -> Option<ConversationView> {
    let log = input.log;
    let meta = log.meta.clone()?;
    let branch = log.branch(log.head);
    let steps = log.active_steps();
    let fallback = Target {
        provider: "none".parse().expect("a fixed name is well formed"),
        model: String::new(),
    };
    let view_input = ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &log.pinned,
        target: input.target.unwrap_or(&fallback),
        protocol: input.engine.protocol_of(input.target.unwrap_or(&fallback)),
        facts: input.facts,
        system: meta.system.as_deref(),
        parameters: &meta.parameters,
    };
    let next = view(&view_input);
    let tokens = size(input, view_input.target, &next);
    let parts = next.request.messages.iter().flat_map(|message| &message.parts);
    let pictures = parts.filter_map(|part| match part {
        Part::Image(image) => Some(image),
        _ => None,
    });
    let limits = input.engine.picture_limits(view_input.target);
    let compact_at = input.facts.window().map(|window| threshold(input.engine, window));
    let near = compact_at.is_some_and(|at| tokens >= at);
    let compaction =
        input.target.filter(|_| near).and_then(|t| compaction_preview(input, &branch, t).ok());
    let meter = Meter {
        tokens,
        window: input.facts.window(),
        images: next.images,
        refused: limits.faults(pictures),
        shrinks: shrinks(input.engine, &steps, view_input.target),
        compact_at,
        compaction,
    };
    let on_branch: BTreeSet<MessageId> = branch.iter().map(|m| m.id).collect();
    let last_attempt = log.last_attempt().map(|a| a.start.id);

    let mut attempts: HashMap<MessageId, Vec<(&TurnLog, &AttemptLog)>> = HashMap::new();
    for turn in &log.turns {
        for attempt in &turn.attempts {
            let partial = attempt.partial().filter(|id| on_branch.contains(id));
            attempts.entry(partial.unwrap_or(turn.turn.prompt)).or_default().push((turn, attempt));
        }
    }

    let prices: HashMap<&Target, Price> =
        input.targets.iter().filter_map(|info| Some((&info.target, info.price?))).collect();
    // Steps taken before anything failed stand after the message they were taken for.
    let mut early: Vec<&crate::log::StepLog> = log
        .steps
        .iter()
        .filter(|entry| entry.step.cause.is_none())
        .filter(|entry| !matches!(entry.step.kind, StepKind::Summarise { .. }))
        .collect();
    let mut summaries: HashMap<MessageId, Vec<&StepLog>> = HashMap::new();
    let replaced = replaced(log);
    for entry in log.steps.iter().filter(|entry| !replaced.contains(&entry.step.id)) {
        if let StepKind::Summarise { first_kept, .. } = entry.step.kind {
            summaries.entry(first_kept).or_default().push(entry);
        }
    }
    let mut items = Vec::new();
    for (n, message) in branch.iter().enumerate() {
        let summaries = summaries.remove(&message.id).unwrap_or_default();
        items.extend(summaries.into_iter().map(|entry| Item::Step(step_view(entry, &next))));
        items.push(Item::Message(Box::new(message_view(input, message, &next, &prices))));
        let next_at = branch.get(n + 1).map(|next| next.at);
        early.retain(|entry| {
            let here = next_at.is_none_or(|at| entry.step.at < at) && entry.step.at >= message.at;
            if here {
                items.push(Item::Step(step_view(entry, &next)));
            }
            !here
        });
        for (turn, attempt) in attempts.remove(&message.id).unwrap_or_default() {
            if let Some(card) = card(input, turn, attempt, last_attempt, &branch, &next) {
                items.push(Item::Card(Box::new(card)));
                let steps = log.steps.iter().filter(|entry| {
                    entry.step.cause == Some(attempt.start.id)
                        && !matches!(entry.step.kind, StepKind::Summarise { .. })
                });
                items.extend(steps.map(|entry| Item::Step(step_view(entry, &next))));
            }
        }
    }
    // A prompt whose card offers ways forward needs no button of its own.
    let has_offers = |item: &Item| matches!(item, Item::Card(card) if !card.offers.is_empty());
    if items.iter().any(has_offers) {
        for item in &mut items {
            if let Item::Message(shown) = item
                && shown.message.role == Role::User
            {
                shown.can_resend = false;
            }
        }
    }
    Some(ConversationView {
        meta,
        target: input.target.cloned(),
        items,
        running: input.running.clone(),
        wait: input.wait.clone(),
        waits: input.waits.clone(),
        meter,
        vision: input.facts.sees(),
        damaged: input.log.damaged,
    })
}

/// Whether large pictures are made smaller for a model by themselves: the person did so before in
/// this conversation, or allowed it everywhere.
fn shrinks(engine: &Engine, steps: &[halo_types::Step], target: &Target) -> bool {
    let of = |step: &halo_types::Step| matches!(&step.kind, StepKind::ShrinkImages { target: of, .. } if of == target);
    engine.policy().shrink_images || steps.iter().any(of)
}

/// The size of a request, corrected by what the model's last answers reported.
fn size(input: &ShowInput<'_>, target: &Target, view: &View) -> u64 {
    let correction = correction(input.log, target);
    input.engine.sizing(target, correction, |estimator| estimator.request(&view.request))
}

fn step_view(entry: &StepLog, next: &View) -> StepView {
    StepView {
        id: entry.step.id,
        kind: entry.step.kind.clone(),
        at: entry.step.at,
        in_force: !entry.undone && next.in_force.contains(&entry.step.id),
        undone: entry.undone,
    }
}

/// The words that a continuation repeated before it went on.
fn repeated(log: &Log, message: &Message) -> String {
    let attempt = message.origin.as_ref().and_then(|origin| log.attempt(origin.attempt));
    let end = attempt.and_then(|(_, attempt)| attempt.end.as_ref());
    end.map(|end| end.repeated.clone()).unwrap_or_default()
}

fn message_view(
    input: &ShowInput<'_>,
    message: &Message,
    next: &View,
    prices: &HashMap<&Target, Price>,
) -> MessageView {
    let is_head = input.log.head == Some(message.id);
    let idle = input.running.is_none();
    let broken = match &message.ending {
        Some(Ending::Interrupted | Ending::Stopped) => true,
        Some(Ending::Complete { stop }) => *stop == StopReason::Length,
        None => false,
    };
    let answer = message.role == Role::Assistant && message.origin.is_some();
    // An answer that broke off does not carry all its figures.
    let whole = matches!(&message.ending, Some(Ending::Complete { .. }));
    let cost = message.usage.as_ref().filter(|_| whole).and_then(|usage| {
        let target = &message.origin.as_ref()?.target;
        prices.get(target)?.cost(usage)
    });
    let start = message.origin.as_ref().and_then(|origin| input.log.attempt(origin.attempt));
    let end = start.and_then(|(_, attempt)| attempt.end.as_ref());
    let start = start.map(|(_, attempt)| &attempt.start);
    MessageView {
        thinking_ms: end.and_then(|end| end.thinking_ms),
        cost,
        instead: start.and_then(|start| start.instead.clone()),
        key: start.and_then(|start| start.key),
        siblings: input.log.siblings(message),
        turn: message.origin.as_ref().map(|origin| origin.turn),
        images_omitted: next.without_images.contains(&message.id),
        images_smaller: next.smaller_images.contains(&message.id),
        mended: next.mended.get(&message.id).into_iter().flatten().copied().collect(),
        summarised: next.summarised.contains(&message.id),
        pinned: input.log.pinned.contains(&message.id),
        can_continue: is_head && idle && answer && broken,
        can_resend: is_head && idle && (answer || message.role == Role::User),
        repeated: repeated(input.log, message),
        is_last: is_head,
        forked: is_head && input.log.has_later(message.id),
        message: message.clone(),
    }
}

fn card(
    input: &ShowInput<'_>,
    turn: &TurnLog,
    attempt: &AttemptLog,
    last_attempt: Option<halo_types::AttemptId>,
    branch: &[Message],
    next: &View,
) -> Option<Card> {
    let log = input.log;
    let start = &attempt.start;
    let is_last = last_attempt == Some(start.id);
    let runs_here = input.running.as_ref().is_some_and(|run| run.turn == turn.turn.id);
    // Until it is decided what follows, there is nothing to offer. Of an attempt that has just
    // begun the progress may still show the wait before it.
    if is_last && runs_here && (input.wait.is_none() || attempt.end.is_none()) {
        return None;
    }
    let at = attempt.ended_at();
    let evidence = evidence(log, attempt)?;
    let context = Context { now: Some(at), ..input.context.clone() };
    let mut diagnosis = diagnose(&evidence, &context);
    let ended_here = matches!(
        attempt.end.as_ref().map(|e| &e.outcome),
        None | Some(AttemptOutcome::Died { .. })
    );
    if ended_here {
        // Neither the network nor the provider is at fault.
        diagnosis.blame = Blame::Halo;
        diagnosis.remedies.retain(|remedy| remedy.action != Action::CheckNetwork);
    }
    let cured = log.steps.iter().any(|s| s.step.cause == Some(start.id))
        && turn.turn.kind != TurnKind::Reply;
    // Once the person has gone on, the old card is history.
    let anchored_at_head = log.head == Some(turn.turn.prompt)
        || (attempt.partial().is_some() && log.head == attempt.partial())
        || matches!(turn.turn.kind, TurnKind::Continue { answer } if log.head == Some(answer))
        || beside_head(log, turn, attempt);
    let overtaken = !is_last || cured || !anchored_at_head;
    let wait = if overtaken {
        None
    } else if runs_here {
        input.wait.clone()
    } else {
        told_wait(&diagnosis, at, input.context.now.unwrap_or(at))
    };
    let mut stuck = None;
    let offers = if overtaken || (input.running.is_some() && wait.is_none()) {
        Vec::new()
    } else {
        let compaction = compaction_preview(input, branch, &start.target);
        if diagnosis.kind == Kind::ContextLengthExceeded {
            stuck = compaction.as_ref().err().cloned();
        }
        let compaction = compaction.ok();
        let mut situation = situation(log, turn, attempt, compaction.is_some());
        // A broken continuation is continued from the answer it belongs to.
        situation.shown |= matches!(turn.turn.kind, TurnKind::Continue { .. });
        // Steps were taken or taken back since: the next request is not the one that was refused.
        situation.changed = next.applied != start.steps;
        let sizes = previews(input, branch, turn, &start.target, diagnosis.kind, compaction);
        offers(&OfferInput {
            diagnosis: &diagnosis,
            situation: &situation,
            lang: input.context.lang,
            target: &start.target,
            targets: input.targets,
            wait: wait.as_ref(),
            sizes: &sizes,
        })
    };
    Some(Card {
        turn: turn.turn.id,
        prompt: turn.turn.prompt,
        attempt: start.id,
        nth: start.nth,
        target: start.target.clone(),
        provider_name: input
            .targets
            .iter()
            .find(|info| info.target.provider == start.target.provider)
            .map_or_else(|| start.target.provider.to_string(), |info| info.provider_name.clone()),
        url: start.url.clone(),
        evidence,
        diagnosis,
        offers,
        wait,
        attempts: turn.attempts.iter().map(|a| attempt_line(a, input.context)).collect(),
        overtaken,
        purpose: purpose(&turn.turn.kind),
        stuck,
        total_ms: attempt.end.as_ref().map_or(0, |end| end.total_ms),
        at,
    })
}

/// Whether another answer to the prompt of this attempt is the head: a try for one more failed
/// before its first word. The answer that was there stays, and the card has ways forward.
fn beside_head(log: &Log, turn: &TurnLog, attempt: &AttemptLog) -> bool {
    let head = log.head.and_then(|id| log.message(id));
    turn.turn.kind == TurnKind::Reply
        && attempt.partial().is_none()
        && head.is_some_and(|message| message.parent == Some(turn.turn.prompt))
}

/// A wait that the provider asked for and that Halo does not sit out: the clock time from which
/// sending again makes sense.
fn told_wait(
    diagnosis: &halo_types::Diagnosis,
    failed_at: Timestamp,
    now: Timestamp,
) -> Option<WaitView> {
    let retry = diagnosis.retry.as_ref().filter(|_| diagnosis.transient)?;
    let until = failed_at.plus_ms(retry.after_ms);
    (until > now).then(|| WaitView { until, from: retry.from.clone(), automatic: false })
}

/// Estimated tokens before and after a compaction.
pub(crate) fn compaction_preview(
    input: &ShowInput<'_>,
    branch: &[Message],
    target: &Target,
) -> Result<(u64, u64), CompactError> {
    let plan = planned(input.engine, input.log, branch, target, input.facts)?;
    Ok((plan.tokens_before, plan.tokens_after))
}

/// Estimated tokens before and after each step that a card may offer.
fn previews(
    input: &ShowInput<'_>,
    branch: &[Message],
    turn: &TurnLog,
    target: &Target,
    kind: Kind,
    compaction: Option<(u64, u64)>,
) -> Vec<(Action, (u64, u64))> {
    let mut sizes: Vec<_> = compaction.map(|s| (Action::CompactAndResend, s)).into_iter().collect();
    if branch.iter().all(|message| message.images().next().is_none()) {
        return sizes;
    }
    let mut steps = input.log.active_steps();
    let before = older_images(kind, branch, &steps, target);
    let limits = input.engine.picture_limits(target);
    let side = shrink::next_side(branch, &steps, target, &limits);
    let omit = StepKind::OmitImages { target: target.clone(), before };
    let kinds = [
        Some((Action::ResendWithoutImages, omit)),
        side.map(|side| (Action::ShrinkImagesAndResend, shrink::preview(branch, target, side))),
    ];
    let of_steps = |steps: &[halo_types::Step]| {
        let next = view(&ViewInput {
            branch,
            steps,
            pinned: &input.log.pinned,
            target,
            protocol: input.engine.protocol_of(target),
            facts: input.facts,
            system: input.log.meta.as_ref().and_then(|meta| meta.system.as_deref()),
            parameters: &Parameters::default(),
        });
        size(input, target, &next)
    };
    let now = of_steps(&steps);
    for (action, kind) in kinds.into_iter().flatten() {
        steps.push(new_step(input.engine, &turn.turn, kind, None, StepBy::Person));
        sizes.push((action, (now, of_steps(&steps))));
        steps.pop();
    }
    sizes
}

fn attempt_line(attempt: &AttemptLog, context: &Context) -> AttemptLine {
    let (outcome, status) = match attempt.end.as_ref().map(|end| &end.outcome) {
        None => ("running".to_owned(), None),
        Some(AttemptOutcome::Answered { .. }) => ("answered".to_owned(), Some(200)),
        Some(AttemptOutcome::Stopped { .. }) => ("stopped".to_owned(), None),
        Some(AttemptOutcome::Died { .. }) => ("died".to_owned(), None),
        Some(AttemptOutcome::Failed { evidence, diagnosis, .. }) => {
            // A rule of the person's own may have come since.
            let kind = match &context.own {
                Some(own) if !own.rules().is_empty() => {
                    let at = Some(attempt.ended_at());
                    diagnose(evidence, &Context { now: at, ..context.clone() }).kind
                }
                _ => diagnosis.kind,
            };
            (kind.to_string(), evidence.status)
        }
    };
    AttemptLine {
        nth: attempt.start.nth,
        target: attempt.start.target.clone(),
        key: attempt.start.key,
        at: attempt.start.at,
        total_ms: attempt.end.as_ref().map(|end| end.total_ms),
        status,
        outcome,
    }
}
