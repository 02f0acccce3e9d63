//! The unbrickable conversation: whatever the log holds, whatever steps were taken and undone and
//! to whichever model it goes, the request obeys the rules of its protocol and the log is as before.

use std::collections::BTreeSet;

use halo_context::{
    CompactInput, Compaction, Correction, Estimator, Fault, Mend, ModelFacts, Next, TokenCache,
    ViewInput, plan, view,
};
use halo_types::{
    AttemptId, BlobId, Blobs, ChatRequest, Ending, ImageRef, Message, MessageId, Origin, Part,
    Protocol, Role, SmallerImage, Step, StepKind, StopReason, Target, TurnId,
};
use halo_wire::server::{check_history, decode_request};
use halo_wire::{EncodeOptions, encode};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{message, step, target};

const LARGE: [u8; 32] = [7; 32];
const SMALL: [u8; 32] = [8; 32];

/// The models a conversation wanders between. Their names decide in some protocols.
const MODELS: &[(Protocol, &str)] = &[
    (Protocol::Anthropic, "claude-sonnet-4-5"),
    (Protocol::OpenaiChat, "gpt-4o"),
    (Protocol::OpenaiResponses, "gpt-5.4"),
    (Protocol::Gemini, "gemini-3-pro"),
    (Protocol::Gemini, "gemini-2.5-flash"),
];

fn picture(digest: [u8; 32]) -> ImageRef {
    ImageRef {
        blob: BlobId::from_digest(&digest),
        media_type: "image/png".to_owned(),
        width: 640,
        height: 480,
        bytes: 4,
        name: None,
    }
}

fn blobs() -> Blobs {
    let mut blobs = Blobs::default();
    for digest in [LARGE, SMALL] {
        blobs.insert(BlobId::from_digest(&digest), b"\x89PNG".to_vec());
    }
    blobs
}

fn any_thinking() -> impl Strategy<Value = Part> {
    let sealed = r#"{"encrypted_content":"E","id":"rs_1"}"#;
    (
        "[a-z ]{0,8}",
        prop_oneof![
            Just(None),
            Just(Some("sig".to_owned())),
            Just(Some(sealed.to_owned())),
            Just(Some("not json".to_owned())),
        ],
        prop::option::weighted(0.2, Just("hidden".to_owned())),
        prop_oneof![Just(None), prop::sample::select(Protocol::ALL).prop_map(Some)],
    )
        .prop_map(|(text, signature, redacted, protocol)| Part::Thinking {
            text,
            signature,
            redacted,
            protocol,
        })
}

fn any_unknown() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just((
            "anthropic",
            serde_json::json!({"type": "server_tool_use", "id": "s", "name": "w", "input": {}})
        )),
        Just((
            "openai-responses",
            serde_json::json!({"type": "web_search_call", "id": "ws_1", "status": null})
        )),
        Just(("openai-responses", serde_json::json!({"type": "nobody_knows"}))),
        Just((
            "gemini",
            serde_json::json!({"executableCode": {"language": "PYTHON", "code": "1"}})
        )),
        Just((
            "openai-chat",
            serde_json::json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}})
        )),
        Just(("nobody", serde_json::json!(null))),
    ]
    .prop_map(|(protocol, json)| Part::Unknown { protocol: protocol.to_owned(), json })
}

/// Ids as protocols, imports and damage make them: some the same, some that not all take.
fn any_call_id() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[abc]",
        1 => Just(String::new()),
        1 => Just("call.with.dots".to_owned()),
        1 => Just("call_with_dots".to_owned()),
        1 => Just("call_1".to_owned()),
        1 => Just("x".repeat(80)),
    ]
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        6 => "[a-z 你好\n]{0,20}".prop_map(Part::text),
        1 => "[ \n\t]{0,3}".prop_map(Part::text),
        1 => Just(Part::Image(picture(LARGE))),
        2 => any_thinking(),
        1 => any_unknown(),
        3 => (any_call_id(), "[a-z]{0,4}", prop_oneof![Just("{}"), Just(""), Just("no json"), Just("[1]")])
            .prop_map(|(id, name, arguments)| Part::ToolCall { id, name, arguments: arguments.to_owned() }),
        3 => (any_call_id(), "[a-z ]{0,4}", any::<bool>())
            .prop_map(|(call_id, text, is_error)| Part::ToolResult { call_id, text, is_error }),
    ]
}

fn model(at: usize) -> (Protocol, Target) {
    let (protocol, name) = MODELS[at % MODELS.len()];
    (protocol, target(name))
}

/// Messages whose roles mostly alternate, and whose tool calls are mostly answered.
fn any_branch() -> impl Strategy<Value = Vec<Message>> {
    let row = (
        prop::bool::weighted(0.8),
        prop::collection::vec(any_part(), 0..5),
        0usize..MODELS.len(),
        prop::bool::weighted(0.7),
        0u8..4,
    );
    (any::<bool>(), prop::collection::vec(row, 0..14)).prop_map(|(first, rows)| {
        let mut role = if first { Role::User } else { Role::Assistant };
        let mut branch: Vec<Message> = Vec::new();
        for (n, (alternates, mut parts, by, answered, ending)) in rows.into_iter().enumerate() {
            if alternates {
                role = if role == Role::User { Role::Assistant } else { Role::User };
            }
            if let Some(before) = branch.last()
                && role == Role::User
                && answered
            {
                let results = before.parts.iter().filter_map(|part| match part {
                    Part::ToolCall { id, .. } => Some(Part::ToolResult {
                        call_id: id.clone(),
                        text: "r".to_owned(),
                        is_error: false,
                    }),
                    _ => None,
                });
                parts.extend(results);
            }
            let mut made = message(n as u128, role, parts);
            if role == Role::Assistant && by > 0 {
                made.origin = Some(Origin {
                    target: model(by).1,
                    turn: TurnId::new(Uuid::from_u128(1)),
                    attempt: AttemptId::new(Uuid::from_u128(1)),
                    model_reported: None,
                });
                made.ending = match ending {
                    0 => Some(Ending::Interrupted),
                    1 => Some(Ending::Stopped),
                    2 => Some(Ending::Complete { stop: StopReason::Tool }),
                    _ => Some(Ending::Complete { stop: StopReason::End }),
                };
            }
            branch.push(made);
        }
        branch
    })
}

/// A step, and whether it was taken back.
fn any_step() -> impl Strategy<Value = (StepKind, bool)> {
    let any_target = || (0usize..MODELS.len()).prop_map(|at| model(at).1);
    let any_message = || (0u128..14).prop_map(|n| MessageId::new(Uuid::from_u128(n + 1)));
    let kind = prop_oneof![
        (any_target(), prop::option::of(any_message()))
            .prop_map(|(target, before)| StepKind::OmitImages { target, before }),
        any_target().prop_map(|target| StepKind::ShrinkImages {
            target,
            max_side: 100,
            pictures: vec![SmallerImage {
                original: BlobId::from_digest(&LARGE),
                sent: picture(SMALL),
            }],
        }),
        (any_message(), "[a-z ]{0,9}").prop_map(|(first_kept, summary)| StepKind::Summarise {
            first_kept,
            summary,
            by: None,
            parts: 1,
            edits: None,
            tokens_before: 2,
            tokens_after: 1,
        }),
        (any_target(), prop::sample::select(vec!["system", "temperature", "max_tokens", "stream"]))
            .prop_map(|(target, name)| StepKind::DropParameter { target, name: name.to_owned() }),
        (any_target(), 0u64..9)
            .prop_map(|(target, max_tokens)| StepKind::LowerMaxTokens { target, max_tokens }),
        Just(StepKind::RepairHistory),
    ];
    (kind, prop::bool::weighted(0.3))
}

/// What a server of the protocol says about a request.
fn refused(protocol: Protocol, request: &ChatRequest, omit: Vec<String>) -> Option<String> {
    let options = EncodeOptions { omit, ..EncodeOptions::default() };
    let body = match encode(protocol, request, &blobs(), &options) {
        Ok(body) => body,
        Err(error) => return Some(error.to_string()),
    };
    let read = decode_request(protocol, &body).and_then(|(mut read, _)| {
        // Gemini says both in the URL.
        read.model.clone_from(&request.model);
        read.stream = request.stream;
        check_history(protocol, &read)
    });
    let body = String::from_utf8_lossy(&body);
    read.err().map(|error| format!("{error}\n{body}"))
}

fn common_rules(request: &ChatRequest) -> Result<(), TestCaseError> {
    let messages = &request.messages;
    if let Some(first) = messages.first() {
        prop_assert_eq!(first.role, Role::User);
    }
    for pair in messages.windows(2) {
        prop_assert_ne!(pair[0].role, pair[1].role);
    }
    prop_assert!(messages.iter().all(|m| !m.parts.is_empty()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn every_view_obeys_its_protocol_and_leaves_the_log_alone(
        branch in any_branch(),
        taken in prop::collection::vec(any_step(), 0..5),
        pinned in prop::collection::vec((0u128..14).prop_map(|n| MessageId::new(Uuid::from_u128(n + 1))), 0..4),
        system in prop::option::of("[a-z ]{0,8}"),
        continues in any::<bool>(),
    ) {
        let before = branch.clone();
        let steps: Vec<Step> = taken
            .iter()
            .enumerate()
            .filter(|(_, (_, undone))| !undone)
            .map(|(n, (kind, _))| step(n as u128, kind.clone()))
            .collect();
        let facts = ModelFacts::default();
        for at in 0..MODELS.len() {
            let (protocol, target) = model(at);
            let input = ViewInput {
                branch: &branch,
                steps: &steps,
                pinned: &pinned,
                target: &target,
                protocol,
                facts: &facts,
                system: system.as_deref(),
                parameters: &Default::default(),
            };
            let mut seen = view(&input);
            prop_assert_eq!(&seen, &view(&input), "a view is a function");
            common_rules(&seen.request)?;
            let pictures = seen.request.messages.iter().flat_map(|m| &m.parts);
            let pictures = pictures.filter(|part| matches!(part, Part::Image(_))).count();
            prop_assert_eq!(pictures, seen.images as usize);
            let blind = steps.iter().any(|step| matches!(
                &step.kind,
                StepKind::OmitImages { target: blind, before: None } if *blind == target
            ));
            prop_assert!(!blind || pictures == 0);
            if continues {
                seen.ask("Go on.");
            }
            // A conversation in which nobody says anything is not sent.
            if !seen.request.messages.is_empty()
                && let Some(refusal) = refused(protocol, &seen.request, seen.omit.clone())
            {
                let only_foreign = refusal.contains("no message with content");
                prop_assert!(only_foreign, "{protocol} {}: {refusal}", target.model);
            }
            // The summary is a request like any other.
            let mut cache = TokenCache::default();
            let mut estimator =
                Estimator::new(protocol, &target.model, Correction::NONE, &mut cache);
            let compaction = CompactInput {
                branch: &branch,
                steps: &steps,
                pinned: &pinned,
                target: &target,
                protocol,
                facts: &facts,
                system: system.as_deref(),
                at_percent: 80,
                useless_tries: 1,
            };
            if let Ok(plan) = plan(&compaction, &mut estimator) {
                let mut machine = Compaction::new(&compaction, &plan, None, None, Vec::new());
                // Whole, then in chunks.
                for _ in 0..2 {
                    let Next::Ask(request) = machine.next(&mut estimator) else { break };
                    common_rules(&request)?;
                    let refusal = refused(protocol, &request, Vec::new());
                    prop_assert!(refusal.is_none(), "{protocol} summary: {refusal:?}");
                    machine.failed(Fault::TooLong { window: None });
                }
            }
        }
        prop_assert_eq!(&branch, &before);
    }

    /// A step taken and undone leaves no trace.
    #[test]
    fn undoing_gives_the_same_request_again(branch in any_branch(), taken in any_step()) {
        let facts = ModelFacts::default();
        let (protocol, target) = model(0);
        let input = ViewInput {
            branch: &branch,
            steps: &[],
            pinned: &[],
            target: &target,
            protocol,
            facts: &facts,
            system: None,
            parameters: &Default::default(),
        };
        let before = view(&input);
        let with = [step(1, taken.0)];
        let between = view(&ViewInput { steps: &with, ..input });
        prop_assert!(between.applied.len() <= 1);
        if between.applied.is_empty() {
            prop_assert_eq!(&between.request, &before.request, "what is not applied changes nothing");
        }
        prop_assert_eq!(view(&input), before);
    }
}

fn by(at: usize, n: u128, parts: Vec<Part>) -> Message {
    Message {
        origin: Some(Origin {
            target: model(at).1,
            turn: TurnId::new(Uuid::from_u128(1)),
            attempt: AttemptId::new(Uuid::from_u128(1)),
            model_reported: None,
        }),
        ..message(n, Role::Assistant, parts)
    }
}

fn signed(protocol: Protocol, proof: &str) -> Part {
    Part::Thinking {
        text: if protocol == Protocol::Gemini { String::new() } else { "Hm".to_owned() },
        signature: Some(proof.to_owned()),
        redacted: None,
        protocol: Some(protocol),
    }
}

#[test]
fn thinking_goes_back_only_to_the_model_that_signed_it_and_is_said_where_it_stays_behind() {
    let sealed = r#"{"encrypted_content":"E","id":"rs_1"}"#;
    let proofs = ["anthropic-proof", "unsigned", sealed, "third-proof", "second-proof"];
    let mut branch = vec![message(0, Role::User, vec![Part::text("Hi")])];
    for (at, proof) in proofs.iter().enumerate() {
        let thought = signed(model(at).0, proof);
        let n = branch.len() as u128;
        branch.push(by(at, n, vec![thought, Part::text("Yes")]));
        branch.push(message(n + 1, Role::User, vec![Part::text("And?")]));
    }
    for at in 0..MODELS.len() {
        let (protocol, target) = model(at);
        let seen = view(&ViewInput {
            branch: &branch,
            steps: &[],
            pinned: &[],
            target: &target,
            protocol,
            facts: &ModelFacts::default(),
            system: None,
            parameters: &Default::default(),
        });
        let body = encode(protocol, &seen.request, &blobs(), &EncodeOptions::default()).unwrap();
        let body = String::from_utf8(body).unwrap();
        for (other, proof) in proofs.iter().enumerate() {
            let needle = if other == 2 { "\"encrypted_content\":\"E\"" } else { *proof };
            // Chat Completions has no place for a proof.
            let wanted = other == at && protocol != Protocol::OpenaiChat;
            assert_eq!(body.contains(needle), wanted, "{}: {needle}\n{body}", target.model);
            let id = branch[1 + 2 * other].id;
            let left_out = BTreeSet::from([Mend::ForeignThinking]);
            assert_eq!(seen.mended.get(&id) == Some(&left_out), other != at, "{}", target.model);
        }
        assert_eq!(refused(protocol, &seen.request, Vec::new()), None);
    }
}

#[test]
fn calls_and_results_that_lost_each_other_are_mended_and_named() {
    let call = |id: &str| Part::ToolCall {
        id: id.to_owned(),
        name: "look".to_owned(),
        arguments: "{}".to_owned(),
    };
    let result = |id: &str, text: &str| Part::ToolResult {
        call_id: id.to_owned(),
        text: text.to_owned(),
        is_error: false,
    };
    let branch = [
        message(0, Role::User, vec![result("gone", "of an older call")]),
        by(0, 1, vec![call("a"), call("a"), call("b.c")]),
        message(2, Role::User, vec![Part::text("see"), result("a", "1"), result("a", "2")]),
        by(0, 3, vec![Part::text("  ")]),
        message(4, Role::User, vec![Part::text("more")]),
        by(0, 5, vec![call("d")]),
    ];
    for at in 0..MODELS.len() {
        let (protocol, target) = model(at);
        let seen = view(&ViewInput {
            branch: &branch,
            steps: &[],
            pinned: &[],
            target: &target,
            protocol,
            facts: &ModelFacts::default(),
            system: None,
            parameters: &Default::default(),
        });
        assert_eq!(refused(protocol, &seen.request, Vec::new()), None);
        let text = serde_json::to_string(&seen.request).unwrap();
        for kept in ["of an older call", "\"1\"", "\"2\"", "see", "more"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        let mends = |n: usize| seen.mended.get(&branch[n].id).cloned().unwrap_or_default();
        assert_eq!(mends(0), BTreeSet::from([Mend::ResultWithoutCall]));
        assert_eq!(mends(1), BTreeSet::from([Mend::CallWithoutResult]));
        assert_eq!(mends(2), BTreeSet::new());
        assert_eq!(mends(3), BTreeSet::from([Mend::EmptyMessage]));
        assert_eq!(mends(4), BTreeSet::from([Mend::Joined]));
        assert_eq!(mends(5), BTreeSet::from([Mend::CallWithoutResult]));
    }
}

#[test]
fn only_older_pictures_are_left_out_and_smaller_ones_are_sent_where_there_are_some() {
    let picture_of = |digest| vec![Part::text("look"), Part::Image(picture(digest))];
    let branch = [
        message(0, Role::User, picture_of([9; 32])),
        by(0, 1, vec![Part::text("I see")]),
        message(2, Role::User, picture_of(LARGE)),
    ];
    let (protocol, target) = model(0);
    let steps = [
        step(1, StepKind::OmitImages { target: target.clone(), before: Some(branch[2].id) }),
        step(
            2,
            StepKind::ShrinkImages {
                target: target.clone(),
                max_side: 100,
                pictures: vec![SmallerImage {
                    original: BlobId::from_digest(&LARGE),
                    sent: picture(SMALL),
                }],
            },
        ),
    ];
    let seen = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &[],
        target: &target,
        protocol,
        facts: &ModelFacts::default(),
        system: None,
        parameters: &Default::default(),
    });
    assert_eq!(seen.applied, [steps[0].id, steps[1].id]);
    assert_eq!(seen.without_images, BTreeSet::from([branch[0].id]));
    assert_eq!(seen.smaller_images, BTreeSet::from([branch[2].id]));
    let sent: Vec<&BlobId> = seen
        .request
        .messages
        .iter()
        .flat_map(|m| &m.parts)
        .filter_map(|part| match part {
            Part::Image(image) => Some(&image.blob),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [&BlobId::from_digest(&SMALL)]);
    // Another model gets everything as it is.
    let other = model(1);
    let seen = view(&ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &[],
        target: &other.1,
        protocol: other.0,
        facts: &ModelFacts::default(),
        system: None,
        parameters: &Default::default(),
    });
    assert_eq!((seen.images, seen.applied.len(), seen.in_force.len()), (2, 0, 0));
}
