//! The conventions of the conversation itself, each under its number.

use serde_json::{Value, json};

use super::page::Page;
use super::stage::{Providers, play};

/// What the composer complains of.
const COMPLAINT: &str = "(() => { const e = document.querySelector('[data-composer-error]'); \
                         return e.hidden ? null : e.textContent; })()";

/// The body of the last request to the usual model.
fn sent(stage: &super::stage::Stage) -> Value {
    let exchange = stage.bench().asked("halo-practice").pop().expect("it was sent");
    serde_json::from_str(&exchange.request_body.text()).expect("a body of JSON")
}

/// Hands files to the page as a person does who drops or pastes them.
async fn give(page: &Page, how: &str, name: &str, bytes: &[u8]) {
    let script = "const data = new DataTransfer(); \
        data.items.add(new File([new Uint8Array(arguments[2])], arguments[1])); \
        const target = document.querySelector('[data-prompt]'); \
        target.dispatchEvent(arguments[0] === 'paste' \
          ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }) \
          : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));";
    page.run(script, vec![json!(how), json!(name), json!(bytes)]).await;
}

#[test]
fn convention_09_and_10_code_tables_and_formulas() {
    play("convention-10", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        page.send(
            "So \\(x^2\\) and \\[\\frac{a}{b}\\] and $y_1$, for $5 and $6, <b>raw</b>, \
             [there](https://example.com/), $\\frac{$",
        )
        .await;
        page.answer().await;
        let answer = "[data-message-role=assistant] [data-answer]";
        assert_eq!(page.count(&format!("{answer} math")).await, 3);
        assert_eq!(page.count(&format!("{answer} math[display=block] mfrac")).await, 1);
        let text = page.text(answer).await;
        for prose in ["for $5 and $6", "<b>raw</b>", "\\frac{"] {
            assert!(text.contains(prose), "{prose} is not in {text}");
        }
        assert_eq!(page.count(&format!("{answer} b")).await, 0, "raw HTML is inert");
        page.there(&format!("{answer} a[target=_blank][rel~=noopener]")).await;
        assert_eq!(page.count(&format!("{answer} li input[type=checkbox]")).await, 3);
        let drawn = "(() => { const box = document.querySelector('math mfrac') \
                     .getBoundingClientRect(); return box.height > 20 && box.width > 5; })()";
        assert!(page.read::<bool>(drawn).await, "the fraction is drawn as one");

        page.click(&format!("{answer} [data-action=copy-code]")).await;
        let copied = "document.querySelector('[data-action=copy-code]').textContent";
        let before: String = page.read(copied).await;
        assert!(!before.is_empty());
        page.until::<bool>("the button to answer", &format!("{copied} !== ''")).await;

        // On a phone code and tables scroll inside themselves.
        page.set_size(390, 844).await;
        page.assert_fits(390).await;
        let inside = "['pre', 'table'].every((css) => { \
                      const box = document.querySelector(`[data-answer] ${css}`); \
                      return box.getBoundingClientRect().right <= 390; })";
        assert!(page.read::<bool>(inside).await);
    });
}

#[test]
fn convention_12_and_13_every_answer_and_every_prompt_stays_reachable() {
    play("convention-12", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        page.send("The first wording").await;
        page.answer().await;
        let place = "[data-message-role=assistant] [data-sibling]";
        for nth in 2..=3 {
            page.click("[data-message-role=assistant] [data-action=regenerate]").await;
            let want = format!("document.querySelector('{place}')?.textContent === '{nth}/{nth}'");
            page.until::<bool>("another answer", &want).await;
            page.answer().await;
        }
        page.click("[data-message-role=assistant] [data-action=sibling-previous]").await;
        let second = format!("document.querySelector('{place}')?.textContent === '2/3'");
        page.until::<bool>("the answer before", &second).await;

        page.click("[data-message-role=user] [data-action=edit_message]").await;
        page.type_into("[data-prompt]", ", changed\u{E007}").await;
        let own = "document.querySelector('[data-message-role=user] [data-text]')?.textContent";
        let changed = format!("{own} === 'The first wording, changed'");
        page.until::<bool>("the new wording", &changed).await;
        page.answer().await;
        page.click("[data-message-role=user] [data-action=sibling-previous]").await;
        page.until::<bool>("the old wording", &format!("{own} === 'The first wording'")).await;
        // With its three answers, of which the latest is shown.
        let third = second.replace("2/3", "3/3");
        page.until::<bool>("its answers", &third).await;
        page.reload().await;
        page.until::<bool>("the same after a reload", &third).await;
    });
}

#[test]
fn convention_23_text_files_go_as_text() {
    play("convention-23", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        let path = stage.folder.join("notes.md");
        std::fs::write(&path, "# Notes\n\n```\ncode\n```\n").expect("a file");
        page.begin("sim-openai/halo-practice").await;
        page.type_into("[data-files]", &path.display().to_string()).await;
        let chips = async |count: usize| {
            let all = format!("document.querySelectorAll('[data-file-chip]').length === {count}");
            page.until::<bool>(&format!("{count} files"), &all).await;
        };
        chips(1).await;
        // UTF-16 by its mark.
        give(page, "drop", "data.csv", &[0xff, 0xfe, b'a', 0, b',', 0, 0x2d, 0x4e]).await;
        chips(2).await;
        give(page, "paste", "app.log", b"one line").await;
        chips(3).await;
        for (name, bytes) in [("paper.pdf", &b"%PDF-1.7 words"[..]), ("tool.exe", b"MZ\0\x01")] {
            give(page, "drop", name, bytes).await;
            let words: String = page.until("the refusal", COMPLAINT).await;
            assert!(words.contains(name), "{words}");
        }
        page.click("[data-file-chip]:last-child").await;
        chips(2).await;
        // The draft keeps them.
        page.reload().await;
        chips(2).await;
        page.send("What is in them?").await;
        page.answer().await;
        chips(0).await;

        let body = sent(stage);
        let text = body["messages"][0]["content"].as_str().expect("a text").to_owned();
        assert_eq!(
            text,
            "What is in them?\n\n`notes.md`\n````md\n# Notes\n\n```\ncode\n```\n````\n\n\
             `data.csv`\n```csv\na,中\n```"
        );
        assert_eq!(page.count("details[data-file]:not([open])").await, 2);
        let own = page.text("[data-message-role=user] [data-text]").await;
        assert_eq!(own, "What is in them?");
        // Editing takes the whole message up.
        page.type_into("[data-prompt]", "\u{E013}").await;
        let back: String = page.read("document.querySelector('[data-prompt]').value").await;
        assert_eq!(back, text);
    });
}
