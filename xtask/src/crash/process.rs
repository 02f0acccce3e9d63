//! The binary as a process, and the least of HTTP to talk to its pages.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The longest anything at the process may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running app. Dropping it kills the process.
pub(super) struct App {
    child: Mutex<Child>,
    address: String,
    cookie: String,
}

/// An answer to a page's request.
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// What a started process turned out to be.
enum Started {
    /// The app, and its link.
    App(Box<(Child, String)>),
    /// It pointed to a running app, or said that another is starting, and ended.
    Refused,
}

impl App {
    /// Starts the app and signs in.
    pub(super) async fn start(halo: &Path, data: &Path) -> anyhow::Result<Self> {
        match start(halo, data).await? {
            Started::App(app) => Self::enter(app.0, &app.1).await,
            Started::Refused => bail!("the app did not start"),
        }
    }

    /// Starts two at once on one folder. Says whether exactly one became the app.
    pub(super) async fn start_two(halo: &Path, data: &Path) -> anyhow::Result<(Self, bool)> {
        let (a, b) = tokio::join!(start(halo, data), start(halo, data));
        match (a?, b?) {
            (Started::App(app), other) | (other, Started::App(app)) => {
                let refused = matches!(other, Started::Refused);
                Ok((Self::enter(app.0, &app.1).await?, refused))
            }
            _ => bail!("of two processes none became the app"),
        }
    }

    /// Starts another process beside the app. Says whether it was turned away.
    pub(super) async fn is_refused(halo: &Path, data: &Path) -> anyhow::Result<bool> {
        Ok(matches!(start(halo, data).await?, Started::Refused))
    }

    async fn enter(child: Child, link: &str) -> anyhow::Result<Self> {
        let rest = link.strip_prefix("http://").context("the link is no link")?;
        let (address, path) = rest.split_once('/').context("the link has no path")?;
        let mut app =
            Self { child: Mutex::new(child), address: address.to_owned(), cookie: String::new() };
        let entered = app.ask("GET", &format!("/{path}"), "").await?;
        let set = entered.header("set-cookie").context("the link does not sign in")?;
        app.cookie = set.split(';').next().unwrap_or_default().to_owned();
        Ok(app)
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        self.ask("POST", path, &body.join("&")).await
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        timeout(PATIENCE, self.exchange(method, path, body)).await.context("no answer in time")?
    }

    async fn exchange(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let (address, cookie) = (&self.address, &self.cookie);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: \
             {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: \
             {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await?;
        let text = String::from_utf8_lossy(&raw);
        let (head, body) = text.split_once("\r\n\r\n").context("the answer has no end of head")?;
        let status = head.split(' ').nth(1).context("the answer has no status")?.parse()?;
        Ok(Answer { status, head: head.replace("\r\n", "\n"), body: body.to_owned() })
    }

    /// Waits until the list of conversations shows none that runs or waits; no longer than
    /// `patience` once they grow no fewer.
    pub(super) async fn idle(&self, patience: Duration) {
        let mut deadline = Instant::now() + patience;
        let (mut quiet, mut least) = (0, usize::MAX);
        while Instant::now() < deadline && quiet < 4 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let list = self.ask("GET", "/list", "").await.map(|answer| answer.body);
            // A mark says that one runs or waits.
            let busy = list.map_or(0, |body| body.matches("data-mark=").count());
            if busy < least {
                (least, deadline) = (busy, Instant::now() + patience);
            }
            quiet = if busy > 0 { 0 } else { quiet + 1 };
        }
    }

    /// Ends the process as a power cut would.
    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        let mut child = self.child.lock().await;
        // SIGKILL on Unix: no handler runs.
        child.start_kill()?;
        child.wait().await?;
        Ok(())
    }

    /// Asks the process to end, as Ctrl+C does.
    pub(super) async fn interrupt(&self) -> anyhow::Result<()> {
        let mut child = self.child.lock().await;
        let id = child.id().context("the app is gone")?;
        Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
        let status = timeout(PATIENCE, child.wait()).await.context("the app does not end")??;
        if status.success() { Ok(()) } else { bail!("the app ended with {status}") }
    }
}

async fn start(halo: &Path, data: &Path) -> anyhow::Result<Started> {
    let mut child = Command::new(halo)
        .arg("--data")
        .arg(data)
        .args(["--no-open", "--listen", "127.0.0.1:0"])
        .env_remove("HALO_DATA")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let out = child.stdout.take().context("the app has no output")?;
    let mut lines = BufReader::new(out).lines();
    timeout(PATIENCE, read_link(&mut lines)).await.context("the app says nothing")??.map_or_else(
        || Ok(Started::Refused),
        |(is_app, link)| {
            if !is_app {
                return Ok(Started::Refused);
            }
            // What it prints later must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            Ok(Started::App(Box::new((child, link))))
        },
    )
}

/// The link, and whether the one who prints it is the app itself; `None` where it ended without.
async fn read_link(
    lines: &mut Lines<BufReader<ChildStdout>>,
) -> anyhow::Result<Option<(bool, String)>> {
    let mut is_app = true;
    while let Some(line) = lines.next_line().await? {
        is_app &= !line.starts_with("Halo runs already");
        if let Some(at) = line.find("http://")
            && line.contains("/enter?token=")
        {
            return Ok(Some((is_app, line[at..].to_owned())));
        }
    }
    Ok(None)
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
