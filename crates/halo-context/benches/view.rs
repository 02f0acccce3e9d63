//! A conversation of 10,000 messages: how long the next request and its size take.
//!
//! `cargo bench -p halo-context`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use halo_context::{
    CompactInput, Correction, Estimator, ModelFacts, TokenCache, ViewInput, plan, view,
};
use halo_types::{
    AttemptId, ConversationId, Message, MessageId, Origin, Parameters, Part, Protocol, Role, Step,
    StepBy, StepId, StepKind, Target, Timestamp, TurnId,
};
use uuid::Uuid;

const MESSAGES: u128 = 10_000;

fn target() -> Target {
    Target { provider: "p".parse().expect("a sound name"), model: "gpt-4o".to_owned() }
}

/// Prompts of some 40 words, answers of some 150 and a thought, every tenth with a tool.
fn conversation() -> Vec<Message> {
    let id = |n: u128| MessageId::new(Uuid::from_u128(n + 1));
    (0..MESSAGES)
        .map(|n| {
            let user = n % 2 == 0;
            let words = "The bees of the northern slope fly later than those of the valley. ";
            let text = format!("Message {n}. {}", words.repeat(if user { 3 } else { 12 }));
            let mut parts = vec![Part::text(text)];
            let call_id = format!("call_{}", n / 2);
            match n % 20 {
                9 => parts.push(Part::ToolCall {
                    id: format!("call_{}", n.div_ceil(2)),
                    name: "look".to_owned(),
                    arguments: format!("{{\"n\":{n}}}"),
                }),
                10 => {
                    parts.push(Part::ToolResult { call_id, text: n.to_string(), is_error: false })
                }
                n if n % 2 == 1 => parts.insert(0, Part::thought("Let me see. ".repeat(20))),
                _ => {}
            }
            Message {
                id: id(n),
                conversation: ConversationId::new(Uuid::nil()),
                parent: n.checked_sub(1).map(id),
                role: if user { Role::User } else { Role::Assistant },
                parts,
                at: Timestamp(0),
                origin: (!user).then(|| Origin {
                    target: target(),
                    turn: TurnId::new(Uuid::nil()),
                    attempt: AttemptId::new(Uuid::nil()),
                    model_reported: None,
                }),
                ending: None,
                usage: None,
            }
        })
        .collect()
}

/// A hundred steps, so that what is looked up for each shows.
fn steps(branch: &[Message]) -> Vec<Step> {
    (0..100)
        .map(|n| Step {
            id: StepId::new(Uuid::from_u128(n)),
            conversation: ConversationId::new(Uuid::nil()),
            at: Timestamp(0),
            kind: StepKind::OmitImages {
                target: target(),
                before: Some(branch[n as usize * 100].id),
            },
            cause: None,
            by: StepBy::Auto,
        })
        .collect()
}

fn benches(criterion: &mut Criterion) {
    let branch = conversation();
    let steps = steps(&branch);
    let (target, facts) = (target(), ModelFacts::default());
    let input = ViewInput {
        branch: &branch,
        steps: &steps,
        pinned: &[],
        target: &target,
        protocol: Protocol::OpenaiChat,
        facts: &facts,
        system: None,
        parameters: &Parameters::default(),
    };
    let estimate = |cache: &mut TokenCache| {
        let seen = view(&input);
        Estimator::new(input.protocol, &target.model, Correction::NONE, cache)
            .request(&seen.request)
    };
    let mut warm = TokenCache::default();
    estimate(&mut warm);
    let mut group = criterion.benchmark_group("10,000 messages");
    group.sample_size(20);
    group.bench_function("view", |bencher| bencher.iter(|| black_box(view(&input))));
    group.bench_function("view and estimate, warm", |bencher| {
        bencher.iter(|| black_box(estimate(&mut warm)));
    });
    group.bench_function("view and estimate, nothing counted yet", |bencher| {
        let fresh = TokenCache::default;
        bencher.iter_batched(fresh, |mut c| black_box(estimate(&mut c)), BatchSize::LargeInput);
    });
    let compaction = CompactInput {
        branch: &branch,
        steps: &steps,
        pinned: &[],
        target: &target,
        protocol: input.protocol,
        facts: &facts,
        system: None,
        at_percent: 80,
        useless_tries: 0,
    };
    group.bench_function("plan of a compaction, warm", |bencher| {
        bencher.iter(|| {
            let mut estimator =
                Estimator::new(input.protocol, &target.model, Correction::NONE, &mut warm);
            black_box(plan(&compaction, &mut estimator).ok())
        });
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
