//! The data folder and what lies in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use crate::ConfigError;

/// The folder of own rules, inside the data folder.
const RULES: &str = "rules";

/// The data folder, known to exist and to be writable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    data: PathBuf,
}

impl Paths {
    /// The folder given, else `halo` in the platform's data folder. It is created with access for
    /// the person alone where it does not exist, and tried by writing to it.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`] or [`ConfigError::DataFolder`].
    pub fn resolve(data: Option<PathBuf>) -> Result<Self, ConfigError> {
        let data = match data {
            Some(data) => data,
            None => etcetera::base_strategy::choose_native_strategy()
                .map_err(|_| ConfigError::NoHome)?
                .data_dir()
                .join("halo"),
        };
        let failed = |verb| {
            let path = data.clone();
            move |source| ConfigError::DataFolder { path, verb, source }
        };
        create_private(&data).map_err(failed("created"))?;
        tempfile::tempfile_in(&data).map_err(failed("written to"))?;
        Ok(Self { data })
    }

    /// The folder itself.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.data.join("config.toml")
    }

    /// The keys of providers.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.data.join("secrets.toml")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("halo.db")
    }

    /// The folder of the person's own rules for reading errors; it need not exist.
    #[must_use]
    pub fn rules(&self) -> PathBuf {
        self.data.join(RULES)
    }

    /// A path of the settings as it can be opened: `~/` is the person's home, and a relative one
    /// begins in the data folder.
    #[must_use]
    pub fn open_path(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("~").ok().zip(etcetera::home_dir().ok()) {
            Some((rest, home)) => home.join(rest),
            None => self.data.join(path),
        }
    }

    /// The same without a look at the data folder, for commands that must not make one.
    #[must_use]
    pub fn rules_in(data: Option<&Path>) -> Option<PathBuf> {
        let platform = || {
            let strategy = etcetera::base_strategy::choose_native_strategy().ok()?;
            Some(strategy.data_dir().join("halo"))
        };
        data.map(Path::to_owned).or_else(platform).map(|data| data.join(RULES))
    }

    /// The file that the running app keeps locked.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.data.join("halo.lock")
    }

    /// Address and process id of the running app.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.data.join("run.json")
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        // Another process may have made it in between.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other,
    }
}
