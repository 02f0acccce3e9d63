//! `halo errors`: the error reference in a terminal, as Markdown or as JSON.

use std::io::{self, Write as _};
use std::process::ExitCode;

use halo_diagnose::reference;
use halo_diagnose::reference::{CodeRow, Found, KindPage, Reference, Seen, StatusRow, VendorPage};
use halo_types::{Kind, Lang};
use unicode_width::UnicodeWidthStr as _;

use crate::explain::{broken_pipe, language_of_environment, parse_lang};
use crate::terminal::{self, Style, line, visible, wrap};

/// Exit code: the command was not understood.
const USAGE: u8 = 2;
/// The most lines that an error takes in the list of examples.
const MAX_LINES: usize = 6;
/// The most characters of one.
const MAX_CHARS: usize = 420;

/// The error reference: what each error of a model provider means, how it looks, what helps.
///
/// Without a word it prints an overview. With one it prints that part: a kind (`quota_exhausted`),
/// a status (`429`), an error code (`insufficient_quota`), a provider (`deepseek`), `proxies`, or
/// whatever fits the word. To explain an error you have in hand, use `halo explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct ErrorsArgs {
    /// A kind, a status, a code, a provider, or any word.
    #[arg(value_name = "WORD")]
    word: Vec<String>,

    /// Print it as Markdown; the whole reference where no kind is named.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,

    /// Print it as JSON.
    #[arg(long)]
    json: bool,

    /// The language: `en` or `zh`. Follows the environment by default.
    #[arg(long, value_name = "LANG", value_parser = parse_lang)]
    lang: Option<Lang>,
}

/// Runs `halo errors`.
pub(crate) fn run(args: &ErrorsArgs) -> ExitCode {
    let reference = reference(args.lang.unwrap_or_else(language_of_environment));
    let word = args.word.join(" ");
    let found = match (word.trim(), reference.find(&word)) {
        ("", _) => None,
        (_, Some(found)) => Some(found),
        (word, None) => {
            complain(&unknown(reference, word));
            return ExitCode::from(USAGE);
        }
    };
    let text = match (args.json, args.markdown, &found) {
        (true, _, None) => json(reference),
        (true, _, Some(found)) => json(found),
        (_, true, None) => Ok(reference.markdown()),
        (_, true, Some(found)) => match markdown(reference, found) {
            Some(text) => Ok(text),
            None => {
                complain("as Markdown there are kinds and the whole reference; leave the word out");
                return ExitCode::from(USAGE);
            }
        },
        (_, _, found) => {
            let style = Style::of(&io::stdout());
            Ok(Screen { reference, style, width: terminal::width() }.render(found.as_ref()))
        }
    };
    let written = text.and_then(|text| {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn markdown(reference: &Reference, found: &Found<'_>) -> Option<String> {
    let pages: Vec<&KindPage> = match found {
        Found::Kind(page) => vec![page],
        Found::Kinds(pages) => pages.clone(),
        _ => return None,
    };
    let pages: Vec<String> = pages.iter().map(|page| reference.kind_markdown(page.kind)).collect();
    Some(pages.join("\n"))
}

/// What to say about a word that leads nowhere.
fn unknown(reference: &Reference, word: &str) -> String {
    let mut shown = String::new();
    visible(&mut shown, word);
    let wanted = word.to_lowercase().replace([' ', '-'], "_");
    let mut near: Vec<(f64, String)> = reference
        .names()
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.dedup_by(|a, b| a.1 == b.1);
    let near: Vec<String> = near.into_iter().take(4).map(|(_, name)| name).collect();
    let kinds: Vec<&str> = reference.kinds.iter().map(|page| page.kind.as_str()).collect();
    let (zh, kinds) = (reference.lang == Lang::Zh, kinds.join(", "));
    let nearest = match (near.is_empty(), zh) {
        (true, _) => String::new(),
        (false, false) => format!("; did you mean {}?", near.join(", ")),
        (false, true) => format!("，你是不是想找 {}？", near.join("、")),
    };
    if zh {
        format!(
            "参考里没有“{shown}”{nearest}\n可以使用：类别（{kinds}）、状态码、错误代码、服务商、\
             proxies、troubleshooting，或错误中的任意词语。要解释手头的错误，请用 halo explain。"
        )
    } else {
        format!(
            "nothing in the reference fits {shown:?}{nearest}\nThere are: the kinds ({kinds}), \
             status codes, error codes, providers, proxies, troubleshooting, and any words of an \
             error. To explain an error you have in hand, use halo explain."
        )
    }
}

#[expect(clippy::print_stderr, reason = "a command line speaks to its user on standard error")]
fn complain(text: &str) {
    eprintln!("halo errors: {text}");
}

/// Renders for a terminal.
struct Screen<'r> {
    reference: &'r Reference,
    style: Style,
    width: usize,
}

impl Screen<'_> {
    fn render(&self, found: Option<&Found<'_>>) -> String {
        let mut out = String::new();
        match found {
            None => self.overview(&mut out),
            Some(Found::Kind(page)) => self.kind(&mut out, page),
            Some(Found::Kinds(pages)) => self.kinds(&mut out, pages),
            Some(Found::Status(row)) => self.status(&mut out, row),
            Some(Found::Code(rows)) => self.codes(&mut out, rows),
            Some(Found::Vendor(page)) => self.vendor(&mut out, page),
            Some(Found::Proxies) => self.proxies(&mut out),
            Some(Found::Advice) => self.advice(&mut out),
        }
        out
    }

    fn chinese(&self) -> bool {
        self.reference.lang == Lang::Zh
    }

    fn head(&self, out: &mut String, text: &str) {
        if !out.is_empty() {
            out.push('\n');
        }
        line(out, &self.style.paint("1", text));
    }

    fn dim(&self, text: &str) -> String {
        self.style.paint("2", text)
    }

    /// A title with the name of its kind behind it, or below it where the line is too short.
    fn titled(&self, out: &mut String, indent: &str, title: &str, kind: Kind) {
        let name = self.dim(&format!("[{kind}]"));
        if indent.width() + title.width() + kind.as_str().width() + 3 <= self.width {
            line(out, &format!("{indent}{} {name}", self.style.paint("1", title)));
            return;
        }
        let mut lines = String::new();
        wrap(&mut lines, title, indent, indent, self.width);
        for text in lines.lines() {
            let words = text.trim_start();
            let space = &text[..text.len() - words.len()];
            line(out, &format!("{space}{}", self.style.paint("1", words)));
        }
        line(out, &format!("{indent}{name}"));
    }

    fn prose(&self, out: &mut String, text: &str) {
        self.sentences(out, text, "");
    }

    fn item(&self, out: &mut String, text: &str) {
        self.sentences(out, text, "  ");
    }

    /// Sentences of the reference; the marks of Markdown around code say nothing here.
    fn sentences(&self, out: &mut String, text: &str, indent: &str) {
        wrap(out, &text.replace('`', ""), indent, indent, self.width);
    }

    /* Parts */

    fn overview(&self, out: &mut String) {
        let reference = self.reference;
        let l = reference.labels;
        self.head(out, &reference.title);
        self.prose(out, &reference.intro);

        self.head(out, &l.by_keyword);
        for row in &reference.rows {
            let words = self.style.paint("1", &row.words.join(reference.comma()));
            line(out, &format!("  {words}  {}", self.dim(&format!("[{}]", row.kind))));
            let said = [&row.meaning, &row.remedy].map(|text| format!("{text}{}", self.stop()));
            wrap(out, &said.join(reference.gap()), "      ", "      ", self.width);
        }

        self.head(out, &l.by_status);
        for row in &reference.statuses {
            let kinds = reference.kind(row.usual);
            let text = format!("{}  {}{}", row.status, kinds.title, self.names(&row.also));
            wrap(out, &text, "  ", "       ", self.width);
        }

        self.advice(out);

        self.head(out, &l.kinds);
        for page in &reference.kinds {
            let name = format!("  {:<24} ", page.kind.as_str());
            wrap(out, &page.title, &name, &" ".repeat(27), self.width);
        }

        self.head(out, &l.proxies);
        self.prose(out, &reference.proxies.intro);
        out.push('\n');
        let more = if self.chinese() {
            ["更多内容：halo errors 类别、状态码、服务商或 proxies", "全文：halo errors --markdown"]
        } else {
            [
                "More: halo errors KIND, STATUS, PROVIDER or proxies",
                "All of it: halo errors --markdown",
            ]
        };
        more.iter().for_each(|text| line(out, text));
    }

    fn kind(&self, out: &mut String, page: &KindPage) {
        let l = self.reference.labels;
        self.titled(out, "", &page.title, page.kind);
        self.prose(out, &page.meaning);
        out.push('\n');
        self.prose(out, &page.more);

        self.head(out, &l.waiting);
        let gap = self.reference.gap();
        self.item(out, &format!("{}{gap}{}", page.answer, page.waiting));
        self.head(out, &l.by_itself);
        self.item(out, &page.by_itself);

        self.head(out, &l.helps);
        for (at, remedy) in page.remedies.iter().enumerate() {
            let number = format!("  {:>2}. ", at + 1);
            let text = format!("{}{}{}", remedy.name, self.reference.colon(), remedy.text);
            wrap(out, &text, &number, "      ", self.width);
        }
        self.head(out, &l.otherwise);
        self.item(out, &page.otherwise);

        if !page.vendors.is_empty() {
            self.head(out, &l.looks);
        }
        for group in &page.vendors {
            let name = group.vendor.as_ref().map_or(l.anyone.as_str(), |vendor| &vendor.name);
            line(out, &format!("  {}", self.style.paint("1", name)));
            for link in group.vendor.iter().flat_map(|v| self.reference.pages_for(page, v)) {
                let colon = self.reference.colon();
                line(out, &self.dim(&format!("      {}{colon}{}", link.name, link.url)));
            }
            group.examples.iter().for_each(|seen| self.seen(out, seen, None));
        }

        if !page.confused.is_empty() {
            self.head(out, &l.confused);
        }
        for other in &page.confused {
            self.titled(out, "  ", &other.title, other.kind);
            self.sentences(out, &other.text, "    ");
            for (label, seen) in [(&l.this_is, &other.this), (&l.that_is, &other.that)] {
                if let Some(seen) = seen {
                    self.seen(out, seen, Some(label));
                }
            }
        }
    }

    fn kinds(&self, out: &mut String, pages: &[&KindPage]) {
        for (at, page) in pages.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            self.titled(out, "", &page.title, page.kind);
            self.item(out, &page.meaning);
        }
        self.hint(out, pages[0].kind);
    }

    fn hint(&self, out: &mut String, kind: Kind) {
        let text = if self.chinese() { "详细内容：" } else { "All about one: " };
        out.push('\n');
        line(out, &self.dim(&format!("{text}halo errors {kind}")));
    }

    fn status(&self, out: &mut String, row: &StatusRow) {
        let l = self.reference.labels;
        line(out, &self.style.paint("1", format!("{} {}", row.status, row.name).trim_end()));
        self.head(out, &l.usual);
        self.brief(out, row.usual);
        if !row.also.is_empty() {
            self.head(out, &l.also);
            row.also.iter().for_each(|kind| self.brief(out, *kind));
        }
        self.head(out, &l.looks);
        let mut kinds = vec![row.usual];
        kinds.extend(&row.also);
        for kind in kinds {
            for group in &self.reference.kind(kind).vendors {
                let with = |seen: &&Seen| seen.status == Some(row.status);
                for seen in group.examples.iter().filter(with).take(1) {
                    let name = group.vendor.as_ref().map_or(l.anyone.as_str(), |v| &v.name);
                    self.titled(out, "  ", name, kind);
                    self.seen(out, seen, None);
                }
            }
        }
        self.hint(out, row.usual);
    }

    fn codes(&self, out: &mut String, rows: &[&CodeRow]) {
        for (at, row) in rows.iter().enumerate() {
            let whose = row.vendors.join(self.reference.comma());
            if at > 0 {
                out.push('\n');
            }
            line(out, &format!("{} {}", self.style.paint("1", &row.code), self.dim(&whose)));
            row.kinds.iter().for_each(|kind| self.brief(out, *kind));
        }
        self.hint(out, rows[0].kinds[0]);
    }

    /// A kind in a few lines.
    fn brief(&self, out: &mut String, kind: Kind) {
        let page = self.reference.kind(kind);
        self.titled(out, "  ", &page.title, kind);
        wrap(out, &page.meaning, "      ", "      ", self.width);
    }

    fn vendor(&self, out: &mut String, page: &VendorPage<'_>) {
        let l = self.reference.labels;
        line(out, &self.style.paint("1", &page.vendor.name));
        if let Some(text) = page.relay {
            self.prose(out, text);
        }
        self.pages(out, page.vendor);
        if !page.examples.is_empty() {
            self.head(out, &l.looks);
        }
        for (kind, seen) in &page.examples {
            self.titled(out, "  ", &self.reference.kind(*kind).title, *kind);
            self.seen(out, seen, None);
        }
    }

    fn pages(&self, out: &mut String, vendor: &halo_diagnose::reference::VendorLinks) {
        for page in &vendor.pages {
            line(out, &format!("  {}{}{}", page.name, self.reference.colon(), page.url));
        }
    }

    fn advice(&self, out: &mut String) {
        self.head(out, &self.reference.labels.troubleshooting);
        for advice in &self.reference.advice {
            line(out, &format!("  {}", self.style.paint("1", &advice.title)));
            self.sentences(out, &advice.text, "      ");
        }
    }

    fn proxies(&self, out: &mut String) {
        let (l, proxies) = (self.reference.labels, &self.reference.proxies);
        self.head(out, &l.proxies);
        self.prose(out, &proxies.intro);
        for relay in &proxies.relays {
            self.head(out, &relay.vendor.name);
            self.item(out, &relay.text);
            self.pages(out, &relay.vendor);
            for (kind, seen) in &relay.examples {
                self.titled(out, "    ", &self.reference.kind(*kind).title, *kind);
                self.seen(out, seen, None);
            }
        }
        self.head(out, &l.teach);
        self.prose(out, &proxies.teach);
    }

    /* Small things */

    /// An error as it is seen, the deciding words marked.
    fn seen(&self, out: &mut String, seen: &Seen, label: Option<&str>) {
        let l = self.reference.labels;
        let mut first = "      ".to_owned();
        if let Some(label) = label {
            first.push_str(&format!("{label}{}", self.reference.colon()));
        }
        if let Some(status) = seen.status {
            first.push_str(&format!("{status}  "));
        }
        let indent = " ".repeat(first.width().min(18));
        if seen.words.trim().is_empty() {
            line(out, &format!("{first}{}", l.nothing_sent));
            return;
        }
        let mark = seen.marked.unwrap_or((0, 0));
        let cut = seen.words.char_indices().nth(MAX_CHARS).map_or(seen.words.len(), |(at, _)| at);
        let (start, end) = (mark.0.min(cut), mark.1.min(cut));
        let mut words = String::new();
        visible(&mut words, &seen.words[..start]);
        if start < end {
            // A mark of width one on either side, so that wrapping knows how wide it will be.
            words.push(OPEN);
            visible(&mut words, &seen.words[start..end]);
            words.push(CLOSE);
        }
        visible(&mut words, &seen.words[end..cut]);
        if cut < seen.words.len() {
            words.push('…');
        }
        let mut wrapped = String::new();
        wrap(&mut wrapped, &words.replace('\u{fffd}', " "), &first, &indent, self.width);
        let mut inside = false;
        for text in wrapped.lines().take(MAX_LINES) {
            line(out, &self.marked(text, &mut inside));
        }
    }

    /// A line in which the marks have become colours, or signs where there are none.
    fn marked(&self, text: &str, inside: &mut bool) -> String {
        if self.style == Style::Plain {
            return text.replace(OPEN, "»").replace(CLOSE, "«");
        }
        let mut out = String::new();
        let on = "\u{1b}[1;4;31m";
        let off = "\u{1b}[0m";
        // A mark that goes on from the line before begins after the indentation.
        let body = text.trim_start();
        out.push_str(&text[..text.len() - body.len()]);
        if *inside {
            out.push_str(on);
        }
        for c in body.chars() {
            match c {
                OPEN => {
                    *inside = true;
                    out.push_str(on);
                }
                CLOSE => {
                    *inside = false;
                    out.push_str(off);
                }
                c => out.push(c),
            }
        }
        if *inside {
            out.push_str(off);
        }
        out
    }

    fn names(&self, kinds: &[Kind]) -> String {
        if kinds.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        if self.chinese() {
            format!("；也可能是 {}", names.join("、"))
        } else {
            format!("; also {}", names.join(", "))
        }
    }

    fn stop(&self) -> &'static str {
        if self.chinese() { "。" } else { "." }
    }
}

/// Where the deciding words begin and end while lines are being wrapped.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(word: &str, lang: Lang, style: Style, width: usize) -> String {
        let reference = reference(lang);
        let found = reference.find(word);
        Screen { reference, style, width }.render(found.as_ref())
    }

    #[test]
    fn every_part_is_wrapped_and_plain() {
        for lang in [Lang::En, Lang::Zh] {
            for word in ["", "rate_limited", "429", "deepseek", "proxies", "image", "help", "1302"]
            {
                for width in [40, 78] {
                    let text = shown(word, lang, Style::Plain, width);
                    assert!(!text.contains('\u{1b}') && !text.contains(OPEN), "{word}");
                    for text in text.lines() {
                        // Long words (addresses, codes) stay whole; the rest is wrapped.
                        let spaces = text.trim_start().matches(' ').count();
                        let prose = spaces > 8 && !text.contains("http") && !text.contains('{');
                        assert!(!prose || text.width() <= width + 12, "{word} {width}: {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_kind_is_told_in_full() {
        let text = shown("quota_exhausted", Lang::En, Style::Plain, 78);
        for part in [
            "The credit or paid allowance is used up [quota_exhausted]",
            "Does waiting help?\n  No.",
            "  OpenAI\n      Billing: https://platform.openai.com",
            "Easily confused with",
            "Any server or program",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        let text = shown("quota_exhausted", Lang::Zh, Style::Colour, 78);
        assert!(text.contains("等待有用吗？") && text.contains("\u{1b}[1;4;31m"), "{text}");
    }

    #[test]
    fn an_unknown_word_names_its_neighbours() {
        let said = unknown(reference(Lang::En), "overlaoded");
        assert!(said.contains("did you mean") && said.contains("overloaded"), "{said}");
        let said = unknown(reference(Lang::Zh), "果酱\u{1b}[31m");
        assert!(said.contains("类别") && !said.contains('\u{1b}'), "{said}");
    }
}
