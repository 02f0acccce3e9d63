//! One evidence record a line in, one diagnosis a line out, in constant memory.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use halo_types::{Diagnosis, Evidence};
use serde_json::error::Category;
use serde_json::json;

/// The longest line that is taken for a record.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Explains every line of `input`. A line that is no record gives `{"error":…,"line":…}` and the
/// rest goes on. Returns how many lines were bad; fails only if the output does.
pub(super) fn run(
    input: impl Read,
    output: impl Write,
    explain: impl Fn(Evidence) -> Diagnosis,
) -> io::Result<u64> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut output = BufWriter::new(output);
    let mut line = Vec::new();
    let mut number: u64 = 0;
    let mut bad = 0;
    loop {
        // Whoever waits for an answer gets it before the next question is awaited.
        if input.buffer().is_empty() {
            output.flush()?;
        }
        number += 1;
        let read = match read_line(&mut input, &mut line) {
            Ok(Line::End) => break,
            Ok(Line::Whole) => record(&line),
            Ok(Line::TooLong) => Err(format!("longer than {} MiB", MAX_LINE / (1024 * 1024))),
            Err(error) => {
                bad += 1;
                let message = format!("cannot read on: {error}");
                write_line(&mut output, &json!({ "error": message, "line": number }))?;
                break;
            }
        };
        match read {
            Ok(evidence) => write_line(&mut output, &explain(evidence))?,
            Err(message) => {
                bad += 1;
                write_line(&mut output, &json!({ "error": message, "line": number }))?;
            }
        }
    }
    output.flush()?;
    Ok(bad)
}

fn record(line: &[u8]) -> Result<Evidence, String> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Err("the line is empty; expected a JSON record with a body".to_owned());
    }
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| match error.classify() {
            Category::Eof => "the record ends too early; it is not complete JSON".to_owned(),
            _ => format!("this is not JSON (at column {})", error.column()),
        })?;
    if !value.is_object() {
        return Err("a record is a JSON object with a body; this is something else".to_owned());
    }
    serde_json::from_value(value).map_err(|error| {
        // What the reader of the format says names no types of the program but these.
        let words = error.to_string();
        format!("a field of the record does not fit: {}", words.replace("struct ", ""))
    })
}

fn write_line(output: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value).map_err(io::Error::from)?;
    output.write_all(b"\n")
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads up to the next line end. Of a line that is too long only the length is held against it.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let mut any = false;
    let mut too_long = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(match (any, too_long) {
                (false, _) => Line::End,
                (true, true) => Line::TooLong,
                (true, false) => Line::Whole,
            });
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        if !too_long && line.len() + part.len() <= MAX_LINE {
            line.extend_from_slice(part);
        } else {
            too_long = true;
            line.clear();
        }
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            // A single giant line must not keep its memory for the rest of the run.
            if line.capacity() > 4 * 1024 * 1024 && line.len() < 1024 * 1024 {
                line.shrink_to(1024 * 1024);
            }
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use halo_diagnose::{Context, diagnose};

    use super::*;

    fn explain(input: &[u8]) -> (Vec<serde_json::Value>, u64) {
        let mut out = Vec::new();
        let bad =
            run(input, &mut out, |evidence| diagnose(&evidence, &Context::default())).unwrap();
        let lines = String::from_utf8(out).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), bad)
    }

    #[test]
    fn lines_keep_their_order_and_bad_ones_do_not_stop_the_rest() {
        let input = concat!(
            r#"{"status":429,"headers":{"retry-after":"3"},"body":"Too Many Requests","extra":1}"#,
            "\n",
            "not json\n",
            "\n",
            r#"{"status":401}"#,
            "\r\n",
            r#"{"body":{"error":{"message":"Overloaded"}}}"#,
        );
        let (lines, bad) = explain(input.as_bytes());
        assert_eq!(bad, 3);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0]["kind"], "rate_limited");
        assert_eq!(lines[0]["retry"]["after_ms"], 3000);
        for (at, line) in [(1, 2), (2, 3), (3, 4)] {
            assert_eq!(lines[at]["line"], line);
            assert!(lines[at]["error"].is_string());
        }
        assert_eq!(lines[4]["kind"], "overloaded");
        let said = |line: &[u8]| record(line).unwrap_err();
        assert!(said(b"[1]").contains("JSON object"), "{}", said(b"[1]"));
        assert!(said(b"{\"body\":").contains("not complete"));
        assert!(!said(br#"{"status":"x"}"#).contains("struct"));
    }

    #[test]
    fn a_giant_line_is_refused_and_not_kept() {
        let mut input = vec![b'x'; MAX_LINE + 10];
        input.extend_from_slice(b"\n{\"body\":\"invalid api key\"}\n");
        let (lines, bad) = explain(&input);
        assert_eq!((lines.len(), bad), (2, 1));
        assert_eq!(lines[1]["kind"], "invalid_api_key");
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_of_their_line() {
        let (lines, bad) = explain(b"\xff\xfe\n{\"body\":\"overloaded\"}");
        assert_eq!((lines.len(), bad), (2, 1));
        assert_eq!(lines[1]["kind"], "overloaded");
    }
}
