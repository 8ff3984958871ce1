//! One execution: a starting state, the weather, a trigger, and what was there in the end.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join;
use local_aws::{Asked, Clock, LocalAws, Recorded, World};
use local_system::Problem;
use local_system::registry::{self, LIFECYCLE, STEPS};
use local_system::{Emitted, Functions, LocalOptions, LocalSystem};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::ledger::Ledger;
use crate::rotation::{self, Rotation};
use crate::start::{ACCOUNT, BUCKET, Prepared, REGION, SECRET, USER, command, nothing_follows, paused_runtime};
use crate::storm::{self, Arrival};
use crate::violation::{Promise, Violation};
use crate::weather::{Forecast, Weather};
use crate::{canary, judge, watch};

/// What an execution is triggered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// The sign-up, on the bus: the whole flow.
    Flow,
    /// A command, in one step's queue, with nothing that follows: the sign-up, or the step's own command.
    Step(&'static str),
    /// The sign-up of an organization that was offboarded and is to come back.
    Return,
    /// The sign-up and the command of a step of the lifecycle, on the bus at the same moment.
    With(&'static str),
    /// A rotation, or the end of an old key.
    Rotation(Rotation),
    /// A look at what is there, by the function of that name.
    Watch(&'static str),
}

impl Trigger {
    /// The flow, and every step alone.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Flow).chain(STEPS.iter().map(|step| Self::Step(step.spec.name)))
    }

    /// Those, and what concerns an organization that is there.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::all().chain(Self::lifecycle()).chain(Rotation::triggers()).chain(watch::triggers())
    }

    /// Every step of the lifecycle, alone and together with a sign-up, and coming back.
    pub fn lifecycle() -> impl Iterator<Item = Self> {
        let names = || LIFECYCLE.iter().map(|step| step.spec.name);
        names().map(Self::Step).chain(names().map(Self::With)).chain([Self::Return])
    }

    /// The step of the lifecycle that it is about, if it is about one.
    pub fn of_lifecycle(self) -> Option<&'static str> {
        match self {
            Self::Flow | Self::Return | Self::Rotation(_) | Self::Watch(_) => None,
            Self::With(name) => Some(name),
            Self::Step(name) => LIFECYCLE.iter().any(|step| step.spec.name == name).then_some(name),
        }
    }

    /// The name in paths and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Return => "come-back",
            Self::Step(name) | Self::Watch(name) => name,
            Self::Rotation(kind) => kind.name(),
            Self::With("suspend") => "sign-up+suspend",
            Self::With("resume") => "sign-up+resume",
            Self::With("adopt") => "sign-up+adopt",
            Self::With(_) => "sign-up+offboard",
        }
    }

    pub(crate) fn pull(self, system: &LocalSystem) -> Result<(), Problem> {
        match self {
            Self::Flow => system.put_event("org-signup", "OrgCreated", &command()),
            Self::Return => {
                let mut detail = command();
                detail["reonboard"] = Value::Bool(true);
                system.put_event("org-signup", "OrgCreated", &detail)
            }
            Self::Step(step) => system.send(step, &detail_for(step, system).to_string()),
            Self::With(step) => {
                system.put_event("org-signup", "OrgCreated", &command())?;
                let command = LIFECYCLE.iter().find(|known| known.spec.name == step).map(|known| known.command);
                system.put_event("org-signup", command.unwrap_or_default(), &detail_for(step, system))
            }
            // They are driven from outside, see `rotation` and `watch`.
            Self::Rotation(_) | Self::Watch(_) => Ok(()),
        }
    }
}

/// The detail of the command that a step works on.
pub(crate) fn detail_for(step: &str, system: &LocalSystem) -> Value {
    if step == "adopt" {
        return adoption(system);
    }
    let mut detail = command();
    if step == "offboard" {
        detail["confirmOrgId"] = detail["orgId"].clone();
        detail["emptyBucket"] = Value::Bool(true);
    }
    detail
}

/// The detail of the command that adopts what there is: the user in any case, bucket and secret if they are there.
fn adoption(system: &LocalSystem) -> Value {
    let mut detail = command();
    detail["adopt"] = json!({ "userArn": system.place.user_arn(USER) });
    system.aws.with_world(|world| {
        if world.buckets.contains_key(BUCKET) {
            detail["adopt"]["bucket"] = json!(BUCKET);
        }
        if let Some(secret) = world.region(ACCOUNT, REGION).secrets.by_name.get(SECRET) {
            detail["adopt"]["secretArn"] = json!(secret.arn);
        }
    });
    detail
}

/// What an execution left behind.
pub struct Aftermath {
    /// The account before.
    pub before: World,
    /// The account after.
    pub after: World,
    /// What was emitted.
    pub events: Vec<Emitted>,
    /// The messages in each step's dead-letter queue.
    pub dead_letters: Vec<(&'static str, Vec<Value>)>,
    /// The steps that could not tell of a message's last receive: the process died, or the bus took nothing.
    pub could_not_tell: BTreeSet<String>,
    /// What each function asked for in its own name.
    pub asked_by: BTreeMap<String, BTreeSet<Asked>>,
    /// What became of the keys.
    pub ledger: Ledger,
    /// The writes of one more run after everything had settled.
    pub writes_when_run_again: Vec<Recorded>,
    /// The account after that run, and what was emitted in it, where that is judged.
    pub run_again: Option<(World, Vec<Emitted>)>,
}

impl Aftermath {
    /// Takes stock of a system that has settled, then runs the trigger once more.
    pub(crate) async fn of(
        system: &LocalSystem,
        trigger: Trigger,
        before: &World,
        mut events: Vec<Emitted>,
    ) -> Result<Self, Violation> {
        events.extend(system.take_emitted().map_err(broken)?);
        let after = system.aws.snapshot();
        let mut dead_letters = Vec::new();
        for step in registry::all() {
            dead_letters.push((step.spec.name, system.take_dead_letters(step.spec.name).map_err(broken)?));
        }
        system.aws.take_trace();
        trigger.pull(system).map_err(broken)?;
        system.settle().await.map_err(broken)?;
        let writes = system.aws.take_trace().into_iter().filter(|call| call.mutating && call.service != "events");
        let run_again = match trigger {
            Trigger::With("adopt") => Some((system.aws.snapshot(), system.take_emitted().map_err(broken)?)),
            _ => None,
        };
        Ok(Self {
            before: before.clone(),
            after,
            events,
            dead_letters,
            could_not_tell: BTreeSet::new(),
            asked_by: BTreeMap::new(),
            ledger: Ledger::default(),
            writes_when_run_again: writes.collect(),
            run_again,
        })
    }

    /// The messages that are kept, with their steps.
    pub fn kept(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.dead_letters.iter().flat_map(|(step, letters)| letters.iter().map(|letter| (*step, letter)))
    }
}

/// An execution as it was judged.
#[derive(Debug, Default)]
pub struct Judged {
    /// The calls that the functions made.
    pub calls: Vec<Asked>,
    /// What each function asked for in its own name.
    pub asked_by: BTreeMap<String, BTreeSet<Asked>>,
    /// What was broken.
    pub violations: Vec<Violation>,
}

/// Runs the trigger in this weather until everything has settled, and judges what is there then.
pub fn execute(prepared: &Prepared, trigger: Trigger, forecast: &Forecast) -> Judged {
    canary::begin();
    let run = || match trigger {
        Trigger::Rotation(kind) => {
            let performed = paused_runtime().block_on(rotation::perform(prepared, kind, forecast));
            performed.map(|judged| (judged, None))
        }
        Trigger::Watch(name) => {
            let performed = paused_runtime().block_on(watch::perform(prepared, name, forecast));
            performed.map(|judged| (judged, None))
        }
        Trigger::Flow | Trigger::Return | Trigger::Step(_) | Trigger::With(_) => paused_runtime()
            .block_on(perform(prepared, trigger, forecast))
            .map(|(judged, aftermath)| (judged, Some(aftermath))),
    };
    let broken = |violation| Judged { violations: vec![violation], ..Judged::default() };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok((judged, _))) => judged,
        Ok(Err(violation)) => broken(violation),
        Err(_) => broken(Violation::of(Promise::NoPanic, canary::last_panic())),
    }
}

/// Whether a step, run by itself in calm weather, completes.
pub(crate) fn completes(prepared: &Prepared, step: &str) -> bool {
    let Some(trigger) = Trigger::all().chain(Trigger::lifecycle()).find(|trigger| trigger.name() == step) else {
        return false;
    };
    canary::begin();
    let forecast = Forecast::default();
    paused_runtime()
        .block_on(perform(prepared, trigger, &forecast))
        .is_ok_and(|(_, aftermath)| judge::completed(trigger, &aftermath))
}

async fn perform(prepared: &Prepared, trigger: Trigger, forecast: &Forecast) -> Result<(Judged, Aftermath), Violation> {
    let options = LocalOptions { start: prepared.at, ..LocalOptions::default() };
    fastrand::seed(options.seed);
    let aws = LocalAws::new(options.seed, Clock::starting_at(options.start));
    aws.restore(prepared.world.clone());
    let storm = forecast.unsteady.map(|unsteady| unsteady.seed);
    if let Some(seed) = storm {
        aws.with_world(|world| world.propagation = storm::propagation(seed));
    }
    let weather = Weather::new(aws.clone(), forecast.clone(), &prepared.lost_keys);
    let system = LocalSystem::wire(aws, &options, &Functions::Between(Rc::new(weather.clone()))).map_err(broken)?;
    if let Trigger::Step(_) = trigger {
        system.aws.with_world(nothing_follows);
    }
    trigger.pull(&system).map_err(broken)?;
    let events = settle(&system, storm.map(storm::arrivals).unwrap_or_default()).await.map_err(broken)?;
    // What a process that is gone had sent may still arrive.
    tokio::time::sleep(Duration::from_secs(60)).await;
    weather.clear_up();
    let calls = weather.calls();
    let mut aftermath = Aftermath::of(&system, trigger, &prepared.world, events).await?;
    aftermath.ledger = weather.ledger();
    aftermath.could_not_tell = weather.could_not_tell();
    aftermath.asked_by = weather.asked_by();
    let mut violations = judge::judge(prepared, trigger, storm.is_some(), &aftermath);
    violations.extend(canary::violations(&aftermath));
    if storm.is_some() && trigger == Trigger::Flow {
        violations.extend(replay_what_was_kept(&system, prepared, &aftermath, &weather).await?);
    }
    Ok((Judged { calls, asked_by: aftermath.asked_by.clone(), violations }, aftermath))
}

/// Settles while further events arrive. Answers what was emitted before the last of them.
async fn settle(system: &LocalSystem, arrivals: Vec<(Duration, Arrival)>) -> Result<Vec<Emitted>, Problem> {
    let count = arrivals.len();
    let arriving = async move |arrived: &dyn Fn()| {
        let mut events = Vec::new();
        for (pause, arrival) in arrivals {
            tokio::time::sleep(pause).await;
            events.extend(system.take_emitted()?);
            match arrival {
                Arrival::SignUp => Trigger::Flow.pull(system)?,
                Arrival::OutOfTurn(step) => Trigger::Step(step).pull(system)?,
                Arrival::Again(number) => {
                    if let Some(Emitted { source, detail_type, detail }) = events.get(number) {
                        system.put_event(source, detail_type, detail)?;
                    }
                }
            }
            arrived();
        }
        Ok(events)
    };
    settle_beside(system, count, arriving).await
}

/// Settles while `count` things arrive, until there is nothing left to do after the last of them; `arriving` tells of each.
pub(crate) async fn settle_beside<T>(
    system: &LocalSystem,
    count: usize,
    arriving: impl AsyncFnOnce(&dyn Fn()) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let (arrived, left) = (Notify::new(), Cell::new(count));
    let tell = || {
        left.set(left.get() - 1);
        arrived.notify_one();
    };
    let settling = async {
        loop {
            system.settle().await?;
            if left.get() == 0 {
                // What the last one brought was settled, or is now.
                return system.settle().await.map(drop);
            }
            arrived.notified().await;
        }
    };
    try_join(arriving(&tell), settling).await.map(|(found, ())| found)
}

/// After the storm: what was kept is sent again, and then everything is in order.
async fn replay_what_was_kept(
    system: &LocalSystem,
    prepared: &Prepared,
    aftermath: &Aftermath,
    weather: &Weather,
) -> Result<Vec<Violation>, Violation> {
    if aftermath.kept().next().is_none() {
        return Ok(Vec::new());
    }
    for (step, letter) in aftermath.kept() {
        system.send(step, letter["Body"].as_str().unwrap_or_default()).map_err(broken)?;
    }
    system.settle().await.map_err(broken)?;
    let mut replayed = Aftermath::of(system, Trigger::Flow, &prepared.world, Vec::new()).await?;
    replayed.ledger = weather.ledger();
    let mut violations = judge::judge(prepared, Trigger::Flow, false, &replayed);
    violations.extend(canary::violations(&replayed));
    Ok(violations)
}

/// Something that has nothing to do with what is proved went wrong; that is never to be passed over.
pub(crate) fn broken(problem: impl std::fmt::Display) -> Violation {
    Violation::of(Promise::ComesToRest, problem.to_string())
}
