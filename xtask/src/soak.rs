//! `soak`: many streams at once, with faults, for minutes: is anything lost, leaked or left open?

mod plan;
mod tally;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use halo_sim::{SimOptions, Simulator};
use halo_transport::{Client, ClientOptions};
use tokio_util::sync::CancellationToken;

use plan::Plan;
use tally::Tally;

/// How fast the simulator speaks: streams last seconds, as real ones do, but not minutes.
const SPEED: f64 = 5.0;
/// Shorter than in the app, so that stalled streams end while somebody watches.
const IDLE: Duration = Duration::from_secs(2);
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_secs(2);

struct Args {
    minutes: f64,
    streams: usize,
    json: bool,
}

/// Runs `soak [--minutes N] [--streams N] [--json]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let args = parse(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(soak(args))
}

fn parse(args: &[String]) -> anyhow::Result<Args> {
    let mut parsed = Args { minutes: 10.0, streams: 200, json: false };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut number = || -> anyhow::Result<f64> {
            let text = rest.next().with_context(|| format!("{arg} needs a number"))?;
            text.parse().with_context(|| format!("{text:?} is no number"))
        };
        match arg.as_str() {
            "--minutes" => parsed.minutes = number()?,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            "--streams" => {
                parsed.streams = number()?.clamp(1.0, 10_000.0) as usize;
            }
            "--json" => parsed.json = true,
            other => bail!("soak does not know {other:?}"),
        }
    }
    if !(0.01..=10_000.0).contains(&parsed.minutes) {
        bail!("--minutes has to be between 0.01 and 10000");
    }
    Ok(parsed)
}

#[expect(clippy::print_stdout, reason = "the report")]
async fn soak(args: Args) -> anyhow::Result<()> {
    let sim = Simulator::new(SimOptions { speed: SPEED, journal: 64, ..SimOptions::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let server = tokio::spawn(halo_sim::serve(listener, sim.clone(), stop.clone()));
    let options = ClientOptions {
        connect_timeout: Duration::from_secs(10),
        first_byte_timeout: Duration::from_secs(3),
        idle_timeout: IDLE,
        ..ClientOptions::default()
    };
    let client = Client::new(options).context("no client")?;
    let plan = Arc::new(Plan::new(&sim, &base, &client).await?);
    let tally = Arc::new(Tally::default());
    let end = Instant::now() + Duration::from_secs_f64(args.minutes * 60.0);
    let workers: Vec<_> = (0..args.streams)
        .map(|number| {
            let (plan, tally, client) = (plan.clone(), tally.clone(), client.clone());
            tokio::spawn(async move {
                let mut seed = number as u64;
                while Instant::now() < end {
                    tally.begin();
                    let outcome = plan.play(&client, &mut seed).await;
                    tally.end(&outcome);
                }
            })
        })
        .collect();
    let mut memory = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(LOOK.min(end.saturating_duration_since(Instant::now()))).await;
        memory.extend(resident_kib());
    }
    let mut broken = 0;
    for worker in workers {
        broken += usize::from(worker.await.is_err());
    }
    stop.cancel();
    let _ = server.await;
    let report = tally.report(&memory, broken);
    println!("{}", if args.json { report.json().to_string() } else { report.text() });
    if report.is_good() { Ok(()) } else { bail!("the soak found faults") }
}

/// The memory of this process that is really there, in KiB; nothing where the system does not tell.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
