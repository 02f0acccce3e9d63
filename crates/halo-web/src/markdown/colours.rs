//! `static/code.css`: generated once from two themes, committed, and kept fresh by a test.

use std::fs;
use std::path::Path;

use syntect::html::css_for_theme_with_class_style;
use two_face::theme::EmbeddedThemeName;

use super::highlight::STYLE;

/// Colours of the light theme that are too faint on the page's own background, and the same hues
/// at a contrast of 4.5 to 1.
const LIGHT: &[(&str, &str)] = &[
    ("#0184bc", "#006c9c"),
    ("#0997b3", "#05708a"),
    ("#50a14f", "#2f7a30"),
    ("#a0a1a7", "#68696f"),
    ("#c18401", "#8f6000"),
    ("#e45649", "#bf3a2e"),
];
/// The same of the dark theme.
const DARK: &[(&str, &str)] = &[("#5c6370", "#8b93a3")];

fn readable(css: String, colours: &[(&str, &str)]) -> String {
    colours.iter().fold(css, |css, (faint, strong)| css.replace(faint, strong))
}

/// The stylesheet for both themes: what `static/code.css` must contain.
fn stylesheet() -> Result<String, syntect::Error> {
    let themes = two_face::theme::extra();
    let css = |name| css_for_theme_with_class_style(themes.get(name), STYLE);
    let light = readable(rules(&css(EmbeddedThemeName::OneHalfLight)?), LIGHT);
    let dark = readable(rules(&css(EmbeddedThemeName::OneHalfDark)?), DARK);
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

/// Run with `UPDATE_CODE_CSS=1` to write the file anew.
#[test]
fn the_stylesheet_for_code_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/code.css");
    let expected = stylesheet().unwrap();
    if std::env::var_os("UPDATE_CODE_CSS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), expected);
}
