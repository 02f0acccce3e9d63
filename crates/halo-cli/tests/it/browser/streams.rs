//! Answers while they are written: stopped, reloaded, broken off.

use fantoccini::Locator;

use super::page::Page;
use super::stage::{Providers, play};

/// The text of the running answer, once it is long enough to show that it runs.
const RUNNING: &str = "(() => { \
    const text = document.querySelector('[data-running] [data-answer]')?.textContent ?? ''; \
    return text.length > 300 ? text : null; })()";
/// The long story has this sentence so many times.
const STORY: (&str, usize) = ("word for word as it had been written", 60);
const ESCAPE: &str = "\u{E00C}";

#[test]
fn convention_02_stop_keeps_what_came_and_continue_brings_the_rest() {
    play("stop", Providers::Bench(1.5), async |stage| {
        let page = &stage.page;
        page.begin("sim-anthropic/halo-practice-long").await;
        page.send("Tell me a long story.").await;
        page.until::<String>("the running answer", RUNNING).await;
        page.click("[data-stop]").await;
        let kept = stopped(page).await;
        assert!(kept.len() > 300 && kept.matches(STORY.0).count() < STORY.1, "{kept}");
        page.shoot("stopped").await;
        page.reload().await;
        assert_eq!(stopped(page).await, kept, "a reload changes nothing");
        page.click("[data-ending-note=stopped] [data-action=continue]").await;
        page.there("[data-running]").await;
        page.until::<String>("the running rest", RUNNING).await;

        // Esc does what the button does.
        let prompt = page.browser.client.find(Locator::Css("[data-prompt]")).await;
        prompt.expect("the composer").send_keys(ESCAPE).await.expect("a key");
        let both = stopped(page).await;
        assert!(both.len() > kept.len(), "nothing was added: {kept}\n\nafter: {both}");

        // Before the first word there is nothing to keep, and stopping works all the same.
        page.choose("sim-anthropic/stall").await;
        page.send("Say nothing.").await;
        page.there("[data-running]").await;
        page.click("[data-stop]").await;
        page.gone("[data-running]").await;
        page.until::<bool>(
            "the composer to send again",
            "!document.querySelector('[data-send]').hidden",
        )
        .await;
    });
}

async fn stopped(page: &Page) -> String {
    page.until(
        "the stopped answer",
        "(() => { if (document.querySelector('[data-running]')) return null; \
          const last = [...document.querySelectorAll('[data-message]')].at(-1); \
          return last?.dataset.ending === 'stopped' \
            ? [...last.querySelectorAll('[data-answer]')].map((e) => e.textContent).join('') \
            : null; })()",
    )
    .await
}

#[test]
fn a_reload_in_the_middle_of_an_answer_shows_it_whole() {
    play("reload", Providers::Bench(2.0), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice-long").await;
        page.send("Tell me a long story.").await;
        let before: String = page.until("the running answer", RUNNING).await;
        page.reload().await;
        let after: String = page.until("the running answer", RUNNING).await;
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert!(words(&after).starts_with(&words(&before)), "what was there is there again");
        let answer = page.answer().await;
        assert_eq!(answer.matches(STORY.0).count(), STORY.1, "whole, and nothing twice");
        assert_eq!(stage.bench().asked("halo-practice-long").len(), 1, "asked once");
        page.reload().await;
        assert_eq!(page.answer().await, answer);
    });
}

#[test]
fn convention_14_what_breaks_off_is_kept_and_continued() {
    play("broken", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        for target in ["sim-anthropic/cut-mid-stream", "sim-openai/overloaded-midstream"] {
            page.begin(target).await;
            page.send("Begin, then break off.").await;
            let card = page.card().await;
            assert!(!card.automatic, "words were shown already: {card:#?}");
            let partial: String = page
                .until("the partial answer", "document.querySelector('[data-answer]')?.textContent")
                .await;
            assert!(partial.len() > 100, "{partial}");
            if target.starts_with("sim-anthropic") {
                page.shoot("interrupted").await;
            }
            page.press("continue").await;
            let whole = page.answer().await;
            assert!(!whole.is_empty());
            assert!(page.text("[data-thread]").await.contains(partial.trim()), "the part is gone");
        }

        page.begin("sim-openai/cut-by-length").await;
        page.send("Explain more than fits.").await;
        page.click("[data-ending-note=length] [data-action=continue]").await;
        page.answer().await;
    });
}
