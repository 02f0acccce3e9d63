//! What a person meets on the command line: the first start, the second start, and bad input.

use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::process::{App, run};

const PASSWORD: &[u8] = b"correct horse battery\n";

/// Starts the app where it cannot start, and returns what it said.
fn refused(data: &Path, args: &[&str]) -> String {
    let data = data.to_str().unwrap();
    let mut all = vec!["--data", data, "--no-open"];
    all.extend_from_slice(args);
    let output = run(&all, b"");
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(!words.contains("panicked"), "{words}");
    words
}

#[test]
fn a_second_start_prints_a_fresh_link_to_the_first() {
    let data = TempDir::new().unwrap();
    let app = App::start(data.path());
    assert!(app.printed.contains("/enter?token="));
    let second = run(&["--data", data.path().to_str().unwrap(), "--no-open"], b"");
    assert!(second.status.success(), "{second:?}");
    let words = String::from_utf8(second.stdout).unwrap();
    assert!(words.contains("runs already") && words.contains(app.address()), "{words}");
    let at = words.find("/enter?token=").unwrap();
    let path = words[at..].split_whitespace().next().unwrap();
    assert_eq!(app.get(path).status, 303, "the fresh link signs in");
}

#[test]
fn a_port_that_a_stranger_holds_is_named_with_the_way_out() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = stranger.local_addr().unwrap().to_string();
    let data = TempDir::new().unwrap();
    let words = refused(data.path(), &["--listen", &address]);
    assert!(words.contains(&address) && words.contains("--listen"), "{words}");
}

#[test]
fn a_broken_settings_file_is_named_with_line_and_column_and_left_as_it_is() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("config.toml");
    let broken = "# mine\n[recovery]\nmax_tries = \"many\"\n";
    std::fs::write(&file, broken).unwrap();
    let words = refused(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(words.contains("config.toml, line 3, column 13"), "{words}");
    assert!(words.contains("many"), "{words}");
    std::fs::write(&file, "not toml at all [").unwrap();
    let words = refused(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(words.contains("config.toml, line 1"), "{words}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not toml at all [");
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let words = refused(&file.join("below"), &[]);
    assert!(words.contains("below") && words.contains("--data"), "{words}");
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("halo.db");
    let foreign = "this is a letter to my aunt ".repeat(200);
    std::fs::write(&file, &foreign).unwrap();
    let words = refused(data.path(), &["--listen", "127.0.0.1:0"]);
    assert!(words.contains("is not a database"), "{words}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), foreign);
}

#[test]
fn unknown_options_are_usage_errors() {
    let output = run(&["--lisen", "x"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn pages_are_closed_to_strangers() {
    let data = TempDir::new().unwrap();
    let app = App::start(data.path());
    let page = app.get("/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-security-policy: default-src 'self'"), "{}", page.head);
    let mut stream = std::net::TcpStream::connect(app.address()).unwrap();
    use std::io::{Read as _, Write as _};
    stream.write_all(b"GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((400..500).contains(&status), "{answer}");
}

#[test]
fn scenarios_are_listed() {
    let output = run(&["simulate", "--list"], b"");
    assert!(output.status.success());
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains("rate-limit") && words.contains("small-window"), "{words}");
}

#[test]
fn a_broken_rule_is_told_at_the_start_of_the_app() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let broken = "[[rule]]\nid = \"b\"\nkind = \"nonsense\"\nany = [\"x\"]\n";
    std::fs::write(rules.join("mine.toml"), broken).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_halo"))
        .arg("--data")
        .arg(folder.path())
        .args(["--no-open", "--listen", "127.0.0.1:0"])
        .env_remove("HALO_DATA")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stderr = child.stderr.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("halo: a rule of your own is not used: "), "{line}");
    assert!(line.contains("mine.toml:3:8: ") && line.contains("nonsense"), "{line}");
}

#[test]
fn other_machines_need_a_password_before_anything_listens_to_them() {
    let data = TempDir::new().unwrap();
    let folder = data.path().to_str().unwrap();
    let words = refused(data.path(), &["--listen", "0.0.0.0:0"]);
    assert!(words.contains("no password yet") && words.contains("halo password --data"), "{words}");
    let short = run(&["password", "--data", folder], b"short\n");
    assert!(!short.status.success());
    assert!(String::from_utf8(short.stderr).unwrap().contains("at least 10 characters"));
    let set = run(&["password", "--data", folder], PASSWORD);
    assert!(set.status.success(), "{set:?}");

    let app = App::start_on(data.path(), "0.0.0.0:0");
    assert!(app.address().starts_with("127.0.0.1:"), "the link is for this machine");
    assert_eq!(app.get("/settings/devices").status, 200);
    let stranger = App::stranger(app.address());
    let door = stranger.get("/settings/about");
    assert_eq!(door.status, 401);
    assert!(door.body.contains("data-sign-in"), "{}", door.body);
    let wrong = stranger.post("/sign-in", &[("password", "wrong wrong wrong"), ("to", "/")]);
    assert_eq!(wrong.status, 401);
    let right = stranger.post("/sign-in", &[("password", "correct horse battery"), ("to", "/")]);
    assert_eq!(right.status, 303);
    assert!(right.head.contains("set-cookie: halo_session"), "{}", right.head);

    // Another password from the terminal holds at once and signs everybody out.
    let set = run(&["password", "--data", folder], b"another long one\n");
    assert!(String::from_utf8(set.stdout).unwrap().contains("Signed out: 2"));
    assert_eq!(app.get("/settings/devices").status, 401);
    let old = stranger.post("/sign-in", &[("password", "correct horse battery"), ("to", "/")]);
    assert_eq!(old.status, 401);
    drop(app);
    assert!(run(&["password", "--remove", "--data", folder], b"").status.success());
    let words = refused(data.path(), &["--listen", "0.0.0.0:0"]);
    assert!(words.contains("no password yet"), "{words}");
    let words = refused(data.path(), &["--host", "https://halo.example"]);
    assert!(words.contains("a host name is needed"), "{words}");
}

#[test]
fn the_app_goes_on_when_nobody_reads_what_it_prints() {
    let data = TempDir::new().unwrap();
    let app = App::unread(data.path());
    assert_eq!(app.get("/settings/about").status, 200);
    assert!(app.interrupt(), "it ends as asked, though nobody hears of it");
}
