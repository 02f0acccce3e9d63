//! Settings → AI Model by hand: a provider added, its models fetched, tested, used, removed.

use serde_json::json;

use super::app::error_of;
use super::composer::LANDSCAPE;
use super::page::Page;
use super::stage::{Providers, play};

const NEW_KEY: &str = "sk-a-new-key-0987654321";

#[test]
fn a_provider_is_added_tested_used_and_removed() {
    play("settings", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.open("/settings/ai-model").await;
        page.shoot("settings").await;
        page.click("[data-preset=openai-compatible]").await;
        let base = &stage.bench().base;
        page.there("[data-provider-form]").await;
        fill(page, "#f-name", "Somebody's relay").await;
        // The full path is a tolerated mistake; the page says what will be called.
        fill(page, "#f-url", &format!(" {base}/v1/chat/completions ")).await;
        let called = format!("{base}/v1/chat/completions");
        page.until::<bool>(
            "the URL that will be called",
            &format!(
                "document.querySelector('[data-url-chat]')?.textContent === {}",
                json!(called)
            ),
        )
        .await;
        fill(page, "[data-open] input[name=key]", NEW_KEY).await;
        page.click("[data-fetch-models]").await;
        page.there("[data-model-option][value=wrong-key]").await;

        // A test that fails names the step and shows the provider's words.
        fill(page, "#f-model", "wrong-key").await;
        page.click("[data-test]").await;
        page.there("[data-test-report=failed] [data-failed-step=key]").await;
        let raw = page.text("[data-test-report] [data-raw]").await;
        let sent = stage.bench().asked("wrong-key").pop().expect("it was sent");
        assert_eq!(Some(raw), error_of(&sent));
        page.assert_frame_stays().await;
        page.shoot("test-failure").await;

        fill(page, "#f-model", "halo-practice").await;
        page.click("[data-test]").await;
        page.there("[data-test-report=passed]").await;
        page.click("[data-save]").await;
        page.there("[data-notice]").await;
        let row = "[data-provider=somebody-s-relay]";
        page.there(row).await;
        let source = page.browser.client.source().await.expect("the page");
        assert!(!source.contains(NEW_KEY), "a saved key is never shown again in full");

        page.begin("somebody-s-relay/halo-practice").await;
        page.send("Hello over there").await;
        page.answer().await;

        page.open("/settings/ai-model").await;
        page.click(&format!("{row} [data-remove]")).await;
        page.click("[data-removed=somebody-s-relay] [data-restore]").await;
        page.there(&format!("{row} [data-edit]")).await;
    });
}

/// What the person knows about a model is set, refused where no model can have it, and taken back;
/// what an error taught is shown with its words and forgotten; and the composer warns by it.
#[test]
fn facts_are_set_learned_forgotten_and_warned_of() {
    play("settings-facts", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        let provider = "sim-openai";
        page.open(&format!("/settings/ai-model?provider={provider}")).await;
        fill(page, "#f-model", "parameter-refused").await;
        page.click("[data-facts=parameter-refused] summary").await;
        fill(page, "[name=fact_window]", "0").await;
        page.click("[data-fact-set]").await;
        page.there("[data-fact-trouble]").await;
        fill(page, "[name=fact_window]", "8k").await;
        page.run("document.querySelector('[name=fact_vision]').value = 'no'", Vec::new()).await;
        page.click("[data-fact-set]").await;
        page.there("[data-facts-saved]").await;
        let window = page.text("[data-fact=window]").await;
        assert!(window.contains("8,000 tokens") && window.contains("set by you"), "{window}");
        page.assert_frame_stays().await;
        page.shoot("facts").await;

        // The composer knows it before anything is sent, and names the ways out.
        page.begin(&format!("{provider}/parameter-refused")).await;
        let long = "long ".repeat(8_000);
        page.run(
            "const p = document.querySelector('[data-prompt]'); p.value = arguments[0]; \
             p.dispatchEvent(new Event('input', { bubbles: true }));",
            vec![json!(long)],
        )
        .await;
        page.there("[data-forewarned=full]").await;
        page.there("[data-forewarn-way=switch], [data-forewarn-way=choose]").await;
        page.run(
            "const p = document.querySelector('[data-prompt]'); p.value = ''; \
             p.dispatchEvent(new Event('input', { bubbles: true }));",
            Vec::new(),
        )
        .await;
        page.gone("[data-forewarned]").await;
        page.type_into("[data-files]", LANDSCAPE).await;
        page.there("[data-forewarned=blind]").await;
        page.type_into("[data-prompt]", "What is on it?").await;
        page.shoot("forewarned").await;
        page.click("[data-forewarn-way=without]").await;
        page.answer().await;
        assert_eq!(page.count("[data-pictures] img").await, 0);

        page.open(&format!("/settings/ai-model?provider={provider}")).await;
        fill(page, "#f-model", "parameter-refused").await;
        page.click("[data-facts=parameter-refused] summary").await;
        page.click("[data-fact-take-back=window]").await;
        page.there("[data-fact-restore]").await;
        let window = page.text("[data-fact=window]").await;
        assert!(window.contains("unknown"), "{window}");
        page.click("[data-fact-restore]").await;
        page.there("[data-fact-take-back=window]").await;

        // An error teaches, its words are the proof, and it can be forgotten.
        page.begin(&format!("{provider}/blind")).await;
        page.type_into("[data-files]", LANDSCAPE).await;
        page.there("[data-thumb] img[src^='/images/']").await;
        page.send("What is on it?").await;
        page.card().await;
        page.open(&format!("/settings/ai-model?provider={provider}")).await;
        page.click("[data-lessons] summary").await;
        let lesson = page.text("[data-lesson]").await;
        assert!(lesson.contains("blind") && lesson.contains("Sees pictures: no"), "{lesson}");
        assert!(lesson.contains("image_url is only supported by certain models"), "{lesson}");
        page.there("[data-lesson] a[href^='/c/']").await;
        let show = "document.querySelector('[data-lesson]').scrollIntoView({ block: 'center' })";
        page.run(show, Vec::new()).await;
        page.shoot("lessons").await;
        page.click("[data-fact-forget]").await;
        page.gone("[data-lesson]").await;
        page.reload().await;
        assert_eq!(page.count("[data-lesson]").await, 0, "it is gone for good");
    });
}

/// A proxy that is dead is named by Test, leads to its field, and is saved without its password
/// ever being shown again.
#[test]
fn a_proxy_is_set_tested_and_saved() {
    play("settings-proxy", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("an address").port()
        };
        page.open("/settings/ai-model?add=openai-compatible").await;
        fill(page, "#f-name", "Behind a proxy").await;
        fill(page, "#f-url", &stage.bench().base).await;
        fill(page, "[data-open] input[name=key]", NEW_KEY).await;
        fill(page, "#f-model", "halo-practice").await;
        page.click("[data-connection] > summary").await;
        fill(page, "#f-proxy", &format!("http://me@127.0.0.1:{port}")).await;
        fill(page, "#f-proxy-password", "geheim-pw12").await;
        page.click("[data-test]").await;
        page.there("[data-test-report=failed] [data-failed-step=proxy]").await;
        let raw = page.text("[data-test-report] [data-raw]").await;
        assert!(raw.contains("no connection to the proxy"), "{raw}");
        page.there("[data-remedy=check_network] a[href='#f-connection']").await;
        page.assert_frame_stays().await;
        page.shoot("connection").await;

        page.click("[data-save]").await;
        page.there("[data-notice]").await;
        page.click("[data-provider=behind-a-proxy] [data-edit]").await;
        page.there("[data-connection][open] #f-proxy-password[placeholder]").await;
        let source = page.browser.client.source().await.expect("the page");
        assert!(!source.contains("geheim"), "a saved password is never shown again");

        // Without the proxy the way is free.
        fill(page, "#f-proxy", "direct").await;
        page.click("[data-test]").await;
        page.there("[data-test-report=passed]").await;
    });
}

/// Puts a text into a field in place of what is there.
async fn fill(page: &Page, css: &str, text: &str) {
    page.there(css).await;
    page.run("document.querySelector(arguments[0]).select()", vec![json!(css)]).await;
    page.type_into(css, text).await;
}
