//! The search with several threads: each reads the next window, searches it, and waits until the
//! windows before are added up. So the summary is the same whoever is faster, and memory is bounded
//! by a buffer for each thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use halo_diagnose::log::{Found, Options, Searcher, Summary, Window};

use super::source::{Failure, Job, Source, Unread};
use super::stop;
use crate::explain::complain;

/// How long an interrupted search waits for windows that are being searched.
const LAST_WINDOWS: Duration = Duration::from_secs(5);

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) lines: u64,
}

/// What the search came to.
pub(super) struct Done {
    pub(super) summary: Summary,
    pub(super) files: Vec<File>,
    /// How many files could not be read, or not to their end.
    pub(super) failures: u64,
    pub(super) interrupted: bool,
}

#[derive(Default)]
struct Sum {
    /// The number of the window that is added next.
    next: u64,
    summary: Summary,
    files: Vec<File>,
    /// Threads at work.
    working: usize,
    interrupted: bool,
    /// Whether a thread has died, so that its window will never be added.
    broken: bool,
}

struct Shared {
    source: Mutex<Source>,
    sum: Mutex<Sum>,
    changed: Condvar,
    /// How many windows were handed out.
    issued: AtomicU64,
    failures: AtomicU64,
    stopped: AtomicBool,
}

/// Searches the files.
pub(super) fn run(files: Vec<PathBuf>, options: &Options) -> Done {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // One more than cores, so that nobody idles while one waits for its turn.
    let threads = cores.min(4) + 1;
    let unread = Arc::new(Mutex::new(Unread::default()));
    let shared = Arc::new(Shared {
        source: Mutex::new(Source::new(files, Arc::clone(&unread))),
        sum: Mutex::new(Sum { working: threads, ..Sum::default() }),
        changed: Condvar::new(),
        issued: AtomicU64::new(0),
        failures: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
    });
    let stopping = Arc::clone(&shared);
    stop::on_interrupt(move || {
        stopping.stopped.store(true, Ordering::SeqCst);
        lock(&stopping.sum).interrupted = true;
        stopping.changed.notify_all();
    });
    for _ in 0..threads {
        let shared = Arc::clone(&shared);
        let searcher = Searcher::new(options.clone());
        std::thread::spawn(move || work(&shared, searcher));
    }
    let mut sum = shared
        .changed
        .wait_while(lock(&shared.sum), |sum| sum.working > 0 && !sum.interrupted)
        .unwrap_or_else(PoisonError::into_inner);
    if sum.broken {
        complain("a part of the search has failed; what follows is not the whole");
        shared.failures.fetch_add(1, Ordering::SeqCst);
    }
    let interrupted = sum.interrupted && sum.working > 0;
    if interrupted {
        let issued = || shared.issued.load(Ordering::SeqCst);
        sum = shared
            .changed
            .wait_timeout_while(sum, LAST_WINDOWS, |sum| sum.next < issued())
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        let unread = std::mem::take(&mut *lock(&unread));
        if sum.next == issued() {
            add_unread(&mut sum, unread, options);
        }
    }
    sum.summary.finish();
    end_file(&mut sum);
    Done {
        summary: std::mem::take(&mut sum.summary),
        files: std::mem::take(&mut sum.files),
        failures: shared.failures.load(Ordering::SeqCst),
        interrupted,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Shared, mut searcher: Searcher) {
    // However a thread ends, nobody waits for it.
    struct Leave<'a>(&'a Shared);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            let mut sum = lock(&self.0.sum);
            sum.working -= 1;
            sum.broken |= std::thread::panicking();
            drop(sum);
            self.0.changed.notify_all();
        }
    }
    let _leave = Leave(shared);
    let mut buffer = Vec::new();
    while !shared.stopped.load(Ordering::SeqCst) {
        let job = {
            let mut source = lock(&shared.source);
            let mut failed = |Failure(words)| {
                complain(&words);
                shared.failures.fetch_add(1, Ordering::SeqCst);
            };
            let job = source.next(&mut buffer, &mut failed);
            if job.is_some() {
                shared.issued.fetch_add(1, Ordering::SeqCst);
            }
            job
        };
        let Some(job) = job else { break };
        let window = Window { bytes: &buffer, own: job.own.clone(), offset: job.offset };
        let mut found = Vec::new();
        let newlines = searcher.search(&window, &mut found);
        let mut sum = shared
            .changed
            .wait_while(lock(&shared.sum), |sum| sum.next < job.number && !sum.broken)
            .unwrap_or_else(PoisonError::into_inner);
        if sum.broken {
            break;
        }
        add(&mut sum, &job, &buffer, newlines, &found);
        drop(sum);
        shared.changed.notify_all();
    }
}

fn add(sum: &mut Sum, job: &Job, bytes: &[u8], newlines: u64, found: &[Found<'_>]) {
    if let Some(name) = &job.begins {
        end_file(sum);
        sum.summary.begin_file();
        sum.files.push(File { name: name.clone(), lines: sum.summary.lines });
    }
    sum.summary.add(&bytes[job.own.clone()], newlines, found);
    sum.next += 1;
}

/// Turns the lines before the last file into the lines of it.
fn end_file(sum: &mut Sum) {
    // The summary counts a last line without a line end when the file ends.
    let lines = sum.summary.all_lines();
    if let Some(file) = sum.files.last_mut() {
        file.lines = lines - file.lines;
    }
}

/// Searches what a reader that still waits had read.
fn add_unread(sum: &mut Sum, mut unread: Unread, options: &Options) {
    let window = unread.feed.cut(&unread.bytes, true);
    let mut found = Vec::new();
    let newlines = Searcher::new(options.clone()).search(&window, &mut found);
    let Window { own, offset, .. } = window;
    let job = Job { number: sum.next, begins: unread.begins, own, offset };
    add(sum, &job, &unread.bytes, newlines, &found);
}
