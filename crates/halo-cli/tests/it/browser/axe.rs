//! Every page before axe, the checker of accessibility that others trust: in both themes, as wide
//! as a desk and as narrow as a phone.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fantoccini::wd::TimeoutConfiguration;
use serde_json::Value;

use super::page::Page;
use super::stage::{Providers, play};

/// Which axe; npm fetches it once.
const AXE: &str = "axe-core@4.11.0";

/// The script, fetched where it is not there yet.
fn axe() -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(AXE);
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        std::fs::create_dir_all(&folder).expect("a folder for axe");
        let done = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"])
            .arg("--prefix")
            .arg(&folder)
            .arg(AXE)
            .status()
            .expect("this test needs npm: run ./test, which installs it");
        assert!(done.success(), "npm could not fetch {AXE}");
    }
    std::fs::read_to_string(file).expect("npm brought the script")
}

/// What axe has against the page, one line for each.
async fn faults(page: &Page, axe: &str) -> Vec<String> {
    page.run(axe, Vec::new()).await;
    let script = "const done = arguments[0]; \
        axe.run(document, { resultTypes: ['violations'] }).then((r) => done(r.violations.flatMap( \
          (v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`))), \
          (e) => done([String(e)]))";
    let found = page.browser.client.execute_async(script, Vec::new()).await.expect("axe runs");
    let Value::Array(found) = found else { panic!("{found}") };
    found.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn no_page_has_a_fault_that_axe_can_see() {
    play("axe", Providers::Bench(f64::INFINITY), async |stage| {
        let axe = axe();
        let page = &stage.page;
        // Of a long page on a busy machine axe takes longer than the usual half minute.
        let minutes = Some(Duration::from_secs(180));
        let timeouts = TimeoutConfiguration::new(minutes, minutes, None);
        page.browser.client.update_timeouts(timeouts).await.expect("more time");
        page.begin("sim-openai/halo-practice").await;
        page.send("Hello! What can I try here?").await;
        page.answer().await;
        let answer = page.path().await;
        page.begin("sim-openai/quota").await;
        page.send("Fail.").await;
        page.card().await;
        let card = page.path().await;
        page.begin("sim-openai/halo-practice").await;
        for _ in 0..3 {
            page.send_long(&"A remark that is worth a summary. ".repeat(200)).await;
            page.answer().await;
        }
        page.command("/compact").await;
        page.there("[data-step-kind=summarise]").await;
        page.answer().await;
        let step = page.path().await;
        page.begin("sim-openai/rate-limit-long").await;
        page.send("Wait for long.").await;
        page.card().await;
        let wait = page.path().await;

        let conversations = [answer, card, step, wait];
        let others = [
            "/new",
            "/practice",
            "/outbox",
            "/reliability",
            "/practice/all",
            "/setup",
            "/?q=remark",
            "/?q=nothingness",
            "/start",
            "/help/errors",
            "/settings/ai-model",
            "/settings/ai-model?provider=sim-openai",
            "/settings/recovery",
            "/settings/rules",
            "/settings/gateway",
            "/settings/data",
            "/settings/devices",
            "/settings/appearance",
            "/settings/about",
        ];
        let paths: Vec<&str> = conversations.iter().map(String::as_str).chain(others).collect();
        let mut all = Vec::new();
        // Contrast depends on the theme alone, the layout on the width alone.
        for (width, dark) in [(1280, false), (390, true)] {
            page.set_size(width, 844).await;
            page.set_dark(dark).await;
            for path in &paths {
                page.open(path).await;
                page.there("main").await;
                for fault in faults(page, &axe).await {
                    all.push(format!(
                        "{path} {width} {}: {fault}",
                        if dark { "dark" } else { "light" }
                    ));
                }
            }
            page.open("/new").await;
            let opened = "document.getElementById(arguments[0]).showModal()";
            for dialog in ["keys", "models"] {
                page.run(opened, vec![dialog.into()]).await;
                for fault in faults(page, &axe).await {
                    all.push(format!("{dialog} {width}: {fault}"));
                }
                page.run("document.querySelector('dialog[open]').close()", Vec::new()).await;
            }
        }
        // Signed out, the page that says how to get in.
        page.browser.client.delete_all_cookies().await.expect("cookies can be deleted");
        page.open("/").await;
        stage.forgive("401");
        for fault in faults(page, &axe).await {
            all.push(format!("sign-in: {fault}"));
        }
        all.sort();
        assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
    });
}
