//! `halo simulate`: the simulator as a server of its own.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use halo_sim::{Group, Scenario, SimOptions, Simulator};
use halo_types::Lang;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Options of the simulator.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// The address to listen on.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7577")]
    listen: SocketAddr,
    /// List what can be played, and end.
    #[arg(long)]
    list: bool,
    /// List as JSON.
    #[arg(long, requires = "list")]
    json: bool,
    /// Show every exchange at GET /_sim/journal; keys are masked, prompts are not.
    #[arg(long)]
    journal: bool,
    /// Write answers this many times faster than life.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// The language of the list: en or zh.
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = lang)]
    lang: Lang,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 => Ok(speed),
        _ => Err("a number greater than 0 is needed".to_owned()),
    }
}

fn lang(text: &str) -> Result<Lang, String> {
    text.parse().map_err(|error: halo_types::IdError| error.to_string())
}

/// Lists what can be played, or serves until Ctrl+C.
///
/// # Errors
/// Where the address cannot be listened on or the list cannot be written.
pub async fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let sim = Simulator::new(SimOptions {
        speed: args.speed,
        expose_journal: args.journal,
        ..SimOptions::default()
    });
    if args.list {
        let text = if args.json {
            serde_json::to_string_pretty(sim.scenarios()).context("the list is no JSON")? + "\n"
        } else {
            list(sim.scenarios(), args.lang)
        };
        print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }

    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("the simulator cannot listen on {} (see --listen)", args.listen)
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    print(&format!(
        "The simulator runs.\n\n  Anthropic  base URL http://{address}\n  \
         OpenAI     base URL http://{address}/v1\n  Key        any\n  Model      {}, or a name \
         from `halo simulate --list`\n\nCtrl+C ends it.\n",
        halo_sim::PRACTICE_MODEL
    ))?;
    let shutdown = CancellationToken::new();
    let server = halo_sim::serve(listener, sim, shutdown.clone());
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => {}
        signal = tokio::signal::ctrl_c() => {
            shutdown.cancel();
            server.await;
            signal.context("Ctrl+C cannot be waited for")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The scenarios by group, one to a paragraph.
fn list(scenarios: &[Scenario], lang: Lang) -> String {
    let mut out = String::new();
    for group in Group::ALL {
        let mut heading = Some(group.title(lang));
        for scenario in scenarios.iter().filter(|scenario| scenario.group == *group) {
            // Writing to a String cannot fail.
            if let Some(heading) = heading.take() {
                let _ = writeln!(out, "{heading}");
            }
            let _ = writeln!(out, "  {:<24} {}", scenario.id, scenario.title.get(lang));
            let _ = writeln!(out, "  {:<24} {}", "", scenario.description.get(lang));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Writes to standard output; a reader that went away is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}
