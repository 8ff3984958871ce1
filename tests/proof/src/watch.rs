//! What looks at organizations that are there, under the same weather as what makes them: one look, with a repair where
//! there is something to mend, and a sweep, which sends every organization there.

use std::rc::Rc;
use std::time::Duration;

use local_aws::{Clock, LocalAws};
use local_system::registry::MAINTENANCE;
use local_system::{Functions, LocalOptions, LocalSystem};
use serde_json::{Value, json};

use crate::canary;
use crate::judge;
use crate::stage::{Aftermath, Judged, Trigger, broken};
use crate::start::{Prepared, Start, command};
use crate::violation::{Promise, Violation};
use crate::weather::{Forecast, Weather};

/// What looks.
pub const FUNCTIONS: [&str; 2] = ["reconcile", "sweep"];
/// After that no sign-up is at work any more, and what is missing is drift.
const HOUR: Duration = Duration::from_secs(3600);

/// Each as a trigger.
pub fn triggers() -> impl Iterator<Item = Trigger> {
    FUNCTIONS.into_iter().map(Trigger::Watch)
}

/// Has it look in this weather until everything has come to its end, and judges what is there then.
pub(crate) async fn perform(prepared: &Prepared, name: &str, forecast: &Forecast) -> Result<Judged, Violation> {
    let environment = [("RECONCILE_REPAIR".to_owned(), "true".to_owned())].into();
    let options = LocalOptions { start: prepared.at, environment, ..LocalOptions::default() };
    fastrand::seed(options.seed);
    let aws = LocalAws::new(options.seed, Clock::starting_at(options.start));
    aws.restore(prepared.world.clone());
    tokio::time::sleep(HOUR).await;
    let before = aws.snapshot();
    let weather = Weather::new(aws.clone(), forecast.clone(), &prepared.lost_keys);
    let system = LocalSystem::wire(aws, &options, &Functions::Between(Rc::new(weather.clone()))).map_err(broken)?;
    system.take_emitted().map_err(broken)?;
    system.send(name, &detail(name).to_string()).map_err(broken)?;
    system.settle().await.map_err(broken)?;
    // What a process that is gone had sent may still arrive.
    tokio::time::sleep(Duration::from_secs(60)).await;
    weather.clear_up();
    system.settle().await.map_err(broken)?;
    let events = system.take_emitted().map_err(broken)?;
    let mut dead_letters = Vec::new();
    for function in local_system::registry::functions() {
        let name = function.spec.name;
        dead_letters.push((name, system.take_dead_letters(name).map_err(broken)?));
    }
    let aftermath = Aftermath {
        before,
        after: system.aws.snapshot(),
        events,
        dead_letters,
        could_not_tell: weather.could_not_tell(),
        asked_by: weather.asked_by(),
        ledger: weather.ledger(),
        writes_when_run_again: Vec::new(),
        run_again: None,
    };
    let mut violations = judged(prepared.start, name, &aftermath);
    violations.extend(canary::violations(&aftermath));
    Ok(Judged { calls: weather.calls(), asked_by: aftermath.asked_by, violations })
}

fn detail(name: &str) -> Value {
    match name {
        "sweep" => json!({ "sweep": "2026-01-01T00:00:00Z" }),
        // What a repair must not carry along.
        _ => {
            let mut detail = command();
            detail["reonboard"] = json!(true);
            detail
        }
    }
}

fn judged(start: Start, name: &str, aftermath: &Aftermath) -> Vec<Violation> {
    let mut broken: Vec<Violation> = aftermath.ledger.violations().cloned().collect();
    broken.extend(judge::allowed(aftermath));
    broken.extend(judge::same_event_ids(aftermath));
    broken.extend(judge::untouched(start, aftermath));
    let completion = MAINTENANCE.iter().find(|known| known.spec.name == name).map(|known| known.spec.completion);
    let kept = judge::buried(aftermath).contains(&name);
    let told = judge::failures(aftermath).any(|(step, _)| step == name);
    let completed = completion.is_some_and(|completion| judge::emitted(aftermath, completion));
    if !(completed || kept && told) {
        broken.push(Violation::of(Promise::NothingLost, format!("{name} neither completed nor kept its message")));
    }
    // Whoever looks changes nothing itself: it asks others, and tells.
    let own = aftermath.asked_by.iter().filter(|(function, _)| FUNCTIONS.contains(&function.as_str()));
    let writes = own.flat_map(|(_, asked)| asked).filter(|asked| asked.is_mutating());
    let writes = writes.filter(|asked| !["sqs", "events"].contains(&asked.service));
    broken.extend(writes.map(|asked| Violation::of(Promise::OthersUntouched, format!("called {}", asked.operation))));
    broken
}
