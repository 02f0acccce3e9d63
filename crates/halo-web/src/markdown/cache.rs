//! What was rendered before, bounded in bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

/// The most HTML to keep in one generation.
const MAX_BYTES: usize = 4 * 1024 * 1024;

type Key = [u8; 32];

/// Two generations: when the young one is full it becomes the old one and the old one is
/// forgotten, so what is used stays without any bookkeeping per entry.
#[derive(Default)]
pub(super) struct Cache {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<str>>,
    old: HashMap<Key, Arc<str>>,
    young_bytes: usize,
}

impl Cache {
    /// The HTML of a text, made by `render` unless it is there.
    pub(super) fn get_or(
        &self,
        text: &str,
        scope: &str,
        render: impl FnOnce() -> String,
    ) -> Arc<str> {
        let mut hasher = Sha256::new();
        hasher.update(scope.as_bytes());
        hasher.update([0]);
        hasher.update(text.as_bytes());
        let key: Key = hasher.finalize().into();
        if let Some(found) = self.lock().find(&key) {
            return found;
        }
        // Rendered without the lock: two readers may do the same work, none waits.
        let html: Arc<str> = render().into();
        self.lock().insert(key, Arc::clone(&html));
        html
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // Every state of the maps is valid, so a panic elsewhere does not matter.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn find(&mut self, key: &Key) -> Option<Arc<str>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(key)?;
        self.insert(*key, Arc::clone(&found));
        Some(found)
    }

    fn insert(&mut self, key: Key, html: Arc<str>) {
        if self.young_bytes + html.len() > MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += html.len();
        self.young.insert(key, html);
    }
}
