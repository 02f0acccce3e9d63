//! The texts of faults: the rules' own examples, and labelled errors where there are some.

use std::collections::BTreeMap;
use std::path::Path;

use halo_diagnose::{Context, diagnose};
use halo_types::{Diagnosis, Evidence, Kind, Phase};

use super::random::Random;
use crate::accuracy::record;

/// Longer waits are not sat out by anything: they are the person's to decide.
const LONGEST_WAIT_MS: u64 = 24 * 3_600_000;

/// An error in somebody's words, with what it means.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// Which example or record it is.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Kinds that count as right too.
    pub(super) also: Vec<Kind>,
    pub(super) transient: bool,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// Whether it is an event of a stream that began well.
    pub(super) event: bool,
    /// The wait it asks for.
    pub(super) told_ms: Option<u64>,
    /// What it names, for a cure that depends on it.
    pub(super) parameter: Option<String>,
    pub(super) window: Option<u64>,
    pub(super) input: Option<u64>,
    pub(super) max_output: Option<u64>,
}

impl Text {
    pub(super) fn allows(&self, kind: Kind) -> bool {
        kind == self.kind || self.also.contains(&kind)
    }

    /// A text of the harness' own, for faults without words of a provider.
    pub(super) fn plain(id: &str, kind: Kind, also: &[Kind], status: u16, body: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            also: also.to_vec(),
            transient: true,
            status,
            headers: Vec::new(),
            body: body.to_owned(),
            event: false,
            told_ms: None,
            parameter: None,
            window: None,
            input: None,
            max_output: None,
        }
    }
}

/// All texts, by source and kind.
#[derive(Debug, Default)]
pub(super) struct Pool {
    sources: [BTreeMap<Kind, Vec<Text>>; 2],
    /// Records of the corpus that are used.
    pub(super) corpus: usize,
    /// Examples of rules that are used.
    pub(super) examples: usize,
    /// Texts that can only be read by who knows which vendor was asked; on a loopback address
    /// nobody does.
    pub(super) need_vendor: usize,
    /// Texts that ask for a wait of more than a day.
    pub(super) too_long: usize,
}

impl Pool {
    /// Reads the rules, and the corpus where there is one.
    pub(super) fn load(corpus: &Path) -> anyhow::Result<Self> {
        let mut pool = Self::default();
        for rule in halo_diagnose::rules() {
            for (number, example) in rule.example.iter().enumerate() {
                let kind = example.kind.unwrap_or(rule.kind);
                // Whether pictures were sent is the harness' to decide.
                let pictured = example.images.is_none()
                    || matches!(kind, Kind::ImageUnsupported | Kind::ImageInvalid);
                if example.partial_chars > 0 || example.transport.is_some() || !pictured {
                    continue;
                }
                let transient = example.transient.or(rule.transient);
                let id = format!("{}#{number}", rule.id);
                let evidence = example.evidence();
                let event = example.phase == Some(Phase::Stream);
                let transient = transient.unwrap_or_else(|| kind.is_transient());
                pool.take(0, id, evidence, event, (kind, &[], transient));
            }
        }
        for name in ["documented.jsonl", "realworld.jsonl"] {
            let path = corpus.join(name);
            if !path.is_file() {
                continue;
            }
            for line in std::fs::read_to_string(&path)?.lines() {
                let form: serde_json::Value = serde_json::from_str(line)?;
                let event = form["form"] == "stream_event";
                if form["form"] != "http_body" && !event {
                    continue;
                }
                let record: record::Record = serde_json::from_str(line)?;
                if record.transient_unsure {
                    continue;
                }
                let label = (record.kind, record.also.as_slice(), record.transient);
                pool.take(1, record.id.clone(), record.evidence.clone(), event, label);
            }
        }
        pool.examples = pool.sources[0].values().map(Vec::len).sum();
        pool.corpus = pool.sources[1].values().map(Vec::len).sum();
        Ok(pool)
    }

    fn take(
        &mut self,
        source: usize,
        id: String,
        evidence: Evidence,
        event: bool,
        (kind, also, transient): (Kind, &[Kind], bool),
    ) {
        let status = evidence.status.unwrap_or(if event { 200 } else { 0 });
        let playable = (200..600).contains(&status)
            && ![204, 205, 304].contains(&status)
            && !(300..400).contains(&status);
        let body = evidence.body.text().into_owned();
        if !playable || (body.trim().is_empty() && status < 400) {
            return;
        }
        let Some(body) = (if event { data_of(&body) } else { Some(body) }) else { return };
        // As an engine reads it that asked a relay nobody knows.
        let asked = Evidence {
            provider: None,
            url: Some("http://127.0.0.1:1/v1".to_owned()),
            ..evidence.clone()
        };
        let alone = diagnose(&asked, &Context::default());
        let right =
            |diagnosis: &Diagnosis| diagnosis.kind == kind || also.contains(&diagnosis.kind);
        if !right(&alone) && right(&diagnose(&evidence, &Context::default())) {
            self.need_vendor += 1;
            return;
        }
        let told_ms = alone.retry.as_ref().map(|retry| retry.after_ms);
        if told_ms.is_some_and(|ms| ms > LONGEST_WAIT_MS) {
            self.too_long += 1;
            return;
        }
        let skipped = ["content-length", "content-encoding", "transfer-encoding", "connection"];
        let mut headers: Vec<(String, String)> = evidence
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .filter(|(name, _)| !skipped.contains(&name.as_str()))
            .collect();
        if !headers.iter().any(|(name, _)| name == "content-type") {
            let media = match body.trim_start().bytes().next() {
                Some(b'<') => "text/html; charset=utf-8",
                Some(b'{' | b'[') => "application/json",
                _ => "text/plain; charset=utf-8",
            };
            headers.push(("content-type".to_owned(), media.to_owned()));
        }
        let mut also = also.to_vec();
        if status == 200 && kind == Kind::InvalidResponse {
            // To a request for a stream it is a stream that ends before its end.
            also.push(Kind::StreamInterrupted);
        }
        let facts = alone.facts;
        self.sources[source].entry(kind).or_default().push(Text {
            id,
            kind,
            also,
            transient,
            status,
            headers,
            body,
            event,
            told_ms,
            parameter: facts.parameter,
            window: facts.context_window,
            input: facts.input_tokens,
            max_output: facts.max_output_tokens,
        });
    }

    /// A text of this kind that is as wanted, half of the time from the corpus.
    pub(super) fn draw(
        &self,
        random: &mut Random,
        kind: Kind,
        wanted: impl Fn(&Text) -> bool,
    ) -> Option<&Text> {
        let first = usize::from(random.percent(50));
        [first, 1 - first].into_iter().find_map(|source| {
            let fit: Vec<&Text> =
                self.sources[source].get(&kind)?.iter().filter(|text| wanted(text)).collect();
            random.pick(&fit).copied()
        })
    }
}

/// The data of an event as it can stand in one line; `None` where it cannot.
fn data_of(frame: &str) -> Option<String> {
    let data: String = frame
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim)
        .filter(|data| *data != "[DONE]")
        .collect::<Vec<_>>()
        .join("");
    let data = if data.is_empty() { frame.trim().to_owned() } else { data };
    let json = serde_json::from_str::<serde_json::Value>(&data).ok()?;
    Some(json.to_string())
}
