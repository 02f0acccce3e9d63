//! All sequences of failures, walked as a tree: each ends within the budgets, and nothing that was
//! refused is sent again as it was.
//!
//! The machine sees a kind through its [`cure`] alone. So kinds with one cure are one class, and
//! the deep walks take one kind of each class; `kinds_of_a_class_are_treated_alike` proves that
//! nothing is lost by it.

use halo_recover::{
    Cure, MAX_LATER_MS, Machine, Next, Outlook, Policy, Repair, Rung, Signs, Situation, Way, cure,
};
use halo_types::{Kind, Timestamp};
use proptest::prelude::*;

const START: Timestamp = Timestamp(1_000_000);
const WAITS: [Option<u64>; 3] = [None, Some(5_000), Some(600_000)];
const NEVER_AGAIN: [Kind; 5] = [
    Kind::QuotaExhausted,
    Kind::InvalidApiKey,
    Kind::PermissionDenied,
    Kind::RegionUnsupported,
    Kind::AccountDisabled,
];

fn signs(kind: Kind, told_ms: Option<u64>, named: bool) -> Signs {
    Signs {
        retry: told_ms.map(|ms| (ms, "header".to_owned())),
        parameter: named.then(|| "temperature".to_owned()),
        max_output: named.then_some(4_096),
        ..Signs::of(kind)
    }
}

/// One kind of each class, and a fault of the network that does not pass.
fn symbols(named: bool) -> Vec<Signs> {
    let mut cures: Vec<Cure> = Vec::new();
    let mut symbols = Vec::new();
    for kind in Kind::ALL {
        let class = Cure { resend_after_hand: false, ..cure(*kind) };
        if cures.contains(&class) {
            continue;
        }
        cures.push(class);
        let waits: &[Option<u64>] = if kind.is_transient() { &WAITS } else { &WAITS[..1] };
        symbols.extend(waits.iter().map(|told| signs(*kind, *told, named)));
    }
    symbols.push(Signs { transient: false, ..Signs::of(Kind::Network) });
    symbols
}

fn everything() -> Policy {
    Policy { omit_images: true, shrink_images: true, compact: true, ..Policy::default() }
}

fn policies() -> [Policy; 3] {
    let nothing = Policy { retry: false, repair: false, ..Policy::default() };
    [nothing, Policy::default(), everything()]
}

/// The ladders of up to two other places.
fn ladders() -> Vec<Vec<Way>> {
    let way = |place, rung, proven| Way { place, rung, proven };
    vec![
        vec![],
        vec![way(1, Rung::Key, true)],
        vec![way(1, Rung::Provider, false)],
        vec![way(1, Rung::Model, true)],
        vec![way(1, Rung::Key, true), way(2, Rung::Model, false)],
        vec![way(1, Rung::Provider, true), way(2, Rung::Model, true)],
    ]
}

fn situations() -> Vec<Situation> {
    let mut all = Vec::new();
    for ways in ladders() {
        for (images, can_compact) in [(0, false), (2, true)] {
            for (open, not_before) in [(false, None), (true, Some(START.plus_ms(15_000)))] {
                all.push(Situation {
                    images,
                    can_compact,
                    parameters: vec!["temperature".to_owned()],
                    outlook: Outlook { not_before, open, ways: ways.clone() },
                    ..Situation::default()
                });
            }
        }
    }
    all
}

/// What was seen on the way to a point of the tree.
#[derive(Clone)]
struct Path {
    machine: Machine,
    now: Timestamp,
    /// Time waited in line, in milliseconds.
    line_ms: u64,
    attempts: u32,
    places: Vec<u32>,
    /// The repairs in force at the present place.
    repairs: Vec<Repair>,
}

/// Takes one step and checks it; `None` where the person is asked.
fn step(path: &Path, policy: &Policy, signs: &Signs, situation: &Situation) -> Option<Path> {
    let mut next = path.clone();
    let said = next.machine.handle_failure(signs, situation, path.now);
    let trail = || format!("{signs:?} in {situation:?} after {:?}: {said:?}", path.places);
    if !matches!(said, Next::Ask { .. }) {
        assert!(!situation.shown, "what was shown is not begun anew: {}", trail());
        next.attempts += 1;
        assert!(next.attempts <= policy.max_in_all, "{}", trail());
    }
    match said {
        Next::Ask { .. } => return None,
        Next::SendAt { at, .. } => {
            assert!(signs.transient && policy.retry, "refused, and sent again: {}", trail());
            assert!(!NEVER_AGAIN.contains(&signs.kind), "{}", trail());
            assert!(at > path.now, "{}", trail());
            next.line_ms += at.ms_since(path.now);
            next.now = at;
            assert!(next.line_ms <= policy.max_line_ms, "{}", trail());
        }
        Next::Later { at, .. } => {
            assert!(signs.transient && policy.retry, "refused, and sent again: {}", trail());
            assert!(!NEVER_AGAIN.contains(&signs.kind), "{}", trail());
            let told = signs.retry.as_ref().map(|(ms, _)| *ms);
            assert_eq!(Some(at.ms_since(path.now)), told, "only a told wait: {}", trail());
            assert!(told.is_some_and(|ms| ms > policy.max_line_ms / 2 && ms <= MAX_LATER_MS));
            next.now = at;
        }
        Next::Repair(ref repair) => {
            assert!(!next.repairs.contains(repair), "the same bytes again: {}", trail());
            let asked_first =
                matches!(repair, Repair::OmitImages | Repair::ShrinkImages | Repair::Compact);
            assert!(policy.repair || asked_first, "{}", trail());
            assert!(*repair != Repair::OmitImages || policy.omit_images, "{}", trail());
            assert!(*repair != Repair::ShrinkImages || policy.shrink_images, "{}", trail());
            assert!(*repair != Repair::Compact || policy.compact, "{}", trail());
            next.repairs.push(repair.clone());
        }
        Next::Fallback(way) => {
            assert!(situation.outlook.ways.contains(&way), "nobody allowed it: {}", trail());
            assert!(!next.places.contains(&way.place), "a second time: {}", trail());
            let cure = cure(signs.kind);
            assert!(cure.at_once.contains(&way.rung) || cure.at_last.contains(&way.rung));
            assert!(way.proven || !cure.proven, "{}", trail());
            if way.rung != Rung::Key {
                next.repairs.clear();
            }
            next.places.push(way.place);
        }
    }
    Some(next)
}

fn walk(path: &Path, policy: &Policy, symbols: &[Signs], situation: &Situation, depth: u32) -> u64 {
    let mut walked = 0;
    for signs in symbols {
        walked += 1;
        if depth > 1
            && let Some(next) = step(path, policy, signs, situation)
        {
            walked += walk(&next, policy, symbols, situation, depth - 1);
        } else if depth == 1 {
            step(path, policy, signs, situation);
        }
    }
    walked
}

fn start(policy: &Policy) -> Path {
    Path {
        machine: Machine::new(policy.clone(), 42).at(0),
        now: START,
        line_ms: 0,
        attempts: 1,
        places: vec![0],
        repairs: Vec::new(),
    }
}

#[test]
fn every_sequence_of_classes_up_to_four_from_every_situation() {
    let mut walked = 0;
    for policy in policies() {
        for situation in situations() {
            for named in [false, true] {
                walked += walk(&start(&policy), &policy, &symbols(named), &situation, 4);
            }
        }
    }
    assert!(walked > 1_000_000, "{walked}");
}

#[test]
fn every_sequence_of_all_kinds_up_to_four_with_everything_allowed() {
    let policy = everything();
    let every = |named| {
        let of = |kind: &Kind| WAITS.map(|told| signs(*kind, told, named));
        Kind::ALL.iter().flat_map(of).collect::<Vec<Signs>>()
    };
    let situation = Situation {
        images: 1,
        can_compact: true,
        parameters: vec!["temperature".to_owned()],
        ..Situation::default()
    };
    let walked = walk(&start(&policy), &policy, &every(true), &situation, 4);
    assert!(walked > 100_000, "{walked}");
}

#[test]
fn what_was_shown_always_asks() {
    for policy in policies() {
        for situation in situations() {
            let shown = Situation { shown: true, ..situation };
            for kind in Kind::ALL {
                for told in WAITS {
                    let signs = signs(*kind, told, true);
                    assert!(step(&start(&policy), &policy, &signs, &shown).is_none());
                }
            }
        }
    }
}

#[test]
fn kinds_of_a_class_are_treated_alike() {
    for policy in policies() {
        for situation in situations() {
            for a in Kind::ALL {
                for b in Kind::ALL {
                    let class = |kind: Kind| Cure { resend_after_hand: false, ..cure(kind) };
                    if class(*a) != class(*b) || a.is_transient() != b.is_transient() {
                        continue;
                    }
                    for told in WAITS {
                        let say = |kind: Kind| {
                            let mut machine = start(&policy).machine;
                            let signs = signs(kind, told, true);
                            [0, 1].map(|_| machine.handle_failure(&signs, &situation, START))
                        };
                        assert_eq!(say(*a), say(*b), "{a} and {b}");
                    }
                }
            }
            // What a refusal tells of waiting changes nothing.
            for kind in Kind::ALL.iter().filter(|kind| !kind.is_transient()) {
                let say = |told| {
                    let mut machine = start(&policy).machine;
                    machine.handle_failure(&signs(*kind, told, true), &situation, START)
                };
                assert!(WAITS.iter().all(|told| say(*told) == say(None)), "{kind}");
            }
        }
    }
}

proptest! {
    /// Long sequences with changing outlooks end too.
    #[test]
    fn every_long_sequence_ends(
        seed: u64,
        failures in prop::collection::vec(
            (0..Kind::ALL.len(), 0..3_usize, any::<bool>(), any::<bool>(), 0_u64..40_000), 24),
        rungs in prop::collection::vec((0..3_usize, any::<bool>()), 0..20),
    ) {
        let policy = everything();
        let ways: Vec<Way> = rungs
            .iter()
            .enumerate()
            .map(|(n, (rung, proven))| Way {
                place: n as u32 + 1,
                rung: [Rung::Key, Rung::Provider, Rung::Model][*rung],
                proven: *proven,
            })
            .collect();
        let mut path = Path { machine: Machine::new(policy.clone(), seed).at(0), ..start(&policy) };
        let mut ended = false;
        for (kind, told, named, open, rests) in failures {
            let situation = Situation {
                images: 1,
                can_compact: true,
                parameters: vec!["temperature".to_owned()],
                outlook: Outlook {
                    not_before: Some(path.now.plus_ms(rests)),
                    open,
                    ways: ways.clone(),
                },
                ..Situation::default()
            };
            let signs = signs(Kind::ALL[kind], WAITS[told], named);
            match step(&path, &policy, &signs, &situation) {
                Some(next) => path = next,
                None => {
                    ended = true;
                    break;
                }
            }
        }
        prop_assert!(ended, "{} attempts", path.attempts);
    }
}
