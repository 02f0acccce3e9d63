//! The folder of a person's own rules for reading errors.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use halo_diagnose::{OwnRules, RuleFault};

use crate::{ConfigError, file};

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
/// # Ok::<(), halo_config::ConfigError>(())
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

    /// Adds an entry to the file of what was taught, and returns that file. A rule with the same
    /// words that was taught before gives way.
    ///
    /// # Errors
    /// If the file cannot be read or written; it is then as it was.
    pub fn add(&self, entry: &str) -> Result<PathBuf, ConfigError> {
        // One writer at a time; readers see the old file or the new one.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(TAUGHT);
        let failed = |source| ConfigError::Write { path: path.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut text = file::read(&path)?.unwrap_or_else(|| {
            "# Rules that Halo was taught. They are heard before the built-in ones; delete an\n\
             # entry to unteach it.\n"
                .to_owned()
        });
        let (new, _) = OwnRules::parse([(TAUGHT, entry)]);
        for rule in new.rules() {
            text = without(&text, &rule.id);
        }
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
        text.push_str(entry.trim_end());
        text.push('\n');
        file::write(&path, &text)?;
        *read = Read::default();
        Ok(path)
    }

    fn refresh<T>(&self, take: impl FnOnce(&Read) -> T) -> T {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
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
    Read { state, rules: Arc::new(rules), faults }
}

/// The text of a rule file without the rule of this id.
fn without(text: &str, id: &str) -> String {
    let Ok(mut document) = text.parse::<toml_edit::DocumentMut>() else { return text.to_owned() };
    if let Some(rules) = document.get_mut("rule").and_then(|item| item.as_array_of_tables_mut()) {
        rules.retain(|rule| rule.get("id").and_then(|item| item.as_str()) != Some(id));
    }
    document.to_string()
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
}
