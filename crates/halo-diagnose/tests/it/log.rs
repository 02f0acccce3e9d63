//! Errors of providers in logs: what counts, what does not, and how often.

mod counts;
mod files;
mod splits;

use halo_diagnose::log::{Options, Scan, Summary};
use halo_types::Timestamp;

/// 2026-11-01T12:00:00Z
const NOW: Timestamp = Timestamp(1_793_534_400_000);

fn options() -> Options {
    Options { provider: None, now: Some(NOW) }
}

fn scan(text: &[u8]) -> Summary {
    let mut scan = Scan::new(options());
    scan.begin_file();
    scan.push(text);
    scan.finish()
}

/// Everything of a summary as text.
fn told(summary: &Summary) -> String {
    use std::fmt::Write as _;
    let mut out = format!(
        "{} lines, {} errors, {} of them transient, {} repeated\n",
        summary.lines, summary.total.count, summary.total.transient, summary.repeated
    );
    for (kind, count) in &summary.kinds {
        let _ = writeln!(out, "{kind}: {}", count.count);
    }
    for (vendor, count) in &summary.vendors {
        let _ = writeln!(out, "from {}: {count}", vendor.unwrap_or("nobody known"));
    }
    for group in summary.worst() {
        let _ = writeln!(
            out,
            "{}x {} ({}) line {} at {}",
            group.count.count,
            group.kind,
            group.rule,
            group.place.line,
            group.stamp.map_or_else(|| "no time".to_owned(), |stamp| stamp.text())
        );
    }
    out
}
