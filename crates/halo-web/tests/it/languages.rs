use axum::http::{Method, StatusCode};

use crate::browser::Browser;

/// Every page that a person can open by a link.
const PAGES: &[&str] = &[
    "/new",
    "/practice",
    "/outbox",
    "/practice/all",
    "/start",
    "/reliability",
    "/setup",
    "/help/errors",
    "/?q=nothing",
    "/settings/ai-model",
    "/settings/recovery",
    "/settings/rules",
    "/settings/gateway",
    "/settings/data",
    "/settings/devices",
    "/settings/appearance",
    "/settings/about",
    "/no/such/page",
];

/// The words of a page that are meant for the person: no code, nothing marked as being in another
/// language, no names.
fn prose(html: &str) -> String {
    let mut text = html.to_owned();
    for (open, close) in [
        ("<script", "</script>"),
        ("<pre", "</pre>"),
        ("<code", "</code>"),
        ("<kbd", "</kbd>"),
        ("<option", "</option>"),
        ("<datalist", "</datalist>"),
        ("<textarea", "</textarea>"),
    ] {
        while let Some(at) = text.find(open) {
            let Some(end) = text[at..].find(close) else { break };
            text.replace_range(at..at + end + close.len(), "\n");
        }
    }
    let mut bare = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                bare.push('\n');
            }
            c if !inside => bare.push(c),
            _ => {}
        }
    }
    bare
}

#[tokio::test]
async fn a_chinese_page_is_chinese() {
    let browser = Browser::signed_in().await;
    for path in PAGES {
        let request = browser.request(Method::GET, path, &[("accept-language", "zh-CN")], "");
        let answer = browser.send(request).await;
        assert!(answer.status == StatusCode::OK || *path == "/no/such/page", "{path}");
        assert!(answer.body.contains("<html lang=\"zh-CN\">"), "{path}");
        for line in prose(&answer.body).lines() {
            // Four words of Latin letters in a row are a sentence; fewer can be a name.
            let latin = |word: &str| {
                word.chars().count() > 1 && word.chars().all(|c| c.is_ascii_lowercase())
            };
            let mut run = 0;
            for word in line.split_whitespace() {
                run = if latin(word) { run + 1 } else { 0 };
                assert!(run < 4, "{path} says {line:?} to a Chinese reader");
            }
        }
    }
}
