//! “This is wrong” on a card, and the settings page of the person's own rules.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use halo_config::{ProviderConfig, preset};
use halo_engine::{Card, Item, Submission, Update};
use halo_types::{Action, ConversationId, Kind, Lang, Target, TurnId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::browser::{Answer, Browser};

const FRAGMENT: (&str, &str) = ("x-halo-fragment", "1");
const JSON: (&str, &str) = ("accept", "application/json");
const KEY: &str = "key-of-this-person-0123456789";
/// What the provider answers; it repeats the key, as some do.
const BODY: &str = "{\"error\":{\"message\":\"The hamster is asleep on the wheel, \
                    caller key-of-this-person-0123456789\"}}";

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

struct Failed {
    browser: Browser,
    id: ConversationId,
    card: Card,
}

impl Failed {
    /// A conversation whose provider answered with an error.
    async fn with(body: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 65_536]).await;
                let answer = format!(
                    "HTTP/1.1 418 Teapot\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let browser = Browser::signed_in().await;
        let engine = &browser.engine;
        let mut provider = ProviderConfig::from_preset(
            preset("openai-compatible").unwrap(),
            "relay".parse().unwrap(),
        );
        provider.base_url = format!("http://{address}");
        engine.config().save_provider(provider.clone()).unwrap();
        engine.config().set_keys(&provider.id, &[KEY]).unwrap();
        let target = Target { provider: provider.id, model: "m".to_owned() };
        let id = engine.create(Some(target)).await.unwrap();
        let turn = TurnId::new(Uuid::now_v7());
        let text = "Hello".to_owned();
        let submission =
            Submission { turn, conversation: id, text, images: Vec::new(), target: None };
        engine.submit(submission).await.unwrap();
        let card = loop {
            if let Some(card) = card(&browser, id).await {
                break card;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Self { browser, id, card }
    }

    fn address(&self) -> String {
        format!("/c/{}/attempts/{}/teach", self.id, self.card.attempt)
    }

    async fn answer(&self, fields: &[(&str, &str)]) -> Answer {
        self.browser.post_with(&self.address(), &form(fields), &[FRAGMENT, JSON]).await
    }

    async fn thread(&self) -> String {
        self.browser.get(&format!("/c/{}/thread", self.id)).await.body
    }
}

async fn card(browser: &Browser, id: ConversationId) -> Option<Card> {
    let view = browser.engine.conversation(id, Lang::En).await.unwrap();
    view.items.into_iter().find_map(|item| match item {
        Item::Card(card) => Some(*card),
        Item::Message(_) | Item::Step(_) => None,
    })
}

#[tokio::test]
async fn a_card_is_taught_and_taken_back() {
    let failed = Failed::with(BODY).await;
    let Failed { browser, id, card: old } = &failed;
    assert_eq!(old.diagnosis.kind, Kind::Unknown);
    let thread = failed.thread().await;
    assert!(thread.contains(&failed.address()), "every card has the control: {thread}");

    // The form, in the card and as a page of its own.
    let place = failed.address();
    let request = browser.request(Method::GET, &place, &[FRAGMENT], "");
    let shown = browser.send(request).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(!shown.body.contains("<html") && shown.body.contains("value=\"The hamster is asleep"));
    for kind in Kind::ALL {
        assert!(shown.body.contains(&format!("value=\"{kind}\"")), "{kind}");
    }
    let page = browser.get(&place).await.body;
    assert!(page.contains("<html") && page.contains("data-teach-form"), "{page}");

    // What would change is shown and nothing changes.
    let words = "the hamster is asleep";
    let fields = [("kind", "overloaded"), ("words", words), ("do", "preview")];
    let shown = failed.answer(&fields).await;
    assert_eq!(shown.status, StatusCode::OK);
    for part in [
        "data-teach-was=\"unknown\"",
        "data-teach-becomes=\"overloaded\"",
        "<mark data-teach-by>the hamster is asleep</mark>",
        "[[rule]]",
    ] {
        assert!(shown.body.contains(part), "{part} in {}", shown.body);
    }
    assert!(!shown.body.contains("data-teach-careful"), "{}", shown.body);
    assert!(browser.engine.own_rules().current().rules().is_empty());

    // Taught, the stored turn's card is another one, with its offers, and pages are told.
    let mut updates = browser.engine.updates();
    let taught = failed.answer(&[("kind", "overloaded"), ("words", words), ("do", "teach")]).await;
    assert_eq!(taught.json()["conversation"], id.to_string());
    assert_eq!(updates.recv().await.unwrap(), Update::Rules);
    let now = card(browser, *id).await.unwrap();
    assert_eq!(now.diagnosis.kind, Kind::Overloaded);
    assert!(now.offers.iter().any(|offer| offer.action == Action::Resend), "{:?}", now.offers);
    assert_ne!(now.offers, old.offers);
    let rule = now.diagnosis.because.rule;
    let thread = failed.thread().await;
    assert!(thread.contains(&format!("data-own-rule=\"{rule}\"")), "{thread}");
    assert!(thread.contains("data-unteach"), "{thread}");
    let file = browser.engine.own_rules().file_of(&rule).unwrap();
    assert!(file.ends_with("rules/taught.toml"), "{file:?}");

    // Undone, it is as it was; a second time changes nothing.
    for _ in 0..2 {
        let undo = form(&[("rule", &rule)]);
        let undone = browser.post(&format!("/c/{id}/unteach"), &undo).await;
        assert_eq!(undone.status, StatusCode::SEE_OTHER);
        assert_eq!(undone.header("location"), format!("/c/{id}"));
        assert_eq!(card(browser, *id).await.unwrap().diagnosis, old.diagnosis);
    }
    assert!(!failed.thread().await.contains("data-own-rule"));
}

#[tokio::test]
async fn no_key_becomes_a_rule() {
    let failed = Failed::with(BODY).await;
    let rules = failed.browser.engine.own_rules();
    let words = [("kind", "overloaded"), ("words", KEY), ("do", "teach")];
    let refused = failed.answer(&words).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(rules.current().rules().is_empty());
    let taught = failed.answer(&[("kind", "overloaded"), ("words", ""), ("do", "teach")]).await;
    assert_eq!(taught.status, StatusCode::OK, "{}", taught.body);
    let text = std::fs::read_to_string(rules.path().join("taught.toml")).unwrap();
    assert!(text.contains("hamster") && !text.contains(KEY), "{text}");

    // The same for an error that was pasted.
    let pasted = "The sloth sleeps soundly: sk-proj-abcdEFGHijklMNOP1234567890";
    let fields = [("error", pasted), ("kind", "timeout"), ("words", ""), ("do", "teach")];
    let taught = failed.browser.post_with("/help/errors/teach", &form(&fields), &[FRAGMENT]).await;
    assert!(taught.body.contains("data-kind=\"timeout\""), "{}", taught.body);
    assert!(!taught.body.contains("MNOP1234"), "{}", taught.body);
    let text = std::fs::read_to_string(rules.path().join("taught.toml")).unwrap();
    assert!(text.contains("sloth") && !text.contains("MNOP1234"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_taught_is_answered_in_words() {
    let failed = Failed::with(BODY).await;
    let long = "hamster ".repeat(40);
    for (kind, words, said) in [
        ("", "hamster", "Choose what the error really is"),
        ("nonsense", "hamster", "Choose what the error really is"),
        ("overloaded", "the sloth", "does not stand in this error"),
        ("unknown", "hamster", "already"),
        ("overloaded", "amster", "cannot find “amster”"),
        ("overloaded", long.as_str(), "longer than the 200"),
    ] {
        for action in ["preview", "teach"] {
            let answer = failed.answer(&[("kind", kind), ("words", words), ("do", action)]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
            assert!(
                answer.body.contains("data-teach-trouble") && answer.body.contains(said),
                "{said} in {}",
                answer.body
            );
        }
    }
    // Words of other errors are a careful warning, no refusal.
    let failed = Failed::with("{\"error\":{\"message\":\"zzz rate limit zzz\"}}").await;
    let answer = failed.answer(&[("kind", "quota_exhausted"), ("words", "rate limit")]).await;
    assert!(answer.body.contains("data-teach-careful"), "{}", answer.body);
    // Without any words there is nothing to fill in, and a way on.
    let failed = Failed::with("").await;
    let shown = failed.browser.get(&failed.address()).await.body;
    assert!(shown.contains("data-teach-no-words") && shown.contains("/settings/rules#by-hand"));
    assert!(failed.browser.engine.own_rules().current().rules().is_empty());
}

#[tokio::test]
async fn strangers_teach_nothing() {
    let failed = Failed::with(BODY).await;
    let fields = form(&[("kind", "overloaded"), ("words", "hamster"), ("do", "teach")]);
    let (place, foreign) = (failed.address(), [("sec-fetch-site", "cross-site")]);
    for path in [place.as_str(), "/help/errors/teach", "/settings/rules/remove"] {
        let answer = failed.browser.post_with(path, &fields, &foreign).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        let answer = Browser::stranger().await.post(path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let large = format!("{fields}&more={}", "x".repeat(20_000));
    let answer = failed.browser.post(&place, &large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let other = format!("/c/{}/attempts/{}/teach", failed.id, Uuid::now_v7());
    assert_eq!(failed.browser.post(&other, &fields).await.status, StatusCode::NOT_FOUND);
    assert!(failed.browser.engine.own_rules().current().rules().is_empty());
}

#[tokio::test]
async fn a_pasted_error_is_taught_without_scripts() {
    let browser = Browser::signed_in().await;
    let pasted = ("error", "HTTP/1.1 418\n\nThe sloth sleeps <soundly> in the tree");
    let shown = browser.post("/help/errors", &form(&[pasted])).await.body;
    assert!(shown.contains("data-teach-form"), "{shown}");
    let fields = [pasted, ("kind", "overloaded"), ("words", "the sloth sleeps")];
    let shown = browser.post("/help/errors/teach", &form(&fields)).await;
    assert!(shown.body.contains("<html") && shown.body.contains("data-teach-preview"));
    assert!(shown.body.contains("<details class=\"card-details teach-details\" open>"));
    let fields = [fields.as_slice(), &[("do", "teach")]].concat();
    let taught = browser.post("/help/errors/teach", &form(&fields)).await.body;
    assert!(taught.contains("data-kind=\"overloaded\"") && taught.contains("data-unteach"));
    let rule = browser.engine.own_rules().current().rules()[0].id.clone();
    let undo = form(&[pasted, ("rule", &rule)]);
    let undone = browser.post("/help/errors/unteach", &undo).await.body;
    assert!(undone.contains("data-kind=\"unknown\""), "{undone}");
}

#[tokio::test]
async fn the_settings_list_rules_and_faults() {
    let browser = Browser::signed_in().await;
    let page = browser.get("/settings/rules").await.body;
    let folder = browser.engine.own_rules().path().to_owned();
    assert!(page.contains("data-no-rules") && page.contains(folder.to_str().unwrap()), "{page}");
    std::fs::create_dir_all(&folder).unwrap();
    let mine = "[[rule]]\nid = \"mine.<b>\"\nkind = \"overloaded\"\nany = [\"hamster\"]\nstatus = [418, \"5xx\"]\n\n[[rule]]\nid = \"b\"\nkind = \"nonsense\"\nany = [\"x\"]\n";
    std::fs::write(folder.join("mine.toml"), mine).unwrap();
    let page = browser.get("/settings/rules").await.body;
    for part in ["mine.&#60;b&#62;", "hamster", "418, 5xx", "mine.toml", "Line 9, column 8"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let rule = form(&[("rule", "mine.<b>")]);
    let removed = browser.post("/settings/rules/remove", &rule).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.body);
    assert!(browser.engine.own_rules().current().rules().is_empty());
    let page = browser.get(removed.header("location")).await.body;
    assert!(page.contains("data-restore"), "{page}");
    browser.post("/settings/rules/restore", &rule).await;
    assert_eq!(browser.engine.own_rules().current().rules()[0].id, "mine.<b>");
    let page = browser.get(removed.header("location")).await.body;
    assert!(!page.contains("data-restore"), "it is there again");
}
