//! `halo explain`: what an error of a provider means, from a text, a file or a pipe.

pub(crate) mod card;
mod conceal;
mod jsonl;
mod log;
mod teach;

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use halo_config::{Paths, RulesFolder};
use halo_diagnose::{Context, diagnose, input};
use halo_types::{Evidence, Kind, Lang, Timestamp};

/// The most that is read of one error; what lies beyond says nothing about it.
const MAX_INPUT: u64 = 64 * 1024 * 1024;

/// Exit code: nothing tells what kind of failure it was, or lines could not be read.
const UNKNOWN: u8 = 1;
/// Exit code: the command was not understood or its input could not be opened.
const USAGE: u8 = 2;

/// Say what a provider's error means and what to do about it.
///
/// Reads one error from FILE, from the argument of -m, or from standard input: a pasted text, the
/// output of `curl -i`, or a JSON record. With --log, finds every provider error in logs of any
/// size and sums them up. Nothing leaves the machine. Exits with 0 if the error was recognised, 1
/// if not, 2 if the command was not understood.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// A file with the error; `-` or nothing reads standard input. Several only with --log.
    #[arg(value_name = "FILE", conflicts_with = "message")]
    files: Vec<PathBuf>,

    /// The error itself.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    message: Option<String>,

    /// The HTTP status that came with it.
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=599))]
    status: Option<u16>,

    /// A response header that came with it, as `Name: value`; may be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    headers: Vec<(String, String)>,

    /// Who was asked, for example `openai`.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,

    /// Print the diagnosis as one JSON object.
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,

    /// Read one JSON evidence record a line and print one diagnosis a line.
    #[arg(long, conflicts_with = "message")]
    jsonl: bool,

    /// Teach Halo how to read this error: make a rule of your own that says it is KIND.
    #[arg(long, value_name = "KIND", value_parser = teach::parse_kind, conflicts_with_all = ["json", "jsonl"])]
    teach: Option<Kind>,

    /// The words of the error that the rule goes by; chosen from the text if not given.
    #[arg(long, value_name = "WORDS", requires = "teach")]
    words: Option<String>,

    /// Show the rule and what it would change, but do not write it.
    #[arg(long, requires = "teach")]
    dry_run: bool,

    /// The data folder, whose folder `rules` holds rules of your own.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,

    /// Find the provider errors in log files of any size and sum them up.
    ///
    /// Reads plain text and gzip; `-` or nothing reads standard input. Prints how many errors
    /// there are by kind, by provider and by hour, and the worst with their words, file and line.
    /// Ctrl+C prints what was found so far. Exits with 0 if there are errors, 1 if there are
    /// none, 2 if a file could not be read, 130 after Ctrl+C.
    ///
    /// With --json, one object: files (name, lines), lines, bytes, total, transient (how many an
    /// unchanged request may cure), transient_share, repeated (further accounts of errors already
    /// counted), partial; first and last time; kinds (kind, title, count, transient, first, last);
    /// vendors (vendor or null, name, count); hours (hour, count) and without_time; groups, worst
    /// first (kind, transient, rule, vendor, count, first, last, example with file, line, time,
    /// text and the whole diagnosis, whose span counts bytes of that text); others (kind, count):
    /// rare ones beyond the groups that are kept. Times that name a zone are in UTC and end in Z;
    /// others are as written.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..,
        conflicts_with_all = ["message", "jsonl", "status", "headers"]
    )]
    log: Option<Vec<PathBuf>>,

    /// Print the words that --log looks for first, one a line, for `rg -F -f`.
    #[arg(long, hide = true, requires = "log")]
    literals: bool,

    /// The language of the explanation: `en` or `zh`. Follows the environment by default.
    #[arg(long, value_name = "LANG", value_parser = parse_lang)]
    lang: Option<Lang>,
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| "write a header as \"Name: value\"".to_owned())?;
    let name = name.trim();
    if name.is_empty() {
        return Err("the header has no name; write it as \"Name: value\"".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

pub(crate) fn parse_lang(text: &str) -> Result<Lang, String> {
    text.parse().map_err(|_| "the languages are en and zh".to_owned())
}

/// Runs `halo explain`.
pub(crate) fn run(args: ExplainArgs) -> ExitCode {
    let lang = args.lang.unwrap_or_else(language_of_environment);
    if let Some(name) =
        args.provider.as_deref().filter(|name| halo_diagnose::vendor(name).is_none())
    {
        let known: Vec<&str> = halo_diagnose::vendors().iter().map(|v| v.id.as_str()).collect();
        complain(&format!(
            "{name:?} is no provider that Halo knows; it knows {}",
            known.join(", ")
        ));
    }
    let rules = Paths::rules_in(args.data.as_deref()).map(RulesFolder::new);
    for fault in rules.iter().flat_map(RulesFolder::faults) {
        complain(&format!("a rule of your own is left out: {fault}"));
    }
    let context = Context {
        now: Some(now()),
        lang,
        zone: halo_config::local_zone(),
        own: rules.as_ref().map(RulesFolder::current),
    };
    if let Some(files) = &args.log {
        let files = files.iter().chain(&args.files).cloned().collect();
        let literals = args.literals;
        return log::run(log::LogArgs {
            files,
            json: args.json,
            literals,
            provider: args.provider,
            context,
        });
    }
    if args.files.len() > 1 {
        complain("one error at a time; to search several logs, add --log");
        return ExitCode::from(USAGE);
    }
    if let Some(kind) = args.teach {
        return teach::run(&args, kind, rules.as_ref(), &context);
    }
    let outcome = if args.jsonl { run_lines(&args, &context) } else { run_one(&args, &context) };
    match outcome {
        Ok(code) => ExitCode::from(code),
        // The reader of a pipe may leave whenever it has seen enough.
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

pub(crate) fn broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The error that is asked about.
fn asked(args: &ExplainArgs, context: &Context) -> anyhow::Result<Evidence> {
    let text = match (&args.message, source(args.files.first())) {
        (Some(message), _) => message.clone(),
        (None, Some(path)) => {
            read_text(open(path)?).with_context(|| format!("cannot read {}", path.display()))?
        }
        (None, None) => {
            let stdin = io::stdin().lock();
            if stdin.is_terminal() {
                complain("paste the error, then press Ctrl+D");
            }
            read_text(stdin).context("cannot read standard input")?
        }
    };
    if text.trim().is_empty() && args.status.is_none() && args.headers.is_empty() {
        bail!("there is no text to explain; give a file, -m TEXT, or pipe it in");
    }
    let mut evidence = input::parse(&text, context.now);
    complete(args, &mut evidence);
    Ok(evidence)
}

fn run_one(args: &ExplainArgs, context: &Context) -> anyhow::Result<u8> {
    let evidence = asked(args, context)?;
    let mut diagnosis = diagnose(&evidence, context);
    conceal::diagnosis(&mut diagnosis, &evidence);

    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &diagnosis).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        let style = crate::terminal::Style::of(&out);
        write!(out, "{}", card::render(&evidence, &diagnosis, context.lang, style))?;
    }
    out.flush()?;
    Ok(if diagnosis.kind == Kind::Unknown { UNKNOWN } else { 0 })
}

fn run_lines(args: &ExplainArgs, context: &Context) -> anyhow::Result<u8> {
    let out = io::stdout().lock();
    let explain = |mut evidence: Evidence| {
        complete(args, &mut evidence);
        // Waits count from when the failure was noticed, where the record tells.
        let context = Context { now: evidence.at.or(context.now), ..context.clone() };
        let mut diagnosis = diagnose(&evidence, &context);
        conceal::diagnosis(&mut diagnosis, &evidence);
        diagnosis
    };
    let bad = match source(args.files.first()) {
        Some(path) => jsonl::run(open(path)?, out, explain)?,
        None => jsonl::run(io::stdin().lock(), out, explain)?,
    };
    Ok(if bad > 0 { UNKNOWN } else { 0 })
}

/// The file to read; `None` for standard input.
fn source(file: Option<&PathBuf>) -> Option<&Path> {
    file.map(PathBuf::as_path).filter(|path| path.as_os_str() != "-")
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Adds what the command line tells to what the text told.
fn complete(args: &ExplainArgs, evidence: &mut Evidence) {
    if args.status.is_some() {
        evidence.status = args.status;
    }
    for (name, value) in &args.headers {
        evidence.headers.push(name.clone(), value.clone());
    }
    if args.provider.is_some() {
        evidence.provider.clone_from(&args.provider);
    }
}

fn read_text(input: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT).read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn language_of_environment() -> Lang {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .and_then(|value| value.parse().ok())
        .unwrap_or_default()
}

#[expect(clippy::print_stderr, reason = "a command line speaks to its user on standard error")]
fn complain(text: &str) {
    eprintln!("halo explain: {text}");
}
