//! Whether a thousand organizations cost a thousand times as much as one, and whether memory stays what it is.

use std::cell::Cell;
use std::fmt::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use local_aws::{Region, World, lambda};
use local_system::registry::STEPS;
use tokio::time::Instant;

use crate::copies::world_with;
use crate::median::median_run;
use crate::proc::thread_cpu;
use crate::report::{Row, Value};
use crate::stage::{PATIENCE, Stage, on_a_stage};
use crate::{builds, command};

/// Sign-ups in a small file and in a large one.
const FEW: usize = 10;
const MANY: usize = 1_000;
/// Rounds of small files and a large one, each with a ratio of its own: a machine's speed changes within seconds.
const ROUNDS: usize = 3;
/// A small file is over so soon that it takes several for a time that means something.
const SMALL_FILES: usize = 20;
/// Organizations in an account that is swept.
const SMALL_ACCOUNT: usize = 1_000;
const LARGE_ACCOUNT: usize = 10_000;
/// Further than any delayed check, and any message that waits.
const LATER: Duration = Duration::from_secs(20 * 60);

/// What one organization took.
#[derive(Clone, Copy)]
struct Each {
    calls: f64,
    /// Until nothing was left to do that does not wait for time.
    wall: f64,
    /// Until the last one was provisioned.
    until_last: f64,
    /// Of this thread, which has local AWS and the functions, for all of it.
    cpu: Option<f64>,
}

/// Sign-ups through `orgctl submit`, and sweeps over all organizations.
///
/// # Errors
/// When a command fails, or an organization does.
pub fn measure() -> Result<Vec<Row>, String> {
    let orgctl = builds::orgctl()?;
    let mut rows = sign_ups(&orgctl)?;
    for name in ["plan", "checklist"] {
        rows.push(sweep(&orgctl, name)?);
    }
    Ok(rows)
}

fn sign_ups(orgctl: &Path) -> Result<Vec<Row>, String> {
    let round = || {
        let small_files = (0..SMALL_FILES).map(|_| on_a_stage(submit(orgctl, FEW)));
        let few = median_run(small_files, |each| each.wall)?;
        let many = on_a_stage(submit(orgctl, MANY))?;
        eprintln!("an organization: {:.1} ms among {MANY}, {:.1} among {FEW}", many.wall * 1e3, few.wall * 1e3);
        Ok::<_, String>((few, many))
    };
    let (few, many) = median_run((0..ROUNDS).map(|_| round()), |(few, many)| many.wall / few.wall)?;
    let of = format!("{MANY} sign-ups / {FEW}");
    let cpu = match (many.cpu, few.cpu) {
        (Some(many), Some(few)) => Value::Measured(many / few),
        _ => Value::NotMeasured("the CPU time of a thread is told by Linux only".to_owned()),
    };
    Ok(vec![
        Row::new("API calls per organization", of.clone(), 1.0, many.calls / few.calls),
        Row::told("API calls per organization", format!("{MANY} sign-ups"), many.calls),
        Row::new("time per organization", of.clone(), 1.1, many.wall / few.wall),
        Row::told("time per organization, until the last is provisioned", of.clone(), many.until_last / few.until_last),
        Row { what: "CPU time per organization, local AWS included".to_owned(), of, goal: None, value: cpu },
    ])
}

/// Signs organizations up with one file, and lets everything come to rest. The time begins with the first event on the bus:
/// what `orgctl` does before that does not count, for which a large file would have more organizations to share it. It ends
/// when nothing can be done now. What comes after the last `OrgProvisioned` is an eighth of the work for ten organizations,
/// and of that for a thousand next to nothing: without it, a small file would seem to take less for each.
async fn submit(orgctl: &Path, count: usize) -> Result<Each, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("sign-ups.jsonl");
    std::fs::write(&file, sign_up_lines(count)?).map_err(|error| error.to_string())?;
    let file = file.to_string_lossy();

    let stage = Stage::start(None).await?;
    let running = count_running(&stage);
    let arguments = ["submit", &file, "--rate", "1000"];
    let (begun, ran, provisioned) =
        tokio::join!(first_event(&stage), command::run(orgctl, &stage, &arguments), async {
            let provisioned = stage.provisioned((0..count).map(org)).await?.into_iter().max();
            at_rest(&stage, &running).await?;
            Ok::<_, String>((provisioned, Moment::now()))
        });
    let (begun, ran, (last, rest)) = (begun?, ran?, provisioned?);
    if ran.code != Some(0) {
        return Err(format!("orgctl submit ended with {:?}", ran.code));
    }

    stage.system.aws.clock().advance(LATER);
    stage.system.settle().await.map_err(|problem| problem.to_string())?;
    let each = |all: f64| all / as_float(count);
    let since = |at: Instant| each(at.duration_since(begun.at).as_secs_f64());
    Ok(Each {
        calls: each(as_float(usize::try_from(stage.system.aws.requests()).map_err(|error| error.to_string())?)),
        wall: since(rest.at),
        until_last: since(last.ok_or("nothing was provisioned")?),
        cpu: rest.cpu.zip(begun.cpu).map(|(after, before)| each(after.saturating_sub(before).as_secs_f64())),
    })
}

/// A moment, and what this thread had computed until then.
struct Moment {
    at: Instant,
    cpu: Option<Duration>,
}

impl Moment {
    fn now() -> Self {
        Self { at: Instant::now(), cpu: thread_cpu() }
    }
}

/// When the first event was on the bus, whose archive has it then.
async fn first_event(stage: &Stage) -> Result<Moment, String> {
    let waiting = async {
        while !has_event(stage) {
            stage.system.aws.changed().await;
        }
        Moment::now()
    };
    tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| "no event came".to_owned())
}

fn has_event(stage: &Stage) -> bool {
    let now = stage.system.aws.now();
    stage.system.aws.look(|world| {
        let mut archives = region(stage, world).into_iter().flat_map(|region| region.buses.archives.values());
        archives.any(|archive| archive.event_count(now) > 0)
    })
}

/// Counts the invocations that run.
fn count_running(stage: &Stage) -> Rc<Cell<usize>> {
    let running = Rc::<Cell<usize>>::default();
    let count = Rc::clone(&running);
    stage.system.lambda.observe(Rc::new(move |moment| {
        count.set(match moment {
            lambda::Moment::Started(_) => count.get() + 1,
            lambda::Moment::Ended(..) => count.get().saturating_sub(1),
        });
    }));
    running
}

/// Waits until nothing runs and no message can be received before time has passed.
async fn at_rest(stage: &Stage, running: &Cell<usize>) -> Result<(), String> {
    let busy = || running.get() > 0 || has_work(stage);
    let waiting = async {
        loop {
            // A batch that was taken from its queue begins to run at the event loop's next turn.
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
            if !busy() {
                return;
            }
            stage.system.aws.changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| "the system did not come to rest".to_owned())
}

/// Whether a step's queue has a message to give now.
fn has_work(stage: &Stage) -> bool {
    let now = stage.system.aws.now();
    stage.system.aws.look(|world| {
        let queues = STEPS.iter().map(|step| format!("org-provisioning-{}", step.spec.name));
        let mut queues = queues.filter_map(|name| region(stage, world)?.queues.by_name(&name));
        queues.any(|queue| queue.next_visible_at(now).is_some_and(|at| at <= now))
    })
}

/// The region in which the system is.
fn region<'w>(stage: &Stage, world: &'w World) -> Option<&'w Region> {
    let place = &stage.system.place;
    world.accounts.get(&place.account)?.regions.get(&place.region)
}

fn sign_up_lines(count: usize) -> Result<String, String> {
    let mut lines = String::new();
    for number in 0..count {
        writeln!(lines, "{}", crate::stage::command(&org(number))).map_err(|error| error.to_string())?;
    }
    Ok(lines)
}

fn org(number: usize) -> String {
    format!("org{number}")
}

#[expect(clippy::cast_precision_loss, reason = "millions at most")]
fn as_float(count: usize) -> f64 {
    count as f64
}

/// The peak memory of a command that goes through all organizations of an account.
fn sweep(orgctl: &Path, name: &str) -> Result<Row, String> {
    let what = format!("{name} --all, peak memory");
    let of = format!("{LARGE_ACCOUNT} organizations / {SMALL_ACCOUNT}");
    // The world is made before: it runs in a simulated time of its own.
    let peak = |count| on_a_stage(peak_of_sweep(orgctl, name, world_with(count)?));
    Ok(match (peak(LARGE_ACCOUNT)?, peak(SMALL_ACCOUNT)?) {
        (Some(large), Some(small)) => {
            eprintln!("{name} --all: {large} KiB with {LARGE_ACCOUNT} organizations, {small} with {SMALL_ACCOUNT}");
            Row::new(what, of, 1.1, large / small)
        }
        _ => Row::not_measured(what, of, 1.1, "the memory of a process is told by Linux only"),
    })
}

async fn peak_of_sweep(orgctl: &Path, name: &str, world: World) -> Result<Option<f64>, String> {
    let stage = Stage::start(None).await?;
    stage.system.aws.restore(world);
    let ran = command::run(orgctl, &stage, &[name, "--all"]).await?;
    match ran.code {
        // The copies are in order: had a command found anything else, it would not have done its usual work.
        Some(0) => Ok(ran.peak_kib),
        code => Err(format!("orgctl {name} --all ended with {code:?}")),
    }
}
