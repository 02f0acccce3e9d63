//! What the practice models say: answers, summaries, filler, and the rest of a broken answer.

use halo_types::{Lang, Part, RequestMessage, Role};

use crate::tokens;

/// The texts of the practice answer, with `${name}` where something is filled in.
const PRACTICE_EN: &str = include_str!("../scenarios/practice.en.md");
const PRACTICE_ZH: &str = include_str!("../scenarios/practice.zh.md");

/// The language of a text: Chinese if at least a fifth of its letters are.
pub(crate) fn language(text: &str) -> Lang {
    let (mut wide, mut other) = (0usize, 0usize);
    for c in text.chars().take(4_000) {
        if tokens::is_wide(c) {
            wide += 1;
        } else if c.is_alphabetic() {
            other += 1;
        }
    }
    if wide > 0 && wide * 4 >= other { Lang::Zh } else { Lang::En }
}

/// Fills `${name}` in a text. Names without a value stay as they are.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let known = from.find('}').and_then(|end| {
            let name = &from[2..end];
            values.iter().find(|(n, _)| *n == name).map(|(_, value)| (value, end + 1))
        });
        match known {
            Some((value, end)) => {
                out.push_str(value);
                rest = &from[end..];
            }
            None => {
                out.push_str("${");
                rest = &from[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The text of a message.
pub(crate) fn said(message: &RequestMessage) -> String {
    let texts: Vec<&str> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n\n")
}

/// The text of the last message of the person.
pub(crate) fn last_prompt(messages: &[RequestMessage]) -> String {
    messages.iter().rev().find(|m| m.role == Role::User).map(said).unwrap_or_default()
}

/// The practice answer to the last message among `messages`.
pub(crate) fn practice(model: &str, messages: &[RequestMessage]) -> String {
    let prompt = messages.last().map(said).unwrap_or_default();
    let lang = language(&prompt);
    let template = match lang {
        Lang::En => PRACTICE_EN,
        Lang::Zh => PRACTICE_ZH,
    };
    let notes: Vec<String> =
        [pictures(messages, lang), memory(messages, lang)].into_iter().flatten().collect();
    let notes: String = notes.iter().map(|note| format!("{note}\n\n")).collect();
    fill(
        template,
        &[("model", model.to_owned()), ("quote", quote(&prompt, lang)), ("notes", notes)],
    )
}

fn quote(prompt: &str, lang: Lang) -> String {
    let words = beginning(prompt, 240);
    if words.is_empty() {
        return match lang {
            Lang::En => "> *(nothing in words)*".to_owned(),
            Lang::Zh => "> *（没有文字）*".to_owned(),
        };
    }
    format!("> {words}")
}

/// What the model sees in the pictures of the last message.
fn pictures(messages: &[RequestMessage], lang: Lang) -> Option<String> {
    let seen: Vec<String> = messages
        .last()?
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Image(image) => {
                let kind = image.media_type.trim_start_matches("image/").to_uppercase();
                Some(format!("{kind}, {} kB", image.bytes.div_ceil(1000)))
            }
            _ => None,
        })
        .collect();
    let list = seen.join("; ");
    match (seen.len(), lang) {
        (0, _) => None,
        (1, Lang::En) => Some(format!("I see your picture ({list}).")),
        (n, Lang::En) => Some(format!("I see your {n} pictures ({list}).")),
        (n, Lang::Zh) => Some(format!("我看到了你的 {n} 张图片（{list}）。")),
    }
}

/// What the model remembers of the conversation.
fn memory(messages: &[RequestMessage], lang: Lang) -> Option<String> {
    let first = messages.iter().find(|m| m.role == Role::User)?;
    if messages.len() < 3 {
        return None;
    }
    let words = beginning(&said(first), 60);
    Some(match lang {
        Lang::En => format!("I remember how we began: “{words}”"),
        Lang::Zh => format!("我记得我们是这样开始的：“{words}”"),
    })
}

/// Whether a prompt asks what the doctor asks about its red square.
pub(crate) fn wants_colour(prompt: &str) -> bool {
    prompt.starts_with("What colour is this square?")
}

/// Whether the person, or Halo on their behalf, asks for a summary of the conversation.
pub(crate) fn wants_summary(prompt: &str) -> bool {
    // A summary that stands before the message, put there by an earlier compaction, asks nothing.
    let prompt = prompt.rsplit("[End of the summary.").next().unwrap_or(prompt);
    let lower = prompt.to_lowercase();
    let asks = ["summarise", "summarize", "summary of"].iter().any(|w| lower.contains(w));
    let about = ["conversation", "messages above", "transcript"].iter().any(|w| lower.contains(w));
    let asks_zh = ["总结", "摘要", "概括"].iter().any(|w| prompt.contains(w));
    let about_zh = ["对话", "会话", "以上消息"].iter().any(|w| prompt.contains(w));
    (asks && about) || (asks_zh && about_zh)
}

/// What a message says before the paragraph that asks for the summary. The request for a summary
/// may stand in one message with the last words of the conversation.
fn before_instruction(text: &str) -> &str {
    let mut end = 0;
    let mut instruction = None;
    for paragraph in text.split_inclusive("\n\n") {
        // What is to be summarised may speak of summaries, too.
        if wants_summary(paragraph) {
            instruction = Some(end);
        }
        end += paragraph.len();
    }
    let end = instruction.unwrap_or(end);
    text[..end].trim_end()
}

/// A summary of at most `max_tokens`: the first words of each line, the first and the last
/// ones where not all of them fit.
pub(crate) fn summary(messages: &[RequestMessage], max_tokens: u64) -> String {
    let said_before: Vec<(Role, String)> = messages
        .iter()
        .enumerate()
        .map(|(n, m)| {
            let text = said(m);
            let last = n + 1 == messages.len();
            (m.role, if last { before_instruction(&text).to_owned() } else { text })
        })
        // One message may hold a whole part of a conversation.
        .flat_map(|(role, text)| {
            let lines = text.lines().filter(|text| !text.trim().is_empty());
            lines.map(|text| (role, text.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    let all: String =
        said_before.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
    let (head, user, model) = match language(&all) {
        Lang::En => ("Summary of the conversation so far:", "The user said", "The assistant said"),
        Lang::Zh => ("到目前为止的对话摘要：", "用户说", "助手说"),
    };
    let lines: Vec<String> = said_before
        .iter()
        .map(|(role, text)| {
            // A line of a summary stays as it is.
            if text.starts_with("- ") {
                return text.clone();
            }
            let who = if *role == Role::User { user } else { model };
            format!("- {who}: “{}”", beginning(text, 90))
        })
        .collect();
    let mut budget = max_tokens.saturating_sub(tokens::text(head) + 2);
    let mut kept = vec![false; lines.len()];
    // From both ends inwards: how a talk began and where it stands matter most.
    for step in 0..lines.len() {
        let at = if step % 2 == 0 { lines.len() - 1 - step / 2 } else { step / 2 };
        let cost = tokens::text(&lines[at]);
        if cost > budget {
            break;
        }
        budget -= cost;
        kept[at] = true;
    }
    let mut out = head.to_owned();
    let mut gap = false;
    for (line, kept) in lines.iter().zip(kept) {
        if kept {
            out.push('\n');
            out.push_str(line);
        } else if !gap {
            out.push_str("\n- …");
        }
        gap = !kept;
    }
    out
}

/// How many bytes of `full` a broken answer already has; 0 where it is another answer.
///
/// A client may have trimmed the end of what arrived, or put a short note behind it.
pub(crate) fn already_said(full: &str, partial: &str) -> usize {
    let same: usize = full
        .chars()
        .zip(partial.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let rest = partial.len() - same;
    let is_part = same > 0 && same < full.len() && (rest == 0 || (same >= 40 && rest <= 200));
    if is_part { same } else { 0 }
}

/// The first words of a text on one line, at most `max` characters.
pub(crate) fn beginning(text: &str, max: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(max) {
        None => flat,
        Some((end, _)) => {
            let cut = &flat[..end];
            let at = cut.rfind(' ').filter(|at| *at > cut.len() / 2).unwrap_or(cut.len());
            format!("{}…", &cut[..at])
        }
    }
}

/// Splits a text where a model would: after a few words, or a few characters of Chinese.
pub(crate) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let (mut words, mut wide) = (0, 0);
    for (at, c) in text.char_indices() {
        words += usize::from(c.is_whitespace());
        wide += usize::from(tokens::is_wide(c));
        if words >= 3 || wide >= 5 {
            let end = at + c.len_utf8();
            pieces.push(&text[start..end]);
            start = end;
            (words, wide) = (0, 0);
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// The first `chars` characters of a text, and always fewer than it has.
pub(crate) fn part_of(text: &str, chars: usize) -> &str {
    let chars = chars.min(text.chars().count().saturating_sub(1));
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

/// The `nth` made-up message of a conversation, about `tokens` long.
pub(crate) fn filler(nth: u32, tokens: u64, lang: Lang) -> String {
    let (opening, sentences): (String, &[&str]) = match (lang, nth % 2) {
        (Lang::En, 0) => (
            format!("Note {} from the logbook of a long journey.", nth / 2 + 1),
            &[
                "We left the harbour before sunrise and followed the coast to the north.",
                "The wind was steady, and the crew used the time to mend two sails.",
                "At noon we counted the barrels and wrote the figures into the book.",
                "A fishing boat told us of fog behind the cape, so we waited for the tide.",
            ],
        ),
        (Lang::En, _) => (
            format!("Thank you for note {}. I keep these points in mind.", nth / 2 + 1),
            &[
                "The course is north along the coast, and the sails are in good order.",
                "The stock was counted at noon, and the figures stand in the book.",
                "There is fog behind the cape, and the tide decides when the journey goes on.",
                "Nothing in this note contradicts what you told me earlier.",
            ],
        ),
        (Lang::Zh, 0) => (
            format!("长途航行日志，第 {} 则。", nth / 2 + 1),
            &[
                "日出之前我们离开港口，沿着海岸向北航行。",
                "风很平稳，船员趁机修补了两面帆。",
                "中午清点木桶，把数字记进了簿子。",
                "一条渔船说海角后面有雾，于是我们等待潮水。",
            ],
        ),
        (Lang::Zh, _) => (
            format!("谢谢你的第 {} 则日志，我记住了这些要点。", nth / 2 + 1),
            &[
                "航向是沿海岸向北，船帆状况良好。",
                "存货在中午清点过，数字在簿子里。",
                "海角后面有雾，何时继续取决于潮水。",
                "这一则与你之前告诉我的并不矛盾。",
            ],
        ),
    };
    let mut out = opening;
    let mut spent = tokens::text(&out);
    for sentence in sentences.iter().cycle() {
        if spent >= tokens {
            break;
        }
        spent += tokens::text(sentence);
        if lang == Lang::En {
            out.push(' ');
        }
        out.push_str(sentence);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, text: &str) -> RequestMessage {
        RequestMessage { role, parts: vec![Part::text(text)] }
    }

    #[test]
    fn templates_keep_what_they_do_not_know() {
        let values = [("a", "1".to_owned())];
        assert_eq!(fill("${a} ${b} ${ ${a", &values), "1 ${b} ${ ${a");
    }

    #[test]
    fn pieces_make_the_text_again() {
        let text = "One two three four.\n\n你好，世界，这是一个测试。 End";
        assert_eq!(pieces(text).concat(), text);
        assert!(pieces(text).len() >= 4, "{:?}", pieces(text));
    }

    #[test]
    fn the_rest_of_a_broken_answer_is_found() {
        let full = "The quick brown fox jumps over the lazy dog, and then it sleeps until noon.";
        assert_eq!(already_said(full, &full[..20]), 20);
        assert_eq!(already_said(full, &format!("{} [cut]", &full[..50])), 50);
        assert_eq!(already_said(full, full), 0);
        assert_eq!(already_said(full, "Then it was another answer."), 0);
    }

    #[test]
    fn a_summary_quotes_and_fits() {
        let mut messages: Vec<RequestMessage> = (0..30)
            .map(|n| {
                let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
                message(role, &filler(n, 300, Lang::En))
            })
            .collect();
        messages.push(message(Role::User, "Summarise the conversation above."));
        assert!(wants_summary("Summarise the conversation above."));
        assert!(!wants_summary(
            "[Summary of the conversation so far.]\n\nnotes\n\n[End of the summary. The conversation \
             goes on below.]\n\nAnd what now?"
        ));
        let whole = summary(&messages, 2_000);
        assert!(whole.contains("The user said: “Note 1 from the logbook"), "{whole}");
        assert!(!whole.contains('…') || whole.contains("Note 15"), "{whole}");
        let short = summary(&messages, 200);
        assert!(tokens::text(&short) <= 200, "{short}");
        assert!(short.contains("Note 1 ") && short.contains("note 15"), "{short}");
    }

    #[test]
    fn languages_are_told_apart() {
        assert_eq!(language("你好，what can you do?"), Lang::En);
        assert_eq!(language("请解释 HTTP 429"), Lang::Zh);
        assert_eq!(language(""), Lang::En);
    }
}
