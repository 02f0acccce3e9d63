//! Pictures, drafts and keys of the composer.

use fantoccini::Locator;
use serde_json::json;

use super::page::Page;
use super::stage::{Providers, play};

pub(super) const LANDSCAPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/landscape.png");
/// 8,001 pixels wide.
const WIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wide.png");
const SHIFT: char = '\u{E008}';
const ENTER: char = '\u{E007}';
const RELEASE: char = '\u{E000}';
const UP: &str = "\u{E013}";

/// Hands a small picture, drawn by the page, to an event of the composer.
const GIVE_PICTURE: &str = r#"
  const canvas = document.createElement("canvas");
  canvas.width = 40; canvas.height = 30;
  canvas.getContext("2d").fillRect(5, 5, 20, 20);
  canvas.toBlob((blob) => {
    const data = new DataTransfer();
    data.items.add(new File([blob], arguments[1], { type: "image/png" }));
    const target = document.querySelector("[data-prompt]");
    target.dispatchEvent(arguments[0] === "paste"
      ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
      : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, "image/png");
"#;

async fn thumbs(page: &Page, count: usize) {
    let all = format!(
        "document.querySelectorAll('[data-thumb]').length === {count} && \
         document.querySelectorAll('[data-thumb].pending').length === 0"
    );
    page.until::<bool>(&format!("{count} thumbnails"), &all).await;
}

#[test]
fn convention_06_pictures_come_by_picker_paste_and_drop() {
    play("pictures", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        page.type_into("[data-files]", LANDSCAPE).await;
        thumbs(page, 1).await;
        page.run(GIVE_PICTURE, vec![json!("paste"), json!("pasted.png")]).await;
        thumbs(page, 2).await;
        page.run(GIVE_PICTURE, vec![json!("drop"), json!("dropped.png")]).await;
        thumbs(page, 3).await;
        page.click("[data-thumb]:last-child [data-action=remove-picture]").await;
        thumbs(page, 2).await;
        let drawn = "[...document.querySelectorAll('[data-thumb] img')] \
                     .every((image) => image.complete && image.naturalWidth > 0)";
        page.until::<bool>("the thumbnails to be drawn", drawn).await;

        page.send("What do you see?").await;
        page.answer().await;
        let shown = "(() => { const all = [...document.querySelectorAll('[data-pictures] img')]; \
                     return all.length === 2 && \
                     all.every((image) => image.complete && image.naturalWidth > 0); })()";
        page.until::<bool>("both pictures in the message", shown).await;
        let sent = stage.bench().asked("halo-practice").pop().expect("it was sent");
        assert_eq!(sent.request_body.text().matches("\"image_url\":{").count(), 2);
    });
}

#[test]
fn a_file_that_only_calls_itself_a_picture_is_refused_and_the_draft_stays() {
    play("false-picture", Providers::Bench(f64::INFINITY), async |stage| {
        // The browser itself notes the refusal of the upload.
        stage.forgive("/images - Failed to load resource");
        let page = &stage.page;
        let file = stage.folder.join("holiday.png");
        std::fs::write(&file, "not a picture at all").expect("a file");
        page.begin("sim-openai/halo-practice").await;
        page.type_into("[data-prompt]", "Look at this").await;
        page.type_into("[data-files]", &file.display().to_string()).await;
        let words: String = page
            .until(
                "the refusal",
                "(() => { const e = document.querySelector('[data-composer-error]'); \
                 return e.hidden ? null : e.textContent; })()",
            )
            .await;
        assert!(words.contains("holiday.png") && words.contains("picture"), "{words}");
        page.shoot("false-picture").await;
        assert_eq!(page.count("[data-thumb]").await, 0);
        assert_eq!(prompt(page).await, "Look at this");
        page.reload().await;
        assert_eq!(prompt(page).await, "Look at this");
    });
}

/// A picture that is wider than its maker documents is told of before the send, and sent smaller.
#[test]
fn a_picture_that_is_too_large_is_sent_smaller_with_one_click() {
    play("wide", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-anthropic/claude-practice").await;
        page.type_into("[data-files]", WIDE).await;
        thumbs(page, 1).await;
        page.there("[data-forewarned=large]").await;
        page.type_into("[data-prompt]", "What is on it?").await;
        page.shoot("too-large").await;
        page.click("[data-forewarn-way=smaller]").await;
        // The simulator has no model of that name.
        page.card().await;
        page.there("[data-step-kind=shrink_images]").await;
        // The next one goes smaller by itself.
        page.type_into("[data-files]", WIDE).await;
        thumbs(page, 1).await;
        page.gone("[data-forewarned]").await;
    });
}

#[test]
fn convention_04_a_send_that_fails_keeps_the_draft_with_its_picture() {
    play("draft", Providers::Bench(f64::INFINITY), async |stage| {
        stage.forgive("net::ERR_INTERNET_DISCONNECTED");
        let page = &stage.page;
        page.begin("sim-anthropic/halo-practice").await;
        page.send("The first message").await;
        page.answer().await;

        page.type_into("[data-files]", LANDSCAPE).await;
        thumbs(page, 1).await;
        page.type_into("[data-prompt]", "What I was about to say").await;
        offline(page, true).await;
        page.type_into("[data-prompt]", &ENTER.to_string()).await;
        let words: String = page
            .until(
                "words about the failure",
                "(() => { const e = document.querySelector('[data-composer-error]'); \
                 return e.hidden ? null : e.textContent; })()",
            )
            .await;
        assert!(words.contains("Halo does not answer"), "{words}");
        assert_eq!(prompt(page).await, "What I was about to say");
        offline(page, false).await;

        // Another conversation has a draft of its own.
        let here = page.path().await;
        page.open("/new").await;
        assert_eq!(prompt(page).await, "");
        page.open(&here).await;
        assert_eq!(prompt(page).await, "What I was about to say");
        thumbs(page, 1).await;
        page.press_enter().await;
        page.answer().await;
        assert_eq!(page.count("[data-pictures] img").await, 1);
    });
}

#[test]
fn convention_01_and_05_enter_sends_and_up_brings_the_last_back() {
    play("keys", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        // An input method's Enter ends a composition; it sends nothing.
        page.type_into("[data-prompt]", "First line").await;
        page.run(
            "document.querySelector('[data-prompt]').dispatchEvent(new KeyboardEvent('keydown', \
             { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))",
            Vec::new(),
        )
        .await;
        page.type_into("[data-prompt]", &format!("{SHIFT}{ENTER}{RELEASE}Second line")).await;
        assert_eq!(prompt(page).await, "First line\nSecond line");
        page.press_enter().await;
        page.answer().await;
        assert_eq!(
            page.text("[data-message-role=user] [data-text]").await,
            "First line\nSecond line"
        );

        page.type_into("[data-prompt]", UP).await;
        assert_eq!(prompt(page).await, "First line\nSecond line");
    });
}

async fn prompt(page: &Page) -> String {
    let element = page.browser.client.find(Locator::Css("[data-prompt]")).await;
    let value = element.expect("the composer").prop("value").await.expect("a value");
    value.unwrap_or_default()
}

async fn offline(page: &Page, offline: bool) {
    let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1,
                             "uploadThroughput": -1 });
    page.browser.devtools("Network.enable", json!({})).await;
    page.browser.devtools("Network.emulateNetworkConditions", conditions).await;
}
