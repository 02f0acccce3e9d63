//! What the headers of an answer say is left of its key's rate limits.

use halo_types::{Allowance, Counted, Headers, Timestamp};

use super::time;

/// What is left of the rate limits of a key, by the headers of an answer or a refusal: of each
/// sort the tightest. Limits without a time at which they are whole again are left out.
///
/// ```
/// use halo_diagnose::allowances;
/// use halo_types::{Counted, Headers, Timestamp};
///
/// let headers = Headers::new([
///     ("x-ratelimit-limit-requests", "60"),
///     ("x-ratelimit-remaining-requests", "3"),
///     ("x-ratelimit-reset-requests", "6m0s"),
/// ]);
/// let [told] = allowances(&headers, Timestamp(0))[..] else { panic!() };
/// assert_eq!((told.of, told.limit, told.remaining), (Counted::Requests, Some(60), 3));
/// assert_eq!(told.until, Timestamp(360_000));
/// ```
#[must_use]
pub fn allowances(headers: &Headers, now: Timestamp) -> Vec<Allowance> {
    let mut told: Vec<Allowance> = Vec::new();
    for (name, value) in headers.iter() {
        let Some(allowance) = allowance(&name.to_ascii_lowercase(), value, headers, now) else {
            continue;
        };
        match told.iter_mut().find(|other| other.of == allowance.of) {
            Some(other) if other.remaining <= allowance.remaining => {}
            Some(other) => *other = allowance,
            None => told.push(allowance),
        }
    }
    told
}

/// The limit that a header of the form `…ratelimit…remaining…` belongs to.
fn allowance(name: &str, value: &str, headers: &Headers, now: Timestamp) -> Option<Allowance> {
    let speaks = (name.contains("ratelimit") || name.contains("rate-limit"))
        && name.contains("remaining")
        // What was written is counted when it is written: nobody knows it before.
        && !name.contains("output");
    if !speaks {
        return None;
    }
    let of = if name.contains("token") { Counted::Tokens } else { Counted::Requests };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| *n >= 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit is a small number, and a cast saturates"
    )]
    let whole = |n: f64| n as u64;
    let remaining = whole(number(value)?);
    let limit = headers.first(&name.replace("remaining", "limit")).and_then(number).map(whole);
    let reset = headers.first(&name.replace("remaining", "reset"))?;
    let until =
        time::instant(reset).or_else(|| Some(now.plus_ms(time::seconds_or_duration(reset)?)))?;
    Some(Allowance { of, limit, remaining, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-09-21T14:13:20Z.
    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn limits_are_read_in_every_spelling() {
        use Counted::{Requests, Tokens};
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [(Counted, Option<u64>, u64, u64)]);
        let cases: &[Case<'_>] = &[
            (
                &[
                    ("x-ratelimit-limit-requests", "5000"),
                    ("x-ratelimit-remaining-requests", "4999"),
                    ("x-ratelimit-reset-requests", "12ms"),
                    ("x-ratelimit-limit-tokens", "160000"),
                    ("x-ratelimit-remaining-tokens", "159976"),
                    ("x-ratelimit-reset-tokens", "7.66s"),
                ],
                &[(Requests, Some(5_000), 4_999, 12), (Tokens, Some(160_000), 159_976, 7_660)],
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-limit", "50"),
                    ("anthropic-ratelimit-requests-remaining", "0"),
                    ("anthropic-ratelimit-requests-reset", "2026-09-21T14:13:50Z"),
                    ("anthropic-ratelimit-input-tokens-limit", "30000"),
                    ("anthropic-ratelimit-input-tokens-remaining", "1000"),
                    ("anthropic-ratelimit-input-tokens-reset", "2026-09-21T14:14:20Z"),
                    ("anthropic-ratelimit-output-tokens-remaining", "0"),
                    ("anthropic-ratelimit-output-tokens-reset", "2026-09-21T14:14:20Z"),
                    ("anthropic-ratelimit-tokens-remaining", "9000"),
                    ("anthropic-ratelimit-tokens-reset", "2026-09-21T14:14:20Z"),
                ],
                &[(Requests, Some(50), 0, 30_000), (Tokens, Some(30_000), 1_000, 60_000)],
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens-minute", "12"),
                    ("x-ratelimit-reset-tokens-minute", "11.382"),
                ],
                &[(Tokens, None, 12, 11_382)],
            ),
            (
                &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1790000060000")],
                &[(Requests, None, 0, 60_000)],
            ),
            // Without a time nothing can be said; neither can it with nonsense.
            (&[("x-ratelimit-remaining-requests", "0")], &[]),
            (&[("x-ratelimit-remaining-requests", "-"), ("x-ratelimit-reset-requests", "1s")], &[]),
            (
                &[("x-ratelimit-remaining-requests", "1"), ("x-ratelimit-reset-requests", "soon")],
                &[],
            ),
            (&[("retry-after", "3"), ("content-type", "text/html")], &[]),
        ];
        for (headers, want) in cases {
            let got = allowances(&Headers::new(headers.iter().copied()), NOW);
            let got: Vec<_> =
                got.iter().map(|a| (a.of, a.limit, a.remaining, a.until.ms_since(NOW))).collect();
            assert_eq!(got, *want, "{headers:?}");
        }
    }
}
