//! The binary `halo`: the app with its gateway, `halo chat`, `halo explain`, `halo errors`,
//! `halo doctor`, `halo export`, `halo import`, `halo password` and `halo simulate`.

mod app;
mod chat;
mod data;
mod doctor;
mod errors;
mod explain;
mod instance;
mod password;
mod practice;
mod reach;
mod simulate;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A local-first AI chat client and gateway in which no provider error is a dead end.
///
/// Without a command, Halo starts the app.
#[derive(Debug, Parser)]
#[command(name = "halo", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    app: app::AppArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the app: pages for people and the gateway for programs (the default).
    App(app::AppArgs),
    /// Chat in the terminal: the same conversations, the same cards.
    Chat(chat::ChatArgs),
    /// Say what a provider's error means and what to do about it.
    Explain(explain::ExplainArgs),
    /// The error reference: what each error means, at every provider, and what helps.
    Errors(errors::ErrorsArgs),
    /// Examine a provider, step by step.
    Doctor(doctor::DoctorArgs),
    /// Take conversations out as a file.
    Export(data::ExportArgs),
    /// Bring conversations in from a file that Halo, ChatGPT or Claude exported.
    Import(data::ImportArgs),
    /// Set the password that other machines sign in with.
    Password(password::PasswordArgs),
    /// Run the simulator: a provider that fails on demand.
    Simulate(simulate::SimulateArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::App(cli.app)) {
        // Reading an error needs no runtime and no log.
        Command::Explain(args) => explain::run(args),
        Command::Errors(args) => errors::run(&args),
        Command::App(args) => blocking(app::run(args)),
        Command::Chat(args) => blocking(chat::run(args)),
        Command::Doctor(args) => blocking(doctor::run(args)),
        Command::Export(args) => blocking(data::export(args)),
        Command::Import(args) => blocking(data::import(args)),
        Command::Password(args) => blocking(password::run(args)),
        Command::Simulate(args) => blocking(simulate::run(args)),
    }
}

/// Runs a command to its end and prints what went wrong, cause by cause.
#[expect(clippy::print_stderr, reason = "errors of the command line belong on stderr")]
fn blocking(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HALO_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("halo: the program could not start its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("halo: {error}");
            let mut said = error.to_string();
            for cause in error.chain().skip(1).map(ToString::to_string) {
                // Some errors say their cause in their own words already.
                if !said.contains(&cause) {
                    eprintln!("  because: {cause}");
                    said.push_str(&cause);
                }
            }
            ExitCode::FAILURE
        }
    }
}
