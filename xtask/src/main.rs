//! Chores of the workspace: `cargo xtask <command>`.

mod accuracy;
mod app_speed;
mod catalogue;
mod crash;
mod log_speed;
mod seeds;
mod soak;
mod survival;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <command>

  accuracy FILE… [--json] [--wrong] [--rules]
        Runs labelled errors through the diagnosis and prints per file how many it reads rightly
        (kind, transient, wait), per kind precision and recall, and what went wrong with the rule
        behind it. --json prints one line of figures; --wrong lists every record that is read
        wrongly; --rules tells how often each rule decided, and how often wrongly.

  accuracy FILE… --peer litellm [--json] [--wrong] [--mapping]
        The same records through LiteLLM's exception mapping, side by side, in groups that both can
        tell apart. --mapping prints these groups. Installs LiteLLM under target/peers on first use.

  catalogue [--latest | --version V | --from WHEEL [--date DAY]] [--check]
        Makes crates/halo-config/data/models.tsv, what is known about models, from the table in
        LiteLLM's wheel on PyPI: the release that the committed table names, the newest with
        --latest. Compares the wheel with the SHA-256 that the registry publishes. --from takes a
        wheel that was downloaded before and needs no network; --date is the day of its release,
        unless the committed table was made from it. --check writes nothing and fails where the
        table is another. Needs Python with pip.

  fuzz-seeds [DIR]
        Writes seeds for the fuzz targets to fuzz/corpus: the rules' examples and the golden files.

  soak [--minutes N] [--streams N] [--json]
        Hears many streams at once (200) for N minutes (10) from the simulator, in every protocol,
        mangled, broken, stalled and cancelled. Every stream has to end in a known state, no word
        may be lost or doubled, and memory has to stay flat. Best run as
        `cargo run --release --package xtask -- soak`.

  survival [--turns N] [--seed N] [--only TURN] [--jobs N] [--corpus DIR] [--peers] [--json]
        Plays N turns (1000), each with a fault, through a real engine, store and sockets: with
        everything allowed that a person may allow, and with the default settings. Prints what
        ended in an answer by itself, what a click led on from, and what never may happen: wrong
        retries, lost or doubled words, turns without an end. --only plays one turn, with the turns
        of its world before it. Labelled errors are read from ../shared/corpus where that is there.
        --peers plays 200 turns in real time with the official SDKs of OpenAI and Anthropic and
        with Halo; needs Python, and the network on first use.

  crash [--rounds N] [--seed N] [--halo BIN] [--json]
        Kills the binary N times (20) at random moments while people write and answers stream from a
        provider that outlives it, and looks after each kill: every prompt there, every answer as
        it was sent, nothing sent twice, one process to a folder. BIN is `halo` beside this program
        if not given: build it first.

  log-speed [--mb N] [--rounds N] [--halo FILE]
        Makes up a log of N MiB (1024) and times `halo explain --log` on it beside ripgrep with the
        same literals, in turn. Needs ripgrep. --halo takes a binary instead of building one.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("accuracy") => accuracy::run(&args[1..]),
        Some("catalogue") => catalogue::run(&args[1..]),
        Some("fuzz-seeds") => seeds::run(&args[1..]),
        Some("soak") => soak::run(&args[1..]),
        Some("crash") => crash::run(&args[1..]),
        Some("survival") => survival::run(&args[1..]),
        Some("app-speed") => app_speed::run(&args[1..]),
        Some("log-speed") => log_speed::run(&args[1..]),
        _ => {
            eprint_line(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint_line(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command line speaks on standard error")]
fn eprint_line(text: &str) {
    eprintln!("{text}");
}
