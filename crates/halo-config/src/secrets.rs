//! Keys of providers: in a file that only the person can read, or in the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use halo_types::{ProviderId, ProxyUrl, redact};
use toml_edit::{Array, Document, DocumentMut, Item, Table, TableLike, Value};

use crate::file::{self, Place};
use crate::{ConfigError, Warning};

/// A key. It never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key as pasted: without the space, quotes and `Bearer ` around it.
    ///
    /// ```
    /// use halo_config::{KeyError, Secret};
    /// assert_eq!(Secret::parse(" \"Bearer sk-1234\"\n")?.expose(), "sk-1234");
    /// assert_eq!(Secret::parse("two words"), Err(KeyError::Space { at: 4 }));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    /// A [`KeyError`] that says what cannot be part of a key, and where.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = bare(text);
        if key.is_empty() {
            return Err(KeyError::Empty);
        }
        if key.contains("***") || key.contains('…') || key.ends_with("...") {
            return Err(KeyError::Masked);
        }
        for (index, c) in key.chars().enumerate() {
            let at = index + 1;
            if c.is_whitespace() && !c.is_control() {
                return Err(KeyError::Space { at });
            }
            if c.is_control() {
                return Err(KeyError::Control { at });
            }
            if !c.is_ascii() {
                return Err(KeyError::NotAscii { c, at });
            }
        }
        Ok(Self(key.to_owned()))
    }

    /// A part of a proxy's credentials, which may hold any sign.
    pub(crate) const fn of_proxy(text: String) -> Self {
        Self(text)
    }

    /// The key itself, for a request header.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The form that may be shown.
    #[must_use]
    pub fn masked(&self) -> String {
        redact::shorten(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Strips what comes along when a key is copied out of a page, a shell or a header.
fn bare(text: &str) -> &str {
    let around = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '\u{200b}' | '\u{feff}')
    };
    let mut key = text.trim_matches(around);
    while let Some((scheme, rest)) = key.split_once(char::is_whitespace) {
        if !scheme.trim_end_matches(':').eq_ignore_ascii_case("bearer") {
            break;
        }
        key = rest.trim_matches(around);
    }
    key
}

/// Why a text cannot be a key. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing is left of it.
    #[error("the key is empty")]
    Empty,
    /// White space inside.
    #[error("a key has no spaces, but character {at} is one; was more than the key copied?")]
    Space {
        /// Its place, from 1.
        at: usize,
    },
    /// A line break or another control character inside.
    #[error("a key is one line, but character {at} is a line break or control character")]
    Control {
        /// Its place, from 1.
        at: usize,
    },
    /// A character that no key has.
    #[error("a key has only plain letters, digits and signs, but character {at} is {c:?}")]
    NotAscii {
        /// The character.
        c: char,
        /// Its place, from 1.
        at: usize,
    },
    /// The masked form that providers show.
    #[error("this is the shortened form of a key; copy the whole key")]
    Masked,
}

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Enough to recognise one's own.
    pub masked: String,
    /// Where it is kept.
    pub origin: KeyOrigin,
}

/// Where a key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// In `secrets.toml`.
    File,
    /// In this environment variable.
    Env(String),
}

/// The keys of the file, by provider.
pub(crate) type Keys = BTreeMap<ProviderId, Vec<Secret>>;

/// Passwords of proxies by the address they were saved for. A password never goes to another
/// address, whoever writes one into the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proxies(BTreeMap<String, Secret>);

impl Proxies {
    /// The name under which the password of a proxy is kept.
    pub(crate) fn address(proxy: &ProxyUrl) -> String {
        proxy.without_password().expose()
    }

    /// The proxy with its password, where it names a user and one was saved for it.
    pub(crate) fn fill(&self, proxy: &ProxyUrl) -> ProxyUrl {
        match self.0.get(&Self::address(proxy)) {
            Some(password) if proxy.wants_password() => proxy.with_password(password.expose()),
            _ => proxy.clone(),
        }
    }

    /// The password saved for an address, percent-encoded.
    pub(crate) fn password(&self, address: &str) -> Option<&str> {
        self.0.get(address).map(Secret::expose)
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A change of the saved passwords: an address with its new password, or with none.
pub(crate) type ProxyChange = (String, Option<String>);

/// What the keys file holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(crate) keys: Keys,
    pub(crate) proxies: Proxies,
}

const HEAD: &str = "# Keys of model providers, the first one of a list is used first.\n\
                    # Passwords of proxies stand under [proxies], by address.\n\
                    # Only you can read this file; keep it so.\n\n";

/// Reads the keys file. Errors never repeat what it holds.
pub(crate) fn read(path: &Path) -> Result<(Kept, Vec<Warning>), ConfigError> {
    let mut warnings = Vec::new();
    if let Some(warning) = close_to_others(path)? {
        warnings.push(warning);
    }
    let Some(text) = file::read(path)? else { return Ok((Kept::default(), warnings)) };
    Ok((parse(path, &text)?, warnings))
}

fn parse(path: &Path, text: &str) -> Result<Kept, ConfigError> {
    let document = Document::parse(text).map_err(|error| {
        let place = Place::of(text, error.span().map_or(0, |span| span.start));
        ConfigError::Syntax {
            path: path.to_owned(),
            line: place.line,
            column: place.column,
            what: "this is not TOML; write lines such as openai = [\"…\"] under [keys]".to_owned(),
            text: String::new(),
        }
    })?;
    let wrong = |item: &Item, key: &str, expected: String| {
        let place = Place::of(text, item.span().map_or(0, |span| span.start));
        ConfigError::Value {
            path: path.to_owned(),
            line: place.line,
            column: place.column,
            key: key.to_owned(),
            expected,
            found: String::new(),
        }
    };
    let mut kept = Kept::default();
    if let Some(item) = document.as_table().get("proxies") {
        let table = item
            .as_table_like()
            .ok_or_else(|| wrong(item, "proxies", "a table, written [proxies]".to_owned()))?;
        for (address, item) in table.iter() {
            let address = address.parse::<ProxyUrl>().ok().filter(ProxyUrl::wants_password);
            let address = address.ok_or_else(|| {
                let expected = "the address of a proxy with its user, in quotes: \
                                \"http://me@host:8080\"";
                wrong(item, "each name under [proxies]", expected.to_owned())
            })?;
            let password = item.as_str().filter(|text| !text.contains(char::is_control));
            let password = password.ok_or_else(|| {
                wrong(item, "each value under [proxies]", "a password in quotes".to_owned())
            })?;
            kept.proxies.0.insert(Proxies::address(&address), Secret(password.to_owned()));
        }
    }
    let keys = &mut kept.keys;
    let Some(item) = document.as_table().get("keys") else { return Ok(kept) };
    let table = item
        .as_table_like()
        .ok_or_else(|| wrong(item, "keys", "a table, written [keys]".to_owned()))?;
    for (name, item) in table.iter() {
        let id: ProviderId = name.parse().map_err(|_| {
            wrong(item, "each name under [keys]", "the name of a provider".to_owned())
        })?;
        let list = || "a key in quotes, or a list of them in brackets".to_owned();
        let texts: Vec<&str> = match item.as_value() {
            Some(Value::String(text)) => vec![text.value()],
            Some(Value::Array(array)) => array
                .iter()
                .map(|value| value.as_str().ok_or_else(|| wrong(item, name, list())))
                .collect::<Result<_, _>>()?,
            _ => return Err(wrong(item, name, list())),
        };
        let secrets = texts
            .into_iter()
            .filter(|text| !text.trim().is_empty())
            .map(|text| {
                Secret::parse(text)
                    .map_err(|error| wrong(item, name, format!("a usable key: {error}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        keys.insert(id, secrets);
    }
    Ok(kept)
}

/// Replaces the keys of one provider in the file; none removes its line.
pub(crate) fn write(path: &Path, id: &ProviderId, secrets: &[Secret]) -> Result<Kept, ConfigError> {
    change(path, |document| {
        let Some(table) = table(document, "keys") else { return };
        if secrets.is_empty() {
            table.remove(id.as_str());
        } else {
            let array: Array = secrets.iter().map(Secret::expose).collect();
            table.insert(id.as_str(), Item::Value(Value::Array(array)));
        }
    })
}

/// Changes passwords of proxies in the file.
pub(crate) fn write_proxies(path: &Path, changes: &[ProxyChange]) -> Result<Kept, ConfigError> {
    change(path, |document| {
        let Some(table) = table(document, "proxies") else { return };
        for (address, password) in changes {
            // By hand an address may have been written otherwise.
            let same = |written: &str| {
                written.parse().is_ok_and(|proxy: ProxyUrl| Proxies::address(&proxy) == *address)
            };
            let written = table.iter().map(|(name, _)| name).find(|name| same(name));
            let name = written.unwrap_or(address).to_owned();
            match password {
                Some(password) => table.insert(&name, Item::Value(password.as_str().into())),
                None => table.remove(&name),
            };
        }
    })
}

fn change(path: &Path, edit: impl FnOnce(&mut DocumentMut)) -> Result<Kept, ConfigError> {
    let text = file::read(path)?;
    let mut document = match &text {
        Some(text) => {
            parse(path, text)?;
            text.parse::<DocumentMut>().map_err(|error| crate::read::syntax(path, "", &error))?
        }
        None => {
            let mut document = DocumentMut::new();
            document.decor_mut().set_prefix(HEAD);
            document
        }
    };
    edit(&mut document);
    let text = document.to_string();
    let kept = parse(path, &text)?;
    file::write(path, &text)?;
    Ok(kept)
}

fn table<'d>(document: &'d mut DocumentMut, name: &str) -> Option<&'d mut dyn TableLike> {
    let made = || Item::Table(Table::new());
    document.as_table_mut().entry(name).or_insert_with(made).as_table_like_mut()
}

/// Takes the file away from other users, and says so if it had to.
#[cfg(unix)]
fn close_to_others(path: &Path) -> Result<Option<Warning>, ConfigError> {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(metadata) = fs::metadata(path) else { return Ok(None) };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(|source| ConfigError::Write { path: path.to_owned(), source })?;
    Ok(Some(Warning {
        path: path.to_owned(),
        line: None,
        what: format!(
            "other users could open this file with keys (mode {mode:o}); now only you can"
        ),
    }))
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path) -> Result<Option<Warning>, ConfigError> {
    Ok(None)
}
