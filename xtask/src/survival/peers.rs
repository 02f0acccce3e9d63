//! The official SDKs on the same faults, in real time, beside Halo.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use halo_types::{BlobId, Blobs, ChatRequest, ImageRef, Part, Protocol, RequestMessage, Role};
use halo_wire::{EncodeOptions, encode};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::drive::Session;
use super::plan::{Begin, Class, History, Plan, Refuses};
use super::pool::Pool;
use super::stage::{KEY, Stages};
use super::tally::ratio;
use super::world::{Allowed, FIRST_BYTE, World, noise, past, settings_of};

/// Turns that are played by each.
const SAMPLE: usize = 200;
/// The longest wait a fault may ask for, so that real time stays short.
const LONGEST_WAIT_MS: u64 = 3_000;
/// Numbers of worlds that no other run has.
const FIRST_WORLD: u64 = 2_000_000;
/// Turns at once.
const AT_ONCE: usize = 16;

/// One SDK's, or Halo's, share.
#[derive(Debug, Default)]
struct Share {
    asked: u64,
    answered: u64,
    silent: u64,
    by_class: BTreeMap<Class, (u64, u64)>,
}

impl Share {
    fn add(&mut self, class: Class, answered: bool, silent: bool) {
        self.asked += 1;
        self.answered += u64::from(answered);
        self.silent += u64::from(silent);
        let of = self.by_class.entry(class).or_default();
        of.0 += 1;
        of.1 += u64::from(answered);
    }
}

/// What came of the sample.
pub(super) struct Beside {
    versions: Value,
    shares: BTreeMap<String, Share>,
}

#[derive(Deserialize)]
struct Verdict {
    number: u64,
    sdk: String,
    answered: bool,
    silent: bool,
}

/// Plays the sample with the SDKs and with Halo.
pub(super) async fn run(
    seed: u64,
    pool: &Pool,
    stages: &Arc<Stages>,
    address: SocketAddr,
) -> anyhow::Result<Beside> {
    let plans: Vec<Plan> = (0..)
        .map(|number| Plan::draw(pool, seed, FIRST_WORLD + number))
        .filter(|plan| {
            plan.protocol != Protocol::Gemini
                && plan.text.told_ms.is_none_or(|ms| ms <= LONGEST_WAIT_MS)
        })
        .map(alone)
        .take(SAMPLE)
        .collect();
    let mut beside = Beside { versions: Value::Null, shares: BTreeMap::new() };
    sdks(&plans, stages, address, &mut beside).await?;
    halo(&plans, stages, address, &mut beside).await?;
    Ok(beside)
}

/// The plan as a turn of a conversation of its own.
fn alone(mut plan: Plan) -> Plan {
    plan.begin = Begin::Prompt;
    plan.compact_first = false;
    if plan.history == History::Going {
        plan.history = History::New;
    }
    plan
}

async fn halo(
    plans: &[Plan],
    stages: &Arc<Stages>,
    address: SocketAddr,
    beside: &mut Beside,
) -> anyhow::Result<()> {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = Vec::new();
    for plan in plans.iter().cloned() {
        let (slots, stages) = (slots.clone(), stages.clone());
        tasks.push(tokio::spawn(async move {
            let _slot = slots.acquire_owned().await?;
            let stage = stages.open(plan.number);
            let world = World::open(plan.number, address, Allowed::Everything, false).await?;
            let mut session = Session::new(world, stage);
            let outcome = session.play(&plan).await?;
            session.world.close().await;
            stages.close(plan.number);
            anyhow::Ok((plan.class, outcome.healed()))
        }));
    }
    for task in tasks {
        let (class, healed) = task.await.context("a world broke down")??;
        beside.shares.entry("halo".to_owned()).or_default().add(class, healed, false);
    }
    Ok(())
}

async fn sdks(
    plans: &[Plan],
    stages: &Stages,
    address: SocketAddr,
    beside: &mut Beside,
) -> anyhow::Result<()> {
    let python = python().await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/sdks.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(FIRST_BYTE.as_secs_f64().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("Python cannot be started")?;
    let mut lines = String::new();
    for plan in plans {
        stages.open(plan.number).begin(plan.clone());
        let line = json!({
            "number": plan.number,
            "protocol": plan.protocol.as_str(),
            "base": format!("http://{address}/{}", base_of(plan)),
            "key": format!("{KEY}{}-sdk", plan.number),
            "body": body(plan)?,
            "expected": plan.answer(),
        });
        let _ = writeln!(lines, "{line}");
    }
    let mut input = child.stdin.take().context("Python has no input")?;
    let writer = tokio::spawn(async move { input.write_all(lines.as_bytes()).await });
    let output = child.stdout.take().context("Python has no output")?;
    let mut output = BufReader::new(output).lines();
    let head = output.next_line().await?.context("the SDKs do not start")?;
    beside.versions = serde_json::from_str(&head)?;
    let classes: BTreeMap<u64, Class> =
        plans.iter().map(|plan| (plan.number, plan.class)).collect();
    while let Some(line) = output.next_line().await? {
        let verdict: Verdict = serde_json::from_str(&line)?;
        let class = classes.get(&verdict.number).context("an answer to nothing")?;
        let share = beside.shares.entry(verdict.sdk).or_default();
        share.add(*class, verdict.answered, verdict.silent);
    }
    writer.await??;
    ensure!(child.wait().await?.success(), "the SDKs ended with an error");
    for plan in plans {
        stages.close(plan.number);
    }
    Ok(())
}

fn base_of(plan: &Plan) -> &'static str {
    if plan.refuses == Refuses::Address { "wrong" } else { "api" }
}

/// The request of the turn as its protocol writes it.
fn body(plan: &Plan) -> anyhow::Result<Value> {
    let mut random = super::random::Random::of(plan.number, 77);
    let (turns, _) = past(plan, &mut random);
    let (system, parameters) = settings_of(plan);
    let mut messages: Vec<RequestMessage> =
        turns.into_iter().map(|(role, parts)| RequestMessage { role, parts }).collect();
    let mut blobs = Blobs::default();
    let mut parts = Vec::new();
    for nth in 0..plan.pictures {
        let bytes = noise(plan, nth)?;
        let blob = BlobId::from_digest(&Sha256::digest(&bytes).into());
        parts.push(Part::Image(ImageRef {
            blob: blob.clone(),
            media_type: "image/png".to_owned(),
            width: 160,
            height: 120,
            bytes: bytes.len() as u64,
            name: None,
        }));
        blobs.insert(blob, bytes);
    }
    parts.push(Part::text(plan.prompt()));
    messages.push(RequestMessage { role: Role::User, parts });
    let request = ChatRequest {
        model: format!("trial-{}-0", plan.number),
        system,
        messages,
        max_tokens: parameters.max_tokens,
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        stream: true,
        ..ChatRequest::default()
    };
    let body = encode(plan.protocol, &request, &blobs, &EncodeOptions::default())?;
    Ok(serde_json::from_slice(&body)?)
}

/// A Python with the SDKs, as `tests/sdk/run` makes it.
async fn python() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let home = std::env::var_os("HALO_SDK_VENV")
        .map_or_else(|| root.join("target/sdk-venv"), PathBuf::from);
    let wanted = root.join("tests/sdk/requirements.txt");
    let ready = home.join("installed.txt");
    let python = home.join("bin/python");
    let current = std::fs::read(&wanted)?;
    if std::fs::read(&ready).ok().as_deref() != Some(&current[..]) {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status().await?;
        ensure!(made.success(), "python3 cannot make a place for the SDKs");
        let installed = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&wanted)
            .status()
            .await?;
        ensure!(installed.success(), "the SDKs cannot be installed");
        std::fs::write(&ready, &current)?;
    }
    Ok(python)
}

impl Beside {
    pub(super) fn json(&self) -> Value {
        let shares: serde_json::Map<String, Value> = self
            .shares
            .iter()
            .map(|(who, share)| {
                let classes: serde_json::Map<String, Value> = share
                    .by_class
                    .iter()
                    .map(|(class, (asked, answered))| {
                        let figures = json!({"asked": asked, "answered": answered});
                        (class.as_str().replace(' ', "_"), figures)
                    })
                    .collect();
                let figures = json!({
                    "asked": share.asked,
                    "answered_share": ratio(share.answered, share.asked),
                    "silently_cut": share.silent,
                    "classes": classes,
                });
                (who.clone(), figures)
            })
            .collect();
        json!({"versions": self.versions, "shares": shares})
    }

    pub(super) fn text(&self) -> String {
        let mut out = format!(
            "The official SDKs with their default retries, and Halo, on the same faults in real \
             time {}\n  {:<12}{:>7}{:>10}{:>14}",
            self.versions, "", "asked", "answered", "silently cut"
        );
        for class in Class::ALL {
            let _ = write!(out, "{:>20}", class.as_str());
        }
        out.push('\n');
        for (who, share) in &self.shares {
            let answered = format!("{:.1} %", 100.0 * ratio(share.answered, share.asked));
            let _ = write!(out, "  {who:<12}{:>7}{answered:>10}{:>14}", share.asked, share.silent);
            for class in Class::ALL {
                let (asked, answered) = share.by_class.get(&class).copied().unwrap_or_default();
                let _ = write!(out, "{:>20}", format!("{answered}/{asked}"));
            }
            out.push('\n');
        }
        out
    }
}
