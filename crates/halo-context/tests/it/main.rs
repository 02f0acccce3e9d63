//! Behaviour of the view and of compaction, over random conversations and by example.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod protocols;

use halo_context::{
    CompactError, CompactInput, Correction, Estimator, ModelFacts, TokenCache, ViewInput, join,
    plan, summary_by_rule, view,
};
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
            target: &target,
            protocol: Protocol::OpenaiChat,
            facts: &facts,
            system: None,
            parameters: Default::default(),
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
        target: &target,
        protocol: Protocol::OpenaiChat,
        facts: &facts,
        system: None,
        parameters: Default::default(),
    });
    assert_eq!(view.applied, [steps[1].id]);
    assert_eq!(view.summarised.len(), 4);
    let text = serde_json::to_string(&view.request).unwrap();
    assert!(text.contains("summary to 4") && !text.contains("summary to 2"));
    assert!(text.contains("text 4") && !text.contains("text 3"));
}

#[test]
fn compaction_keeps_the_prompt_and_fits_the_window() {
    let branch: Vec<Message> = (0..21)
        .map(|n| {
            let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
            message(n, role, vec![Part::text(format!("message {n} {}", "word ".repeat(200)))])
        })
        .collect();
    let target = target("small");
    let window = halo_types::Fact {
        id: halo_types::FactId::new(Uuid::nil()),
        scope: halo_types::FactScope {
            provider: "p".parse().unwrap(),
            base_url: String::new(),
            model: "small".to_owned(),
        },
        value: halo_types::FactValue::ContextWindow(2_000),
        origin: halo_types::FactOrigin::Learned,
        at: Timestamp(0),
        quote: None,
        attempt: None,
        conversation: None,
    };
    let facts = halo_context::resolve([&window], Timestamp(0));
    let input = CompactInput {
        branch: &branch,
        steps: &[],
        target: &target,
        protocol: Protocol::OpenaiChat,
        facts: &facts,
        system: None,
        keep: Some("the name of the cat"),
        useless_tries: 0,
    };
    let mut cache = TokenCache::default();
    let mut estimator = Estimator::new(Protocol::OpenaiChat, "small", Correction::NONE, &mut cache);
    let plan = plan(&input, &mut estimator).unwrap();
    assert!(estimator.request(&plan.request) <= 2_000);
    assert!(plan.tokens_after < plan.tokens_before && plan.tokens_after < 2_000);
    assert_eq!(plan.request.messages.last().unwrap().role, Role::User);
    assert!(serde_json::to_string(&plan.request).unwrap().contains("the name of the cat"));
    let first_kept = branch.iter().position(|m| m.id == plan.first_kept).unwrap();
    assert!(first_kept > 0 && branch[first_kept].role == Role::User);

    let rule = summary_by_rule(&branch[..first_kept], None, Some(2_000));
    assert!(rule.contains("message 0") && estimator.text(&rule) <= 300);
}

#[test]
fn a_prompt_that_is_too_long_by_itself_is_a_state_of_its_own() {
    let target = target("small");
    let facts = ModelFacts::default();
    let one = [message(0, Role::User, vec![Part::text("hello")])];
    let input = CompactInput {
        branch: &one,
        steps: &[],
        target: &target,
        protocol: Protocol::OpenaiChat,
        facts: &facts,
        system: None,
        keep: None,
        useless_tries: 0,
    };
    let mut cache = TokenCache::default();
    let mut estimator = Estimator::new(Protocol::OpenaiChat, "small", Correction::NONE, &mut cache);
    assert_eq!(plan(&input, &mut estimator), Err(CompactError::NothingBefore));
}
