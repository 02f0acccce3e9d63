//! The folder of a person's own rules for reading errors.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use halo_diagnose::{OwnRules, RuleFault};

use crate::{ConfigError, file, read};

/// Where what was taught is written.
const TAUGHT: &str = "taught.toml";

/// The `*.toml` files of a folder, read again whenever one of them has changed.
///
/// ```
/// use halo_config::RulesFolder;
///
/// let folder = tempfile::tempdir()?;
/// let rules = RulesFolder::new(folder.path().join("rules"));
/// assert!(rules.current().rules().is_empty());
/// rules.add("[[rule]]\nid = \"mine\"\nkind = \"overloaded\"\nany = [\"hamster\"]\n")?;
/// assert_eq!(rules.current().rules()[0].id, "mine");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RulesFolder {
    folder: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    /// What the files looked like when they were read.
    state: Vec<FileState>,
    rules: Arc<OwnRules>,
    faults: Vec<RuleFault>,
    /// The file in which the rule of an id stands.
    homes: HashMap<String, PathBuf>,
}

/// A rule that was taken out of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRule {
    /// The rule's id.
    pub id: String,
    /// The file it stood in.
    pub file: PathBuf,
    /// The rule as it stood there.
    pub entry: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileState {
    path: PathBuf,
    changed: Option<SystemTime>,
    len: u64,
}

impl RulesFolder {
    /// A folder, which need not exist.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, read: Mutex::default() }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The rules as the files are now; what is broken is left out, see [`Self::faults`].
    #[must_use]
    pub fn current(&self) -> Arc<OwnRules> {
        self.refresh(|read| Arc::clone(&read.rules))
    }

    /// What is wrong with the files as they are now.
    #[must_use]
    pub fn faults(&self) -> Vec<RuleFault> {
        self.refresh(|read| read.faults.clone())
    }

    /// The file in which the rule of this id stands.
    #[must_use]
    pub fn file_of(&self, id: &str) -> Option<PathBuf> {
        self.refresh(|read| read.homes.get(id).cloned())
    }

    /// Adds an entry to the file of what was taught, and returns that file. A rule with the same
    /// words that was taught before gives way.
    ///
    /// # Errors
    /// If the file cannot be read or written; it is then as it was.
    pub fn add(&self, entry: &str) -> Result<PathBuf, ConfigError> {
        let path = self.folder.join(TAUGHT);
        self.write_into(&path, entry)?;
        Ok(path)
    }

    /// Takes the rule of this id out of its file; `None` where no file has it. Everything else in
    /// the file stays as it is.
    ///
    /// # Errors
    /// If the file cannot be read, changed or written; it is then as it was.
    pub fn remove(&self, id: &str) -> Result<Option<RemovedRule>, ConfigError> {
        let Some(path) = self.file_of(id) else { return Ok(None) };
        let mut read = self.lock();
        let Some(text) = file::read(&path)? else { return Ok(None) };
        let mut document = text
            .parse::<toml_edit::DocumentMut>()
            .map_err(|error| read::syntax(&path, &text, &error))?;
        let Some(entry) = take(&mut document, id) else { return Ok(None) };
        file::write(&path, &document.to_string())?;
        *read = Read::default();
        Ok(Some(RemovedRule { id: id.to_owned(), file: path, entry }))
    }

    /// Puts a removed rule back into its file.
    ///
    /// # Errors
    /// If the file cannot be read or written; it is then as it was.
    pub fn put_back(&self, removed: &RemovedRule) -> Result<(), ConfigError> {
        self.write_into(&removed.file, &removed.entry)
    }

    fn write_into(&self, path: &Path, entry: &str) -> Result<(), ConfigError> {
        // One writer at a time; readers see the old file or the new one.
        let mut read = self.lock();
        let failed = |source| ConfigError::Write { path: path.to_owned(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut text = file::read(path)?.unwrap_or_else(|| {
            "# Rules that Halo was taught. They are heard before the built-in ones; delete an\n\
             # entry to unteach it.\n"
                .to_owned()
        });
        let (new, _) = OwnRules::parse([(TAUGHT, entry)]);
        for rule in new.rules() {
            text = without(&text, &rule.id);
        }
        while !text.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
        text.push_str(entry.trim());
        text.push('\n');
        file::write(path, &text)?;
        *read = Read::default();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh<T>(&self, take: impl FnOnce(&Read) -> T) -> T {
        let mut read = self.lock();
        let state = self.state();
        if state != read.state {
            *read = read_all(state);
        }
        take(&read)
    }

    /// The rule files, by name.
    fn state(&self) -> Vec<FileState> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut files: Vec<FileState> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let meta = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
                let named = path.extension().is_some_and(|ext| ext == "toml");
                named.then(|| FileState { changed: meta.modified().ok(), len: meta.len(), path })
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

fn read_all(state: Vec<FileState>) -> Read {
    let mut unread = Vec::new();
    let mut texts = Vec::new();
    for entry in &state {
        let name = entry.path.to_string_lossy().into_owned();
        match file::read(&entry.path) {
            Ok(text) => texts.push((name, text.unwrap_or_default())),
            Err(error) => {
                let (line, column, message) = match error {
                    ConfigError::Syntax { line, column, what, .. } => (line, column, what),
                    other => (1, 1, other.to_string()),
                };
                unread.push(RuleFault { file: name, line, column, message });
            }
        }
    }
    let files = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let (rules, mut faults) = OwnRules::parse(files);
    faults.extend(unread);
    let mut homes = HashMap::new();
    for (name, text) in &texts {
        for rule in OwnRules::parse([(name.as_str(), text.as_str())]).0.rules() {
            homes.entry(rule.id.clone()).or_insert_with(|| PathBuf::from(name));
        }
    }
    Read { state, rules: Arc::new(rules), faults, homes }
}

/// The text of a rule file without the rule of this id.
fn without(text: &str, id: &str) -> String {
    let Ok(mut document) = text.parse::<toml_edit::DocumentMut>() else { return text.to_owned() };
    match take(&mut document, id) {
        Some(_) => document.to_string(),
        None => text.to_owned(),
    }
}

/// Takes the rules of this id out of a document and returns the last one as it stood there.
/// Remarks right above a rule go with it; those that a blank line parts from it stay.
fn take(document: &mut toml_edit::DocumentMut, id: &str) -> Option<String> {
    let mut taken = None;
    // Remarks that have no rule below them any more.
    let mut left = None;
    let rules = document.get_mut("rule")?.as_array_of_tables_mut()?;
    loop {
        let has_id = |rule: &toml_edit::Table| rule.get("id").and_then(|i| i.as_str()) == Some(id);
        let Some(at) = (0..rules.len()).find(|at| rules.get(*at).is_some_and(has_id)) else {
            break;
        };
        let mut rule = rules.get(at)?.clone();
        rules.remove(at);
        let above = prefix(&rule);
        let (stays, goes) = match above.rfind("\n\n") {
            Some(blank) => above.split_at(blank + 2),
            None => ("", above.as_str()),
        };
        rule.decor_mut().set_prefix(goes);
        taken = Some(rule);
        let Some(next) = rules.get_mut(at) else {
            left = Some(stays.to_owned());
            break;
        };
        if at == 0 || !stays.is_empty() {
            let below = prefix(next);
            next.decor_mut().set_prefix(format!("{stays}{}", below.trim_start_matches('\n')));
        }
    }
    let taken = taken?;
    if let Some(left) = left.filter(|left| !left.trim().is_empty()) {
        let rest = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{left}{rest}"));
    }
    let mut alone = toml_edit::ArrayOfTables::new();
    alone.push(taken);
    let mut file = toml_edit::DocumentMut::new();
    file.insert("rule", toml_edit::Item::ArrayOfTables(alone));
    Some(file.to_string().trim_start_matches('\n').to_owned())
}

/// What stands between a rule and the one above it.
fn prefix(rule: &toml_edit::Table) -> String {
    rule.decor().prefix().and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "[[rule]]\nid = \"own.a\"\nkind = \"overloaded\"\nany = [\"hamster\"]\n";

    #[test]
    fn rules_are_read_again_when_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let rules = RulesFolder::new(folder.path().join("rules"));
        assert!(rules.current().rules().is_empty() && rules.faults().is_empty());
        rules.add(ENTRY).unwrap();
        assert_eq!(rules.current().rules().len(), 1);
        // Taught again, it stands there once.
        rules.add(&ENTRY.replace("overloaded", "timeout")).unwrap();
        assert_eq!(rules.current().rules().len(), 1);
        assert_eq!(rules.current().rules()[0].kind, halo_types::Kind::Timeout);
        let mine = rules.path().join("mine.toml");
        fs::write(&mine, "[[rule]]\nid = \"b\"\nkind = \"nonsense\"\nany = [\"x\"]\n").unwrap();
        fs::write(rules.path().join("bytes.toml"), [0xff, 0xfe]).unwrap();
        fs::write(rules.path().join("notes.txt"), "no rules").unwrap();
        let faults = rules.faults();
        assert_eq!(faults.len(), 2, "{faults:?}");
        let mine_fault = faults.iter().find(|fault| fault.file.ends_with("mine.toml")).unwrap();
        assert_eq!((mine_fault.line, mine_fault.column), (3, 8));
        assert_eq!(rules.current().rules().len(), 1, "the sound ones still hold");
        fs::remove_file(mine).unwrap();
        assert_eq!(rules.faults().len(), 1);
    }

    #[test]
    fn remarks_in_the_file_survive_a_lesson() {
        let folder = tempfile::tempdir().unwrap();
        let rules = RulesFolder::new(folder.path().to_owned());
        let path = folder.path().join(TAUGHT);
        fs::write(&path, format!("# my relay\n{ENTRY}")).unwrap();
        rules.add(&ENTRY.replace("own.a", "own.b")).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# my relay\n[[rule]]\nid = \"own.a\""), "{text}");
        assert_eq!(rules.current().rules().len(), 2);
    }

    #[test]
    fn a_rule_is_removed_and_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let rules = RulesFolder::new(folder.path().join("rules"));
        assert_eq!(rules.remove("own.a").unwrap(), None);
        let path = rules.add(ENTRY).unwrap();
        rules.add(&ENTRY.replace("own.a", "own.b").replace("hamster", "sloth")).unwrap();
        let both = fs::read_to_string(&path).unwrap();
        assert_eq!(rules.file_of("own.b"), Some(path.clone()));

        let removed = rules.remove("own.b").unwrap().unwrap();
        assert_eq!((removed.id.as_str(), &removed.file), ("own.b", &path));
        assert_eq!(rules.current().rules().len(), 1);
        rules.put_back(&removed).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), both);

        rules.remove("own.a").unwrap().unwrap();
        rules.remove("own.b").unwrap().unwrap();
        assert!(rules.current().rules().is_empty() && rules.faults().is_empty());
        let left = fs::read_to_string(&path).unwrap();
        assert!(left.starts_with("# Rules that Halo was taught"), "{left:?}");
        rules.add(ENTRY).unwrap();
        let again = fs::read_to_string(&path).unwrap();
        assert!(both.starts_with(again.trim_end()), "{again}\n---\n{both}");
    }

    #[test]
    fn removing_leaves_the_rest_of_a_file_written_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let rules = RulesFolder::new(folder.path().to_owned());
        let mine = folder.path().join("mine.toml");
        let other = "# the sloth\n[[rule]]\nid = \"b\"\nkind = \"timeout\"\nany = [\"sloth\"]\n";
        let text = format!("# my relay\n\n# the hamster\n{ENTRY}\n{other}");
        fs::write(&mine, &text).unwrap();
        let removed = rules.remove("own.a").unwrap().unwrap();
        assert_eq!(removed.entry, format!("# the hamster\n{ENTRY}"));
        assert_eq!(fs::read_to_string(&mine).unwrap(), format!("# my relay\n\n{other}"));
        // A file that cannot be read whole is not touched; the sound rule in it says why.
        let broken = format!("{text}\n[[rule\n");
        fs::write(&mine, &broken).unwrap();
        assert_eq!(rules.current().rules().len(), 1);
        let error = rules.remove("own.a").unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }), "{error}");
        assert_eq!(fs::read_to_string(&mine).unwrap(), broken);
    }
}
