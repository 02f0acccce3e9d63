//! Whole logs with what must be found in them.

use halo_types::Kind;

use super::{scan, told};

/// Logs and the kinds that are in them, as often as they are.
const LOGS: &[(&str, &[(Kind, u64)])] = &[
    (
        "python-app.log",
        &[(Kind::RateLimited, 1), (Kind::Timeout, 1), (Kind::ContextLengthExceeded, 1)],
    ),
    // Exception, traceback, wrapper and access line of one error, twice.
    ("litellm-proxy.log", &[(Kind::RateLimited, 1), (Kind::InvalidApiKey, 1)]),
    ("new-api.log", &[(Kind::Overloaded, 1), (Kind::ModelNotFound, 1), (Kind::QuotaExhausted, 1)]),
    ("claude-code.txt", &[(Kind::Overloaded, 1), (Kind::Network, 1), (Kind::RateLimited, 1)]),
    ("pino.jsonl", &[(Kind::RateLimited, 1), (Kind::Overloaded, 1)]),
    ("zap.jsonl", &[(Kind::QuotaExhausted, 1), (Kind::Network, 1)]),
    ("structlog.jsonl", &[(Kind::InvalidApiKey, 1), (Kind::Overloaded, 1)]),
    ("k8s.log", &[(Kind::QuotaExhausted, 2)]),
    ("nginx-access.log", &[(Kind::RateLimited, 2), (Kind::Overloaded, 1)]),
    ("nginx-error.log", &[(Kind::Network, 1)]),
    ("compose.log", &[(Kind::ModelNotFound, 2)]),
    ("journald.log", &[(Kind::RegionUnsupported, 1), (Kind::Network, 1)]),
];

#[test]
fn logs_of_programs_hold_what_they_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/logs");
    let mut wrong = String::new();
    for (name, want) in LOGS {
        let text = std::fs::read(format!("{folder}/{name}")).unwrap();
        let summary = scan(&text);
        let mut want: Vec<(Kind, u64)> = want.to_vec();
        want.sort_unstable();
        let found: Vec<(Kind, u64)> = summary.kinds.iter().map(|(k, c)| (*k, c.count)).collect();
        if found != want {
            wrong += &format!("{name}: {}\n", told(&summary));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
