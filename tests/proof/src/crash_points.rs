//! Something happens to the n-th call, for every n; and to two calls, the second after the first.

use std::sync::atomic::{AtomicUsize, Ordering};

use strum::IntoEnumIterator;

use crate::case::Case;
use crate::plan::{Scale, Starts};
use crate::report::Row;
use crate::rotation::Rotation;
use crate::stage::Trigger;
use crate::start::{Prepared, Start};
use crate::weather::Mishap;
use crate::workers;

/// In CI, of an execution that only waits in vain so many calls are explored: the others are the same again.
const CALLS_IN_CI: u64 = 32;
/// In CI, of what goes on beside a rotation, before it or after it so many calls are explored.
const ROTATION_CALLS_IN_CI: u64 = 40;
/// In CI, of a look and the sign-up that may follow it so many calls are explored.
const WATCH_CALLS_IN_CI: u64 = 40;
/// The starts from which CI explores the whole flow; from all others it explores every step by itself.
const FLOWS_IN_CI: [Start; 4] = [Start::Nothing, Start::TwoStrays, Start::UserMadeAgain, Start::NameTaken];
/// The start from which CI explores a sign-up together with a command of the lifecycle: the one with the most to do.
const TOGETHER_IN_CI: [Start; 1] = [Start::Nothing];
/// What happens to the calls of both: what leaves something behind, or comes late.
const MISHAPS_TOGETHER_IN_CI: [Mishap; 5] =
    [Mishap::StopBefore, Mishap::StopAfter, Mishap::StopLate, Mishap::LostReply, Mishap::TimeOutLate];
/// The starts from which CI explores a step of the lifecycle: each in which it does something else.
const ALONE_IN_CI: [(&str, &[Start]); 4] = [
    ("suspend", &[Start::AllThere, Start::YoungKeyWithoutSecret, Start::StrayBesideStored, Start::KeyOfAPerson]),
    ("resume", &[Start::Suspended, Start::SuspendedWithStray, Start::AllThere]),
    ("offboard", &[Start::AllThere, Start::OffboardedInPart, Start::KeyOfAPerson]),
    ("adopt", &[Start::MadeByOthers, Start::AllThere, Start::Suspended]),
];
/// Of all pairs, CI explores every so manieth.
const PAIRS_APART_IN_CI: usize = 3;
/// The starts from which CI explores pairs.
const PAIRS_IN_CI: [Start; 5] =
    [Start::AllThere, Start::PartlyThere, Start::KeyWithoutSecret, Start::SecretWithoutKey, Start::StrayBesideStored];
/// The starts from which a rotation comes to its end: everything is there, with and without a lost key.
const ROTATED: [Start; 2] = [Start::AllThere, Start::StrayBesideStored];
/// The starts that CI looks at: one in order, one that sign-up mends, one that only a person does.
const WATCHED_IN_CI: [Start; 3] = [Start::AllThere, Start::BucketDrifted, Start::KeyOfAPerson];
/// What comes first and second in CI's pairs: what leaves something behind, then what meets the recovery.
const FIRST_IN_CI: [Mishap; 4] = [Mishap::StopAfter, Mishap::StopLate, Mishap::LostReply, Mishap::TimeOutLate];
const SECOND_IN_CI: [Mishap; 3] = [Mishap::StopBefore, Mishap::StopLate, Mishap::LostReply];

/// Every call of this trigger, from every start, with every mishap.
pub fn single(prepared: &Starts, trigger: Trigger, scale: Scale) -> Row {
    let starts = Start::all().filter(|start| match (scale, trigger) {
        (_, Trigger::Return) => [Start::Offboarded, Start::UserSaysOffboarded].contains(start),
        (Scale::Long, Trigger::Rotation(_)) => ROTATED.contains(start),
        (Scale::Long, _) => true,
        (Scale::Ci, Trigger::Flow) => FLOWS_IN_CI.contains(start),
        (Scale::Ci, Trigger::With("resume")) => *start == Start::Suspended,
        (Scale::Ci, Trigger::With("adopt")) => *start == Start::MadeByOthers,
        (Scale::Ci, Trigger::With(_)) => TOGETHER_IN_CI.contains(start),
        (Scale::Ci, Trigger::Step(step)) if trigger.of_lifecycle().is_some() => alone_in_ci(step).contains(start),
        (Scale::Ci, Trigger::Rotation(_)) => *start == Start::AllThere,
        (Scale::Ci, Trigger::Watch(_)) => WATCHED_IN_CI.contains(start),
        // One that waits in vain does so the same way whatever else is there.
        (Scale::Ci, Trigger::Step(_)) => *start == Start::Nothing || !waits_in_vain(&prepared[start], trigger),
    });
    let cases: Vec<Case> = starts
        .flat_map(|start| {
            let most = match (scale, trigger) {
                (Scale::Ci, Trigger::Step(_)) => CALLS_IN_CI,
                (Scale::Ci, Trigger::Rotation(kind)) if kind != Rotation::Rotate => ROTATION_CALLS_IN_CI,
                (Scale::Ci, Trigger::Watch(_)) => WATCH_CALLS_IN_CI,
                _ => u64::MAX,
            };
            every_single_mishap(&prepared[&start], trigger, most)
        })
        .filter(|case| {
            scale == Scale::Long || !matches!(trigger, Trigger::With(_) | Trigger::Return) || together_in_ci(case)
        })
        .collect();
    run(format!("crash points: {}", trigger.name()), "distinct crash points", prepared, &cases)
}

/// The starts of a step of the lifecycle in CI.
fn alone_in_ci(step: &str) -> &'static [Start] {
    ALONE_IN_CI.iter().find(|(name, _)| *name == step).map_or(&[], |(_, starts)| *starts)
}

fn together_in_ci(case: &Case) -> bool {
    case.forecast.mishaps.values().all(|mishap| MISHAPS_TOGETHER_IN_CI.contains(mishap))
}

/// The cases in which one of the first `most` calls meets something.
pub fn every_single_mishap(prepared: &Prepared, trigger: Trigger, most: u64) -> Vec<Case> {
    let start = prepared.start;
    let calls = calls(prepared, Case::with(start, trigger, []), Scale::Ci, most);
    calls.flat_map(|call| Mishap::iter().map(move |mishap| Case::with(start, trigger, [(call, mishap)]))).collect()
}

/// Three calls in a row that meet the same, from every call on: more than a client tries by itself.
pub fn outages(prepared: &Starts, trigger: Trigger, scale: Scale) -> Row {
    let starts = Start::all().filter(|start| match (scale, trigger) {
        (Scale::Ci, Trigger::Step(step)) if trigger.of_lifecycle().is_some() => alone_in_ci(step).contains(start),
        _ => scale == Scale::Long || !waits_in_vain(&prepared[start], trigger),
    });
    let cases: Vec<Case> = starts
        .flat_map(|start| {
            let calls = calls(&prepared[&start], Case::with(start, trigger, []), scale, CALLS_IN_CI);
            calls.flat_map(move |call| {
                let survived = Mishap::iter().filter(|mishap| !mishap.stops());
                survived.map(move |mishap| Case::with(start, trigger, (call..call + 3).map(|call| (call, mishap))))
            })
        })
        .collect();
    run(format!("outages: {}", trigger.name()), "distinct outages", prepared, &cases)
}

/// Every pair of calls of this step, the second in the recovery from the first.
pub fn pairs(prepared: &Starts, trigger: Trigger, scale: Scale) -> Row {
    let starts: Vec<Start> = match scale {
        Scale::Ci if trigger.of_lifecycle().is_some() => alone_in_ci(trigger.name()).iter().copied().take(1).collect(),
        Scale::Ci => PAIRS_IN_CI.to_vec(),
        Scale::Long => Start::all().collect(),
    };
    let (first, second): (Vec<Mishap>, Vec<Mishap>) = match scale {
        Scale::Ci if trigger.of_lifecycle().is_some() => {
            (vec![Mishap::StopAfter, Mishap::LostReply], vec![Mishap::StopLate, Mishap::LostReply])
        }
        Scale::Ci => (FIRST_IN_CI.to_vec(), SECOND_IN_CI.to_vec()),
        Scale::Long => (Mishap::iter().collect(), Mishap::iter().collect()),
    };
    let firsts: Vec<Case> = starts
        .into_iter()
        .filter(|start| scale == Scale::Long || !waits_in_vain(&prepared[start], trigger))
        .flat_map(|start| {
            let calls = calls(&prepared[&start], Case::with(start, trigger, []), scale, CALLS_IN_CI);
            let mishaps = first.clone();
            calls.flat_map(move |call| {
                mishaps.clone().into_iter().map(move |mishap| Case::with(start, trigger, [(call, mishap)]))
            })
        })
        .collect();
    let cases = workers::for_each(&firsts, |case| {
        let after = case.forecast.mishaps.keys().copied().max().unwrap_or_default();
        let calls =
            calls(&prepared[&case.start], case.clone(), scale, after + CALLS_IN_CI / 2).filter(|call| *call > after);
        let pairs = calls.flat_map(|call| {
            second.iter().map(move |mishap| {
                let mut pair = case.clone();
                pair.forecast.mishaps.insert(call, *mishap);
                pair
            })
        });
        pairs.collect::<Vec<_>>()
    });
    let apart = if scale == Scale::Long { 1 } else { PAIRS_APART_IN_CI };
    let cases: Vec<Case> = cases.into_iter().flatten().step_by(apart).collect();
    run(format!("pairs of faults: {}", trigger.name()), "distinct pairs", prepared, &cases)
}

/// Whether the step only uses up its receives from here.
fn waits_in_vain(prepared: &Prepared, trigger: Trigger) -> bool {
    let calls = || Case::with(prepared.start, trigger, []).run(prepared).calls.len() as u64;
    !prepared.completes.contains(trigger.name()) && calls() > CALLS_IN_CI
}

/// The numbers of the calls that this case makes; in CI `most` at most.
fn calls(prepared: &Prepared, case: Case, scale: Scale, most: u64) -> impl Iterator<Item = u64> + use<> {
    let made = case.run(prepared).calls.len() as u64;
    1..=if scale == Scale::Long { made } else { made.min(most) }
}

/// So many broken cases are enough to know that something is wrong.
const ENOUGH: usize = 10;
/// So many of them are made shorter.
const SHRUNK: usize = 3;

/// Runs the cases, each of them once; `counted` says what they are.
pub(crate) fn run(name: String, counted: &'static str, prepared: &Starts, cases: &[Case]) -> Row {
    let (found, run) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let broken = workers::for_each(cases, |case| {
        if found.load(Ordering::Relaxed) >= ENOUGH {
            return None;
        }
        run.fetch_add(1, Ordering::Relaxed);
        let violations = case.run(&prepared[&case.start]).violations;
        (!violations.is_empty()).then(|| {
            found.fetch_add(1, Ordering::Relaxed);
            (case.clone(), violations)
        })
    });
    let violations = broken.into_iter().flatten().enumerate().map(|(index, (case, violations))| {
        if index >= SHRUNK {
            return (case.to_string(), violations);
        }
        let shrunk = case.shrunk(&prepared[&case.start]);
        (shrunk.to_string(), shrunk.run(&prepared[&case.start]).violations)
    });
    Row { name, violations: violations.collect(), counts: vec![(counted, run.into_inner())] }
}
