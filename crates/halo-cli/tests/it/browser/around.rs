//! What stands around the conversation, by the numbers of the conventions: the list, titles, the
//! search, models, keys, the first key, and what happens when Halo itself goes away.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::{Value, json};

use super::app::{App, Bench};
use super::page::Page;
use super::stage::{Providers, play};

const CONTROL: &str = "\u{E009}";
const ALT: &str = "\u{E00A}";
const SHIFT: &str = "\u{E008}";
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const TAB: &str = "\u{E004}";
const DOWN: &str = "\u{E015}";
/// Releases every key that is held down.
const UP_ALL: &str = "\u{E000}";
/// The text of the running answer, once it is long enough to show that it runs.
const RUNNING: &str = "(() => { \
    const text = document.querySelector('[data-running] [data-answer]')?.textContent ?? ''; \
    return text.length > 300 ? text : null; })()";
/// The long story has this sentence so many times.
const STORY: (&str, usize) = ("word for word as it had been written", 60);

/// Presses keys where the focus is.
async fn keys(page: &Page, keys: &str) {
    let focused = page.browser.client.active_element().await.expect("something has the focus");
    focused.send_keys(&format!("{keys}{UP_ALL}")).await.expect("keys can be pressed");
}

/// The title of the open conversation in the list.
const ROW: &str = "document.querySelector('.row.active .row-title')?.textContent";

/// Opens the menu of the open conversation in the list.
async fn open_menu(page: &Page) {
    let row = page.browser.client.find(Locator::Css(".row.active .row-link")).await;
    row.expect("the row").send_keys(TAB).await.expect("a key");
    keys(page, ENTER).await;
    page.there(".row.active [data-menu][open]").await;
}

#[test]
fn convention_15_an_answer_outlives_its_tab() {
    play("convention-15", Providers::Bench(2.0), async |stage| {
        let page = &stage.page;
        let client = &page.browser.client;
        page.begin("sim-openai/halo-practice-long").await;
        page.send("Tell me a long story.").await;
        page.until::<String>("the running answer", RUNNING).await;
        let path = page.path().await;
        let first = client.window().await.expect("a window");

        // A second tab shows it running, the first one is closed.
        let second = client.new_window(true).await.expect("a second tab").handle;
        client.switch_to_window(second.clone()).await.expect("the second tab");
        page.open(&path).await;
        page.until::<String>("the answer in the second tab", RUNNING).await;
        client.switch_to_window(first).await.expect("the first tab");
        client.close_window().await.expect("a tab that can be closed");
        client.switch_to_window(second).await.expect("the second tab");
        page.reload().await;
        let whole = page.answer().await;
        assert_eq!(whole.matches(STORY.0).count(), STORY.1, "{whole}");
        page.reload().await;
        assert_eq!(page.answer().await, whole);
        assert_eq!(stage.bench().asked("halo-practice-long").len(), 1);
    });
}

#[test]
fn convention_16_the_title_is_there_at_once_and_one_by_hand_stays() {
    play("convention-16", Providers::Bench(2.0), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice-long").await;
        page.send("How tall is the lighthouse of Bremen?").await;
        // Long before the answer is.
        let title: String = page.until("the title in the list", ROW).await;
        assert!(title.contains("lighthouse"), "{title}");
        page.there("[data-running]").await;
        page.click("[data-stop]").await;
        page.gone("[data-running]").await;

        open_menu(page).await;
        let field = ".row.active .menu-rename input";
        page.run("document.querySelector(arguments[0]).value = ''", vec![json!(field)]).await;
        page.type_into(field, "Towers").await;
        page.type_into(field, ENTER).await;
        page.until::<bool>("the new title", &format!("{ROW} === 'Towers'")).await;
        page.choose("sim-openai/halo-practice").await;
        page.send("And how old is it?").await;
        page.answer().await;
        page.until::<bool>("the title by hand", &format!("{ROW} === 'Towers'")).await;
        page.until::<bool>("it in the window", "document.title.startsWith('Towers')").await;
        assert_eq!(page.text("[data-conversation-title]").await, "Towers");
    });
}

#[test]
fn convention_17_the_list_pins_deletes_marks_and_finds() {
    play("convention-17", Providers::Bench(2.0), async |stage| {
        let page = &stage.page;
        // A page learns that its conversation is deleted by asking for it.
        stage.forgive("Failed to load resource: the server responded with a status of 404");
        page.begin("sim-openai/halo-practice").await;
        page.send("Tell me about lighthouses.").await;
        page.answer().await;
        let first = page.path().await;
        page.begin("sim-openai/quota").await;
        page.send("Spread the marmalade.").await;
        page.card().await;
        page.begin("sim-openai/halo-practice-long").await;
        page.send("Tell me a long story.").await;
        page.there(".row.active [data-mark=list-running]").await;
        page.click("[data-stop]").await;
        page.gone("[data-mark=list-running]").await;

        // Pinned: on top, after a reload too, and in what is exported.
        page.open(&first).await;
        page.there(".row.active").await;
        open_menu(page).await;
        page.click(".row.active [data-action=list-pin]").await;
        let top = "document.querySelector('#list section h2').textContent === 'Pinned' && \
                   document.querySelector('#list .row').classList.contains('active')";
        page.until::<bool>("it on top", top).await;
        page.reload().await;
        page.until::<bool>("it on top", top).await;
        page.shoot("pinned").await;
        let script =
            "const done = arguments[1]; fetch(arguments[0]).then((r) => r.text()).then(done)";
        let export = json!(format!("{first}/export?format=json"));
        let export = page.browser.client.execute_async(script, vec![export]).await;
        assert!(export.expect("an export").to_string().contains("\\\"pinned\\\":true"));
        open_menu(page).await;
        page.click(".row.active [data-action=list-unpin]").await;
        page.until::<bool>("it among the others", &format!("!({top})")).await;

        // Deleted and brought back.
        open_menu(page).await;
        page.click(".row.active [data-action=delete]").await;
        page.until::<bool>("another page", "location.pathname === '/new'").await;
        page.click("[data-action=undo-delete]").await;
        page.until::<bool>("it again", &format!("location.pathname === {}", json!(first))).await;

        // Found by the words of a failure, with the keyboard alone.
        keys(page, &format!("{CONTROL}k")).await;
        page.until::<bool>("the search", "document.activeElement.id === 'search'").await;
        keys(page, "marmalade").await;
        page.until::<String>("a find", "document.querySelector('.found-row mark')?.textContent")
            .await;
        let field = "#search";
        page.type_into(field, &format!("{CONTROL}a{UP_ALL}insufficient_quota")).await;
        page.there("[data-found-kind=search-in-error]").await;
        page.type_into(field, DOWN).await;
        page.until::<bool>("the first find", "document.activeElement.matches('.found-row')").await;
        keys(page, ENTER).await;
        page.until::<bool>("the failed turn", "location.hash.startsWith('#e-')").await;
        let seen = "(() => { const e = document.querySelector('.item:target'); if (!e) return false; \
                    const r = e.getBoundingClientRect(); \
                    return r.top < innerHeight && r.bottom > 0 && \
                      getComputedStyle(e.firstElementChild).outlineStyle === 'solid'; })()";
        page.until::<bool>("it in sight and marked", seen).await;
        page.shoot("found").await;
    });
}

#[test]
fn convention_18_the_model_is_named_and_switched_by_keys() {
    play("convention-18", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        page.send("Who are you?").await;
        page.answer().await;
        let first = page.path().await;
        assert!(page.text("[data-model]").await.contains("halo-practice"));

        page.type_into("[data-prompt]", &format!("{ALT}m{UP_ALL}")).await;
        page.until::<bool>("the list of models", "document.getElementById('models').open").await;
        keys(page, "claude-practice").await;
        keys(page, ENTER).await;
        let chosen =
            "document.querySelector('[data-model-name]').textContent.includes('claude-practice')";
        page.until::<bool>("the model", chosen).await;
        page.begin("sim-anthropic/halo-practice").await;
        page.open(&first).await;
        page.until::<bool>("the model of this conversation", chosen).await;
        page.reload().await;
        page.until::<bool>("the model after a reload", chosen).await;
    });
}

#[test]
fn convention_20_the_meter_is_about_the_next_request() {
    play("convention-20", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        page.send("Hello!").await;
        page.answer().await;
        const TOKENS: &str = "Number(document.querySelector('[data-meter]')?.dataset.tokens ?? 0)";
        let before: u64 = page.until("the meter", TOKENS).await;
        page.send_long(&"A remark that takes room. ".repeat(400)).await;
        page.answer().await;
        page.until::<bool>("a fuller meter", &format!("{TOKENS} > {before} + 1500")).await;
        let words = page.text("[data-meter] span").await;
        assert!(words.contains('≈') && !words.contains('$'), "no price is known here: {words}");
    });
}

#[test]
fn convention_24_themes_keys_announcements_language() {
    play("convention-24", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        // While something is typed a question mark is a question mark.
        page.type_into("[data-prompt]", "Really?").await;
        assert!(!page.read::<bool>("document.getElementById('keys').open").await);
        page.press_enter().await;
        page.answer().await;
        let said: String = page
            .until("what is announced", "document.querySelector('[data-announce]').textContent")
            .await;
        assert!(said.starts_with("The answer is there"), "{said}");
        assert_eq!(page.count("[role=status]:not(:empty)[data-announce]").await, 1);

        // The keyboard alone: the list of keys, visible focus.
        page.run("document.activeElement.blur()", Vec::new()).await;
        keys(page, "?").await;
        page.until::<bool>("the list of keys", "document.getElementById('keys').open").await;
        page.shoot("keys").await;
        keys(page, ESCAPE).await;
        page.until::<bool>("it closed", "!document.getElementById('keys').open").await;
        keys(page, TAB).await;
        let focus = "(() => { const s = getComputedStyle(document.activeElement); \
                      return document.activeElement !== document.body && \
                        s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; })()";
        page.until::<bool>("the focus to be seen", focus).await;
        keys(page, &format!("{CONTROL}{SHIFT}o")).await;
        page.until::<bool>("a new conversation", "location.pathname === '/new'").await;

        // An error is an alert.
        page.choose("sim-openai/quota").await;
        page.send("Fail.").await;
        page.card().await;
        assert_eq!(page.count("section[data-card] [role=alert]").await, 1);

        // Nothing moves for one who wants it so.
        let features = json!({ "features": [
            { "name": "prefers-reduced-motion", "value": "reduce" } ] });
        page.browser.devtools("Emulation.setEmulatedMedia", features).await;
        page.begin("sim-openai/stall").await;
        page.send("Think for long.").await;
        page.there("[data-running]").await;
        let moving: usize = page
            .read("document.getAnimations().filter((a) => a.effect.getComputedTiming().duration > 1).length")
            .await;
        assert_eq!(moving, 0, "something moves");
        page.click("[data-stop]").await;

        // Dark by choice under a light system; Chinese by choice under an English browser.
        page.set_dark(false).await;
        page.open("/settings/appearance").await;
        page.click("input[name=theme][value=dark]").await;
        page.click("input[name=language][value=zh-CN]").await;
        page.click("[data-appearance-form] button").await;
        page.until::<bool>("Chinese", "document.documentElement.lang === 'zh-CN'").await;
        page.open("/new").await;
        let dark = "getComputedStyle(document.documentElement).colorScheme === 'dark'";
        page.until::<bool>("the dark", dark).await;
        assert!(page.text("[data-welcome] h2").await.contains("想聊点什么"));
        page.open("/settings/appearance").await;
        page.click("input[name=theme][value=system]").await;
        page.click("input[name=language][value=browser]").await;
        page.click("[data-appearance-form] button").await;
        page.until::<bool>("English", "document.documentElement.lang === 'en'").await;
        page.until::<bool>("the light", &format!("!({dark})")).await;
    });
}

/// Everything a browser keeps of the app, and what is in the address.
const KEPT: &str = "JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href";

#[test]
fn convention_25_a_key_is_all_it_takes() {
    play("convention-25", Providers::None, async |stage| {
        // The provider is not among the settings: the person brings its key.
        let elsewhere = stage.folder.join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("a folder");
        let bench = Bench::start(&elsewhere, f64::INFINITY).await;
        const KEY: &str = "sk-0123456789abcdef0123456789abcdef";
        let page = &stage.page;
        // Without any key the practice provider answers.
        page.send("Hello!").await;
        page.answer().await;

        page.open("/new").await;
        page.type_into("[data-prompt]", KEY).await;
        page.there("[data-key-note]:not([hidden])").await;
        assert!(!page.read::<String>(KEPT).await.contains(KEY), "a key is no draft");
        page.shoot("key-in-composer").await;
        page.type_into("[data-prompt]", ENTER).await;
        // Such keys have several makers: the likely ones are offered.
        page.there("[data-start-unsure]").await;
        assert!(page.count("[data-preset]").await >= 3);
        let typed = "document.querySelector('#start-key').value";
        assert_eq!(page.read::<String>(typed).await, KEY);
        page.shoot("key-unsure").await;

        // An address where nobody is: the failed step is shown and nothing is lost.
        page.type_into("#start-url", "http://127.0.0.1:9").await;
        page.click("[data-preset=openai-compatible]").await;
        page.there("[data-start-report] [data-failed-step]").await;
        assert_eq!(page.read::<String>(typed).await, KEY);
        stage.forgive("422");
        page.shoot("key-failed").await;
        page.run(
            "document.querySelector('#start-url').value = arguments[0]",
            vec![json!(bench.base)],
        )
        .await;
        page.click("[data-start]").await;
        page.there("[data-ready]").await;
        page.shoot("key-ready").await;
        assert!(page.path().await.starts_with("/new?with="));
        page.send("Hello with my own key").await;
        let answer = page.answer().await;
        assert!(!answer.is_empty());
        let asked = bench.sim.journal();
        assert!(asked.iter().any(|e| e.request_body.text().contains("Hello with my own key")));
        assert!(!page.read::<String>(KEPT).await.contains(KEY));

        // A key of one maker alone, later, in a conversation: told whose it is; the practice of
        // sending goes on with other words.
        let other = "gsk_EXAMPLEexample0123456789EXAMPLEexample";
        page.type_into("[data-prompt]", &format!("Is {other} valid?")).await;
        page.there("[data-key-note]:not([hidden])").await;
        assert!(!page.read::<String>(KEPT).await.contains(other));
        page.run("document.querySelector('[data-prompt]').value = ''; \
                  document.querySelector('[data-prompt]').dispatchEvent(new InputEvent('input', { bubbles: true }))",
                 Vec::new()).await;
        page.there("[data-key-note][hidden]").await;
        let script = "const done = arguments[0]; fetch('/export').then((r) => r.text()).then(done)";
        let export =
            page.browser.client.execute_async(script, Vec::new()).await.expect("an export");
        let export = export.as_str().expect("text");
        assert!(export.contains("Hello with my own key") && !export.contains(KEY));
    });
}

#[test]
fn halo_goes_and_comes_back() {
    play("gone", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        stage.forgive("ERR_CONNECTION");
        stage.forgive("ERR_INCOMPLETE");
        page.begin("sim-openai/halo-practice").await;
        page.send("Are you there?").await;
        page.answer().await;
        page.type_into("[data-prompt]", "Words that must not be lost").await;
        page.app.kill().await;
        page.until::<String>("word of it", "document.querySelector('[data-offline]').textContent")
            .await;
        page.type_into("[data-prompt]", ENTER).await;
        page.until::<String>(
            "why it is not sent",
            "document.querySelector('[data-composer-error]:not([hidden])')?.textContent",
        )
        .await;
        let typed = "document.querySelector('[data-prompt]').value";
        assert_eq!(page.read::<String>(typed).await, "Words that must not be lost");
        page.shoot("gone").await;

        let address = page.app.base.trim_start_matches("http://").to_owned();
        let again = App::start_at(&stage.folder.join("data"), &address).await;
        page.until_within::<bool>(
            "it back",
            "document.querySelector('[data-offline]').textContent === ''",
            Duration::from_secs(20),
        )
        .await;
        page.press_enter().await;
        page.answer().await;
        let sent = stage.bench().asked("halo-practice");
        let last: Value = json!(sent.last().expect("it was sent").request_body.text());
        assert!(last.to_string().contains("Words that must not be lost"));
        drop(again);
    });
}
