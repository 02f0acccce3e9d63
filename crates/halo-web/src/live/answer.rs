//! A running answer and how much of it browsers know.

use halo_types::{AttemptId, ConversationId};
use serde_json::json;

use crate::markdown::Growing;

/// A running answer.
pub(super) struct Answer {
    attempt: AttemptId,
    text: Growing,
    thinking: String,
    /// Bytes of `thinking` that were sent.
    thinking_sent: usize,
    /// The same in UTF-16 units, in which scripts count.
    thinking_sent_units: usize,
    has_text_news: bool,
}

impl Answer {
    /// An attempt of which nothing has come yet.
    pub(super) fn new(attempt: AttemptId) -> Self {
        Self {
            attempt,
            text: Growing::default(),
            thinking: String::new(),
            thinking_sent: 0,
            thinking_sent_units: 0,
            has_text_news: false,
        }
    }

    /// An attempt of which this much has come.
    pub(super) fn resumed(attempt: AttemptId, text: &str, thinking: &str) -> Self {
        let mut answer = Self::new(attempt);
        answer.text.push(text);
        answer.thinking.push_str(thinking);
        answer.has_text_news = !text.is_empty();
        answer
    }

    /// Begins anew if the words belong to another attempt than before.
    pub(super) fn restart_for(&mut self, attempt: AttemptId) {
        if self.attempt != attempt {
            *self = Self::new(attempt);
        }
    }

    /// Takes a piece. Says whether it fits what was there; a piece that is known already is
    /// dropped.
    pub(super) fn push(&mut self, thinking: bool, start: usize, piece: &str) -> bool {
        let have = if thinking { self.thinking.len() } else { self.text.len() };
        if start > have {
            return false;
        }
        let known = have - start;
        if known >= piece.len() {
            return true;
        }
        let Some(rest) = piece.get(known..) else { return false };
        if thinking {
            self.thinking.push_str(rest);
        } else {
            self.text.push(rest);
            self.has_text_news = true;
        }
        true
    }

    /// Whether there is something to send.
    pub(super) fn has_news(&self) -> bool {
        self.has_text_news || self.thinking_sent < self.thinking.len()
    }

    /// What to send, as JSON.
    pub(super) fn news(&mut self, conversation: ConversationId) -> Option<String> {
        if !self.has_news() {
            return None;
        }
        let mut data = json!({ "conversation": conversation, "attempt": self.attempt });
        if self.has_text_news {
            let grown = self.text.render(&self.attempt.to_string());
            data["from_block"] = grown.from.into();
            data["blocks"] = grown.blocks.into();
            data["tail"] = grown.tail.into();
            self.has_text_news = false;
        }
        let fresh = &self.thinking[self.thinking_sent..];
        if !fresh.is_empty() {
            data["thinking"] = json!({ "start": self.thinking_sent_units, "text": fresh });
            self.thinking_sent_units += fresh.encode_utf16().count();
            self.thinking_sent = self.thinking.len();
        }
        Some(data.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn ids() -> (ConversationId, AttemptId) {
        (ConversationId::new(Uuid::from_u128(1)), AttemptId::new(Uuid::from_u128(2)))
    }

    fn news(answer: &mut Answer) -> Value {
        serde_json::from_str(&answer.news(ids().0).unwrap()).unwrap()
    }

    #[test]
    fn words_become_blocks_and_a_tail() {
        let mut answer = Answer::new(ids().1);
        assert!(answer.push(false, 0, "One.\n\nTw"));
        let first = news(&mut answer);
        assert_eq!(first["from_block"], 0);
        assert_eq!(first["tail"], "<p>One.</p>\n<p>Tw</p>\n");
        assert!(answer.news(ids().0).is_none());
        assert!(answer.push(false, 8, "o.\n"));
        let second = news(&mut answer);
        assert_eq!(second["from_block"], 0);
        assert_eq!(second["blocks"][0], "<p>One.</p>\n");
        assert_eq!(second["tail"], "<p>Two.</p>\n");
        assert!(answer.push(false, 11, "\nThree"));
        assert_eq!(news(&mut answer)["from_block"], 1);
    }

    #[test]
    fn a_gap_is_noticed_and_a_repetition_is_harmless() {
        let mut answer = Answer::new(ids().1);
        assert!(answer.push(false, 0, "abc"));
        assert!(answer.push(false, 0, "abc"));
        assert!(answer.push(false, 2, "cd"));
        assert!(!answer.push(false, 9, "x"));
        assert_eq!(news(&mut answer)["tail"], "<p>abcd</p>\n");
    }

    #[test]
    fn thinking_is_counted_as_scripts_count() {
        let mut answer = Answer::new(ids().1);
        assert!(answer.push(true, 0, "😀思"));
        assert_eq!(news(&mut answer)["thinking"]["start"], 0);
        assert!(answer.push(true, 7, "考"));
        let second = news(&mut answer);
        assert_eq!(second["thinking"]["start"], 3);
        assert_eq!(second["thinking"]["text"], "考");
        assert!(second.get("tail").is_none());
    }

    #[test]
    fn another_attempt_begins_anew() {
        let (_, attempt) = ids();
        let mut answer = Answer::resumed(attempt, "old", "");
        answer.restart_for(attempt);
        assert!(answer.has_news());
        answer.restart_for(AttemptId::new(Uuid::from_u128(3)));
        assert!(!answer.has_news());
    }
}
