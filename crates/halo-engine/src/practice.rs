//! The practice provider: an ordinary provider played by the simulator in the same process, and
//! the scenarios that can be played with it.

use halo_config::ProviderConfig;
use halo_types::{
    ConversationId, Kind, Lang, Message, MessageId, Parameters, Part, Record, Role, Target, TurnId,
};
use halo_wire::ModelInfo;
use uuid::Uuid;

use crate::{Engine, EngineError, Submission, gallery, now};

/// The preset name of the practice provider.
pub(crate) const PRESET: &str = "practice";

/// The practice provider and what it can play.
#[derive(Debug, Clone)]
pub struct Practice {
    /// How it is reached: a loopback port of its own.
    pub provider: ProviderConfig,
    /// What its models can do.
    pub models: Vec<ModelInfo>,
    /// What can be played.
    pub scenarios: Vec<PracticeScenario>,
}

/// One thing that can be played by a click.
#[derive(Debug, Clone, PartialEq)]
pub struct PracticeScenario {
    /// Its name.
    pub id: String,
    /// The group it is listed under, in English.
    pub group_en: String,
    /// The same in Chinese.
    pub group_zh: String,
    /// Its title in English.
    pub title_en: String,
    /// Its title in Chinese.
    pub title_zh: String,
    /// What happens and what to do, in English.
    pub about_en: String,
    /// The same in Chinese.
    pub about_zh: String,
    /// The prompt that is sent, in English.
    pub prompt_en: String,
    /// The same in Chinese.
    pub prompt_zh: String,
    /// The kind of error it plays, if it plays one.
    pub kind: Option<Kind>,
    /// Whether a picture goes with the prompt.
    pub picture: bool,
    /// Earlier messages to begin the conversation with, in English.
    pub history_en: Vec<(Role, String)>,
    /// The same in Chinese.
    pub history_zh: Vec<(Role, String)>,
    /// Parameters that the conversation's requests must carry.
    pub parameters: Parameters,
    /// The practice model to ask.
    pub model: String,
}

impl Engine {
    /// Plays a practice scenario or a fault of the gallery: in the conversation given, or in a new one where none is given
    /// or the scenario brings earlier messages or parameters of its own.
    ///
    /// # Errors
    /// [`EngineError::NoScenario`], and those of [`Engine::submit`].
    pub async fn play(
        &self,
        scenario: &str,
        lang: Lang,
        conversation: Option<ConversationId>,
    ) -> Result<ConversationId, EngineError> {
        let unknown = || EngineError::NoScenario(scenario.to_owned());
        let practice = self.practice().ok_or_else(unknown)?;
        let known = practice.scenarios.iter().find(|known| known.id == scenario).cloned();
        let played = &known.or_else(|| gallery::scenario(scenario, lang)).ok_or_else(unknown)?;
        let target = Target { provider: practice.provider.id.clone(), model: played.model.clone() };
        let (title, prompt, history) = match lang {
            Lang::En => (&played.title_en, &played.prompt_en, &played.history_en),
            Lang::Zh => (&played.title_zh, &played.prompt_zh, &played.history_zh),
        };
        let own = !history.is_empty() || played.parameters != Parameters::default();
        let conversation = match conversation.filter(|_| !own) {
            Some(id) => id,
            None => {
                let id = self.create(Some(target.clone())).await?;
                self.prepare(id, title, played.parameters.clone()).await?;
                self.seed(id, history).await?;
                id
            }
        };
        let images = if played.picture {
            vec![self.add_image(crate::pictures::sample(), Some("practice.png".to_owned())).await?]
        } else {
            Vec::new()
        };
        self.submit(Submission {
            turn: TurnId::new(Uuid::now_v7()),
            conversation,
            text: prompt.clone(),
            images,
            target: Some(target),
        })
        .await?;
        Ok(conversation)
    }

    /// Begins a conversation with messages that nobody sent.
    async fn seed(
        &self,
        conversation: ConversationId,
        history: &[(Role, String)],
    ) -> Result<(), EngineError> {
        let mut parent = None;
        let mut records = Vec::with_capacity(history.len());
        for (role, text) in history {
            let id = MessageId::new(Uuid::now_v7());
            records.push(Record::Message(Message {
                id,
                conversation,
                parent,
                role: *role,
                parts: vec![Part::text(text)],
                at: now(),
                origin: None,
                ending: None,
                usage: None,
            }));
            parent = Some(id);
        }
        if !records.is_empty() {
            let live = self.live(conversation).await?;
            self.append(&live, &records).await?;
        }
        Ok(())
    }
}
