//! `halo`: the app on one listener, pages for people and the gateway for programs.

use std::io::{ErrorKind, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::serve::ListenerExt as _;
use clap::Args;
use halo_config::{Config, Environment, Flags, Paths};
use halo_engine::{Engine, Options};
use halo_store_sqlite::{Rescue, SqliteStore};
use halo_web::{AppState, WebOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::data;
use crate::instance::{self, Instance};
use crate::practice;
use crate::reach;
use crate::terminal;

/// How long open connections may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// Options of the app.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppArgs {
    /// The folder for conversations, settings and keys; the platform's data folder if not given.
    #[arg(long, value_name = "DIR", env = "HALO_DATA")]
    data: Option<PathBuf>,
    /// The address to listen on; 127.0.0.1:7575 unless the settings say otherwise.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// A name under which other machines reach the app, without port; can be given several times.
    #[arg(long, value_name = "NAME", value_parser = host)]
    host: Vec<String>,
    /// Do not open the page in a browser.
    #[arg(long)]
    no_open: bool,
}

pub(crate) async fn run(args: AppArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::resolve(args.data)?;
    let Some(instance) = Instance::take(&paths)? else {
        return attach(&paths).await;
    };
    let flags = Flags { listen: args.listen, hosts: args.host, ..Flags::default() };
    let config = Config::load_with(paths.clone(), Environment::process(), flags)?;
    for warning in config.warnings() {
        terminal::warn(format_args!("halo: {warning}"));
    }
    let listen = config.settings().listen;
    let listener = bind(listen).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let (store, rescue) = open(&paths).await?;
    let database = rescue.as_ref().map_or_else(|| paths.database(), |r| r.rescued.clone());
    reach::guarded(&store, listen, paths.data()).await?;
    let store = Arc::new(store);
    let shutdown = CancellationToken::new();
    let (practice, simulator) = practice::start(shutdown.clone()).await?;
    let options = Options { practice: Some(practice), rescue, ..Options::new(config, store) };
    let engine = Engine::open(options).await?;
    for fault in engine.own_rules().faults() {
        terminal::warn(format_args!("halo: a rule of your own is not used: {fault}"));
    }
    let gateway_key = halo_gateway::ensure_key(engine.store().as_ref()).await?;
    instance.announce(address, &database)?;

    let hosts = engine.config().settings().hosts.clone();
    let others = reach::elsewhere(address, &hosts);
    let web = WebOptions { hosts, shutdown: shutdown.clone(), ..WebOptions::default() };
    let app = halo_gateway::router(engine.clone())
        .merge(halo_web::router(AppState::new(engine.clone(), web)));
    let base = format!("http://{}", reach::here(address));
    let link = halo_web::new_link(engine.store().as_ref(), &base).await?;
    terminal::say(format_args!(
        "Halo runs. Open this link (it works once, for ten minutes):\n\n  {link}\n"
    ));
    if !others.is_empty() {
        terminal::say(format_args!(
            "From other machines, with the password: {}",
            others.join(" or ")
        ));
        terminal::warn(format_args!(
            "halo: what goes to other machines is not encrypted; use it in a network you trust, \
             or put a proxy with HTTPS before it"
        ));
    }
    terminal::say(format_args!("Data folder: {}", paths.data().display()));
    if let Some(key) = gateway_key {
        terminal::say(format_args!("Gateway: {base}/v1"));
        terminal::say(format_args!("Gateway key: {key}"));
        terminal::say(format_args!(
            "(The key is shown only this once; make another in Settings → Gateway.)"
        ));
    }
    terminal::say(format_args!("Ctrl+C ends Halo."));
    if !args.no_open && has_desktop() && open::that_detached(&link).is_err() {
        terminal::warn(format_args!("halo: no browser could be opened; open the link yourself"));
    }

    let listener = listener.tap_io(|stream| {
        // Without this, small pieces of a stream wait for the acknowledgement of the last one.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let stop = shutdown.clone();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .into_future();
    let mut server = tokio::spawn(server);
    tokio::select! {
        () = asked_to_end() => {}
        ended = &mut server => {
            ended.context("the server's task failed")?.context("the server ended")?;
        }
    }
    terminal::say(format_args!("\nEnding …"));
    shutdown.cancel();
    engine.close().await;
    // Connections that do not end in time are cut; nothing of value is only on them.
    let _ = tokio::time::timeout(GRACE, async {
        let _ = server.await;
        let _ = simulator.await;
    })
    .await;
    Ok(ExitCode::SUCCESS)
}

fn host(text: &str) -> Result<String, &'static str> {
    halo_config::host_name(text).ok_or("a host name is needed, without https:// and port")
}

/// Opens the database; of a damaged one, what can be read.
pub(crate) async fn open(paths: &Paths) -> anyhow::Result<(SqliteStore, Option<Rescue>)> {
    let path = paths.database();
    let moved = halo_store_sqlite::settle(&path)
        .with_context(|| format!("{} could not be moved aside", path.display()))?;
    if let Some(aside) = moved {
        terminal::warn(format_args!("halo: the damaged database is now {}", aside.display()));
    }
    match SqliteStore::open(&path).await {
        Ok(store) => Ok((store, None)),
        Err(why) => {
            let (store, rescue) = halo_store_sqlite::rescue(&path, why).await?;
            terminal::warn(format_args!("halo: {}", data::told(&rescue)));
            terminal::warn(format_args!(
                "halo: nothing new can be stored; Settings → Data offers to export it, to go on \
                 with it, or to begin anew"
            ));
            Ok((store, Some(rescue)))
        }
    }
}

/// The app runs already: a fresh link to it.
async fn attach(paths: &Paths) -> anyhow::Result<ExitCode> {
    let Some(running) = instance::running(paths) else {
        if let Some(pid) = instance::chatting(paths) {
            bail!(
                "`halo chat` (process {pid}) uses {}, and one program at a time writes there; end \
                 it with /quit and start the app again, or start it on another folder with --data",
                paths.data().display()
            );
        }
        bail!(
            "another Halo is starting or ending on {}; try again in a moment",
            paths.data().display()
        );
    };
    let store = SqliteStore::open(&running.database(paths)).await?;
    let link =
        halo_web::new_link(&store, &format!("http://{}", reach::here(running.address))).await?;
    terminal::say(format_args!(
        "Halo runs already (process {}). Open this link:\n\n  {link}\n",
        running.pid
    ));
    Ok(ExitCode::SUCCESS)
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "another program holds {listen}; choose another port with --listen, for example \
             --listen {}:{}",
            listen.ip(),
            listen.port().checked_add(1).unwrap_or(7575)
        ),
        ErrorKind::PermissionDenied => anyhow::anyhow!(
            "this user may not listen on {listen}; choose a port above 1023 with --listen"
        ),
        _ => anyhow::Error::new(error).context(format!("Halo cannot listen on {listen}")),
    })
}

/// Whether there is a desktop to open a browser on.
pub(crate) fn has_desktop() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let graphical =
        cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY");
    graphical && !set("SSH_CONNECTION") && std::io::stdout().is_terminal()
}

/// Waits for Ctrl+C, the system's request to end, or the end of the terminal.
async fn asked_to_end() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let (terminate, hang_up) = {
        use tokio::signal::unix::SignalKind;
        (signalled(SignalKind::terminate()), signalled(SignalKind::hangup()))
    };
    #[cfg(not(unix))]
    let (terminate, hang_up) = (std::future::pending::<()>(), std::future::pending::<()>());
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
        () = hang_up => {}
    }
}

/// Waits for a signal; for ever where it cannot be listened for.
#[cfg(unix)]
async fn signalled(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}
