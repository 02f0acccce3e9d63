use halo_types::Headers;

use super::*;
use crate::calendar::rfc3339;
use crate::{Context, diagnose};

const NOW: Timestamp = Timestamp(1_790_000_000_000); // 2026-09-21T14:13:20Z

fn wait(evidence: &Evidence) -> Option<(u64, String)> {
    let context = Context { now: Some(NOW), ..Context::default() };
    diagnose(evidence, &context).retry.map(|retry| (retry.after_ms, retry.from))
}

#[test]
fn headers_in_every_form() {
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<u64>);
    let cases: &[Case<'_>] = &[
        (&[("Retry-After", "20")], Some(20_000)),
        (&[("retry-after", "1.5")], Some(1_500)),
        (&[("retry-after", "Mon, 21 Sep 2026 14:14:00 GMT")], Some(40_000)),
        (&[("retry-after", "Mon, 21 Sep 2026 14:00:00 GMT")], Some(0)),
        (&[("retry-after-ms", "250"), ("retry-after", "1")], Some(250)),
        (&[("x-ratelimit-reset-requests", "6m0s")], Some(360_000)),
        (
            &[
                ("x-ratelimit-remaining-requests", "9"),
                ("x-ratelimit-reset-requests", "1h0m0s"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "7.66s"),
            ],
            Some(7_660),
        ),
        (&[("x-ratelimit-reset-tokens", "20ms")], Some(20)),
        (&[("x-ratelimit-reset-tokens-minute", "11.382")], Some(11_382)),
        (
            &[
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:50Z"),
            ],
            Some(30_000),
        ),
        (&[("X-RateLimit-Reset", "1790000060000")], Some(60_000)),
        (&[("x-ratelimit-reset", "1790000090")], Some(90_000)),
        (&[("RateLimit", "\"api\";r=0;t=147")], Some(147_000)),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "-5")], None),
        // A proxy doubled it; the longer wait holds.
        (&[("retry-after", "120, 180")], Some(180_000)),
        (&[("retry-after", "20"), ("Retry-After", "10")], Some(20_000)),
        // A huge number means "long", not nothing.
        (&[("retry-after", "99999999999999999999")], Some(30 * 86_400_000)),
    ];
    for (headers, want) in cases {
        let headers = Headers::new(headers.iter().copied());
        let evidence = Evidence::from_http(429, headers, "");
        assert_eq!(wait(&evidence).map(|(ms, _)| ms), *want, "{:?}", evidence.headers);
    }
}

#[test]
fn bodies_and_prose_in_every_form() {
    let cases: &[(&str, Option<u64>)] = &[
        (
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"28s"}]}}"#,
            Some(28_000),
        ),
        (
            r#"{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"4.35s"}]}}"#,
            Some(4_350),
        ),
        (r#"{"error":{"message":"Too many requests","retry_after":3}}"#, Some(3_000)),
        (r#"{"error":{"message":"Too many requests","retry_after_ms":350}}"#, Some(350)),
        (r#"{"error":{"message":"usage limit reached","resets_at":1790000600}}"#, Some(600_000)),
        ("Rate limit reached. Please try again in 20s.", Some(20_000)),
        ("Rate limit reached. Please try again in 6m0s.", Some(360_000)),
        ("Rate limit reached. Please try again in 1h43m56s.", Some(6_236_000)),
        ("Rate limit reached. Please try again in 28ms.", Some(28)),
        ("Rate limit: try again in 2 minutes and 10 seconds", Some(130_000)),
        ("Too many requests. Please retry after 26 seconds.", Some(26_000)),
        ("Rate limit. Please wait 5631 seconds before retrying.", Some(5_631_000)),
        ("Rate limit. Try again in 5 seconds.", Some(5_000)),
        ("Request was throttled. Expected available in 1 second.", Some(1_000)),
        ("usage limit reached. Come back in 3h 47m", Some(13_620_000)),
        ("rate limit (reset after 27s)", Some(27_000)),
        ("请求过于频繁，请在 30 秒后重试", Some(30_000)),
        ("请求过于频繁，请等待2分钟再试", Some(120_000)),
        ("已达到使用上限。您的限额将在 2026-09-21 22:14:20 重置", Some(60_000)),
        (
            "Usage limit reached for 5 hour. Your limit will reset at 2026-09-21 14:14:20",
            Some(60_000),
        ),
        ("usage limit reached, resets at 2026-09-21T14:13:30+00:00", Some(10_000)),
        ("429 rate limit · Retrying in 24s · attempt 10/10", None),
        ("rate limit of 40,000 tokens", None),
    ];
    for (body, want) in cases {
        assert_eq!(wait(&Evidence::from_text(*body)).map(|(ms, _)| ms), *want, "{body}");
    }
}

#[test]
fn a_failure_that_waiting_does_not_cure_has_no_wait() {
    let headers = Headers::new([("retry-after", "20")]);
    let evidence = Evidence::from_http(402, headers, "Insufficient Balance");
    assert_eq!(wait(&evidence), None);
}

#[test]
fn dates_round_trip() {
    for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-09-21T14:13:20Z"] {
        assert_eq!(rfc3339(time::instant(text).unwrap()), text);
    }
    assert_eq!(rfc3339(NOW), "2026-09-21T14:13:20Z");
}
