//! Behaviour of the view and of compaction, over random conversations and by example.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compaction;
mod protocols;

use halo_context::{ModelFacts, ViewInput, join, view};
use halo_types::{
    BlobId, ConversationId, ImageRef, Message, MessageId, Part, Protocol, Role, Step, StepBy,
    StepId, StepKind, Target, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

fn target(model: &str) -> Target {
    Target { provider: "p".parse().unwrap(), model: model.to_owned() }
}

fn message(n: u128, role: Role, parts: Vec<Part>) -> Message {
    Message {
        id: MessageId::new(Uuid::from_u128(n + 1)),
        conversation: ConversationId::new(Uuid::nil()),
        parent: n.checked_sub(1).map(|p| MessageId::new(Uuid::from_u128(p + 1))),
        role,
        parts,
        at: Timestamp(0),
        origin: None,
        ending: None,
        usage: None,
    }
}

fn image() -> Part {
    Part::Image(ImageRef {
        blob: BlobId::from_digest(&[7; 32]),
        media_type: "image/png".to_owned(),
        width: 640,
        height: 480,
        bytes: 9,
        name: Some("cat.png".to_owned()),
    })
}

fn step(n: u128, kind: StepKind) -> Step {
    Step {
        id: StepId::new(Uuid::from_u128(n)),
        conversation: ConversationId::new(Uuid::nil()),
        at: Timestamp(0),
        kind,
        cause: None,
        by: StepBy::Person,
    }
}

proptest! {
    #[test]
    fn joining_loses_no_word(start in "[a-z ]{0,80}", rest in "[a-z ]{0,80}") {
        let joined = join(&start, &rest);
        prop_assert!(joined.text.starts_with(&start));
        prop_assert!(joined.text.ends_with(&rest[joined.overlap..]));
        prop_assert!(start.ends_with(&rest[..joined.overlap]));
    }
}

#[test]
fn pictures_are_back_for_a_model_that_sees() {
    let branch = [message(0, Role::User, vec![Part::text("look"), image()])];
    let steps = [step(1, StepKind::OmitImages { target: target("blind"), before: None })];
    let facts = ModelFacts::default();
    for (model, images, applied) in [("blind", 0, 1), ("seeing", 1, 0)] {
        let target = target(model);
        let view = view(&ViewInput {
            branch: &branch,
            steps: &steps,
            pinned: &[],
            target: &target,
            protocol: Protocol::OpenaiChat,
            facts: &facts,
            system: None,
            parameters: &Default::default(),
        });
        assert_eq!((view.images, view.applied.len()), (images, applied), "{model}");
    }
}

#[test]
fn the_latest_summary_counts_and_the_log_keeps_everything() {
    let branch: Vec<Message> = (0..6)
        .map(|n| {
            let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
            message(n, role, vec![Part::text(format!("text {n}"))])
        })
        .collect();
    let summary = |n: u128, first: usize| {
        step(
            n,
            StepKind::Summarise {
                first_kept: branch[first].id,
                summary: format!("summary to {first}"),
                by: None,
                parts: 1,
                edits: None,
                tokens_before: 0,
                tokens_after: 0,
            },
        )
    };
    let steps = [summary(1, 2), summary(2, 4)];
    let target = target("a");
    let facts = ModelFacts::default();
    let view = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &[],
        target: &target,
        protocol: Protocol::OpenaiChat,
        facts: &facts,
        system: None,
        parameters: &Default::default(),
    });
    assert_eq!(view.applied, [steps[1].id]);
    assert_eq!(view.summarised.len(), 4);
    let text = serde_json::to_string(&view.request).unwrap();
    assert!(text.contains("summary to 4") && !text.contains("summary to 2"));
    assert!(text.contains("text 4") && !text.contains("text 3"));
}
