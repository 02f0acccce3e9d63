//! Ctrl+C: the first asks for what there is, the second ends at once.

use super::INTERRUPTED;

/// Calls `stop` at the first Ctrl+C from now on. Without a way to hear of it the program ends as
/// any other.
pub(super) fn on_interrupt(stop: impl FnOnce() + Send + 'static) {
    // tokio is here anyway; its handler needs no further crate and no unsafe code of ours.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop();
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(i32::from(INTERRUPTED));
                }
            }
        });
    });
}
