//! The outcome of a test: its stages, and the failure as the card in a conversation shows it.

use std::fmt::Write as _;

use askama::Template;
use halo_engine::{DoctorReport, StageReport, TestFailure, Verdict, learned_words};
use halo_types::{Action, Diagnosis, Evidence, Headers, TransportClass};

use crate::strings::Words;
use crate::thread::raw::marked;

struct Stage {
    name: &'static str,
    words: &'static str,
    verdict: &'static str,
    verdict_words: &'static str,
    mark: &'static str,
    time: Option<String>,
    detail: String,
    /// The reply as it came, as HTML.
    raw: Option<String>,
    status: Option<u16>,
    headers: String,
}

struct Remedy {
    action: &'static str,
    text: String,
    url: Option<String>,
    /// Whether the address is on this very page.
    here: bool,
}

struct Failure {
    kind: &'static str,
    step: &'static str,
    headline: String,
    raw_heading: String,
    /// The provider's words as HTML, the deciding ones marked.
    raw: String,
    empty: bool,
    title: String,
    meaning: String,
    remedies: Vec<Remedy>,
    status: Option<u16>,
    url: Option<String>,
    headers: String,
}

#[derive(Template)]
#[template(path = "settings/report.html")]
struct ReportView {
    w: Words,
    stages: Vec<Stage>,
    good: Option<String>,
    /// A base URL to take instead of the one given.
    better: Option<String>,
    learned: Vec<String>,
    failure: Option<Failure>,
}

/// The report of an examination.
pub(super) fn of_test(w: Words, report: &DoctorReport) -> Result<String, askama::Error> {
    let failed = report.failure();
    let model = report.model.clone().unwrap_or_default();
    let good = failed.is_none().then(|| w.t1("settings-test-good", "model", model));
    let learned = report.learned.iter().filter_map(|fact| learned_words(fact, w.lang())).collect();
    ReportView {
        w,
        stages: report.stages.iter().map(|stage| shown(w, stage)).collect(),
        good,
        better: report.better_base.clone(),
        learned,
        failure: failed.map(|failed| {
            let step = failed.stage.words(w.lang());
            failure(w, failed, w.t1("settings-test-failed", "step", step))
        }),
    }
    .render()
}

fn shown(w: Words, stage: &StageReport) -> Stage {
    let lang = w.lang();
    let raw = stage.raw.as_ref().filter(|_| stage.failure.is_none());
    Stage {
        name: stage.stage.as_str(),
        words: stage.stage.words(lang),
        verdict: stage.verdict.as_str(),
        verdict_words: stage.verdict.words(lang),
        mark: match stage.verdict {
            Verdict::Passed => "✓",
            Verdict::Warned => "!",
            Verdict::Failed => "✗",
            Verdict::Skipped => "–",
        },
        time: (stage.verdict != Verdict::Skipped).then(|| w.t1("settings-test-ms", "ms", stage.ms)),
        detail: stage.proof.words(lang),
        status: raw.map(|raw| raw.status),
        headers: raw.map(|raw| header_lines(&raw.headers)).unwrap_or_default(),
        raw: raw.map(|raw| marked(&raw.body, None)),
    }
}

/// The failure of fetching the models.
pub(super) fn of_fetch(w: Words, failed: &TestFailure) -> Result<String, askama::Error> {
    let failure = Some(failure(w, failed, w.t("settings-fetch-failed")));
    ReportView { w, stages: Vec::new(), good: None, better: None, learned: Vec::new(), failure }
        .render()
}

fn failure(w: Words, failed: &TestFailure, headline: String) -> Failure {
    let TestFailure { stage, evidence, diagnosis } = failed;
    let raw = raw(evidence, diagnosis);
    let heading =
        if evidence.body.is_empty() { "settings-test-raw-local" } else { "settings-test-raw" };
    Failure {
        kind: diagnosis.kind.as_str(),
        step: stage.as_str(),
        headline,
        raw_heading: w.t(heading),
        empty: raw.is_empty(),
        raw,
        title: diagnosis.title.to_string(),
        meaning: diagnosis.meaning.to_string(),
        remedies: remedies(diagnosis, evidence),
        status: evidence.status,
        url: evidence.url.clone(),
        headers: header_lines(&evidence.headers),
    }
}

/// The body as it came; without a body, what the network said.
fn raw(evidence: &Evidence, diagnosis: &Diagnosis) -> String {
    if evidence.body.is_empty() {
        let chain = evidence.transport.as_ref().map(|fault| fault.chain.join("\n"));
        return marked(chain.unwrap_or_default().as_bytes(), None);
    }
    let span = diagnosis.because.span.filter(|_| diagnosis.because.field == "body");
    marked(evidence.body.as_bytes(), span)
}

/// Remedies that make sense for a test. Those that change a conversation do not, nor those that
/// would open a page nobody knows.
fn remedies(diagnosis: &Diagnosis, evidence: &Evidence) -> Vec<Remedy> {
    // Proxy and certificates are set a few fields above.
    let class = evidence.transport.as_ref().map(|fault| fault.class);
    let set_here = matches!(class, Some(TransportClass::Proxy | TransportClass::Certificate))
        || evidence.status == Some(407);
    diagnosis
        .remedies
        .iter()
        .filter_map(|remedy| {
            let field = match remedy.action {
                Action::Continue
                | Action::CompactAndResend
                | Action::ResendWithoutImages
                | Action::ShrinkImagesAndResend
                | Action::RepairHistoryAndResend
                | Action::DropParameterAndResend
                | Action::LowerMaxTokensAndResend
                | Action::SwitchModel
                | Action::SwitchProvider
                | Action::Report
                | Action::EditMessage
                | Action::NewConversation
                // The Test button stands right there.
                | Action::Resend
                | Action::WaitAndResend => return None,
                Action::OpenSettingsKey => Some("#key-0"),
                Action::OpenSettingsUrl => Some("#f-url"),
                Action::OpenSettingsModel => Some("#f-model"),
                Action::CheckNetwork if set_here => Some("#f-connection"),
                Action::OpenBilling
                | Action::OpenConsole
                | Action::OpenLimits
                | Action::OpenStatus
                | Action::ContactProvider
                    if remedy.url.is_none() =>
                {
                    return None;
                }
                Action::OpenBilling
                | Action::CheckNetwork
                | Action::OpenConsole
                | Action::OpenLimits
                | Action::OpenStatus
                | Action::ContactProvider => None,
            };
            Some(Remedy {
                action: remedy.action.as_str(),
                text: remedy.text.to_string(),
                here: field.is_some(),
                url: field
                    .map(str::to_owned)
                    .or_else(|| remedy.url.as_ref().map(ToString::to_string)),
            })
        })
        .collect()
}

fn header_lines(headers: &Headers) -> String {
    let mut text = String::new();
    for (name, value) in headers.iter() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use halo_diagnose::{Context, diagnose};
    use halo_engine::DoctorStage;

    use super::*;

    fn failed(evidence: Evidence) -> TestFailure {
        let diagnosis = diagnose(&evidence, &Context::default());
        TestFailure {
            stage: DoctorStage::Token,
            evidence: Box::new(evidence),
            diagnosis: Box::new(diagnosis),
        }
    }

    /// The text a browser shows for a `<pre>` without other elements than `<mark>`.
    fn text_of(html: &str) -> String {
        html.replace("<mark data-mark-words>", "")
            .replace("</mark>", "")
            .replace("&#13;", "\r")
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&gt;", ">")
            .replace("&lt;", "<")
            .replace("&amp;", "&")
    }

    #[test]
    fn the_providers_words_stand_there_to_the_letter() {
        for body in [
            r#"{"error":{"message":"Incorrect API key provided: sk-x."}}"#,
            "\n\r\n <html><script>alert(1)</script> &amp; \"quoted\" 'too'\r\n",
            "密钥无效 <b>",
        ] {
            let html = of_fetch(
                Words::default(),
                &failed(Evidence::from_http(401, halo_types::Headers::default(), body)),
            )
            .unwrap();
            let (_, pre) = html.split_once("<pre").unwrap();
            let (_, pre) = pre.split_once(">\n").unwrap();
            let (pre, _) = pre.split_once("</pre>").unwrap();
            assert_eq!(text_of(pre), body);
            assert!(!html.contains("<script>"), "{html}");
        }
    }

    #[test]
    fn a_fault_of_the_proxy_leads_to_its_field() {
        for (class, leads) in [(TransportClass::Proxy, true), (TransportClass::Refused, false)] {
            let fault = halo_types::TransportFailure { class, chain: vec!["no".to_owned()] };
            let evidence = Evidence { transport: Some(fault), ..Evidence::default() };
            let html = of_fetch(Words::default(), &failed(evidence)).unwrap();
            assert_eq!(html.contains("href=\"#f-connection\""), leads, "{html}");
        }
    }

    #[test]
    fn a_test_gives_no_advice_about_conversations() {
        let body = "This model's maximum context length is 8192 tokens.";
        let html = of_fetch(Words::default(), &failed(Evidence::from_text(body))).unwrap();
        assert!(!html.contains("compact_and_resend") && !html.contains("new_conversation"));
    }
}
