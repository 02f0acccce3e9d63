//! One test: a folder, the binary, a browser, and what is checked after every test.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures_util::FutureExt as _;
use serde_json::Value;
use tempfile::TempDir;

use super::app::{App, Bench};
use super::driver::Browser;
use super::page::Page;

/// What a test plays on.
pub(super) struct Stage {
    pub(super) page: Page,
    pub(super) folder: PathBuf,
    bench: Option<Bench>,
    forgiven: Mutex<Vec<&'static str>>,
}

/// Providers of a stage.
#[derive(Clone, Copy)]
pub(super) enum Providers {
    /// None is set up: the practice provider alone.
    None,
    /// The bench, writing this many times faster than life.
    Bench(f64),
}

/// Plays a test. Where it fails, the page is kept for looking at; where it passes, the browser's
/// console must be clean and nothing may have been asked of another machine.
pub(super) fn play(name: &str, providers: Providers, body: impl AsyncFnOnce(&Stage)) {
    play_with(name, providers, async |_| {}, body);
}

/// The same, with a data folder that somebody used before.
pub(super) fn play_with(
    name: &str,
    providers: Providers,
    prepare: impl AsyncFnOnce(&Path),
    body: impl AsyncFnOnce(&Stage),
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = TempDir::new().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a data folder");
        let bench = match providers {
            Providers::None => None,
            Providers::Bench(speed) => Some(Bench::start(&data, speed).await),
        };
        prepare(&data).await;
        let app = App::start(&data).await;
        let browser = Browser::start(folder.path()).await;
        let stage = Stage {
            page: Page::new(browser, app),
            folder: folder.path().to_owned(),
            bench,
            forgiven: Mutex::default(),
        };
        let played = AssertUnwindSafe(async {
            stage.page.sign_in().await;
            body(&stage).await;
            stage.check_browser().await;
        })
        .catch_unwind()
        .await;
        if played.is_err() {
            stage.show_failure(name).await;
        }
        // A browser that is not closed would outlive the test.
        stage.page.close().await;
        if let Err(panic) = played {
            resume_unwind(panic);
        }
    });
}

impl Stage {
    /// The simulator, where the test asked for it.
    pub(super) fn bench(&self) -> &Bench {
        self.bench.as_ref().expect("this test asked for the bench")
    }

    /// Lets messages of the console pass that contain these words.
    pub(super) fn forgive(&self, words: &'static str) {
        self.forgiven.lock().expect("nothing panics here").push(words);
    }

    /// No errors in the console, nothing asked of anybody but the app.
    async fn check_browser(&self) {
        let forgiven = self.forgiven.lock().expect("nothing panics here").clone();
        let bad: Vec<String> = self
            .page
            .browser
            .log("browser")
            .await
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .filter(|message| !forgiven.iter().any(|words| message.contains(words)))
            .collect();
        assert!(bad.is_empty(), "the console has: {bad:#?}");
        let base = &self.page.app.base;
        let foreign: Vec<String> = self
            .page
            .browser
            .log("performance")
            .await
            .iter()
            .filter_map(requested)
            .filter(|url| !url.starts_with(&format!("{base}/")) && !is_local(url))
            .collect();
        assert!(foreign.is_empty(), "asked of others: {foreign:#?}");
    }

    async fn show_failure(&self, name: &str) {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        match self.page.browser.client.screenshot().await {
            Ok(png) => {
                std::fs::write(&path, png).expect("the screenshot can be written");
                eprintln!("the page as it was: {}", path.display());
            }
            Err(error) => eprintln!("no screenshot: {error}"),
        }
        if let Ok(url) = self.page.browser.client.current_url().await {
            eprintln!("address: {url}");
        }
        let script = "return (document.getElementById('thread') ?? document.body).outerHTML";
        if let Ok(Value::String(html)) = self.page.browser.client.execute(script, vec![]).await {
            let from = html.char_indices().rev().nth(5_000).map_or(0, |(at, _)| at);
            eprintln!("the end of the thread:\n{}", &html[from..]);
        }
        for entry in self.page.browser.log("browser").await {
            eprintln!("console: {} {}", entry["level"], entry["message"]);
        }
        if let Some(bench) = &self.bench {
            for exchange in bench.sim.journal().iter().rev().take(6) {
                eprintln!(
                    "simulator: {:?} {:?} {} → {:?}",
                    exchange.at, exchange.model, exchange.path, exchange.status
                );
            }
        }
    }
}

/// The address in an entry of the performance log that tells of a request.
fn requested(entry: &Value) -> Option<String> {
    let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
    let message = &message["message"];
    (message["method"] == "Network.requestWillBeSent")
        .then(|| message["params"]["request"]["url"].as_str().map(str::to_owned))
        .flatten()
}

/// Addresses that stay in the browser.
fn is_local(url: &str) -> bool {
    ["data:", "blob:", "about:", "chrome:"].iter().any(|scheme| url.starts_with(scheme))
}
