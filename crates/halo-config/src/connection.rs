//! How a provider is reached: proxy, certificates and timers, in general and for one provider.

use std::path::PathBuf;

use halo_types::Proxy;
use toml_edit::Value;

use crate::keys::{Shape, store};

/// How a provider is reached. What is `None` is decided one layer below: a provider's settings
/// stand over the general ones, and those over what is built in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionSettings {
    /// Which proxy requests take.
    pub proxy: Option<Proxy>,
    /// A file with certificates (PEM) that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The longest wait for a connection, in seconds.
    pub connect_timeout_s: Option<u64>,
    /// The longest wait for the answer to begin, in seconds.
    pub first_byte_timeout_s: Option<u64>,
    /// The longest pause inside an answer, in seconds.
    pub idle_timeout_s: Option<u64>,
}

impl ConnectionSettings {
    /// These settings, and where they say nothing, those below them.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            proxy: self.proxy.clone().or_else(|| below.proxy.clone()),
            ca_file: self.ca_file.clone().or_else(|| below.ca_file.clone()),
            connect_timeout_s: self.connect_timeout_s.or(below.connect_timeout_s),
            first_byte_timeout_s: self.first_byte_timeout_s.or(below.first_byte_timeout_s),
            idle_timeout_s: self.idle_timeout_s.or(below.idle_timeout_s),
        }
    }

    /// Sets one of its values from text; empty text unsets it. This is what a form does.
    ///
    /// # Errors
    /// What the value must be, as the end of "must be …".
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
        let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
            return Err("one of the settings of a connection");
        };
        if text.trim().is_empty() {
            (field.unset)(self);
            return Ok(());
        }
        if (field.set)(self, text.trim()) { Ok(()) } else { Err(field.expected) }
    }
}

/// One setting of a connection, the same in the general table and in that of a provider.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// What it takes, as the end of "must be …".
    pub(crate) expected: &'static str,
    /// Sets it from text; `false` where the text is no value of it.
    pub(crate) set: fn(&mut ConnectionSettings, &str) -> bool,
    pub(crate) unset: fn(&mut ConnectionSettings),
    /// Its value as TOML, a password included.
    pub(crate) value: fn(&ConnectionSettings) -> Option<Value>,
}

pub(crate) const PROXY: Field = Field {
    name: "proxy",
    shape: Shape::Text,
    expected: "\"system\", \"direct\" or the address of a proxy, such as \"http://host:8080\" or \
               \"socks5h://user@host:1080\"",
    set: |connection, text| store(&mut connection.proxy, text.parse().ok().map(Some)),
    unset: |connection| connection.proxy = None,
    value: |connection| {
        let proxy = connection.proxy.as_ref()?;
        Some(proxy.url().map_or_else(|| proxy.to_string(), |url| url.expose()).into())
    },
};

pub(crate) const CA_FILE: Field = Field {
    name: "ca_file",
    shape: Shape::Text,
    expected: "the path of a file with certificates in PEM",
    set: |connection, text| {
        let usable = !text.is_empty() && !text.contains(char::is_control);
        store(&mut connection.ca_file, usable.then(|| Some(text.into())))
    },
    unset: |connection| connection.ca_file = None,
    // Settings come from text, so a path in them is text.
    value: |connection| Some(connection.ca_file.as_ref()?.to_string_lossy().as_ref().into()),
};

pub(crate) const CONNECT_TIMEOUT: Field = Field {
    name: "connect_timeout_s",
    shape: Shape::Number,
    expected: "a whole number of seconds from 1 to 300",
    set: |connection, text| store(&mut connection.connect_timeout_s, seconds(text, 300)),
    unset: |connection| connection.connect_timeout_s = None,
    value: |connection| number(connection.connect_timeout_s),
};

pub(crate) const FIRST_BYTE_TIMEOUT: Field = Field {
    name: "first_byte_timeout_s",
    shape: Shape::Number,
    expected: "a whole number of seconds from 1 to 3600",
    set: |connection, text| store(&mut connection.first_byte_timeout_s, seconds(text, 3600)),
    unset: |connection| connection.first_byte_timeout_s = None,
    value: |connection| number(connection.first_byte_timeout_s),
};

pub(crate) const IDLE_TIMEOUT: Field = Field {
    name: "idle_timeout_s",
    shape: Shape::Number,
    expected: "a whole number of seconds from 1 to 3600",
    set: |connection, text| store(&mut connection.idle_timeout_s, seconds(text, 3600)),
    unset: |connection| connection.idle_timeout_s = None,
    value: |connection| number(connection.idle_timeout_s),
};

pub(crate) const FIELDS: &[Field] =
    &[PROXY, CA_FILE, CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT];

fn seconds(text: &str, most: u64) -> Option<Option<u64>> {
    text.parse().ok().filter(|seconds| (1..=most).contains(seconds)).map(Some)
}

fn number(seconds: Option<u64>) -> Option<Value> {
    i64::try_from(seconds?).ok().map(Value::from)
}
