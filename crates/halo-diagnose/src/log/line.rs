//! One line of a log: what wrappers put before it, its level, and whether it goes on with the
//! line before.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

/// How serious a program calls its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum Level {
    /// Debugging and tracing.
    Debug,
    /// Ordinary work.
    Info,
    /// None is given.
    #[default]
    Untold,
    /// A warning.
    Warn,
    /// An error or worse.
    Error,
}

/// Where the text of a program begins behind what docker compose, Kubernetes, journald or syslog
/// put before it.
pub(super) fn body_start(line: &[u8]) -> usize {
    let mut at = skip_escapes(line, 0);
    if let Some(after) = compose(&line[at..]) {
        at = skip_escapes(line, at + after);
    }
    if let Some(after) = cri(&line[at..]) {
        at += after;
    } else if let Some(after) = syslog(&line[at..]) {
        at += after;
    } else if line[at..].starts_with(b"{\"log\":\"") {
        at += b"{\"log\":\"".len();
    }
    skip_escapes(line, at)
}

/// What wraps a line: the name of its process, and the sort of wrapper. Where it differs from the
/// line before, somebody else speaks.
pub(super) fn wrapper(line: &[u8]) -> (&[u8], u8) {
    let at = skip_escapes(line, 0);
    let name = compose(&line[at..]).map_or(at, |after| at + after);
    let inner = &line[skip_escapes(line, name)..];
    let sort = if cri(inner).is_some() {
        1
    } else if syslog(inner).is_some() {
        2
    } else {
        u8::from(inner.starts_with(b"{\"log\":\"")) * 3
    };
    (&line[at..name], sort)
}

/// `app-1  | `
fn compose(line: &[u8]) -> Option<usize> {
    let name = line
        .iter()
        .take(64)
        .take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
        .count();
    if name == 0 {
        return None;
    }
    let spaces = line[name..].iter().take(64).take_while(|b| **b == b' ').count();
    let bar = name + spaces;
    if spaces == 0 || line.get(bar) != Some(&b'|') {
        return None;
    }
    match line.get(bar + 1) {
        Some(b' ') => Some(bar + 2),
        None => Some(bar + 1),
        Some(_) => None,
    }
}

/// `2026-11-01T12:00:00.123456789Z stderr F `
fn cri(line: &[u8]) -> Option<usize> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let head = &line[..line.len().min(64)];
    let space = memchr::memchr(b' ', head)?;
    let rest = &line[space + 1..];
    [&b"stderr F "[..], b"stdout F ", b"stderr P ", b"stdout P "]
        .into_iter()
        .find(|mark| rest.starts_with(mark))
        .map(|mark| space + 1 + mark.len())
}

/// `Nov  1 12:00:00 host program[123]: `, also with an RFC 3339 time, and with `<34>` before.
fn syslog(line: &[u8]) -> Option<usize> {
    let head = &line[..line.len().min(160)];
    let colon = memchr::memchr_iter(b']', head).find(|at| head[at + 1..].starts_with(b": "))?;
    let open = memchr::memrchr(b'[', &head[..colon])?;
    let number = &head[open + 1..colon];
    if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Time, host and program stand before, and nothing else.
    let words = head[..open].split(|b| *b == b' ').filter(|word| !word.is_empty()).count();
    let time = memchr::memchr(b':', &head[..open])?;
    let digits = time >= 2 && head[time - 1].is_ascii_digit() && head[time - 2].is_ascii_digit();
    (digits && (3..=6).contains(&words)).then_some(colon + 3)
}

/// Skips the colours of a terminal.
pub(super) fn skip_escapes(line: &[u8], mut at: usize) -> usize {
    while line.get(at) == Some(&0x1b) {
        at = escape_end(line, at);
    }
    at
}

/// Where the control sequence that begins at `at` ends.
pub(super) fn escape_end(line: &[u8], at: usize) -> usize {
    if line.get(at + 1) != Some(&b'[') {
        return at + 1;
    }
    let rest = &line[at + 2..];
    let parameters = rest.iter().take(32).take_while(|b| (0x20..0x40).contains(*b)).count();
    at + 2 + (parameters + 1).min(rest.len())
}

/// Whether a line begins a new block. `previous` is the body of the line before it, where that
/// one comes from the same process.
pub(super) fn is_head(previous: Option<&[u8]>, body: &[u8]) -> bool {
    let Some(previous) = previous else { return true };
    let text = body.trim_ascii();
    let Some(first) = text.first() else { return false };
    if body[0] == b' ' || body[0] == b'\t' {
        return starts_anew(text);
    }
    if text.starts_with(b"\\t") || text.starts_with(b"    ") {
        return false;
    }
    match first {
        b'}' | b']' | b')' | b'^' => return false,
        b'{' | b'[' if text.len() == 1 => {
            let before = previous.trim_ascii_end();
            return before.is_empty() || before.ends_with(b"}") || before.ends_with(b"]");
        }
        b'<' => return !text.get(1).is_some_and(|b| b.is_ascii_alphabetic() || b"/!".contains(b)),
        _ => {}
    }
    const GOES_ON: &[&[u8]] = &[
        b"Traceback (most recent call last)",
        b"During handling of the above",
        b"The above exception was",
        b"Caused by",
        b"caused by",
        b"Suppressed:",
        b"at ",
    ];
    if GOES_ON.iter().any(|words| text.starts_with(words)) {
        return false;
    }
    if previous.starts_with(b"event:") && text.starts_with(b"data:") {
        return false;
    }
    // The last line of a traceback stands at the margin.
    let inside = previous.first().is_some_and(|b| *b == b' ' || *b == b'\t');
    !(inside && exception(text).is_some())
}

/// Whether an indented line begins something of its own all the same: a mark of a command line
/// client, a level, a time.
fn starts_anew(text: &[u8]) -> bool {
    const MARKS: &[&str] = &["⎿", "●", "✕", "✗", "✓", "✔", "❌", "✻", "✖", "•", "API Error"];
    if MARKS.iter().any(|mark| text.starts_with(mark.as_bytes())) {
        return true;
    }
    const LEVELS: &[&[u8]] =
        &[b"ERROR ", b"WARNING ", b"INFO ", b"DEBUG ", b"CRITICAL ", b"[ERROR]", b"ERROR:"];
    if LEVELS.iter().any(|level| text.starts_with(level)) {
        return true;
    }
    text.len() > 10
        && text[..4].iter().all(u8::is_ascii_digit)
        && (text[4] == b'-' || text[4] == b'/')
        && text[5..7].iter().all(u8::is_ascii_digit)
}

/// The name of an exception at the beginning of a text, as in `openai.RateLimitError: …`.
pub(super) fn exception(text: &[u8]) -> Option<Range<usize>> {
    let word = text
        .iter()
        .take(160)
        .take_while(|b| b.is_ascii_alphanumeric() || b"._$".contains(b))
        .count();
    let name = &text[..word];
    let named = [&b"Error"[..], b"Exception", b"Timeout", b"Fault", b"Exceeded", b"Reset"]
        .iter()
        .any(|end| name.ends_with(end));
    let behind = text.get(word);
    (word > 6 && named && behind.is_none_or(|b| b":( [".contains(b))).then_some(0..word)
}

/// The level of a line, given its body.
pub(super) fn level(body: &[u8]) -> Level {
    if body.first() == Some(&b'{') {
        return json_level(body);
    }
    if let [letter @ (b'I' | b'W' | b'E' | b'F'), a, b, c, d, b' ', ..] = body
        && [a, b, c, d].iter().all(|x| x.is_ascii_digit())
    {
        return match letter {
            b'I' => Level::Info,
            b'W' => Level::Warn,
            _ => Level::Error,
        };
    }
    let head = &body[..body.len().min(160)];
    let mut at = 0;
    while at < head.len() {
        if !head[at].is_ascii_alphabetic() {
            at = if head[at] == 0x1b { escape_end(head, at) } else { at + 1 };
            continue;
        }
        let start = at;
        while at < head.len() && (head[at].is_ascii_alphanumeric() || head[at] == b'_') {
            at += 1;
        }
        let word = &head[start..at];
        let Some(level) = level_word(word) else { continue };
        let before = start.checked_sub(1).map(|at| head[at]);
        let after = head.get(at).copied();
        let capitals = word.iter().all(u8::is_ascii_uppercase)
            && before.is_none_or(|b| !b"/-.\"'`".contains(&b))
            && after.is_none_or(|b| !b"/-.(\"'`".contains(&b));
        let framed = before.is_none_or(|b| b"[=\"\t|m<(".contains(&b))
            && after.is_none_or(|b| b"]\"\t|:>) \x1b".contains(&b))
            && (before.is_some() || after == Some(b':') && start == 0 && word[0] >= b'a');
        if capitals || framed {
            return level;
        }
    }
    Level::Untold
}

fn json_level(body: &[u8]) -> Level {
    // A search is not set up anew for each line.
    static KEYS: LazyLock<[memmem::Finder<'static>; 5]> = LazyLock::new(|| {
        ["\"level\":", "\"severity\":", "\"levelname\":", "\"lvl\":", "\"log.level\":"]
            .map(memmem::Finder::new)
    });
    // Loggers write the level near the beginning; its key may come late only in short records.
    let head = &body[..body.len().min(1024)];
    for key in KEYS.iter() {
        let Some(found) = key.find(head) else { continue };
        let value = head[found + key.needle().len()..].trim_ascii_start();
        if value.first() == Some(&b'"') {
            let word = &value[1..];
            let end = word.iter().take(12).take_while(|b| b.is_ascii_alphabetic()).count();
            return level_word(&word[..end]).unwrap_or_default();
        }
        let digits = value.iter().take(3).take_while(|b| b.is_ascii_digit()).count();
        return match std::str::from_utf8(&value[..digits]).unwrap_or_default().parse::<u16>() {
            Ok(0..30) => Level::Debug,
            Ok(30..40) => Level::Info,
            Ok(40..50) => Level::Warn,
            Ok(_) => Level::Error,
            Err(_) => Level::Untold,
        };
    }
    Level::Untold
}

fn level_word(word: &[u8]) -> Option<Level> {
    if !(3..=9).contains(&word.len()) {
        return None;
    }
    let mut lower = [0; 9];
    for (to, from) in lower.iter_mut().zip(word) {
        *to = from.to_ascii_lowercase();
    }
    Some(match &lower[..word.len()] {
        b"error" | b"err" | b"fatal" | b"critical" | b"crit" | b"panic" | b"severe" | b"alert"
        | b"emerg" | b"failure" => Level::Error,
        b"warn" | b"warning" | b"wrn" => Level::Warn,
        b"info" | b"inf" | b"notice" | b"sys" => Level::Info,
        b"debug" | b"dbg" | b"trace" | b"trc" | b"verbose" => Level::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(line: &str) -> &str {
        &line[body_start(line.as_bytes())..]
    }

    #[test]
    fn wrappers_are_taken_off() {
        for (line, want) in [
            ("app-1  | 2026 x", "2026 x"),
            ("\u{1b}[36mapp-1  | \u{1b}[0mError: x", "Error: x"),
            ("2026-11-01T12:00:00.1Z stderr F   File", "  File"),
            ("Nov  1 12:00:00 host app[12]:     raise", "    raise"),
            ("2026-11-01T12:00:00+0100 host app[12]: x", "x"),
            ("{\"log\":\"x\\n\",\"stream\":\"stderr\"}", "x\\n\",\"stream\":\"stderr\"}"),
            ("2026-11-01 12:00:00 | ERROR | x", "2026-11-01 12:00:00 | ERROR | x"),
            ("plain [3]: words", "plain [3]: words"),
        ] {
            assert_eq!(body(line), want);
        }
        assert_eq!(wrapper(b"app-1  | x"), (&b"app-1  | "[..], 0));
        assert_ne!(wrapper(b"Nov  1 12:00:00 box bot[812]: x"), wrapper(b"  x"));
    }

    #[test]
    fn levels_are_read_where_loggers_write_them() {
        for (line, want) in [
            ("2026-11-01 12:00:00,123 - app - ERROR - x", Level::Error),
            ("INFO:httpx:HTTP Request: POST ERROR", Level::Info),
            ("2026/11/01 12:00:00 [error] 12#12: x", Level::Error),
            ("E1101 12:00:00.1 1 x.go:1] y", Level::Error),
            ("{\"level\":50,\"msg\":\"x\"}", Level::Error),
            ("{\"msg\":\"x\",\"level\":\"warning\"}", Level::Warn),
            ("time=2026 level=debug msg=error", Level::Debug),
            ("[ERR] 2026/11/01 - x", Level::Error),
            ("The error was odd", Level::Untold),
            ("a /api/ERROR/x path", Level::Untold),
            ("\u{1b}[31mERROR\u{1b}[0m x", Level::Error),
            ("error: something", Level::Error),
            ("Error: something", Level::Untold),
        ] {
            assert_eq!(level(line.as_bytes()), want, "{line}");
        }
    }

    #[test]
    fn what_goes_on_is_no_head() {
        let goes_on =
            |previous: &str, line: &str| !is_head(Some(previous.as_bytes()), line.as_bytes());
        assert!(goes_on("ERROR x", "Traceback (most recent call last):"));
        assert!(goes_on("x", "  File \"a.py\""));
        assert!(goes_on("    raise x", "openai.RateLimitError: Error code: 429"));
        assert!(!goes_on("INFO x", "openai.RateLimitError: Error code: 429"));
        assert!(goes_on("ERROR body:", "{"));
        assert!(!goes_on("}", "{"));
        assert!(goes_on("  \"a\": 1", "}"));
        assert!(!goes_on("● Reading", "  ⎿  API Error: 429"));
        assert!(!goes_on("a", "2026-11-01 b"));
        assert!(goes_on("a", ""));
    }
}
