//! The ZIP as it is downloaded, read with bounds: its own words about sizes are not believed.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use super::super::ArchiveError;
use crate::pictures::MAX_PICTURE_BYTES;

/// The most bytes of conversations that are unpacked, and the most of pictures.
pub(super) const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// The most files in it.
const MAX_FILES: usize = 100_000;

/// Whether a file is a ZIP.
pub(in crate::archive) fn is_package(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// A ZIP whose files are read when they are asked for.
pub(super) struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Names without folders, lower case, in order.
    names: Vec<(String, usize)>,
    found: HashMap<String, Option<usize>>,
    left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        if zip.len() > MAX_FILES {
            return Err(ArchiveError::TooLarge { most: MAX_UNPACKED });
        }
        let mut names: Vec<(String, usize)> = (0..zip.len())
            .filter_map(|at| {
                let name = zip.name_for_index(at)?;
                let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
                Some((name.to_lowercase(), at))
            })
            .collect();
        names.sort();
        Ok(Self { zip, names, found: HashMap::new(), left: MAX_UNPACKED })
    }

    /// `conversations.json`; large exports come as `conversations-000.json` and so on.
    pub(super) fn conversations(&mut self) -> Result<Vec<Vec<u8>>, ArchiveError> {
        let wanted: Vec<usize> = self
            .names
            .iter()
            .filter(|(name, _)| name.starts_with("conversations") && name.ends_with(".json"))
            .map(|(_, at)| *at)
            .collect();
        let mut left = MAX_UNPACKED;
        let mut texts = Vec::with_capacity(wanted.len());
        for at in wanted {
            let text = self.read(at, left)?;
            let text = text.ok_or(ArchiveError::TooLarge { most: MAX_UNPACKED })?;
            left -= text.len() as u64;
            texts.push(text);
        }
        Ok(texts)
    }

    /// The file that belongs to an id of theirs: its name begins with it.
    pub(super) fn asset(&mut self, id: &str) -> Option<Vec<u8>> {
        let id = id.to_lowercase();
        if id.is_empty() {
            return None;
        }
        let names = &self.names;
        let at = *self.found.entry(id).or_insert_with_key(|id| {
            let from = names.partition_point(|(name, _)| name < id);
            names
                .get(from..)?
                .iter()
                .take_while(|(name, _)| name.starts_with(id.as_str()))
                // `file-1` is not `file-12`.
                .find(|(name, _)| {
                    !name[id.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
                })
                .map(|(_, at)| *at)
        });
        let most = self.left.min(MAX_PICTURE_BYTES as u64);
        let bytes = self.read(at?, most).ok()??;
        self.left -= bytes.len() as u64;
        Some(bytes)
    }

    /// A file, unless it unpacks to more than `most` bytes.
    pub(super) fn read(&mut self, at: usize, most: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
        let file = self.zip.by_index(at).map_err(broken)?;
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes).map_err(|error| broken(error.into()))?;
        Ok((bytes.len() as u64 <= most).then_some(bytes))
    }
}

fn broken(error: zip::result::ZipError) -> ArchiveError {
    ArchiveError::Package { why: error.to_string() }
}
