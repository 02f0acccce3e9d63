//! What can be saved of a damaged database.
//!
//! [`rescue`] copies every record, picture and fact that proves whole into a database beside the
//! damaged one, which is left as it is. The copy is opened so that people can read, search, export
//! and sign in, but nothing is added to a conversation: what it would go on from may be missing.
//! The person chooses what the next start begins with ([`choose`]), and [`settle`] carries that out
//! while no file is open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use halo_store::{Store as _, StoreError};
use halo_types::{BlobId, Fact, Record};

use crate::error::{failed, not_filled};
use crate::pages::{Cell, Pages, Place, Row};
use crate::{OpenError, SqliteStore, log};

/// What could be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// The damaged database.
    pub damaged: PathBuf,
    /// The copy of what could be read.
    pub rescued: PathBuf,
    /// What is wrong with the damaged one.
    pub what: String,
    /// Conversations of which something could be read.
    pub conversations: usize,
    /// Records that could be read.
    pub records: usize,
    /// Records that are known to have been there and could not be read. What lay behind the last
    /// readable one is not known.
    pub lost: usize,
    /// Pictures that could be read.
    pub pictures: usize,
}

/// What the next start begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward {
    /// With what could be read.
    Rescued,
    /// With an empty database.
    Empty,
}

impl Onward {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rescued => "rescued",
            Self::Empty => "empty",
        }
    }
}

/// Copies what can be read of the database at `path` beside it and opens the copy.
///
/// `why` is what opening `path` said. Where nothing of Halo's is in the file, it is returned: a
/// text file or the database of another program is no damaged one.
///
/// # Errors
/// `why`, or why the copy could not be made.
pub async fn rescue(path: &Path, why: OpenError) -> Result<(SqliteStore, Rescue), OpenError> {
    let what = match &why {
        OpenError::Damaged { what, .. } => what.clone(),
        OpenError::NotADatabase { .. } => "the file does not begin as a database does".to_owned(),
        _ => return Err(why),
    };
    let unreadable = |source| OpenError::Unwritable { path: path.to_owned(), source };
    let mut pages = Pages::open(path).map_err(unreadable)?;
    let index = Index::of(&mut pages);
    if index.records.is_empty() && matches!(why, OpenError::NotADatabase { .. }) {
        return Err(why);
    }
    let rescued = beside(path, "rescued.db");
    for file in with_journal(&rescued) {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unreadable(error)),
            _ => {}
        }
    }
    let store = SqliteStore::open(&rescued).await?;
    let copied = copy(&store, &mut pages, &index).await;
    let (records, conversations) = copied.map_err(|error| not_filled(&rescued, error))?;
    let last = index.records.keys().next_back().copied().unwrap_or(0);
    let rescue = Rescue {
        damaged: path.to_owned(),
        what,
        conversations,
        records,
        lost: usize::try_from(last).unwrap_or(0).saturating_sub(records),
        pictures: index.pictures.len(),
        rescued,
    };
    Ok((store.sealed(), rescue))
}

/// Where everything lies that proves whole.
#[derive(Default)]
struct Index {
    records: BTreeMap<i64, Place>,
    pictures: BTreeMap<BlobId, Place>,
    facts: Vec<Fact>,
}

impl Index {
    fn of(pages: &mut Pages) -> Self {
        let mut index = Self::default();
        for number in 1..=pages.count() {
            for (place, row) in pages.rows(number) {
                if record(&row).is_some() {
                    index.records.insert(row.rowid, place);
                } else if let Some((id, _)) = picture(&row) {
                    index.pictures.insert(id, place);
                } else if let Some(fact) = fact(&row) {
                    index.facts.retain(|known| known.id != fact.id);
                    index.facts.push(fact);
                }
            }
        }
        index
    }
}

fn record(row: &Row) -> Option<Record> {
    let cells = row.cells()?;
    let [Cell::Null, Cell::Text(_), Cell::Text(_), Cell::Int(_), Cell::Text(json), Cell::Int(sum)] =
        cells.as_slice()
    else {
        return None;
    };
    let whole = i64::from(crc32fast::hash(json.as_bytes())) == *sum;
    if whole { serde_json::from_str(json).ok() } else { None }
}

fn picture(row: &Row) -> Option<(BlobId, Vec<u8>)> {
    let cells = row.cells()?;
    let [Cell::Text(id), Cell::Blob(bytes)] = cells.as_slice() else { return None };
    let id: BlobId = id.parse().ok()?;
    (crate::side::digest(bytes) == id).then(|| (id, bytes.to_vec()))
}

fn fact(row: &Row) -> Option<Fact> {
    let cells = row.cells()?;
    let [Cell::Text(id), Cell::Int(_), Cell::Text(json)] = cells.as_slice() else { return None };
    let fact: Fact = serde_json::from_str(json).ok()?;
    (fact.id.to_string() == *id).then_some(fact)
}

/// Copies everything; gives the numbers of records and conversations.
async fn copy(
    store: &SqliteStore,
    pages: &mut Pages,
    index: &Index,
) -> Result<(usize, usize), StoreError> {
    const DOING: &str = "copying what can be read";
    for place in index.pictures.values() {
        if let Some((id, bytes)) = pages.row(*place).as_ref().and_then(picture) {
            store.put_blob(&id, &bytes).await?;
        }
    }
    for fact in &index.facts {
        store.put_fact(fact).await?;
    }
    let mut begun = BTreeSet::new();
    let mut copied = 0;
    let mut transaction = store.write(DOING).await?;
    for place in index.records.values() {
        let Some(record) = pages.row(*place).as_ref().and_then(record) else { continue };
        let id = record.conversation();
        if begun.insert(id) && !matches!(record, Record::Conversation(_)) {
            // Its beginning is lost; a description that comes later replaces this one.
            let meta = Record::Conversation(log::nameless(id, record.at()));
            log::add(&mut transaction, id, &meta).await?;
        }
        match log::add(&mut transaction, id, &record).await {
            Ok(()) => copied += 1,
            Err(error @ (StoreError::DiskFull | StoreError::Busy | StoreError::ReadOnly)) => {
                return Err(error);
            }
            // One that contradicts another is not worth the rest.
            Err(_) => {}
        }
    }
    transaction.commit().await.map_err(failed(DOING))?;
    Ok((copied, begun.len()))
}

/// Notes what the next start is to begin with.
///
/// # Errors
/// If the note cannot be written.
pub fn choose(path: &Path, onward: Onward) -> io::Result<()> {
    fs::write(beside(path, "next"), onward.as_str())
}

/// Carries out what was chosen, before any database is opened: the damaged one is moved aside, and
/// what could be read takes its place or does not. Says where the damaged one is now.
///
/// # Errors
/// If a file cannot be moved. Nothing is ever deleted.
pub fn settle(path: &Path) -> io::Result<Option<PathBuf>> {
    let note = beside(path, "next");
    let onward = match fs::read_to_string(&note) {
        Ok(text) if text == Onward::Rescued.as_str() => Onward::Rescued,
        Ok(text) if text == Onward::Empty.as_str() => Onward::Empty,
        Ok(_) => {
            fs::remove_file(&note)?;
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut aside = beside(path, "damaged.db");
    let mut n = 2;
    while aside.exists() {
        aside = beside(path, &format!("damaged-{n}.db"));
        n += 1;
    }
    move_all(path, &aside)?;
    let rescued = beside(path, "rescued.db");
    if onward == Onward::Rescued && rescued.exists() {
        move_all(&rescued, path)?;
    }
    fs::remove_file(&note)?;
    Ok(Some(aside))
}

/// Moves a database with its journal. The journal goes first: a database without it is older, a
/// journal without its database is nothing.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    let files = with_journal(from).into_iter().zip(with_journal(to));
    for (from, to) in files.rev() {
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn with_journal(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        PathBuf::from(file)
    })
}

/// `halo.db` and `rescued.db` become `halo.rescued.db`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{ending}"))
}
