//! The error card in a terminal.

use halo_types::{Confidence, Diagnosis, Evidence, Kind, Lang};

use super::conceal;
use crate::terminal::{Style, WIDTH, line, visible};

/// How many lines of the provider's words are shown.
const MAX_LINES: usize = 24;
/// How many bytes of them.
const MAX_BYTES: usize = 6 * 1024;

/// The card: title, who spoke, the raw text, meaning, wait, remedies, rule.
pub(crate) fn render(
    evidence: &Evidence,
    diagnosis: &Diagnosis,
    lang: Lang,
    style: Style,
) -> String {
    let spoke = who_spoke(diagnosis, &Words::of(lang));
    let mut out = told(evidence, diagnosis, spoke, lang, style);
    if !diagnosis.remedies.is_empty() {
        out.push('\n');
    }
    for (number, remedy) in diagnosis.remedies.iter().enumerate() {
        way(&mut out, number + 1, &remedy.text, remedy.url.as_deref().unwrap_or_default(), style);
    }
    if diagnosis.kind != Kind::Unknown {
        out.push('\n');
        line(&mut out, &style.paint("2", &rule(diagnosis, &Words::of(lang))));
    }
    out
}

/// The card without its remedies: title, who spoke, the raw text, meaning, wait.
pub(crate) fn told(
    evidence: &Evidence,
    diagnosis: &Diagnosis,
    spoke: Option<String>,
    lang: Lang,
    style: Style,
) -> String {
    let words = Words::of(lang);
    let mut out = String::new();
    let name = style.paint("2", &format!("[{}]", diagnosis.kind));
    line(&mut out, &format!("{} {name}", style.paint("1", &diagnosis.title)));
    if let Some(spoke) = spoke {
        line(&mut out, &style.paint("2", &spoke));
    }
    out.push('\n');
    raw(&mut out, evidence, diagnosis, &words, style);
    let facts = facts(diagnosis, &words);
    if !facts.is_empty() {
        out.push('\n');
        wrap(&mut out, &facts.join(" · "), "  ", "  ");
    }
    out.push('\n');
    wrap(&mut out, &diagnosis.meaning, "", "");
    wrap(&mut out, &waiting(diagnosis, &words), "", "");
    out
}

/// A way forward with its number.
pub(crate) fn way(out: &mut String, number: usize, text: &str, note: &str, style: Style) {
    let note = if note.is_empty() { String::new() } else { format!("  {note}") };
    line(out, &format!("  {number}. {text}{}", style.paint("2", &note)));
}

fn who_spoke(diagnosis: &Diagnosis, words: &Words) -> Option<String> {
    let name = |id: &str| {
        halo_diagnose::vendor(id).map_or_else(|| id.to_owned(), |vendor| vendor.name.clone())
    };
    let speaker = name(diagnosis.vendor.as_deref()?);
    let through: Vec<String> = diagnosis
        .layers
        .iter()
        .filter(|id| Some(id.as_str()) != diagnosis.vendor.as_deref())
        .map(|id| name(id))
        .collect();
    Some(if through.is_empty() {
        format!("{}{speaker}", words.reported_by)
    } else {
        format!("{}{speaker}{}{}", words.reported_by, words.through, through.join(" → "))
    })
}

/// What the error tells in numbers and names.
fn facts(diagnosis: &Diagnosis, words: &Words) -> Vec<String> {
    let facts = &diagnosis.facts;
    let name = &words.facts;
    let mut told = Vec::new();
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let mut shown = String::new();
            visible(&mut shown, &value);
            told.push(format!("{name}{}{shown}", words.colon));
        }
    };
    let number = |value: Option<u64>| value.map(grouped);
    let other = |key: &str| {
        facts.other.get(key).map(|value| match value {
            serde_json::Value::String(text) => text.clone(),
            value => value.as_u64().map_or_else(|| value.to_string(), grouped),
        })
    };
    tell(name.window, number(facts.context_window));
    tell(name.sent, number(facts.input_tokens));
    tell(name.asked, number(facts.requested_output_tokens));
    tell(name.most, number(facts.max_output_tokens));
    let scope = facts.limit_scope.as_deref().map(|scope| words.scope(scope));
    tell(
        name.limit,
        match (number(facts.limit), scope) {
            (Some(limit), Some(scope)) => Some(format!("{limit} {scope}")),
            (limit, scope) => limit.or(scope),
        },
    );
    tell(name.used, other("used"));
    tell(name.requested, other("requested"));
    tell(name.resets, other("resets"));
    tell(name.balance, facts.balance.clone());
    tell(name.model, facts.model.clone());
    tell(name.parameter, facts.parameter.clone());
    tell(name.request_id, facts.request_id.clone());
    told
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The provider's words with the deciding ones marked.
fn raw(out: &mut String, evidence: &Evidence, diagnosis: &Diagnosis, words: &Words, style: Style) {
    if let Some(status) = evidence.status {
        line(out, &format!("  HTTP {status}"));
    }
    let (body, span) = conceal::body(&evidence.body.text(), diagnosis.because.span);
    let body = body.as_str();
    if body.trim().is_empty() {
        let said = evidence.transport.as_ref().map_or(&[][..], |fault| fault.chain.as_slice());
        for text in said {
            let mut shown = String::new();
            visible(&mut shown, text);
            line(out, &format!("  {shown}"));
        }
        if said.is_empty() {
            line(out, &format!("  {}", words.no_body));
        }
        return;
    }
    let marked = span.unwrap_or((0, 0));
    let (from, to) = window(body, marked);
    if from > 0 {
        line(out, &format!("  {}", words.left_out));
    }
    let mut at = from;
    for text in body[from..to].split_inclusive('\n') {
        let end = at + text.trim_end_matches(['\n', '\r']).len();
        out.push_str("  ");
        let start_mark = marked.0.clamp(at, end);
        let end_mark = marked.1.clamp(at, end);
        visible(out, &body[at..start_mark]);
        if start_mark < end_mark {
            let mut words = String::new();
            visible(&mut words, &body[start_mark..end_mark]);
            match style {
                Style::Plain => out.push_str(&format!("»{words}«")),
                Style::Colour => out.push_str(&style.paint("1;4;31", &words)),
            }
        }
        visible(out, &body[end_mark..end]);
        out.push('\n');
        at += text.len();
    }
    if to < body.len() {
        line(out, &format!("  {}", words.left_out));
    }
}

/// The part of a long body that is shown: its head, or the lines around the deciding words.
fn window(body: &str, marked: (usize, usize)) -> (usize, usize) {
    let fits = |from: usize| -> usize {
        let mut to = body[from..]
            .match_indices('\n')
            .nth(MAX_LINES - 1)
            .map_or(body.len(), |(at, _)| from + at + 1)
            .min(from + MAX_BYTES);
        while !body.is_char_boundary(to) {
            to -= 1;
        }
        to
    };
    let to = fits(0);
    if marked.1 <= to {
        return (0, to);
    }
    // Begin a few lines before the words, but not so far that they fall out again.
    let mut from = body[..marked.0].rmatch_indices('\n').nth(3).map_or(0, |(at, _)| at + 1);
    from = from.max(marked.0.saturating_sub(MAX_BYTES / 3));
    while !body.is_char_boundary(from) {
        from += 1;
    }
    (from, fits(from).max(marked.1))
}

fn waiting(diagnosis: &Diagnosis, words: &Words) -> String {
    match (&diagnosis.retry, diagnosis.transient) {
        (Some(retry), _) => words
            .wait_told
            .replace("{time}", &span(retry.after_ms, words))
            .replace("{from}", &words.from(&retry.from)),
        // Where the way there or the answer itself was at fault, time alone may not cure it.
        (None, true)
            if matches!(
                diagnosis.kind,
                Kind::Network | Kind::Timeout | Kind::InvalidResponse | Kind::StreamInterrupted
            ) =>
        {
            words.try_again.to_owned()
        }
        (None, true) => match diagnosis.facts.other.get("resets").and_then(|at| at.as_str()) {
            Some(at) => words.wait_until.replace("{at}", at),
            None => words.wait_untold.to_owned(),
        },
        (None, false) if diagnosis.kind == Kind::Unknown => words.wait_unknown.to_owned(),
        (None, false) => words.no_wait.to_owned(),
    }
}

/// A length of time in at most two units.
fn span(ms: u64, words: &Words) -> String {
    let [day, hour, minute, second] = words.units;
    if ms < 1000 {
        return format!("{ms} ms");
    }
    let seconds = ms.div_ceil(1000);
    let parts = [
        (seconds / 86_400, day),
        (seconds / 3600 % 24, hour),
        (seconds / 60 % 60, minute),
        (seconds % 60, second),
    ];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    let shown: Vec<String> = parts[first..]
        .iter()
        .take(2)
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect();
    shown.join(" ")
}

fn rule(diagnosis: &Diagnosis, words: &Words) -> String {
    let sure = match diagnosis.confidence {
        Confidence::Certain => words.certain,
        Confidence::Likely => words.likely,
        Confidence::Guess => words.guess,
    };
    let because = &diagnosis.because;
    let place = match because.field.as_str() {
        "body" => String::new(),
        field => format!(" · {}", words.place(field)),
    };
    let mut quote = String::new();
    visible(&mut quote, because.quote.get(..160).unwrap_or(&because.quote));
    let quote =
        if quote.is_empty() { quote } else { format!(" · “{}”", quote.replace('\n', " ")) };
    format!("{}{} · {sure}{place}{quote}", words.decided_by, because.rule)
}

/// Prose at the card's own width: it is also read from files and pipes.
fn wrap(out: &mut String, text: &str, first: &str, rest: &str) {
    crate::terminal::wrap(out, text, first, rest, WIDTH);
}

struct Words {
    reported_by: &'static str,
    through: &'static str,
    no_body: &'static str,
    left_out: &'static str,
    colon: &'static str,
    facts: FactNames,
    chinese: bool,
    try_again: &'static str,
    wait_told: &'static str,
    wait_until: &'static str,
    wait_untold: &'static str,
    wait_unknown: &'static str,
    no_wait: &'static str,
    decided_by: &'static str,
    certain: &'static str,
    likely: &'static str,
    guess: &'static str,
    units: [&'static str; 4],
}

struct FactNames {
    window: &'static str,
    sent: &'static str,
    asked: &'static str,
    most: &'static str,
    limit: &'static str,
    used: &'static str,
    requested: &'static str,
    resets: &'static str,
    balance: &'static str,
    model: &'static str,
    parameter: &'static str,
    request_id: &'static str,
}

impl Words {
    /// What a limit counts, in words.
    fn scope(&self, scope: &str) -> String {
        let zh = match scope {
            "requests_per_second" => "次请求/秒",
            "requests_per_minute" => "次请求/分钟",
            "requests_per_day" => "次请求/天",
            "tokens_per_minute" => "token/分钟",
            "tokens_per_day" => "token/天",
            "images_per_minute" => "张图片/分钟",
            "concurrency" => "个并发请求",
            "five_hours" => "每 5 小时",
            "week" => "每周",
            _ => "",
        };
        match (self.chinese, scope) {
            (true, _) if !zh.is_empty() => zh.to_owned(),
            (_, "concurrency") => "requests at once".to_owned(),
            (_, "five_hours") => "per five hours".to_owned(),
            (_, "week") => "per week".to_owned(),
            (_, scope) => scope.replace('_', " "),
        }
    }

    /// Where a wait was read, in words.
    fn from(&self, from: &str) -> String {
        match (from.strip_prefix("header:"), self.chinese) {
            (Some(header), false) => format!("the header {header}"),
            (Some(header), true) => format!("响应头 {header}"),
            (None, false) => "its text".to_owned(),
            (None, true) => "原文".to_owned(),
        }
    }

    /// Where the deciding words stand, in words.
    fn place(&self, field: &str) -> String {
        let (en, zh) = match field {
            "transport" => ("the connection", "连接"),
            "status" => ("the status", "状态码"),
            "phase" => ("when it happened", "发生的阶段"),
            "none" => ("nothing", "无"),
            field => return self.from(field),
        };
        if self.chinese { zh } else { en }.to_owned()
    }

    fn of(lang: Lang) -> Self {
        match lang {
            Lang::En => Self {
                colon: ": ",
                chinese: false,
                facts: FactNames {
                    window: "The model reads",
                    sent: "Sent",
                    asked: "Answer asked for",
                    most: "The model writes at most",
                    limit: "Limit",
                    used: "Used",
                    requested: "Requested",
                    resets: "Resets",
                    balance: "Balance",
                    model: "Model",
                    parameter: "Setting",
                    request_id: "Request id",
                },
                try_again: "Trying again may help.",
                reported_by: "Reported by ",
                through: ", passed on by ",
                no_body: "(no text came with it)",
                left_out: "[…]",
                wait_told: "Waiting helps: {time}, as {from} says.",
                wait_until: "Waiting helps; the limit resets {at}.",
                wait_untold: "Waiting helps; the provider does not say how long.",
                wait_unknown: "Whether waiting helps is not known.",
                no_wait: "Waiting does not help.",
                decided_by: "Decided by ",
                certain: "certain",
                likely: "likely",
                guess: "a guess",
                units: ["d", "h", "min", "s"],
            },
            Lang::Zh => Self {
                colon: "：",
                chinese: true,
                facts: FactNames {
                    window: "模型可读",
                    sent: "已发送",
                    asked: "要求的回答",
                    most: "模型最多可写",
                    limit: "限额",
                    used: "已用",
                    requested: "本次请求",
                    resets: "重置时间",
                    balance: "余额",
                    model: "模型",
                    parameter: "设置项",
                    request_id: "请求编号",
                },
                try_again: "再试一次可能有用。",
                reported_by: "报告方：",
                through: "，经由 ",
                no_body: "（没有附带文字）",
                left_out: "［…］",
                wait_told: "等待有用：按{from}需要 {time}。",
                wait_until: "等待有用，限额将于 {at} 重置。",
                wait_untold: "等待有用，服务商没有说要多久。",
                wait_unknown: "不清楚等待是否有用。",
                no_wait: "等待没有用。",
                decided_by: "判断依据：",
                certain: "确定",
                likely: "很可能",
                guess: "猜测",
                units: ["天", "小时", "分钟", "秒"],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use halo_diagnose::{Context, diagnose};

    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn card(evidence: &Evidence, lang: Lang, style: Style) -> String {
        let diagnosis = diagnose(evidence, &Context { lang, ..Context::default() });
        render(evidence, &diagnosis, lang, style)
    }

    #[test]
    fn the_card_says_who_what_how_long_and_why() {
        let mut evidence =
            Evidence::from_text("Rate limit reached for gpt-5. Please try again in 6m0s.");
        evidence.status = Some(429);
        evidence.provider = Some("openai".to_owned());
        let text = card(&evidence, Lang::En, Style::Plain);
        for part in [
            "Too many requests in a short time [rate_limited]\nReported by OpenAI\n\n  HTTP 429\n",
            "  »Rate limit« reached for gpt-5. Please try again in 6m0s.\n",
            "Waiting helps: 6 min, as its text says.",
            "  1. Wait, then resend\n",
            "https://platform.openai.com/settings/organization/limits",
            "Decided by rate.",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
        let coloured = card(&evidence, Lang::En, Style::Colour);
        assert!(coloured.contains("\u{1b}[1;4;31mRate limit\u{1b}[0m reached"), "{coloured}");
    }

    #[test]
    fn the_card_is_whole_in_chinese_and_honest_about_the_unknown() {
        let text = card(&Evidence::from_text("zzz"), Lang::Zh, Style::Plain);
        assert!(text.contains("不清楚等待是否有用"), "{text}");
        assert!(!text.contains("判断依据"), "{text}");
        for line in text.lines() {
            assert!(line.width() <= WIDTH + 2, "{line}");
        }
    }

    #[test]
    fn long_bodies_show_the_deciding_words_and_escapes_do_not_act() {
        let mut body = "some line of a log\n".repeat(500);
        body.push_str("Error: \u{1b}[31m insufficient balance\n");
        body.push_str(&"more lines\n".repeat(500));
        let text = card(&Evidence::from_text(body), Lang::En, Style::Colour);
        assert!(text.contains("\u{1b}[1;4;31minsufficient balance\u{1b}[0m"), "{text}");
        assert!(text.lines().count() < 60);
        assert!(!text.contains("\u{1b}[31m "));
    }

    #[test]
    fn how_much_too_long_is_told() {
        let body = "prompt is too long: 213744 tokens > 200000 maximum";
        let text = card(&Evidence::from_text(body), Lang::En, Style::Plain);
        assert!(text.contains("The model reads: 200,000 · Sent: 213,744"), "{text}");
        let text = card(&Evidence::from_text(body), Lang::Zh, Style::Plain);
        assert!(text.contains("模型可读：200,000 · 已发送：213,744"), "{text}");
    }

    #[test]
    fn no_card_shows_a_key_or_says_a_thing_twice() {
        let key = "sk-ant-api03-ABCDEFGHIJKLMNOPQRSTUVWX";
        let text = card(
            &Evidence::from_text(format!("x-api-key: {key} 401 invalid api key")),
            Lang::En,
            Style::Plain,
        );
        assert!(!text.contains("GHIJKLMNOP"), "{text}");
        assert!(text.contains("»"), "{text}");
        let text = card(&Evidence::from_text("insufficient quota"), Lang::En, Style::Plain);
        assert_eq!(text.matches("Waiting does not help").count(), 1, "{text}");
    }

    #[test]
    fn a_clock_time_is_quoted_as_the_wait() {
        let body = Evidence::from_text("5-hour limit reached, resets 2am");
        let text = card(&body, Lang::En, Style::Plain);
        assert!(text.contains("Waiting helps; the limit resets 2am."), "{text}");
        assert!(text.starts_with("You have reached a usage limit"), "{text}");
    }

    #[test]
    fn spans_of_time() {
        let words = Words::of(Lang::En);
        for (ms, want) in
            [(20, "20 ms"), (20_000, "20 s"), (90_000, "1 min 30 s"), (90_000_000, "1 d 1 h")]
        {
            assert_eq!(span(ms, &words), want);
        }
    }
}
