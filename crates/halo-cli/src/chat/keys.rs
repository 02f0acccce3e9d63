//! Keys that count while an answer is under way: single ones, without Enter and without echo.
//!
//! They are read only while a turn waits; what is typed while an answer comes stays for the prompt.

use tokio::sync::mpsc;

/// Reads keys until it is dropped, and gives the terminal back as it was.
pub(super) struct Keys {
    pressed: mpsc::UnboundedReceiver<u8>,
    #[cfg(unix)]
    terminal: unix::Terminal,
}

impl Keys {
    /// For a person at a terminal; `None` where there is none.
    pub(super) fn listen() -> Option<Self> {
        #[cfg(unix)]
        {
            let (tell, pressed) = mpsc::unbounded_channel();
            Some(Self { pressed, terminal: unix::Terminal::take(tell)? })
        }
        #[cfg(not(unix))]
        None
    }

    /// Whether keys count now.
    pub(super) fn attend(&self, on: bool) {
        #[cfg(unix)]
        self.terminal.attend(on);
        #[cfg(not(unix))]
        let _ = on;
    }

    /// The next key.
    pub(super) async fn next(&mut self) -> Option<u8> {
        self.pressed.recv().await
    }
}

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::JoinHandle;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use tokio::sync::mpsc::UnboundedSender;

    /// How soon the thread notices that it is not needed any more.
    const GLANCE: Duration = Duration::from_millis(50);

    pub(super) struct Terminal {
        before: Termios,
        attends: Arc<AtomicBool>,
        over: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl Terminal {
        pub(super) fn take(tell: UnboundedSender<u8>) -> Option<Self> {
            let before = tcgetattr(stdin()).ok()?;
            let mut quiet = before.clone();
            // Ctrl+C stays a signal.
            quiet.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &quiet).ok()?;
            let attends = Arc::new(AtomicBool::new(false));
            let over = Arc::new(AtomicBool::new(false));
            let thread = {
                let (attends, over) = (Arc::clone(&attends), Arc::clone(&over));
                std::thread::spawn(move || read(&attends, &over, &tell))
            };
            Some(Self { before, attends, over, thread: Some(thread) })
        }

        pub(super) fn attend(&self, on: bool) {
            self.attends.store(on, Ordering::Relaxed);
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            self.over.store(true, Ordering::Relaxed);
            if let Some(thread) = self.thread.take() {
                // It ends within a glance; a panic there has nothing to tell here.
                let _ = thread.join();
            }
            // A terminal that is gone needs no mode.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        }
    }

    fn read(attends: &AtomicBool, over: &AtomicBool, tell: &UnboundedSender<u8>) {
        let glance = Timespec { tv_sec: 0, tv_nsec: i64::from(GLANCE.subsec_nanos()) };
        while !over.load(Ordering::Relaxed) {
            if !attends.load(Ordering::Relaxed) {
                std::thread::sleep(GLANCE);
                continue;
            }
            let stdin = stdin();
            let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut ready, Some(&glance)) {
                Ok(0) => {}
                Ok(_) => {
                    let mut key = [0];
                    match rustix::io::read(stdin, &mut key) {
                        Ok(1..) => {
                            // Nobody listening is fine.
                            let _ = tell.send(key[0]);
                        }
                        _ => return,
                    }
                }
                // Interrupted by a signal: look again.
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}
