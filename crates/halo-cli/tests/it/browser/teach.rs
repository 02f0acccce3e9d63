//! “This is wrong”: an error that Halo reads wrongly is taught from its card, and taken back.

use serde_json::json;

use super::page::Page;
use super::stage::{Providers, play};

const PHONE: (u32, u32) = (390, 844);
const CARD: &str = "section[data-card]:not(.past)";
const PREVIEW: &str = "section[data-card] [data-teach-preview]";

#[test]
fn an_error_is_taught_from_its_card_and_taken_back() {
    play("teach", Providers::None, async |stage| {
        let page = &stage.page;
        page.open("/practice").await;
        page.click("[data-scenario=quota]").await;
        let before = page.card().await;
        assert_eq!(before.kind, "quota_exhausted");
        assert!(!before.offers("wait_and_resend") && before.wait.is_none(), "{before:#?}");

        // The form opens in the card; what would change is shown first.
        page.click(&format!("{CARD} [data-teach-open]")).await;
        choose(page, "rate_limited").await;
        write(page, "nowhere in it").await;
        page.click("[data-teach-do=preview]").await;
        page.there("[data-teach-trouble]").await;
        stage.forgive("422");
        write(page, "exceeded your current quota").await;
        page.gone("[data-teach-trouble]").await;
        page.click("[data-teach-do=preview]").await;
        page.there(PREVIEW).await;
        assert_eq!(page.text("[data-teach-by]").await, "exceeded your current quota");
        page.there("[data-teach-was=quota_exhausted]").await;
        page.there("[data-teach-becomes=rate_limited]").await;
        page.there("[data-teach-careful]").await;
        assert_eq!(page.card().await.kind, "quota_exhausted", "nothing is taught yet");

        page.click("[data-teach-do=teach]").await;
        page.there(&format!("{CARD}[data-kind=rate_limited] [data-own-rule]")).await;
        let after = page.card().await;
        assert_ne!(after.meaning, before.meaning);
        assert_ne!(labels(&after), labels(&before));
        assert_eq!(after.raw, before.raw, "the provider's words stay");
        page.reload().await;
        assert_eq!(page.card().await.kind, "rate_limited", "it is kept");

        page.open("/settings/rules").await;
        page.there("[data-rule^='own.rate_limited']").await;
        page.shoot("own-rules").await;
        page.open("/").await;
        page.click(&format!("{CARD} [data-unteach] button")).await;
        page.there(&format!("{CARD}[data-kind=quota_exhausted]")).await;
        page.gone("[data-own-rule]").await;
        let again = page.card().await;
        assert_eq!((&again.title, labels(&again)), (&before.title, labels(&before)));
    });
}

#[test]
fn a_page_that_is_open_elsewhere_takes_the_rule_over() {
    play("teach-elsewhere", Providers::None, async |stage| {
        let page = &stage.page;
        page.open("/practice").await;
        page.click("[data-scenario=unfamiliar]").await;
        assert_eq!(page.card().await.kind, "unknown");
        // Another tab of the same person teaches it.
        let script = "const done = arguments[0]; \
            const at = document.querySelector('[data-teach-open]').getAttribute('href'); \
            const body = new URLSearchParams({ kind: 'overloaded', words: '', do: 'teach' }); \
            fetch(at, { method: 'POST', body }).then(() => done(true))";
        page.browser.client.execute_async(script, Vec::new()).await.expect("it is taught");
        page.there(&format!("{CARD}[data-kind=overloaded] [data-own-rule]")).await;

        // The same on the page that explains pasted errors.
        page.open("/help/errors").await;
        page.type_into("#error", "HTTP/1.1 418\n\nThe sloth sleeps soundly today").await;
        page.click("[data-action=explain]").await;
        page.there("#answer [data-card][data-kind=unknown]").await;
        page.click("[data-teach-summary]").await;
        choose(page, "timeout").await;
        page.click("[data-teach-do=teach]").await;
        page.there("#answer [data-card][data-kind=timeout] [data-own-rule]").await;
        assert_eq!(page.path().await, "/help/errors");
        page.click("#answer [data-unteach] button").await;
        page.there("#answer [data-card][data-kind=unknown]").await;
    });
}

#[test]
fn it_fits_a_phone_the_dark_and_chinese() {
    play("teach-looks", Providers::None, async |stage| {
        let page = &stage.page;
        page.open("/practice").await;
        page.click("[data-scenario=unfamiliar]").await;
        page.card().await;
        preview(page).await;
        page.shoot("teach").await;

        page.set_size(PHONE.0, PHONE.1).await;
        page.reload().await;
        page.card().await;
        preview(page).await;
        page.assert_fits(PHONE.0).await;
        page.shoot("teach-phone").await;
        // Without scripts it is a page of its own.
        let here = page.path().await;
        let href = "document.querySelector('[data-teach-open]').getAttribute('href')";
        let form: String = page.read(href).await;
        page.open(&form).await;
        page.assert_fits(PHONE.0).await;
        page.open(&here).await;

        page.set_size(1280, 900).await;
        page.set_dark(true).await;
        let headers = json!({ "headers": { "Accept-Language": "zh-CN,zh;q=0.9" } });
        page.browser.devtools("Network.enable", json!({})).await;
        page.browser.devtools("Network.setExtraHTTPHeaders", headers).await;
        page.reload().await;
        page.card().await;
        preview(page).await;
        page.shoot("teach-dark-zh").await;
        page.click("[data-teach-do=teach]").await;
        page.there("[data-own-rule]").await;
        page.set_size(PHONE.0, PHONE.1).await;
        page.open("/settings/rules").await;
        page.assert_fits(PHONE.0).await;
    });
}

/// Opens the form, says that it is overloaded, and shows what would change.
async fn preview(page: &Page) {
    page.click(&format!("{CARD} [data-teach-open]")).await;
    choose(page, "overloaded").await;
    page.click("[data-teach-do=preview]").await;
    page.there(PREVIEW).await;
    // All of it is in sight, and nothing lies on the button.
    let free = "(() => { \
         const button = document.querySelector('[data-teach-do=teach]'); \
         const { left, right, top, bottom } = button.getBoundingClientRect(); \
         const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2); \
         const preview = document.querySelector('[data-teach-preview]').getBoundingClientRect(); \
         return at === button && preview.top > 0; })()";
    page.until::<bool>("what would change in sight", free).await;
}

/// Chooses a kind as a hand does; the list itself belongs to the browser.
async fn choose(page: &Page, kind: &str) {
    page.there("[data-teach-kind]").await;
    let script = "const select = document.querySelector('[data-teach-kind]'); \
                  select.value = arguments[0]; \
                  select.dispatchEvent(new Event('input', { bubbles: true })); \
                  return select.value";
    assert_eq!(page.run(script, vec![json!(kind)]).await, json!(kind));
}

async fn write(page: &Page, words: &str) {
    page.run("document.querySelector('[data-teach-words]').value = ''", Vec::new()).await;
    page.type_into("[data-teach-words]", words).await;
}

fn labels(card: &super::page::Card) -> Vec<&str> {
    card.ways.iter().map(|way| way.label.as_str()).collect()
}
