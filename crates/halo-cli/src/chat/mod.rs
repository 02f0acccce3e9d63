//! `halo chat`: the conversation in a terminal, with the engine and the cards of the app.
//!
//! With a prompt, or with something on standard input, it prints the answer and ends: the answer on
//! standard output, everything else on standard error. Otherwise a person types.

mod act;
mod card;
mod code;
mod command;
mod countdown;
mod do_command;
mod follow;
mod inline;
mod input;
mod keys;
mod markdown;
mod paths;
mod screen;
mod session;
mod show;
mod table;
mod words;

use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use halo_config::{Config, Environment, Flags, Paths};
use halo_engine::{Engine, Options};
use halo_store_sqlite::SqliteStore;
use halo_types::{ConversationId, Lang, Target};
use tokio_util::sync::CancellationToken;

use crate::explain::{language_of_environment, parse_lang};
use crate::instance::{self, Instance};
use crate::{app, data, practice};

use self::screen::Screen;
use self::session::Session;
use self::words::Words;

/// Exit code where there is nothing to send or no such model or conversation.
const USAGE: u8 = 2;

/// Chat in the terminal: the same conversations, the same cards.
///
/// With a prompt, or with text on standard input, prints the answer and ends; the exit code is 1
/// where no answer came. Without, it is a conversation: /help lists its commands.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// What to ask. Standard input, where it is no terminal, follows it.
    #[arg(value_name = "PROMPT")]
    prompt: Vec<String>,
    /// The folder for conversations, settings and keys; the platform's data folder if not given.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,
    /// The model to ask, or a part of its name.
    #[arg(short, long, value_name = "PROVIDER/MODEL")]
    model: Option<String>,
    /// Go on with this conversation: its id or its title.
    #[arg(short, long, value_name = "ID")]
    conversation: Option<String>,
    /// Go on with the newest conversation.
    #[arg(short, long, conflicts_with = "conversation")]
    last: bool,
    /// The language of Halo's words: `en` or `zh`. Follows the environment by default.
    #[arg(long, value_name = "LANG", value_parser = parse_lang)]
    lang: Option<Lang>,
}

/// Runs `halo chat`.
pub(crate) async fn run(args: ChatArgs) -> anyhow::Result<ExitCode> {
    let words = Words::new(args.lang.unwrap_or_else(language_of_environment));
    let prompt = prompt(&args.prompt)?;
    let mut screen = Screen::new(prompt.is_none());
    if prompt.as_ref().is_some_and(|prompt| prompt.trim().is_empty()) {
        screen.note(&words.t("chat-empty"));
        return Ok(ExitCode::from(USAGE));
    }
    let paths = Paths::resolve(args.data)?;
    let Some(instance) = Instance::take(&paths)? else {
        screen.note(&taken(&paths, words).await?);
        return Ok(ExitCode::FAILURE);
    };
    instance.announce_chat()?;
    let config = Config::load_with(paths.clone(), Environment::process(), Flags::default())?;
    for warning in config.warnings() {
        screen.note(&format!("halo: {warning}"));
    }
    let (store, rescue) = app::open(&paths).await?;
    let shutdown = CancellationToken::new();
    let (practice, simulator) = practice::start(shutdown.clone()).await?;
    let options =
        Options { practice: Some(practice), rescue, ..Options::new(config, Arc::new(store)) };
    let engine = Engine::open(options).await?;

    let mut session = Session::new(engine.clone(), words, screen, paths.data().to_owned());
    let code = match begin(&mut session, args.model, args.conversation, args.last).await? {
        None => ExitCode::from(USAGE),
        Some(conversation) => match prompt {
            Some(prompt) => session.once(conversation, prompt).await?,
            None => session.talk(conversation).await?,
        },
    };
    engine.close().await;
    shutdown.cancel();
    // What still hangs on the practice provider is of no value.
    simulator.abort();
    drop(instance);
    Ok(code)
}

/// What to ask where nobody types: the argument and what comes on standard input.
fn prompt(words: &[String]) -> anyhow::Result<Option<String>> {
    let asked = (!words.is_empty()).then(|| words.join(" "));
    if io::stdin().is_terminal() {
        return Ok(asked);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).context("standard input cannot be read")?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    Ok(Some(match asked {
        Some(asked) if text.is_empty() => asked,
        Some(asked) => format!("{asked}\n\n{text}"),
        None => text.to_owned(),
    }))
}

/// Chooses model and conversation as the options say. `None` where that is not possible; the inner
/// `None` is a new conversation.
async fn begin(
    session: &mut Session,
    model: Option<String>,
    conversation: Option<String>,
    last: bool,
) -> anyhow::Result<Option<Option<ConversationId>>> {
    let id = match conversation {
        Some(wanted) => Some(data::find(session.engine.store().as_ref(), &wanted).await?),
        None if last => {
            let newest = session.engine.conversations().await?.first().map(|row| row.id);
            if newest.is_none() {
                let text = session.words.t("chat-last-none");
                session.screen.quiet(&text);
            }
            newest
        }
        None => None,
    };
    if let Some(wanted) = model {
        let Some(target) = named(session, &wanted) else { return Ok(None) };
        match id {
            Some(id) => session.engine.set_target(id, target).await?,
            None => session.target = Some(target),
        }
    }
    Ok(Some(id))
}

/// The model of this name; says which there are where it is not clear.
fn named(session: &mut Session, wanted: &str) -> Option<Target> {
    match session.pick_model(wanted) {
        Ok(target) => Some(target),
        Err(said) => {
            session.screen.note(&said);
            None
        }
    }
}

/// Another Halo has the data folder: where to chat instead.
async fn taken(paths: &Paths, words: Words) -> anyhow::Result<String> {
    if let Some(pid) = instance::chatting(paths) {
        return Ok(words.t1("chat-chat-runs", "pid", pid));
    }
    let Some(running) = instance::running(paths) else { bail!(words.t("chat-app-starting")) };
    let store = SqliteStore::open(&running.database(paths)).await?;
    let link = halo_web::new_link(&store, &format!("http://{}", running.address)).await?;
    let first = words.t1("chat-app-runs", "pid", running.pid);
    Ok(format!("{first}\n\n  {link}\n\n{}", words.t("chat-app-runs-else")))
}
