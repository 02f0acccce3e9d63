//! What stands around the thread: the model picker, the context meter, the input.

use halo_config::{ProviderConfig, RecoverySettings};
use halo_engine::{ConversationView, Engine, PictureLimits, TargetInfo, TurnState};
use halo_types::{ConversationId, MessageId, Target, Usage};

use crate::clock::{self, Zone};
use crate::strings::Words;
use crate::thread::{money, tokens};

/// What can be chosen: every provider and every model known of it.
pub(crate) struct Known {
    /// In the order of the settings.
    pub(crate) providers: Vec<ProviderConfig>,
    /// By provider.
    pub(crate) targets: Vec<TargetInfo>,
    practice: Option<halo_types::ProviderId>,
    /// What may be done without asking.
    recovery: RecoverySettings,
}

impl Known {
    /// What an engine knows now.
    pub(crate) fn of(engine: &Engine) -> Self {
        Self {
            providers: engine.providers(),
            targets: engine.targets(),
            practice: engine.practice().map(|practice| practice.provider.id.clone()),
            recovery: engine.config().settings().recovery.clone(),
        }
    }

    /// Whether the person has a provider of their own.
    pub(crate) fn has_own(&self) -> bool {
        self.providers.iter().any(|provider| !self.is_practice(provider))
    }

    fn is_practice(&self, provider: &ProviderConfig) -> bool {
        self.practice.as_ref() == Some(&provider.id)
    }

    /// Whether a model's name alone could be at several providers of the person.
    fn is_ambiguous(&self) -> bool {
        self.providers.iter().filter(|provider| !self.is_practice(provider)).count() > 1
    }

    /// How the provider of a model is called.
    pub(crate) fn provider_name(&self, target: &Target, words: Words) -> String {
        match self.providers.iter().find(|provider| provider.id == target.provider) {
            Some(provider) => words.provider(&provider.name, self.is_practice(provider)),
            None => target.provider.to_string(),
        }
    }

    /// How a chosen model is called below the input.
    pub(crate) fn label(&self, target: &Target, words: Words) -> String {
        let provider = self.providers.iter().find(|provider| provider.id == target.provider);
        match provider {
            Some(provider) if self.is_practice(provider) => {
                words.t1("model-practice", "model", &target.model)
            }
            Some(provider) if self.is_ambiguous() => {
                format!("{} · {}", target.model, provider.name)
            }
            _ => target.model.clone(),
        }
    }
}

/// The models of one provider in the picker.
pub(crate) struct Group {
    /// The provider as forms carry it.
    pub(crate) id: String,
    /// The provider's name as the person gave it.
    pub(crate) provider: String,
    /// Whether it is the simulator.
    pub(crate) practice: bool,
    /// Its models.
    pub(crate) models: Vec<Choice>,
}

/// A model in the picker.
pub(crate) struct Choice {
    /// `provider/model`, as forms carry it.
    pub(crate) value: String,
    /// Its name.
    pub(crate) model: String,
    /// Its name for the button.
    pub(crate) label: String,
    /// Whether it takes pictures, where known.
    pub(crate) sees: Option<bool>,
    /// Its window as people say it.
    pub(crate) window: Option<String>,
    /// The same, in tokens.
    pub(crate) window_tokens: Option<u64>,
    /// What it takes of pictures.
    pub(crate) pictures: String,
    /// Whether it is the chosen one.
    pub(crate) chosen: bool,
}

/// The state of the input: what the next message goes to.
pub(crate) struct Composer {
    /// The conversation; `None` before the first message.
    pub(crate) conversation: Option<ConversationId>,
    /// The chosen model, as forms carry it.
    pub(crate) target: Option<String>,
    /// Its name for the button.
    pub(crate) model: String,
    /// Whether it is the practice provider's.
    pub(crate) practice: bool,
    /// Whether it takes pictures, where known.
    pub(crate) vision: Option<bool>,
    /// Whether an answer is under way or awaited.
    pub(crate) busy: bool,
    /// What waits to be sent.
    pub(crate) waits: Option<WaitNote>,
    /// What is known to go wrong with the next request.
    pub(crate) forewarned: Vec<String>,
    /// Whether a compaction would make room for it.
    pub(crate) can_compact: bool,
    /// From which share of a window on, in percent, compaction is offered.
    pub(crate) compact_at_percent: u64,
    /// Whether it is done without asking.
    pub(crate) always_compact: bool,
    /// The window of the chosen model, in tokens, where known.
    pub(crate) window: Option<u64>,
    /// Pictures of the conversation that the next request will hold.
    pub(crate) images: u32,
    /// How many of them the chosen model refuses as they are.
    pub(crate) large: u32,
    /// Whether such pictures are made smaller by themselves.
    pub(crate) shrinks: bool,
    /// What the chosen model takes of pictures.
    pub(crate) pictures: String,
    /// How full the window will be.
    pub(crate) meter: Option<MeterText>,
    /// Every provider with its models.
    pub(crate) groups: Vec<Group>,
    /// Whether the button names the provider too.
    pub(crate) ambiguous: bool,
    /// Text to begin with.
    pub(crate) text: String,
    /// The prompt that is being edited.
    pub(crate) edit: Option<MessageId>,
    /// An id for the next turn, for browsers without scripts.
    pub(crate) turn: uuid::Uuid,
}

/// A message that waits to be sent, so that another one has to wait for it.
pub(crate) struct WaitNote {
    /// Its turn.
    pub(crate) turn: halo_types::TurnId,
    /// That it waits, and until when.
    pub(crate) text: String,
    /// What is said to one who wants to send another one.
    pub(crate) busy: String,
}

impl WaitNote {
    fn of(view: &ConversationView, words: Words, zone: Zone) -> Option<Self> {
        let turn = view.running.as_ref()?.turn;
        let (text, busy) = match view.waits.as_ref()? {
            TurnState::Waiting { until, .. } => {
                let time = zone.near_text(*until, clock::now());
                (words.t1("waits-note", "time", &time), words.t1("waits-busy", "time", &time))
            }
            _ => (words.t("waits-note-in-line"), words.t("waits-busy-in-line")),
        };
        Some(Self { turn, text, busy })
    }
}

/// The context meter.
pub(crate) struct MeterText {
    /// In words.
    pub(crate) text: String,
    /// Tokens of the next request.
    pub(crate) tokens: u64,
    /// The window, where known.
    pub(crate) window: Option<u64>,
}

impl Composer {
    /// The input of a conversation.
    pub(crate) fn of(view: &ConversationView, known: &Known, words: Words, zone: Zone) -> Self {
        let mut composer = Self::new(view.target.as_ref(), known, words);
        composer.conversation = Some(view.meta.id);
        composer.vision = view.vision;
        composer.busy = view.running.is_some();
        composer.waits = WaitNote::of(view, words, zone);
        composer.images = view.meter.images;
        composer.large = view.meter.refused.large;
        composer.shrinks = view.meter.shrinks;
        composer.window = view.meter.window;
        composer.can_compact = view.meter.compaction.is_some();
        composer.forewarned = forewarned(view, known, words);
        composer.meter = (view.meter.tokens > 0).then(|| meter(view, known, words));
        composer
    }

    /// The input before there is a conversation.
    pub(crate) fn new(target: Option<&Target>, known: &Known, words: Words) -> Self {
        let info =
            target.and_then(|target| known.targets.iter().find(|info| info.target == *target));
        let practice = info.is_some_and(|info| info.practice);
        Self {
            conversation: None,
            target: target.map(ToString::to_string),
            model: match target {
                Some(target) => known.label(target, words),
                None => words.t("model-none"),
            },
            practice,
            vision: info.and_then(|info| info.vision),
            busy: false,
            waits: None,
            meter: None,
            forewarned: Vec::new(),
            can_compact: false,
            compact_at_percent: known.recovery.compact_at_percent.into(),
            always_compact: known.recovery.always_compact,
            images: 0,
            large: 0,
            shrinks: false,
            pictures: info.map(|info| limits(&info.pictures)).unwrap_or_default(),
            window: info.and_then(|info| info.window),
            groups: groups(target, known, words),
            ambiguous: known.is_ambiguous(),
            text: String::new(),
            edit: None,
            turn: uuid::Uuid::now_v7(),
        }
    }
}

/// What is known to go wrong with the next request, whatever is written. With scripts the page
/// says it of what is written, too.
fn forewarned(view: &ConversationView, known: &Known, words: Words) -> Vec<String> {
    let meter = &view.meter;
    let model = view.target.as_ref().map(|target| target.model.clone()).unwrap_or_default();
    let blind = (view.vision == Some(false) && meter.images > 0)
        .then(|| words.t1("forewarn-blind", "model", &model));
    // What is compacted without asking needs no warning.
    let by_itself = known.recovery.always_compact && meter.compaction.is_some();
    let full = meter.window.filter(|_| !by_itself).and_then(|window| {
        let (used, read) = (tokens(meter.tokens), tokens(window));
        if meter.tokens > window {
            return Some(words.t2("forewarn-full", ("used", &used), ("window", &read)));
        }
        let (_, after) = meter.compaction?;
        let near = words.t2("forewarn-near", ("used", &used), ("window", &read));
        Some(format!("{near} {}", words.t1("forewarn-compact", "after", tokens(after))))
    });
    let refused = &meter.refused;
    let large = (refused.large > 0 && !meter.shrinks).then(|| {
        words.t2("forewarn-large", ("model", &model), ("count", &refused.large.to_string()))
    });
    let many = refused
        .many
        .map(|(_, most)| words.t2("forewarn-many", ("model", &model), ("most", &most.to_string())));
    let pictures = large.into_iter().chain(many).filter(|_| blind.is_none());
    pictures.chain(blind.clone()).chain(full).collect()
}

/// What a model takes of pictures, for the script that looks at those in the input: bytes, side,
/// side in a crowd, count and whether GIFs are refused; zero where nothing is known.
fn limits(pictures: &PictureLimits) -> String {
    let known = |limit: Option<u64>| limit.unwrap_or(0);
    let (crowd, side) = pictures.crowded.unwrap_or((0, 0));
    let figures = [known(pictures.bytes), known(pictures.side), crowd, side, known(pictures.count)];
    let mut out = figures.map(|figure| figure.to_string()).join(" ");
    out.push_str(if pictures.no_gif { " 1" } else { " 0" });
    out
}

fn meter(view: &ConversationView, known: &Known, words: Words) -> MeterText {
    let used = tokens(view.meter.tokens);
    let text = match view.meter.window {
        Some(window) => words.t2("meter", ("used", &used), ("window", &tokens(window))),
        None => words.t1("meter-unknown", "used", used),
    };
    // What is read can be reckoned before; what will be written cannot.
    let info = known.targets.iter().find(|info| Some(&info.target) == view.target.as_ref());
    let read = Usage { input: Some(view.meter.tokens), output: Some(0), ..Usage::default() };
    let cost = info.and_then(|info| info.price?.cost(&read)).filter(|cost| *cost > 0);
    let text = match cost {
        Some(cost) => format!("{text} · {}", words.t1("meter-cost", "cost", money(cost))),
        None => text,
    };
    MeterText { text, tokens: view.meter.tokens, window: view.meter.window }
}

/// Every provider with its models.
pub(crate) fn groups(chosen: Option<&Target>, known: &Known, words: Words) -> Vec<Group> {
    let choices = |provider: &ProviderConfig| {
        let of = known.targets.iter().filter(|info| info.target.provider == provider.id);
        of.map(|info| Choice {
            value: info.target.to_string(),
            model: info.target.model.clone(),
            label: known.label(&info.target, words),
            sees: info.vision,
            window: info.window.map(tokens),
            window_tokens: info.window,
            pictures: limits(&info.pictures),
            chosen: chosen == Some(&info.target),
        })
        .collect()
    };
    known
        .providers
        .iter()
        .map(|provider| {
            let practice = known.is_practice(provider);
            Group {
                id: provider.id.to_string(),
                provider: words.provider(&provider.name, practice),
                practice,
                models: choices(provider),
            }
        })
        .collect()
}

/// Reads `provider/model`; the model's own name may hold slashes.
pub(crate) fn target(text: &str) -> Option<Target> {
    let (provider, model) = text.trim().split_once('/')?;
    let model = model.trim();
    (!model.is_empty())
        .then(|| Some(Target { provider: provider.parse().ok()?, model: model.to_owned() }))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_split_at_the_first_slash() {
        let read = target(" openrouter/meta/llama:free ").unwrap();
        assert_eq!(read.provider.as_str(), "openrouter");
        assert_eq!(read.model, "meta/llama:free");
        for wrong in ["", "openai", "openai/", "/gpt", "Open AI/gpt"] {
            assert_eq!(target(wrong), None, "{wrong}");
        }
    }
}
