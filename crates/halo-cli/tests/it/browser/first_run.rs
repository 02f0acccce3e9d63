//! The first minutes: no key, no provider, and still everything works.

use super::page::Page;
use super::stage::{Providers, play};

#[test]
fn a_first_run_without_a_key_is_whole() {
    play("first-run", Providers::None, async |stage| {
        let page = &stage.page;
        page.there("[data-welcome] [data-action=add-provider]").await;
        page.there(".model-button.practice").await;
        page.shoot("first-run").await;

        page.send("Hello! What can I try here?").await;
        let answer = page.answer().await;
        assert!(answer.contains("the practice model inside Halo"), "{answer}");
        assert!(page.count("[data-answer] figure.code code span[class*=hl-]").await > 5);
        assert_eq!(page.count("[data-answer] table").await, 1);
        assert_eq!(page.count("[data-answer] input[type=checkbox]:disabled").await, 3);
        page.run("document.getElementById('scroller').scrollTop = 0", Vec::new()).await;
        page.shoot("answer").await;

        page.command("/practice").await;
        page.there("[data-practice] [data-scenario]").await;
        page.shoot("practice").await;
        page.click("[data-scenario=rate-limit]").await;
        let card = page.card().await;
        assert_eq!(card.kind, "rate_limited");
        page.press("resend-now").await;
        page.answer().await;

        page.command("/new").await;
        page.until::<bool>("a new conversation", "location.pathname === '/new'").await;
        page.there("[data-welcome]").await;
    });
}

#[test]
fn practice_plays_what_needs_a_history_or_a_picture() {
    play("practice", Providers::None, async |stage| {
        let page = &stage.page;
        play_scenario(page, "small-window").await;
        assert_eq!(page.card().await.kind, "context_length_exceeded");
        page.press("compact_and_resend").await;
        page.answer().await;
        page.there("[data-step-kind=summarise] [data-action=undo-step]").await;

        play_scenario(page, "blind").await;
        assert_eq!(page.card().await.kind, "image_unsupported");
        page.press("resend_without_images").await;
        page.answer().await;
        page.there("[data-step-kind=omit_images] [data-action=undo-step]").await;

        play_scenario(page, "wrong-key").await;
        assert_eq!(page.card().await.kind, "invalid_api_key");
        page.click("section[data-card] [data-action=open_settings_key]").await;
        page.type_into("[data-open-field=key] input[name=key]", "practice-key-ok").await;
        page.click("[data-save]").await;
        page.click("[data-waiting=ready] [data-resend]").await;
        page.answer().await;
    });
}

async fn play_scenario(page: &Page, id: &str) {
    page.open("/practice").await;
    page.click(&format!("[data-scenario={id}]")).await;
    page.until::<bool>("the conversation", "location.pathname.startsWith('/c/')").await;
}

#[test]
fn steps_are_shown_and_taken_back() {
    play("steps", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        for _ in 0..3 {
            page.send_long(&"A remark that is worth a summary. ".repeat(200)).await;
            page.answer().await;
        }
        page.command("/compact the names").await;
        page.there("[data-step-kind=summarise] [data-action=undo-step]").await;
        page.answer().await;
        assert!(page.count("[data-message].summarised").await > 0);
        page.click("[data-step-kind=summarise] [data-action=view-summary]").await;
        page.until::<bool>(
            "the summary",
            "document.querySelector('[data-step] .summary-text pre')?.offsetHeight > 0",
        )
        .await;
        page.shoot("compacted").await;

        page.click("[data-step-kind=summarise] [data-action=undo-step]").await;
        page.there("[data-step][data-undone] [data-action=redo-step]").await;
        page.gone("[data-message].summarised").await;
        page.click("[data-step-kind=summarise] [data-action=redo-step]").await;
        page.there("[data-message].summarised").await;
        page.send("And on we go").await;
        page.answer().await;
        let bench = stage.bench();
        let last = bench.asked("halo-practice").pop().expect("it was sent");
        let repeated = last.request_body.text().matches("worth a summary").count();
        assert!(repeated < 600, "the summary went out in place of what it sums up: {repeated}");
    });
}
