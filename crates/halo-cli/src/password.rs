//! `halo password`: the password for other machines.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use halo_config::Paths;
use halo_store_sqlite::SqliteStore;

/// Options of `halo password`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PasswordArgs {
    /// The data folder of the app.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,
    /// Take the password away.
    #[arg(long)]
    remove: bool,
}

/// Sets the password, typed twice at a terminal or as the first line of standard input. A running
/// app takes it over at once.
#[expect(clippy::print_stdout, reason = "what was done")]
pub(crate) async fn run(args: PasswordArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::resolve(args.data)?;
    if args.remove {
        let store = SqliteStore::open(&paths.database()).await?;
        halo_web::remove_password(&store).await?;
        println!(
            "The password is removed. An app that other machines reach does not start without one."
        );
        return Ok(ExitCode::SUCCESS);
    }
    let password = read()?;
    let store = SqliteStore::open(&paths.database()).await?;
    halo_web::set_password(&store, &password).await?;
    let gone = halo_web::sign_out_all(&store).await?;
    println!("The password is set. Signed out: {gone}.");
    Ok(ExitCode::SUCCESS)
}

fn read() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("standard input cannot be read")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = ask("New password: ")?;
    if ask("Once more: ")? != first {
        bail!("the two are not the same; nothing was changed");
    }
    Ok(first)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    rpassword::prompt_password(prompt).context("the terminal cannot be read")
}
