use super::*;

fn html(text: &str) -> String {
    to_html(text, "m1", MAX_CODE)
}

#[test]
fn raw_html_is_shown_and_never_run() {
    for text in [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<svg onload=alert(1)>",
        "<button data-action=\"resend\">x</button>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<style>*{display:none}</style>",
        "text <b onclick=\"x()\">bold</b>",
        "<iframe src=\"https://evil.example\"></iframe>",
    ] {
        let html = html(text);
        for bad in ["<script", "<img", "<svg", "<button", "<a ", "<style", "<b ", "<iframe"] {
            assert!(!html.contains(bad), "{text} became {html}");
        }
        assert!(html.contains("&lt;"), "{text} became {html}");
    }
}

#[test]
fn links_open_in_a_new_tab_and_tell_nobody() {
    let link = html("[a](https://example.com/?a=1&b=2 \"T\")");
    for part in [
        "href=\"https://example.com/?a=1&amp;b=2\"",
        "target=\"_blank\"",
        "rel=\"noopener noreferrer\"",
        "title=\"T\"",
    ] {
        assert!(link.contains(part), "{link}");
    }
    assert!(!html("[a](javascript:alert(1))").contains("<a"));
    assert!(!html("[a](data:text/html,x)").contains("<a"));
    assert!(!html("[a](/stop)").contains("<a"), "a link must not reach the app's own pages");
    assert!(html("<https://example.com>").contains("target=\"_blank\""));
}

#[test]
fn pictures_by_address_become_links() {
    let picture = html("![alt *text*](https://example.com/x.png)");
    assert!(!picture.contains("<img"));
    assert!(picture.contains("href=\"https://example.com/x.png\""));
    assert!(picture.contains("alt <em>text</em></a>"), "{picture}");
}

#[test]
fn the_usual_extensions_work() {
    let list = html("- [x] done\n- [ ] open");
    assert!(list.contains("type=\"checkbox\"") && list.contains("checked"), "{list}");
    assert!(html("~~gone~~").contains("<del>gone</del>"));
    assert!(html("|a|b|\n|-|-|\n|1|2|").contains("<table>"));
    let note = html("a[^1]\n\n[^1]: note");
    assert!(note.contains("href=\"#note-m1-1\""), "{note}");
    assert!(note.contains("id=\"note-m1-1\""), "{note}");
}

#[test]
fn code_is_coloured_labelled_and_unchanged() {
    let code = html("```rust\nfn main() { let x = \"<a>\"; }\n```");
    assert!(code.contains("class=\"hl-"), "{code}");
    assert!(code.contains("<span class=\"code-language\">rust</span>"));
    assert!(code.contains("data-action=\"copy-code\""));
    assert!(!code.contains("<a>"));
    let plain = html("```no-such-language\n1 < 2 & 3\n```");
    assert!(plain.contains("<code>1 &lt; 2 &amp; 3\n</code>"), "{plain}");
    assert!(html("    indented").contains("<figure"));
}

#[test]
fn long_code_is_not_coloured() {
    let text = format!("```rust\n{}\n```", "let x = 1;\n".repeat(MAX_CODE / 8));
    assert!(!html(&text).contains("hl-"));
}

#[test]
fn rendering_again_gives_the_same_html() {
    let renderer = Renderer::default();
    let first = renderer.render("*a*", "m1");
    let second = renderer.render("*a*", "m1");
    assert!(Arc::ptr_eq(&first, &second));
}
