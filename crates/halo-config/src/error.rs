//! What can be wrong with files, folders and values, in words for the person.

use std::fmt;
use std::io;
use std::path::PathBuf;

use halo_types::ProviderId;

use crate::KeyError;

/// The settings could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The platform names no data folder.
    #[error("no data folder is known for this user (no home folder); name one with --data")]
    NoHome,
    /// The data folder cannot be made or used.
    #[error("the data folder {path} cannot be {verb}: {source}; name another one with --data", path = path.display())]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What was tried, as a participle: `created`, `written to`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written; what it held before is untouched.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no TOML. It is left as it is.
    #[error("{path}, line {line}, column {column}: {what}{text}", path = path.display(), text = Quoted(text))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        what: String,
        /// The line as written; empty where it might hold a key.
        text: String,
    },
    /// A value of a file is not what its key takes. The file is left as it is.
    #[error("{path}, line {line}, column {column}: {key} must be {expected}{found}", path = path.display(), found = NotFound(found))]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The key, for example `recovery.max_tries`.
        key: String,
        /// What it takes.
        expected: String,
        /// The value as written; empty where it is missing or might hold a key.
        found: String,
    },
    /// A value of the environment is not what its setting takes.
    #[error("the environment variable {name} must be {expected}, not {value:?}")]
    Env {
        /// The variable.
        name: String,
        /// What it takes.
        expected: &'static str,
        /// Its value.
        value: String,
    },
    /// A text that cannot be a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No provider of that name is configured.
    #[error("no provider named {0} is configured")]
    UnknownProvider(ProviderId),
    /// A provider has no key at that place in its list.
    #[error("provider {provider} has no key number {number} in the keys file")]
    UnknownKey {
        /// The provider.
        provider: ProviderId,
        /// The place, from 1.
        number: usize,
    },
    /// A change that would make the settings unreadable.
    #[error("{key} must be {expected}, not {found:?}")]
    Change {
        /// The key.
        key: String,
        /// What it takes.
        expected: String,
        /// What it was to become.
        found: String,
    },
}

/// Something in a file that does no harm but is worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; `None` where it is about the file as a whole.
    pub line: Option<usize>,
    /// What it is, as a sentence.
    pub what: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.path.display(), self.what),
            None => write!(f, "{}: {}", self.path.display(), self.what),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " in: {}", self.0) }
    }
}

struct NotFound<'a>(&'a str);

impl fmt::Display for NotFound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", not {}", self.0) }
    }
}
