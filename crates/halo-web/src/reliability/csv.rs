//! Attempts as comma-separated values (RFC 4180).

use halo_store::{Ended, MeasureRow};

use crate::clock;

const HEAD: &str =
    "time,provider,model,key,outcome,kind,first_token_ms,total_ms,output_tokens,turn";

/// A table with a line for each attempt.
pub(super) fn of<'a>(rows: impl Iterator<Item = &'a MeasureRow>) -> String {
    let mut out = format!("{HEAD}\r\n");
    for row in rows {
        let (outcome, kind) = match row.ended {
            Ended::Answered => ("answered", ""),
            Ended::Failed(kind) => ("failed", kind.map_or("unknown", |kind| kind.as_str())),
            Ended::Stopped => ("stopped", ""),
            Ended::Died => ("died", ""),
        };
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let cells = [
            clock::rfc3339(row.started_at),
            row.target.provider.to_string(),
            row.target.model.clone(),
            row.key.map(|key| key.to_string()).unwrap_or_default(),
            outcome.to_owned(),
            kind.to_owned(),
            number(row.first_part_ms),
            row.total_ms.to_string(),
            number(row.output_tokens),
            row.turn.to_string(),
        ];
        out.push_str(&cells.map(|text| cell(&text)).join(","));
        out.push_str("\r\n");
    }
    out
}

/// One value. A spreadsheet would run what begins like a formula; an apostrophe makes it text.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use halo_types::{Kind, Target, Timestamp, TurnId};

    use super::*;

    #[test]
    fn values_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@a,b", "\"'@a,b\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn every_attempt_has_its_line() {
        let row = MeasureRow {
            turn: TurnId::new(uuid::Uuid::nil()),
            target: Target { provider: "p".parse().unwrap(), model: "m,1".to_owned() },
            key: Some(2),
            started_at: Timestamp(0),
            ended: Ended::Failed(Some(Kind::Overloaded)),
            first_part_ms: None,
            total_ms: 12,
            output_tokens: None,
        };
        let text = of([row].iter());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains(",p,\"m,1\",2,failed,overloaded,,12,,"), "{}", lines[1]);
        assert!(lines[1].starts_with("1970-01-01T00:00:00"));
    }
}
