//! The one line that moves while a turn waits or thinks.

use super::words::Words;

/// Above this a countdown in seconds says less than a length of time.
const IN_SECONDS_MS: u64 = 120_000;

/// How long until the next try, in words. Never "0 s": what is due is being sent.
pub(super) fn line(left_ms: u64, words: Words) -> String {
    if left_ms == 0 {
        return words.t("chat-wait-due");
    }
    let time = span(left_ms, words);
    words.t1("chat-wait", "time", time)
}

/// A length of time in at most two units, rounded up.
pub(super) fn span(ms: u64, words: Words) -> String {
    let seconds = ms.div_ceil(1000);
    if ms <= IN_SECONDS_MS {
        return words.t1("chat-seconds", "n", seconds);
    }
    let minutes = seconds.div_ceil(60);
    if minutes < 60 {
        return words.t1("chat-minutes", "n", minutes);
    }
    let (hours, rest) = (minutes / 60, minutes % 60);
    let (n, m) = (hours.to_string(), rest.to_string());
    words.t2("chat-hours", ("n", &n), ("m", &m))
}

#[cfg(test)]
mod tests {
    use halo_types::Lang;

    use super::*;

    #[test]
    fn the_line_says_how_long_and_is_never_at_zero() {
        let words = Words::new(Lang::En);
        for (ms, want) in [
            (1, "1 s"),
            (1000, "1 s"),
            (19_001, "20 s"),
            (120_000, "120 s"),
            (121_000, "3 min"),
            (3_599_000, "1 h 0 min"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(span(ms, words), want, "{ms}");
            assert!(line(ms, words).contains(want), "{}", line(ms, words));
        }
        assert_eq!(line(0, words), "Sending again now …");
        assert!(line(u64::MAX, words).contains(" h "));
        assert!(line(20_000, Words::new(Lang::Zh)).contains("20 秒"));
    }
}
