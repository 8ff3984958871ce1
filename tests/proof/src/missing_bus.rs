//! Events that the bus does not take: entries that fail, and a bus that is not there.

use std::rc::Rc;

use local_aws::{Clock, LocalAws};
use local_system::registry::STEPS;
use local_system::{Functions, LocalOptions, LocalSystem};

use crate::plan::Starts;
use crate::report::Row;
use crate::stage::{Aftermath, Trigger, broken};
use crate::start::{ACCOUNT, Prepared, REGION, Start, command, paused_runtime};
use crate::violation::{Promise, Violation};
use crate::weather::{Forecast, Weather};
use crate::{canary, judge};

/// More entries than a step sends again by itself.
const MOST_FAILING: u32 = 12;
const BUS: &str = "org-provisioning";

/// Every number of failing entries up to [`MOST_FAILING`], and a missing bus at each step.
pub fn explore(prepared: &Starts) -> Row {
    let mut violations = Vec::new();
    let nothing = &prepared[&Start::Nothing];
    for failing in 1..=MOST_FAILING {
        canary::begin();
        let broken = paused_runtime().block_on(failing_entries(nothing, failing));
        violations.push((format!("{failing} failing entries"), broken.unwrap_or_else(|violation| vec![violation])));
    }
    for start in [Start::Nothing, Start::AllThere] {
        for step in STEPS {
            canary::begin();
            let broken = paused_runtime().block_on(no_bus(&prepared[&start], step.spec.name));
            let case = format!("no bus for {} at {}", start.name(), step.spec.name);
            violations.push((case, broken.unwrap_or_else(|violation| vec![violation])));
        }
    }
    let executions = violations.len();
    violations.retain(|(_, broken)| !broken.is_empty());
    Row { name: "events".to_owned(), counts: vec![("executions", executions)], violations }
}

fn open(prepared: &Prepared) -> Result<(LocalSystem, Weather), Violation> {
    let options = LocalOptions { start: prepared.at, ..LocalOptions::default() };
    fastrand::seed(options.seed);
    let aws = LocalAws::new(options.seed, Clock::starting_at(options.start));
    aws.restore(prepared.world.clone());
    let weather = Weather::new(aws.clone(), Forecast::default(), &prepared.lost_keys);
    let system = LocalSystem::wire(aws, &options, &Functions::Between(Rc::new(weather.clone()))).map_err(broken)?;
    Ok((system, weather))
}

/// The next entries fail, in calls that succeed: they are sent again, and the organization gets everything.
async fn failing_entries(prepared: &Prepared, failing: u32) -> Result<Vec<Violation>, Violation> {
    let (system, weather) = open(prepared)?;
    Trigger::Flow.pull(&system).map_err(broken)?;
    system.aws.with_world(|world| world.region(ACCOUNT, REGION).buses.failing_entries = failing);
    system.settle().await.map_err(broken)?;
    let mut aftermath = Aftermath::of(&system, Trigger::Flow, &prepared.world, Vec::new()).await?;
    aftermath.ledger = weather.ledger();
    let mut seen = canary::violations(&aftermath);
    seen.extend(judge::judge(prepared, Trigger::Flow, false, &aftermath));
    seen.extend(canary::violations(&aftermath));
    Ok(seen)
}

/// The bus is not there: nothing is written, the message is kept, and once there is a bus it leads on.
async fn no_bus(prepared: &Prepared, step: &'static str) -> Result<Vec<Violation>, Violation> {
    let (system, weather) = open(prepared)?;
    let bus = system.aws.with_world(|world| world.region(ACCOUNT, REGION).buses.by_name.remove(BUS));
    Trigger::Step(step).pull(&system).map_err(broken)?;
    system.settle().await.map_err(broken)?;
    let writes = system.aws.take_trace().into_iter().filter(|call| call.mutating);
    let mut seen: Vec<Violation> = writes
        .filter(|call| !["sqs", "events"].contains(&call.service))
        .map(|call| Violation::of(Promise::NothingLost, format!("{call}, which nobody would have heard of")))
        .collect();
    let kept = system.take_dead_letters(step).map_err(broken)?;
    let code = kept.first().map(|letter| letter["MessageAttributes"]["ErrorCode"]["StringValue"].clone());
    if code != Some("misconfigured".into()) {
        seen.push(Violation::of(Promise::NothingLost, format!("{step} kept {kept:?}")));
    }
    system.aws.with_world(|world| {
        if let Some(bus) = bus {
            world.region(ACCOUNT, REGION).buses.by_name.insert(BUS.to_owned(), bus);
        }
    });
    // What was kept leads on once more, together with the sign-up's other branch.
    for letter in kept {
        system.send(step, letter["Body"].as_str().unwrap_or_default()).map_err(broken)?;
    }
    system.put_event("org-signup", "OrgCreated", &command()).map_err(broken)?;
    system.settle().await.map_err(broken)?;
    let mut aftermath = Aftermath::of(&system, Trigger::Flow, &prepared.world, Vec::new()).await?;
    aftermath.ledger = weather.ledger();
    seen.extend(judge::judge(prepared, Trigger::Flow, false, &aftermath));
    seen.extend(canary::violations(&aftermath));
    Ok(seen)
}
