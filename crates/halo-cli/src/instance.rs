//! One app per data folder: the lock, and the note where the app can be reached.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use halo_config::Paths;
use serde::{Deserialize, Serialize};

/// The right to be the app of a data folder. The system takes it back when the process ends,
/// however it ends.
pub(crate) struct Instance {
    _lock: File,
    paths: Paths,
}

/// Where the app of a data folder can be reached.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// The database it uses: another than usual where that one is damaged.
    #[serde(default)]
    pub(crate) database: Option<PathBuf>,
}

impl Running {
    pub(crate) fn database(&self, paths: &Paths) -> PathBuf {
        self.database.clone().unwrap_or_else(|| paths.database())
    }
}

impl Instance {
    /// Takes the right, or says that another process has it.
    pub(crate) fn take(paths: &Paths) -> anyhow::Result<Option<Self>> {
        let path = paths.lock();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _lock: file, paths: paths.clone() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }

    /// Notes where this app can be reached.
    pub(crate) fn announce(&self, address: SocketAddr, database: &Path) -> anyhow::Result<()> {
        let database = Some(database.to_owned());
        let running = Running { address, pid: std::process::id(), database };
        let path = self.paths.run();
        std::fs::write(&path, serde_json::to_vec(&running)?)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

impl Instance {
    /// Notes that a chat in a terminal has the data folder: it cannot be reached by a page.
    pub(crate) fn announce_chat(&self) -> anyhow::Result<()> {
        let path = self.paths.run();
        std::fs::write(&path, serde_json::to_vec(&Chatting { chat: std::process::id() })?)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The note of a chat in a terminal.
#[derive(Debug, Serialize, Deserialize)]
struct Chatting {
    chat: u32,
}

/// The process of the chat that has the data folder, where one has it.
pub(crate) fn chatting(paths: &Paths) -> Option<u32> {
    let note: Chatting = serde_json::from_slice(&std::fs::read(paths.run()).ok()?).ok()?;
    Some(note.chat)
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A stale note does no harm: the lock decides.
        let _ = std::fs::remove_file(self.paths.run());
    }
}

/// Where the app of this data folder says it can be reached.
pub(crate) fn running(paths: &Paths) -> Option<Running> {
    serde_json::from_slice(&std::fs::read(paths.run()).ok()?).ok()
}
