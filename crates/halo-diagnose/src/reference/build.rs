//! Puts the reference together from rules, dialects, vendors, remedies and prose.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use halo_types::{Action, Diagnosis, Evidence, Kind, Lang};
use serde_json::Value;

use super::texts::{self, Texts};
use super::{
    Advice, CodeRow, Confusion, KindPage, PageLink, Proxies, Reference, Relay, RemedyText, Row,
    Seen, StatusRow, VendorExamples, VendorLinks,
};
use crate::{Context, Example, Vendor, action_text, diagnose, kind_text, remedy, rules, vendor};

/// The most examples of one vendor in one kind.
const PER_VENDOR: usize = 2;
/// The most examples of words that any server uses, in one kind.
const PER_KIND: usize = 9;
/// The most examples of a relay in the part on relays.
const PER_RELAY: usize = 4;
/// The most other kinds that a status or a code is said to stand for.
const MAX_ALSO: usize = 6;

/// An example that was read.
#[derive(Debug, Clone)]
struct Case {
    kind: Kind,
    /// Who speaks; `None` for words that anyone uses.
    vendor: Option<&'static Vendor>,
    seen: Seen,
    /// Whether it stands in `dialects.toml`; those are shown first.
    documented: bool,
    /// Whether it shows words worth reading, rather than the least that makes a rule match.
    telling: bool,
}

pub(super) fn build(lang: Lang) -> Reference {
    let prose = texts::texts(lang);
    let cases = cases();
    Reference {
        lang,
        title: prose.title.clone(),
        intro: prose.intro.clone(),
        rows: rows(prose),
        statuses: statuses(&cases),
        codes: codes(&cases),
        advice: prose
            .advice
            .iter()
            .map(|a| Advice { id: a.id.clone(), title: a.title.clone(), text: a.text.clone() })
            .collect(),
        proxies: proxies(prose, &cases),
        kinds: Kind::ALL.iter().map(|kind| page(*kind, lang, prose, &cases)).collect(),
        labels: &prose.label,
    }
}

/// A text, whoever owns it.
fn text(owned: &impl AsRef<str>) -> &str {
    owned.as_ref()
}

fn read(evidence: &Evidence) -> Diagnosis {
    diagnose(evidence, &Context::default())
}

/* Examples */

/// Every example of the dialects and the rules, read by the machine itself.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, vendors) in texts::dialects() {
        for (id, dialects) in vendors {
            for dialect in dialects {
                let evidence = Evidence {
                    provider: Some(id.clone()),
                    status: dialect.status,
                    headers: dialect.headers.clone(),
                    body: dialect.body.as_str().into(),
                    ..Evidence::default()
                };
                let mut case = case(*kind, &evidence, Some(dialect.source.clone()));
                case.vendor = vendor(id);
                case.documented = true;
                cases.push(case);
            }
        }
    }
    for rule in rules() {
        let source = rule.source.as_ref().map(|source| text(source).to_owned());
        for example in rule.example.iter() {
            cases.push(of_example(example, example.kind.unwrap_or(rule.kind), source.clone()));
        }
    }
    let mut known = BTreeSet::new();
    cases.retain(|case| known.insert((case.kind, case.seen.status, case.seen.words.clone())));
    cases
}

fn of_example(example: &Example, kind: Kind, source: Option<String>) -> Case {
    let mut case = case(kind, &example.evidence(), source);
    case.telling &= example.transport.is_none() || !text(&example.body).is_empty();
    case
}

fn case(kind: Kind, evidence: &Evidence, source: Option<String>) -> Case {
    let read = read(evidence);
    let words = evidence.body.text().into_owned();
    let named = evidence.provider.as_deref().and_then(vendor);
    let spoke = read.vendor.as_ref().and_then(|id| vendor(text(id)));
    let headers = evidence
        .headers
        .iter()
        .filter(|(name, _)| *name == "retry-after" || *name == "x-amzn-errortype")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Case {
        kind,
        vendor: named.or(spoke),
        telling: is_telling(&words, evidence.status),
        documented: false,
        seen: Seen {
            status: evidence.status,
            headers,
            marked: (text(&read.because.field) == "body").then_some(read.because.span).flatten(),
            words,
            rule: read.because.rule.to_string(),
            source,
        },
    }
}

/// Rules carry examples with the least that makes them match (`"message":"x"`); a reader learns
/// nothing from those. A status without words is worth showing.
fn is_telling(words: &str, status: Option<u16>) -> bool {
    let trimmed = words.trim();
    if trimmed.is_empty() {
        return status.is_some();
    }
    let filler = ["\"x\"", "\"m\"", ": no", ": x", "more details", "said no"];
    let ends = filler[2..].iter().any(|end| trimmed.ends_with(end));
    trimmed.len() > 2 && !ends && !filler[..2].iter().any(|word| trimmed.contains(word))
}

/* The ways in */

fn rows(prose: &Texts) -> Vec<Row> {
    let kind = |words: &[String]| {
        words.first().map_or(Kind::Unknown, |first| read(&Evidence::from_text(first.clone())).kind)
    };
    prose
        .row
        .iter()
        .map(|row| Row {
            kind: kind(&row.words),
            words: row.words.clone(),
            meaning: row.meaning.clone(),
            remedy: row.remedy.clone(),
        })
        .collect()
}

fn statuses(cases: &[Case]) -> Vec<StatusRow> {
    let mut by_status: BTreeMap<u16, HashMap<Kind, usize>> = BTreeMap::new();
    for case in cases {
        if let Some(status) = case.seen.status {
            *by_status.entry(status).or_default().entry(case.kind).or_default() += 1;
        }
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| {
            let alone = Evidence::from_http(status, halo_types::Headers::default(), "");
            let mut also = by_frequency(kinds);
            let usual = match read(&alone).kind {
                // A status that one vendor invented means what it means there.
                Kind::Unknown => also[0],
                kind => kind,
            };
            also.retain(|kind| *kind != usual && *kind != Kind::Unknown);
            also.truncate(MAX_ALSO);
            StatusRow { status, name: status_name(status), usual, also }
        })
        .collect()
}

fn by_frequency(kinds: HashMap<Kind, usize>) -> Vec<Kind> {
    let mut kinds: Vec<(Kind, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    kinds.into_iter().map(|(kind, _)| kind).collect()
}

/// Names from RFC 9110 and of the servers that invented a status.
fn status_name(status: u16) -> &'static str {
    match status {
        200 => "OK",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        424 => "Failed Dependency",
        429 => "Too Many Requests",
        446 => "Guardrail (Portkey)",
        451 => "Unavailable For Legal Reasons",
        498 => "Flex capacity exceeded (Groq)",
        499 => "Client Closed Request",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        520 => "Unknown error (Cloudflare)",
        522 => "Connection timed out (Cloudflare)",
        524 => "A timeout occurred (Cloudflare)",
        529 => "Overloaded (Anthropic)",
        _ => "",
    }
}

/// The names of fields that hold a code.
const CODE_FIELDS: &[&str] =
    &["code", "type", "status", "error_code", "error_type", "reason", "Code", "status_code"];

/// Values of those fields that say nothing.
const NO_CODES: &[&str] = &["error", "BadRequest", "invalid", "failure", "response.failed"];

/// A code and what was seen of it.
#[derive(Default)]
struct Code {
    code: String,
    kinds: HashMap<Kind, usize>,
    vendors: BTreeSet<&'static str>,
}

fn codes(cases: &[Case]) -> Vec<CodeRow> {
    let mut by_code: BTreeMap<String, Code> = BTreeMap::new();
    for case in cases {
        let mut codes = BTreeSet::new();
        if let Ok(json) = serde_json::from_str::<Value>(&case.seen.words) {
            collect_codes(&json, &mut codes);
        }
        if let Some((_, value)) = case.seen.headers.iter().find(|(n, _)| n == "x-amzn-errortype") {
            codes.insert(value.split(':').next().unwrap_or(value).to_owned());
        }
        for code in codes {
            // A number means something at one vendor only.
            let numeric = code.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            if numeric && case.vendor.is_none() {
                continue;
            }
            let whose = case.vendor.filter(|_| numeric).map_or("", |vendor| text(&vendor.id));
            let entry = by_code
                .entry(format!("{} {whose}", code.to_ascii_lowercase()))
                .or_insert_with(|| Code { code, ..Code::default() });
            *entry.kinds.entry(case.kind).or_default() += 1;
            entry.vendors.extend(case.vendor.map(|vendor| text(&vendor.name)));
        }
    }
    by_code
        .into_values()
        .map(|Code { code, kinds, vendors }| {
            let mut kinds = by_frequency(kinds);
            kinds.truncate(MAX_ALSO);
            CodeRow { code, kinds, vendors: vendors.into_iter().map(str::to_owned).collect() }
        })
        .collect()
}

fn collect_codes(json: &Value, codes: &mut BTreeSet<String>) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                let names_a_code = CODE_FIELDS.contains(&name.as_str());
                match value {
                    Value::String(code) if names_a_code && is_code(code) => {
                        codes.insert(code.clone());
                    }
                    Value::Number(code) if names_a_code => {
                        // Numbers up to 999 repeat the status.
                        if code.as_i64().is_some_and(|code| code >= 1000) {
                            codes.insert(code.to_string());
                        }
                    }
                    value => collect_codes(value, codes),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_codes(value, codes)),
        _ => {}
    }
}

fn is_code(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let number = text.bytes().all(|b| b.is_ascii_digit());
    plain
        && !NO_CODES.contains(&text)
        && (4..=60).contains(&text.len())
        && (number
            || text.contains(['_', '.'])
            || text.bytes().skip(1).any(|b| b.is_ascii_uppercase()))
}

/* Relays and vendors */

fn proxies(prose: &Texts, cases: &[Case]) -> Proxies {
    // In the order of vendors.toml, which is that of their importance.
    let relays = crate::vendors()
        .iter()
        .filter_map(|vendor| {
            let about = prose.proxies.vendor.get(text(&vendor.id))?;
            let mut examples: Vec<(Kind, Seen)> = Vec::new();
            let its = cases.iter().filter(|case| {
                case.telling && case.vendor.is_some_and(|v| text(&v.id) == text(&vendor.id))
            });
            for case in its.filter(|case| case.seen.words.len() <= 260) {
                // One example a kind.
                if examples.len() < PER_RELAY && examples.iter().all(|(k, _)| *k != case.kind) {
                    examples.push((case.kind, case.seen.clone()));
                }
            }
            Some(Relay { vendor: links(vendor, prose), text: about.clone(), examples })
        })
        .collect();
    Proxies { intro: prose.proxies.intro.clone(), relays, teach: prose.proxies.teach.clone() }
}

fn links(vendor: &Vendor, prose: &Texts) -> VendorLinks {
    let pages = [
        ("billing", &vendor.billing_url),
        ("limits", &vendor.limits_url),
        ("status", &vendor.status_url),
        ("support", &vendor.support_url),
        ("keys", &vendor.keys_url),
        ("console", &vendor.console_url),
        ("docs", &vendor.docs_url),
    ];
    VendorLinks {
        id: text(&vendor.id).to_owned(),
        name: text(&vendor.name).to_owned(),
        pages: pages
            .into_iter()
            .filter_map(|(sort, url)| {
                let url = text(url.as_ref()?).to_owned();
                Some(PageLink { sort, name: prose.label.page(sort).to_owned(), url })
            })
            .collect(),
    }
}

/* One kind */

fn page(kind: Kind, lang: Lang, prose: &'static Texts, cases: &[Case]) -> KindPage {
    let short = kind_text(kind, lang);
    let long = &prose.kind[&kind];
    let transient = (kind != Kind::Unknown).then(|| kind.is_transient());
    let (answer, waiting) = match transient {
        // Where the way there or the answer itself was at fault, time alone may not cure it.
        Some(true) if may_last(kind) => (&prose.label.often, &prose.waiting.often),
        Some(true) => (&prose.label.yes, &prose.waiting.yes),
        Some(false) => (&prose.label.no, &prose.waiting.no),
        None => (&prose.label.unknown, &prose.waiting.unknown),
    };
    KindPage {
        kind,
        title: text(&short.title).to_owned(),
        meaning: text(&short.meaning).to_owned(),
        more: long.more.clone(),
        transient,
        answer: answer.clone(),
        waiting: waiting.clone(),
        by_itself: prose.by_itself.of(kind).to_owned(),
        remedies: remedies(kind, lang, prose),
        otherwise: long.otherwise.clone(),
        vendors: vendors(kind, prose, cases),
        confused: confused(kind, lang, &long.confused),
        rules: rules().iter().filter(|rule| rule.kind == kind).count(),
    }
}

/// Whether a transient fault of this kind may have a cause that stays.
fn may_last(kind: Kind) -> bool {
    matches!(kind, Kind::Network | Kind::Timeout | Kind::InvalidResponse | Kind::StreamInterrupted)
}

fn remedies(kind: Kind, lang: Lang, prose: &Texts) -> Vec<RemedyText> {
    let evidence = Evidence::default();
    remedy::remedies(kind, None, kind.is_transient(), None, &evidence, lang)
        .into_iter()
        .map(|remedy| RemedyText {
            action: remedy.action,
            name: action_text(remedy.action, lang).to_owned(),
            text: prose.action[&remedy.action].clone(),
            page: match remedy.action {
                Action::OpenBilling => Some("billing"),
                Action::OpenLimits => Some("limits"),
                Action::OpenStatus => Some("status"),
                Action::ContactProvider => Some("support"),
                Action::OpenConsole => Some("console"),
                Action::OpenSettingsKey => Some("keys"),
                _ => None,
            },
        })
        .collect()
}

fn vendors(kind: Kind, prose: &Texts, cases: &[Case]) -> Vec<VendorExamples> {
    let its: Vec<&Case> = cases.iter().filter(|case| case.kind == kind && case.telling).collect();
    let mut groups: Vec<VendorExamples> = Vec::new();
    for vendor in crate::vendors() {
        let mut examples: Vec<&Case> = its
            .iter()
            .copied()
            .filter(|case| case.vendor.is_some_and(|v| text(&v.id) == text(&vendor.id)))
            .collect();
        examples.sort_by_key(|case| !case.documented);
        // The same code again teaches nothing.
        let mut told = BTreeSet::new();
        examples.retain(|case| quote(&case.seen).is_none_or(|words| told.insert(words)));
        examples.truncate(PER_VENDOR);
        if !examples.is_empty() {
            groups.push(VendorExamples {
                vendor: Some(links(vendor, prose)),
                examples: examples.into_iter().map(|case| case.seen.clone()).collect(),
            });
        }
    }
    let anyone: Vec<Seen> = its
        .iter()
        .filter(|case| case.vendor.is_none())
        .take(PER_KIND)
        .map(|case| case.seen.clone())
        .collect();
    if !anyone.is_empty() {
        groups.push(VendorExamples { vendor: None, examples: anyone });
    }
    groups
}

/// The words that decide.
fn quote(seen: &Seen) -> Option<&str> {
    seen.marked.and_then(|(start, end)| seen.words.get(start..end))
}

/// The kinds it is taken for, those first that the rules had to be warned of most often, each with
/// the pair of errors that tells them apart.
fn confused(kind: Kind, lang: Lang, prose: &BTreeMap<Kind, String>) -> Vec<Confusion> {
    let mut found: Vec<(usize, Confusion)> = prose
        .iter()
        .map(|(other, how)| {
            let pairs = near_misses(kind, *other);
            let count = pairs.len();
            let (this, that) = match pairs.into_iter().next() {
                Some((this, that)) => (Some(this), Some(that)),
                // What the other kind's rules were warned of tells the same pair apart.
                None => match near_misses(*other, kind).into_iter().next() {
                    Some((that, this)) => (Some(this), Some(that)),
                    None => (None, None),
                },
            };
            let title = text(&kind_text(*other, lang).title).to_owned();
            (count, Confusion { kind: *other, title, text: how.clone(), this, that })
        })
        .collect();
    found.sort_by_key(|(count, confusion)| (std::cmp::Reverse(*count), confusion.kind));
    found.into_iter().map(|(_, confusion)| confusion).collect()
}

/// Pairs of an example of `kind` and a near-miss of the same rule that is `other`, the shorter
/// ones first: two short texts show best what differs.
fn near_misses(kind: Kind, other: Kind) -> Vec<(Seen, Seen)> {
    let mut pairs = Vec::new();
    for rule in rules().iter().filter(|rule| rule.kind == kind) {
        let source = || rule.source.as_ref().map(|source| text(source).to_owned());
        let Some(this) = rule
            .example
            .iter()
            .filter(|example| example.kind.is_none_or(|own| own == kind))
            .map(|example| of_example(example, kind, source()))
            .find(|case| case.telling && !case.seen.words.trim().is_empty())
        else {
            continue;
        };
        for near in rule.near.iter().filter(|near| near.kind == Some(other)) {
            let that = of_example(near, other, source());
            if that.telling && !that.seen.words.trim().is_empty() {
                pairs.push((this.seen.clone(), that.seen));
            }
        }
    }
    // Numbers tell nothing to a reader who does not know them.
    let number =
        |seen: &Seen| quote(seen).is_some_and(|words| words.bytes().all(|b| b.is_ascii_digit()));
    pairs.sort_by_key(|(this, that)| {
        (number(this) || number(that), this.words.len() + that.words.len())
    });
    pairs
}
