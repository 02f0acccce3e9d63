//! `halo doctor`: a provider examined step by step.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use halo_config::{Config, Environment, Flags, Paths, ProviderConfig, Secret, preset};
use halo_engine::{
    DoctorReport, Engine, Options, Patient, RawReply, StageReport, Verdict, learned_words,
};
use halo_store_sqlite::SqliteStore;
use halo_types::{Action, Lang, Protocol};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::explain::{card, language_of_environment, parse_lang};
use crate::instance::Instance;
use crate::terminal::{Style, visible};

/// Exit code: there is nobody to examine.
const USAGE: u8 = 2;
/// How wide the names of the steps are printed.
const NAME_WIDTH: usize = 11;

/// Examine a provider: host name, connection, encryption, address, key, models, one answer, a
/// stream, a picture, tools.
///
/// Each step is printed with its time and what it proves. A step that fails is explained like an
/// error in a conversation. What the model can do is remembered. A whole examination asks the model
/// four short questions. Exits with 0 if nothing failed, 1 if something did, 2 if there is nobody
/// to examine.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// A provider of the settings; all of them if none is given.
    #[arg(value_name = "PROVIDER", conflicts_with = "url")]
    provider: Option<String>,

    /// Examine this base URL instead of a provider of the settings.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// What is spoken there: anthropic, openai-chat, openai-responses or gemini.
    #[arg(long, value_name = "NAME", requires = "url", default_value = "openai-chat")]
    protocol: Protocol,

    /// The environment variable that holds the key for that URL.
    #[arg(long, value_name = "VARIABLE", requires = "url")]
    key_env: Option<String>,

    /// The model to ask; the provider's first if not given.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Print each reply as it came.
    #[arg(long, conflicts_with = "json")]
    raw: bool,

    /// Print one JSON object a provider, with every reply.
    #[arg(long)]
    json: bool,

    /// The language of explanations: `en` or `zh`. Follows the settings by default.
    #[arg(long, value_name = "LANG", value_parser = parse_lang)]
    lang: Option<Lang>,

    /// The folder for settings and keys; the platform's data folder if not given.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the report and its warnings")]
pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::resolve(args.data.clone())?;
    let config = Config::load_with(paths.clone(), Environment::process(), Flags::default())?;
    for warning in config.warnings() {
        eprintln!("halo: {warning}");
    }
    let patients = match patients(&args, &config) {
        Ok(patients) => patients,
        Err(error) => {
            eprintln!("halo: {error}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let lang = args.lang.or(config.settings().language).unwrap_or_else(language_of_environment);
    // The running app holds the store; what is learned beside it would not reach it.
    let instance = Instance::take(&paths)?;
    let aside = tempfile::tempdir().context("no folder for temporary files")?;
    let database = match &instance {
        Some(_) => paths.database(),
        None => {
            eprintln!(
                "halo: the app runs on this data folder, so what is learned here is not kept; \
                 Settings → AI Model → Test keeps it"
            );
            aside.path().join("doctor.db")
        }
    };
    let store = Arc::new(SqliteStore::open(&database).await?);
    let engine = Engine::open(Options { runs_turns: false, ..Options::new(config, store) }).await?;
    let style = Style::of(&std::io::stdout());
    let mut failed = false;
    for (number, patient) in patients.into_iter().enumerate() {
        let provider = patient.provider.clone();
        let report = if args.json {
            let report = engine.examine(patient, lang, &mut |_| {}).await;
            println!("{}", as_json(&provider, &report, lang));
            report
        } else {
            let gap = if number > 0 { "\n" } else { "" };
            let heading = format!("{} ({})", provider.name, provider.base_url);
            println!("{gap}{}", style.paint("1", &heading));
            let raw = args.raw;
            let mut listen = |stage: &StageReport| print_stage(stage, lang, style, raw);
            let report = engine.examine(patient, lang, &mut listen).await;
            print_end(&report, lang, style);
            report
        };
        failed |= report.failure().is_some();
    }
    engine.close().await;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Who is examined.
fn patients(args: &DoctorArgs, config: &Config) -> anyhow::Result<Vec<Patient>> {
    if let Some(url) = &args.url {
        return Ok(vec![stranger(url, args)?]);
    }
    let settings = config.settings();
    let of = |provider: &ProviderConfig| Patient {
        provider: provider.clone(),
        key: None,
        model: args.model.clone(),
    };
    match &args.provider {
        None if settings.providers.is_empty() => bail!(
            "there is no provider in the settings yet; add one in Settings → AI Model, or name an \
             address with --url"
        ),
        None => Ok(settings.providers.iter().map(of).collect()),
        Some(name) => {
            let names: Vec<&str> = settings.providers.iter().map(|p| p.id.as_str()).collect();
            let found = settings.providers.iter().find(|p| p.id.as_str() == name);
            let found = found.with_context(|| match names.is_empty() {
                true => format!("there is no provider named {name}, nor any other"),
                false => {
                    format!("there is no provider named {name}; there is {}", names.join(", "))
                }
            })?;
            Ok(vec![of(found)])
        }
    }
}

/// A provider that is not in the settings.
fn stranger(url: &str, args: &DoctorArgs) -> anyhow::Result<Patient> {
    let name = match args.protocol {
        Protocol::Anthropic => "anthropic-compatible",
        Protocol::OpenaiChat => "openai-compatible",
        Protocol::OpenaiResponses => "openai-responses-compatible",
        Protocol::Gemini => "gemini-compatible",
    };
    let preset = preset(name).with_context(|| format!("the preset {name} is missing"))?;
    let mut provider = ProviderConfig::from_preset(preset, "doctor".parse()?);
    url.clone_into(&mut provider.base_url);
    url.clone_into(&mut provider.name);
    let key = match &args.key_env {
        None => None,
        Some(variable) => {
            let key = std::env::var(variable)
                .with_context(|| format!("the environment variable {variable} holds no key"))?;
            Some(Secret::parse(&key).with_context(|| format!("the key in {variable}"))?)
        }
    };
    Ok(Patient { provider, key, model: args.model.clone() })
}

#[expect(clippy::print_stdout, reason = "the report")]
fn print_stage(stage: &StageReport, lang: Lang, style: Style, raw: bool) {
    let (mark, colour) = match stage.verdict {
        Verdict::Passed => ("✓", "32"),
        Verdict::Warned => ("!", "33"),
        Verdict::Failed => ("✗", "31"),
        Verdict::Skipped => ("–", "2"),
    };
    let name = stage.stage.words(lang);
    let padding = " ".repeat(NAME_WIDTH.saturating_sub(name.width()));
    let mut words = String::new();
    visible(&mut words, &stage.proof.words(lang));
    let time = match stage.verdict {
        Verdict::Skipped => String::new(),
        _ => style.paint("2", &format!("  {} ms", stage.ms)),
    };
    println!("  {} {name}{padding} {words}{time}", style.paint(colour, mark));
    if let (true, Some(reply)) = (raw, &stage.raw) {
        print_raw(reply, style);
    }
    // Steps may take long; each is to be seen when it is over, even through a pipe.
    let _ = std::io::stdout().flush();
}

#[expect(clippy::print_stdout, reason = "the report")]
fn print_raw(reply: &RawReply, style: Style) {
    let mut text = format!("HTTP {}\n", reply.status);
    for (name, value) in reply.headers.iter() {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(&reply.body));
    for line in text.lines() {
        let mut shown = String::new();
        visible(&mut shown, line);
        println!("      {}", style.paint("2", &shown));
    }
}

#[expect(clippy::print_stdout, reason = "the report")]
fn print_end(report: &DoctorReport, lang: Lang, style: Style) {
    let say = |en: &str, zh: &str| match lang {
        Lang::En => en.to_owned(),
        Lang::Zh => zh.to_owned(),
    };
    let learned: Vec<String> =
        report.learned.iter().filter_map(|fact| learned_words(fact, lang)).collect();
    if !learned.is_empty() {
        println!("\n{}{}", say("Learned: ", "得知："), learned.join(" · "));
    }
    if let Some(base) = &report.better_base {
        let words = say(
            "This base URL works; save it in the settings: ",
            "这个基础 URL 可用，请在设置中保存：",
        );
        println!("\n{words}{}", style.paint("1", base));
    }
    if let Some(failure) = report.failure() {
        let mut diagnosis = failure.diagnosis.clone();
        diagnosis.remedies.retain(|remedy| concerns_setup(remedy.action));
        println!("\n{}", card::render(&failure.evidence, &diagnosis, lang, style));
    }
}

/// Whether a remedy is about the way to the provider, not about a conversation.
const fn concerns_setup(action: Action) -> bool {
    matches!(
        action,
        Action::OpenSettingsKey
            | Action::OpenSettingsUrl
            | Action::OpenSettingsModel
            | Action::OpenBilling
            | Action::CheckNetwork
            | Action::OpenConsole
            | Action::OpenLimits
            | Action::OpenStatus
            | Action::ContactProvider
    )
}

fn as_json(provider: &ProviderConfig, report: &DoctorReport, lang: Lang) -> Value {
    let stages: Vec<Value> = report
        .stages
        .iter()
        .map(|stage| {
            json!({
                "stage": stage.stage.as_str(),
                "verdict": stage.verdict.as_str(),
                "ms": stage.ms,
                "words": stage.proof.words(lang),
                "reply": stage.raw.as_ref().map(|raw| json!({
                    "status": raw.status,
                    "headers": raw.headers,
                    "body": String::from_utf8_lossy(&raw.body),
                })),
                "diagnosis": stage.failure.as_ref().map(|failure| &failure.diagnosis),
            })
        })
        .collect();
    json!({
        "provider": provider.id.as_str(),
        "base_url": provider.base_url,
        "protocol": provider.protocol,
        "model": report.model,
        "stages": stages,
        "better_base": report.better_base,
        "learned": report.learned,
    })
}
