//! Colours for code, as classes: the colours themselves are in `static/code.css`.

use std::sync::LazyLock;

use syntect::html::{ClassStyle, ClassedHTMLGenerator, css_for_theme_with_class_style};
use syntect::parsing::SyntaxSet;
use syntect::util::LinesWithEndings;
use two_face::theme::EmbeddedThemeName;

const STYLE: ClassStyle = ClassStyle::SpacedPrefixed { prefix: "hl-" };

/// Loaded with the first code block: the set takes some megabytes and a blink to unpack.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// The code as spans with classes; `None` where the language is unknown or the code cannot be
/// read as it.
pub(super) fn classes(code: &str, language: &str) -> Option<String> {
    if language.is_empty() {
        return None;
    }
    let syntax = SYNTAXES.find_syntax_by_token(language)?;
    let mut generator = ClassedHTMLGenerator::new_with_class_style(syntax, &SYNTAXES, STYLE);
    for line in LinesWithEndings::from(code) {
        generator.parse_html_for_line_which_includes_newline(line).ok()?;
    }
    Some(generator.finalize())
}

/// The stylesheet for both themes: what `static/code.css` must contain.
///
/// # Errors
/// Where a theme cannot be written as CSS.
pub(crate) fn stylesheet() -> Result<String, syntect::Error> {
    let themes = two_face::theme::extra();
    let css = |name| css_for_theme_with_class_style(themes.get(name), STYLE);
    let light = rules(&css(EmbeddedThemeName::OneHalfLight)?);
    let dark = rules(&css(EmbeddedThemeName::OneHalfDark)?);
    Ok(format!(
        "/* Colours of code. Generated from the themes of two-face; a test keeps it fresh. */\n\
         {light}\n\
         [data-theme=\"dark\"] {{\n{dark}}}\n\
         @media (prefers-color-scheme: dark) {{\n:root:not([data-theme=\"light\"]) {{\n{dark}}}\n}}\n"
    ))
}

/// The rules of a theme's CSS without its comments and without the rule for the whole block,
/// whose background is the page's own.
fn rules(css: &str) -> String {
    let mut out = String::new();
    let mut in_comment = false;
    for block in css.split_inclusive('}') {
        let mut text = String::new();
        for line in block.lines() {
            if line.trim_start().starts_with("/*") {
                in_comment = true;
            }
            if !in_comment && !line.trim().is_empty() {
                text.push_str(line.trim());
            }
            if line.contains("*/") {
                in_comment = false;
            }
        }
        if !text.is_empty() && !text.starts_with(".hl-code ") && !text.starts_with(".hl-code{") {
            out.push_str(&text);
            out.push('\n');
        }
    }
    out
}
