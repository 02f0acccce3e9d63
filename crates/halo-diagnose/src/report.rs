//! A report of one failure in Markdown, ready for an issue or a support request.

use std::fmt::Write as _;

use halo_types::{Diagnosis, Evidence, Lang, redact};

/// The longest part of a body that a report carries, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// A report in Markdown with secrets masked. `extra` adds rows to its head, such as the version.
///
/// ```
/// use halo_diagnose::{Context, diagnose, report};
/// use halo_types::{Evidence, Lang};
///
/// let evidence = Evidence::from_text("Incorrect API key provided: sk-abcdefghijklmnopqrstuv");
/// let diagnosis = diagnose(&evidence, &Context::default());
/// let text = report(&evidence, &diagnosis, &[("Version".into(), "0.1.0".into())], Lang::En);
/// assert!(text.contains("sk-abcd…stuv") && !text.contains("ijklmnop"));
/// ```
#[must_use]
pub fn report(
    evidence: &Evidence,
    diagnosis: &Diagnosis,
    extra: &[(String, String)],
    lang: Lang,
) -> String {
    let words = Words::of(lang);
    let mut rows: Vec<(&str, String)> = Vec::new();
    rows.push((words.kind, format!("`{}`", diagnosis.kind)));
    rows.push((words.transient, if diagnosis.transient { words.yes } else { words.no }.to_owned()));
    if let Some(vendor) = &diagnosis.vendor {
        rows.push((words.vendor, vendor.clone()));
    }
    if !diagnosis.layers.is_empty() {
        rows.push((words.layers, diagnosis.layers.join(" → ")));
    }
    if let Some(status) = evidence.status {
        rows.push((words.status, status.to_string()));
    }
    if let Some(url) = &evidence.url {
        rows.push(("URL", url.clone()));
    }
    if let Some(model) = evidence.request.model.as_ref().or(diagnosis.facts.model.as_ref()) {
        rows.push((words.model, model.clone()));
    }
    if let Some(id) = &diagnosis.facts.request_id {
        rows.push((words.request_id, format!("`{id}`")));
    }
    if let Some(phase) = evidence.phase {
        rows.push((words.phase, format!("{phase:?}").to_lowercase()));
    }
    if let Some(at) = evidence.at {
        rows.push((words.time, crate::calendar::rfc3339(at)));
    }
    if let Some(retry) = &diagnosis.retry {
        rows.push((words.wait, format!("{} ms ({})", retry.after_ms, retry.from)));
    }
    rows.push((words.rule, format!("`{}`", diagnosis.because.rule)));

    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(out, "# {}\n\n{}\n\n", diagnosis.title, diagnosis.meaning);
    for (name, value) in rows
        .iter()
        .map(|(name, value)| (*name, value))
        .chain(extra.iter().map(|(n, v)| (n.as_str(), v)))
    {
        let _ = writeln!(out, "- **{name}**: {}", redact::mask(value, &[]).replace('\n', " "));
    }
    if let Some(transport) = evidence.transport.as_ref().filter(|t| !t.chain.is_empty()) {
        let _ = write!(out, "\n## {}\n\n", words.transport);
        fence(&mut out, &redact::mask(&transport.chain.join("\n"), &[]));
    }
    if !evidence.headers.is_empty() {
        let headers: Vec<String> =
            evidence.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let _ = write!(out, "\n## {}\n\n", words.headers);
        fence(&mut out, &redact::mask(&headers.join("\n"), &[]));
    }
    let _ = write!(out, "\n## {}\n\n", words.body);
    let body = evidence.body.text();
    let body = redact::mask(&body, &[]);
    let mut end = body.len().min(MAX_BODY);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    fence(&mut out, &body[..end]);
    if end < body.len() || evidence.truncated {
        let _ = write!(out, "\n{}\n", words.cut);
    }
    out
}

/// A code block whose fence is longer than any run of backticks inside.
fn fence(out: &mut String, text: &str) {
    let mut run = 0;
    let mut longest = 2;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let _ = write!(out, "{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'));
}

struct Words {
    kind: &'static str,
    transient: &'static str,
    yes: &'static str,
    no: &'static str,
    vendor: &'static str,
    layers: &'static str,
    status: &'static str,
    model: &'static str,
    request_id: &'static str,
    phase: &'static str,
    time: &'static str,
    wait: &'static str,
    rule: &'static str,
    transport: &'static str,
    headers: &'static str,
    body: &'static str,
    cut: &'static str,
}

impl Words {
    fn of(lang: Lang) -> Self {
        match lang {
            Lang::En => Self {
                kind: "Kind",
                transient: "Waiting helps",
                yes: "yes",
                no: "no",
                vendor: "Reported by",
                layers: "Passed on by",
                status: "HTTP status",
                model: "Model",
                request_id: "Request id",
                phase: "Phase",
                time: "Time",
                wait: "Wait",
                rule: "Rule",
                transport: "Connection",
                headers: "Headers",
                body: "The provider's words",
                cut: "(shortened)",
            },
            Lang::Zh => Self {
                kind: "类别",
                transient: "等待是否有用",
                yes: "有用",
                no: "没有用",
                vendor: "报告方",
                layers: "经过",
                status: "HTTP 状态码",
                model: "模型",
                request_id: "请求编号",
                phase: "阶段",
                time: "时间",
                wait: "等待",
                rule: "规则",
                transport: "连接",
                headers: "响应头",
                body: "服务商的原话",
                cut: "（已截短）",
            },
        }
    }
}
