//! Compaction ends whatever the models do, fits where windows are known, and loses nothing unseen.

use std::collections::BTreeSet;

use halo_context::{
    CompactError, CompactInput, CompactPlan, Compaction, Correction, Estimator, Fault,
    MAX_REQUESTS, MAX_USELESS_TRIES, ModelFacts, Next, Summary, TokenCache, ViewInput, Writer,
    plan, summary_by_rule, view,
};
use halo_types::{
    ChatRequest, Fact, FactId, FactOrigin, FactScope, FactValue, Message, MessageId, Part,
    Protocol, Role, Step, StepKind, Target, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{message, step, target};

fn knows(window: Option<u64>) -> ModelFacts {
    let fact = |window| Fact {
        id: FactId::new(Uuid::nil()),
        scope: FactScope {
            provider: "p".parse().unwrap(),
            base_url: String::new(),
            model: "small".to_owned(),
        },
        value: FactValue::ContextWindow(window),
        origin: FactOrigin::Learned,
        at: Timestamp(0),
        quote: None,
        attempt: None,
        conversation: None,
    };
    halo_context::resolve(window.map(fact).as_ref(), Timestamp(0))
}

fn role(n: usize) -> Role {
    if n.is_multiple_of(2) { Role::User } else { Role::Assistant }
}

fn said(n: usize, text: impl Into<String>) -> Message {
    message(n as u128, role(n), vec![Part::text(text)])
}

/// A conversation to be compacted, and what is known about its model.
struct Case<'a> {
    branch: &'a [Message],
    steps: &'a [Step],
    pinned: &'a [MessageId],
    target: Target,
    facts: ModelFacts,
    useless_tries: u32,
}

impl<'a> Case<'a> {
    fn new(branch: &'a [Message], window: Option<u64>) -> Self {
        let (steps, pinned): (&[Step], &[MessageId]) = (&[], &[]);
        let (target, facts) = (target("small"), knows(window));
        Self { branch, steps, pinned, target, facts, useless_tries: 0 }
    }

    fn input(&self) -> CompactInput<'_> {
        CompactInput {
            branch: self.branch,
            steps: self.steps,
            pinned: self.pinned,
            target: &self.target,
            protocol: Protocol::OpenaiChat,
            facts: &self.facts,
            system: Some("Be brief."),
            at_percent: 80,
            useless_tries: self.useless_tries,
        }
    }

    fn plan(&self) -> Result<CompactPlan, CompactError> {
        counting(|estimator| plan(&self.input(), estimator))
    }

    /// The next request once this summary stands for the span.
    fn after(&self, plan: &CompactPlan, summary: &Summary) -> ChatRequest {
        let kind = StepKind::Summarise {
            first_kept: plan.first_kept,
            summary: summary.text.clone(),
            by: summary.by.clone(),
            parts: summary.parts,
            edits: None,
            tokens_before: plan.tokens_before,
            tokens_after: plan.tokens_after,
        };
        let mut steps = self.steps.to_vec();
        steps.push(step(99, kind));
        let input = self.input();
        let seen = view(&ViewInput {
            branch: input.branch,
            steps: &steps,
            pinned: input.pinned,
            target: input.target,
            protocol: input.protocol,
            facts: input.facts,
            system: input.system,
            parameters: &Default::default(),
        });
        seen.request
    }
}

fn counting<T>(work: impl FnOnce(&mut Estimator<'_>) -> T) -> T {
    let mut cache = TokenCache::default();
    work(&mut Estimator::new(Protocol::OpenaiChat, "small", Correction::NONE, &mut cache))
}

fn text(request: &ChatRequest) -> String {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// What a model does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Answers,
    Rambles,
    Overflows,
    SaysNothing,
    Refuses,
    HasNoCredit,
}

/// A run of the machine: what was asked of whom, what was read, and the summary.
struct Run {
    asked: Vec<(Target, ChatRequest)>,
    /// The requests that were answered.
    read: Vec<String>,
    summary: Summary,
}

fn run(
    case: &Case<'_>,
    plan: &CompactPlan,
    others: Vec<Writer>,
    mut does: impl FnMut(usize, &Target, &ChatRequest) -> Does,
) -> Run {
    let mut machine = Compaction::new(&case.input(), plan, Some("the cat"), None, others);
    let (mut asked, mut read) = (Vec::new(), Vec::new());
    counting(|estimator| {
        loop {
            let writer = machine.writer().cloned();
            let request = match machine.next(estimator) {
                Next::Done(summary) => break Run { asked, read, summary },
                Next::OtherWriter => continue,
                Next::Ask(request) => *request,
            };
            let writer = writer.expect("who is asked is told before");
            assert_eq!(Next::Ask(Box::new(request.clone())), machine.next(estimator), "the same");
            assert!(asked.len() < 2_000, "it does not end");
            match does(asked.len(), &writer, &request) {
                Does::Answers => {
                    read.push(text(&request));
                    machine.answered(&format!("Summary {}.", asked.len()), estimator);
                }
                Does::Rambles => {
                    read.push(text(&request));
                    machine.answered(&"on and on ".repeat(900), estimator);
                }
                Does::SaysNothing => machine.answered(" \n", estimator),
                Does::Overflows => machine.failed(Fault::TooLong { window: None }),
                Does::Refuses => machine.failed(Fault::Model),
                Does::HasNoCredit => machine.failed(Fault::Provider),
            }
            asked.push((writer, request));
        }
    })
}

/// Conversations that end with a prompt; each message has a word that no other has.
fn any_branch() -> impl Strategy<Value = Vec<Message>> {
    let long = prop_oneof![
        6 => 0usize..30,
        2 => 30usize..400,
        1 => 400usize..4_000,
    ];
    let unit = prop::sample::select(vec![
        "word ",
        "很长的一句话。",
        "line\n",
        "para\n\n",
        "nospace",
        "A sentence of words. ",
        "😀",
        "\u{301}",
    ]);
    prop::collection::vec((long, unit), 3..20).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        let mut branch: Vec<Message> = rows
            .map(|(n, (long, unit))| {
                said(n, format!("{} planted{n}x {}", unit.repeat(long / 2), unit.repeat(long / 2)))
            })
            .collect();
        if branch.len().is_multiple_of(2) {
            branch.pop();
        }
        branch
    })
}

fn any_window() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 5 => (60u64..4_000).prop_map(Some), 1 => (4_000u64..60_000).prop_map(Some)]
}

fn any_deed() -> impl Strategy<Value = Does> {
    prop_oneof![
        8 => Just(Does::Answers),
        1 => Just(Does::Rambles),
        2 => Just(Does::Overflows),
        1 => Just(Does::SaysNothing),
        1 => Just(Does::Refuses),
        1 => Just(Does::HasNoCredit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn it_ends_and_fits_whatever_the_models_do(
        branch in any_branch(),
        window in any_window(),
        other in prop::option::of(any_window()),
        deeds in prop::collection::vec(any_deed(), 1..12),
        pinned in prop::collection::vec(0usize..20, 0..3),
    ) {
        let pinned: Vec<MessageId> =
            pinned.iter().filter_map(|at| branch.get(*at)).map(|message| message.id).collect();
        let case = Case { pinned: &pinned, ..Case::new(&branch, window) };
        let Ok(plan) = case.plan() else { return Ok(()) };
        let others: Vec<Writer> = other
            .into_iter()
            .map(|window| Writer { target: target("other"), window })
            .collect();
        let windows = [(target("small"), window), (target("other"), other.flatten())];
        let ran = run(&case, &plan, others, |n, _, _| deeds[n % deeds.len()]);
        let most = (MAX_REQUESTS + MAX_USELESS_TRIES) as usize * 2;
        prop_assert!(ran.asked.len() <= most, "{}", ran.asked.len());
        for (writer, request) in &ran.asked {
            let (_, window) = windows.iter().find(|(target, _)| target == writer).unwrap();
            prop_assert_eq!(&request.model, &writer.model);
            if let Some(window) = window {
                let size = counting(|estimator| estimator.request(request));
                let all = size + request.max_tokens.unwrap();
                prop_assert!(all <= *window, "{all} of {window}");
            }
        }
        prop_assert!(!ran.summary.text.trim().is_empty());
        // What must be there word for word is there.
        let next = text(&case.after(&plan, &ran.summary));
        prop_assert!(next.contains(&branch.last().unwrap().text()));
        for message in branch.iter().filter(|message| pinned.contains(&message.id)) {
            prop_assert!(next.contains(&message.text()));
        }
        if ran.summary.by.is_none() {
            // The notes have to stand in the smallest window.
            let budget = plan.summary_max;
            let size = counting(|estimator| estimator.text(&ran.summary.text));
            prop_assert!(size <= budget + 60, "{size} of {budget}");
        }
    }

    #[test]
    fn every_message_of_the_span_is_read(branch in any_branch(), window in any_window()) {
        let case = Case::new(&branch, window);
        let Ok(plan) = case.plan() else { return Ok(()) };
        let ran = run(&case, &plan, Vec::new(), |_, _, _| Does::Answers);
        // Windows that hold no chunk at all are the rule's.
        prop_assume!(ran.summary.by.is_some());
        let kept = branch.iter().position(|m| m.id == plan.first_kept).unwrap();
        let read = ran.read.join("\n");
        for n in 0..kept {
            prop_assert!(read.contains(&format!("planted{n}x")), "{n} in {} requests", ran.read.len());
        }
    }

    #[test]
    fn overflows_skip_nothing(branch in any_branch(), fits in 300u64..3_000) {
        let case = Case::new(&branch, None);
        let Ok(plan) = case.plan() else { return Ok(()) };
        // The window is not told: what is longer overflows.
        let ran = run(&case, &plan, Vec::new(), |_, _, request| {
            let size = counting(|estimator| estimator.request(request));
            if size > fits { Does::Overflows } else { Does::Answers }
        });
        let kept = branch.iter().position(|m| m.id == plan.first_kept).unwrap();
        let read = ran.read.join("\n");
        prop_assume!(ran.summary.by.is_some());
        for n in 0..kept {
            prop_assert!(read.contains(&format!("planted{n}x")), "{n}");
        }
    }

    #[test]
    fn the_rule_keeps_what_matters_where_there_is_room(
        fillers in prop::collection::vec("[a-z]{3,9}( [a-z]{3,9}){4,12}", 4..14),
        window in 6_000u64..20_000,
    ) {
        let planted = [
            "We decided to use the blue boat.",
            "Where do we put the anchor?",
            "```rust\nlet anchor = iron(3);\n```",
            "决定：船漆成蓝色。",
            "锚放在哪里？",
            "The harbour master is Jonas Hale, berth 42.",
        ];
        let branch: Vec<Message> = fillers
            .iter()
            .enumerate()
            .map(|(n, filler)| {
                let planted = planted.get(n.wrapping_sub(1)).copied().unwrap_or_default();
                said(n, format!("{filler}\n{planted}\n{}", format!("{filler}\n").repeat(40)))
            })
            .collect();
        let text = counting(|e| summary_by_rule(&branch, &[], None, window / 8, e));
        for planted in planted.iter().take(branch.len() - 1) {
            prop_assert!(text.contains(planted), "{planted} in {text}");
        }
        prop_assert!(text.contains(&format!("Person: {}", fillers[0])), "{text}");
        prop_assert!(text.contains("[…]"));
        let size = counting(|estimator| estimator.text(&text));
        prop_assert!(size <= window / 8, "{size}");
    }
}

fn long_branch() -> Vec<Message> {
    (0..21).map(|n| said(n, format!("message {n} {}", "word ".repeat(200)))).collect()
}

#[test]
fn compaction_keeps_the_prompt_and_the_newest_exchanges() {
    let branch = long_branch();
    let case = Case::new(&branch, Some(2_000));
    let plan = case.plan().unwrap();
    assert!(plan.tokens_after < plan.tokens_before && plan.tokens_after < 2_000);
    let first_kept = branch.iter().position(|m| m.id == plan.first_kept).unwrap();
    assert!(first_kept > 0 && branch[first_kept].role == Role::User);
    let ran = run(&case, &plan, Vec::new(), |_, _, _| Does::Answers);
    assert!(ran.asked.iter().all(|(_, request)| text(request).contains("Above all keep: the cat")));
    assert!(ran.summary.parts > 1 && ran.asked.len() as u32 > ran.summary.parts);
    assert_eq!(ran.summary.by, Some(target("small")));
}

#[test]
fn what_fits_is_read_at_once() {
    let branch = long_branch();
    for window in [Some(40_000), None] {
        let case = Case::new(&branch, window);
        let plan = case.plan().unwrap();
        let ran = run(&case, &plan, Vec::new(), |_, _, _| Does::Answers);
        assert_eq!((ran.asked.len(), ran.summary.parts), (1, 1));
    }
}

#[test]
fn a_refusal_leads_to_the_next_model_and_the_last_one_to_the_rule() {
    let branch = long_branch();
    let case = Case::new(&branch, Some(8_000));
    let plan = case.plan().unwrap();
    let other = || vec![Writer { target: target("other"), window: Some(9_000) }];
    let ran = run(&case, &plan, other(), |_, writer, _| {
        if writer.model == "small" { Does::Refuses } else { Does::Answers }
    });
    assert_eq!(ran.summary.by, Some(target("other")));
    let ran = run(&case, &plan, other(), |_, _, _| Does::SaysNothing);
    assert_eq!((ran.asked.len(), ran.summary.by), (2, None));
    // Another model of the same provider has no credit either.
    let ran = run(&case, &plan, other(), |_, _, _| Does::HasNoCredit);
    assert_eq!((ran.asked.len(), ran.summary.by), (1, None));
    // Three useless tries at each.
    let ran = run(&case, &plan, other(), |_, _, _| Does::Overflows);
    assert_eq!((ran.asked.len(), ran.summary.by), (6, None));
    let sizes: Vec<u64> =
        ran.asked.iter().map(|(_, r)| counting(|estimator| estimator.request(r))).collect();
    assert!(sizes[1] <= sizes[0] * 3 / 4 && sizes[2] <= sizes[1] * 3 / 4, "{sizes:?}");
}

#[test]
fn a_huge_message_is_cut_between_words() {
    let words: String = (0..9_000).map(|n| format!("w{n}w ")).collect();
    let branch = [said(0, words), said(1, "Yes."), said(2, "And now?")];
    let case = Case::new(&branch, Some(4_000));
    let plan = case.plan().unwrap();
    let ran = run(&case, &plan, Vec::new(), |_, _, _| Does::Answers);
    let read: BTreeSet<&str> = ran.read.iter().flat_map(|text| text.split_whitespace()).collect();
    for n in 0..9_000 {
        assert!(read.contains(format!("w{n}w").as_str()), "{n}");
    }
    assert!(ran.summary.parts > 5, "{}", ran.summary.parts);
}

#[test]
fn pinned_messages_follow_the_summary_word_for_word() {
    let branch = long_branch();
    let pinned = [branch[2].id, branch[3].id, branch[7].id];
    let case = Case { pinned: &pinned, ..Case::new(&branch, Some(4_000)) };
    let plan = case.plan().unwrap();
    let summary = Summary { text: "what was".to_owned(), by: None, parts: 1 };
    let next = case.after(&plan, &summary);
    let roles: Vec<Role> = next.messages.iter().map(|message| message.role).collect();
    assert!(roles.windows(2).all(|pair| pair[0] != pair[1]) && roles[0] == Role::User);
    let all = text(&next);
    let at = |word: &str| all.find(word).unwrap_or_else(|| panic!("{word} in {all}"));
    assert!(at("what was") < at("kept word for word"));
    assert!(at("kept word for word") < at("message 2 ") && at("message 2 ") < at("message 3 "));
    assert!(at("message 3 ") < at("message 7 ") && at("message 7 ") < at("message 20 "));
    assert!(!all.contains("message 4 "));
    // By rule they are not told twice.
    let rule = counting(|e| summary_by_rule(&branch[..10], &pinned, None, 500, e));
    assert!(rule.contains("3 pinned messages") && !rule.contains("message 2 "), "{rule}");
}

#[test]
fn what_cannot_be_compacted_is_named() {
    let one = [said(0, "hello")];
    assert_eq!(Case::new(&one, None).plan(), Err(CompactError::NothingBefore));
    let long = "word ".repeat(600);
    let branch = [said(0, "Hi"), said(1, "Yes"), said(2, long.clone())];
    let error = Case::new(&branch, Some(500)).plan().unwrap_err();
    assert!(matches!(error, CompactError::LastMessageTooLong { window: 500, .. }), "{error}");
    let branch = [said(0, long), said(1, "Yes"), said(2, "And?")];
    let pinned = [branch[0].id];
    let case = Case { pinned: &pinned, ..Case::new(&branch, Some(500)) };
    let error = case.plan().unwrap_err();
    assert!(matches!(error, CompactError::PinnedTooLong { window: 500, .. }), "{error}");
    assert!(Case::new(&branch, Some(500)).plan().is_ok());
    let case = Case { useless_tries: MAX_USELESS_TRIES, ..Case::new(&branch, Some(500)) };
    assert_eq!(case.plan(), Err(CompactError::Useless { tries: 3 }));
    // What is pinned makes no room.
    let pinned = [branch[0].id, branch[1].id];
    let case = Case { pinned: &pinned, ..Case::new(&branch, None) };
    assert_eq!(case.plan(), Err(CompactError::NothingBefore));
}
