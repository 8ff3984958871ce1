//! How often a step waits for an answer before it can ask on: the slope of its time over the latency of a call.
//!
//! The steps run in this process, with simulated time that passes in nothing but calls, so the slope is exact: it
//! counts calls that wait for one another and none that go beside them.

use std::time::Duration;

use local_system::registry::STEPS;
use local_system::{LocalOptions, LocalSystem};

use crate::median::{LATENCIES, round_trips};
use crate::report::Row;
use crate::stage::command;

/// What a step needs at least from nothing: it looks, writes what depends on what it wrote before, and puts its event.
const FROM_NOTHING: [(&str, f64); 5] =
    [("iam-user", 3.0), ("bucket", 4.0), ("bucket-policy", 3.0), ("secret", 4.0), ("verify", 3.0)];
/// A look and the event.
const NOTHING_TO_DO: f64 = 2.0;
/// The region in which a second CreateBucket is no error, and another.
const REGIONS: [&str; 2] = ["us-east-1", "eu-central-1"];

/// What a step takes at one latency.
struct Times {
    from_nothing: Duration,
    nothing_to_do: Duration,
}

/// Round trips of every step, in each kind of region.
///
/// # Errors
/// When a step fails.
pub fn measure() -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for region in REGIONS {
        let mut again = Vec::new();
        for (step, goal) in FROM_NOTHING {
            let [short, long] = LATENCIES.map(|latency| times(region, step, latency));
            let (short, long) = (short?, long?);
            let of = format!("{step}, {region}");
            let first = round_trips([short.from_nothing, long.from_nothing]);
            rows.push(Row::new("round trips, from nothing", of.clone(), goal, first));
            let second = round_trips([short.nothing_to_do, long.nothing_to_do]);
            again.push(Row::new("round trips, nothing to do", of, NOTHING_TO_DO, second));
        }
        rows.append(&mut again);
    }
    Ok(rows)
}

/// Runs the steps before this one on a fresh system, then this one twice with calls that take time.
fn times(region: &str, step: &str, latency: Duration) -> Result<Times, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let options = LocalOptions { region: region.to_owned(), ..LocalOptions::default() };
        let system = LocalSystem::start(&options).map_err(|problem| problem.to_string())?;
        for before in STEPS.iter().map(|step| step.spec.name).take_while(|name| *name != step) {
            run(&system, before).await?;
        }
        system.aws.set_latency(latency);
        Ok(Times { from_nothing: run(&system, step).await?, nothing_to_do: run(&system, step).await? })
    })
}

/// What one run takes, its event included.
async fn run(system: &LocalSystem, step: &str) -> Result<Duration, String> {
    let begun = system.aws.now();
    let answer = system.invoke(step, command("acme")).await;
    answer.map_err(|error| format!("{step}: {} {}", error.error_type, error.error_message))?;
    Ok(system.aws.now().since(begun))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_goal() {
        let steps: Vec<&str> = STEPS.iter().map(|step| step.spec.name).collect();
        assert_eq!(FROM_NOTHING.map(|(step, _)| step).to_vec(), steps);
    }
}
