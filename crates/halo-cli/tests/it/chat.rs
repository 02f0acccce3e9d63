//! `halo chat` in a terminal and in a pipe, with the practice provider on real sockets.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use crate::process::{App, PATIENCE, run};

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// `halo chat` in a terminal of its own. Dropping it kills the process.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn std::io::Write + Send>,
    screen: Arc<Mutex<String>>,
    /// What of the screen was looked at.
    read: usize,
    _master: Box<dyn MasterPty + Send>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    fn start(data: &Path, args: &[&str]) -> Self {
        let size = PtySize { rows: 40, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_halo"));
        command.arg("chat");
        command.arg("--data");
        command.arg(data);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        command.env("LC_ALL", "C.UTF-8");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut held = Vec::new();
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                held.extend_from_slice(&bytes[..n]);
                let whole = match std::str::from_utf8(&held) {
                    Ok(_) => held.len(),
                    Err(error) => error.valid_up_to(),
                };
                let text: Vec<u8> = held.drain(..whole).collect();
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&text));
            }
        });
        Self { child, keyboard, screen, read: 0, _master: pair.master }
    }

    /// Waits for words that were not looked at, and gives all up to them, without styles.
    fn until(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let new = plain(&self.screen.lock().unwrap());
            let rest = new.get(self.read..).unwrap_or_default();
            if let Some(at) = rest.find(wanted) {
                let end = at + wanted.len();
                self.read += end;
                return rest[..end].to_owned();
            }
            assert!(Instant::now() < deadline, "{wanted:?} never came:\n{rest}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Types a line at the prompt.
    fn say(&mut self, line: &str) {
        self.press(line);
        self.press("\r");
    }

    fn ends(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

/// Without control sequences.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                for c in chars.by_ref() {
                    if c.is_ascii_alphabetic() || c == '~' {
                        break;
                    }
                }
            }
            '\r' | '\u{1b}' => {}
            c => out.push(c),
        }
    }
    out
}

/// A picture that every reader takes: one red dot.
const DOT: &[u8] = &[
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0xff, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44,
    0x01, 0x00, 0x3b,
];

#[test]
fn a_person_chats_and_gets_past_errors() {
    let data = TempDir::new().unwrap();
    let mut chat = Terminal::start(data.path(), &[]);
    let hello = chat.until("› ");
    assert!(hello.contains("halo-practice · Practice"), "{hello}");
    assert!(hello.contains("Settings → AI Model"), "{hello}");

    // An answer is rendered as it comes.
    chat.say("Hello there");
    let answer = chat.until("☐ Play an error");
    assert!(answer.contains("I am halo-practice, the practice model"), "{answer}");
    assert!(answer.contains("fn main() {") && !answer.contains("```"), "{answer}");
    assert!(answer.contains("429 Too Many Requests"), "{answer}");
    assert!(answer.contains("│ it means"), "{answer}");
    chat.until("› ");

    // What is no command is not sent.
    chat.say("/compcat");
    chat.until("Did you mean /compact?");
    chat.until("› ");
    chat.press("\u{15}");

    // A told wait counts down, and goes on by itself.
    chat.say("/practice rate-limit");
    let card = chat.until("Sending again in ");
    assert!(card.contains("Rate limit reached for"), "{card}");
    assert!(card.contains("HTTP 429"), "{card}");
    assert!(card.contains("reported this."), "{card}");
    chat.until("the practice model");
    chat.until("› ");

    // A long wait is cut short by a key.
    chat.say("/practice rate-limit-long");
    chat.until("s or Enter: send now");
    std::thread::sleep(std::time::Duration::from_millis(300));
    chat.press("s");
    chat.until("the practice model");
    chat.until("› ");

    // A card offers numbered ways.
    chat.say("/practice wrong-key");
    let card = chat.until("Type a number:");
    assert!(card.contains("[invalid_api_key]"), "{card}");
    let ways = chat.until("› ");
    let key = ways.lines().find(|line| line.contains("settings")).unwrap();
    let number = key.trim().split('.').next().unwrap().to_owned();
    chat.say(&number);
    chat.until("start `halo`, then Settings → AI Model → Practice, field “Key”");
    chat.until("› ");
    chat.say("77");
    chat.until("no way forward of this number");
    chat.until("› ");
    chat.say("/report");
    chat.until("invalid_api_key");

    chat.press(CTRL_D);
    chat.until("halo chat --conversation ");
    assert!(chat.ends());
}

#[test]
fn ctrl_c_stops_the_answer_and_what_was_killed_is_continued() {
    let data = TempDir::new().unwrap();
    let mut chat = Terminal::start(data.path(), &["--model", "halo-practice-long"]);
    chat.until("› ");
    chat.say("A story, please");
    chat.until("left the harbour");
    chat.press(CTRL_C);
    chat.until("Stopped.");
    chat.until("› ");
    chat.say("/continue");
    chat.until("harbour");
    // The app does not start beside it, and says why.
    let app = run(&["--data", data.path().to_str().unwrap(), "--no-open"], b"");
    assert!(!app.status.success());
    let words = String::from_utf8(app.stderr).unwrap();
    assert!(words.contains("`halo chat` (process ") && words.contains("/quit"), "{words}");
    std::thread::sleep(std::time::Duration::from_millis(400));
    chat.child.kill().unwrap();
    chat.child.wait().unwrap();
    drop(chat);

    let mut chat = Terminal::start(data.path(), &["--last"]);
    let shown = chat.until("› ");
    assert!(shown.contains("A story, please · halo-practice-long"), "{shown}");
    chat.until("left the harbour");
    chat.until("/continue");
    chat.until("› ");
    chat.say("/continue");
    chat.until("harbour");
    chat.press(CTRL_C);
    chat.until("Stopped.");
    chat.until("› ");
    // Twice at the empty prompt ends it.
    chat.press(CTRL_C);
    chat.until("again");
    chat.until("› ");
    chat.press(CTRL_C);
    assert!(chat.ends());
}

#[test]
fn pictures_compaction_and_undo() {
    let data = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    let dot = folder.path().join("a dot.gif");
    std::fs::write(&dot, DOT).unwrap();
    std::fs::write(folder.path().join("no.png"), "not a picture").unwrap();
    let mut chat = Terminal::start(data.path(), &["--model", "practice/halo-practice"]);
    chat.until("› ");

    // A wrong file is said, and the draft stays.
    chat.say(&format!("look at {}", folder.path().join("gone.png").display()));
    chat.until("cannot be read");
    let draft = chat.until("gone.png");
    assert!(draft.contains("› look at"), "{draft}");
    chat.press("\u{15}");
    chat.say(&format!("/image {}", folder.path().join("no.png").display()));
    chat.until("is not a picture that can be sent");
    chat.until("› ");

    chat.say(&format!("look at '{}' well", dot.display()));
    chat.until("the practice model");
    chat.until("› ");

    // A model that cannot see: the card's first way leaves the picture out, /undo takes it back.
    chat.say("/practice blind");
    let asked = chat.until("Type a number:");
    assert!(asked.contains("[image_unsupported]"), "{asked}");
    let ways = chat.until("› ");
    assert!(ways.contains("1. ") && ways.contains("pictures: "), "{ways}");
    chat.say("1");
    chat.until("Pictures are left out for ");
    chat.until("› ");
    chat.say("/undo");
    chat.until("Taken back: Pictures are left out for ");
    chat.until("› ");

    // The older part becomes a summary, and comes back.
    chat.say("/new");
    chat.until("› ");
    chat.say("/model practice/halo-practice");
    chat.until("Model: halo-practice · Practice");
    chat.until("› ");
    for _ in 0..2 {
        chat.say(&"Remember the harbour and the number 4711. ".repeat(30));
        chat.until("Play an error");
        chat.until("› ");
    }
    chat.say("/compact keep the number");
    chat.until("Earlier messages are sent as a summary");
    chat.until("› ");
    chat.say("/undo");
    chat.until("Taken back: Earlier messages are sent as a summary");
    chat.until("› ");
    chat.say("/redo");
    chat.until("Done again: ");
    chat.until("› ");
    chat.say("/list");
    chat.until("/open NUMBER");
    chat.until("› ");
    chat.say("/quit");
    assert!(chat.ends());
}

#[test]
fn a_program_gets_the_answer_alone_and_an_exit_code() {
    let data = TempDir::new().unwrap();
    let folder = data.path().to_str().unwrap();
    let asked = run(&["chat", "--data", folder, "Say", "it"], b"and this");
    let (out, err) =
        (String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    assert!(asked.status.success(), "{err}");
    assert!(out.contains("I am **halo-practice**") && out.contains("```rust"), "{out}");
    assert!(out.contains("and this") && !out.contains('\u{1b}'), "{out}");
    assert!(err.contains("the practice provider answered"), "{err}");

    let failed = run(&["chat", "--data", folder, "-m", "wrong-key", "--lang", "zh"], b"Hello");
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stdout.is_empty(), "{failed:?}");
    let err = String::from_utf8(failed.stderr).unwrap();
    assert!(err.contains("[invalid_api_key]") && err.contains("报告的"), "{err}");
    assert!(!err.contains('\u{1b}'), "{err}");

    let waited = run(&["chat", "--data", folder, "-m", "practice/rate-limit", "Wait"], b"");
    assert!(waited.status.success(), "{waited:?}");
    assert!(String::from_utf8_lossy(&waited.stderr).contains("HTTP 429"));

    for (args, want) in [
        (&["-m", "no-such-thing"][..], "There is no model no-such-thing"),
        (&["-m", "sloppy"][..], "fits several models"),
        (&["  "][..], "The message is empty"),
    ] {
        let mut all = vec!["chat", "--data", folder];
        all.extend_from_slice(args);
        let refused = run(&all, if args[0] == "-m" { b"x" } else { b"" });
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let err = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(err.contains(want) && !err.contains("panicked"), "{err}");
    }
}

#[test]
fn where_the_app_runs_chat_leads_to_it() {
    let data = TempDir::new().unwrap();
    let app = App::start(data.path());
    let asked = run(&["chat", "--data", data.path().to_str().unwrap(), "Hello"], b"");
    assert_eq!(asked.status.code(), Some(1));
    let err = String::from_utf8(asked.stderr).unwrap();
    assert!(err.contains(app.address()) && err.contains("--data DIR"), "{err}");
    let at = err.find("/enter?token=").unwrap();
    let path = err[at..].split_whitespace().next().unwrap();
    assert_eq!(app.get(path).status, 303, "the link signs in");
}
