//! The ten rows of the reference, from both protocols, as an HTTP error and inside a stream.
//!
//! Each is met as a person meets it: a message is sent, the card stands where the answer would
//! be, a button of it leads to the answer, and the next message works too.

use std::time::{Duration, Instant};

use halo_types::Protocol;
use serde_json::json;

use super::app::{error_of, provider_id};
use super::page::Card;
use super::stage::{Providers, Stage, play};

/// How a person gets past a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Waits: Halo sends again by itself.
    Wait,
    /// Does not wait.
    ResendNow,
    /// Ends the wait, and sends again later.
    Cancel,
    /// Is told when it makes sense again, and sends then.
    LongWait,
    /// Compacts.
    Compact,
    /// Leaves the picture out, and takes a seeing model later.
    WithoutPicture,
    /// Takes a model that sees.
    SeeingModel,
    /// Pays at the provider, where its page is known, or takes another provider.
    Quota,
    /// Mends the key in the settings.
    Key,
    /// Takes the nearest name.
    NearestModel,
    /// Reports it, and sends again.
    Unfamiliar,
}

impl Way {
    /// Whether the simulator plays its error again for the next message.
    fn repeats(self) -> bool {
        matches!(
            self,
            Self::Wait | Self::ResendNow | Self::Cancel | Self::LongWait | Self::Unfamiliar
        )
    }
}

struct Row {
    nth: u8,
    scenario: &'static str,
    kind: &'static str,
    way: Way,
    /// The screenshot for the documentation, of the card in one protocol.
    shot: Option<(Protocol, &'static str)>,
}

const fn row(nth: u8, scenario: &'static str, kind: &'static str, way: Way) -> Row {
    Row { nth, scenario, kind, way, shot: None }
}

impl Row {
    const fn shot(mut self, protocol: Protocol, name: &'static str) -> Self {
        self.shot = Some((protocol, name));
        self
    }
}

use Protocol::{Anthropic, OpenaiChat};

/// Every row and both forms; a bare status, and words without a status, have no stream form.
const ROWS: &[Row] = &[
    row(1, "rate-limit", "rate_limited", Way::ResendNow).shot(OpenaiChat, "row-01-429"),
    row(1, "rate-limit-stream", "rate_limited", Way::ResendNow),
    row(1, "rate-limit-long", "rate_limited", Way::LongWait),
    row(2, "rate-limit-text", "rate_limited", Way::Wait).shot(Anthropic, "row-02-rate-limit"),
    row(3, "small-window", "context_length_exceeded", Way::Compact)
        .shot(Anthropic, "row-03-context-length"),
    row(3, "small-window-stream", "context_length_exceeded", Way::Compact),
    row(4, "blind", "image_unsupported", Way::WithoutPicture).shot(Anthropic, "row-04-picture"),
    row(4, "blind-stream", "image_unsupported", Way::SeeingModel),
    row(5, "quota", "quota_exhausted", Way::Quota).shot(OpenaiChat, "row-05-quota"),
    row(5, "quota-stream", "quota_exhausted", Way::Quota),
    row(6, "wrong-key", "invalid_api_key", Way::Key).shot(OpenaiChat, "row-06-invalid-key"),
    row(6, "wrong-key-stream", "invalid_api_key", Way::Key),
    row(7, "model-not-found", "model_not_found", Way::NearestModel)
        .shot(OpenaiChat, "row-07-model-not-found"),
    row(7, "model-not-found-stream", "model_not_found", Way::NearestModel),
    row(8, "overloaded", "overloaded", Way::Cancel).shot(Anthropic, "row-08-overloaded"),
    row(8, "overloaded-stream", "overloaded", Way::ResendNow),
    row(9, "unauthorized", "invalid_api_key", Way::Key).shot(Anthropic, "row-09-401"),
    row(10, "server-error", "server_error", Way::Wait).shot(OpenaiChat, "row-10-500"),
    row(10, "server-error-stream", "server_error", Way::ResendNow),
    row(0, "unfamiliar", "unknown", Way::Unfamiliar).shot(Anthropic, "unfamiliar"),
    row(0, "unfamiliar-stream", "unknown", Way::Unfamiliar),
];

fn rows(protocol: Protocol, some: impl Fn(&Row) -> bool) {
    let name = format!("rows-{protocol}");
    play(&name, Providers::Bench(f64::INFINITY), async |stage| {
        let mut keys = 0;
        for row in ROWS.iter().filter(|row| some(row)) {
            eprintln!("row {}: {} in {protocol}", row.nth, row.scenario);
            let nth = if row.way == Way::Key {
                keys += 1;
                keys
            } else {
                0
            };
            Play { stage, protocol, row, provider: provider_id(protocol, nth) }.play().await;
        }
    });
}

fn about_the_request(row: &Row) -> bool {
    matches!(
        row.way,
        Way::Compact | Way::WithoutPicture | Way::SeeingModel | Way::NearestModel | Way::Unfamiliar
    )
}

#[test]
fn what_waiting_or_money_or_a_key_mends_from_anthropic() {
    rows(Anthropic, |row| !about_the_request(row));
}

#[test]
fn what_waiting_or_money_or_a_key_mends_from_openai() {
    rows(OpenaiChat, |row| !about_the_request(row));
}

#[test]
fn what_another_request_mends_from_anthropic() {
    rows(Anthropic, about_the_request);
}

#[test]
fn what_another_request_mends_from_openai() {
    rows(OpenaiChat, about_the_request);
}

/// One row in one protocol.
struct Play<'a> {
    stage: &'a Stage,
    protocol: Protocol,
    row: &'a Row,
    provider: String,
}

impl Play<'_> {
    async fn play(&self) {
        let page = &self.stage.page;
        self.prepare().await;
        page.send(&format!("What about {}?", self.row.scenario)).await;
        let card = page.card().await;
        self.check(&card).await;
        if let Some((protocol, name)) = self.row.shot
            && protocol == self.protocol
        {
            page.shoot(name).await;
        }
        match self.row.way {
            Way::Wait => drop(page.answer().await),
            Way::ResendNow => self.resend_now().await,
            Way::Cancel => self.cancel().await,
            Way::LongWait => self.long_wait(&card).await,
            Way::Compact => self.compact(&card).await,
            Way::WithoutPicture => self.without_picture().await,
            Way::SeeingModel => self.seeing_model(&card).await,
            Way::Quota => self.quota(&card).await,
            Way::Key => self.key(&card).await,
            Way::NearestModel => self.nearest_model(&card).await,
            Way::Unfamiliar => self.unfamiliar(&card).await,
        }
        assert_eq!(page.count("[data-wait]").await, 0, "a countdown outlived the answer");
        self.compare_words().await;

        page.send("And the next message?").await;
        if self.row.way.repeats() {
            page.persist().await;
        } else {
            page.answer().await;
        }
        self.compare_words().await;
    }

    fn target(&self, model: &str) -> String {
        format!("{}/{model}", self.provider)
    }

    /// What must be in the conversation before the error can occur.
    async fn prepare(&self) {
        let page = &self.stage.page;
        if self.row.way == Way::Compact {
            page.begin(&self.target("halo-practice")).await;
            for _ in 0..4 {
                page.send_long(&"A long remark about many things. ".repeat(900)).await;
                page.answer().await;
            }
            page.choose(&self.target(self.row.scenario)).await;
        } else {
            page.begin(&self.target(self.row.scenario)).await;
        }
        if matches!(self.row.way, Way::WithoutPicture | Way::SeeingModel) {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/landscape.png");
            page.type_into("[data-files]", file).await;
            page.there("[data-thumb]:not(.pending)").await;
        }
    }

    /// What every card must have, and what its kind asks for.
    async fn check(&self, card: &Card) {
        assert_eq!(card.kind, self.row.kind, "{card:#?}");
        assert!(!card.title.is_empty() && !card.meaning.is_empty(), "{card:#?}");
        assert!(card.offers("new_conversation"), "{card:#?}");
        assert!(card.offers("report"), "{card:#?}");
        let waits =
            matches!(self.row.way, Way::Wait | Way::ResendNow | Way::Cancel | Way::LongWait);
        assert_eq!(card.automatic, waits, "{card:#?}");
        if waits {
            assert!(card.offers("resend-now") && card.offers("cancel-wait"), "{card:#?}");
        }
        assert!(
            self.row.way == Way::Unfamiliar || card.marked.is_some() || self.row.nth == 9,
            "no words are marked as deciding: {card:#?}"
        );
        self.compare_words().await;
    }

    /// The words on the page, card by card, are those the simulator sent, byte for byte.
    async fn compare_words(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let shown: Vec<String> = self
                .stage
                .page
                .read(
                    "[...document.querySelectorAll('[data-card]')] \
                     .map((card) => card.querySelector('[data-raw]')?.textContent ?? '(none)')",
                )
                .await;
            let sent: Vec<String> =
                self.stage.bench().asked(self.row.scenario).iter().filter_map(error_of).collect();
            // Between the two looks a wait may have ended, and the next try failed.
            if shown == sent || Instant::now() > deadline {
                assert_eq!(shown, sent, "the cards on the page and what the simulator sent");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn assert_countdown_moves(&self) {
        let page = &self.stage.page;
        let first: String = page.text("[data-automatic] [data-countdown]").await;
        let moved = format!(
            "(() => {{ const now = document.querySelector('[data-countdown]')?.textContent; \
             return now !== {} }})()",
            json!(first)
        );
        page.until::<bool>("the countdown to move", &moved).await;
    }

    async fn resend_now(&self) {
        // The others wait hardly longer than it takes to look twice.
        if self.row.scenario == "rate-limit" {
            self.assert_countdown_moves().await;
            self.stage.page.press("resend-now").await;
        } else {
            self.stage.page.press_in_time("resend-now").await;
        }
        self.stage.page.persist().await;
    }

    async fn cancel(&self) {
        let page = &self.stage.page;
        page.click("section[data-card] [data-action=cancel-wait]").await;
        page.gone("[data-automatic]").await;
        let tries = self.stage.bench().asked(self.row.scenario).len();
        let card = page.card().await;
        assert!(!card.automatic && card.ways[0].action.ends_with("resend"), "{card:#?}");
        assert_eq!(self.stage.bench().asked(self.row.scenario).len(), tries);
        page.persist().await;
    }

    async fn long_wait(&self, card: &Card) {
        let page = &self.stage.page;
        let words = card.wait.as_deref().expect("the time is told");
        assert!(words.contains("ending again at") && words.contains(':'), "no clock: {card:#?}");
        assert!(card.offers("switch_model") || card.offers("switch_provider"), "{card:#?}");
        page.press("resend-now").await;
        page.persist().await;
    }

    async fn compact(&self, card: &Card) {
        let page = &self.stage.page;
        let way = card.way("compact_and_resend");
        assert_eq!(card.ways[0].action, "compact_and_resend", "{card:#?}");
        assert!(way.label.contains("k →"), "no figures: {way:?}");
        let before = page.count("[data-message]").await;
        page.press("compact_and_resend").await;
        page.answer().await;
        page.there("[data-step-kind=summarise] [data-action=undo-step]").await;
        let after = page.count("[data-message]").await;
        assert_eq!(after, before + 1, "compacting loses no message");
    }

    async fn without_picture(&self) {
        let page = &self.stage.page;
        let tries = self.stage.bench().asked(self.row.scenario);
        page.press("resend_without_images").await;
        page.answer().await;
        page.there("[data-step-kind=omit_images] [data-action=undo-step]").await;
        page.there("[data-pictures][data-omitted] img").await;
        let all = self.stage.bench().asked(self.row.scenario);
        assert!(tries.iter().all(|exchange| has_picture(exchange.request_body.as_bytes())));
        assert!(!has_picture(all.last().expect("it was sent").request_body.as_bytes()));

        // A later message just works, and with a model that sees the picture is back.
        page.send("A later message").await;
        page.answer().await;
        page.choose(&self.target("halo-practice")).await;
        page.gone("[data-omitted]").await;
        page.send("Do you see it?").await;
        page.answer().await;
        let seeing = self.stage.bench().asked("halo-practice");
        assert!(has_picture(seeing.last().expect("it was sent").request_body.as_bytes()));
        page.choose(&self.target(self.row.scenario)).await;
    }

    async fn seeing_model(&self, card: &Card) {
        let page = &self.stage.page;
        assert!(card.offers("resend_without_images"), "{card:#?}");
        let way = card.ways.iter().find(|way| way.action.starts_with("switch_"));
        let way = way.unwrap_or_else(|| panic!("no model to switch to: {card:#?}"));
        self.switch(way.action.clone(), way.target.clone()).await;
        page.answer().await;
        assert_eq!(page.count("[data-omitted]").await, 0, "this model sees the picture");
    }

    /// Takes another model: the one the button names, or one out of the list.
    async fn switch(&self, action: String, target: Option<String>) {
        let page = &self.stage.page;
        if target.is_some() {
            page.press(&action).await;
        } else {
            page.click(&format!("section[data-card]:not(.past) [data-action={action}]")).await;
            page.until::<bool>("the list of models", "document.getElementById('models').open")
                .await;
            let target = json!(self.target("halo-practice"));
            page.click(&format!("[data-action=choose-model][data-target={target}]")).await;
            page.gone("section[data-card]:not(.past)").await;
        }
    }

    async fn quota(&self, card: &Card) {
        let page = &self.stage.page;
        assert_eq!(card.wait, None, "money does not come by waiting: {card:#?}");
        assert!(!card.ways[0].action.ends_with("resend"), "{card:#?}");
        // Words and shape tell whose they are, though the host is nobody's.
        assert_eq!(card.ways[0].action, "open_billing", "{card:#?}");
        let href = card.ways[0].href.as_deref().unwrap_or_default();
        assert!(href.starts_with("https://"), "{card:#?}");
        let way = card.ways.iter().find(|way| way.action.starts_with("switch_"));
        let way = way.unwrap_or_else(|| panic!("no provider to switch to: {card:#?}"));
        self.switch(way.action.clone(), way.target.clone()).await;
        page.answer().await;
        assert_eq!(self.stage.bench().asked(self.row.scenario).len(), 1, "never retried");
    }

    async fn key(&self, card: &Card) {
        let page = &self.stage.page;
        assert_eq!(card.ways[0].action, "open_settings_key", "{card:#?}");
        let conversation = page.path().await;
        page.click("section[data-card] [data-action=open_settings_key]").await;
        let focused = "document.activeElement?.name === 'key' && \
                       document.activeElement.closest('[data-provider]')?.dataset.provider";
        let provider: String = page.until("the field of the key", focused).await;
        assert_eq!(provider, self.provider);
        page.there("[data-waiting=unsaved]").await;
        page.type_into("[data-open-field=key] input[name=key]", "practice-key-ok").await;
        page.click("[data-save]").await;
        page.click("[data-waiting=ready] [data-resend]").await;
        let back = format!("location.pathname === {}", json!(conversation));
        page.until::<bool>("the conversation", &back).await;
        page.answer().await;
    }

    async fn nearest_model(&self, card: &Card) {
        let page = &self.stage.page;
        let nearest = self.target("model-now-found");
        assert_eq!(card.ways[0].target.as_deref(), Some(nearest.as_str()), "{card:#?}");
        page.press("switch_model").await;
        page.answer().await;
        assert!(page.text("[data-model-name]").await.starts_with("model-now-found"));
    }

    async fn unfamiliar(&self, card: &Card) {
        let page = &self.stage.page;
        let words = format!("{} {}", card.title, card.meaning).to_lowercase();
        assert!(words.contains("not recogni"), "honest words: {card:#?}");
        let speaker = page.text("section[data-card] [data-speaker]").await;
        assert!(!speaker.contains("aiting"), "nobody knows whether waiting helps: {speaker}");
        let report = card.way("report").href.clone().expect("a link");
        page.click("section[data-card] [data-action=report]").await;
        page.until::<bool>(
            "the copying to be answered",
            "!!document.querySelector('[data-action=report][data-copied]')",
        )
        .await;
        let report: String = {
            let script = "const done = arguments[1]; \
                          fetch(arguments[0]).then((r) => r.text()).then(done)";
            let text = page.browser.client.execute_async(script, vec![json!(report)]).await;
            text.expect("a report").as_str().expect("text").to_owned()
        };
        let raw = card.raw.as_deref().expect("raw words");
        assert!(report.contains(raw), "{report}");
        assert!(!report.contains("sk-test-1234567890"), "a key in the report: {report}");
        page.press("resend").await;
        page.answer().await;
    }
}

fn has_picture(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    text.contains("image_url") || text.contains("\"type\":\"image\"")
}
