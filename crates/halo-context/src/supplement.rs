//! A model's summary that kept hardly anything of what was said gets what it forgot, by rule.

use halo_types::{Message, MessageId};

use crate::Estimator;
use crate::rule::{summary_by_rule, telling_pieces};

/// A summary that names fewer than one in so many of the things worth keeping forgot them.
const ONE_IN: usize = 4;
/// Of so few things nothing can be judged.
const FEW: usize = 3;
/// With less room than this, in tokens, nothing is added.
const LEAST_ROOM: u64 = 64;

/// The summary as it is, or with lines by rule below it where it names too little of what the
/// messages say: decisions, names, numbers, code. Together they take at most `most` tokens, or what
/// the summary takes alone.
pub(crate) fn completed(
    mut text: String,
    span: &[Message],
    pinned: &[MessageId],
    most: u64,
    estimator: &Estimator<'_>,
) -> String {
    let things = telling_pieces(span, pinned);
    let named = things.iter().filter(|words| words.iter().any(|word| text.contains(word.as_str())));
    if things.len() < FEW || named.count() * ONE_IN >= things.len() {
        return text;
    }
    let room = most.saturating_sub(estimator.passing_text(&text));
    if room >= LEAST_ROOM {
        text.push_str("\n\n");
        text.push_str(&summary_by_rule(span, pinned, None, room, estimator));
    }
    text
}

#[cfg(test)]
mod tests {
    use halo_types::{ConversationId, Part, Protocol, Role, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::{Correction, TokenCache};

    fn said(n: u128, text: &str) -> Message {
        Message {
            id: MessageId::new(Uuid::from_u128(n)),
            conversation: ConversationId::new(Uuid::nil()),
            parent: None,
            role: Role::User,
            parts: vec![Part::text(text)],
            at: Timestamp(0),
            origin: None,
            ending: None,
            usage: None,
        }
    }

    #[test]
    fn a_summary_that_says_nothing_is_completed_and_a_good_one_is_left_alone() {
        let span = [
            said(1, "We begin."),
            said(2, "We decided to use Postgres-16."),
            said(3, "The tank holds 3604.75 litres."),
            said(4, "Our contact is at `ops@example.org`."),
        ];
        let mut cache = TokenCache::default();
        let protocol = Protocol::OpenaiChat;
        let estimator = Estimator::new(protocol, "gpt-4o", Correction::NONE, &mut cache);
        let whole = |text: &str, most| completed(text.to_owned(), &span, &[], most, &estimator);

        let text = whole("Sure! Here you go.", 400);
        assert!(text.starts_with("Sure! Here you go.\n\nMade by rule"), "{text}");
        for fact in ["Postgres-16", "3604.75", "ops@example.org"] {
            assert!(text.contains(fact), "{text}");
        }
        assert!(estimator.passing_text(&text) <= 400);
        assert_eq!(whole("Sure!", 60), "Sure!", "no room");
        let good = "They use Postgres-16; the tank holds 3604.75 litres.";
        assert_eq!(whole(good, 400), good);
    }
}
