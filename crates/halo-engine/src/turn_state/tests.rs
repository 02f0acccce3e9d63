//! Every sequence of records that a turn can leave behind, and the state it is in.

use halo_types::{
    AttemptEnd, AttemptOutcome, AttemptStart, ConversationId, ConversationMeta, Diagnosis, Ending,
    Evidence, Headers, Message, MessageId, Parameters, Part, Protocol, Role, Step, StepBy, StepId,
    StopReason, Target, Turn,
};
use uuid::Uuid;

use super::*;

/// What can happen to the turn.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Attempt(u128),
    Answered(u128),
    Failed(u128),
    Broken(u128),
    Stopped(u128),
    StoppedWithPart(u128),
    Died(u128),
    Wait(Option<u128>, i64),
    WaitEnd,
    Summary(u128),
}

use Happens::*;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn conversation() -> ConversationId {
    ConversationId::new(id(1))
}

fn target() -> Target {
    Target { provider: "relay".parse().unwrap(), model: "m".to_owned() }
}

fn attempt(n: u128) -> AttemptId {
    AttemptId::new(id(100 + n))
}

fn diagnosis() -> Diagnosis {
    halo_diagnose::diagnose(&Evidence::from_text("overloaded"), &halo_diagnose::Context::default())
}

/// The records of something that happens, the partial answer before the end that names it.
fn records(happens: Happens) -> Vec<Record> {
    let partial = |n: u128| MessageId::new(id(200 + n));
    let message = |n: u128| {
        Record::Message(Message {
            id: partial(n),
            conversation: conversation(),
            parent: Some(MessageId::new(id(2))),
            role: Role::Assistant,
            parts: vec![Part::text("part")],
            at: Timestamp(5),
            origin: None,
            ending: Some(Ending::Complete { stop: StopReason::End }),
            usage: None,
        })
    };
    let end = |n: u128, outcome: AttemptOutcome| {
        Record::AttemptEnd(Box::new(AttemptEnd {
            attempt: attempt(n),
            turn: TurnId::new(id(3)),
            conversation: conversation(),
            outcome,
            first_part_ms: None,
            thinking_ms: None,
            total_ms: 1,
            repeated: String::new(),
            headers: Headers::default(),
            at: Timestamp(6),
        }))
    };
    let failed = |partial| AttemptOutcome::Failed {
        evidence: Box::default(),
        diagnosis: Box::new(diagnosis()),
        partial,
    };
    match happens {
        Attempt(n) => vec![Record::Attempt(Box::new(AttemptStart {
            id: attempt(n),
            turn: TurnId::new(id(3)),
            conversation: conversation(),
            nth: 1,
            target: target(),
            protocol: Protocol::OpenaiChat,
            url: String::new(),
            steps: Vec::new(),
            body_sha256: String::new(),
            images: 0,
            input_tokens: 0,
            key: None,
            instead: None,
            at: Timestamp(4),
        }))],
        Answered(n) => {
            vec![message(n), end(n, AttemptOutcome::Answered { message: Some(partial(n)) })]
        }
        Failed(n) => vec![end(n, failed(None))],
        Broken(n) => vec![message(n), end(n, failed(Some(partial(n))))],
        Stopped(n) => vec![end(n, AttemptOutcome::Stopped { partial: None })],
        StoppedWithPart(n) => {
            vec![message(n), end(n, AttemptOutcome::Stopped { partial: Some(partial(n)) })]
        }
        Died(n) => vec![end(n, AttemptOutcome::Died { partial: None })],
        Wait(after, until) => vec![Record::Wait(halo_types::Wait {
            turn: TurnId::new(id(3)),
            conversation: conversation(),
            attempt: after.map(attempt),
            target: None,
            until: Timestamp(until),
            from: "backoff".to_owned(),
            at: Timestamp(7),
        })],
        WaitEnd => vec![Record::WaitEnd(halo_types::WaitEnd {
            turn: TurnId::new(id(3)),
            conversation: conversation(),
            at: Timestamp(8),
        })],
        Summary(n) => vec![Record::Step(Step {
            id: StepId::new(id(300 + n)),
            conversation: conversation(),
            at: Timestamp(9),
            kind: StepKind::Summarise {
                first_kept: MessageId::new(id(2)),
                summary: "short".to_owned(),
                by: None,
                tokens_before: 2,
                tokens_after: 1,
                parts: 1,
                edits: None,
            },
            cause: Some(attempt(n)),
            by: StepBy::Auto,
        })],
    }
}

fn state(kind: TurnKind, happens: &[Happens]) -> TurnState {
    let prompt = MessageId::new(id(2));
    let mut log = vec![
        Record::Conversation(ConversationMeta {
            id: conversation(),
            created_at: Timestamp(1),
            title: String::new(),
            title_by_person: false,
            pinned: false,
            target: None,
            system: None,
            parameters: Parameters::default(),
        }),
        Record::Message(Message {
            id: prompt,
            conversation: conversation(),
            parent: None,
            role: Role::User,
            parts: vec![Part::text("Hello")],
            at: Timestamp(2),
            origin: None,
            ending: None,
            usage: None,
        }),
        Record::Turn(Turn {
            id: TurnId::new(id(3)),
            conversation: conversation(),
            prompt,
            target: target(),
            kind,
            at: Timestamp(3),
        }),
    ];
    log.extend(happens.iter().flat_map(|happens| records(*happens)));
    TurnState::of(&log, TurnId::new(id(3))).unwrap()
}

#[test]
fn the_state_follows_from_the_records() {
    let waiting = |until: i64, after: Option<u128>| TurnState::Waiting {
        until: Timestamp(until),
        from: "backoff".to_owned(),
        attempt: after.map(attempt),
    };
    let table: &[(&[Happens], TurnState)] = &[
        (&[], TurnState::Queued),
        (&[Wait(None, 50)], waiting(50, None)),
        (&[Wait(None, 50), Wait(None, 60)], waiting(60, None)),
        (&[Attempt(1)], TurnState::Sending),
        (&[Wait(None, 50), Attempt(1)], TurnState::Sending),
        (&[Attempt(1), Answered(1)], TurnState::Answered),
        (&[Attempt(1), Failed(1)], TurnState::Failed),
        (&[Attempt(1), Died(1)], TurnState::Failed),
        (&[Attempt(1), Broken(1)], TurnState::Incomplete),
        (&[Attempt(1), StoppedWithPart(1)], TurnState::Incomplete),
        (&[Attempt(1), Stopped(1)], TurnState::Cancelled),
        (&[Attempt(1), Failed(1), Wait(Some(1), 70)], waiting(70, Some(1))),
        (&[Attempt(1), Failed(1), Wait(Some(1), 70), Attempt(2)], TurnState::Sending),
        (&[Attempt(1), Failed(1), Wait(Some(1), 70), Attempt(2), Answered(2)], TurnState::Answered),
        (
            &[Attempt(1), Failed(1), Wait(Some(1), 70), Attempt(2), Failed(2), Wait(Some(2), 90)],
            waiting(90, Some(2)),
        ),
        (&[Attempt(1), Failed(1), Wait(Some(1), 70), WaitEnd], TurnState::Cancelled),
        (&[WaitEnd], TurnState::Cancelled),
        (&[Wait(None, 50), WaitEnd], TurnState::Cancelled),
        (&[WaitEnd, Attempt(1)], TurnState::Sending),
        (&[WaitEnd, Wait(None, 50)], waiting(50, None)),
        (&[WaitEnd, Attempt(1), Failed(1)], TurnState::Failed),
        (&[Attempt(1), Broken(1), WaitEnd], TurnState::Incomplete),
    ];
    for (happens, want) in table {
        assert_eq!(state(TurnKind::Reply, happens), *want, "{happens:?}");
        let open = matches!(want, TurnState::Queued | TurnState::Waiting { .. });
        assert_eq!(want.is_open(), open);
    }
}

#[test]
fn a_summary_by_rule_is_an_answer_of_its_turn_alone() {
    let compact = || TurnKind::Compact { keep: None, then: None };
    assert_eq!(state(compact(), &[Attempt(1), Failed(1)]), TurnState::Failed);
    assert_eq!(state(compact(), &[Attempt(1), Failed(1), Summary(1)]), TurnState::Answered);
    assert_eq!(state(compact(), &[Attempt(1), Failed(1), Summary(9)]), TurnState::Failed);
    assert_eq!(state(TurnKind::Reply, &[Attempt(1), Failed(1), Summary(1)]), TurnState::Failed);
}

#[test]
fn a_turn_that_is_not_there_has_no_state() {
    assert_eq!(TurnState::of(&[], TurnId::new(id(3))), None);
}
