//! `crash`: the binary is killed at random moments under load. Is every prompt still there, every
//! answer as it was sent, and nothing sent twice?

mod check;
mod process;
mod witness;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use halo_config::{Config, ConnectionSettings, Environment, Flags, Paths, ProviderConfig};
use halo_sim::{SimOptions, Simulator};
use halo_types::{ConversationId, Protocol, TurnId};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::survival::Random;
use check::{Found, check};
use process::App;
use witness::Witness;

/// How long the last process may take, without getting on, to bring what runs and waits to its end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many prompts back the look after a round goes.
const LATEST: usize = 100;
/// How many people write at once.
const WRITERS: u64 = 4;

struct Args {
    rounds: u64,
    seed: u64,
    halo: PathBuf,
    json: bool,
}

/// What was acknowledged, and where.
#[derive(Debug, Clone)]
struct Prompt {
    number: u64,
    turn: TurnId,
    conversation: ConversationId,
}

/// What the whole trial is about.
struct Trial {
    data: PathBuf,
    halo: PathBuf,
    witness: Arc<Witness>,
    prompts: Mutex<Vec<Prompt>>,
    conversations: Mutex<Vec<ConversationId>>,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct Sum {
    kills: u64,
    seconds_refused: u64,
    seconds_wrong: u64,
    continued: u64,
    found: Found,
    notes: Vec<String>,
}

/// Runs `crash [--rounds N] [--seed N] [--halo BIN] [--json]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let args = parse(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(crash(args))
}

fn parse(args: &[String]) -> anyhow::Result<Args> {
    let beside = std::env::current_exe()?.with_file_name("halo");
    let mut parsed = Args { rounds: 20, seed: 1, halo: beside, json: false };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut word = || rest.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--rounds" => parsed.rounds = word()?.parse().context("--rounds is a number")?,
            "--seed" => parsed.seed = word()?.parse().context("--seed is a number")?,
            "--halo" => parsed.halo = PathBuf::from(word()?),
            "--json" => parsed.json = true,
            other => bail!("crash does not know {other:?}"),
        }
    }
    if !parsed.halo.is_file() {
        bail!("there is no program {}; build it with: cargo build", parsed.halo.display());
    }
    Ok(parsed)
}

#[expect(clippy::print_stdout, reason = "the report")]
async fn crash(args: Args) -> anyhow::Result<()> {
    let began = Instant::now();
    let data = TempDir::new()?;
    let witness = Arc::new(Witness::new(args.seed));
    let options = SimOptions { speed: 1.0, journal: 16, ..SimOptions::default() };
    let sim = Simulator::directed(options, witness.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    configure(data.path(), &format!("http://{}", listener.local_addr()?))?;
    let stop = CancellationToken::new();
    let server = tokio::spawn(halo_sim::serve(listener, sim, stop.clone()));
    let trial = Arc::new(Trial {
        data: data.path().to_owned(),
        halo: args.halo.clone(),
        witness,
        prompts: Mutex::default(),
        conversations: Mutex::default(),
        next: AtomicU64::new(0),
    });
    let mut sum = Sum::default();
    for round in 0..args.rounds {
        let mut random = Random::of(args.seed, round);
        trial.round(&mut random, &mut sum).await.with_context(|| format!("round {round}"))?;
        let whole = round % 20 == 19;
        let found =
            trial.look(whole, false).await.with_context(|| format!("after round {round}"))?;
        for note in &found.notes {
            sum.notes.push(format!("after round {round}: {note}"));
        }
        sum.found = found;
    }
    // Whatever runs or waits has to come to its end.
    let app = App::start(&trial.halo, &trial.data).await?;
    app.idle(PATIENCE).await;
    app.interrupt().await?;
    let found = trial.look(true, true).await?;
    sum.notes.extend(found.notes.iter().map(|note| format!("at the end: {note}")));
    sum.found = found;
    stop.cancel();
    let _ = server.await;
    let report = trial.report(&args, &sum, began.elapsed());
    println!("{}", trial.text(&args, &sum, began.elapsed()));
    if args.json {
        println!("{report}");
    }
    if sum.is_good() { Ok(()) } else { bail!("there are faults") }
}

impl Sum {
    fn is_good(&self) -> bool {
        let found = &self.found;
        let faults = found.lost_prompts
            + found.bad_answers
            + found.sent_twice
            + found.unrecorded
            + found.integrity_errors
            + found.without_end
            + self.seconds_wrong
            + found.unresumed;
        // What was found on the way and is gone at the end was a fault all the same.
        faults == 0 && self.notes.is_empty()
    }
}

impl Trial {
    /// Load on a process, a second process beside it, and the kill.
    async fn round(self: &Arc<Self>, random: &mut Random, sum: &mut Sum) -> anyhow::Result<()> {
        let app = Arc::new(if random.percent(15) {
            let (app, refused) = App::start_two(&self.halo, &self.data).await?;
            sum.seconds_refused += u64::from(refused);
            sum.seconds_wrong += u64::from(!refused);
            app
        } else {
            App::start(&self.halo, &self.data).await?
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (trial, app) = (Arc::clone(self), Arc::clone(&app));
                let random = Random::of(random.next(), 0);
                tokio::spawn(async move { trial.write(&app, random).await })
            })
            .collect();
        if let Some((conversation, message)) = self.broken(random).await? {
            let path = format!("/c/{conversation}/messages/{message}/continue");
            if app.post(&path, &[]).await.is_ok_and(|answer| answer.status == 303) {
                sum.continued += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(150 + random.below(1_600))).await;
        if random.percent(20) {
            let refused = App::is_refused(&self.halo, &self.data).await?;
            sum.seconds_refused += u64::from(refused);
            sum.seconds_wrong += u64::from(!refused);
        }
        app.kill().await?;
        sum.kills += 1;
        for writer in writers {
            writer.abort();
            let _ = writer.await;
        }
        Ok(())
    }

    /// Writes prompts until the process is gone.
    async fn write(&self, app: &App, mut random: Random) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let turn = TurnId::new(Uuid::now_v7());
            let known = {
                let all = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
                random.pick(&all).copied()
            };
            let path = match known {
                Some(id) if random.percent(60) => format!("/c/{id}/messages"),
                _ => "/messages".to_owned(),
            };
            let target = ["witness-a/trial", "witness-b/trial"];
            let text = witness::prompt(number);
            let (turn_text, target) =
                (turn.to_string(), *random.pick(&target).unwrap_or(&"witness-a/trial"));
            let fields = [("turn", turn_text.as_str()), ("text", &text), ("target", target)];
            match app.post(&path, &fields).await {
                Ok(answer) if answer.status == 303 => {
                    let address = answer.header("location").unwrap_or_default();
                    let id = address.trim_start_matches("/c/").parse::<ConversationId>();
                    if let Ok(conversation) = id {
                        let prompt = Prompt { number, turn, conversation };
                        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).push(prompt);
                        let mut all =
                            self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
                        if !all.contains(&conversation) {
                            all.push(conversation);
                        }
                    }
                }
                // The conversation is busy.
                Ok(_) => {}
                Err(_) => return,
            }
            tokio::time::sleep(Duration::from_millis(20 + random.below(250))).await;
        }
    }

    /// An answer that broke off, to be continued.
    async fn broken(
        &self,
        random: &mut Random,
    ) -> anyhow::Result<Option<(ConversationId, String)>> {
        let broken = self.witness.broken();
        Ok(random.pick(&broken).filter(|_| random.clone().percent(60)).cloned())
    }

    /// What the store holds now, beside what was acknowledged and seen: all of it, or what the
    /// latest prompts belong to.
    async fn look(&self, whole: bool, at_the_end: bool) -> anyhow::Result<Found> {
        let prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let database = self.data.join("halo.db");
        let first = if whole { 0 } else { prompts.len().saturating_sub(LATEST) };
        let only: HashSet<_> = prompts[first..].iter().map(|prompt| prompt.conversation).collect();
        let only = if whole { None } else { Some(&only) };
        let mut found = check(&database, &prompts, &self.witness, only, at_the_end).await?;
        match integrity(&database) {
            Some(words) if words != "ok" => {
                found.integrity_errors += 1;
                found.notes.push(format!("integrity_check says {words}"));
            }
            Some(_) => found.integrity_checks += 1,
            None => {}
        }
        Ok(found)
    }

    fn report(&self, args: &Args, sum: &Sum, took: Duration) -> serde_json::Value {
        let found = &sum.found;
        json!({
            "rounds": args.rounds,
            "kills": sum.kills,
            "prompts": found.prompts,
            "requests": self.witness.requests(),
            "answers": found.answers,
            "partial_answers": found.partial,
            "continued": sum.continued,
            "lost_prompts": found.lost_prompts,
            "bad_answers": found.bad_answers,
            "unrecorded_requests": found.unrecorded,
            "sent_twice": found.sent_twice,
            "waiting": found.waiting,
            "unresumed": found.unresumed,
            "without_end": found.without_end,
            "seconds_refused": sum.seconds_refused,
            "seconds_wrong": sum.seconds_wrong,
            "integrity_errors": found.integrity_errors,
            "integrity_check": if found.integrity_checks > 0 { "integrity_check" } else { "quick_check" },
            "seed": args.seed,
            "seconds": took.as_secs(),
        })
    }

    fn text(&self, args: &Args, sum: &Sum, took: Duration) -> String {
        let found = &sum.found;
        let mut out = format!(
            "{} rounds in {} s: {} kills, {} prompts acknowledged, {} requests seen\n  answers: {} \
             whole, {} partial, {} bad; continued {}\n  lost prompts {}, requests without a record \
             {}, sent twice {}, attempts without an end {}\n  second processes: {} turned away, {} \
             not\n  turns that waited: {}, not resumed {}\n  integrity errors {}\n",
            args.rounds,
            took.as_secs(),
            sum.kills,
            found.prompts,
            self.witness.requests(),
            found.answers,
            found.partial,
            found.bad_answers,
            sum.continued,
            found.lost_prompts,
            found.unrecorded,
            found.sent_twice,
            found.without_end,
            sum.seconds_refused,
            sum.seconds_wrong,
            found.waiting,
            found.unresumed,
            found.integrity_errors,
        );
        for note in &sum.notes {
            out.push_str(&format!("  seed {}: {note}\n", args.seed));
        }
        out
    }
}

/// Two providers that are the same witness, in two protocols.
fn configure(data: &Path, base: &str) -> anyhow::Result<()> {
    let paths = Paths::resolve(Some(data.to_owned()))?;
    let config = Config::load_with(paths, Environment::fixed([("", ""); 0]), Flags::default())?;
    let providers = [
        ("witness-a", "openai-compatible", Protocol::OpenaiChat),
        ("witness-b", "anthropic-compatible", Protocol::Anthropic),
    ];
    config.update(|settings| {
        settings.providers = providers
            .iter()
            .filter_map(|(id, preset, protocol)| {
                Some(ProviderConfig {
                    id: id.parse().ok()?,
                    name: (*id).to_owned(),
                    preset: (*preset).to_owned(),
                    protocol: *protocol,
                    base_url: base.to_owned(),
                    key_env: None,
                    needs_key: true,
                    models: vec!["trial".to_owned()],
                    connection: ConnectionSettings::default(),
                })
            })
            .collect();
    })?;
    for (id, ..) in providers {
        config.set_keys(&id.parse()?, &["sk-crash-0123456789"])?;
    }
    Ok(())
}

/// What SQLite's own full check says, where Python is there to ask it; opening the store has made
/// the quick one already.
fn integrity(database: &Path) -> Option<String> {
    let script = "import sqlite3,sys;print(sqlite3.connect(sys.argv[1]).execute('PRAGMA \
                  integrity_check').fetchone()[0])";
    let output = Command::new("python3").args(["-c", script]).arg(database).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
