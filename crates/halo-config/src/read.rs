//! Reads the settings file, with the place of everything it finds fault with.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::path::Path;

use halo_types::{Protocol, ProviderId, mask_proxy, redact};
use toml_edit::{Document, Item, TableLike, Value};

use crate::connection::FIELDS;
use crate::file::Place;
use crate::keys::{KEYS, Key, Shape};
use crate::{ConfigError, Preset, ProviderConfig, Settings, Warning, nearest, preset, presets};

/// What a settings file says.
pub(crate) struct Parsed {
    /// The defaults with the file's values over them.
    pub(crate) settings: Settings,
    /// The line of each key that the file sets.
    pub(crate) lines: BTreeMap<String, usize>,
    /// What is worth saying.
    pub(crate) warnings: Vec<Warning>,
}

/// Reads a settings file.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Parsed, ConfigError> {
    let document = Document::parse(text).map_err(|error| syntax(path, text, &error))?;
    let mut reader = Reader {
        path,
        text,
        parsed: Parsed {
            settings: Settings::default(),
            lines: BTreeMap::new(),
            warnings: Vec::new(),
        },
    };
    reader.root(document.as_table())?;
    Ok(reader.parsed)
}

/// A syntax error with its place and the line it is in.
pub(crate) fn syntax(path: &Path, text: &str, error: &toml_edit::TomlError) -> ConfigError {
    let place = Place::of(text, error.span().map_or(0, |span| span.start));
    ConfigError::Syntax {
        path: path.to_owned(),
        line: place.line,
        column: place.column,
        what: error.message().lines().collect::<Vec<_>>().join(", "),
        text: shown(place.text),
    }
}

/// A text of the file in a message: not too long, and without a key that was put there by mistake.
fn shown(text: &str) -> String {
    // In what is to be a proxy, everything before an @ may be a password.
    let text = if text.contains("proxy") { mask_proxy(text) } else { text.to_owned() };
    redact::mask(&text, &[]).chars().take(200).collect()
}

const PROVIDER_KEYS: &[&str] =
    &["name", "preset", "protocol", "base_url", "key_env", "needs_key", "models"];

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    parsed: Parsed,
}

impl Reader<'_> {
    fn root(&mut self, table: &dyn TableLike) -> Result<(), ConfigError> {
        for (name, item) in table.iter() {
            match name {
                "recovery" | "connection" => {
                    let table = self.table(name, item)?;
                    for (inner, item) in table.iter() {
                        self.single(table, inner, &format!("{name}.{inner}"), item)?;
                    }
                }
                "providers" => {
                    let table = self.table(name, item)?;
                    for (id, item) in table.iter() {
                        let provider = self.provider(table, id, item)?;
                        self.parsed.settings.providers.push(provider);
                    }
                }
                _ => self.single(table, name, name, item)?,
            }
        }
        Ok(())
    }

    fn single(
        &mut self,
        table: &dyn TableLike,
        inner: &str,
        name: &str,
        item: &Item,
    ) -> Result<(), ConfigError> {
        let Some(key) = crate::keys::key(name) else {
            let known: Vec<String> = KEYS
                .iter()
                .map(|key| key.name)
                .chain(["recovery", "connection", "providers"])
                .map(str::to_owned)
                .collect();
            self.unknown(table, inner, name, nearest(name, &known));
            return Ok(());
        };
        let text = shaped(item, key.shape);
        if !text.is_some_and(|text| (key.set)(&mut self.parsed.settings, &text)) {
            let span = at_fault(item, key).or(item.span());
            return Err(self.value(name, span, key.expected));
        }
        self.parsed.lines.insert(name.to_owned(), self.line_of(table, inner));
        Ok(())
    }

    fn provider(
        &mut self,
        parent: &dyn TableLike,
        id: &str,
        item: &Item,
    ) -> Result<ProviderConfig, ConfigError> {
        let path = format!("providers.{id}");
        let id: ProviderId = id.parse().map_err(|_| {
            let span = parent.get_key_value(id).and_then(|(key, _)| key.span());
            self.value("a provider's name", span, "lower-case letters, digits, - and _, at most 64")
        })?;
        let table = self.table(&path, item)?;
        for (name, _) in table.iter() {
            let fields = FIELDS.iter().map(|field| field.name);
            if !PROVIDER_KEYS.iter().copied().chain(fields.clone()).any(|key| key == name) {
                let known: Vec<String> =
                    PROVIDER_KEYS.iter().copied().chain(fields).map(str::to_owned).collect();
                self.unknown(table, name, &format!("{path}.{name}"), nearest(name, &known));
            }
        }
        let protocol = match self.word(table, &path, "protocol")? {
            None => None,
            Some(word) => Some(word.parse::<Protocol>().map_err(|_| {
                let names: Vec<_> =
                    Protocol::ALL.iter().map(|protocol| protocol.as_str()).collect();
                self.value_of(table, &path, "protocol", one_of(&names))
            })?),
        };
        let preset = self.preset(table, &path, &id, protocol)?;
        let mut provider = ProviderConfig::from_preset(preset, id);
        if let Some(protocol) = protocol {
            provider.protocol = protocol;
        }
        if let Some(name) = self.word(table, &path, "name")? {
            provider.name = name;
        }
        if let Some(base_url) = self.word(table, &path, "base_url")? {
            provider.base_url = base_url;
        }
        if provider.base_url.is_empty() {
            let key = format!("{path}.base_url");
            return Err(self.value(&key, parent_span(parent, &provider.id), "given"));
        }
        provider.key_env = self.word(table, &path, "key_env")?;
        if let Some(item) = table.get("needs_key") {
            provider.needs_key = item
                .as_bool()
                .ok_or_else(|| self.value_of(table, &path, "needs_key", "true or false"))?;
        }
        if let Some(item) = table.get("models") {
            provider.models = texts(item).ok_or_else(|| {
                self.value_of(table, &path, "models", "a list of names, such as [\"gpt-4.1\"]")
            })?;
        }
        for field in FIELDS {
            let Some(item) = table.get(field.name) else { continue };
            let text = shaped(item, field.shape);
            if !text.is_some_and(|text| (field.set)(&mut provider.connection, &text)) {
                return Err(self.value_of(table, &path, field.name, field.expected));
            }
            let line = self.line_of(table, field.name);
            self.parsed.lines.insert(format!("{path}.{}", field.name), line);
        }
        self.parsed.lines.insert(path, self.line_of(parent, provider.id.as_str()));
        Ok(provider)
    }

    /// The preset named, else the one of the provider's own name, else the one that fits the
    /// protocol.
    fn preset(
        &self,
        table: &dyn TableLike,
        path: &str,
        id: &ProviderId,
        protocol: Option<Protocol>,
    ) -> Result<&'static Preset, ConfigError> {
        let found = match self.word(table, path, "preset")? {
            Some(name) => preset(&name),
            None => preset(id.as_str()).or_else(|| {
                preset(match protocol {
                    Some(Protocol::Anthropic) => "anthropic-compatible",
                    Some(Protocol::OpenaiResponses) => "openai-responses-compatible",
                    Some(Protocol::Gemini) => "gemini-compatible",
                    Some(Protocol::OpenaiChat) | None => "openai-compatible",
                })
            }),
        };
        found.ok_or_else(|| {
            let names: Vec<_> = presets().iter().map(|preset| preset.id.as_str()).collect();
            self.value_of(table, path, "preset", one_of(&names))
        })
    }

    /// A text that is not empty, without the space around it.
    fn word(
        &self,
        table: &dyn TableLike,
        path: &str,
        key: &str,
    ) -> Result<Option<String>, ConfigError> {
        let Some(item) = table.get(key) else { return Ok(None) };
        match item.as_str().map(str::trim) {
            Some(text) if !text.is_empty() && !text.contains(char::is_control) => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(self.value_of(table, path, key, "a text in one line, in quotes")),
        }
    }

    fn table<'t>(&self, key: &str, item: &'t Item) -> Result<&'t dyn TableLike, ConfigError> {
        item.as_table_like()
            .ok_or_else(|| self.value(key, item.span(), format!("a table, written [{key}]")))
    }

    fn unknown(&mut self, table: &dyn TableLike, inner: &str, name: &str, near: Vec<String>) {
        let hint = match near.first() {
            Some(near) => format!("; did you mean {near}?"),
            None => String::new(),
        };
        let line = self.line_of(table, inner);
        self.parsed.warnings.push(Warning {
            path: self.path.to_owned(),
            line: Some(line),
            what: format!("Halo knows no setting {name}, so it is ignored{hint}"),
        });
    }

    fn line_of(&self, table: &dyn TableLike, key: &str) -> usize {
        let (key, item) = match table.get_key_value(key) {
            Some((key, item)) => (key.span(), item.span()),
            None => (None, None),
        };
        Place::of(self.text, key.or(item).map_or(0, |span| span.start)).line
    }

    fn value_of(
        &self,
        table: &dyn TableLike,
        path: &str,
        key: &str,
        expected: impl Display,
    ) -> ConfigError {
        self.value(&format!("{path}.{key}"), table.get(key).and_then(Item::span), expected)
    }

    fn value(&self, key: &str, span: Option<Range<usize>>, expected: impl Display) -> ConfigError {
        let span = span.unwrap_or(0..0);
        let place = Place::of(self.text, span.start);
        let found = self.text.get(span).unwrap_or_default();
        let found = if key.ends_with("proxy") { mask_proxy(found) } else { found.to_owned() };
        ConfigError::Value {
            path: self.path.to_owned(),
            line: place.line,
            column: place.column,
            key: key.to_owned(),
            expected: expected.to_string(),
            found: shown(found.lines().next().unwrap_or_default()),
        }
    }
}

fn parent_span(parent: &dyn TableLike, id: &ProviderId) -> Option<Range<usize>> {
    parent
        .get_key_value(id.as_str())
        .and_then(|(key, _)| key.span())
        .map(|span| span.start..span.start)
}

/// The value as text, where it has the type its key takes.
pub(crate) fn shaped(item: &Item, shape: Shape) -> Option<String> {
    match (shape, item.as_value()?) {
        (Shape::Text, Value::String(text)) => Some(text.value().trim().to_owned()),
        (Shape::Flag, Value::Boolean(flag)) => Some(flag.value().to_string()),
        (Shape::Number, Value::Integer(number)) => Some(number.value().to_string()),
        (Shape::List, Value::Array(_)) => Some(texts(item)?.join("\n")),
        _ => None,
    }
}

/// Where in a list the entry stands that its key does not take.
fn at_fault(item: &Item, key: &Key) -> Option<Range<usize>> {
    let fits = |value: &Value| {
        let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
        text.is_some_and(|text| (key.set)(&mut Settings::default(), text))
    };
    item.as_array()?.iter().find(|value| !fits(value))?.span()
}

fn texts(item: &Item) -> Option<Vec<String>> {
    let array = item.as_array()?;
    array.iter().map(|value| value.as_str().map(|text| text.trim().to_owned())).collect()
}

fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("one of {}", quoted.join(", "))
}

/// Applies a value from outside the file.
pub(crate) fn overlay(
    settings: &mut Settings,
    key: &Key,
    name: &str,
    value: &str,
) -> Result<(), ConfigError> {
    if (key.set)(settings, value.trim()) {
        return Ok(());
    }
    Err(ConfigError::Env {
        name: name.to_owned(),
        expected: key.expected,
        value: if key.name.ends_with("proxy") { mask_proxy(value) } else { value.to_owned() }
            .chars()
            .take(200)
            .collect(),
    })
}
