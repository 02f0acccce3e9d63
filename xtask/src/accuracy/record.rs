//! Labelled errors: one JSON object a line, see `kinds.md` for the fields.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context as _;
use halo_types::{Evidence, Kind};
use serde::Deserialize;

/// A labelled error. Fields that only describe where it comes from are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) transient: bool,
    /// Kinds that count as right too.
    #[serde(default)]
    pub(crate) also: Vec<Kind>,
    /// Whether careful readers differed on `transient`; then it is not counted.
    #[serde(default)]
    pub(crate) transient_unsure: bool,
    #[serde(default)]
    pub(crate) retry_after_s: Option<f64>,
    /// `doc` where the text was read in official documentation.
    #[serde(default, rename = "evidence")]
    basis: Option<String>,
    #[serde(flatten)]
    pub(crate) evidence: Evidence,
}

/// Kinds that must never be called transient: waiting does not help, and retrying does harm.
const NEVER_TRANSIENT: &[Kind] = &[
    Kind::QuotaExhausted,
    Kind::InvalidApiKey,
    Kind::PermissionDenied,
    Kind::RegionUnsupported,
    Kind::AccountDisabled,
];

impl Record {
    pub(crate) fn is_documented(&self) -> bool {
        self.basis.as_deref() == Some("doc")
    }

    /// Whether `kind` is the label or counts as right too.
    pub(crate) fn allows(&self, kind: Kind) -> bool {
        kind == self.kind || self.also.contains(&kind)
    }

    /// Whether it would do harm to call this error transient.
    pub(crate) fn must_not_be_resent(&self) -> bool {
        NEVER_TRANSIENT.contains(&self.kind) && !self.also.iter().any(|kind| kind.is_transient())
    }

    /// Whether `transient` is right; `None` where that is not counted.
    pub(crate) fn transient_right(&self, transient: bool) -> Option<bool> {
        (!self.transient_unsure).then_some(transient == self.transient)
    }

    /// One line that shows which record it is.
    pub(crate) fn summary(&self) -> String {
        let body: String = self.evidence.body.text().chars().take(300).collect();
        format!(
            "{} {} {}",
            self.evidence.provider.as_deref().unwrap_or("-"),
            self.evidence.status.map_or("-".to_owned(), |status| status.to_string()),
            body.replace(['\n', '\r'], "⏎"),
        )
    }
}

/// The records of a file, one after the other.
pub(crate) fn read(
    path: &Path,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Record>> + use<>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let name = path.display().to_string();
    Ok(BufReader::new(file).lines().enumerate().filter_map(move |(index, line)| {
        let parse = |line: std::io::Result<String>| -> anyhow::Result<Option<Record>> {
            let line = line?;
            if line.trim().is_empty() {
                return Ok(None);
            }
            Ok(Some(serde_json::from_str(&line)?))
        };
        parse(line).with_context(|| format!("{name}, line {}", index + 1)).transpose()
    }))
}
