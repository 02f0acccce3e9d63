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

/// The stylesheet for both themes: what `static/code.css` must contain. The themes have nearly the
/// same rules, so each stands there once, with a variable for its pair of colours; what only one
/// theme tells apart is left out.
fn stylesheet() -> Result<String, syntect::Error> {
    let themes = two_face::theme::extra();
    let css = |name| css_for_theme_with_class_style(themes.get(name), STYLE);
    let light = declared(&readable(rules(&css(EmbeddedThemeName::OneHalfLight)?), LIGHT));
    let dark = declared(&readable(rules(&css(EmbeddedThemeName::OneHalfDark)?), DARK));
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut out: Vec<(Vec<String>, String)> = Vec::new();
    for (selector, property, value) in &light {
        let same = |other: &&(String, String, String)| other.0 == *selector && other.1 == *property;
        let Some((_, _, in_dark)) = dark.iter().rfind(same) else { continue };
        let pair = (value.clone(), in_dark.clone());
        let at = pairs.iter().position(|known| *known == pair).unwrap_or_else(|| {
            pairs.push(pair);
            pairs.len() - 1
        });
        let declaration = format!("{property}: var(--hl{at});");
        match out.last_mut() {
            Some((selectors, last)) if *last == declaration => {
                if !selectors.contains(selector) {
                    selectors.push(selector.clone());
                }
            }
            _ => out.push((vec![selector.clone()], declaration)),
        }
    }
    let variables = |of: fn(&(String, String)) -> &String| {
        let each = pairs.iter().enumerate().map(|(at, pair)| format!(" --hl{at}: {};", of(pair)));
        each.collect::<String>()
    };
    let (bright, dim) = (variables(|pair| &pair.0), variables(|pair| &pair.1));
    let rules: String = out
        .iter()
        .map(|(selectors, declaration)| format!("{} {{ {declaration} }}\n", selectors.join(", ")))
        .collect();
    Ok(format!(
        "/* Colours of code. Generated from the themes of two-face; a test keeps it fresh. */\n\
         :root {{{bright} }}\n\
         [data-theme=\"dark\"] {{{dim} }}\n\
         @media (prefers-color-scheme: dark) {{ :root:not([data-theme=\"light\"]) {{{dim} }} }}\n\
         {rules}"
    ))
}

/// Each selector with each of its properties, in the order of the rules.
fn declared(rules: &str) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for rule in rules.lines() {
        let Some((selectors, body)) = rule.trim_end_matches('}').split_once('{') else { continue };
        for (property, value) in body.split(';').filter_map(|one| one.split_once(':')) {
            let (property, value) = (property.trim(), value.trim());
            all.extend(selectors.split(',').map(|selector| {
                (selector.trim().to_owned(), property.to_owned(), value.to_owned())
            }));
        }
    }
    all
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
