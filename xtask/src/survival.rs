//! `survival`: thousands of turns with faults, through a real engine, store and sockets. What ends
//! in an answer without a hand, what needs a click, and does anything happen that never may?

mod drive;
mod peers;
mod plan;
mod pool;
mod random;
mod stage;
mod tally;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use halo_sim::{SimOptions, Simulator};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use drive::Session;
use plan::{MIX, Plan};
use pool::Pool;
pub(crate) use random::Random;
use stage::Stages;
use tally::Tally;
use world::{Allowed, World};

/// Turns that one engine plays, one after the other. Worlds run beside each other.
const TURNS_PER_WORLD: u64 = 20;

/// What the command line asks for.
#[derive(Debug, Clone)]
struct Args {
    turns: u64,
    seed: u64,
    only: Option<u64>,
    jobs: usize,
    corpus: PathBuf,
    peers: bool,
    json: bool,
}

/// Runs `survival [--turns N] [--seed N] [--only TURN] [--jobs N] [--corpus DIR] [--peers]
/// [--json]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let args = parse(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(survive(args))
}

fn parse(args: &[String]) -> anyhow::Result<Args> {
    let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus"));
    let mut parsed =
        Args { turns: 1_000, seed: 1, only: None, jobs: 8, corpus, peers: false, json: false };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut word = || rest.next().with_context(|| format!("{arg} needs a value"));
        let number = |text: &String| -> anyhow::Result<u64> {
            text.parse().with_context(|| format!("{text:?} is no whole number"))
        };
        match arg.as_str() {
            "--turns" => parsed.turns = number(word()?)?.clamp(1, 1_000_000),
            "--seed" => parsed.seed = number(word()?)?,
            "--only" => parsed.only = Some(number(word()?)?),
            "--jobs" => parsed.jobs = usize::try_from(number(word()?)?)?.clamp(1, 64),
            "--corpus" => parsed.corpus = PathBuf::from(word()?),
            "--peers" => parsed.peers = true,
            "--json" => parsed.json = true,
            other => bail!("survival does not know {other:?}"),
        }
    }
    Ok(parsed)
}

#[expect(clippy::print_stdout, reason = "the report")]
async fn survive(args: Args) -> anyhow::Result<()> {
    let began = Instant::now();
    let pool = Arc::new(Pool::load(&args.corpus)?);
    println!("{}", preface(&args, &pool));
    let mut runs = Vec::new();
    for (allowed, title) in [
        (Allowed::Everything, "Everything allowed that a person may allow"),
        (Allowed::Default, "Default settings"),
    ] {
        let tally = all(&args, &pool, allowed).await?;
        println!("{}", tally.text(title));
        // Without leave, repairs that change what is sent wait for a click by design.
        let asked = if allowed == Allowed::Everything { &tally.clicked[..] } else { &[] };
        for (turn, why) in tally.failures.iter().chain(asked) {
            println!("  seed {} turn {turn}: {why}", args.seed);
        }
        if let (Some(_), Some(detail)) = (args.only, &tally.last) {
            println!("{detail}");
        }
        println!();
        runs.push(tally);
    }
    let beside = if args.peers { Some(peers(&args, &pool).await?) } else { None };
    if let Some(beside) = &beside {
        println!("{}", beside.text());
    }
    let [allowed, default] = &runs[..] else { bail!("there are two runs") };
    if args.json {
        let mut report = allowed.json();
        report["healed_share_default"] = default.healed().into();
        report["default"] = default.json();
        if let Some(beside) = &beside {
            report["peers"] = beside.json();
        }
        report["seed"] = args.seed.into();
        report["corpus"] = pool.corpus.into();
        report["examples"] = pool.examples.into();
        report["seconds"] = began.elapsed().as_secs().into();
        println!("{report}");
    }
    if runs.iter().all(Tally::is_sound) { Ok(()) } else { bail!("there are faults") }
}

fn preface(args: &Args, pool: &Pool) -> String {
    let mix: Vec<String> =
        MIX.iter().map(|(class, share)| format!("{} {share} %", class.as_str())).collect();
    let mut out = format!(
        "{} turns, seed {}; every turn meets a fault: {}.\nTexts: {} examples of rules, {} \
         labelled records",
        args.turns,
        args.seed,
        mix.join(", "),
        pool.examples,
        pool.corpus
    );
    if pool.corpus == 0 {
        out.push_str(&format!(" ({} holds no corpus)", args.corpus.display()));
    }
    out.push_str(&format!(
        ".\nLeft out: {} that only tell who knows the vendor, {} that ask for more than a day.\n",
        pool.need_vendor, pool.too_long
    ));
    out
}

/// All turns under one set of settings.
async fn all(args: &Args, pool: &Arc<Pool>, allowed: Allowed) -> anyhow::Result<Tally> {
    let provider = Provider::start().await?;
    let (stages, address) = (provider.stages.clone(), provider.address);
    let worlds: Vec<u64> = match args.only {
        Some(turn) => vec![turn / TURNS_PER_WORLD],
        None => (0..args.turns.div_ceil(TURNS_PER_WORLD)).collect(),
    };
    let slots = Arc::new(Semaphore::new(args.jobs));
    let mut tasks = Vec::new();
    for number in worlds {
        let (args, pool, stages) = (args.clone(), pool.clone(), stages.clone());
        let slots = slots.clone();
        tasks.push(tokio::spawn(async move {
            let _slot = slots.acquire_owned().await?;
            world(&args, &pool, &stages, address, number, allowed).await
        }));
    }
    let mut tally = Tally::default();
    for task in tasks {
        for (plan, outcome) in task.await.context("a world broke down")?? {
            match outcome {
                Ok(outcome) => tally.add(&plan, &outcome),
                Err(error) => tally.broken(plan.number, &error),
            }
        }
    }
    provider.stop().await;
    Ok(tally)
}

/// The official SDKs and Halo on a sample.
async fn peers(args: &Args, pool: &Pool) -> anyhow::Result<peers::Beside> {
    let provider = Provider::start().await?;
    let beside = peers::run(args.seed, pool, &provider.stages, provider.address).await?;
    provider.stop().await;
    Ok(beside)
}

/// The simulator behind a socket, told what to do by the stages.
struct Provider {
    stages: Arc<Stages>,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Provider {
    async fn start() -> anyhow::Result<Self> {
        let stages = Arc::new(Stages::default());
        let options = SimOptions { speed: f64::INFINITY, journal: 16, ..SimOptions::default() };
        let sim = Simulator::directed(options, stages.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let server = tokio::spawn(halo_sim::serve(listener, sim, stop.clone()));
        Ok(Self { stages, address, stop, server })
    }

    async fn stop(self) {
        self.stop.cancel();
        let _ = self.server.await;
    }
}

type Played = Vec<(Plan, anyhow::Result<drive::Outcome>)>;

/// The turns of one world.
async fn world(
    args: &Args,
    pool: &Pool,
    stages: &Stages,
    address: SocketAddr,
    number: u64,
    allowed: Allowed,
) -> anyhow::Result<Played> {
    let first = number * TURNS_PER_WORLD;
    let last = match args.only {
        Some(turn) => turn + 1,
        None => args.turns.min(first + TURNS_PER_WORLD),
    };
    let world = World::open(number, address, allowed, true).await?;
    let mut session = Session::new(world, stages.open(number));
    let mut played = Vec::new();
    for turn in first..last {
        let plan = Plan::draw(pool, args.seed, turn);
        let outcome = session.play(&plan).await;
        if args.only.is_none_or(|only| only == turn) {
            played.push((plan, outcome));
        }
    }
    session.world.close().await;
    stages.close(number);
    Ok(played)
}
