//! What is long, wide, huge or fast: the page stays readable and usable.

use std::path::Path;

use halo_types::Target;

use super::page::Page;
use super::seed;
use super::stage::{Providers, play, play_with};

async fn fill(data: &Path) {
    let provider = "sim-openai".parse().expect("a good name");
    let target = Target { provider, model: "halo-practice".to_owned() };
    // Enough to need parts; `cargo xtask app-speed` has more, with a release build.
    let amount = seed::Amount { messages: MESSAGES, bytes: 100_000 };
    seed::fill(data, &target, &amount).await;
}

/// A picture of the page for the eyes, where that was asked for: not for the documentation.
async fn look(page: &Page, name: &str) {
    if let Some(folder) = std::env::var_os("HALO_HARD_PICTURES") {
        let png = page.browser.client.screenshot().await.expect("a screenshot");
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).expect("a file");
    }
}

const PHONE: u32 = 390;
const MESSAGES: u64 = 600;

#[test]
fn a_long_conversation_comes_in_parts_and_keeps_its_place() {
    play_with("long", Providers::Bench(f64::INFINITY), fill, async |stage| {
        let page = &stage.page;
        // The list brings the older ones when they are asked for.
        assert_eq!(page.count("[data-conversation-row]").await, 60);

        page.open(seed::LONG_PATH).await;
        let at_end = "(() => { const s = document.getElementById('scroller'); \
                      return s.scrollHeight - s.scrollTop - s.clientHeight < 48; })()";
        page.until::<bool>("the end", at_end).await;
        assert!(page.text("[data-item]:last-child").await.contains("Answer 599"));
        let before = page.count("[data-item]").await;
        assert!(before <= 60, "{before} items were sent");

        // Upwards the rest comes by itself, and what was read stays where it was.
        let moved: f64 = serde_json::from_value(
            page.browser
                .client
                .execute_async(
                    "const done = arguments[0]; const s = document.getElementById('scroller'); \
                     const first = document.querySelector('[data-item]'); s.scrollTop = 0; \
                     requestAnimationFrame(() => { const was = first.getBoundingClientRect().top; \
                       const look = () => document.querySelector('[data-item]') === first \
                         ? setTimeout(look, 20) \
                         : setTimeout(() => done(first.getBoundingClientRect().top - was), 100); \
                       look(); });",
                    Vec::new(),
                )
                .await
                .expect("older messages come"),
        )
        .expect("a number");
        assert!(moved.abs() < 4.0, "what was read moved by {moved} pixels");
        look(page, "long-desktop").await;
        let items = page.count("[data-item]").await;
        let unlike = "new Set([...document.querySelectorAll('[data-item]')].map((i) => i.id)).size";
        assert_eq!(page.read::<usize>(unlike).await, items, "none is there twice");

        // A change that is made meanwhile leaves what came.
        page.click("[data-message-role=assistant] [data-action=pin]").await;
        page.there("[data-pinned]").await;
        assert!(page.count("[data-item]").await >= items, "what came stays");

        // A find far up is shown among its neighbours; from there to the end in one step.
        let found: halo_types::MessageId = seed::id(1, 0x10_0000 + 300);
        page.open(&format!("{}?at={found}#m-{found}", seed::LONG_PATH)).await;
        let seen = format!(
            "(() => {{ const r = document.getElementById('m-{found}')?.getBoundingClientRect(); \
             return !!r && r.bottom > 0 && r.top < innerHeight; }})()"
        );
        page.until::<bool>("the find", &seen).await;
        page.click("[data-action=jump]").await;
        page.until::<bool>("the end again", at_end).await;
        page.there("[id$='100257']").await;

        // Without scripts a link leads further up.
        let older: String = page.read("document.querySelector('[data-part=before] a').href").await;
        let path = older.strip_prefix(&page.app.base).expect("a link of the app").to_owned();
        page.open(&path).await;
        page.there("[data-part=after] a").await;

        page.set_size(PHONE, 844).await;
        page.open(seed::LONG_PATH).await;
        page.until::<bool>("the end", at_end).await;
        page.assert_fits(PHONE).await;
        look(page, "long-phone").await;
        // Sending goes on at the end.
        page.send_long("And now?").await;
        page.answer().await;
    });
}

#[test]
fn wide_huge_and_many_things_fit() {
    play_with("wide", Providers::Bench(f64::INFINITY), fill, async |stage| {
        let page = &stage.page;
        for (width, name) in [(1280, "desktop"), (PHONE, "phone")] {
            page.set_size(width, 844).await;

            page.open(seed::WIDE_PATH).await;
            page.there("[data-answer] table").await;
            page.assert_fits(width).await;
            page.run("document.getElementById('scroller').scrollTop = 0", Vec::new()).await;
            look(page, &format!("wide-prompt-{name}")).await;
            page.run("document.querySelector('table').scrollIntoView()", Vec::new()).await;
            look(page, &format!("wide-{name}")).await;

            page.open(seed::FAILED_PATH).await;
            page.there("section[data-card]").await;
            page.assert_fits(width).await;
            look(page, &format!("failures-{name}")).await;
            // A body of 300 lines is folded; one click shows all of it.
            let height =
                "document.querySelector('section[data-card]:not(.past) [data-raw]').clientHeight";
            let folded: u32 = page.read(height).await;
            assert!(folded < 400, "{folded} pixels");
            assert!(page.card().await.raw.is_some_and(|raw| raw.contains("frame 300 of")));
            page.click("section[data-card]:not(.past) [data-action=unfold]").await;
            page.until::<bool>("all lines", &format!("{height} > 3000")).await;
            page.assert_fits(width).await;
            look(page, &format!("unfolded-{name}")).await;

            page.open(seed::HUGE_PATH).await;
            page.there("[data-answer]").await;
            page.assert_fits(width).await;
            look(page, &format!("huge-{name}")).await;
        }
        // With a huge answer above, a further message is answered as ever.
        page.send_long("Shorter, please.").await;
        page.answer().await;
    });
}

#[test]
fn a_fast_answer_moves_nothing_and_blocks_nothing() {
    play("fast", Providers::Bench(8.0), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice-long").await;
        page.send("First.").await;
        page.answer().await;
        page.run(
            "window.shifts = []; new PerformanceObserver((list) => { for (const e of list.getEntries()) \
             if (!e.hadRecentInput) shifts.push(e.value); }).observe({ type: 'layout-shift' });",
            Vec::new(),
        )
        .await;
        page.send_long("Tell me a long story.").await;
        page.answer().await;
        let sum: f64 = page.read("shifts.reduce((a, b) => a + b, 0)").await;
        assert!(sum < 0.05, "the layout shifted by {sum}");
        look(page, "fast").await;
    });
}
