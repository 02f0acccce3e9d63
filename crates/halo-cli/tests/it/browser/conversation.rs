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
fn convention_09_code_is_copied_and_scrolls_inside_itself() {
    play("convention-09", Providers::Bench(f64::INFINITY), async |stage| {
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

        // The language is named, the code has colours, and the button answers.
        assert_eq!(page.text(&format!("{answer} .code-language")).await, "rust");
        assert!(page.count(&format!("{answer} figure.code span[class*=hl-]")).await > 5);
        let copy = format!("{answer} [data-action=copy-code]");
        let before = page.text(&copy).await;
        page.click(&copy).await;
        let says = format!("document.querySelector('{copy}').textContent");
        page.until::<bool>("the button to answer", &format!("{says} === 'Copied'")).await;
        assert_eq!(before, "Copy");

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
fn convention_19_thinking_is_folded_with_its_duration_and_never_copied() {
    play("convention-19", Providers::Bench(4.0), async |stage| {
        let page = &stage.page;
        page.begin("sim-anthropic/halo-practice-thinking").await;
        page.send("Think, then answer.").await;
        let answer = page.answer().await;
        assert!(!answer.contains("I am a practice model, so I do not know"), "{answer}");
        let summary = page.text("details.thinking:not([open]) > summary").await;
        assert!(summary.contains("Thought for") && summary.ends_with(" s"), "{summary}");
        let copied: String =
            page.read("await (await fetch(document.querySelector('.message.assistant [data-action=copy-message]').href)).text()").await;
        assert!(!copied.is_empty() && !copied.contains("so I do not know"), "{copied}");
        page.click("details.thinking > summary").await;
        let thought = page.text("details.thinking[open] .thinking-text").await;
        assert!(thought.contains("I am a practice model, so I do not know"), "{thought}");
        page.reload().await;
        assert_eq!(page.text("details.thinking > summary").await, summary, "it is stored");
    });
}

#[test]
fn convention_22_a_conversation_has_its_system_prompt_and_parameters() {
    play("convention-22", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice").await;
        page.send("Without anything set").await;
        page.answer().await;
        page.click("[data-action=setup]").await;
        page.type_into("#setup-system", "Answer like a pirate.").await;
        page.type_into("#setup-temperature", "warm").await;
        page.click("[data-save-setup]").await;
        // The refusal has its status.
        stage.forgive("422");
        page.there("[data-trouble]").await;
        page.there("#setup-temperature[aria-invalid=true]").await;
        let kept: String = page.read("document.getElementById('setup-system').value").await;
        assert_eq!(kept, "Answer like a pirate.", "nothing typed is lost");
        page.run("document.getElementById('setup-temperature').value = ''", vec![]).await;
        page.type_into("#setup-temperature", "0,4").await;
        page.type_into("#setup-stop", "THE END").await;
        page.shoot("setup").await;
        page.click("[data-save-setup]").await;
        page.there(".setup-link:not(.icon-button)").await;
        page.send("With them").await;
        page.answer().await;
        page.choose("sim-anthropic/halo-practice").await;
        page.send("And by another protocol").await;
        page.answer().await;

        let bodies: Vec<Value> = stage
            .bench()
            .asked("halo-practice")
            .iter()
            .map(|asked| serde_json::from_str(&asked.request_body.text()).expect("JSON"))
            .collect();
        let [without, with, other] = bodies.as_slice() else { panic!("{}", bodies.len()) };
        for name in ["temperature", "top_p", "stop", "max_tokens", "reasoning_effort"] {
            assert!(without.get(name).is_none(), "{name} is empty and was sent: {without}");
        }
        assert_eq!(with["messages"][0]["role"], "system");
        assert_eq!(with["messages"][0]["content"], "Answer like a pirate.");
        assert_eq!((&with["temperature"], &with["stop"][0]), (&0.4.into(), &"THE END".into()));
        assert!(other["system"].to_string().contains("pirate"), "{other}");
        assert_eq!(other["stop_sequences"][0], "THE END");

        // Another conversation has nothing of it. One that begins with settings keeps the model
        // that was chosen and what was typed.
        page.open("/new").await;
        page.there(".setup-link.icon-button").await;
        page.choose("sim-gemini/halo-practice").await;
        page.type_into("[data-prompt]", "Half a sentence").await;
        page.click("[data-action=setup]").await;
        page.type_into("#setup-system", "Be brief.").await;
        page.click("[data-save-setup]").await;
        page.there(".setup-link:not(.icon-button)").await;
        let typed = "document.querySelector('[data-prompt]').value === 'Half a sentence'";
        page.until::<bool>("the draft", typed).await;
        page.type_into("[data-prompt]", ".\u{E007}").await;
        page.answer().await;
        let last = stage.bench().asked("halo-practice").pop().expect("it was sent");
        assert!(last.path.contains("generateContent") || last.path.contains("GenerateContent"));
        assert!(last.request_body.text().contains("Be brief."));
    });
}

#[test]
fn convention_10_markdown_is_full_and_raw_html_is_inert() {
    play("convention-10", Providers::Bench(f64::INFINITY), async |stage| {
        let page = &stage.page;
        page.begin("sim-openai/halo-practice-markdown").await;
        page.send("Show me everything you can write.").await;
        let answer = page.answer().await;
        assert!(answer.contains("it costs $5 and $6, which"), "{answer}");
        assert!(answer.contains("$\\frac{a$"), "a broken formula is shown as it was written");
        let formulas: Vec<(String, f64)> = page
            .read(
                "[...document.querySelectorAll('[data-answer] math')]\
                 .map((m) => [m.getAttribute('display'), m.getBoundingClientRect().height])",
            )
            .await;
        let displays: Vec<&str> = formulas.iter().map(|(display, _)| display.as_str()).collect();
        assert_eq!(displays, ["inline", "block", "block"]);
        assert!(formulas.iter().all(|(_, height)| *height > 15.0), "{formulas:?}");
        assert_eq!(page.count("[data-answer] math mfrac").await, 2);
        assert_eq!(page.count("[data-answer] table").await, 1);
        assert_eq!(page.count("[data-answer] input[type=checkbox]:disabled").await, 2);
        assert_eq!(page.count("[data-answer] :is(b, script, [onclick])").await, 0);
        assert!(answer.contains("<b onclick=\"alert(1)\">raw HTML</b>"), "{answer}");
        let link: Vec<String> = page
            .read(
                "['target', 'rel', 'href'].map((name) => \
                 document.querySelector('[data-answer] a').getAttribute(name))",
            )
            .await;
        assert_eq!(link, ["_blank", "noopener noreferrer", "https://example.com/page"]);
        let copied: String = page
            .read("await (await fetch(document.querySelector('.message.assistant [data-action=copy-message]').href)).text()")
            .await;
        assert!(copied.contains("\\sum_{k=1}^{n} k") && copied.contains("- [ ] open"), "{copied}");
        let sides: Vec<String> = page
            .read("[...document.querySelectorAll('[data-answer] :is(td.right, p)')].map((e) => getComputedStyle(e).textAlign)")
            .await;
        assert!(sides.contains(&"end".to_owned()), "a column keeps its side: {sides:?}");
        let arabic: Vec<f64> = page
            .read(
                "(() => { const p = [...document.querySelectorAll('[data-answer] p')].find((p) => p.textContent.startsWith('\u{0645}')); \
                 const range = document.createRange(); range.selectNodeContents(p); \
                 const [text, box] = [range.getBoundingClientRect(), p.getBoundingClientRect()]; \
                 return [box.right - text.right, text.left - box.left]; })()",
            )
            .await;
        assert!(
            arabic[0] < 2.0 && arabic[1] > 50.0,
            "right-to-left text begins at the right: {arabic:?}"
        );
        page.run("document.getElementById('scroller').scrollTop = 0", vec![]).await;
        page.shoot("markdown").await;
        page.set_size(390, 844).await;
        page.assert_fits(390).await;
        page.shoot("markdown-phone").await;
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
