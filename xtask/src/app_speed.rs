//! `app-speed`: how quick the app is in a real browser, beside its bars.

#[expect(dead_code, reason = "the browser tests use more of it")]
#[path = "../../crates/halo-cli/tests/it/browser/driver.rs"]
mod driver;
#[expect(dead_code, reason = "the browser tests use more of it")]
#[path = "../../crates/halo-cli/tests/it/browser/seed.rs"]
mod seed;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use halo_config::{Config, ConnectionSettings, Environment, Flags, Paths, ProviderConfig};
use halo_sim::{Directing, Director, Scene, SimOptions, Simulator};
use halo_types::{Protocol, StopReason, Target};
use serde::de::DeserializeOwned;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use driver::Browser;

/// How often what is short is measured; the middle one counts.
const ROUNDS: usize = 5;
/// The longest anything may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Words of the fast answer, and the pause after every few of them.
const WORDS: usize = 6_000;
const PACE: Duration = Duration::from_millis(3);

/// A figure beside its bar.
struct Figure {
    what: &'static str,
    is: f64,
    most: f64,
    unit: &'static str,
}

/// Answers with many words, fast.
struct Fast;

impl Director for Fast {
    fn direct(&self, _: &Directing<'_>) -> Option<Scene> {
        let word = |n: usize| if n % 40 == 39 { "stop.\n\n" } else { "word " };
        let text = (0..WORDS).map(word).collect();
        Some(Scene::Answer { thinking: String::new(), text, stop: StopReason::End, pace: PACE })
    }
}

/// Runs `app-speed [--halo FILE]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let halo = match args {
        [] => built()?,
        [flag, path] if flag == "--halo" => PathBuf::from(path),
        _ => bail!("usage: app-speed [--halo FILE]"),
    };
    if !halo.is_file() {
        bail!("there is no program {}", halo.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(measure(&halo))?;
    report(&figures)
}

fn built() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["build", "--release", "--package", "halo-cli"];
    let status = std::process::Command::new(cargo).args(args).status().context("no cargo")?;
    if !status.success() {
        bail!("halo does not build");
    }
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/halo"))
}

#[expect(clippy::print_stdout, reason = "the report")]
fn report(figures: &[Figure]) -> anyhow::Result<()> {
    println!("{:<58} {:>10} {:>10}", "", "is", "bar");
    let mut missed = 0;
    for Figure { what, is, most, unit } in figures {
        let mark = if is > most { "  missed" } else { "" };
        missed += usize::from(is > most);
        println!("{what:<58} {is:>10.2} {most:>10.2} {unit}{mark}");
    }
    if missed > 0 {
        bail!("{missed} of {} bars are missed", figures.len());
    }
    Ok(())
}

async fn measure(halo: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let sim = Simulator::directed(SimOptions::default(), Arc::new(Fast));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let target = configure(&data, &format!("http://{}", listener.local_addr()?))?;
    let stop = CancellationToken::new();
    let server = tokio::spawn(halo_sim::serve(listener, sim, stop.clone()));
    let amount = seed::Amount { messages: 10_000, bytes: 2_000_000 };
    seed::fill(&data, &target, &amount).await;

    let browser = Browser::start(folder.path()).await;
    let measured = all(halo, &data, &browser).await;
    // A browser that is not closed would outlive the program.
    browser.client.clone().close().await.ok();
    stop.cancel();
    // It ends by being told to; how is of no interest.
    let _ = server.await;
    measured
}

async fn all(halo: &Path, data: &Path, browser: &Browser) -> anyhow::Result<Vec<Figure>> {
    let mut starts = Vec::new();
    let mut app: Option<App> = None;
    for _ in 0..ROUNDS {
        if let Some(mut old) = app.take() {
            // Until it is gone, a new one would only print a link to it.
            old.child.kill().await?;
        }
        let (started, took) = App::start(halo, data).await?;
        browser.client.goto(&started.link).await?;
        starts.push(took.as_secs_f64() * 1_000.0 + painted(browser).await?);
        app = Some(started);
    }
    let app = app.context("no round was run")?;

    let mut long = Vec::new();
    for _ in 0..ROUNDS {
        browser.client.goto(&format!("{}{}", app.base, seed::LONG_PATH)).await?;
        long.push(painted(browser).await?);
    }
    let scrolled: f64 = asynchronous(browser, SCROLL).await?;
    let memory = app.megabytes()?;

    browser.client.goto(&format!("{}{}", app.base, seed::LONG_PATH)).await?;
    browser.client.execute(WATCH, Vec::new()).await?;
    let began = Instant::now();
    browser.client.execute(SEND, vec![json!("Count fast.")]).await?;
    until(browser, "document.querySelector('[data-running]')").await?;
    until(browser, "!('busy' in document.getElementById('conversation').dataset)").await?;
    let pace = WORDS as f64 / began.elapsed().as_secs_f64();
    let shift: f64 = read(browser, "halo.shift").await?;
    let task: f64 = read(browser, "halo.task").await?;
    let size: f64 = asynchronous(browser, SIZES)
        .await
        .context("the scripts and styles of the pages could not be fetched")?;
    let foreign = foreign(browser, &app.base).await;

    Ok(vec![
        Figure {
            what: "start to first paint, 200 conversations",
            is: middle(starts),
            most: 150.0,
            unit: "ms",
        },
        Figure {
            what: "first paint of 10,000 messages",
            is: middle(long),
            most: 200.0,
            unit: "ms",
        },
        Figure {
            what: "longest frame while scrolling up in them",
            is: scrolled,
            most: 100.0,
            unit: "ms",
        },
        Figure { what: "memory with them open", is: memory, most: 80.0, unit: "MB" },
        Figure { what: "layout shift while an answer streams", is: shift, most: 0.05, unit: "" },
        Figure { what: "longest task meanwhile", is: task, most: 100.0, unit: "ms" },
        Figure {
            what: "seconds for 1,000 words meanwhile",
            is: 1_000.0 / pace,
            most: 1.5,
            unit: "s",
        },
        Figure { what: "scripts and styles", is: size / 1_000.0, most: 120.0, unit: "kB" },
        Figure { what: "requests to others", is: foreign, most: 0.0, unit: "" },
    ])
}

/// Scrolls up for three seconds; the longest time between two frames.
const SCROLL: &str = "const done = arguments[0]; const s = document.getElementById('scroller'); \
    let last = performance.now(), most = 0; const end = last + 3000; \
    const step = () => { const now = performance.now(); most = Math.max(most, now - last); last = now; \
      s.scrollTop -= 120; now < end ? requestAnimationFrame(step) : done(most); }; \
    requestAnimationFrame(step);";
const WATCH: &str = "window.halo = { shift: 0, task: 0 }; \
    new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) halo.shift += e.value; }) \
      .observe({ type: 'layout-shift' }); \
    new PerformanceObserver((l) => { for (const e of l.getEntries()) halo.task = Math.max(halo.task, e.duration); }) \
      .observe({ type: 'longtask' });";
const SEND: &str = "const p = document.querySelector('[data-prompt]'); p.value = arguments[0]; \
    p.dispatchEvent(new InputEvent('input', { bubbles: true })); document.querySelector('[data-send]').click();";
/// The scripts and styles of the main pages and all that they import, by their length.
const SIZES: &str = "const done = arguments[0]; (async () => { const known = new Map(); \
    const add = async (url) => { if (known.has(url)) return; known.set(url, 0); \
      const text = await (await fetch(url)).text(); known.set(url, new Blob([text]).size); \
      for (const [, name] of text.matchAll(/(?:from|import|URL\\()\\s*[\"'`](\\.?\\/[^\"'`]+\\.js)/g)) \
        await add(new URL(name, url).href); }; \
    for (const page of ['/', '/settings', '/settings/ai-model', '/settings/data', '/outbox', '/help/errors']) { \
      const html = new DOMParser().parseFromString(await (await fetch(page)).text(), 'text/html'); \
      for (const e of html.querySelectorAll('script[src], link[rel=stylesheet]')) \
        await add(new URL(e.getAttribute('src') ?? e.getAttribute('href'), location.href).href); } \
    done([...known.values()].reduce((a, b) => a + b, 0)); })().catch(() => done(null));";

/// When the page was painted first, in milliseconds from the beginning of the navigation.
async fn painted(browser: &Browser) -> anyhow::Result<f64> {
    until(browser, "performance.getEntriesByName('first-contentful-paint').length > 0").await?;
    read(browser, "performance.getEntriesByName('first-contentful-paint')[0].startTime").await
}

async fn read<T: DeserializeOwned>(browser: &Browser, expression: &str) -> anyhow::Result<T> {
    let value = browser.client.execute(&format!("return ({expression})"), Vec::new()).await?;
    Ok(serde_json::from_value(value)?)
}

async fn asynchronous<T: DeserializeOwned>(browser: &Browser, script: &str) -> anyhow::Result<T> {
    Ok(serde_json::from_value(browser.client.execute_async(script, Vec::new()).await?)?)
}

async fn until(browser: &Browser, expression: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !read::<bool>(browser, &format!("!!({expression})")).await.unwrap_or(false) {
        if Instant::now() > deadline {
            bail!("waited in vain for {expression}");
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Ok(())
}

/// How many requests went elsewhere than to the app.
async fn foreign(browser: &Browser, base: &str) -> f64 {
    let host = base.rsplit_once(':').map_or(base, |(host, _)| host);
    let is_foreign = |entry: &serde_json::Value| {
        let message: serde_json::Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
        let message = &message["message"];
        let url = message["params"]["request"]["url"].as_str()?;
        let asks = message["method"] == "Network.requestWillBeSent" && url.starts_with("http");
        (asks && !url.starts_with(host)).then_some(())
    };
    browser.log("performance").await.iter().filter_map(is_foreign).count() as f64
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::INFINITY)
}

/// The running app. Dropping it kills the process.
struct App {
    base: String,
    link: String,
    child: Child,
}

impl App {
    /// Starts it; the time until it has told its link.
    async fn start(halo: &Path, data: &Path) -> anyhow::Result<(Self, Duration)> {
        let began = Instant::now();
        let mut child = Command::new(halo)
            .arg("--data")
            .arg(data)
            .args(["--no-open", "--listen", "127.0.0.1:0"])
            .env_remove("HALO_DATA")
            .env("NO_PROXY", "*")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        while let Some(line) = lines.next_line().await? {
            if line.contains("/enter?token=") {
                let took = began.elapsed();
                let link = line.trim().to_owned();
                let base = link.split_once("/enter").map(|(base, _)| base.to_owned());
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok((Self { base: base.context("no link")?, link, child }, took));
            }
        }
        bail!("halo ended before it printed its link")
    }

    /// What it has in memory.
    fn megabytes(&self) -> anyhow::Result<f64> {
        let id = self.child.id().context("halo ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))
            .context("memory is read from /proc, which is there on Linux")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
        Ok(kb.trim().parse::<f64>()? / 1_000.0)
    }
}

fn configure(data: &Path, base: &str) -> anyhow::Result<Target> {
    let paths = Paths::resolve(Some(data.to_owned()))?;
    let config = Config::load_with(paths, Environment::fixed([("", ""); 0]), Flags::default())?;
    let id: halo_types::ProviderId = "fast".parse()?;
    config.update(|settings| {
        settings.providers = vec![ProviderConfig {
            id: id.clone(),
            name: "Fast".to_owned(),
            preset: "openai-compatible".to_owned(),
            protocol: Protocol::OpenaiChat,
            base_url: base.to_owned(),
            key_env: None,
            needs_key: true,
            models: vec!["fast".to_owned()],
            connection: ConnectionSettings::default(),
        }];
    })?;
    config.set_keys(&id, &["sk-test-1234567890"])?;
    Ok(Target { provider: id, model: "fast".to_owned() })
}
