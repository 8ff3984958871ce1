//! What is explored: by CI in minutes, and in a longer run.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::case::Case;
use crate::churn;
use crate::crash_points;
use crate::interleave::{Exploration, Message};
use crate::missing_bus;
use crate::paths;
use crate::report::Row;
use crate::rotation::Rotation;
use crate::stage::Trigger;
use crate::start::{End, Prepared, Start};
use crate::storm;
use crate::watch;
use crate::workers;

/// How much is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Minutes, on two cores.
    Ci,
    /// Every start, every call, every pair: hours.
    Long,
}

/// An exploration that has not been run yet.
pub struct Planned {
    /// Its name, the same as its row's.
    pub name: String,
    run: Box<dyn Fn(&Starts) -> Row + Send>,
}

/// Every starting state, prepared.
pub type Starts = BTreeMap<Start, Prepared>;

impl Planned {
    fn new(name: String, run: impl Fn(&Starts) -> Row + Send + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// Runs it.
    pub fn run(&self, prepared: &Starts) -> Row {
        (self.run)(prepared)
    }
}

/// All starting states.
pub fn prepare() -> Starts {
    let starts: Vec<Start> = Start::all().collect();
    let prepared = workers::for_each(&starts, |start| start.prepare());
    starts.into_iter().zip(prepared).collect()
}

/// The explorations, with these seeds for storms.
pub fn all(scale: Scale, seeds: Range<u64>) -> Vec<Planned> {
    let mut all = Vec::new();
    for trigger in Trigger::all().chain(Trigger::lifecycle()) {
        let name = format!("crash points: {}", trigger.name());
        all.push(Planned::new(name, move |prepared| crash_points::single(prepared, trigger, scale)));
    }
    let alone = |trigger: &Trigger| matches!(trigger, Trigger::Step(_));
    for trigger in Trigger::all().chain(Trigger::lifecycle()).filter(alone) {
        let name = format!("outages: {}", trigger.name());
        all.push(Planned::new(name, move |prepared| crash_points::outages(prepared, trigger, scale)));
    }
    for trigger in Trigger::all().chain(Trigger::lifecycle()).filter(|trigger| scale == Scale::Long || alone(trigger)) {
        let name = format!("pairs of faults: {}", trigger.name());
        all.push(Planned::new(name, move |prepared| crash_points::pairs(prepared, trigger, scale)));
    }
    for trigger in Rotation::triggers().chain(watch::triggers()) {
        let name = format!("crash points: {}", trigger.name());
        all.push(Planned::new(name, move |prepared| crash_points::single(prepared, trigger, scale)));
    }
    for (start, exploration) in interleavings(scale) {
        let name = name_of(start, &exploration);
        all.push(Planned::new(name.clone(), move |prepared| interleaved(&name, &prepared[&start], &exploration)));
    }
    all.push(Planned::new("events".to_owned(), missing_bus::explore));
    let (lifecycle, churned) = (seeds.clone(), seeds.clone());
    all.push(Planned::new("storms".to_owned(), move |prepared| {
        let cases: Vec<Case> = seeds.clone().map(storm::case).collect();
        crash_points::run("storms".to_owned(), "seeds", prepared, &cases)
    }));
    all.push(Planned::new("storms of the lifecycle".to_owned(), move |prepared| {
        // Half as many: they take longer, each to its second look.
        let cases: Vec<Case> = lifecycle.clone().step_by(2).map(storm::case_of_lifecycle).collect();
        crash_points::run("storms of the lifecycle".to_owned(), "seeds", prepared, &cases)
    }));
    all.push(Planned::new("churn".to_owned(), move |_| churn::explore(scale, &churned)));
    all
}

/// Two deliveries with a fault anywhere, and three without, from every start that leads to a key.
fn interleavings(scale: Scale) -> Vec<(Start, Exploration)> {
    use Message::{Check, Create, Offboard, SignUp, Suspend};
    let starts = Start::all().filter(|start| start.end() == End::Provisioned && leads_to_a_key(*start));
    let mut all = Vec::new();
    for start in starts {
        let mut explore = |messages: &[Message], faults, ticks| {
            all.push((start, Exploration { messages: messages.to_vec(), faults, ticks }));
        };
        if start == Start::YoungKeyWithoutSecret && scale == Scale::Ci {
            // A key that comes of age meanwhile, and a fault meanwhile, each by itself: together they are many.
            explore(&[SignUp, SignUp], 0, 2);
            explore(&[SignUp, SignUp], 1, 0);
            continue;
        }
        explore(&[SignUp, SignUp], 1, 2);
        // A third delivery multiplies the states: CI takes the start in which the first key is made.
        if scale == Scale::Long || start == Start::PartlyThere {
            explore(&[SignUp, SignUp, SignUp], 0, 0);
        }
        if scale == Scale::Long || [Start::PartlyThere, Start::StrayBesideStored].contains(&start) {
            explore(&[SignUp, Check], 1, 2);
        }
        if scale == Scale::Long || start == Start::PartlyThere {
            // With a fault they are ten thousands.
            let faults = u8::from(scale == Scale::Long);
            explore(&[SignUp, Suspend], faults, 0);
            explore(&[SignUp, Offboard], faults, 0);
        }
        if scale == Scale::Long {
            explore(&[SignUp, SignUp], 2, 2);
            explore(&[SignUp, SignUp, Check], 0, 2);
        }
    }
    // A rotation that is delivered twice, and one beside the step that looks after the key.
    for messages in [[Create, Create], [Create, SignUp]] {
        // A fault and a key that comes of age meanwhile: in CI each by itself.
        let limits: &[(u8, u8)] = if scale == Scale::Long { &[(1, 2)] } else { &[(1, 0), (0, 2)] };
        for (faults, ticks) in limits.iter().copied() {
            all.push((Start::AllThere, Exploration { messages: messages.to_vec(), faults, ticks }));
        }
    }
    all
}

/// Whether the `secret` step meets its own matter there: a user, and something about keys.
fn leads_to_a_key(start: Start) -> bool {
    match start {
        Start::PartlyThere
        | Start::KeyWithoutSecret
        | Start::YoungKeyWithoutSecret
        | Start::SecretWithoutKey
        | Start::TwoStrays
        | Start::StrayBesideStored => true,
        // The same to this step as one of those: no user, or a key that is in order, or one that is gone.
        Start::Nothing
        | Start::AllThere
        | Start::UserMadeAgain
        | Start::BucketDrifted
        | Start::NameTaken
        | Start::NameTakenThenFree => false,
        Start::SecretScheduled
        | Start::StoredKeyInactive
        | Start::KeyOfAPerson
        | Start::UserOfAnother
        | Start::BucketOfAnother
        | Start::SecretOfAnother
        | Start::MadeByOthers
        | Start::AccountBlocked
        | Start::Suspended
        | Start::SuspendedWithStray
        | Start::Offboarded
        | Start::OffboardedInPart
        | Start::UserSaysOffboarded => false,
    }
}

fn name_of(start: Start, exploration: &Exploration) -> String {
    let messages: Vec<&str> = exploration.messages.iter().map(|message| message.name()).collect();
    let Exploration { faults, ticks, .. } = exploration;
    format!("interleavings: {}, {}, faults {faults}, ticks {ticks}", start.name(), messages.join(" + "))
}

fn interleaved(name: &str, prepared: &Prepared, exploration: &Exploration) -> Row {
    let explored = paths::explore(prepared, exploration);
    let violations = explored.violations.into_iter().take(2).map(|(path, _)| {
        let path = paths::shrink(prepared, exploration, &path);
        let violations = paths::replay(prepared, exploration, &path, &mut |_| {});
        (paths::written(prepared.start, exploration, &path), violations)
    });
    let counts = vec![("schedules", explored.executions), ("states", explored.states), ("ends", explored.ends)];
    Row { name: name.to_owned(), violations: violations.collect(), counts }
}
