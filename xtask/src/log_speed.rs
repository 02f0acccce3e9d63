//! How fast `halo explain --log` is beside ripgrep, which looks for the same literals.
//!
//! The log is made up, from a seed: lines as several programs write them, and among them errors of
//! providers from the rules' own examples. ripgrep counts the lines with a literal; Halo reads
//! them, diagnoses them and sums them up. Both run in turn, on a file that is in memory.

mod generate;

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// What `cargo xtask log-speed` was asked for.
struct Args {
    mb: u64,
    rounds: usize,
    halo: Option<PathBuf>,
}

/// Runs `cargo xtask log-speed`.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let args = parse(args)?;
    let rg = rg()?;
    let halo = match args.halo {
        Some(path) => path,
        None => build()?,
    };
    let folder = Path::new("target/log-speed");
    std::fs::create_dir_all(folder)?;
    let log = folder.join(format!("made-up-{}.log", args.mb));
    make(&log, args.mb * 1024 * 1024)?;
    let literals = folder.join("literals.txt");
    let list = Command::new(&halo)
        .args(["explain", "--log", "--literals"])
        .output()
        .with_context(|| format!("cannot run {}", halo.display()))?;
    ensure!(list.status.success(), "{} explain --log --literals failed", halo.display());
    std::fs::write(&literals, list.stdout)?;
    warm(&log)?;

    let mut rg = Command::new(rg);
    rg.args(["-c", "-F", "-f"]).arg(&literals).arg(&log);
    let mut halo = Command::new(halo);
    halo.args(["explain", "--log", "--json"]).arg(&log);
    let (hits, _) = timed(&mut rg)?;
    let (summary, _) = timed(&mut halo)?;
    let summary: serde_json::Value = serde_json::from_str(&summary)?;
    say(&format!(
        "{} MiB, {} lines, {} with a literal, {} provider errors of {} kinds",
        args.mb,
        summary["lines"],
        hits.trim(),
        summary["total"],
        summary["kinds"].as_array().map_or(0, Vec::len),
    ));
    let mut times = Vec::new();
    for round in 1..=args.rounds {
        let (_, theirs) = timed(&mut rg)?;
        let (_, ours) = timed(&mut halo)?;
        say(&format!(
            "round {round}: rg {:.3} s, halo {:.3} s, speed {:.2} of rg's",
            theirs.as_secs_f64(),
            ours.as_secs_f64(),
            theirs.as_secs_f64() / ours.as_secs_f64()
        ));
        times.push((theirs, ours));
    }
    let theirs = median(times.iter().map(|(theirs, _)| *theirs));
    let ours = median(times.iter().map(|(_, ours)| *ours));
    say(&format!(
        "median: rg {:.3} s, halo {:.3} s, speed {:.2} of rg's (aim: at least 0.50)",
        theirs.as_secs_f64(),
        ours.as_secs_f64(),
        theirs.as_secs_f64() / ours.as_secs_f64()
    ));
    Ok(())
}

fn parse(args: &[String]) -> anyhow::Result<Args> {
    let mut parsed = Args { mb: 1024, rounds: 5, halo: None };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--mb" => parsed.mb = value()?.parse().context("--mb takes a number")?,
            "--rounds" => parsed.rounds = value()?.parse().context("--rounds takes a number")?,
            "--halo" => parsed.halo = Some(value()?.into()),
            other => bail!("log-speed knows --mb, --rounds and --halo, not {other}"),
        }
    }
    ensure!(parsed.mb > 0 && parsed.rounds > 0, "--mb and --rounds must be at least 1");
    Ok(parsed)
}

fn rg() -> anyhow::Result<&'static str> {
    let there = Command::new("rg").arg("--version").stdout(Stdio::null()).status().is_ok();
    ensure!(
        there,
        "ripgrep is missing: install it with `apt-get install ripgrep` or `cargo install ripgrep`"
    );
    Ok("rg")
}

fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "halo-cli", "--bin", "halo"])
        .status()?;
    ensure!(status.success(), "the release build failed");
    Ok(PathBuf::from("target/release/halo"))
}

/// Makes the log, unless it is there.
fn make(path: &Path, size: u64) -> anyhow::Result<()> {
    if path.metadata().is_ok_and(|there| there.len() >= size) {
        return Ok(());
    }
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut generator = generate::Generator::new(0x0048_616c_6f00);
    let mut text = String::new();
    let mut written = 0;
    while written < size {
        text.clear();
        for _ in 0..100 {
            generator.record(&mut text);
        }
        out.write_all(text.as_bytes())?;
        written += text.len() as u64;
    }
    out.flush()?;
    Ok(())
}

/// Reads the file, so that it is in memory.
fn warm(path: &Path) -> anyhow::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn timed(command: &mut Command) -> anyhow::Result<(String, Duration)> {
    let begun = Instant::now();
    let output = command.stderr(Stdio::inherit()).output()?;
    let took = begun.elapsed();
    ensure!(output.status.success(), "{command:?} failed");
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), took))
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[expect(clippy::print_stdout, reason = "a chore reports on standard output")]
fn say(text: &str) {
    println!("{text}");
}
