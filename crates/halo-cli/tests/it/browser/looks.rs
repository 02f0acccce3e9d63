//! How it looks on a phone, in the dark and in Chinese; nothing is cut off or sticks out.

use serde_json::json;

use super::page::Page;
use super::stage::{Providers, play};

const PHONE: (u32, u32) = (390, 844);

#[test]
fn everything_fits_a_phone() {
    play("phone", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.set_size(PHONE.0, PHONE.1).await;
        page.open("/new").await;
        page.assert_fits(PHONE.0).await;
        page.shoot("phone-new").await;

        page.begin("sim-openai/halo-practice").await;
        page.send("Hello! What can I try here?").await;
        page.answer().await;
        page.assert_fits(PHONE.0).await;
        page.shoot("phone-answer").await;

        page.choose("sim-openai/server-error-forever").await;
        page.send("Stumble for ever.").await;
        page.card().await;
        page.assert_fits(PHONE.0).await;
        page.shoot("phone-card").await;
        page.click("section[data-card] [data-action=details]").await;
        page.assert_fits(PHONE.0).await;

        page.click("[data-action=drawer-open]").await;
        page.until::<bool>(
            "the drawer",
            "document.getElementById('sidebar').getBoundingClientRect().left === 0",
        )
        .await;
        page.assert_fits(PHONE.0).await;
        page.shoot("phone-list").await;

        for path in [
            "/practice",
            "/settings/ai-model",
            "/settings/ai-model?provider=sim-openai",
            "/settings/recovery",
            "/settings/gateway",
            "/settings/appearance",
            "/settings/about",
        ] {
            page.open(path).await;
            page.assert_fits(PHONE.0).await;
        }
        page.open("/settings/ai-model?provider=sim-openai").await;
        page.shoot("phone-settings").await;
    });
}

#[test]
fn the_dark_is_dark_everywhere() {
    play("dark", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.set_dark(true).await;
        page.begin("sim-anthropic/halo-practice").await;
        assert_dark(page).await;
        page.send("Hello! What can I try here?").await;
        page.answer().await;
        assert_dark(page).await;
        page.shoot("dark-answer").await;
        page.choose("sim-anthropic/rate-limit").await;
        page.send("Ask too often, then wait.").await;
        page.card().await;
        page.shoot("dark-card").await;
        page.press("resend-now").await;
        page.answer().await;
        page.open("/settings/ai-model").await;
        assert_dark(page).await;
        page.shoot("dark-settings").await;
    });
}

/// The page and what lies on it are dark, and what is written is light.
async fn assert_dark(page: &Page) {
    let bright: Vec<String> = page
        .read(
            "(() => { \
               const light = (colour) => { \
                 const canvas = Object.assign(document.createElement('canvas'), \
                                              { width: 1, height: 1 }); \
                 const paint = canvas.getContext('2d'); \
                 paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); \
                 const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data; \
                 return a < 200 ? null : (r * 299 + g * 587 + b * 114) / 255000; }; \
               const bad = []; \
               for (const e of document.querySelectorAll('body, main, aside, .card, .composer, \
                    .message.user .plain-text, figure.code, input, textarea, select, dialog')) { \
                 const s = getComputedStyle(e); \
                 if (light(s.backgroundColor) > 0.6) bad.push(e.outerHTML.slice(0, 90)); \
               } \
               if (light(getComputedStyle(document.body).color) < 0.6) bad.push('dark text'); \
               return bad; })()",
        )
        .await;
    assert!(bright.is_empty(), "bright in the dark: {bright:#?}");
}

#[test]
fn the_language_follows_the_browser() {
    play("chinese", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        let headers = json!({ "headers": { "Accept-Language": "zh-CN,zh;q=0.9" } });
        page.browser.devtools("Network.enable", json!({})).await;
        page.browser.devtools("Network.setExtraHTTPHeaders", headers).await;
        page.begin("sim-openai/quota-relay").await;
        let lang: String = page.read("document.documentElement.lang").await;
        assert!(lang.starts_with("zh"), "{lang}");
        page.send("赊账回答我吧。").await;
        let card = page.card().await;
        assert_eq!(card.kind, "quota_exhausted");
        assert!(card.meaning.contains("额度") || card.meaning.contains("余额"), "{card:#?}");
        page.shoot("chinese-card").await;
    });
}
