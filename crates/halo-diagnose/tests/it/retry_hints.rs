//! Every form in which a provider tells how long to wait, one test per form, read as the public
//! API reads it.

use halo_diagnose::{Context, diagnose};
use halo_types::{Diagnosis, Evidence, Headers, Timestamp};

/// 2026-09-21T14:13:20Z.
const NOW: Timestamp = Timestamp(1_790_000_000_000);
/// A limit that waiting lifts, and no word of how long.
const BARE: &str = r#"{"error":{"message":"Rate limit exceeded","type":"rate_limit_error"}}"#;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn read(evidence: &Evidence, now: Option<Timestamp>) -> Diagnosis {
    diagnose(evidence, &Context { now, ..Context::default() })
}

fn wait(evidence: &Evidence, now: Option<Timestamp>) -> Option<(u64, String)> {
    read(evidence, now).retry.map(|retry| (retry.after_ms, retry.from))
}

/// Headers, the wait they tell, and the header that must be named as its source.
type Told<'a> = (&'a [(&'a str, &'a str)], Option<u64>, &'a str);

/// Waits told by headers of a 429.
#[track_caller]
fn headers(cases: &[Told<'_>]) {
    let mut wrong = Vec::new();
    for (pairs, want, from) in cases {
        let evidence = Evidence::from_http(429, Headers::new(pairs.iter().copied()), BARE);
        let got = wait(&evidence, Some(NOW));
        let want = want.map(|ms| (ms, format!("header:{from}")));
        if got != want {
            wrong.push(format!("{pairs:?}: {got:?}, want {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Waits told by a body under a status (0 for a text without one).
#[track_caller]
fn bodies(cases: &[(u16, &str, Option<u64>)]) {
    let mut wrong = Vec::new();
    for (status, body, want) in cases {
        let evidence = match status {
            0 => Evidence::from_text(*body),
            status => Evidence::from_http(*status, Headers::default(), *body),
        };
        let got = wait(&evidence, Some(NOW));
        let want = want.map(|ms| (ms, "body".to_owned()));
        if got != want {
            let kind = read(&evidence, Some(NOW)).kind;
            wrong.push(format!("{body}: {got:?}, want {want:?} ({kind})"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn retry_after_in_seconds() {
    let from = "retry-after";
    headers(&[
        (&[("retry-after", "20")], Some(20 * SECOND), from),
        (&[("Retry-After", " 2 ")], Some(2 * SECOND), from),
        (&[("RETRY-AFTER", "0")], Some(0), from),
        (&[("retry-after", "1.5")], Some(1_500), from),
        (&[("retry-after", "5631")], Some(5_631 * SECOND), from),
        (&[("retry-after", "30s")], Some(30 * SECOND), from),
    ]);
}

#[test]
fn retry_after_as_a_date() {
    let from = "retry-after";
    headers(&[
        (&[("retry-after", "Mon, 21 Sep 2026 14:14:00 GMT")], Some(40 * SECOND), from),
        (&[("retry-after", "Tue, 22 Sep 2026 00:00:00 GMT")], Some(35_200 * SECOND), from),
        // The clocks differ; the wait is over.
        (&[("retry-after", "Mon, 21 Sep 2026 14:13:00 GMT")], Some(0), from),
        // The obsolete forms of RFC 9110, which a receiver must read as well.
        (&[("retry-after", "Monday, 21-Sep-26 14:14:00 GMT")], Some(40 * SECOND), from),
        (&[("retry-after", "Mon Sep 21 14:14:00 2026")], Some(40 * SECOND), from),
    ]);
    // By the answer's own clock where the caller tells no time.
    let pairs = [
        ("date", "Mon, 21 Sep 2026 14:13:20 GMT"),
        ("retry-after", "Mon, 21 Sep 2026 14:14:00 GMT"),
    ];
    let evidence = Evidence::from_http(429, Headers::new(pairs), BARE);
    let got = wait(&evidence, None).map(|(ms, _)| ms);
    assert_eq!(got, Some(40 * SECOND), "by the answer's own clock");
    // Without any clock it stays unread, rather than guessed.
    let evidence = Evidence::from_http(429, Headers::new([pairs[1]]), BARE);
    assert_eq!(wait(&evidence, None), None);
}

#[test]
fn retry_after_in_milliseconds() {
    let from = "retry-after-ms";
    headers(&[
        (&[("retry-after-ms", "250")], Some(250), from),
        (&[("Retry-After-Ms", "26000")], Some(26 * SECOND), from),
        // It is the finer one, so it goes first, whatever the order.
        (&[("retry-after", "1"), ("retry-after-ms", "250")], Some(250), from),
        (&[("retry-after-ms", "1500.4")], Some(1_501), from),
        (&[("x-ms-retry-after-ms", "4000")], Some(4 * SECOND), "x-ms-retry-after-ms"),
        (&[("x-retry-after-ms", "8000")], Some(8 * SECOND), "x-retry-after-ms"),
    ]);
}

#[test]
fn retry_after_on_other_statuses() {
    for (status, name) in [(503, "retry-after"), (529, "Retry-After"), (500, "retry-after")] {
        let evidence = Evidence::from_http(status, Headers::new([(name, "7")]), "");
        let got = wait(&evidence, Some(NOW));
        assert_eq!(got, Some((7 * SECOND, "header:retry-after".to_owned())), "{status}");
    }
    // GitHub's own limits answer 403.
    let body = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    let evidence = Evidence::from_http(403, Headers::new([("retry-after", "60")]), body);
    assert_eq!(wait(&evidence, Some(NOW)).map(|(ms, _)| ms), Some(MINUTE));
    // Where waiting does not help, no header says so.
    for (status, body) in [(402, "Insufficient Balance"), (401, ""), (404, "")] {
        let evidence = Evidence::from_http(status, Headers::new([("retry-after", "60")]), body);
        assert_eq!(wait(&evidence, Some(NOW)), None, "{status}");
    }
}

#[test]
fn retry_after_handed_on_by_litellm() {
    headers(&[
        (&[("llm_provider-retry-after", "9")], Some(9 * SECOND), "llm_provider-retry-after"),
        // Its own word goes before the copy.
        (&[("llm_provider-retry-after", "9"), ("retry-after", "12")], Some(12 * SECOND), "retry-after"),
        (&[("llm_provider-x-ratelimit-reset-requests", "6m0s"), ("llm_provider-x-ratelimit-remaining-requests", "0")], Some(6 * MINUTE), "llm_provider-x-ratelimit-reset-requests"),
    ]);
}

#[test]
fn go_durations_in_reset_headers() {
    headers(&[
        (&[("x-ratelimit-reset-requests", "1s")], Some(SECOND), "x-ratelimit-reset-requests"),
        (&[("x-ratelimit-reset-requests", "6m0s")], Some(6 * MINUTE), "x-ratelimit-reset-requests"),
        (&[("x-ratelimit-reset-tokens", "20ms")], Some(20), "x-ratelimit-reset-tokens"),
        (&[("x-ratelimit-reset-tokens", "7.66s")], Some(7_660), "x-ratelimit-reset-tokens"),
        (&[("x-ratelimit-reset-requests", "2m59.56s")], Some(179_560), "x-ratelimit-reset-requests"),
        (&[("x-ratelimit-reset-requests", "8h24m0s")], Some(8 * HOUR + 24 * MINUTE), "x-ratelimit-reset-requests"),
        (&[("x-ratelimit-reset-tokens", "1.5µs")], Some(1), "x-ratelimit-reset-tokens"),
        // The limit that is used up decides, not the one that resets first or last.
        (&[("x-ratelimit-remaining-requests", "14370"), ("x-ratelimit-reset-requests", "2m59.56s"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "7.66s")], Some(7_660), "x-ratelimit-reset-tokens"),
        // Both are used up: the longer.
        (&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m0s"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "7.66s")], Some(MINUTE), "x-ratelimit-reset-requests"),
    ]);
}

#[test]
fn rfc3339_in_anthropic_headers() {
    headers(&[
        (&[("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:50Z")], Some(30 * SECOND), "anthropic-ratelimit-requests-reset"),
        (&[("anthropic-ratelimit-input-tokens-remaining", "0"), ("anthropic-ratelimit-input-tokens-reset", "2026-09-21T14:14:20Z"), ("anthropic-ratelimit-output-tokens-remaining", "8000"), ("anthropic-ratelimit-output-tokens-reset", "2026-09-21T14:13:21Z")], Some(MINUTE), "anthropic-ratelimit-input-tokens-reset"),
        (&[("anthropic-priority-output-tokens-remaining", "0"), ("anthropic-priority-output-tokens-reset", "2026-09-21T14:13:25Z")], Some(5 * SECOND), "anthropic-priority-output-tokens-reset"),
        (&[("anthropic-ratelimit-tokens-reset", "2026-09-21T16:13:20+02:00")], Some(0), "anthropic-ratelimit-tokens-reset"),
        // What the provider says outright goes first.
        (&[("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", "2026-09-21T15:13:20Z"), ("retry-after", "12")], Some(12 * SECOND), "retry-after"),
    ]);
}

#[test]
fn epoch_seconds_and_milliseconds_in_reset_headers() {
    headers(&[
        // OpenRouter.
        (&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1790000060000")], Some(MINUTE), "x-ratelimit-reset"),
        // GitHub.
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1790000090")], Some(90 * SECOND), "x-ratelimit-reset"),
        (&[("x-ratelimit-reset", "1789999990")], Some(0), "x-ratelimit-reset"),
        // Some put the instant into retry-after.
        (&[("retry-after", "1790000030")], Some(30 * SECOND), "retry-after"),
    ]);
}

#[test]
fn float_seconds_in_reset_headers() {
    headers(&[
        (&[("x-ratelimit-reset-tokens-minute", "11.382")], Some(11_382), "x-ratelimit-reset-tokens-minute"),
        (&[("x-ratelimit-remaining-requests-day", "0"), ("x-ratelimit-reset-requests-day", "33011.382"), ("x-ratelimit-remaining-tokens-minute", "60000"), ("x-ratelimit-reset-tokens-minute", "11.4")], Some(33_011_382), "x-ratelimit-reset-requests-day"),
        // Moonshot and others: whole seconds.
        (&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "42")], Some(42 * SECOND), "x-ratelimit-reset"),
        // Discord's form, taken over by relays.
        (&[("x-rate-limit-reset-after", "15")], Some(15 * SECOND), "x-rate-limit-reset-after"),
    ]);
}

#[test]
fn the_ietf_ratelimit_header() {
    headers(&[
        (&[("RateLimit", "\"api\";r=0;t=147"), ("RateLimit-Policy", "\"fixed window\";\"api\";q=500;w=300")], Some(147 * SECOND), "ratelimit"),
        (&[("ratelimit", "\"default\"; r=0; t=5")], Some(5 * SECOND), "ratelimit"),
        // Two policies: the one that is used up.
        (&[("ratelimit", "\"burst\";r=12;t=1, \"day\";r=0;t=3600")], Some(HOUR), "ratelimit"),
        // An older draft, in three headers and in one.
        (&[("RateLimit-Limit", "100"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "50")], Some(50 * SECOND), "ratelimit-reset"),
        (&[("ratelimit", "limit=100, remaining=0, reset=50")], Some(50 * SECOND), "ratelimit"),
        // A policy alone tells no wait.
        (&[("RateLimit-Policy", "\"api\";q=500;w=300")], None, ""),
    ]);
}

#[test]
fn retry_delay_of_google() {
    let info = |delay: &str| {
        format!(
            r#"{{"error":{{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED","details":[{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}}]}},{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{delay}"}}]}}}}"#
        )
    };
    bodies(&[
        (429, &info("28s"), Some(28 * SECOND)),
        (429, &info("4.35s"), Some(4_350)),
        (429, &info("58.821668433s"), Some(58_822)),
        (429, &info("0s"), Some(0)),
        (429, &info("3600s"), Some(HOUR)),
        // In a list, as streamGenerateContent sends it.
        (429, &format!("[{}]", info("28s")), Some(28 * SECOND)),
        // As gRPC clients print it.
        (429, r#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":{"seconds":28}}]}}"#, Some(28 * SECOND)),
        (0, "429 RESOURCE_EXHAUSTED. Quota exceeded for requests per minute. retry_delay {\n  seconds: 41\n}", Some(41 * SECOND)),
        (0, "ResourceExhausted: 429 You exceeded your current quota, please check your plan and billing details. [violations {\n}\n, retry_delay {\n  seconds: 41\n}\n]", Some(41 * SECOND)),
    ]);
}

#[test]
fn fields_of_the_body() {
    bodies(&[
        // Replicate.
        (429, r#"{"title":"Request was throttled","detail":"Request was throttled.","status":429,"retry_after":7}"#, Some(7 * SECOND)),
        (429, r#"{"error":{"message":"Too many requests","retry_after_ms":350}}"#, Some(350)),
        (429, r#"{"error":{"message":"Too many requests","retryAfter":"12"}}"#, Some(12 * SECOND)),
        (429, r#"{"error":{"message":"Too many requests","retry_after_seconds":3}}"#, Some(3 * SECOND)),
        (429, r#"{"error":{"message":"Too many requests"},"retryAfterSeconds":25}"#, Some(25 * SECOND)),
        // ChatGPT plans.
        (429, r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_in_seconds":4500}}"#, Some(75 * MINUTE)),
        (429, r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_at":1790000600}}"#, Some(10 * MINUTE)),
        // OpenRouter hands on headers inside the body.
        (429, r#"{"error":{"message":"Rate limit exceeded: free-models-per-min.","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1790000040000"}}}}"#, Some(40 * SECOND)),
        (429, r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"acme/foo-1 is temporarily rate-limited upstream","retry_after_seconds":9}}}"#, Some(9 * SECOND)),
        // Hugging Face while a model loads.
        (503, r#"{"error":"Model acme/foo-1 is currently loading","estimated_time":20.0}"#, Some(20 * SECOND)),
    ]);
}

#[test]
fn words_try_again_in() {
    let said = |wait: &str| {
        format!(
            r#"{{"error":{{"message":"Rate limit reached for gpt-5 in organization org-1 on tokens per min (TPM): Limit 30000, Used 29500, Requested 1200. Please try again in {wait}. Visit https://platform.openai.com/account/rate-limits to learn more.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}}}"#
        )
    };
    bodies(&[
        (429, &said("20s"), Some(20 * SECOND)),
        (429, &said("1.4s"), Some(1_400)),
        (429, &said("28ms"), Some(28)),
        (429, &said("6m0s"), Some(6 * MINUTE)),
        (429, &said("1h43m56s"), Some(HOUR + 43 * MINUTE + 56 * SECOND)),
        (429, &said("10m24.3s"), Some(624_300)),
        (429, &said("8.64s"), Some(8_640)),
        (429, &said("3 days"), Some(3 * DAY)),
        // Azure and LiteLLM.
        (429, r#"{"error":{"code":"too_many_requests","message":"Rate limit is exceeded. Try again in 86400 seconds.","status":429}}"#, Some(DAY)),
        (429, r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds. Passed model=foo.","code":"429"}}"#, Some(5 * SECOND)),
        (0, "Rate limit exceeded, please try again in 2 minutes and 10 seconds", Some(130 * SECOND)),
        (0, "Rate limited. Please try again in a few seconds", None),
    ]);
}

#[test]
fn words_retry_after() {
    bodies(&[
        (429, r#"{"error":{"code":"429","message":"Requests to the API have exceeded call rate limit. Please retry after 26 seconds."}}"#, Some(26 * SECOND)),
        (429, r#"{"error":{"code":"429","message":"Requests have exceeded token rate limit. Please retry after 1 second."}}"#, Some(SECOND)),
        // Moonshot.
        (429, r#"{"error":{"type":"rate_limit_reached_error","message":"Your account reached max RPM: 3, please try again after 1 seconds"}}"#, Some(SECOND)),
        // Gemini puts it into words too.
        (429, r#"{"error":{"code":429,"message":"Quota exceeded for requests per minute.\nPlease retry in 58.821668433s.","status":"RESOURCE_EXHAUSTED"}}"#, Some(58_822)),
        (0, "rate limited: retry_after=17", Some(17 * SECOND)),
        (0, "429 Too Many Requests (Retry-After: 17)", Some(17 * SECOND)),
    ]);
}

#[test]
fn words_please_wait() {
    bodies(&[
        // GitHub Models.
        (429, r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 8 per 86400s exceeded for UserByModelByDay. Please wait 5632 seconds before retrying."}}"#, Some(5_632 * SECOND)),
        (429, r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 1 per 0s exceeded for UserConcurrentRequests. Please wait 0 seconds before retrying."}}"#, Some(0)),
        // GitHub Copilot.
        (0, "You've been rate-limited. Please wait 17 seconds before trying again.", Some(17 * SECOND)),
        (0, "Rate limit exceeded. Please wait 1 minute and 5 seconds.", Some(65 * SECOND)),
        // Replicate, Django.
        (429, r#"{"detail":"Request was throttled. Expected available in 11 seconds."}"#, Some(11 * SECOND)),
        (0, "Rate limit exceeded. You need to wait for 45s", Some(45 * SECOND)),
        (403, r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#, None),
    ]);
}

#[test]
fn words_resets_at_an_instant() {
    bodies(&[
        // Z.ai and Zhipu name the time of their own country.
        (429, r#"{"error":{"code":"1308","message":"Usage limit reached for 5 hour. Your limit will reset at 2026-09-21 15:13:20"}}"#, Some(HOUR)),
        (429, r#"{"error":{"code":"1308","message":"已达到 5 小时的使用上限。您的限额将在 2026-09-21 23:13:20 重置。"}}"#, Some(HOUR)),
        (429, r#"{"error":{"code":"1310","message":"已达到每周使用上限，您的限额将在 2026-09-24 22:13:20 重置。"}}"#, Some(3 * DAY)),
        (0, "请求过于频繁，配额重置于 2026-09-21T22:43:20+08:00", Some(30 * MINUTE)),
        (0, "已触发限流，重置时间：2026-09-21 22:14:20", Some(MINUTE)),
        (0, "Usage limit reached, resets at 2026-09-21T14:13:30+00:00", Some(10 * SECOND)),
        (0, "Rate limit reached. Limit resets on 2026-09-22T14:13:20Z", Some(DAY)),
        // Claude Code: the instant stands behind a bar.
        (0, "Claude AI usage limit reached|1790003600", Some(HOUR)),
        (0, "Rate limit exceeded. Try again after 1790000060", Some(MINUTE)),
    ]);
    // The instant is a fact, also without a clock.
    let evidence = Evidence::from_text("Usage limit reached, resets at 2026-09-21T14:14:20Z");
    let got = read(&evidence, None);
    assert_eq!((got.retry, got.facts.reset_at), (None, Some(Timestamp(NOW.0 + 60_000))));
}

#[test]
fn words_resets_in_a_while() {
    bodies(&[
        (0, "usage limit reached. Come back in 3h 47m", Some(3 * HOUR + 47 * MINUTE)),
        (0, "You've hit your usage limit. Try again in 2 days 4 hours 11 minutes.", Some(2 * DAY + 4 * HOUR + 11 * MINUTE)),
        (0, "rate limit (reset after 27s)", Some(27 * SECOND)),
        (0, "rate limited, cooling down for 12 seconds", Some(12 * SECOND)),
        (0, "Rate limit exceeded; next request allowed in 45 seconds", Some(45 * SECOND)),
        (429, r#"{"error":{"code":429,"message":"You have exhausted your capacity on this model. Your quota will reset after 1h29m47s.","status":"RESOURCE_EXHAUSTED"}}"#, Some(5_387 * SECOND)),
        (0, "Rate limit exceeded, resets in 12 minutes", Some(12 * MINUTE)),
    ]);
}

#[test]
fn words_in_chinese() {
    bodies(&[
        (0, "请求过于频繁，请在 30 秒后重试", Some(30 * SECOND)),
        (0, "请求过于频繁，请等待2分钟再试", Some(2 * MINUTE)),
        (0, "触发限流，请 5 分钟后再试", Some(5 * MINUTE)),
        (0, "请求太频繁，请在60s后重试", Some(MINUTE)),
        (0, "请求频率超限，请1小时后重试", Some(HOUR)),
        (0, "請求過於頻繁，請於 15 秒後重試", Some(15 * SECOND)),
        // A window is no wait.
        (0, "您已达到请求数限制：1分钟内最多请求10次", None),
        (0, "请求过于频繁，请稍后再试", None),
    ]);
}

#[test]
fn what_looks_like_a_wait_and_is_none() {
    bodies(&[
        (0, "Rate limit of 50 per 86400s exceeded", None),
        (0, "rate limit of 40,000 tokens per minute", None),
        (0, "429 Too Many Requests; request took 12.5s", None),
        (0, "Rate limit reached after 3 retries in 20s", None),
        (0, "429 rate limit · attempt 10/10", None),
        (429, r#"{"error":{"message":"Rate limit exceeded","request_id":"req_1790000060"}}"#, None),
    ]);
    // What is left, and the size of a window, tell no wait either.
    headers(&[
        (&[("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "0")], None, ""),
        // Baidu tells no reset.
        (&[("X-Ratelimit-Limit-Tokens", "150000"), ("X-Ratelimit-Remaining-Tokens", "0")], None, ""),
        (&[("retry-after", "soon")], None, ""),
        (&[("retry-after", "")], None, ""),
        (&[("retry-after", "-5")], None, ""),
        (&[("x-ratelimit-reset-requests", "")], None, ""),
    ]);
}
