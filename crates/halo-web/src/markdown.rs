//! Markdown to HTML that is safe to put into a page.
//!
//! Three stages: pulldown-cmark parses, code blocks are highlighted into classes, and ammonia
//! cleans the result; only formulas are put in after it, as MathML of the renderer's own making. Raw HTML in a text is shown as the characters it is;
//! pictures by URL become links, so that an answer cannot make the browser call anyone.

mod cache;
#[cfg(test)]
mod colours;
mod highlight;
mod math;
mod stream;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use ammonia::Builder;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

pub(crate) use stream::Growing;

use cache::Cache;

/// A code block longer than this is shown without colours while it still grows.
const MAX_GROWING_CODE: usize = 12 * 1024;
/// A code block longer than this is never coloured: it would hold up the page.
const MAX_CODE: usize = 200 * 1024;

/// Renders Markdown and remembers what it rendered, so that reading a long conversation again
/// costs little.
#[derive(Default)]
pub(crate) struct Renderer {
    cache: Cache,
}

impl Renderer {
    /// The HTML of a whole text. `scope` keeps the footnotes of two texts on one page apart.
    pub(crate) fn render(&self, text: &str, scope: &str) -> Arc<str> {
        self.cache.get_or(text, scope, || to_html(text, scope, MAX_CODE))
    }
}

/// The HTML of a text that still grows.
fn growing_html(text: &str, scope: &str) -> String {
    to_html(text, scope, MAX_GROWING_CODE)
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
}

fn to_html(text: &str, scope: &str, max_code: usize) -> String {
    let marked = math::mark(text);
    let mut out = String::with_capacity(text.len() * 3 / 2);
    let events = Parser::new_ext(&marked.text, options());
    html::push_html(&mut out, Inert::new(events, scope, max_code));
    // Styles in attributes are refused by the pages' policy. In a text these quotes are escaped.
    for side in ["left", "center", "right"] {
        let (style, class) =
            (format!(" style=\"text-align: {side}\""), format!(" class=\"{side}\""));
        out = out.replace(&style, &class);
    }
    marked.fill(SANITISER.clean(&out).to_string())
}

/// Turns the events that could do something into events that only show something.
struct Inert<'a, I> {
    events: I,
    scope: &'a str,
    max_code: usize,
    /// What the open links and pictures end with.
    closers: Vec<&'static str>,
}

impl<'a, I: Iterator<Item = Event<'a>>> Inert<'a, I> {
    fn new(events: I, scope: &'a str, max_code: usize) -> Self {
        Self { events, scope, max_code, closers: Vec::new() }
    }

    /// A link as HTML; one that points nowhere sensible stays text.
    fn open_link(&mut self, url: &str, title: &str) -> Event<'a> {
        let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https" | "mailto") {
            self.closers.push("");
            return Event::InlineHtml(CowStr::Borrowed(""));
        }
        self.closers.push("</a>");
        let mut tag = format!("<a target=\"_blank\" href=\"{}\"", escape(url));
        if !title.is_empty() {
            tag.push_str(&format!(" title=\"{}\"", escape(title)));
        }
        tag.push('>');
        Event::InlineHtml(tag.into())
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'_>) -> Event<'a> {
        let mut code = String::new();
        for event in self.events.by_ref() {
            match event {
                Event::Text(text) => code.push_str(&text),
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        let language: String = language.chars().take(30).collect();
        let coloured = (code.len() <= self.max_code)
            .then(|| highlight::classes(&code, &language))
            .flatten()
            .unwrap_or_else(|| escape(&code));
        let label = escape(&language);
        // A script fills the button in the page's language; without scripts it could do nothing.
        Event::Html(
            format!(
                "<figure class=\"code\"><figcaption><span class=\"code-language\">{label}</span>\
                 <button class=\"code-copy\" type=\"button\" data-action=\"copy-code\"></button>\
                 </figcaption><pre tabindex=\"0\"><code>{coloured}</code></pre></figure>\n"
            )
            .into(),
        )
    }
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Inert<'a, I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        Some(match self.events.next()? {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::CodeBlock(kind)) => self.code_block(&kind),
            Event::Start(
                Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. },
            ) => self.open_link(&dest_url, &title),
            Event::End(TagEnd::Link | TagEnd::Image) => {
                Event::InlineHtml(CowStr::Borrowed(self.closers.pop().unwrap_or_default()))
            }
            Event::Start(Tag::FootnoteDefinition(label)) => {
                Event::Start(Tag::FootnoteDefinition(scoped(self.scope, &label)))
            }
            Event::FootnoteReference(label) => Event::FootnoteReference(scoped(self.scope, &label)),
            other => other,
        })
    }
}

fn scoped(scope: &str, label: &str) -> CowStr<'static> {
    format!("note-{scope}-{label}").into()
}

/// Escapes text for element content and double-quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags: HashSet<&str> = [
        "a",
        "blockquote",
        "br",
        "button",
        "code",
        "del",
        "div",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "input",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
    .into();
    let attributes: HashMap<&str, HashSet<&str>> = [
        ("a", vec!["href", "title"]),
        ("button", vec![]),
        ("ol", vec!["start"]),
        ("div", vec!["id"]),
        ("figure", vec![]),
        ("pre", vec!["tabindex"]),
    ]
    .into_iter()
    .map(|(tag, names)| (tag, names.into_iter().collect()))
    .collect();
    // An attribute with a list of values is taken only with one of them.
    let values: HashMap<&str, HashMap<&str, HashSet<&str>>> = [
        ("a", vec![("target", vec!["_blank"])]),
        ("button", vec![("type", vec!["button"]), ("data-action", vec!["copy-code"])]),
        (
            "input",
            vec![
                ("type", vec!["checkbox"]),
                ("disabled", vec!["", "disabled"]),
                ("checked", vec!["", "checked"]),
            ],
        ),
    ]
    .into_iter()
    .map(|(tag, names)| {
        (tag, names.into_iter().map(|(n, v)| (n, v.into_iter().collect())).collect())
    })
    .collect();
    let mut builder = Builder::empty();
    builder
        .tags(tags)
        .tag_attributes(attributes)
        .tag_attribute_values(values)
        // The tick of a task list is named by what it is in every language.
        .set_tag_attribute_value("input", "aria-label", "✓")
        .generic_attributes(["class"].into())
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"));
    builder
});

#[cfg(test)]
mod tests;
