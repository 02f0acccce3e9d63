//! Pictures that are named in a prompt by their path, as typed, quoted or dropped.

use std::path::{Path, PathBuf};

const ENDINGS: &[&str] = &["png", "jpg", "jpeg", "gif", "webp"];

/// A prompt with the pictures that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Named {
    /// The text, each path replaced by the file's name; empty where it held nothing else.
    pub(super) text: String,
    /// The files.
    pub(super) paths: Vec<PathBuf>,
}

/// Finds paths of pictures in a prompt. What is written like a path counts whether or not the file
/// is there, so that a wrong one is noticed; a bare name counts where `exists` says so.
pub(super) fn find(text: &str, home: Option<&Path>, exists: impl Fn(&Path) -> bool) -> Named {
    let mut named = Named::default();
    let mut kept = String::new();
    let mut rest = text;
    let mut words = 0;
    while !rest.is_empty() {
        let word = token(rest);
        if let Some((path, used)) = word.and_then(|word| picture(&word, home, &exists)) {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            kept.push_str(&name.unwrap_or_default());
            named.paths.push(path);
            rest = &rest[used..];
            continue;
        }
        // On to the next place where a word may begin.
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let next = rest[end..].find(|c: char| !c.is_whitespace()).map_or(rest.len(), |n| end + n);
        words += usize::from(end > 0 && rest[..end].chars().any(char::is_alphanumeric));
        kept.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    named.text = if words == 0 && !named.paths.is_empty() { String::new() } else { kept };
    named
}

/// A path as it was typed by hand, after `/image`.
pub(super) fn typed(text: &str, home: Option<&Path>) -> PathBuf {
    let text = text.trim();
    match token(text) {
        // Without quotes, spaces belong to the name.
        Some(word) if word.quoted || word.used == text.len() => resolve(&word.text, home),
        _ => resolve(text, home),
    }
}

struct Token {
    text: String,
    quoted: bool,
    /// Bytes of the prompt it stands in.
    used: usize,
}

/// The word at the beginning of a text: quoted, or with its spaces after backslashes.
fn token(text: &str) -> Option<Token> {
    let first = text.chars().next()?;
    if matches!(first, '"' | '\'') {
        let end = text[1..].find(first)? + 1;
        return Some(Token { text: text[1..end].to_owned(), quoted: true, used: end + 1 });
    }
    let mut word = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            return Some(Token { text: word, quoted: false, used: at });
        }
        // A backslash hides a space or a quote, as in a shell; elsewhere it is a sign of its own.
        if c == '\\' && text[at + 1..].starts_with([' ', '\'', '"', '(', ')', '&', '\\']) {
            if let Some((_, hidden)) = chars.next() {
                word.push(hidden);
            }
            continue;
        }
        word.push(c);
    }
    Some(Token { text: word, quoted: false, used: text.len() })
}

fn picture(
    word: &Token,
    home: Option<&Path>,
    exists: impl Fn(&Path) -> bool,
) -> Option<(PathBuf, usize)> {
    // The end of a sentence is no part of a name.
    let bare = if word.quoted {
        word.text.as_str()
    } else {
        word.text
            .trim_end_matches(['?', '!', '.', ',', ';', ':', '？', '！', '。', '，', '；', '：'])
    };
    let (_, ending) = bare.rsplit_once('.')?;
    if !ENDINGS.contains(&ending.to_lowercase().as_str()) {
        return None;
    }
    let path = resolve(bare, home);
    let written = ["/", "~", "./", "../", "file://"].iter().any(|sign| bare.starts_with(sign));
    let drive = bare.as_bytes().get(1) == Some(&b':');
    let used = word.used - (word.text.len() - bare.len());
    (written || drive || exists(&path)).then_some((path, used))
}

/// `~` and `file://` made paths.
fn resolve(text: &str, home: Option<&Path>) -> PathBuf {
    if let Some(address) = text.strip_prefix("file://") {
        let path = address.strip_prefix("localhost").unwrap_or(address);
        return PathBuf::from(decoded(path));
    }
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// `%20` and the like made characters.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> (String, Vec<String>) {
        let here = |path: &Path| path == Path::new("here.png");
        let named = find(text, Some(Path::new("/home/me")), here);
        let paths = named.paths.iter().map(|path| path.to_string_lossy().into_owned());
        (named.text, paths.collect())
    }

    #[test]
    fn paths_are_found_however_they_are_written() {
        for (prompt, text, path) in [
            ("/a/cat.png", "", "/a/cat.png"),
            ("what is in /a/cat.PNG?", "what is in cat.PNG?", "/a/cat.PNG"),
            ("'/a/my cat.jpg' look", "my cat.jpg look", "/a/my cat.jpg"),
            ("look: \"/a/my cat.jpg\"", "look: my cat.jpg", "/a/my cat.jpg"),
            ("/a/my\\ cat.webp", "", "/a/my cat.webp"),
            ("file:///a/my%20cat.gif", "", "/a/my cat.gif"),
            ("~/cat.png 是什么？", "cat.png 是什么？", "/home/me/cat.png"),
            ("./cat.png, please", "cat.png, please", "./cat.png"),
            ("here.png", "", "here.png"),
        ] {
            assert_eq!(of(prompt), (text.to_owned(), vec![path.to_owned()]), "{prompt}");
        }
        let (text, paths) = of("compare /a.png\nwith /b.png");
        assert_eq!(text, "compare a.png\nwith b.png");
        assert_eq!(paths, ["/a.png", "/b.png"]);
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for prompt in [
            "a cat.png that is not here",
            "see https://example.com/cat.png",
            "/etc/hosts",
            "it's 'quoted' and \\d+ \"x",
            "  indented\n\n    code",
        ] {
            assert_eq!(of(prompt), (prompt.to_owned(), vec![]), "{prompt}");
        }
    }

    #[test]
    fn a_path_after_the_command_may_hold_spaces() {
        let home = Some(Path::new("/home/me"));
        for (text, want) in [
            (" /a/my cat.png ", "/a/my cat.png"),
            ("'/a/my cat.png'", "/a/my cat.png"),
            ("/a/my\\ cat.png", "/a/my cat.png"),
            ("~/cat", "/home/me/cat"),
            ("file://localhost/a%20b.png", "/a b.png"),
        ] {
            assert_eq!(typed(text, home), Path::new(want), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_prompt_loses_a_word(text in "[ a-z\"'./\\\\~%\n猫]{0,60}") {
            let named = find(&text, None, |_| false);
            if named.paths.is_empty() {
                prop_assert_eq!(named.text, text);
            }
        }
    }
}
