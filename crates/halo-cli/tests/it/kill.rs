//! A power cut in the middle of an answer: nothing that was on the page is lost.

use halo_store::Store as _;
use halo_store_sqlite::SqliteStore;
use halo_types::{AttemptOutcome, Record, Role};
use tempfile::TempDir;

use crate::process::App;

const PROMPT: &str = "Tell me about <the sea> & more";
const SHOWN_PROMPT: &str = "Tell me about &#60;the sea&#62; &#38; more";

/// Sends the prompt to the slow practice model and waits for `words` words of the answer.
fn begin(app: &App, words: usize) -> String {
    let sent =
        app.post("/messages", &[("text", PROMPT), ("target", "practice/halo-practice-long")]);
    assert_eq!(sent.status, 303, "{}", sent.body);
    let address = sent.head.lines().find_map(|l| l.strip_prefix("location: ")).unwrap().to_owned();
    let page = format!("{address}/thread");
    app.until(&page, |html| running(html).split_whitespace().count() >= words);
    address
}

/// The ids of the messages on a page.
fn messages_of(page: &str) -> Vec<&str> {
    let mark = "data-message=\"";
    page.match_indices(mark).map(|(at, _)| &page[at + mark.len()..][..36]).collect()
}

/// The letters and digits of a text: what Markdown and markup have in common.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The text of the running answer on a page.
fn running(html: &str) -> String {
    let Some(at) = html.find("data-blocks") else { return String::new() };
    let end = html[at..].find("class=\"dots\"").map_or(html.len(), |end| at + end);
    let mut text = String::new();
    let mut inside = true;
    for c in html[at..end].chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_the_middle_of_a_stream_loses_nothing() {
    for words in [12, 25, 60] {
        let data = TempDir::new().unwrap();
        let app = App::start(data.path());
        let address = begin(&app, words);
        // Pieces are on disk within 250 ms; what came before must be there.
        let shown = running(&app.get(&format!("{address}/thread")).body);
        tokio::time::sleep(std::time::Duration::from_millis(450)).await;
        app.kill();

        let database = data.path().join("halo.db");
        let store = SqliteStore::open(&database).await.unwrap();
        let open = store.open_attempts().await.unwrap();
        assert_eq!(open.len(), 1, "the attempt was on disk before it left");
        let journal: String =
            store.chunks(open[0].id).await.unwrap().into_iter().map(|c| c.text).collect();
        for word in shown.split_whitespace().map(plain).filter(|word| !word.is_empty()) {
            assert!(plain(&journal).contains(&word), "{word} was shown and is not in {journal}");
        }
        let records = store.records(open[0].conversation).await.unwrap();
        let prompt = records.iter().find_map(|record| match record {
            Record::Message(message) if message.role == Role::User => Some(message.text()),
            _ => None,
        });
        assert_eq!(prompt.as_deref(), Some(PROMPT));
        store.close().await;

        let app = App::start(data.path());
        let page = app.get(&address).body;
        assert!(page.contains(SHOWN_PROMPT), "{page}");
        assert!(page.contains("data-ending=\"interrupted\""), "{page}");
        let first_words: Vec<&str> = journal.split_whitespace().take(3).collect();
        let text = app.get(&format!("{address}/thread")).body;
        for word in first_words {
            assert!(plain(&text).contains(&plain(word)), "{word} is not in {text}");
        }
        for action in ["data-action=\"continue\"", "data-action=\"resend\""] {
            assert!(page.contains(action), "{action} is missing in {page}");
        }

        // Continue brings the rest.
        let messages = messages_of(&page);
        let answer = messages.last().unwrap();
        let path = format!("{address}/messages/{answer}/continue");
        assert_eq!(app.post(&path, &[]).status, 303);
        app.until(&format!("{address}/thread"), |html| {
            html.contains("data-ending=\"complete\"")
                || (!html.contains("data-running") && !html.contains("data-ending=\"interrupted\""))
        });
        assert!(app.interrupt(), "Ctrl+C ends the app cleanly");
        let store = SqliteStore::open(&database).await.unwrap();
        assert!(store.open_attempts().await.unwrap().is_empty());
        let records = store.records(open[0].conversation).await.unwrap();
        let whole = records.iter().rev().find_map(|record| match record {
            Record::Message(message) if message.role == Role::Assistant => Some(message.text()),
            _ => None,
        });
        assert!(whole.unwrap().starts_with(&journal), "the rest follows what had come");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_in_the_middle_of_a_stream_keeps_what_came() {
    let data = TempDir::new().unwrap();
    let app = App::start(data.path());
    begin(&app, 15);
    assert!(app.interrupt());
    let store = SqliteStore::open(&data.path().join("halo.db")).await.unwrap();
    assert!(store.open_attempts().await.unwrap().is_empty());
    let rows = store.conversations().await.unwrap();
    let records = store.records(rows[0].meta.id).await.unwrap();
    let died = records.iter().any(|record| {
        matches!(record, Record::AttemptEnd(end)
            if matches!(end.outcome, AttemptOutcome::Died { partial: Some(_) }))
    });
    assert!(died, "{records:#?}");
}
