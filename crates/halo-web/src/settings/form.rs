//! What a person typed into the form of a provider, before anything believes it.

use halo_config::{ConnectionSettings, KeyError, Secret};
use halo_types::{AttemptId, ConversationId, ProviderId, TurnId};

use super::connection::Typed;
use crate::strings::Words;

/// The longest name of a provider, in characters.
pub(super) const MAX_NAME: usize = 60;

/// The most models a form brings along.
const MAX_LISTED: usize = 5000;

/// The pairs of a posted form, in order.
pub(super) type Pairs = Vec<(String, String)>;

/// The form of a provider as it was posted. Nothing is checked yet, so that it can be shown
/// again as it was typed.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Draft {
    /// The saved provider it changes; `None` for a new one.
    pub(super) id: Option<ProviderId>,
    /// The chosen preset.
    pub(super) preset: String,
    /// The provider's name.
    pub(super) name: String,
    /// The base URL as typed.
    pub(super) base_url: String,
    /// What stands in the key fields, in order. The first ones belong to the saved keys; an
    /// empty one keeps its key.
    pub(super) keys: Vec<String>,
    /// The numbers of saved keys to remove, from 0.
    pub(super) dropped: Vec<usize>,
    /// The environment variable.
    pub(super) key_env: String,
    /// The default model.
    pub(super) model: String,
    /// Whether new conversations should start with it.
    pub(super) make_default: bool,
    /// The models of the list that the form shows.
    pub(super) listed: Vec<String>,
    /// How the provider is reached.
    pub(super) connection: Typed,
    /// The model that was refused, where a card led here. The form is then about the waiting
    /// message: what new conversations use stays as it is.
    pub(super) refused: String,
}

impl Draft {
    /// Reads a posted form. Unknown fields are ignored; a provider id that is none counts as new.
    pub(super) fn read(pairs: &Pairs) -> Self {
        let mut draft = Self::default();
        for (name, value) in pairs {
            let trimmed = value.trim();
            match name.as_str() {
                "id" => draft.id = trimmed.parse().ok(),
                "preset" => trimmed.clone_into(&mut draft.preset),
                "name" => trimmed.clone_into(&mut draft.name),
                "base_url" => trimmed.clone_into(&mut draft.base_url),
                "key" => draft.keys.push(trimmed.to_owned()),
                "drop_key" => draft.dropped.extend(trimmed.parse::<usize>().ok()),
                "key_env" => trimmed.clone_into(&mut draft.key_env),
                "model" => trimmed.clone_into(&mut draft.model),
                "make_default" => draft.make_default = true,
                "listed" if draft.listed.len() < MAX_LISTED && !trimmed.is_empty() => {
                    draft.listed.push(trimmed.to_owned());
                }
                "refused" => trimmed.clone_into(&mut draft.refused),
                name => draft.connection.read(name, value),
            }
        }
        draft
    }

    /// What is wrong with it, apart from the base URL.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.name.is_empty() {
            faults.push(Fault::NameEmpty);
        } else if self.name.chars().count() > MAX_NAME {
            faults.push(Fault::NameLong);
        }
        for (at, field) in self.keys.iter().enumerate() {
            for line in field.lines().filter(|line| !line.trim().is_empty()) {
                if line.contains("://") {
                    faults.push(Fault::KeyIsAddress);
                    continue;
                }
                match Secret::parse(line) {
                    Ok(_) | Err(KeyError::Empty) => {}
                    Err(KeyError::Masked) => faults.push(Fault::KeyMasked),
                    Err(_) => faults.push(Fault::KeyCharacters { nth: at + 1 }),
                }
            }
        }
        if !self.key_env.is_empty() && !is_env_name(&self.key_env) {
            faults.push(Fault::EnvName(self.key_env.clone()));
        }
        faults.extend(self.connection.apply(&mut ConnectionSettings::default()));
        faults
    }

    /// The keys after saving: typed ones replace the saved ones they stand at, removed ones are
    /// gone, the rest stays, in order and without repetition. A field may hold several keys, one
    /// per line.
    pub(super) fn merge_keys(&self, saved: &[String]) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for at in 0..saved.len().max(self.keys.len()) {
            let typed: Vec<&str> = self
                .keys
                .get(at)
                .map(|field| field.lines().map(str::trim).filter(|key| !key.is_empty()).collect())
                .unwrap_or_default();
            let kept = saved.get(at).filter(|_| !self.dropped.contains(&at));
            let here: Vec<&str> = if typed.is_empty() {
                kept.map(String::as_str).into_iter().collect()
            } else {
                typed
            };
            for key in here {
                if !keys.iter().any(|known| known == key) {
                    keys.push(key.to_owned());
                }
            }
        }
        keys
    }

    /// Whether the form brings a key or keeps a saved one.
    pub(super) fn has_key(&self, saved: usize) -> bool {
        self.keys.iter().any(|key| !key.is_empty())
            || (0..saved).any(|at| !self.dropped.contains(&at))
            || !self.key_env.is_empty()
    }
}

/// Something wrong with a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No name.
    NameEmpty,
    /// A name beyond [`MAX_NAME`].
    NameLong,
    /// An address in a key field.
    KeyIsAddress,
    /// The shortened form of a key that a page shows.
    KeyMasked,
    /// A key with spaces, line breaks or letters outside ASCII.
    KeyCharacters {
        /// Which key, from 1.
        nth: usize,
    },
    /// Not a name a variable can have.
    EnvName(String),
    /// No base URL.
    UrlEmpty,
    /// A base URL that is none, and why.
    Url(String),
    /// A setting of the connection that cannot be used.
    Connection {
        /// Its field.
        field: &'static str,
        /// The words, by their key.
        key: &'static str,
        /// What is filled into them.
        args: Vec<(&'static str, String)>,
    },
}

impl Fault {
    /// A fault of a setting of the connection.
    pub(super) fn connection(
        field: &'static str,
        key: &'static str,
        args: impl Into<Vec<(&'static str, String)>>,
    ) -> Self {
        Self::Connection { field, key, args: args.into() }
    }

    /// It in words.
    pub(super) fn words(&self, w: Words) -> String {
        match self {
            Self::NameEmpty => w.t("settings-error-name-empty"),
            Self::NameLong => w.t1("settings-error-name-long", "max", MAX_NAME),
            Self::KeyIsAddress => w.t("settings-error-key-url"),
            Self::KeyMasked => w.t("settings-error-key-masked"),
            Self::KeyCharacters { nth } => w.t1("settings-error-key-chars", "n", nth),
            Self::EnvName(name) => w.t1("settings-error-env-name", "name", name),
            Self::Url(why) => w.t1("settings-form-url-bad", "why", why),
            Self::UrlEmpty => w.t("settings-form-url-empty"),
            Self::Connection { key, args, .. } => match args.as_slice() {
                [] => w.t(key),
                [(name, value)] => w.t1(key, name, value),
                [(one, first), (two, second), ..] => {
                    w.t2(key, (one, first.as_str()), (two, second.as_str()))
                }
            },
        }
    }

    /// The field it belongs to, as links name it.
    pub(super) const fn field(&self) -> &'static str {
        match self {
            Self::NameEmpty | Self::NameLong => "name",
            Self::KeyIsAddress | Self::KeyMasked | Self::KeyCharacters { .. } => "key",
            Self::EnvName(_) => "key_env",
            Self::Url(_) | Self::UrlEmpty => "url",
            Self::Connection { field, .. } => field,
        }
    }
}

fn is_env_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 128
}

/// A failed turn that can be sent again after saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Where it stands.
    pub(super) conversation: ConversationId,
    /// The turn.
    pub(super) turn: TurnId,
    /// The attempt whose card led here.
    pub(super) attempt: AttemptId,
}

impl Waiting {
    /// Reads the three ids; anything less is no waiting message.
    pub(super) fn read(pairs: &Pairs) -> Option<Self> {
        let value =
            |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        Some(Self {
            conversation: value("conversation")?.parse().ok()?,
            turn: value("turn")?.parse().ok()?,
            attempt: value("attempt")?.parse().ok()?,
        })
    }

    /// The ids as a query, beginning with `&`.
    pub(super) fn query(self) -> String {
        format!("&conversation={}&turn={}&attempt={}", self.conversation, self.turn, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Pairs {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn keys_keep_their_order_and_their_places() {
        let saved = ["one".to_owned(), "two".to_owned()];
        let merged = |fields: &[(&str, &str)]| Draft::read(&pairs(fields)).merge_keys(&saved);
        assert_eq!(merged(&[("key", ""), ("key", "")]), ["one", "two"]);
        assert_eq!(merged(&[("key", " new "), ("key", "")]), ["new", "two"]);
        assert_eq!(merged(&[("key", ""), ("key", ""), ("key", "three")]), ["one", "two", "three"]);
        assert_eq!(merged(&[("drop_key", "0")]), ["two"]);
        assert_eq!(merged(&[("drop_key", "0"), ("key", "new")]), ["new", "two"]);
        assert_eq!(merged(&[("key", "a\n b \n\ntwo")]), ["a", "b", "two"]);
        assert_eq!(merged(&[("drop_key", "7"), ("drop_key", "-1"), ("drop_key", "x")]).len(), 2);
    }

    #[test]
    fn faults_name_their_field() {
        let fields = |list: &[(&str, &str)]| -> Vec<&'static str> {
            Draft::read(&pairs(list)).faults().iter().map(Fault::field).collect()
        };
        assert_eq!(fields(&[]), ["name"]);
        assert_eq!(fields(&[("name", "A"), ("key", "sk-fine")]), [""; 0]);
        assert_eq!(fields(&[("name", &"a".repeat(MAX_NAME + 1))]), ["name"]);
        assert_eq!(fields(&[("name", "A"), ("key", "sk 1")]), ["key"]);
        assert_eq!(fields(&[("name", "A"), ("key", "密钥")]), ["key"]);
        assert_eq!(fields(&[("name", "A"), ("key", "https://relay.example")]), ["key"]);
        assert_eq!(fields(&[("name", "A"), ("key", "sk-ant-…abcd")]), ["key"]);
        assert_eq!(fields(&[("name", "A"), ("key", "Bearer a\nb")]), [""; 0]);
        assert_eq!(fields(&[("name", "A"), ("key_env", "MY KEY")]), ["key_env"]);
        assert_eq!(fields(&[("name", "A"), ("key_env", "1KEY")]), ["key_env"]);
        assert_eq!(fields(&[("name", "A"), ("key_env", "MY_KEY2")]), [""; 0]);
    }

    #[test]
    fn a_waiting_message_needs_all_three_ids() {
        let id = "01890000-0000-7000-8000-000000000001";
        let all = [("conversation", id), ("turn", id), ("attempt", id)];
        let waiting = Waiting::read(&pairs(&all)).unwrap();
        assert_eq!(waiting.query(), format!("&conversation={id}&turn={id}&attempt={id}"));
        assert_eq!(Waiting::read(&pairs(&all[..2])), None);
        assert_eq!(
            Waiting::read(&pairs(&[("conversation", id), ("turn", "x"), ("attempt", id)])),
            None
        );
    }
}
