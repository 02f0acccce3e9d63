//! Settings and keys as a person and a running app meet them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking, its helpers too")]

mod connection;
mod faults;
mod keys;
mod layers;
mod written;

use std::fs;

use halo_config::{Config, ConfigError, Environment, Flags, Paths};

/// A data folder with these files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(config: Option<&str>) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        if let Some(config) = config {
            fs::write(folder.paths().config(), config).unwrap();
        }
        folder
    }

    fn paths(&self) -> Paths {
        Paths::resolve(Some(self.0.path().to_owned())).unwrap()
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = Environment::fixed(variables.iter().copied());
        Config::load_with(self.paths(), environment, Flags::default())
    }

    fn config_text(&self) -> String {
        fs::read_to_string(self.paths().config()).unwrap()
    }
}
