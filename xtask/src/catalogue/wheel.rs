//! The wheel that carries the table: fetched from the registry or given as a file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Fetches and unpacks; needs Python with pip and nothing else.
const SCRIPT: &str = include_str!("wheel.py");

/// A wheel on disk, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Wheel {
    pub(super) path: PathBuf,
    pub(super) version: String,
    /// The day of its release, as `2026-11-20`.
    pub(super) date: String,
    pub(super) sha256: String,
}

impl Wheel {
    /// Fetches a release, the newest where no version is named, and compares the file with the
    /// SHA-256 that the registry publishes for it.
    pub(super) fn fetch(folder: &Path, version: Option<&str>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut command = python("fetch");
        command.arg(folder).args(version);
        let wheel: Self = serde_json::from_slice(&output(&mut command)?)
            .context("what the script prints is no JSON")?;
        let sum = sum(&wheel.path)?;
        ensure!(
            sum == wheel.sha256,
            "{}: its SHA-256 is {sum}, the registry publishes {}",
            wheel.path.display(),
            wheel.sha256
        );
        Ok(wheel)
    }

    /// A wheel that was downloaded before. A wheel does not say when it was released.
    pub(super) fn open(path: &Path, date: &str) -> anyhow::Result<Self> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(version) = version_of(name) else {
            bail!("{} is not named like a wheel of litellm", path.display());
        };
        Ok(Self {
            path: path.to_owned(),
            version: version.to_owned(),
            date: date.to_owned(),
            sha256: sum(path)?,
        })
    }

    /// The name of its file.
    pub(super) fn file(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// The table inside, a JSON object of models.
    pub(super) fn table(&self) -> anyhow::Result<Vec<u8>> {
        output(python("table").arg(&self.path))
    }
}

/// The version in the name of a wheel of litellm.
pub(super) fn version_of(name: &str) -> Option<&str> {
    let (version, rest) = name.strip_prefix("litellm-")?.split_once('-')?;
    (rest.ends_with(".whl") && version.starts_with(|c: char| c.is_ascii_digit())).then_some(version)
}

fn sum(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn python(what: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", SCRIPT, what]);
    command
}

fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot run python3")?;
    ensure!(output.status.success(), "python3 ended with {}", output.status);
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_wheel_tells_its_version() {
        for (name, version) in [
            ("litellm-1.110.2-cp310-abi3-manylinux_2_28_x86_64.whl", Some("1.110.2")),
            ("litellm-1.77.0-py3-none-any.whl", Some("1.77.0")),
            ("litellm-1.110.2.tar.gz", None),
            ("litellm-proxy-1.0-py3-none-any.whl", None),
            ("", None),
        ] {
            assert_eq!(version_of(name), version, "{name}");
        }
    }
}
