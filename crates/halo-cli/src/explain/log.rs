//! `halo explain --log`: provider errors in log files of any size.
//!
//! The search itself is `halo_diagnose::log`. Here are files, gzip, threads, Ctrl+C and printing.

mod json;
mod source;
mod stop;
mod text;
mod words;
mod work;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use halo_diagnose::Context;
use halo_diagnose::log::{Options, Summary, literals};

use super::{UNKNOWN, USAGE, complain};
use crate::terminal::Style;

/// Exit code of a program that Ctrl+C has ended.
const INTERRUPTED: u8 = 130;

/// What `halo explain --log` was asked for.
#[derive(Debug)]
pub(super) struct LogArgs {
    /// The files; none for standard input.
    pub(super) files: Vec<PathBuf>,
    pub(super) json: bool,
    /// Print the literals and nothing else.
    pub(super) literals: bool,
    pub(super) provider: Option<String>,
    pub(super) context: Context,
}

/// What there is to print.
struct Report<'a> {
    summary: &'a Summary,
    files: &'a [work::File],
    /// Whether Ctrl+C ended the search.
    partial: bool,
    provider: Option<&'a str>,
    context: Context,
}

/// Runs `halo explain --log`.
pub(super) fn run(args: LogArgs) -> ExitCode {
    let printed = if args.literals { print_literals() } else { search(&args) };
    match printed {
        Ok(code) => ExitCode::from(code),
        // The reader of a pipe may leave whenever it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("cannot write the summary: {error}"));
            ExitCode::from(USAGE)
        }
    }
}

fn print_literals() -> io::Result<u8> {
    let mut out = io::stdout().lock();
    for literal in literals() {
        writeln!(out, "{literal}")?;
    }
    out.flush()?;
    Ok(0)
}

fn search(args: &LogArgs) -> io::Result<u8> {
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files.clone() };
    if files.iter().any(|file| file.as_os_str() == "-") && io::stdin().is_terminal() {
        complain("paste the log, then press Ctrl+D");
    }
    let options = Options { provider: args.provider.clone(), now: args.context.now };
    let done = work::run(files, &options);
    let report = Report {
        summary: &done.summary,
        files: &done.files,
        partial: done.interrupted,
        provider: args.provider.as_deref(),
        context: args.context.clone(),
    };
    let mut out = io::stdout().lock();
    if args.json {
        json::write(&mut out, &report)?;
    } else {
        let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let style = if colour { Style::Colour } else { Style::Plain };
        out.write_all(text::render(&report, style).as_bytes())?;
    }
    out.flush()?;
    Ok(if done.interrupted {
        INTERRUPTED
    } else if done.failures > 0 {
        USAGE
    } else if done.summary.total.count == 0 {
        UNKNOWN
    } else {
        0
    })
}
