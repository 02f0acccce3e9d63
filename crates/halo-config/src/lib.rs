//! Settings with their origins, provider keys, presets and the catalogue of models.
//!
//! [`Paths`] names the data folder and what lies in it. [`Config`] holds the settings of
//! `config.toml` under the environment (`HALO_…`) and the flags of the command line, and the keys
//! of `secrets.toml` or the environment. A change is written back with the person's comments and
//! order kept; a file that cannot be read is reported with line and column and never overwritten.
//!
//! A provider is reached as its [`ConnectionSettings`] say, else as those of `[connection]`. The
//! password of a proxy is a secret like a key: it is kept in `secrets.toml`.
//!
//! Keys live in [`Secret`]s, which print as `Secret(…)`; only [`Secret::expose`] hands one out.
//! What is known about common models comes from [`catalogue_at`]; an unknown model stays unknown.
//! The crate reads and writes small files with blocking calls and knows no network.
//!
//! ```
//! use halo_config::{Config, Environment, Flags, Origin, Paths, ProviderConfig};
//!
//! let folder = tempfile::tempdir()?;
//! let paths = Paths::resolve(Some(folder.path().join("data")))?;
//! let environment = Environment::fixed([("HALO_MAX_TRIES", "6")]);
//! let config = Config::load_with(paths, environment, Flags::default())?;
//! assert_eq!(config.settings().recovery.max_tries, 6);
//! assert_eq!(config.origin("recovery.max_tries"), Origin::Env("HALO_MAX_TRIES".into()));
//!
//! let preset = halo_config::guess_preset("sk-or-v1-0123456789").expect("a known prefix");
//! let provider = ProviderConfig::from_preset(preset, config.free_id(&preset.id));
//! config.save_provider(provider.clone())?;
//! config.add_key(&provider.id, "Bearer sk-or-v1-0123456789abcdef\n")?;
//! assert_eq!(config.keys(&provider.id)[0].expose(), "sk-or-v1-0123456789abcdef");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catalogue;
mod config;
mod connection;
mod environment;
mod error;
mod file;
mod keys;
mod layers;
mod nearest;
mod paths;
mod presets;
mod read;
mod rules;
mod secrets;
mod settings;
mod write;
mod zone;

pub use catalogue::{
    CatalogueEntry, CatalogueFact, Place, Row, Source, catalogue, catalogue_at, catalogue_source,
    without_date,
};
pub use config::Config;
pub use connection::ConnectionSettings;
pub use environment::{Environment, Flags, Origin};
pub use error::{ConfigError, Warning};
pub use halo_recover::Reach;
pub use keys::host_name;
pub use nearest::nearest;
pub use paths::Paths;
pub use presets::{
    Preset, find_key, guess_preset, key_beginnings, likely_presets, preset, presets,
};
pub use rules::{RemovedRule, RulesFolder};
pub use secrets::{KeyError, KeyInfo, KeyOrigin, Secret};
pub use settings::{ProviderConfig, RecoverySettings, Settings};
pub use zone::local_zone;
