use halo_engine::{Card, Item, MessageView, Meter, Offer, StepView, WaitView};
use halo_types::{
    Action, AttemptId, Because, Blame, BlobId, Body, Confidence, ConversationId, ConversationMeta,
    Diagnosis, Ending, Evidence, Facts, Headers, ImageRef, Instead, Kind, Message, MessageId,
    Origin, Part, Phase, Role, Scope, StepId, StepKind, StopReason, Timestamp, TransportClass,
    TransportFailure, TurnId, Usage,
};
use uuid::Uuid;

use super::*;
use crate::strings::Locale;

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn model(name: &str) -> Target {
    Target { provider: "openai".parse().unwrap(), model: name.to_owned() }
}

/// 2026-11-22 18:43:11 UTC.
const AT: Timestamp = Timestamp(1_795_372_991_000);

/// A diagnosis made by hand, so that better rules do not change what is tested here.
fn diagnosis(kind: Kind, evidence: &Evidence, words: &str) -> Diagnosis {
    let start = evidence.body.text().find(words).filter(|_| !words.is_empty());
    Diagnosis {
        kind,
        transient: kind.is_transient(),
        vendor: Some("openai".to_owned()),
        layers: vec!["litellm".to_owned(), "openai".to_owned()],
        scope: Scope::Request,
        blame: if kind == Kind::Network { Blame::Network } else { Blame::Provider },
        confidence: Confidence::Certain,
        retry: None,
        facts: Facts { request_id: Some("req_1".to_owned()), ..Facts::default() },
        title: format!("The title of {kind}").into(),
        meaning: "What it means.".into(),
        remedies: Vec::new(),
        because: Because {
            rule: "the.rule".to_owned(),
            field: if start.is_some() { "body" } else { "status" }.to_owned(),
            span: start.map(|start| (start, start + words.len())),
            quote: words.to_owned(),
        },
    }
}

fn card(kind: Kind, words: &str, evidence: Evidence, offers: &[Action]) -> Card {
    let diagnosis = diagnosis(kind, &evidence, words);
    let offers = offers
        .iter()
        .map(|action| Offer {
            action: *action,
            text: halo_diagnose::action_text(*action, Default::default()).to_owned(),
            target: None,
            url: None,
            tokens: None,
            images: 0,
        })
        .collect();
    Card {
        turn: TurnId::new(uuid(7)),
        prompt: MessageId::new(uuid(3)),
        attempt: AttemptId::new(uuid(8)),
        nth: 1,
        target: model("gpt-4"),
        provider_name: "OpenAI".to_owned(),
        url: "https://api.openai.com/v1/chat/completions".to_owned(),
        evidence,
        diagnosis,
        offers,
        wait: None,
        attempts: Vec::new(),
        overtaken: false,
        purpose: Purpose::Reply,
        stuck: None,
        total_ms: 412,
        at: AT,
    }
}

fn view(items: Vec<Item>) -> ConversationView {
    ConversationView {
        meta: ConversationMeta {
            id: ConversationId::new(uuid(1)),
            created_at: AT,
            title: "Title".to_owned(),
            title_by_person: false,
            pinned: false,
            target: None,
            system: None,
            ..serde_json::from_value(serde_json::json!({
                "id": uuid(1), "created_at": 0, "title": ""
            }))
            .unwrap()
        },
        target: Some(model("gpt-4")),
        items,
        running: None,
        wait: None,
        waits: None,
        meter: Meter::default(),
        vision: Some(true),
        damaged: 0,
    }
}

fn render_in(locale: Locale, view: &ConversationView) -> Vec<Piece> {
    let renderer = Renderer::default();
    let setting = Setting {
        words: Words::new(locale),
        zone: Zone::default(),
        renderer: &renderer,
        targets: &[],
        own: &OwnRules::default(),
    };
    pieces(view, 0..view.items.len(), &setting).unwrap()
}

fn card_html(card: Card) -> String {
    let pieces = render_in(Locale::En, &view(vec![Item::Card(Box::new(card))]));
    pieces[0].html.clone()
}

/// What a browser makes of an element's content: enough to prove that a body survives.
fn text_content(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at + rest[at..].find('>').unwrap() + 1..];
    }
    text.push_str(rest);
    [
        ("&#13;", "\r"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, c)| text.replace(entity, c))
}

fn raw_of(html: &str) -> String {
    let start = html.find("data-raw").unwrap();
    // A browser drops the line break right behind the tag.
    let start = start + html[start..].find(">\n").unwrap() + 2;
    text_content(&html[start..start + html[start..].find("</pre>").unwrap()])
}

#[test]
fn a_rate_limit_counts_down() {
    let body = r#"{"error":{"message":"Rate limit reached for gpt-4 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.","type":"requests","code":"rate_limit_exceeded"}}"#;
    let headers = Headers::new([("retry-after", "20"), ("x-request-id", "req_1")]);
    let mut card = card(
        Kind::RateLimited,
        "rate_limit_exceeded",
        Evidence::from_http(429, headers, body),
        &[Action::WaitAndResend, Action::Report],
    );
    card.wait = Some(WaitView {
        until: AT.plus_ms(20_000),
        from: "header:retry-after".to_owned(),
        automatic: true,
    });
    let html = card_html(card);
    assert_eq!(raw_of(&html), body);
    insta::assert_snapshot!("card_rate_limited", html);
}

#[test]
fn a_long_wait_names_the_time() {
    let mut card = card(
        Kind::RateLimited,
        "slow down",
        Evidence::from_http(429, Headers::default(), "slow down"),
        &[Action::Resend],
    );
    card.wait =
        Some(WaitView { until: AT.plus_ms(900_000), from: "body".to_owned(), automatic: false });
    let html = card_html(card);
    assert!(html.contains("Possible again at 18:58"), "{html}");
    assert!(!html.contains("data-counts") && !html.contains("data-automatic"));
    assert!(html.contains("data-action=\"resend\""));
}

#[test]
fn an_overflow_says_what_compaction_would_save() {
    let body = r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9301 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let mut card = card(
        Kind::ContextLengthExceeded,
        "maximum context length is 8192 tokens",
        Evidence::from_http(400, Headers::default(), body),
        &[
            Action::CompactAndResend,
            Action::SwitchModel,
            Action::SwitchModel,
            Action::NewConversation,
        ],
    );
    card.offers[0].tokens = Some((214_000, 61_000));
    card.offers[1].target = Some(model("gpt-4.1"));
    let html = card_html(card);
    assert!(html.contains("<mark"), "the deciding words are marked");
    assert!(html.contains("214k → 61k tokens; nothing is deleted"), "{html}");
    insta::assert_snapshot!("card_context_length", html);
}

#[test]
fn a_wrong_key_leads_to_its_field() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-…abcd.","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let card = card(
        Kind::InvalidApiKey,
        "Incorrect API key provided",
        Evidence::from_http(401, Headers::default(), body),
        &[Action::OpenSettingsKey],
    );
    let html = card_html(card);
    assert!(
        html.contains("/settings/ai-model?provider=openai&#38;field=key&#38;conversation="),
        "{html}"
    );
    insta::assert_snapshot!("card_invalid_key", html);
}

#[test]
fn a_dead_connection_shows_what_the_network_said() {
    let evidence = Evidence {
        phase: Some(Phase::Connect),
        transport: Some(TransportFailure {
            class: TransportClass::Refused,
            chain: vec![
                "tcp connect error".to_owned(),
                "Connection refused (os error 111)".to_owned(),
            ],
        }),
        ..Evidence::default()
    };
    let html =
        card_html(card(Kind::Network, "", evidence, &[Action::Resend, Action::CheckNetwork]));
    assert!(html.contains("data-chain") && !html.contains("data-raw"));
    assert!(html.contains("api.openai.com"));
    insta::assert_snapshot!("card_network", html);
}

#[test]
fn addresses_that_are_not_of_the_web_are_not_linked() {
    let mut card = card(
        Kind::QuotaExhausted,
        "no money",
        Evidence::from_http(402, Headers::default(), "no money"),
        &[Action::OpenBilling, Action::OpenStatus],
    );
    card.offers[0].url = Some("https://platform.openai.com/billing".to_owned());
    card.offers[1].url = Some("javascript:alert(1)".to_owned());
    let html = card_html(card);
    assert!(html.contains("href=\"https://platform.openai.com/billing\" target=\"_blank\""));
    assert!(!html.contains("javascript:"));
}

#[test]
fn hostile_words_stay_words() {
    let body = "<script>alert(1)</script>\r\n\"&amp;' 模型 \u{1f600}</pre><h1>";
    let evidence = Evidence { body: Body::from(body), status: Some(500), ..Evidence::default() };
    let html = card_html(card(Kind::ServerError, "", evidence, &[Action::Resend]));
    assert_eq!(raw_of(&html), body);
    assert!(!html.contains("<script") && !html.contains("<h1"));
}

#[test]
fn an_overtaken_card_is_one_line_without_buttons() {
    let mut card = card(
        Kind::ServerError,
        "oops",
        Evidence::from_http(500, Headers::default(), "oops"),
        &[Action::Resend],
    );
    card.overtaken = true;
    let html = card_html(card);
    assert!(html.starts_with("<details") || html.trim_start().starts_with("<details"), "{html}");
    assert!(!html.contains("data-ways") && !html.contains("role=\"alert\""));
}

fn message(role: Role, parts: Vec<Part>, ending: Option<Ending>) -> MessageView {
    MessageView {
        thinking_ms: None,
        message: Message {
            id: MessageId::new(uuid(3)),
            conversation: ConversationId::new(uuid(1)),
            parent: None,
            role,
            parts,
            at: AT,
            origin: (role == Role::Assistant).then(|| Origin {
                target: model("gpt-4"),
                turn: TurnId::new(uuid(7)),
                attempt: AttemptId::new(uuid(8)),
                model_reported: Some("gpt-4-0613".to_owned()),
            }),
            ending,
            usage: (role == Role::Assistant).then_some(Usage {
                input: Some(12_345),
                output: Some(67),
                ..Usage::default()
            }),
        },
        turn: None,
        instead: None,
        key: None,
        images_omitted: false,
        images_smaller: false,
        mended: Vec::new(),
        summarised: false,
        pinned: false,
        can_continue: false,
        can_resend: false,
        repeated: String::new(),
        is_last: true,
        forked: false,
        cost: None,
        siblings: vec![MessageId::new(uuid(3))],
    }
}

#[test]
fn alternatives_lead_to_their_neighbours() {
    let mut shown = message(Role::Assistant, vec![Part::Text { text: "a".into() }], None);
    let html = one(Item::Message(Box::new(shown.clone()))).html;
    assert!(!html.contains("data-sibling"), "{html}");
    shown.siblings = vec![MessageId::new(uuid(3)), MessageId::new(uuid(9))];
    let html = one(Item::Message(Box::new(shown))).html;
    assert!(html.contains("<span data-sibling>1/2</span>"), "{html}");
    assert!(html.contains(&format!("/messages/{}/choose", MessageId::new(uuid(9)))), "{html}");
    assert!(html.contains(r#"data-action="sibling-previous" disabled"#), "{html}");
}

fn one(item: Item) -> Piece {
    render_in(Locale::En, &view(vec![item])).remove(0)
}

#[test]
fn a_broken_answer_is_marked_and_goes_on() {
    let parts = vec![Part::thought("hm"), Part::text("Half an **answer**")];
    let mut shown = message(Role::Assistant, parts, Some(Ending::Interrupted));
    shown.can_continue = true;
    shown.can_resend = true;
    insta::assert_snapshot!("message_interrupted", one(Item::Message(Box::new(shown))).html);
}

#[test]
fn what_an_answer_cost_stands_beside_its_tokens() {
    let ending = Ending::Complete { stop: StopReason::End };
    let mut shown = message(Role::Assistant, vec![Part::text("Done.")], Some(ending));
    let html = one(Item::Message(Box::new(shown.clone()))).html;
    assert!(!html.contains('$'), "{html}");
    shown.cost = Some(10_600_000);
    let html = one(Item::Message(Box::new(shown))).html;
    assert!(html.contains("out · about $0.011"), "{html}");
}

#[test]
fn money_is_said_with_two_figures_or_in_cents() {
    for (nano, text) in [
        (0, "0"),
        (1, "0.000000001"),
        (45_000, "0.000045"),
        (10_600_000, "0.011"),
        (99_600_000, "0.1"),
        (250_000_000, "0.25"),
        (994_000_000, "0.99"),
        (995_000_000, "1.00"),
        (1_234_567_890, "1.23"),
        (12_000_000_000, "12.00"),
        (u64::MAX, "18446744073.70"),
    ] {
        assert_eq!(super::money(nano), text, "{nano}");
    }
}

#[test]
fn a_finished_answer_is_not_marked() {
    let ending = Ending::Complete { stop: StopReason::End };
    let shown = message(Role::Assistant, vec![Part::text("Done.")], Some(ending));
    let html = one(Item::Message(Box::new(shown))).html;
    assert!(!html.contains("data-ending-note"));
    assert!(html.contains("12k in, 67 out"), "{html}");
}

#[test]
fn words_that_came_twice_are_named_and_escaped() {
    let mut shown = message(Role::Assistant, vec![Part::text("Once upon a time")], None);
    shown.repeated = format!("upon <b>{}</b> time", "x".repeat(300));
    let html = one(Item::Message(Box::new(shown))).html;
    let note = html.split("data-repeated").nth(1).expect("the note is there");
    assert!(
        note.contains("upon &#60;b&#62;xx") && note.contains("xx&#60;/b&#62; time</q>"),
        "{note}"
    );
    assert!(note.contains(" … ") && !note.contains(&"x".repeat(200)));
}

#[test]
fn a_persons_words_are_not_markdown() {
    let image = Part::Image(ImageRef {
        blob: BlobId::from_digest(&[7; 32]),
        media_type: "image/png".to_owned(),
        width: 4,
        height: 3,
        bytes: 99,
        name: Some("a<b.png".to_owned()),
    });
    let mut shown = message(Role::User, vec![image, Part::text("**x** <b>\n  y")], None);
    shown.images_omitted = true;
    insta::assert_snapshot!("message_user", one(Item::Message(Box::new(shown))).html);
}

#[test]
fn long_texts_of_a_person_are_folded() {
    let long = "line\n".repeat(100);
    let html =
        one(Item::Message(Box::new(message(Role::User, vec![Part::text(&long)], None)))).html;
    assert!(html.contains("long-text") && html.contains(&long));
}

#[test]
fn a_step_can_be_taken_back_and_taken_again() {
    let step = |undone: bool| {
        Item::Step(StepView {
            id: StepId::new(uuid(5)),
            kind: StepKind::Summarise {
                first_kept: MessageId::new(uuid(3)),
                summary: "They spoke <of> bees.".to_owned(),
                by: None,
                parts: 1,
                edits: None,
                tokens_before: 214_000,
                tokens_after: 61_000,
            },
            at: AT,
            in_force: !undone,
            undone,
        })
    };
    insta::assert_snapshot!("step_summary", one(step(false)).html);
    assert!(one(step(true)).html.contains("/redo\""));
}

#[test]
fn a_summary_says_who_made_it() {
    let made = |by: Option<&str>, parts: u32, edits: bool| {
        let step = Item::Step(StepView {
            id: StepId::new(uuid(5)),
            kind: StepKind::Summarise {
                first_kept: MessageId::new(uuid(3)),
                summary: "Bees.".to_owned(),
                by: by.map(model),
                parts,
                edits: edits.then(|| StepId::new(uuid(4))),
                tokens_before: 9,
                tokens_after: 3,
            },
            at: AT,
            in_force: true,
            undone: false,
        });
        one(step).html
    };
    for (html, words) in [
        (made(Some("gpt-4"), 1, false), "Written by gpt-4."),
        (made(Some("gpt-4"), 7, false), "Written in 7 parts by gpt-4."),
        (made(None, 1, false), "Made by rule, without a model."),
        (made(Some("gpt-4"), 7, true), "Edited by you."),
    ] {
        assert!(html.contains(words), "{words} in {html}");
    }
}

#[test]
fn a_card_says_where_no_compaction_helps() {
    let evidence = Evidence::from_http(400, Headers::default(), "too long");
    let mut card = card(Kind::ContextLengthExceeded, "too long", evidence, &[Action::EditMessage]);
    card.stuck =
        Some(halo_engine::CompactError::LastMessageTooLong { tokens: 21_000, window: 16_384 });
    let html = card_html(card);
    assert!(html.contains("data-stuck>The system prompt and the last message alone"), "{html}");
    assert!(html.contains("21k of the 16k tokens"), "{html}");
}

#[test]
fn the_hash_follows_the_content() {
    let text = |text: &str| {
        one(Item::Message(Box::new(message(Role::User, vec![Part::text(text)], None))))
    };
    assert_eq!(text("a").hash, text("a").hash);
    assert_ne!(text("a").hash, text("b").hash);
    assert_eq!(text("a").id, text("b").id);
}

#[test]
fn a_running_answer_keeps_its_hash_while_it_grows() {
    let mut view = view(Vec::new());
    let mut running = halo_engine::Running {
        turn: TurnId::new(uuid(7)),
        attempt: Some(AttemptId::new(uuid(8))),
        target: model("gpt-4"),
        purpose: Purpose::Reply,
        text: "One.\n\nTwo\n".to_owned(),
        thinking: String::new(),
        since: AT,
    };
    view.running = Some(running.clone());
    let first = render_in(Locale::En, &view).remove(0);
    assert!(first.html.contains("<div class=\"block\"><p>One.</p>"), "{}", first.html);
    running.text.push_str(" and three");
    view.running = Some(running.clone());
    assert_eq!(render_in(Locale::En, &view).remove(0).hash, first.hash);
    running.attempt = None;
    view.running = Some(running);
    assert!(render_in(Locale::En, &view).is_empty());
}

#[test]
fn cards_speak_chinese() {
    let card = card(
        Kind::ServerError,
        "oops",
        Evidence::from_http(500, Headers::default(), "oops"),
        &[Action::Resend],
    );
    let html = render_in(Locale::ZhCn, &view(vec![Item::Card(Box::new(card))])).remove(0).html;
    assert!(html.contains("OpenAI 的原话") && html.contains("重新发送"), "{html}");
}

#[test]
fn numbers_are_said_briefly() {
    let said = [0, 999, 1000, 1234, 9949, 9999, 61_400, 999_499, 999_999, 1_100_000].map(tokens);
    assert_eq!(said, ["0", "999", "1k", "1.2k", "9.9k", "10k", "61k", "999k", "1M", "1.1M"]);
    assert_eq!([412, 12_000, 125_000].map(duration), ["0.4 s", "12 s", "2 min 5 s"]);
}

/// The header of an answer that was given instead of another one.
fn instead_of(locale: Locale, by: Target, key: Option<u32>, instead: Instead) -> String {
    let mut answer = message(Role::Assistant, vec![Part::text("Yes.")], None);
    answer.message.origin.as_mut().unwrap().target = by;
    answer.key = key;
    answer.instead = Some(instead);
    let html = &render_in(locale, &view(vec![Item::Message(Box::new(answer))]))[0].html;
    let (_, rest) = html.split_once("data-instead>").expect("it says so");
    rest.split('<').next().unwrap().to_owned()
}

#[test]
fn an_answer_says_that_another_one_was_to_give_it_and_why() {
    let other = |provider: &str, model: &str| Target {
        provider: provider.parse().unwrap(),
        model: model.to_owned(),
    };
    let why = |kind, until| Instead { target: model("gpt-4"), key: Some(1), kind, until };
    let time = Zone::default().time_text(AT);
    assert_eq!(
        instead_of(Locale::En, other("b", "claude"), None, why(Kind::Overloaded, Some(AT))),
        format!("answered by claude, because gpt-4 was overloaded until {time}")
    );
    assert_eq!(
        instead_of(Locale::En, model("gpt-4"), Some(2), why(Kind::QuotaExhausted, None)),
        "answered by key 2, because key 1 had no credit left"
    );
    let here = model("gpt-4").provider;
    assert_eq!(
        instead_of(Locale::En, other("relay", "gpt-4"), None, why(Kind::Network, None)),
        format!("answered by gpt-4 at relay, because gpt-4 at {here} could not be reached")
    );
    assert_eq!(
        instead_of(Locale::ZhCn, other("b", "claude"), None, why(Kind::Overloaded, Some(AT))),
        format!("由 claude 回答，因为 gpt-4 过载（至 {time}）")
    );
    // Every kind has words, and no key of the words shows.
    for locale in [Locale::En, Locale::ZhCn] {
        for kind in Kind::ALL {
            let text = instead_of(locale, other("b", "claude"), None, why(*kind, None));
            assert!(!text.contains("instead") && text.contains("gpt-4"), "{kind}: {text}");
        }
    }
}

#[test]
fn a_wait_before_anything_was_sent_has_a_countdown_of_its_own() {
    let turn = TurnId::new(uuid(7));
    let mut waits = view(vec![Item::Message(Box::new(message(Role::User, vec![], None)))]);
    waits.running = Some(Running {
        turn,
        attempt: None,
        target: model("gpt-4"),
        purpose: Purpose::Reply,
        text: String::new(),
        thinking: String::new(),
        since: AT,
    });
    assert_eq!(render_in(Locale::En, &waits).len(), 1, "it does not wait yet");
    waits.wait =
        Some(WaitView { until: AT.plus_ms(20_000), from: "pace".to_owned(), automatic: true });
    for locale in [Locale::En, Locale::ZhCn] {
        let pieces = render_in(locale, &waits);
        let html = &pieces.last().unwrap().html;
        assert!(html.contains("data-countdown") && html.contains("data-counts"), "{html}");
        assert!(html.contains(&format!("name=\"turn\" value=\"{turn}\"")), "{html}");
        assert!(html.contains("/send-now\"") && html.contains("/stop\""), "{html}");
        assert!(!html.contains("wait-from-pace") && !html.contains("wait-send-now"), "{html}");
    }
}
