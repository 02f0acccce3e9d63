//! The reference as Markdown, for `docs/errors.md` and whoever keeps such pages.

use std::fmt::Write as _;

use halo_types::{Kind, Lang};

use super::{KindPage, Labels, Reference, Seen, VendorLinks};

/// The most characters of an error that a table shows.
const MAX_WORDS: usize = 240;

impl Reference {
    /// The whole reference as one Markdown document. Each kind has an anchor of its name.
    #[must_use]
    pub fn markdown(&self) -> String {
        let l = self.labels;
        let mut out = format!("# {}\n\n<!-- {} -->\n\n{}\n\n", self.title, l.generated, self.intro);
        line(&mut out, &l.more_in_app);

        heading(&mut out, 2, &l.by_keyword);
        table(&mut out, &[&l.error, &l.meaning, &l.remedy]);
        for row in &self.rows {
            let words: Vec<String> = row.words.iter().map(|words| code(words)).collect();
            let words = words.join(self.comma());
            let meaning = format!("{} → {}", cell(&row.meaning), self.link(row.kind));
            cells(&mut out, &[&words, &meaning, &cell(&row.remedy)]);
        }

        heading(&mut out, 2, &l.by_status);
        table(&mut out, &[&l.status, &l.name, &l.usual, &l.also]);
        for row in &self.statuses {
            let status = code(&row.status.to_string());
            cells(&mut out, &[&status, row.name, &self.link(row.usual), &self.links(&row.also)]);
        }

        heading(&mut out, 2, &l.troubleshooting);
        for advice in &self.advice {
            line(&mut out, &format!("- **{}**{}{}", advice.title, self.colon(), advice.text));
        }

        heading(&mut out, 2, &l.kinds);
        for page in &self.kinds {
            line(&mut out, &format!("- {}", self.link(page.kind)));
        }
        for page in &self.kinds {
            out.push('\n');
            self.write_kind(&mut out, page);
        }

        heading(&mut out, 2, &l.proxies);
        line(&mut out, &self.proxies.intro);
        out.push('\n');
        for relay in &self.proxies.relays {
            line(&mut out, &format!("- **{}**{}{}", relay.vendor.name, self.colon(), relay.text));
        }
        heading(&mut out, 3, &l.teach);
        line(&mut out, &self.proxies.teach);

        heading(&mut out, 2, &l.pages);
        table(&mut out, &[&l.vendor, &l.billing, &l.limits, &l.status_page, &l.support, &l.docs]);
        for vendor in self.vendors() {
            let page = |sort: &str| {
                let page = vendor.pages.iter().find(|page| page.sort == sort);
                page.map_or_else(String::new, |page| format!("[{}]({})", page.name, page.url))
            };
            let [billing, limits, status, support, docs] =
                ["billing", "limits", "status", "support", "docs"].map(page);
            cells(&mut out, &[&cell(&vendor.name), &billing, &limits, &status, &support, &docs]);
        }

        heading(&mut out, 2, &l.by_code);
        table(&mut out, &[&l.code, &l.meaning, &l.vendor]);
        for row in &self.codes {
            let vendors = cell(&row.vendors.join(self.comma()));
            cells(&mut out, &[&code(&row.code), &self.links(&row.kinds), &vendors]);
        }
        out
    }

    /// The page of one kind as Markdown.
    #[must_use]
    pub fn kind_markdown(&self, kind: Kind) -> String {
        let mut out = String::new();
        self.write_kind(&mut out, self.kind(kind));
        out
    }

    pub(super) fn write_kind(&self, out: &mut String, page: &KindPage) {
        let l = self.labels;
        line(out, &format!("<a id=\"{}\"></a>", page.kind));
        heading(out, 3, &format!("{} ({})", page.title, code(page.kind.as_str())));
        line(out, &format!("{}\n\n{}", page.meaning, page.more));
        let sentence = |label: &str, text: &str| format!("\n**{label}** {text}");
        let helps = format!("{}{}{}", page.answer, self.gap(), page.waiting);
        line(out, &sentence(&l.waiting, &helps));
        line(
            out,
            &sentence(&format!("{}{}", l.by_itself, self.colon().trim_end()), &page.by_itself),
        );

        line(out, &format!("\n**{}**\n", l.helps));
        for (at, remedy) in page.remedies.iter().enumerate() {
            line(out, &format!("{}. {}{}{}", at + 1, remedy.name, self.colon(), remedy.text));
        }
        line(
            out,
            &sentence(&format!("{}{}", l.otherwise, self.colon().trim_end()), &page.otherwise),
        );

        if !page.vendors.is_empty() {
            line(out, &format!("\n**{}**\n", l.looks));
            table(out, &[&l.vendor, &l.status, &l.words]);
            for group in &page.vendors {
                let mut name = match &group.vendor {
                    Some(vendor) => self.vendor_cell(page, vendor),
                    None => cell(&l.anyone),
                };
                for seen in &group.examples {
                    let status = seen.status.map_or_else(|| l.no_status.clone(), |s| s.to_string());
                    cells(out, &[&name, &status, &words(seen, l)]);
                    name.clear();
                }
            }
        }
        if !page.confused.is_empty() {
            line(out, &format!("\n**{}**\n", l.confused));
            for other in &page.confused {
                let link = self.link(other.kind);
                line(out, &format!("- {link}{}{}", self.colon(), other.text));
                for (label, seen) in [(&l.this_is, &other.this), (&l.that_is, &other.that)] {
                    if let Some(seen) = seen {
                        line(out, &format!("  - {label}{}{}", self.colon(), words(seen, l)));
                    }
                }
            }
        }
    }

    /// A vendor with the pages that help with a kind.
    fn vendor_cell(&self, page: &KindPage, vendor: &VendorLinks) -> String {
        let links = self.pages_for(page, vendor);
        let links = links.iter().map(|link| format!("[{}]({})", link.name, link.url));
        let links: Vec<String> = links.collect();
        let name = cell(&vendor.name);
        if links.is_empty() { name } else { format!("{name}<br>{}", links.join(self.comma())) }
    }

    /// Every vendor that the reference shows, in the order of `vendors.toml`.
    #[must_use]
    pub fn vendors(&self) -> Vec<&VendorLinks> {
        crate::vendors()
            .iter()
            .filter_map(|vendor| {
                let groups = self.kinds.iter().flat_map(|page| &page.vendors);
                groups.filter_map(|g| g.vendor.as_ref()).find(|v| *v.id == *vendor.id)
            })
            .collect()
    }

    fn link(&self, kind: Kind) -> String {
        format!("[{}](#{kind})", self.kind(kind).title)
    }

    fn links(&self, kinds: &[Kind]) -> String {
        let links: Vec<String> = kinds.iter().map(|kind| self.link(*kind)).collect();
        links.join(self.comma())
    }

    /// Between a name and what is said of it.
    #[must_use]
    pub fn colon(&self) -> &'static str {
        if self.lang == Lang::Zh { "：" } else { ": " }
    }

    /// Between the items of a list.
    #[must_use]
    pub fn comma(&self) -> &'static str {
        if self.lang == Lang::Zh { "、" } else { ", " }
    }

    /// Between two sentences.
    #[must_use]
    pub fn gap(&self) -> &'static str {
        if self.lang == Lang::Zh { "" } else { " " }
    }
}

fn words(seen: &Seen, labels: &Labels) -> String {
    if seen.words.trim().is_empty() {
        return labels.nothing_sent.clone();
    }
    let mut text: String = seen.words.trim().chars().take(MAX_WORDS).collect();
    if text.len() < seen.words.trim().len() {
        text.push('…');
    }
    code(&text)
}

/// Text as a code span that a table cell can hold: one line, pipes escaped, and fenced by more
/// backticks than it holds.
fn code(text: &str) -> String {
    let one_line: Vec<&str> = text.split_whitespace().collect();
    let text = one_line.join(" ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn heading(out: &mut String, level: usize, text: &str) {
    let _ = writeln!(out, "\n{} {text}\n", "#".repeat(level));
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn table(out: &mut String, names: &[&str]) {
    cells(out, names);
    let _ = writeln!(out, "|{}", " --- |".repeat(names.len()));
}

fn cells(out: &mut String, texts: &[&str]) {
    let _ = writeln!(out, "| {} |", texts.join(" | "));
}
