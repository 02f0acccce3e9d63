//! What a person typed: a prompt, a command, or the number of a way forward.

/// The commands, in the order in which `/help` lists them.
pub(super) const COMMANDS: &[&str] = &[
    "help", "new", "model", "resend", "continue", "compact", "undo", "redo", "image", "list",
    "open", "title", "practice", "report", "thinking", "quit",
];

/// A line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing.
    Empty,
    /// A prompt.
    Prompt(String),
    /// A number alone: a way forward, where a card offers some.
    Number(usize),
    /// A command and what follows it.
    Command(&'static str, String),
    /// A word after a slash that is no command, and the command it may have meant.
    Unknown(String, Option<&'static str>),
}

/// Reads what was typed. A path is no command; a line that begins with two slashes is a prompt that
/// begins with one.
pub(super) fn typed(line: &str) -> Typed {
    let text = line.trim();
    if text.is_empty() {
        return Typed::Empty;
    }
    if let Some(rest) = text.strip_prefix("//") {
        return Typed::Prompt(format!("/{rest}"));
    }
    if let Some(rest) = text.strip_prefix('/') {
        let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == '-');
        if is_word {
            let lower = word.to_lowercase();
            let lower = match lower.as_str() {
                "exit" | "q" => "quit",
                "retry" => "resend",
                "models" => "model",
                "picture" => "image",
                other => other,
            };
            return match COMMANDS.iter().find(|name| **name == lower) {
                Some(name) => Typed::Command(name, rest.trim().to_owned()),
                None => Typed::Unknown(word.to_owned(), near(lower)),
            };
        }
    }
    match text.parse::<usize>() {
        Ok(number) if number > 0 && text.len() <= 2 => Typed::Number(number),
        _ => Typed::Prompt(line.trim_end().to_owned()),
    }
}

fn near(word: &str) -> Option<&'static str> {
    COMMANDS
        .iter()
        .map(|name| (strsim::jaro_winkler(word, name), *name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Of several names the one that `wanted` means: word for word, else as a part, else nearly.
/// Several where that is not clear, none where nothing is like it.
pub(super) fn pick<'a>(wanted: &str, names: &'a [String]) -> Vec<&'a String> {
    let wanted = wanted.trim().to_lowercase();
    let model = |name: &str| name.split_once('/').map_or("", |(_, model)| model).to_lowercase();
    let exact: Vec<&String> = names
        .iter()
        .filter(|name| name.to_lowercase() == wanted || model(name) == wanted)
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let parts: Vec<&String> = names
        .iter()
        .filter(|name| words.iter().all(|word| name.to_lowercase().contains(word)))
        .collect();
    if !parts.is_empty() {
        return parts;
    }
    let like = |name: &str| {
        strsim::jaro_winkler(&wanted, &model(name))
            .max(strsim::jaro_winkler(&wanted, &name.to_lowercase()))
    };
    let mut near: Vec<(f64, &String)> =
        names.iter().map(|name| (like(name), name)).filter(|(like, _)| *like > 0.8).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(5).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let command = |name, rest: &str| Typed::Command(name, rest.to_owned());
        for (line, want) in [
            ("", Typed::Empty),
            ("  \n", Typed::Empty),
            ("hello", Typed::Prompt("hello".to_owned())),
            ("/compact", command("compact", "")),
            ("/compact  keep the names ", command("compact", "keep the names")),
            ("/MODEL gpt", command("model", "gpt")),
            ("/exit", command("quit", "")),
            ("/retry", command("resend", "")),
            ("/compcat", Typed::Unknown("compcat".to_owned(), Some("compact"))),
            ("/zzzz", Typed::Unknown("zzzz".to_owned(), None)),
            (
                "/home/me/a.png what is this",
                Typed::Prompt("/home/me/a.png what is this".to_owned()),
            ),
            ("/tmp", Typed::Unknown("tmp".to_owned(), None)),
            ("//comment", Typed::Prompt("/comment".to_owned())),
            ("/", Typed::Prompt("/".to_owned())),
            ("2", Typed::Number(2)),
            ("0", Typed::Prompt("0".to_owned())),
            ("2024", Typed::Prompt("2024".to_owned())),
            ("2 apples", Typed::Prompt("2 apples".to_owned())),
        ] {
            assert_eq!(typed(line), want, "{line:?}");
        }
    }

    #[test]
    fn a_model_is_picked_by_name_part_or_likeness() {
        let names: Vec<String> =
            ["openai/gpt-5.4", "openai/gpt-5.4-mini", "mine/qwen3", "practice/halo-practice"]
                .map(String::from)
                .to_vec();
        for (wanted, want) in [
            ("gpt-5.4", vec!["openai/gpt-5.4"]),
            ("GPT-5.4-MINI", vec!["openai/gpt-5.4-mini"]),
            ("mine/qwen3", vec!["mine/qwen3"]),
            ("qwen", vec!["mine/qwen3"]),
            ("open mini", vec!["openai/gpt-5.4-mini"]),
            ("gpt", vec!["openai/gpt-5.4", "openai/gpt-5.4-mini"]),
            ("qwne3", vec!["mine/qwen3"]),
            ("nothing like it", vec![]),
        ] {
            assert_eq!(pick(wanted, &names), want, "{wanted}");
        }
    }
}
