//! What people expect of any chat client, by the numbers of the list of conventions.

use serde_json::Value;

use super::stage::{Providers, play};

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

        // Another conversation has nothing of it.
        page.open("/new").await;
        page.there(".setup-link.icon-button").await;
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
