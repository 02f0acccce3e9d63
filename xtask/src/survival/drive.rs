//! One turn from its prompt to its end, and what is checked about it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use halo_engine::{Act, Card, ConversationView, EngineError, Item, Offer, Submission, Update};
use halo_types::{
    Action, AttemptOutcome, ConversationId, Ending, Kind, Lang, Message, Record, Role, StepKind,
    Target, TurnId, TurnKind,
};
use tokio::sync::broadcast;
use tokio::time::Instant;
use uuid::Uuid;

use super::plan::{Begin, Class, Form, History, Plan, Refuses};
use super::random::Random;
use super::stage::Stage;
use super::world::World;

/// How long a turn may take, in real time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many buttons a person presses before they give up.
const MAX_CLICKS: usize = 6;

/// What came of a turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) answered: bool,
    /// The buttons that were pressed.
    pub(super) clicks: Vec<Action>,
    /// Whether the fault was met at all; what was learned before may have prevented it.
    pub(super) met: bool,
    pub(super) unended: bool,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) wrong: Vec<String>,
    /// What the fault was read as, and by which rule, where that is not what it is.
    pub(super) misread: Option<(Kind, String)>,
    /// Facts that stood in the conversation, and those in the request after its compaction.
    pub(super) facts: Option<(usize, usize)>,
    pub(super) rungs: Vec<&'static str>,
    /// Whatever else is worth telling.
    pub(super) notes: Vec<String>,
}

impl Outcome {
    /// Whether it ended in an answer without a hand.
    pub(super) fn healed(&self) -> bool {
        self.answered && self.clicks.is_empty()
    }
}

/// A world in which turns are played one after the other.
pub(super) struct Session {
    pub(super) world: World,
    stage: Arc<Stage>,
    talk: Option<Talk>,
}

/// The conversation under way.
#[derive(Clone)]
struct Talk {
    id: ConversationId,
    target: Target,
    facts: Vec<String>,
    /// Records that were there before the turn.
    records: usize,
}

impl Session {
    pub(super) fn new(world: World, stage: Arc<Stage>) -> Self {
        Self { world, stage, talk: None }
    }

    /// Plays a turn to its end.
    pub(super) async fn play(&mut self, plan: &Plan) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut talk = self.talk(plan).await?;
        self.stage.begin(plan.clone());
        if plan.refuses == Refuses::Address {
            self.world.set_address(&talk.target.provider, "wrong")?;
        }
        let mut news = self.world.engine.updates();
        if plan.compact_first {
            let turn = TurnId::new(Uuid::now_v7());
            if self.world.engine.compact(talk.id, None, turn).await.is_ok() {
                self.settled(&mut news, talk.id).await;
            }
        }
        self.begin(plan, &talk).await.context("the turn could not begin")?;
        loop {
            let Some(view) = self.settled(&mut news, talk.id).await else {
                outcome.unended = true;
                outcome.notes.push("the turn has no end".to_owned());
                self.world.engine.stop(talk.id).await?;
                break;
            };
            if answer(&view).is_some_and(|message| is_of(plan, message)) {
                outcome.answered = true;
                break;
            }
            if outcome.clicks.len() >= MAX_CLICKS {
                outcome.notes.push("the offers lead nowhere".to_owned());
                break;
            }
            let Some(card) = card(&view) else {
                outcome.notes.push("neither an answer nor a card".to_owned());
                break;
            };
            let Some(offer) = chosen(plan, &card, outcome.clicks.len()) else {
                let offered: Vec<&str> = card.offers.iter().map(|o| o.action.as_str()).collect();
                let kind = card.diagnosis.kind;
                outcome.notes.push(format!("no offer leads on: {kind} offers {offered:?}"));
                break;
            };
            outcome.clicks.push(offer.action);
            self.stage.click();
            if let Err(error) = self.take(plan, &mut talk, &card, &offer, &mut outcome).await {
                outcome.notes.push(format!("{} failed: {error:#}", offer.action));
                break;
            }
        }
        self.check(plan, &mut talk, &mut outcome).await?;
        if plan.refuses == Refuses::Address {
            self.world.set_address(&talk.target.provider, "api")?;
        }
        // What was left broken would stand in the way of the next turn.
        self.talk = outcome.answered.then_some(talk);
        Ok(outcome)
    }

    /// The conversation of the turn, with the model that it asks.
    async fn talk(&mut self, plan: &Plan) -> anyhow::Result<Talk> {
        if let (Some(talk), History::Going) = (&self.talk, plan.history) {
            let mut talk = talk.clone();
            if plan.new_model {
                talk.target = self.world.model(plan, 0);
                self.world.engine.set_target(talk.id, talk.target.clone()).await?;
            }
            talk.records = self.world.engine.store().records(talk.id).await?.len();
            return Ok(talk);
        }
        let target = self.world.model(plan, 0);
        let (id, facts) = self.world.converse(plan, &target).await?;
        let records = self.world.engine.store().records(id).await?.len();
        Ok(Talk { id, target, facts, records })
    }

    async fn begin(&self, plan: &Plan, talk: &Talk) -> anyhow::Result<()> {
        let engine = &self.world.engine;
        let turn = TurnId::new(Uuid::now_v7());
        if plan.begin == Begin::Regenerate {
            let view = engine.conversation(talk.id, Lang::En).await?;
            if let Some(message) = answer(&view).filter(|message| message.origin.is_some()) {
                let target = Some(talk.target.clone());
                return Ok(engine.regenerate(talk.id, message.id, turn, target).await?);
            }
        }
        let submission = Submission {
            turn,
            conversation: talk.id,
            text: plan.prompt(),
            images: self.world.pictures(plan).await?,
            target: Some(talk.target.clone()),
        };
        engine.submit(submission).await?;
        Ok(())
    }

    /// The conversation once nothing runs or waits any more.
    async fn settled(
        &self,
        news: &mut broadcast::Receiver<Update>,
        id: ConversationId,
    ) -> Option<ConversationView> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.world.engine.conversation(id, Lang::En).await.ok()?;
            let waits = card(&view).is_some_and(|c| c.wait.is_some_and(|wait| wait.automatic));
            if view.running.is_none() && !waits {
                return Some(view);
            }
            // The list changes where a turn begins, waits and ends.
            let next = async {
                loop {
                    match news.recv().await {
                        Ok(Update::List) | Err(_) => return,
                        Ok(_) => {}
                    }
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(250), next).await;
            if Instant::now() > deadline {
                return None;
            }
        }
    }

    /// Does what an offer says, as a person would.
    async fn take(
        &mut self,
        plan: &Plan,
        talk: &mut Talk,
        card: &Card,
        offer: &Offer,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let provider = card.target.provider.clone();
        let mut act = Act {
            conversation: talk.id,
            turn: card.turn,
            attempt: card.attempt,
            action: offer.action,
            target: None,
            text: None,
        };
        match offer.action {
            Action::SwitchModel | Action::SwitchProvider | Action::OpenSettingsModel => {
                let other = || match offer.action {
                    Action::SwitchProvider => self.world.elsewhere(&provider, plan),
                    _ => Target {
                        provider: provider.clone(),
                        model: format!("trial-{}-b", plan.number),
                    },
                };
                // What refuses the account refuses each of its models.
                let target = match &offer.target {
                    Some(target) => target.clone(),
                    None if plan.refuses == Refuses::Account => {
                        self.world.elsewhere(&provider, plan)
                    }
                    None => other(),
                };
                talk.target = target.clone();
                act.action = Action::SwitchModel;
                act.target = Some(target);
            }
            Action::EditMessage => {
                act.text = Some(format!("Question {}, in other words.", plan.number));
            }
            Action::OpenSettingsKey => self.world.new_key(&provider)?,
            Action::OpenSettingsUrl => {
                self.world.set_address(&provider, "api")?;
                self.stage.in_order();
            }
            Action::OpenBilling
            | Action::OpenConsole
            | Action::OpenLimits
            | Action::OpenStatus
            | Action::CheckNetwork
            | Action::ContactProvider => self.stage.in_order(),
            Action::NewConversation => {
                let target = talk.target.clone();
                talk.id = self.world.engine.create(Some(target)).await?;
                talk.records = 0;
                talk.facts.clear();
                return self.begin(&Plan { begin: Begin::Prompt, ..plan.clone() }, talk).await;
            }
            _ => {}
        }
        let opens = matches!(
            offer.action,
            Action::OpenSettingsKey
                | Action::OpenSettingsUrl
                | Action::OpenBilling
                | Action::OpenConsole
                | Action::OpenLimits
                | Action::OpenStatus
                | Action::CheckNetwork
                | Action::ContactProvider
        );
        if opens {
            // Back from the page, the person sends again.
            act.action = Action::Resend;
            let resends = |o: &Offer| matches!(o.action, Action::Resend | Action::WaitAndResend);
            if !card.offers.iter().any(resends) {
                outcome.notes.push(format!("after {} nothing sends again", offer.action));
            }
        }
        match self.world.engine.act(act).await {
            Ok(()) => Ok(()),
            Err(EngineError::Busy) => anyhow::bail!("the conversation is busy"),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads from the log, and from what the provider saw, whether all is as it must be.
    async fn check(
        &self,
        plan: &Plan,
        talk: &mut Talk,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let seen = self.stage.seen();
        outcome.met = seen.faults > 0;
        outcome.wrong.extend(seen.wrong);
        let records = self.world.engine.store().records(talk.id).await?;
        let mut compactions = Vec::new();
        for record in records.iter() {
            if let Record::Turn(turn) = record
                && matches!(turn.kind, TurnKind::Compact { .. })
            {
                compactions.push((turn.id, &turn.target));
            }
        }
        for record in records.iter().skip(talk.records) {
            match record {
                Record::AttemptEnd(end)
                    if !compactions.iter().any(|(turn, _)| *turn == end.turn) =>
                {
                    let AttemptOutcome::Failed { diagnosis, evidence, .. } = &end.outcome else {
                        continue;
                    };
                    if !plan.text.allows(diagnosis.kind) && outcome.misread.is_none() {
                        let words: String = evidence.body.text().chars().take(160).collect();
                        outcome.notes.push(format!("read from: {}", words.replace('\n', " ")));
                        outcome.misread = Some((diagnosis.kind, diagnosis.because.rule.clone()));
                    }
                }
                Record::Step(step) => {
                    if let StepKind::Summarise { by, .. } = &step.kind {
                        outcome.rungs.push(match by {
                            None => "rule",
                            Some(by) if compactions.iter().any(|(_, of)| *of == by) => "same model",
                            Some(_) => "other model",
                        });
                    }
                }
                _ => {}
            }
        }
        if !outcome.answered {
            return Ok(());
        }
        if !outcome.rungs.is_empty() && !talk.facts.is_empty() {
            let kept = talk.facts.iter().filter(|fact| seen.answered.contains(*fact)).count();
            outcome.facts = Some((talk.facts.len(), kept));
        }
        let view = self.world.engine.conversation(talk.id, Lang::En).await?;
        let text = answer(&view).map(Message::text).unwrap_or_default();
        let got: Vec<&str> = text.split_whitespace().collect();
        let expected = plan.answer();
        let expected: Vec<&str> = expected.split_whitespace().collect();
        if got != expected {
            let lost = expected.iter().filter(|word| !got.contains(word)).count();
            outcome.lost = lost as u64;
            outcome.doubled = (got.len() + lost)
                .saturating_sub(expected.len())
                .max(usize::from(lost == 0)) as u64;
            let end: String =
                text.chars().rev().take(120).collect::<Vec<_>>().iter().rev().collect();
            outcome.notes.push(format!("the answer ends with {end:?}"));
        }
        Ok(())
    }
}

/// Whether this is the answer of this turn, not one that was there before.
fn is_of(plan: &Plan, message: &Message) -> bool {
    let tag = format!("t{}.", plan.number);
    message.text().split_whitespace().next().is_some_and(|word| word.starts_with(&tag))
}

/// The whole answer at the end of the conversation.
fn answer(view: &ConversationView) -> Option<&Message> {
    let last = view.items.iter().rev().find_map(|item| match item {
        Item::Message(message) => Some(&message.message),
        _ => None,
    })?;
    let whole = matches!(last.ending, Some(Ending::Complete { .. }));
    (last.role == Role::Assistant && whole && card(view).is_none()).then_some(last)
}

/// The card that waits for the person.
fn card(view: &ConversationView) -> Option<Card> {
    view.items.iter().rev().find_map(|item| match item {
        Item::Card(card) if !card.overtaken => Some((**card).clone()),
        _ => None,
    })
}

/// The offer a person takes who knows what is the matter.
fn chosen(plan: &Plan, card: &Card, clicks: usize) -> Option<Offer> {
    let leads: Vec<&Offer> =
        card.offers.iter().filter(|offer| leads_on(plan, offer.action)).collect();
    if plan.class == Class::Person {
        // Any of them has to do.
        return Random::of(plan.number, clicks as u64 + 40).pick(&leads).map(|o| (*o).clone());
    }
    if plan.class == Class::Broken && plan.number.is_multiple_of(4) {
        let resend = leads.iter().find(|offer| offer.action == Action::Resend);
        if let Some(resend) = resend {
            return Some((*resend).clone());
        }
    }
    leads.first().map(|offer| (*offer).clone())
}

/// Whether this can get over the fault.
fn leads_on(plan: &Plan, action: Action) -> bool {
    use Action as A;
    let elsewhere = matches!(action, A::SwitchModel | A::SwitchProvider | A::OpenSettingsModel);
    match &plan.refuses {
        Refuses::Times(_) => {
            let rest = action == A::Continue
                && matches!(plan.form, Form::Break { .. } | Form::Event { .. });
            rest || elsewhere || matches!(action, A::Resend | A::WaitAndResend)
        }
        Refuses::Pictures => elsewhere || action == A::ResendWithoutImages,
        Refuses::LargePictures => {
            elsewhere || matches!(action, A::ResendWithoutImages | A::ShrinkImagesAndResend)
        }
        Refuses::Large => elsewhere || matches!(action, A::CompactAndResend | A::NewConversation),
        Refuses::Output(_) => elsewhere || action == A::LowerMaxTokensAndResend,
        Refuses::Parameter(_) => elsewhere || action == A::DropParameterAndResend,
        Refuses::History => {
            elsewhere || matches!(action, A::RepairHistoryAndResend | A::NewConversation)
        }
        Refuses::Account => {
            matches!(
                action,
                A::OpenSettingsKey
                    | A::OpenBilling
                    | A::OpenConsole
                    | A::OpenLimits
                    | A::ContactProvider
                    | A::SwitchProvider
            ) || action == A::SwitchModel
        }
        Refuses::Model => elsewhere,
        Refuses::Address => matches!(action, A::OpenSettingsUrl | A::SwitchProvider),
        Refuses::Prompt => elsewhere || action == A::EditMessage,
    }
}
