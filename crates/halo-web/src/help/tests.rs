use super::explain::{MAX_TEXT, Refused, accept};

#[test]
fn what_is_no_error_text_is_refused_with_a_reason() {
    assert_eq!(accept(" \r\n\t "), Err(Refused::Empty));
    let long = "x".repeat(MAX_TEXT + 1);
    assert_eq!(accept(&long), Err(Refused::TooLong(Some(MAX_TEXT + 1))));
    let binary: String = (0..400).map(|n| if n % 3 == 0 { '\u{fffd}' } else { 'a' }).collect();
    assert_eq!(accept(&binary), Err(Refused::NoText));
    assert_eq!(accept("\u{0}\u{1}\u{2}ELF"), Err(Refused::NoText));
    // Colours of a terminal are no reason to refuse a log line.
    assert_eq!(accept("\u{1b}[31m429\u{1b}[0m a\r\nb").unwrap(), "\u{1b}[31m429\u{1b}[0m a\nb");
}
