//! Halo beside LiteLLM on the same records, in groups that both can tell apart.
//!
//! Read the figures with care: whoever writes Halo's rules has seen the sets that are handed out,
//! and LiteLLM is made to map live answers, not pasted texts. So each form of record has a line of
//! its own, doubtful cases are counted for LiteLLM (see [`groups`]), and the fair comparison is
//! the line "HTTP error" of a set that neither side has seen.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{self, Record};
use super::tally::{Outcome, percent};
use super::{Options, groups, name_of, share};

/// The script that speaks for LiteLLM.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/litellm.py");

/// The first line of the script.
#[derive(Deserialize)]
struct Head {
    version: String,
    openai: String,
}

/// What LiteLLM made of one record.
#[derive(Deserialize)]
struct Verdict {
    class: String,
    status: Option<u16>,
    retry: bool,
}

/// Who is right about something.
#[derive(Default)]
struct Score {
    counted: usize,
    halo: usize,
    peer: usize,
    only_halo: usize,
    only_peer: usize,
}

impl Score {
    fn add(&mut self, halo: bool, peer: bool) {
        self.counted += 1;
        self.halo += usize::from(halo);
        self.peer += usize::from(peer);
        self.only_halo += usize::from(halo && !peer);
        self.only_peer += usize::from(peer && !halo);
    }

    fn json(&self) -> Value {
        json!({
            "records": self.counted,
            "halo": share(self.halo, self.counted),
            "litellm": share(self.peer, self.counted),
            "only_halo_right": self.only_halo,
            "only_litellm_right": self.only_peer,
        })
    }

    fn print(&self, out: &mut impl Write, name: &str) -> std::io::Result<()> {
        writeln!(
            out,
            "  {name:<34}{:>8}{:>10}{:>10}{:>11}{:>13}",
            self.counted,
            percent(self.halo, self.counted),
            percent(self.peer, self.counted),
            self.only_halo,
            self.only_peer,
        )
    }
}

/// The comparison over one set.
#[derive(Default)]
struct Comparison {
    group: Score,
    /// The same by what the record is, since a text without status gives LiteLLM least to go on.
    by_form: BTreeMap<&'static str, Score>,
    transient: Score,
    /// Errors that must not be sent again, and who would.
    must_not_be_resent: usize,
    harmful: [usize; 2],
    by_group: BTreeMap<&'static str, Score>,
    /// Labelled group, what the wrong one said; the right one is the other.
    halo_alone: BTreeMap<(&'static str, String), usize>,
    peer_alone: BTreeMap<(&'static str, String), usize>,
}

impl Comparison {
    fn add(
        &mut self,
        record: &Record,
        outcome: &Outcome,
        verdict: &Verdict,
    ) -> Option<(bool, bool)> {
        if let Some(halo) = outcome.transient_right {
            let peer = record.transient_right(verdict.retry) == Some(true);
            self.transient.add(halo, peer);
        }
        if record.must_not_be_resent() {
            self.must_not_be_resent += 1;
            self.harmful[0] += usize::from(outcome.harmful);
            self.harmful[1] += usize::from(verdict.retry);
        }
        let label = groups::of_kind(record.kind)?;
        let called = groups::of_kind(outcome.called);
        let mut right = std::iter::once(record.kind)
            .chain(record.also.iter().copied())
            .filter_map(groups::of_kind);
        let halo = right.clone().any(|group| called == Some(group));
        let peer = right.any(|group| groups::class_is_in(&verdict.class, verdict.status, group));
        self.group.add(halo, peer);
        self.by_form.entry(form(record)).or_default().add(halo, peer);
        self.by_group.entry(label).or_default().add(halo, peer);
        if halo && !peer {
            let status = verdict.status.map_or(String::new(), |status| format!(" {status}"));
            let said = format!("{}{status}", verdict.class);
            *self.halo_alone.entry((label, said)).or_default() += 1;
        }
        if peer && !halo {
            let said = format!("{} by {}", outcome.called, outcome.rule);
            *self.peer_alone.entry((label, said)).or_default() += 1;
        }
        Some((halo, peer))
    }

    fn json(&self) -> Value {
        let by = |scores: &BTreeMap<&'static str, Score>| -> Value {
            scores.iter().map(|(name, score)| ((*name).to_owned(), score.json())).collect()
        };
        json!({
            "group": self.group.json(),
            "transient": self.transient.json(),
            "must_not_be_resent": self.must_not_be_resent,
            "harmful_transient": {"halo": self.harmful[0], "litellm": self.harmful[1]},
            "by_form": by(&self.by_form),
            "by_group": by(&self.by_group),
        })
    }

    fn print(&self, out: &mut impl Write, name: &str) -> std::io::Result<()> {
        writeln!(
            out,
            "{name}\n  {:<34}{:>8}{:>10}{:>10}{:>11}{:>13}",
            "", "records", "halo", "litellm", "only halo", "only litellm"
        )?;
        self.group.print(out, "group of the kind")?;
        for (form, score) in &self.by_form {
            score.print(out, &format!("  {form}"))?;
        }
        self.transient.print(out, "transient")?;
        writeln!(
            out,
            "  {:<34}{:>8}{:>10}{:>10}",
            "resends what it must not", self.must_not_be_resent, self.harmful[0], self.harmful[1],
        )?;
        writeln!(out, "\n  by labelled group")?;
        for (group, score) in &self.by_group {
            score.print(out, &format!("  {group}"))?;
        }
        print_alone(out, "halo right, litellm wrong: labelled ← litellm said", &self.halo_alone)?;
        print_alone(out, "litellm right, halo wrong: labelled ← halo said", &self.peer_alone)
    }
}

fn print_alone(
    out: &mut impl Write,
    title: &str,
    counts: &BTreeMap<(&'static str, String), usize>,
) -> std::io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {title}")?;
    let mut list: Vec<_> = counts.iter().collect();
    list.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for ((label, said), count) in list {
        writeln!(out, "  {count:>5}  {label} ← {said}")?;
    }
    Ok(())
}

fn form(record: &Record) -> &'static str {
    match record.evidence.status {
        Some(400..) => "HTTP error",
        Some(_) => "HTTP 200 with an error inside",
        None => "text without status",
    }
}

/// Runs `accuracy FILE… --peer litellm`.
pub(super) fn run(options: &Options<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let python = installed()?;
    let mut figures = serde_json::Map::new();
    for file in &options.files {
        let records: Vec<Record> = record::read(Path::new(file))?.collect::<Result<_, _>>()?;
        let (head, verdicts) = ask(&python, &records)?;
        let mut comparison = Comparison::default();
        for (record, verdict) in records.iter().zip(&verdicts) {
            let outcome = Outcome::of(record);
            let right = comparison.add(record, &outcome, verdict);
            if options.wrong && !options.json && right.is_some_and(|(halo, peer)| halo != peer) {
                writeln!(
                    out,
                    "{} {}: halo {} ({}), litellm {} {:?}\n    {}",
                    record.id,
                    record.kind,
                    outcome.called,
                    outcome.rule,
                    verdict.class,
                    verdict.status,
                    record.summary(),
                )?;
            }
        }
        let name = name_of(file);
        if options.json {
            let mut line = comparison.json();
            line["litellm_version"] = Value::from(head.version);
            line["openai_version"] = Value::from(head.openai);
            figures.insert(name, line);
        } else {
            let title = format!(
                "{name}, beside LiteLLM {} with openai {}, in groups (--mapping)",
                head.version, head.openai
            );
            comparison.print(out, &title)?;
            writeln!(out)?;
        }
    }
    if options.json {
        writeln!(out, "{}", Value::Object(figures))?;
    }
    Ok(())
}

/// Lets LiteLLM judge the records.
fn ask(python: &Path, records: &[Record]) -> anyhow::Result<(Head, Vec<Verdict>)> {
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", python.display()))?;
    let mut input = child.stdin.take().context("the child has an input")?;
    let output = child.stdout.take().context("the child has an output")?;
    let lines: Vec<String> =
        records.iter().map(|r| serde_json::to_string(&r.evidence)).collect::<Result<_, _>>()?;
    // Written beside, so that neither side waits for the other with a full pipe.
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        lines.iter().try_for_each(|line| writeln!(input, "{line}"))
    });
    let mut answers = BufReader::new(output).lines();
    let head = answers.next().context("LiteLLM did not start")??;
    let head: Head = serde_json::from_str(&head)?;
    let verdicts: Vec<Verdict> =
        answers.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<anyhow::Result<_>>()?;
    let status = child.wait()?;
    ensure!(status.success(), "{SCRIPT} ended with {status}");
    match writer.join() {
        Ok(written) => written?,
        Err(_) => bail!("writing the records to LiteLLM failed"),
    }
    ensure!(verdicts.len() == records.len(), "LiteLLM judged {} records", verdicts.len());
    Ok((head, verdicts))
}

/// The interpreter of LiteLLM's own environment, made on first use.
fn installed() -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let home = target.join("peers/litellm");
    let python = home.join("bin/python");
    let ready = home.join("installed");
    if !ready.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", "litellm"]))?;
        std::fs::write(&ready, "")?;
    }
    Ok(python)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    // What it prints belongs to the reader, not to the figures.
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
