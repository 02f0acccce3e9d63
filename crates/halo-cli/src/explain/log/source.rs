//! The files one after another as windows, unpacked where they are gzip.

use std::collections::VecDeque;
use std::io::{self, BufReader, Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use halo_diagnose::log::Feed;

/// How many bytes are read at a time; they stay in the cache of a core while it searches them.
const STEP: usize = 1024 * 1024;

/// A window's bytes lie in the buffer of who searches it; this tells the rest.
#[derive(Debug)]
pub(super) struct Job {
    /// The number of the window over all files.
    pub(super) number: u64,
    /// Whether it begins a file, and its name.
    pub(super) begins: Option<String>,
    pub(super) own: Range<usize>,
    pub(super) offset: u64,
}

/// What was read of a pipe or terminal and not handed out yet: whoever interrupts a reader that
/// waits finds it here.
#[derive(Debug, Default)]
pub(super) struct Unread {
    pub(super) feed: Feed,
    pub(super) bytes: Vec<u8>,
    pub(super) begins: Option<String>,
}

/// A file that could not be opened or read to its end.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

struct Open {
    name: String,
    reader: Box<dyn Read + Send>,
    feed: Feed,
    begun: bool,
    /// Whether reading may wait for somebody else.
    live: bool,
}

pub(super) struct Source {
    files: VecDeque<PathBuf>,
    open: Option<Open>,
    next: u64,
    unread: Arc<Mutex<Unread>>,
}

impl Source {
    pub(super) fn new(files: Vec<PathBuf>, unread: Arc<Mutex<Unread>>) -> Self {
        Self { files: files.into(), open: None, next: 0, unread }
    }

    /// Reads the next window into `buffer`; `None` when all files are read.
    pub(super) fn next(
        &mut self,
        buffer: &mut Vec<u8>,
        failed: &mut dyn FnMut(Failure),
    ) -> Option<Job> {
        loop {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => {
                    let path = self.files.pop_front()?;
                    match begin(&path) {
                        Ok(open) => open,
                        Err(error) => {
                            failed(Failure(format!("cannot read {}: {error}", path.display())));
                            continue;
                        }
                    }
                }
            };
            open.feed.overlap(buffer);
            let begins = (!open.begun).then(|| open.name.clone());
            let filled = match self.fill(&mut open, buffer, begins.as_ref()) {
                Ok(filled) => filled,
                Err(error) => {
                    failed(Failure(format!("cannot read {} to its end: {error}", open.name)));
                    // What was read until then counts, unless it is nothing.
                    if begins.is_some() && buffer.is_empty() {
                        continue;
                    }
                    false
                }
            };
            let window = open.feed.cut(buffer, !filled);
            let job = Job { number: self.next, begins, own: window.own, offset: window.offset };
            self.next += 1;
            open.begun = true;
            if filled {
                self.open = Some(open);
            }
            return Some(job);
        }
    }

    /// Adds the next bytes to the buffer; whether there may be more behind them.
    fn fill(
        &self,
        open: &mut Open,
        buffer: &mut Vec<u8>,
        begins: Option<&String>,
    ) -> io::Result<bool> {
        let mut end = buffer.len();
        let full = end + STEP;
        if open.live {
            let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
            *unread =
                Unread { feed: open.feed.clone(), bytes: buffer.clone(), begins: begins.cloned() };
        }
        buffer.resize(full, 0);
        let more = loop {
            match open.reader.read(&mut buffer[end..full]) {
                Ok(0) => break Ok(false),
                Ok(read) => {
                    if open.live {
                        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
                        unread.bytes.extend_from_slice(&buffer[end..end + read]);
                    }
                    end += read;
                    if end == full {
                        break Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        buffer.truncate(end);
        if open.live {
            // It is handed out now.
            *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = Unread::default();
        }
        more
    }
}

fn begin(path: &Path) -> io::Result<Open> {
    let (name, mut reader, live): (_, Box<dyn Read + Send>, _) = if path.as_os_str() == "-" {
        ("-".to_owned(), Box::new(io::stdin()), true)
    } else {
        let file = std::fs::File::open(path)?;
        let live = !file.metadata()?.is_file();
        (path.display().to_string(), Box::new(file), live)
    };
    // What the file is, its first bytes tell, not its name.
    let mut head = Vec::with_capacity(2);
    (&mut reader).take(2).read_to_end(&mut head)?;
    let packed = head == [0x1f, 0x8b];
    let whole = Cursor::new(head).chain(reader);
    let reader: Box<dyn Read + Send> = if packed {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(128 * 1024, whole)))
    } else {
        Box::new(whole)
    };
    Ok(Open { name, reader, feed: Feed::default(), begun: false, live })
}
