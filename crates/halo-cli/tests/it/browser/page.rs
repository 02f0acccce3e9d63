//! A page of Halo, read and used as a person does.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::app::App;
use super::driver::Browser;

/// The longest a test waits for anything on the page.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the page is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(40);
const ENTER: &str = "\u{E007}";

/// The page that is open.
pub(super) struct Page {
    pub(super) browser: Browser,
    pub(super) app: App,
}

/// The card that waits for the person.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Card {
    pub(super) attempt: String,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) meaning: String,
    /// The provider's words as the page shows them.
    pub(super) raw: Option<String>,
    /// The part of them that is marked as deciding.
    pub(super) marked: Option<String>,
    /// The text of the countdown, and whether Halo sends again by itself.
    pub(super) wait: Option<String>,
    pub(super) automatic: bool,
    /// The buttons and links in their order.
    pub(super) ways: Vec<Way>,
}

/// A way forward on a card.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Way {
    pub(super) action: String,
    pub(super) label: String,
    pub(super) target: Option<String>,
    pub(super) href: Option<String>,
}

impl Card {
    /// The first button of an action.
    pub(super) fn way(&self, action: &str) -> &Way {
        let found = self.ways.iter().find(|way| way.action == action);
        found.unwrap_or_else(|| panic!("no {action} on {self:#?}"))
    }

    pub(super) fn offers(&self, action: &str) -> bool {
        self.ways.iter().any(|way| way.action == action)
    }
}

const CARD: &str = r#"(() => {
  const all = document.querySelectorAll("section[data-card]:not(.past)");
  const card = all[all.length - 1];
  if (!card) return null;
  // While something is under way without a wait, this card is about to be past.
  const busy = "busy" in document.getElementById("conversation").dataset;
  if (busy && !card.querySelector("[data-automatic]")) return null;
  const text = (css) => card.querySelector(css)?.textContent ?? null;
  return {
    attempt: card.dataset.attemptId, kind: card.dataset.kind,
    title: text("[data-title]"), meaning: text("[data-meaning]"),
    raw: text("[data-raw]"), marked: text("[data-mark-words]"),
    wait: text("[data-countdown]"), automatic: !!card.querySelector("[data-automatic]"),
    ways: [...card.querySelectorAll("[data-action]")]
      .filter((b) => !["details", "unfold"].includes(b.dataset.action))
      .map((b) => ({ action: b.dataset.action, label: b.textContent.trim(),
                     target: b.dataset.target ?? null, href: b.href ?? null })),
  };
})()"#;

const ANSWER: &str = r#"(() => {
  const conversation = document.getElementById("conversation");
  if (!conversation || "busy" in conversation.dataset) return null;
  if (document.querySelector("section[data-card]:not(.past)")) return null;
  const last = [...document.querySelectorAll("[data-message]")].at(-1);
  if (last?.dataset.messageRole !== "assistant") return null;
  if (last.querySelector("[data-ending-note]")) return null;
  const parts = [...last.querySelectorAll("[data-answer]")].map((part) => part.textContent);
  return parts.join("").trim() || null;
})()"#;

impl Page {
    pub(super) fn new(browser: Browser, app: App) -> Self {
        Self { browser, app }
    }

    /// Opens the link that the binary printed.
    pub(super) async fn sign_in(&self) {
        self.set_size(1280, 900).await;
        let link = self.app.link.clone();
        self.browser.client.goto(&link).await.expect("the link opens");
        self.until::<bool>("the first page", "!!document.querySelector('[data-prompt]')").await;
    }

    pub(super) async fn close(&self) {
        if let Err(error) = self.browser.client.clone().close().await {
            eprintln!("the browser did not close: {error}");
        }
    }

    /// Opens a page of the app.
    pub(super) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.app.base);
        self.browser.client.goto(&url).await.expect("the page opens");
    }

    pub(super) async fn reload(&self) {
        self.browser.client.refresh().await.expect("the page loads again");
    }

    /// The path of the page with its query.
    pub(super) async fn path(&self) -> String {
        self.read("location.pathname + location.search").await
    }

    /* Reading */

    /// The value of an expression on the page.
    pub(super) async fn read<T: DeserializeOwned>(&self, expression: &str) -> T {
        let script = format!("return ({expression})");
        let value = self.browser.client.execute(&script, Vec::new()).await;
        let value = value.unwrap_or_else(|error| panic!("{error}\nin: {expression}"));
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}\nin: {expression}"))
    }

    /// Runs statements on the page with arguments.
    pub(super) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let done = self.browser.client.execute(script, arguments).await;
        done.unwrap_or_else(|error| panic!("{error}\nin: {script}"))
    }

    /// Waits until an expression is neither null, false nor empty, and gives its value.
    pub(super) async fn until<T: DeserializeOwned>(&self, what: &str, expression: &str) -> T {
        self.until_within(what, expression, PATIENCE).await
    }

    pub(super) async fn until_within<T: DeserializeOwned>(
        &self,
        what: &str,
        expression: &str,
        patience: Duration,
    ) -> T {
        let script = format!("return ({expression})");
        let deadline = Instant::now() + patience;
        loop {
            // A script that meets a change of page fails, and is tried again on the next one.
            let last = self.browser.client.execute(&script, Vec::new()).await;
            if let Ok(value) = &last
                && !matches!(value, Value::Null | Value::Bool(false))
                && value.as_str() != Some("")
            {
                return serde_json::from_value(value.clone())
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}; last saw {last:?}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The text of an element.
    pub(super) async fn text(&self, css: &str) -> String {
        let css = json!(css);
        self.until(&format!("{css}"), &format!("document.querySelector({css})?.textContent")).await
    }

    pub(super) async fn count(&self, css: &str) -> usize {
        self.read(&format!("document.querySelectorAll({}).length", json!(css))).await
    }

    /// Waits until an element is there.
    pub(super) async fn there(&self, css: &str) {
        let css = json!(css);
        self.until::<bool>(&format!("{css}"), &format!("!!document.querySelector({css})")).await;
    }

    /// Waits until an element is gone.
    pub(super) async fn gone(&self, css: &str) {
        let css = json!(css);
        let expression = format!("!document.querySelector({css})");
        self.until::<bool>(&format!("{css} to go"), &expression).await;
    }

    /* Hands */

    /// Clicks an element where a person could: it is there, visible and not covered.
    pub(super) async fn click(&self, css: &str) {
        self.by_hand(css, "clicked", async |element| element.click().await).await;
    }

    /// Types into a field, after what is in it.
    pub(super) async fn type_into(&self, css: &str, text: &str) {
        self.by_hand(css, "typed into", async |element| element.send_keys(text).await).await;
    }

    /// Tries until the element lets itself be used: pages change under the hand.
    async fn by_hand<E: Debug>(
        &self,
        css: &str,
        done: &str,
        act: impl AsyncFn(Element) -> Result<(), E>,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let trouble = match self.browser.client.find(Locator::Css(css)).await {
                Ok(element) => match act(element).await {
                    Ok(()) => return,
                    Err(error) => format!("{error:?}"),
                },
                Err(error) => format!("{error:?}"),
            };
            assert!(Instant::now() < deadline, "{css} could not be {done}: {trouble}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /* Talking */

    /// Begins a conversation with a model, chosen in the composer.
    pub(super) async fn begin(&self, target: &str) {
        self.open("/new").await;
        self.choose(target).await;
    }

    /// Chooses a model in the composer: the button, its name, the line in the list, which is there
    /// also for a name that no list holds.
    pub(super) async fn choose(&self, target: &str) {
        let model = target.split_once('/').map_or(target, |(_, model)| model);
        self.click("[data-action=open-models]").await;
        self.until::<bool>("the list of models", "document.getElementById('models').open").await;
        let choice = format!("[data-action=choose-model][data-target={}]", json!(target));
        self.type_into("[data-models-filter]", model).await;
        self.click(&choice).await;
        let chosen = format!(
            "document.querySelector('[data-target-input]')?.value === {} && \
             document.querySelector('[data-model-name]').textContent.includes({})",
            json!(target),
            json!(model)
        );
        self.until::<bool>(&format!("{target} to be chosen"), &chosen).await;
    }

    /// Types a message and sends it; returns when the page shows it.
    pub(super) async fn send(&self, text: &str) {
        self.type_into("[data-prompt]", text).await;
        self.press_enter().await;
    }

    /// Sends a message that nobody would type, as after pasting it.
    pub(super) async fn send_long(&self, text: &str) {
        let script = "const prompt = document.querySelector('[data-prompt]'); \
                      prompt.value = arguments[0]; \
                      prompt.dispatchEvent(new InputEvent('input', { bubbles: true }))";
        self.run(script, vec![json!(text)]).await;
        self.press_enter().await;
    }

    /// Sends what is in the composer; returns when the page shows it.
    pub(super) async fn press_enter(&self) {
        let count = "document.querySelectorAll('[data-message][data-message-role=user]').length";
        let before: usize = self.read(count).await;
        self.type_into("[data-prompt]", ENTER).await;
        let shown = format!(
            "location.pathname.startsWith('/c/') && {count} === {} && \
             document.querySelector('[data-prompt]').value === ''",
            before + 1
        );
        self.until::<bool>("the message on the page", &shown).await;
    }

    /// Types a command such as `/new`.
    pub(super) async fn command(&self, text: &str) {
        self.type_into("[data-prompt]", &format!("{text}{ENTER}")).await;
    }

    /// Waits for the whole answer and gives its text.
    pub(super) async fn answer(&self) -> String {
        self.until("a whole answer", ANSWER).await
    }

    /// Waits for the card that stands in the conversation.
    pub(super) async fn card(&self) -> Card {
        self.until("a card", CARD).await
    }

    /// Presses a button of the open card and waits until that card is past.
    pub(super) async fn press(&self, action: &str) {
        let attempt = self.card().await.attempt;
        let card = format!("section[data-card][data-attempt-id={}]:not(.past)", json!(attempt));
        self.click(&format!("{card} [data-action={action}]")).await;
        self.gone(&card).await;
    }

    /// Presses a button of a card that may go away by itself at any moment.
    pub(super) async fn press_in_time(&self, action: &str) {
        let script = "const button = document.querySelector(arguments[0]); button?.click(); \
                      return button?.closest('[data-card]').dataset.attemptId ?? null";
        let button = format!("section[data-card]:not(.past) [data-action={action}]");
        if let Some(attempt) = self.run(script, vec![json!(button)]).await.as_str() {
            self.gone(&format!("section[data-card][data-attempt-id={}]", json!(attempt))).await;
        }
    }

    /// Gets past cards that only need another try, until the answer is there.
    pub(super) async fn persist(&self) -> String {
        for _ in 0..6 {
            let both = format!(
                "(() => {{ const answer = {ANSWER}; return answer ? {{ answer }} : \
                                {{ card: {CARD} }}; }})()"
            );
            let expression = format!(
                "(() => {{ const s = {both}; \
                                      return s.answer || s.card ? s : null; }})()"
            );
            let seen: Value = self.until("an answer or a card", &expression).await;
            if let Some(answer) = seen["answer"].as_str() {
                return answer.to_owned();
            }
            let card: Card = serde_json::from_value(seen["card"].clone()).expect("a card");
            if card.automatic {
                self.press_in_time("resend-now").await;
                continue;
            }
            let button = format!(
                "section[data-card][data-attempt-id={}]:not(.past) [data-action$=resend]",
                json!(card.attempt)
            );
            self.click(&button).await;
            let past =
                format!("section[data-card][data-attempt-id={}]:not(.past)", json!(card.attempt));
            self.gone(&past).await;
        }
        panic!("six tries brought no answer");
    }

    /* Pictures of the page */

    /// A dark or light system.
    pub(super) async fn set_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.browser.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// A window of this size; a narrow one is a phone.
    pub(super) async fn set_size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1,
                              "mobile": width < 600 });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Nothing is wider than a window of this width.
    pub(super) async fn assert_fits(&self, width: u32) {
        // A phone's browser widens the window where the page does not fit, so what was asked for
        // is compared, not what the window says.
        let wider: Vec<String> = self
            .read(&format!(
                "document.documentElement.scrollWidth <= {width} && innerWidth <= {width} ? [] : \
                 [...document.querySelectorAll('body *')] \
                   .filter((e) => e.getBoundingClientRect().right > {width} + 1) \
                   .slice(0, 5).map((e) => e.outerHTML.slice(0, 160))"
            ))
            .await;
        let path = self.path().await;
        assert!(wider.is_empty(), "{path} is wider than {width}: {wider:#?}");
        self.assert_frame_stays().await;
    }

    /// Only parts of the page scroll: were the page itself higher than the window, bringing a
    /// field into view could push the frame out of it.
    pub(super) async fn assert_frame_stays(&self) {
        let over: i64 = self.read("document.documentElement.scrollHeight - innerHeight").await;
        let path = self.path().await;
        assert!(over <= 0, "{path} is {over} pixels higher than the window");
    }

    /// Keeps a picture of the page for the documentation, where that was asked for.
    pub(super) async fn shoot(&self, name: &str) {
        if std::env::var_os("HALO_SCREENSHOTS").is_none_or(|value| value != "1") {
            return;
        }
        // Fonts are drawn and transitions over after two frames and a moment.
        self.browser
            .client
            .execute_async(
                "const done = arguments[0]; document.fonts.ready.then(() => setTimeout(done, 350))",
                Vec::new(),
            )
            .await
            .expect("the page is drawn");
        let png = self.browser.client.screenshot().await.expect("a screenshot");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder for screenshots");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("a file can be written");
    }
}
