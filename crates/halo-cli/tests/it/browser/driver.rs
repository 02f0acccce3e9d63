//! Chromium through its WebDriver.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const MISSING: &str = "the browser tests need Chromium and its driver (programs `chromium` and \
                       `chromedriver`): run ./test, which installs them";

/// A browser of its own for one test: fresh profile, no background traffic.
pub(super) struct Browser {
    pub(super) client: Client,
    _driver: Child,
}

impl Browser {
    /// Starts a browser whose profile lies in `folder`.
    pub(super) async fn start(folder: &Path) -> Self {
        let chromium = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find_map(in_path)
            .unwrap_or_else(|| panic!("{MISSING}"));
        let driver = in_path("chromedriver").unwrap_or_else(|| panic!("{MISSING}"));
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let port = port_of(&mut driver).await;

        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    "--disable-dev-shm-usage", "--disable-background-networking",
                    "--disable-component-update", "--disable-sync", "--disable-quic",
                    "--disable-extensions", "--hide-scrollbars", "--lang=en-US",
                    "--force-device-scale-factor=1", "--window-size=1280,900",
                    format!("--user-data-dir={}", folder.join("profile").display()),
                ],
                "prefs": { "intl.accept_languages": "en-US,en" },
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        Self { client, _driver: driver }
    }

    /// A command of the DevTools protocol.
    pub(super) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        let command = Post { path: "goog/cdp/execute", body };
        self.client.issue_cmd(command).await.expect("a command that Chromium knows")
    }

    /// The entries of a log since the last call.
    pub(super) async fn log(&self, name: &str) -> Vec<Value> {
        let command = Post { path: "se/log", body: json!({ "type": name }) };
        match self.client.issue_cmd(command).await.expect("a log that Chromium keeps") {
            Value::Array(entries) => entries,
            other => panic!("no log: {other}"),
        }
    }
}

/// A command that only Chromium's driver knows.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

fn in_path(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .map(|file| file.display().to_string())
}

/// The driver chooses a free port and tells it.
async fn port_of(driver: &mut Child) -> u16 {
    let stdout = driver.stdout.take().expect("stdout is piped");
    let mut lines = BufReader::new(stdout).lines();
    let find = async {
        while let Some(line) = lines.next_line().await.expect("stdout can be read") {
            if let Some((_, port)) = line.rsplit_once("on port ")
                && let Ok(port) = port.trim_end_matches('.').parse::<u16>()
                && port != 0
            {
                return port;
            }
        }
        panic!("chromedriver ended before it told its port");
    };
    let port = tokio::time::timeout(Duration::from_secs(20), find)
        .await
        .expect("chromedriver tells its port within 20 seconds");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    port
}
