//! Help → Errors by hand: an error pasted and explained, the page searched, and how it looks.

use serde_json::json;

use super::page::Page;
use super::stage::{Providers, play};

const PHONE: (u32, u32) = (390, 844);
const PASTED: &str = "HTTP/2 429\nretry-after: 20\nx-request-id: req_0123456789\n\n{\"error\":{\"message\":\"Rate limit reached for gpt-5 on requests per min. Key sk-proj-abcdEFGHijklMNOP1234567890\"}}";

#[test]
fn an_error_is_pasted_and_explained_without_leaving_the_machine() {
    play("help-errors", Providers::None, async |stage| {
        let page = &stage.page;
        page.click("[data-action=open-help]").await;
        page.there("[data-explain]").await;
        paste(page, PASTED).await;
        page.click("[data-action=explain]").await;
        let card = "#answer [data-card][data-kind=rate_limited]";
        page.there(card).await;
        assert_eq!(page.text(&format!("{card} [data-mark-words]")).await, "Rate limit");
        assert_eq!(page.text(&format!("{card} [data-status]")).await, "429");
        let waiting = page.text(&format!("{card} [data-waiting]")).await;
        assert!(waiting.contains("20 s") && waiting.contains("retry-after"), "{waiting}");
        let shown = page.text("#answer").await;
        assert!(!shown.contains("MNOP1234"), "the key is masked everywhere: {shown}");
        assert!(shown.contains("req_0123456789"), "{shown}");
        // The page was not loaded anew, and nothing of it is kept.
        assert_eq!(page.path().await, "/help/errors");
        page.run("document.getElementById('main').scrollTop = 0", Vec::new()).await;
        page.shoot("help-errors").await;

        page.click(&format!("{card} [data-more]")).await;
        page.until::<bool>("the part on its kind", &in_sight("rate_limited")).await;
        page.shoot("help-errors-kind").await;
        let show = "document.querySelector('#by-keyword').scrollIntoView()";
        page.run(show, Vec::new()).await;
        page.shoot("help-errors-index").await;
        let show = "document.querySelector('#overloaded details').open = true; \
                    document.querySelector('#overloaded details').scrollIntoView()";
        page.run(show, Vec::new()).await;
        page.shoot("help-errors-examples").await;
        page.reload().await;
        page.there("[data-explain]").await;
        assert_eq!(page.count("#answer [data-card]").await, 0);

        // Nothing to explain is said in words.
        page.click("[data-action=explain]").await;
        page.there("#answer [data-refused]").await;
        stage.forgive("422");
    });
}

#[test]
fn the_page_is_searched_and_a_card_leads_to_it() {
    play("help-find", Providers::None, async |stage| {
        let page = &stage.page;
        page.open("/help/errors").await;
        let all = page.count("[data-filter-item]:not([hidden])").await;
        page.type_into("[data-filter-box]", "insufficient_quota").await;
        let count = "document.querySelectorAll('[data-kind-section]:not([hidden])').length";
        page.until::<bool>("fewer kinds", &format!("{count} > 0 && {count} < 8")).await;
        page.there("[data-kind-section=quota_exhausted]:not([hidden]) details[open]").await;
        page.type_into("[data-filter-box]", "xyzzy").await;
        page.until::<bool>(
            "words that nothing fits",
            "document.querySelector('[data-filter-none]').textContent.length > 5",
        )
        .await;
        page.type_into("[data-filter-box]", "\u{E00C}").await;
        let back = format!(
            "document.querySelectorAll('[data-filter-item]:not([hidden])').length === {all}"
        );
        page.until::<bool>("everything again", &back).await;

        page.open("/practice").await;
        page.click("[data-scenario=server-error-forever]").await;
        page.card().await;
        page.click("section[data-card]:not(.past) .card-help a").await;
        page.until::<bool>("the part on its kind", &in_sight("server_error")).await;
    });
}

#[test]
fn it_fits_a_phone_the_dark_and_chinese() {
    play("help-looks", Providers::None, async |stage| {
        let page = &stage.page;
        page.set_size(PHONE.0, PHONE.1).await;
        page.open("/help/errors").await;
        unfold(page).await;
        page.assert_fits(PHONE.0).await;
        page.open("/help/errors").await;
        paste(page, PASTED).await;
        page.click("[data-action=explain]").await;
        page.there("#answer [data-card]").await;
        page.assert_fits(PHONE.0).await;
        page.shoot("help-errors-phone").await;
        page.open("/help/errors#quota_exhausted").await;
        page.run(
            "document.querySelector('#quota_exhausted details').open = true; \
             document.querySelector('#quota_exhausted details').scrollIntoView()",
            Vec::new(),
        )
        .await;
        page.assert_fits(PHONE.0).await;

        page.set_size(1280, 900).await;
        page.set_dark(true).await;
        let headers = json!({ "headers": { "Accept-Language": "zh-CN,zh;q=0.9" } });
        page.browser.devtools("Network.enable", json!({})).await;
        page.browser.devtools("Network.setExtraHTTPHeaders", headers).await;
        page.open("/help/errors").await;
        paste(page, "{\"error\":{\"message\":\"当前分组 default 下对于模型 gpt-5 无可用渠道 (request id: 2026)\",\"type\":\"new_api_error\"}}").await;
        page.click("[data-action=explain]").await;
        page.there("#answer [data-card][data-kind=model_not_found]").await;
        page.run("document.getElementById('main').scrollTop = 0", Vec::new()).await;
        page.shoot("help-errors-dark-zh").await;
    });
}

/// Puts a text into the box as pasting does.
async fn paste(page: &Page, text: &str) {
    page.there("#error").await;
    page.run("document.getElementById('error').value = arguments[0]", vec![json!(text)]).await;
}

/// Unfolds everything on the page.
async fn unfold(page: &Page) {
    let all =
        "for (const d of document.querySelectorAll('details:not([data-menu])')) d.open = true";
    page.run(all, Vec::new()).await;
}

fn in_sight(id: &str) -> String {
    format!(
        "(() => {{ const at = document.getElementById('{id}')?.getBoundingClientRect(); \
         return !!at && location.hash === '#{id}' && at.top >= -5 && at.top < innerHeight / 2; }})()"
    )
}
