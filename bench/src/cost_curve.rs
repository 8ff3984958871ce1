//! What one organization costs in Lambda, at several sizes of memory, which are sizes of CPU too.
//!
//! Lambda bills the time of each invocation, and of each start. That time is waiting, which does not depend on the
//! size, and work, which goes as fast as the part of a core that comes with the memory. The work is measured: the CPU
//! time of the functions' processes, in calls without TLS. How many calls wait for one another is counted, exactly.
//! How long one call takes is assumed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use local_aws::lambda::Moment;
use local_system::{LocalOptions, LocalSystem};

use crate::builds;
use crate::median::{LATENCIES, round_trips};
use crate::proc::children_cpu;
use crate::report::{Row, Value};
use crate::stage::{Stage, command, on_a_stage};

/// Sizes, in MB.
const SIZES: [f64; 5] = [128.0, 256.0, 512.0, 1024.0, 1769.0];
/// The size that has a whole core (Lambda guide, "Configure Lambda function memory").
const WHOLE_CORE: f64 = 1769.0;
/// A call within a region. Assumed.
const LATENCY: Duration = Duration::from_millis(50);
/// Organizations over which CPU time is averaged.
const MANY: u32 = 20;
/// Dollars of a GB-second on arm64, and of a request; list prices of us-east-1, as docs/cost.md has them.
const GB_SECOND: f64 = 0.000_013_333_4;
const REQUEST: f64 = 0.000_000_2;
const MILLION: f64 = 1_000_000.0;

/// What all runs of one organization take together, its delayed check included.
#[derive(Clone, Copy)]
struct Runs {
    invocations: f64,
    round_trips: f64,
}

/// CPU time in seconds.
#[derive(Clone, Copy)]
struct Cpu {
    starts: f64,
    runs: f64,
}

/// The curve.
///
/// # Errors
/// When the functions cannot be built, or fail.
pub fn measure() -> Result<Vec<Row>, String> {
    let functions = builds::functions()?;
    let runs = runs()?;
    let Some(cpu) = on_a_stage(cpu(&functions))? else {
        let why = "the CPU time of a process is told by Linux only".to_owned();
        let what = "cost curve".to_owned();
        return Ok(vec![Row { what, of: String::new(), goal: None, value: Value::NotMeasured(why) }]);
    };
    let said = |what: &str, value| Row::told(what, "one organization", value);
    let mut rows = vec![
        said("invocations", runs.invocations),
        said("round trips in all of them", runs.round_trips),
        said("CPU of all of them, ms", cpu.runs * 1000.0),
        Row::told("CPU of the five starts, ms", "all functions", cpu.starts * 1000.0),
    ];
    for size in SIZES {
        let point = |what: &str, value| Row::told(what, format!("{size} MB"), value);
        rows.push(point("billed, s per organization", billed(runs, cpu, size)));
        rows.push(point("GB-seconds per 1,000 organizations", gb_seconds(billed(runs, cpu, size), size) * 1000.0));
        rows.push(point("GB-seconds of the five starts", gb_seconds(cpu.starts / share(size), size)));
        rows.push(point("Lambda, dollars per million organizations", dollars(runs, cpu, size) * MILLION));
    }
    Ok(rows)
}

fn share(size: f64) -> f64 {
    (size / WHOLE_CORE).min(1.0)
}

/// Seconds that are billed for the runs of one organization.
fn billed(runs: Runs, cpu: Cpu, size: f64) -> f64 {
    runs.round_trips * LATENCY.as_secs_f64() + cpu.runs / share(size)
}

fn gb_seconds(seconds: f64, size: f64) -> f64 {
    seconds * size / 1024.0
}

fn dollars(runs: Runs, cpu: Cpu, size: f64) -> f64 {
    gb_seconds(billed(runs, cpu, size), size) * GB_SECOND + runs.invocations * REQUEST
}

/// Counts invocations, and by how much longer calls all of them take longer.
fn runs() -> Result<Runs, String> {
    let [from, to] = LATENCIES;
    let ((invocations, short), (_, long)) = (time_at(from)?, time_at(to)?);
    Ok(Runs { invocations: f64::from(invocations), round_trips: round_trips([short, long]) })
}

/// How many invocations one organization takes, and the sum of their times; simulated, so that only calls take time.
fn time_at(latency: Duration) -> Result<(u32, Duration), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let system = LocalSystem::start(&LocalOptions::default()).map_err(|problem| problem.to_string())?;
        system.aws.set_latency(latency);
        let clock = system.aws.clone();
        let (begun, ended) = (RefCell::new(BTreeMap::new()), Rc::new(RefCell::new((0, Duration::ZERO))));
        let sum = Rc::clone(&ended);
        system.lambda.observe(Rc::new(move |moment| match moment {
            Moment::Started(invocation) => {
                begun.borrow_mut().insert(invocation.request_id.clone(), clock.now());
            }
            Moment::Ended(invocation, _) => {
                if let Some(at) = begun.borrow_mut().remove(&invocation.request_id) {
                    let mut sum = sum.borrow_mut();
                    *sum = (sum.0 + 1, sum.1 + clock.now().since(at));
                }
            }
        }));
        let put = system.put_event("org-signup", "OrgCreated", &command("acme"));
        put.map_err(|problem| problem.to_string())?;
        system.settle().await.map_err(|problem| problem.to_string())?;
        let counted = *ended.borrow();
        Ok(counted)
    })
}

/// CPU time of the functions' processes: the first organization has their starts in it, the others have not.
async fn cpu(functions: &Path) -> Result<Option<Cpu>, String> {
    let stage = Stage::start(Some(functions)).await?;
    let one = async |org: String| {
        stage.sign_up(&org)?;
        stage.provisioned([org]).await
    };
    one("first".to_owned()).await?;
    let first = children_cpu();
    for number in 0..MANY {
        // One after the other: together they would start more processes.
        one(format!("many{number}")).await?;
    }
    Ok(first.zip(children_cpu()).map(|(first, all)| {
        let runs = (all.saturating_sub(first) / MANY).as_secs_f64();
        Cpu { starts: (first.as_secs_f64() - runs).max(0.0), runs }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_costs_memory_and_work_does_not() {
        let (runs, cpu) = (Runs { invocations: 7.0, round_trips: 20.0 }, Cpu { starts: 0.0, runs: 0.024 });
        let (small, large) = (billed(runs, cpu, 128.0), billed(runs, cpu, 256.0));
        assert!((small - (1.0 + 0.024 * 1769.0 / 128.0)).abs() < 1e-9);
        let more = gb_seconds(large, 256.0) - gb_seconds(small, 128.0);
        assert!((more - gb_seconds(1.0, 128.0)).abs() < 1e-9, "the work costs the same at both sizes");
    }
}
