//! A person's Halo: an engine with its store, four providers, and conversations.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use halo_config::{
    Config, ConnectionSettings, Environment, Flags, Paths, ProviderConfig, Reach, Settings,
};
use halo_engine::{Clock, Engine, Options};
use halo_store_sqlite::SqliteStore;
use halo_transport::ClientOptions;
use halo_types::{
    ConversationId, ConversationMeta, Ending, ImageRef, Message, MessageId, Parameters, Part,
    Protocol, ProviderId, Record, Role, StopReason, Target,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::plan::{History, Plan, Refuses};
use super::random::Random;
use super::stage::KEY;

/// How long the first byte of an answer may take, in real time.
pub(super) const FIRST_BYTE: Duration = Duration::from_millis(2_500);
/// How much faster than time the engine's clock runs: an hour passes in 36 milliseconds.
const TIMES: u32 = 100_000;

/// What Halo is allowed to do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// What it may do where nobody changed a setting.
    Default,
    /// Everything that a person may allow.
    Everything,
}

/// Allows everything that a person may allow.
fn allow_everything(settings: &mut Settings) {
    let recovery = &mut settings.recovery;
    recovery.retry_automatically = true;
    recovery.max_tries = 8;
    recovery.max_wait_in_line_s = 3_600;
    recovery.always_omit_images = true;
    recovery.always_shrink_images = true;
    recovery.always_compact = true;
    recovery.failover = Reach::Models;
    recovery.ladder = Protocol::ALL
        .iter()
        .map(|protocol| Target { provider: id_of(*protocol), model: "spare".to_owned() })
        .collect();
}

/// An engine and what belongs to it.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) number: u64,
    address: SocketAddr,
    /// Keys that were made, so that each is new.
    keys: u64,
    _data: TempDir,
}

impl World {
    pub(super) async fn open(
        number: u64,
        address: SocketAddr,
        allowed: Allowed,
        fast: bool,
    ) -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let paths = Paths::resolve(Some(data.path().to_owned()))?;
        let config = Config::load_with(paths, Environment::fixed([("", ""); 0]), Flags::default())?;
        config.update(|settings| {
            settings.providers =
                Protocol::ALL.iter().map(|protocol| provider(*protocol, address, "api")).collect();
            if allowed == Allowed::Everything {
                allow_everything(settings);
            }
        })?;
        for protocol in Protocol::ALL {
            config.set_keys(
                &id_of(*protocol),
                &[key(number, *protocol, 0), key(number, *protocol, 1)],
            )?;
        }
        let store = Arc::new(SqliteStore::open(&config.paths().database()).await?);
        let client = ClientOptions {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: FIRST_BYTE,
            idle_timeout: Duration::from_millis(1_500),
            ..ClientOptions::default()
        };
        let clock = if fast { Clock::fast(TIMES) } else { Clock::default() };
        let engine = Engine::open(Options { client, clock, ..Options::new(config, store) }).await?;
        Ok(Self { engine, number, address, keys: 1, _data: data })
    }

    pub(super) async fn close(self) {
        self.engine.close().await;
    }

    /// A model nobody has asked yet.
    pub(super) fn model(&self, plan: &Plan, nth: u64) -> Target {
        let model = format!("trial-{}-{nth}", plan.number);
        Target { provider: id_of(plan.protocol), model }
    }

    /// A provider that speaks another protocol.
    pub(super) fn elsewhere(&self, from: &ProviderId, plan: &Plan) -> Target {
        let other = Protocol::ALL.iter().map(|p| id_of(*p)).find(|id| id != from);
        let provider = other.unwrap_or_else(|| from.clone());
        Target { provider, model: format!("trial-{}-else", plan.number) }
    }

    /// The person pastes another key.
    pub(super) fn new_key(&mut self, provider: &ProviderId) -> anyhow::Result<()> {
        self.keys += 1;
        let protocol = protocol_of(provider);
        Ok(self.engine.config().set_keys(provider, &[key(self.number, protocol, self.keys)])?)
    }

    /// The person sets the base URL: `api` is right.
    pub(super) fn set_address(&self, provider: &ProviderId, base: &str) -> anyhow::Result<()> {
        let protocol = protocol_of(provider);
        Ok(self.engine.config().save_provider(self::provider(protocol, self.address, base))?)
    }

    /// A conversation with what the plan wants to have stood in it before, and the facts in it
    /// that a summary has to keep.
    pub(super) async fn converse(
        &self,
        plan: &Plan,
        target: &Target,
    ) -> anyhow::Result<(ConversationId, Vec<String>)> {
        let id = self.engine.create(Some(target.clone())).await?;
        let mut random = Random::of(plan.number, 77);
        let (turns, facts) = past(plan, &mut random);
        let (system, parameters) = settings_of(plan);
        let at = self.engine.now();
        let mut records = vec![Record::Conversation(ConversationMeta {
            id,
            created_at: at,
            title: String::new(),
            title_by_person: false,
            pinned: false,
            target: Some(target.clone()),
            system,
            parameters,
        })];
        let mut parent = None;
        for (role, parts) in turns {
            let message = MessageId::new(Uuid::now_v7());
            records.push(Record::Message(Message {
                id: message,
                conversation: id,
                parent,
                role,
                parts,
                at,
                origin: None,
                ending: (role == Role::Assistant)
                    .then_some(Ending::Complete { stop: StopReason::End }),
                usage: None,
            }));
            parent = Some(message);
        }
        self.engine.store().append(id, &records).await.context("a past could not be stored")?;
        Ok((id, facts))
    }

    /// Pictures for a prompt.
    pub(super) async fn pictures(&self, plan: &Plan) -> anyhow::Result<Vec<ImageRef>> {
        let mut pictures = Vec::new();
        for nth in 0..plan.pictures {
            pictures.push(self.engine.add_image(noise(plan, nth)?, None).await?);
        }
        Ok(pictures)
    }
}

/// System prompt and parameters of the plan's conversation.
pub(super) fn settings_of(plan: &Plan) -> (Option<String>, Parameters) {
    let mut parameters = Parameters::default();
    let mut system = plan.number.is_multiple_of(3).then(|| "Answer in words.".to_owned());
    match &plan.refuses {
        Refuses::Parameter(name) => match name.as_str() {
            "temperature" => parameters.temperature = Some(0.7),
            "top_p" => parameters.top_p = Some(0.9),
            "max_tokens" => parameters.max_tokens = Some(2_000),
            "system" => system = Some("Answer in words.".to_owned()),
            _ => {}
        },
        Refuses::Output(limit) => parameters.max_tokens = Some((limit * 4).max(100_000)),
        _ => {}
    }
    (system, parameters)
}

/// A picture that compresses badly, as photographs do.
pub(super) fn noise(plan: &Plan, nth: usize) -> anyhow::Result<Vec<u8>> {
    let mut random = Random::of(plan.number, 900 + nth as u64);
    let picture = image::RgbImage::from_fn(160, 120, |_, _| {
        let [r, g, b, ..] = random.next().to_le_bytes();
        image::Rgb([r, g, b])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// What was said before, and the facts in it.
pub(super) fn past(plan: &Plan, random: &mut Random) -> (Vec<(Role, Vec<Part>)>, Vec<String>) {
    const NAMES: &[&str] = &["Maribel", "Oskar", "Ingrid", "Tadeusz", "Yara", "Lennart"];
    const THINGS: &[&str] = &["SQLite", "Postgres", "Kafka", "Redis", "Nginx", "Podman"];
    const FILLER: &str = "We left the harbour before sunrise and followed the coast to the north. \
        The wind was steady and the crew mended two sails. At noon we counted the barrels. ";
    let mut turns = Vec::new();
    let mut facts = Vec::new();
    match plan.history {
        History::Going | History::New => {
            for n in 0..random.below(3) {
                let said = format!("Earlier question {n} of {}.", plan.number);
                turns.push((Role::User, vec![Part::text(said)]));
                turns.push((Role::Assistant, vec![Part::text(FILLER)]));
            }
        }
        History::Long { messages } => {
            for n in 0..messages {
                let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
                let tag = plan.number * 100 + n;
                let first = match n {
                    2 => {
                        let name = random.pick(NAMES).copied().unwrap_or_default();
                        facts.push(format!("{name} Varga-{tag}"));
                        format!("Our contact is {name} Varga-{tag}.")
                    }
                    4 => {
                        facts.push(format!("{tag}.75 litres"));
                        format!("The tank holds {tag}.75 litres.")
                    }
                    6 => {
                        let thing = random.pick(THINGS).copied().unwrap_or_default();
                        facts.push(format!("use {thing}-{tag}"));
                        format!("We decided to use {thing}-{tag}.")
                    }
                    _ => format!("Note {n} of the journey."),
                };
                let repeats = 2 + usize::try_from(random.below(5)).unwrap_or_default();
                turns.push((role, vec![Part::text(format!("{first} {}", FILLER.repeat(repeats)))]));
            }
        }
        History::Tools => {
            let call = format!("call_{}", plan.number);
            turns.push((Role::User, vec![Part::text("What is the weather in the harbour?")]));
            turns.push((
                Role::Assistant,
                vec![
                    Part::Thinking {
                        text: "I should ask the tool.".to_owned(),
                        signature: Some("c2lnbmVk".to_owned()),
                        redacted: None,
                        protocol: Some(plan.protocol),
                    },
                    Part::ToolCall {
                        id: call.clone(),
                        name: "weather".to_owned(),
                        arguments: "{\"place\":\"harbour\"}".to_owned(),
                    },
                ],
            ));
            turns.push((
                Role::User,
                vec![Part::ToolResult {
                    call_id: call,
                    text: "Calm, 14 degrees.".to_owned(),
                    is_error: false,
                }],
            ));
            turns.push((Role::Assistant, vec![Part::text("It is calm, at 14 degrees.")]));
        }
    }
    (turns, facts)
}

pub(super) fn id_of(protocol: Protocol) -> ProviderId {
    let id = format!("sim-{protocol}");
    id.parse().expect("the names of protocols are names of providers")
}

fn protocol_of(id: &ProviderId) -> Protocol {
    let found = Protocol::ALL.iter().copied().find(|protocol| id_of(*protocol) == *id);
    found.unwrap_or(Protocol::OpenaiChat)
}

fn key(world: u64, protocol: Protocol, nth: u64) -> String {
    format!("{KEY}{world}-{protocol}-{nth}-0123456789")
}

fn provider(protocol: Protocol, address: SocketAddr, base: &str) -> ProviderConfig {
    let preset = match protocol {
        Protocol::Anthropic => "anthropic-compatible",
        Protocol::OpenaiChat => "openai-compatible",
        Protocol::OpenaiResponses => "openai-responses-compatible",
        Protocol::Gemini => "gemini-compatible",
    };
    ProviderConfig {
        id: id_of(protocol),
        name: format!("Simulated {protocol}"),
        preset: preset.to_owned(),
        protocol,
        base_url: format!("http://{address}/{base}"),
        key_env: None,
        needs_key: true,
        models: vec!["spare".to_owned()],
        connection: ConnectionSettings::default(),
    }
}
