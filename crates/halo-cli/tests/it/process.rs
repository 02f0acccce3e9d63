//! The binary as a process, and the least of HTTP to talk to its pages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_halo"))
        .args(args)
        .env_remove("HALO_DATA")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that ends early closes its input; that is no fault of the test.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// The running app. Dropping it kills the process.
pub(crate) struct App {
    /// None for a stranger, who did not start it.
    child: Option<Child>,
    address: String,
    cookie: String,
    /// What it printed up to the link.
    pub(crate) printed: String,
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl App {
    /// Starts the app on a data folder and signs in.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_on(data, "127.0.0.1:0")
    }

    /// Starts the app and signs in, and reads nothing of what it prints after the link.
    pub(crate) fn unread(data: &Path) -> Self {
        Self::begin(data, "127.0.0.1:0", false)
    }

    /// Starts the app on an address and signs in.
    pub(crate) fn start_on(data: &Path, listen: &str) -> Self {
        Self::begin(data, listen, true)
    }

    fn begin(data: &Path, listen: &str, read_on: bool) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_halo"))
            .arg("--data")
            .arg(data)
            .args(["--no-open", "--listen", listen])
            .env_remove("HALO_DATA")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        let link = loop {
            let line = lines.next().expect("halo ended before it printed its link").unwrap();
            printed.push_str(&line);
            printed.push('\n');
            if let Some(at) = line.find("http://")
                && line.contains("/enter?token=")
            {
                break line[at..].to_owned();
            }
        };
        if read_on {
            std::thread::spawn(move || lines.for_each(drop));
        } else {
            drop(lines);
        }
        let rest = link.strip_prefix("http://").unwrap();
        let (address, path) = rest.split_once('/').unwrap();
        let child = Some(child);
        let mut app = Self { child, address: address.to_owned(), cookie: String::new(), printed };
        let entered = app.get(&format!("/{path}"));
        let set = entered
            .head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .expect("the link signs in");
        app.cookie = set.split(';').next().unwrap().to_owned();
        app
    }

    /// Somebody else at the app that listens there, who is not signed in.
    pub(crate) fn stranger(address: &str) -> Self {
        Self {
            child: None,
            address: address.to_owned(),
            cookie: String::new(),
            printed: String::new(),
        }
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it was started here")
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "")
    }

    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        self.ask("POST", path, "application/x-www-form-urlencoded", &body.join("&"))
    }

    fn ask(&self, method: &str, path: &str, content_type: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (address, cookie) = (&self.address, &self.cookie);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\n\
             cookie: {cookie}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).unwrap();
        let text = String::from_utf8_lossy(&raw);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase().replace("\r\n", "\n"),
            body: body.to_owned(),
        }
    }

    /// Asks for a page until it is as wanted.
    pub(crate) fn until(&self, path: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.get(path).body;
            if wanted(&page) {
                return page;
            }
            assert!(Instant::now() < deadline, "{path} never became as wanted:\n{page}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(mut self) {
        // SIGKILL on Unix: no handler runs.
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    /// Asks the process to end, as Ctrl+C does, and waits for it.
    pub(crate) fn interrupt(mut self) -> bool {
        let pid = self.child().id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        self.child().wait().unwrap().success()
    }
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
