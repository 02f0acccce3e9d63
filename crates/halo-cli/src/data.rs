//! `halo export` and `halo import`: conversations as files.
//!
//! Exporting only reads, so it works beside a running app. Importing writes what a running app
//! holds in memory too; there it is left to the app.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use halo_config::Paths;
use halo_engine::archive::{self, Archive, Export, ExportFormat, ExportReport, ImportReport};
use halo_engine::now;
use halo_store::Store;
use halo_store_sqlite::{Rescue, SqliteStore};
use halo_types::{ConversationId, Lang};

use crate::explain::{language_of_environment, parse_lang};
use crate::instance::{self, Instance};

/// Take conversations out as a file.
///
/// JSON holds everything, errors, attempts and pictures included, and can be imported again.
/// Markdown is for reading. Keys are in neither. This works while the app runs, and with a damaged
/// database: what can be read of it is exported, and the rest is counted.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["conversation", "all"]))]
pub(crate) struct ExportArgs {
    /// The conversation: its id, as in the address of its page, or its title.
    #[arg(value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// All conversations that are not deleted.
    #[arg(long)]
    all: bool,
    /// The form of the file.
    #[arg(long, value_enum, default_value_t = Form::Json)]
    format: Form,
    /// The file; standard output if not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The language of the readable form: `en` or `zh`. Follows the environment by default.
    #[arg(long, value_name = "LANG", value_parser = parse_lang)]
    lang: Option<Lang>,
    /// The folder of conversations; the platform's data folder if not given.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,
}

/// The form of an exported file.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// Without loss.
    Json,
    /// For reading.
    Markdown,
}

/// Bring conversations in from a file that Halo, ChatGPT or Claude exported.
///
/// ChatGPT's and Claude's files are read as they are downloaded, as ZIP or conversations.json.
/// What is here already is not added twice, and nothing here is overwritten. A damaged file is
/// refused as a whole. The app must not run on the data folder; while it runs, import in
/// Settings → Data.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder of conversations; the platform's data folder if not given.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,
}

#[expect(clippy::print_stderr, reason = "standard output may be the file itself")]
pub(crate) async fn export(args: ExportArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::resolve(args.data)?;
    let (store, rescue) = read(&paths).await?;
    let format = match args.format {
        Form::Json => ExportFormat::Json,
        Form::Markdown => ExportFormat::Markdown,
    };
    let context = halo_diagnose::Context {
        now: Some(now()),
        lang: args.lang.unwrap_or_else(language_of_environment),
        zone: halo_config::local_zone(),
        own: Some(halo_config::RulesFolder::new(paths.rules()).current()),
    };
    let export = match &args.conversation {
        Some(wanted) => {
            let id = find(store.as_ref(), wanted).await?;
            Export::one(Arc::clone(&store), id, format, context).await?
        }
        None => Export::all(Arc::clone(&store), format, context).await?,
    };
    let report = match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => to_file(export, path).await?,
        None => {
            let mut out = io::stdout().lock();
            match write(export, &mut out).await {
                // A reader that has seen enough is no failure.
                Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
                written => written?,
            }
        }
    };
    store.close().await;
    if let Some(path) = args.output {
        let count = report.conversations;
        let s = if count == 1 { "" } else { "s" };
        eprintln!("halo: {count} conversation{s} exported to {}", path.display());
    }
    let lost = rescue.as_ref().map_or(0, |rescue| rescue.lost);
    if report.damaged > 0 {
        eprintln!("halo: {} damaged records are not in it", report.damaged);
    }
    if report.missing_pictures > 0 {
        eprintln!("halo: {} pictures could not be read", report.missing_pictures);
    }
    let whole = rescue.is_none() && lost + report.damaged + report.missing_pictures == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Opens what the app of the folder uses, or what it would use.
#[expect(clippy::print_stderr, reason = "what is damaged is told beside the file")]
async fn read(paths: &Paths) -> anyhow::Result<(Arc<dyn Store>, Option<Rescue>)> {
    let Some(_instance) = Instance::take(paths)? else {
        let running = instance::running(paths);
        let path = running.map_or_else(|| paths.database(), |running| running.database(paths));
        return Ok((Arc::new(SqliteStore::open(&path).await?), None));
    };
    let path = paths.database();
    if !path.exists() {
        bail!("there is no database in {}; name the folder with --data", paths.data().display());
    }
    match SqliteStore::open(&path).await {
        Ok(store) => Ok((Arc::new(store), None)),
        Err(why) => {
            let (store, rescue) = halo_store_sqlite::rescue(&path, why).await?;
            eprintln!("halo: {}", told(&rescue));
            Ok((Arc::new(store), Some(rescue)))
        }
    }
}

/// What could be saved of a damaged database, in words.
pub(crate) fn told(rescue: &Rescue) -> String {
    let lost = match rescue.lost {
        0 => String::new(),
        lost => format!("; at least {lost} records are lost"),
    };
    format!(
        "the database {} is damaged ({}). {} records of {} conversations could be read and were \
         copied to {}{lost}. The damaged file is left as it is",
        rescue.damaged.display(),
        rescue.what,
        rescue.records,
        rescue.conversations,
        rescue.rescued.display(),
    )
}

/// The conversation of this id or title.
pub(crate) async fn find(store: &dyn Store, wanted: &str) -> anyhow::Result<ConversationId> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let rows = store.conversations().await?;
    let named = |row: &&halo_store::ConversationRow| {
        row.meta.title.to_lowercase() == wanted.trim().to_lowercase()
    };
    let found: Vec<ConversationId> = rows.iter().filter(named).map(|row| row.meta.id).collect();
    match found.as_slice() {
        [id] => Ok(*id),
        [] => bail!("there is no conversation of the id or title {wanted:?}"),
        many => {
            let ids: Vec<String> = many.iter().map(ToString::to_string).collect();
            bail!(
                "{} conversations have this title; name one by its id: {}",
                many.len(),
                ids.join(", ")
            )
        }
    }
}

/// Writes beside the file first, so that an export that fails leaves an older file whole.
async fn to_file(export: Export, path: &Path) -> anyhow::Result<ExportReport> {
    let failed = || format!("{} cannot be written", path.display());
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    let report = {
        let mut out = io::BufWriter::new(file.as_file_mut());
        let report = write(export, &mut out).await?;
        out.flush().with_context(failed)?;
        report
    };
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(report)
}

async fn write(mut export: Export, out: &mut impl Write) -> anyhow::Result<ExportReport> {
    while let Some(piece) = export.next().await? {
        out.write_all(piece.as_bytes())?;
    }
    out.flush()?;
    Ok(*export.report())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the news of an import")]
pub(crate) async fn import(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::resolve(args.data)?;
    let mut bytes = Vec::new();
    if args.file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes = std::fs::read(&args.file)
            .with_context(|| format!("{} cannot be read", args.file.display()))?;
    }
    let archive = Archive::read(&bytes)?;
    let Some(_instance) = Instance::take(&paths)? else {
        let place = instance::running(&paths)
            .map(|running| format!(" (http://{}/settings/data)", running.address))
            .unwrap_or_default();
        bail!(
            "Halo runs on {}; import in its Settings → Data{place}, or end it first",
            paths.data().display()
        );
    };
    let store = SqliteStore::open(&paths.database()).await?;
    let report = archive::import(&store, &archive).await;
    store.close().await;
    let report = report?;
    println!("{}", summary(&report));
    for id in &report.differing {
        eprintln!(
            "halo: conversation {id} has gone on differently here and in the file; the one here \
             was left as it is"
        );
    }
    for one in &report.skipped {
        let title = one.title.as_ref().map(|title| format!(" ({title})")).unwrap_or_default();
        eprintln!(
            "halo: the {}. conversation of the file{title} was skipped: {}",
            one.nth, one.why
        );
    }
    if report.damaged > 0 {
        eprintln!(
            "halo: {} records were damaged when the file was written, and are missing",
            report.damaged
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(report: &ImportReport) -> String {
    let parts = [
        ("added", report.added),
        ("continued", report.continued),
        ("restored", report.restored),
        ("here already", report.known),
        ("left as they are", report.differing.len()),
    ];
    let parts = parts.into_iter().chain([("skipped", report.skipped.len())]);
    let said: Vec<String> =
        parts.filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
    if said.is_empty() {
        return "The file holds no conversations.".to_owned();
    }
    let messages = match report.messages {
        0 => String::new(),
        n => format!(" Messages: {n} added."),
    };
    format!("Conversations: {}.{messages}", said.join(", "))
}
