//! Form and lines of a body, so that the raw bytes of a stream are handed on frame by frame.

use memchr::memchr2;

/// What a body looks like from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Too little has come to tell.
    Undecided,
    /// An event stream.
    Stream,
    /// Anything else: one document.
    Whole,
}

/// Tells the form of a body from its first bytes, whatever its content type claims.
pub(crate) fn form(start: &[u8]) -> Form {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if start.is_empty() {
        return Form::Undecided;
    }
    for field in [&b":"[..], b"data:", b"event:", b"id:", b"retry:"] {
        let common = start.len().min(field.len());
        if start[..common] == field[..common] {
            return if common == field.len() { Form::Stream } else { Form::Undecided };
        }
    }
    Form::Whole
}

/// The end of the line that starts at `start`, behind its line end.
///
/// Bytes before `scanned` are known to hold no line end. A carriage return as the last byte may be
/// half of a line end and counts only once more is known.
pub(crate) fn line_end(buffer: &[u8], start: usize, scanned: usize) -> Option<usize> {
    let from = start.max(scanned);
    let found = memchr2(b'\n', b'\r', buffer.get(from..)?)?;
    behind_line_end(buffer, from + found)
}

/// Whether a line, given with its line end, is empty: it closes a frame.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r" | b"\r\n")
}

fn behind_line_end(buffer: &[u8], at: usize) -> Option<usize> {
    match (buffer.get(at), buffer.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r'), None) => None,
        _ => Some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut held, mut lines) = (Vec::new(), Vec::new());
        for chunk in chunks {
            held.extend_from_slice(chunk);
            while let Some(end) = line_end(&held, 0, 0) {
                lines.push(held.drain(..end).collect());
            }
        }
        (lines, held)
    }

    #[test]
    fn lines_are_the_same_wherever_the_bytes_are_cut() {
        let stream = b"event: x\r\ndata: a\r\n\r\n: c\n\ndata: b\r\rdata: c\n\nrest";
        let (whole, rest) = lines(&[stream]);
        assert_eq!(whole.len(), 9);
        assert_eq!(whole.iter().filter(|line| is_blank(line)).count(), 4);
        assert_eq!(rest, b"rest");
        for cut in 1..stream.len() {
            assert_eq!(lines(&[&stream[..cut], &stream[cut..]]), (whole.clone(), rest.clone()));
        }
    }

    #[test]
    fn the_form_is_told_from_the_first_bytes() {
        let cases: [(&[u8], Form); 11] = [
            (b"", Form::Undecided),
            (b" \n", Form::Undecided),
            (b"dat", Form::Undecided),
            (b"data: x", Form::Stream),
            (b"\xef\xbb\xbfevent: x", Form::Stream),
            (b": ping", Form::Stream),
            (b"{\"id\"", Form::Whole),
            (b"\n\n{", Form::Whole),
            (b"<!doctype", Form::Whole),
            (b"error: no such route", Form::Whole),
            (b"rate limit", Form::Whole),
        ];
        for (start, want) in cases {
            assert_eq!(form(start), want, "{:?}", String::from_utf8_lossy(start));
        }
    }
}
