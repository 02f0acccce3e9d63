//! The real binary on a folder of its own, and a simulator of which the test sees every byte.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use halo_config::{Config, ConnectionSettings, Environment, Flags, Paths, ProviderConfig};
use halo_sim::{Exchange, SimOptions, Simulator};
use halo_types::Protocol;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// A key that every scenario takes but those that ask for a certain one.
const KEY: &str = "sk-test-1234567890";
/// How many providers a protocol has, each with a key of its own: one that was mended stays
/// mended.
const PROVIDERS: usize = 4;

/// The running binary.
pub(super) struct App {
    /// Its address, without a slash at the end.
    pub(super) base: String,
    /// The link that signs the browser in, once.
    pub(super) link: String,
    child: Child,
}

impl App {
    /// Starts the binary on a data folder.
    pub(super) async fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0").await
    }

    /// The same, at an address of the test's choice.
    pub(super) async fn start_at(data: &Path, address: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_halo"))
            .arg("--data")
            .arg(data)
            .args(["--no-open", "--listen", address])
            .env_remove("HALO_DATA")
            .env("NO_PROXY", "*")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let find_link = async {
            while let Some(line) = lines.next_line().await.expect("stdout can be read") {
                if line.contains("/enter?token=") {
                    return line.trim().to_owned();
                }
            }
            panic!("halo ended before it printed its link");
        };
        let link = tokio::time::timeout(Duration::from_secs(20), find_link)
            .await
            .expect("halo prints its link within 20 seconds");
        // What else it prints is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let base = link.split_once("/enter").expect("the link was found by it").0.to_owned();
        Self { base, link, child }
    }

    /// Kills it, as a crash or a shutdown of the machine does. Returns when it is gone.
    pub(super) async fn kill(&self) {
        let pid = self.child.id().expect("it runs").to_string();
        let killed = Command::new("kill").args(["-9", &pid]).status().await.expect("kill runs");
        assert!(killed.success());
        let address = self.base.trim_start_matches("http://");
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The simulator in this process, reached through the network as any provider.
pub(super) struct Bench {
    pub(super) sim: Simulator,
    /// Its address, without a slash at the end.
    pub(super) base: String,
    stop: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Bench {
    /// Starts a simulator, and writes its providers into the settings of a data folder.
    pub(super) async fn start(data: &Path, speed: f64) -> Self {
        let sim = Simulator::new(SimOptions { speed, ..SimOptions::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let base = format!("http://{address}");
        let stop = CancellationToken::new();
        tokio::spawn(halo_sim::serve(listener, sim.clone(), stop.clone()));

        let paths = Paths::resolve(Some(data.to_owned())).expect("the folder is usable");
        let environment = Environment::fixed([("", ""); 0]);
        let config = Config::load_with(paths, environment, Flags::default()).expect("settings");
        let mut models: Vec<String> = sim.models().into_iter().map(|model| model.id).collect();
        // By its name one whose maker documents what pictures it takes.
        models.push("claude-practice".to_owned());
        let provider = |(protocol, nth): (Protocol, usize)| ProviderConfig {
            id: provider_id(protocol, nth).parse().expect("a good name"),
            name: match nth {
                0 => format!("Simulated {}", name(protocol)),
                nth => format!("Simulated {} {}", name(protocol), nth + 1),
            },
            preset: preset(protocol).to_owned(),
            protocol,
            base_url: base.clone(),
            key_env: None,
            needs_key: true,
            models: models.clone(),
            connection: ConnectionSettings::default(),
        };
        let all: Vec<(Protocol, usize)> = Protocol::ALL
            .iter()
            .flat_map(|protocol| (0..PROVIDERS).map(|nth| (*protocol, nth)))
            .collect();
        config
            .update(|settings| settings.providers = all.iter().copied().map(provider).collect())
            .expect("settings can be written");
        for (protocol, nth) in all {
            let id = provider_id(protocol, nth).parse().expect("a good name");
            config.set_keys(&id, &[KEY]).expect("keys can be written");
        }
        Self { sim, base, stop }
    }

    /// What was asked of a model, oldest first; lists of models left out.
    pub(super) fn asked(&self, model: &str) -> Vec<Exchange> {
        let of_model = |exchange: &Exchange| exchange.model.as_deref() == Some(model);
        self.sim
            .journal()
            .into_iter()
            .filter(|exchange| exchange.method == "POST" && of_model(exchange))
            .collect()
    }
}

/// The name of a provider of the bench in targets and addresses.
pub(super) fn provider_id(protocol: Protocol, nth: usize) -> String {
    let name = match protocol {
        Protocol::Anthropic => "sim-anthropic",
        Protocol::OpenaiChat => "sim-openai",
        Protocol::OpenaiResponses => "sim-responses",
        Protocol::Gemini => "sim-gemini",
    };
    if nth == 0 { name.to_owned() } else { format!("{name}-{}", nth + 1) }
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Anthropic => "Anthropic",
        Protocol::OpenaiChat => "OpenAI",
        Protocol::OpenaiResponses => "OpenAI Responses",
        Protocol::Gemini => "Google",
    }
}

fn preset(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Anthropic => "anthropic-compatible",
        Protocol::OpenaiChat => "openai-compatible",
        Protocol::OpenaiResponses => "openai-responses-compatible",
        Protocol::Gemini => "gemini-compatible",
    }
}

/// The error in what the simulator sent, byte for byte: the body of an HTTP error, or the data
/// of the event that tells it inside a stream.
pub(super) fn error_of(exchange: &Exchange) -> Option<String> {
    let body = exchange.response_body.as_bytes();
    let text = String::from_utf8_lossy(body).into_owned();
    if exchange.status != Some(200) {
        return Some(text);
    }
    text.split("\n\n").find_map(|frame| {
        let data: Vec<&str> = frame.lines().filter_map(|l| l.strip_prefix("data: ")).collect();
        let data = data.join("\n");
        let json: serde_json::Value = serde_json::from_str(&data).ok()?;
        json.get("error").is_some_and(|error| !error.is_null()).then_some(data)
    })
}
