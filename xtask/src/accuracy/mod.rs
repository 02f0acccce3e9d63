//! How well the diagnosis reads labelled errors, alone or beside a peer.

mod groups;
mod peer;
pub(crate) mod record;
mod tally;

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use record::Record;
use tally::{Outcome, Tally};

/// What the command line asks for.
#[derive(Default)]
struct Options<'a> {
    files: Vec<&'a str>,
    json: bool,
    wrong: bool,
    rules: bool,
    mapping: bool,
    peer: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn parse(args: &'a [String]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            match arg {
                "--json" => options.json = true,
                "--wrong" => options.wrong = true,
                "--rules" => options.rules = true,
                "--mapping" => options.mapping = true,
                "--peer" => match args.next() {
                    Some(name) => options.peer = Some(name),
                    None => bail!("--peer needs a name"),
                },
                unknown if unknown.starts_with("--") => {
                    bail!("{unknown} is no option of accuracy");
                }
                file => options.files.push(file),
            }
        }
        if options.files.is_empty() && !options.mapping {
            bail!("name at least one file of labelled records");
        }
        Ok(options)
    }
}

/// Runs `accuracy FILE… [--json] [--wrong] [--rules] [--peer litellm] [--mapping]`.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(args)?;
    let mut out = std::io::stdout().lock();
    if options.mapping {
        groups::print(&mut out)?;
    }
    if options.files.is_empty() {
        return Ok(());
    }
    match options.peer {
        None => alone(&options, &mut out),
        Some("litellm") => peer::run(&options, &mut out),
        Some(other) => bail!("{other} is no peer; there is litellm"),
    }
}

fn alone(options: &Options<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let mut figures = serde_json::Map::new();
    let mut everything = Tally::default();
    for (number, file) in options.files.iter().enumerate() {
        let mut all = Tally::default();
        let mut documented = Tally::default();
        for record in record::read(Path::new(file))? {
            let record = record?;
            let outcome = Outcome::of(&record);
            all.add(&record, &outcome);
            everything.add(&record, &outcome);
            if record.is_documented() {
                documented.add(&record, &outcome);
            }
            if options.wrong && outcome.is_wrong() && !options.json {
                print_wrong(out, &record, &outcome)?;
            }
        }
        let name = name_of(file);
        if options.json {
            let mut line = all.json();
            if documented.records > 0 {
                line["doc"] = documented.json();
            }
            let name = if figures.contains_key(&name) { (*file).to_owned() } else { name };
            figures.insert(name, line);
            continue;
        }
        if number > 0 || options.wrong {
            writeln!(out)?;
        }
        all.print_head(out, &name)?;
        if documented.records > 0 {
            documented.print_head(out, &format!("{name}, documented ones"))?;
        }
        all.print_details(out)?;
        if options.rules {
            all.print_rules(out)?;
        }
    }
    if options.json {
        figures.insert("all".to_owned(), everything.json());
        writeln!(out, "{}", serde_json::Value::Object(figures))?;
    } else if options.files.len() > 1 {
        writeln!(out)?;
        everything.print_head(out, "all sets")?;
    }
    Ok(())
}

fn print_wrong(out: &mut impl Write, record: &Record, outcome: &Outcome) -> std::io::Result<()> {
    let mut faults = Vec::new();
    if outcome.transient_right == Some(false) {
        faults.push(format!("transient {} → {}", record.transient, outcome.transient));
    }
    if outcome.wait_right == Some(false) {
        faults.push(format!("wait {:?} → {:?}", record.retry_after_s, outcome.wait_s));
    }
    let faults =
        if faults.is_empty() { String::new() } else { format!(" [{}]", faults.join(", ")) };
    writeln!(
        out,
        "{} {} → {} ({}){faults}\n    {}",
        record.id,
        record.kind,
        outcome.called,
        outcome.rule,
        record.summary(),
    )
}

fn name_of(file: &str) -> String {
    Path::new(file).file_name().map_or(file.into(), |n| n.to_string_lossy()).into_owned()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
