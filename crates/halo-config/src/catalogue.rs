//! What is known about models before anyone asked their provider.
//!
//! Two files say it. `data/models.tsv` is made by `cargo xtask catalogue` from a table in a package
//! registry; it is searched as it lies in the binary, so that a start parses nothing. What that
//! table lacks or has wrong stands in `data/catalogue.toml`, kept by hand with a reason.

mod place;
mod row;

use std::collections::HashMap;
use std::mem::discriminant;
use std::sync::LazyLock;

use halo_types::{FactValue, Price, Timestamp};
use serde::Deserialize;

pub use place::Place;
pub use row::Row;

/// The table, as committed.
const TABLE: &str = include_str!("../data/models.tsv");

/// Where a fact of the catalogue was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The package and its version.
    pub name: String,
    /// The day of its release, or on which a person read it; midnight UTC.
    pub at: Timestamp,
}

/// One thing the catalogue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueFact {
    /// What it says.
    pub value: FactValue,
    /// Where it was read.
    pub source: &'static Source,
}

/// What the catalogue says about a model. What it does not say is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogueEntry(Vec<CatalogueFact>);

impl CatalogueEntry {
    /// Everything it says, each thing once.
    #[must_use]
    pub fn facts(&self) -> &[CatalogueFact] {
        &self.0
    }

    /// The most it reads, in tokens.
    #[must_use]
    pub fn context_window(&self) -> Option<u64> {
        self.find(|value| match value {
            FactValue::ContextWindow(tokens) => Some(*tokens),
            _ => None,
        })
    }

    /// The most it writes in one answer, in tokens.
    #[must_use]
    pub fn max_output(&self) -> Option<u64> {
        self.find(|value| match value {
            FactValue::MaxOutput(tokens) => Some(*tokens),
            _ => None,
        })
    }

    /// Whether it takes pictures.
    #[must_use]
    pub fn vision(&self) -> Option<bool> {
        self.find(|value| match value {
            FactValue::Vision(can) => Some(*can),
            _ => None,
        })
    }

    /// Whether it can call tools.
    #[must_use]
    pub fn tools(&self) -> Option<bool> {
        self.find(|value| match value {
            FactValue::Tools(can) => Some(*can),
            _ => None,
        })
    }

    /// Whether it can think before it answers.
    #[must_use]
    pub fn reasoning(&self) -> Option<bool> {
        self.find(|value| match value {
            FactValue::Reasoning(can) => Some(*can),
            _ => None,
        })
    }

    /// What its tokens cost at that place.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        self.find(|value| match value {
            FactValue::Price(price) => Some(*price),
            _ => None,
        })
    }

    fn find<T>(&self, pick: impl Fn(&FactValue) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|fact| pick(&fact.value))
    }

    /// Adds what `row` says beyond what is known already.
    fn complete(&mut self, row: &Row, source: &'static Source) {
        let values = [
            row.context_window.map(FactValue::ContextWindow),
            row.max_output.map(FactValue::MaxOutput),
            row.vision.map(FactValue::Vision),
            row.tools.map(FactValue::Tools),
            row.reasoning.map(FactValue::Reasoning),
            row.price.map(FactValue::Price),
        ];
        for value in values.into_iter().flatten() {
            let known = self.0.iter().any(|fact| discriminant(&fact.value) == discriminant(&value));
            // A place that serves a shorter window than the maker does not write more than that.
            let too_much = matches!(value, FactValue::MaxOutput(output)
                if self.context_window().is_some_and(|window| output > window));
            if !known && !too_much {
                self.0.push(CatalogueFact { value, source });
            }
        }
    }
}

/// What is known about a model by its name alone, as its maker states it. Without a price: who
/// does not say where the model is served cannot be told what it costs there.
///
/// The name is looked for as given, then without a vendor's prefix (`openai/gpt-4.1`), then without
/// the date of a version behind it (`gpt-4.1-2025-04-14`). `None` where it is not known; it is
/// never guessed from a similar one.
///
/// ```
/// let entry = halo_config::catalogue("openai/gpt-4.1-2025-04-14").expect("a common model");
/// assert_eq!(entry.vision(), Some(true));
/// assert!(halo_config::catalogue("gpt-4.1-of-my-own").is_none());
/// ```
#[must_use]
pub fn catalogue(model: &str) -> Option<CatalogueEntry> {
    look_up(None, model)
}

/// What is known about a model at a base URL: what the table says about that place, then what the
/// maker says. A price is only what that very place asks; a relay's price is unknown.
///
/// ```
/// let entry = halo_config::catalogue_at("https://api.openai.com/v1", "gpt-4.1").expect("known");
/// assert!(entry.price().is_some());
/// let relayed = halo_config::catalogue_at("https://relay.example/v1", "gpt-4.1").expect("known");
/// assert_eq!(relayed.context_window(), entry.context_window());
/// assert!(relayed.price().is_none());
/// ```
#[must_use]
pub fn catalogue_at(base_url: &str, model: &str) -> Option<CatalogueEntry> {
    look_up(Place::at(base_url), model)
}

/// The table behind the catalogue: its package with version, and its date.
#[must_use]
pub fn catalogue_source() -> &'static Source {
    &SOURCE
}

fn look_up(place: Option<(&'static Place, bool)>, model: &str) -> Option<CatalogueEntry> {
    let names = Names::of(model);
    let mut entry = CatalogueEntry::default();
    let own = |entry: &mut CatalogueEntry| {
        if let Some((row, source)) = names.each().find_map(|name| OWN.get(name)) {
            entry.complete(row, source);
        }
    };
    if let Some((place, priced)) = place {
        // What is kept by hand speaks of the model as its maker serves it.
        if names.each().any(|name| place.makes(name)) {
            own(&mut entry);
        }
        let row = names.each().find_map(|name| {
            lines_of(TABLE, name).find(|(at, _)| *at == place.id).map(|(_, row)| row)
        });
        if let Some(mut row) = row {
            // The free offer of a model has its facts, but not its price.
            if !priced || names.free {
                row.price = None;
            }
            entry.complete(&row, &SOURCE);
        }
    }
    own(&mut entry);
    if let Some(row) = of_maker(&names) {
        entry.complete(&Row { price: None, ..row }, &SOURCE);
    }
    (!entry.0.is_empty()).then_some(entry)
}

/// What the table says about a model at the one who made it.
fn of_maker(names: &Names) -> Option<Row> {
    names.each().find_map(|name| {
        let makers = lines_of(TABLE, name).filter_map(|(at, row)| {
            let rank = Place::all().iter().position(|place| place.id == at && place.makes(name))?;
            Some((rank, row))
        });
        makers.min_by_key(|(rank, _)| *rank).map(|(_, row)| row)
    })
}

/// The names under which a model is looked for.
struct Names {
    given: String,
    /// Where the part without prefix begins in `given`, and where it ends.
    base: std::ops::Range<usize>,
    /// Where the date of a version begins.
    plain_end: usize,
    /// Relays write the versions of Claude with a dot, Anthropic with a dash.
    dashed: Option<String>,
    /// Whether it is the free offer of a model, as OpenRouter marks it.
    free: bool,
}

impl Names {
    fn of(model: &str) -> Self {
        let given = model.trim().to_ascii_lowercase();
        let start = given.rfind('/').map_or(0, |at| at + 1);
        let tail = &given[start..];
        let free = tail.ends_with(":free");
        let base = tail.strip_suffix(":free").unwrap_or(tail);
        let plain = without_date(base);
        let dashed = plain.starts_with("claude-").then(|| plain.replace('.', "-"));
        let (end, plain_end) = (start + base.len(), start + plain.len());
        Self { base: start..end, plain_end, dashed, free, given }
    }

    /// Them all, each once, the most exact first.
    fn each(&self) -> impl Iterator<Item = &str> {
        let all = [
            Some(self.given.as_str()),
            Some(&self.given[..self.base.end]),
            Some(&self.given[self.base.clone()]),
            Some(&self.given[self.base.start..self.plain_end]),
            self.dashed.as_deref(),
        ];
        let once = move |at: usize| all[at].filter(|_| !all[..at].contains(&all[at]));
        (0..all.len()).filter_map(once)
    }
}

/// The name of a model without the date of a version behind it, such as `-2025-04-14`, `-20250414`
/// or `@20250414`.
///
/// ```
/// assert_eq!(halo_config::without_date("gpt-4.1-2025-04-14"), "gpt-4.1");
/// assert_eq!(halo_config::without_date("gpt-4-0613"), "gpt-4-0613");
/// ```
#[must_use]
pub fn without_date(name: &str) -> &str {
    for (length, dashes) in [(10, true), (8, false)] {
        let Some(at) = name.len().checked_sub(length) else { continue };
        if !name.is_char_boundary(at) {
            continue;
        }
        let date = &name[at..];
        let shaped = date.bytes().enumerate().all(|(i, b)| {
            if dashes && (i == 4 || i == 7) { b == b'-' } else { b.is_ascii_digit() }
        });
        if let Some(rest) = name[..at].strip_suffix(['-', '@'])
            && shaped
            && date.starts_with("20")
        {
            return rest;
        }
    }
    name
}

/// The lines about a name, each with its place. The table is halved until the first is found: its
/// lines are sorted by their bytes, and the lines of its head begin with `#`, which stands before
/// every name.
fn lines_of<'t>(table: &'t str, name: &'t str) -> impl Iterator<Item = (&'t str, Row)> {
    let bytes = table.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start =
            bytes[low..middle].iter().rposition(|b| *b == b'\n').map_or(low, |at| low + at + 1);
        let end = bytes[middle..high].iter().position(|b| *b == b'\n');
        let end = end.map_or(high, |at| middle + at);
        if first_column(&bytes[start..end]) < name.as_bytes() {
            low = (end + 1).min(high);
        } else {
            high = start;
        }
    }
    // It lies behind a line break or at an end of the table, never inside a character.
    let lines = table.get(low..).unwrap_or_default().lines();
    lines.map_while(Row::read).take_while(move |(at, ..)| *at == name).map(|(_, at, row)| (at, row))
}

fn first_column(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'\t').next().unwrap_or(line)
}

/// The package and date that the head of the table names.
static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    let field = |name: &str| {
        let head = TABLE.lines().take_while(|line| line.starts_with('#'));
        head.filter_map(|line| line.strip_prefix("# ")?.strip_prefix(name)?.strip_prefix(": "))
            .next()
            .unwrap_or_default()
    };
    Source { name: field("package").to_owned(), at: midnight(field("date")) }
});

/// The beginning of a day in UTC; the beginning of time for what is no day.
fn midnight(day: &str) -> Timestamp {
    let date = day.parse::<jiff::civil::Date>().ok();
    let at = date.and_then(|date| jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    Timestamp(at.map_or(0, jiff::Timestamp::as_millisecond))
}

/// What `catalogue.toml` says of some models for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// Why the table is not enough; for those who read the file.
    #[expect(dead_code, reason = "kept in the file for its readers")]
    reason: String,
    source: String,
    date: String,
    models: HashMap<String, OwnEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnEntry {
    window: Option<u64>,
    output: Option<u64>,
    vision: Option<bool>,
    tools: Option<bool>,
    reasoning: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnFile {
    group: Vec<Group>,
}

/// What is kept by hand, by name in lower case.
static OWN: LazyLock<HashMap<String, (Row, &'static Source)>> = LazyLock::new(|| {
    let file: OwnFile = toml::from_str(include_str!("../data/catalogue.toml"))
        .expect("the embedded catalogue is checked by a test");
    let mut own = HashMap::new();
    for group in file.group {
        // Made once and needed until the end.
        let source: &'static Source =
            Box::leak(Box::new(Source { name: group.source, at: midnight(&group.date) }));
        for (name, entry) in group.models {
            let row = Row {
                context_window: entry.window,
                max_output: entry.output,
                vision: entry.vision,
                tools: entry.tools,
                reasoning: entry.reasoning,
                price: None,
            };
            own.insert(name.to_ascii_lowercase(), (row, source));
        }
    }
    own
});

#[cfg(test)]
mod tests;
