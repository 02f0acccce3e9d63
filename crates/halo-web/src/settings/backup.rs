//! Settings → Data: copies of the database, and deleting every conversation.

use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use halo_types::{ConversationId, Timestamp};
use tokio::io::AsyncReadExt as _;

use super::{Answer, see_other};
use crate::clock::{self, Zone};
use crate::error::PageError;
use crate::extract::Path;
use crate::state::AppState;

/// The conversations that were deleted together last, so that they can be brought back.
#[derive(Clone, Default)]
pub(super) struct Deleted(Arc<Mutex<Vec<ConversationId>>>);

impl Deleted {
    fn put(&self, ids: Vec<ConversationId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ids;
    }

    fn take(&self) -> Vec<ConversationId> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A copy that lies in the data folder.
pub(super) struct Backup {
    pub(super) name: String,
    pub(super) about: String,
    made: Timestamp,
}

/// The copies, the newest first; made by hand or before a new version changed the database.
pub(super) fn all(folder: &FilePath, zone: Zone) -> Vec<Backup> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Backup> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok().filter(|name| is_backup(name))?;
            let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            let made = Timestamp(i64::try_from(since.as_millis()).ok()?);
            let about = format!("{} · {}", zone.minute_text(made), size(meta.len()));
            Some(Backup { name, about, made })
        })
        .collect();
    found.sort_by(|a, b| b.made.cmp(&a.made).then_with(|| b.name.cmp(&a.name)));
    found
}

/// `halo.2026-11-28-1031.backup.db`, `halo.v3.backup-2.db`: nothing that leads out of the folder.
fn is_backup(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    name.ends_with(".db")
        && (name.contains(".backup.") || name.contains(".backup-"))
        && name.chars().all(plain)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// `POST /settings/data/backup`: a copy of everything beside the database.
pub(super) async fn make(State(state): State<AppState>) -> Answer {
    let folder = state.engine().config().paths().data().to_owned();
    let minute = Zone::default().minute_text(clock::now()).replace(' ', "-").replace(':', "");
    let mut path = folder.join(format!("halo.{minute}.backup.db"));
    for n in 2_u32.. {
        if !path.exists() {
            break;
        }
        path = folder.join(format!("halo.{minute}.backup-{n}.db"));
    }
    state.engine().store().back_up(&path).await?;
    Ok(see_other("/settings/data?done=backup"))
}

/// `GET /settings/data/backup/{name}`: a copy as a download.
pub(super) async fn download(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    if !is_backup(&name) {
        return Err(PageError::NotFound);
    }
    let path: PathBuf = state.engine().config().paths().data().join(&name);
    let file = tokio::fs::File::open(&path).await.map_err(|_| PageError::NotFound)?;
    let pieces = stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; 64 * 1024];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, io::Error>((read > 0).then_some((piece, file)))
    });
    let head = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((head, Body::from_stream(pieces)).into_response())
}

/// `POST /settings/data/delete`: every conversation; `undelete` takes it back.
pub(super) async fn delete(
    State(state): State<AppState>,
    Extension(deleted): Extension<Deleted>,
) -> Answer {
    let mut gone = Vec::new();
    for conversation in state.engine().conversations().await? {
        state.engine().delete(conversation.id).await?;
        gone.push(conversation.id);
    }
    deleted.put(gone);
    Ok(see_other("/settings/data?done=deleted"))
}

/// `POST /settings/data/undelete`
pub(super) async fn undelete(
    State(state): State<AppState>,
    Extension(deleted): Extension<Deleted>,
) -> Answer {
    for id in deleted.take() {
        state.engine().restore(id).await?;
    }
    Ok(see_other("/settings/data?done=undeleted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_copies_of_the_database_are_backups() {
        for name in ["halo.v3.backup.db", "halo.v3.backup-2.db", "halo.2026-11-28-1031.backup.db"] {
            assert!(is_backup(name), "{name}");
        }
        for name in ["halo.db", "secrets.toml", "../x.backup.db", "a/b.backup.db", "x.backup.txt"] {
            assert!(!is_backup(name), "{name}");
        }
        assert_eq!([size(1), size(2_500_000)], ["1 kB", "2.5 MB"]);
    }
}
