//! One whole organization, from the event to `OrgProvisioned`, against the same end state made with other tools.
//!
//! All of them speak HTTP to the same kind of server, which takes 50 ms for each call. All of them begin cold: the
//! functions' processes start when they are first invoked, as the peers' interpreters do. What differs is what is
//! compared: which calls there are, and which of them wait for one another.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use crate::builds;
use crate::median::median_run;
use crate::report::{Row, Value};
use crate::stage::{PATIENCE, Stage, command, on_a_stage};

/// What each call takes: about what IAM and S3 take from within a region.
const LATENCY: Duration = Duration::from_millis(50);
/// Organizations that each way makes, one after the other, each by itself; the median counts.
const RUNS: usize = 3;
/// Another tool, and how much of its time the functions may take at most, if there is a goal. The first makes the same
/// calls in sequence, the others those that their users would make.
const PEERS: [(&str, &str, Option<f64>); 4] = [
    ("same-calls", "boto3, the same calls", Some(0.5)),
    ("boto3", "boto3 script", None),
    ("awscli", "AWS CLI script", Some(0.1)),
    ("ansible", "Ansible playbook", Some(0.1)),
];
/// What `run.sh` ends with where the tool is not there.
const NOT_INSTALLED: i32 = 3;
const WHAT: &str = "whole organization, 50 ms a call / peer";

/// What making an organization took.
struct Made {
    time: Duration,
    calls: u64,
}

/// The functions against each peer that is installed.
///
/// # Errors
/// When the functions fail, or a peer that is installed does.
pub fn measure() -> Result<Vec<Row>, String> {
    let functions = builds::functions()?;
    let ours: Made = median_of(|| on_a_stage(by_functions(&functions)))?;
    let say = |who: &str, made: &Made| eprintln!("{who}: {:.0} ms", made.time.as_secs_f64() * 1e3);
    say("our functions", &ours);
    let mut rows = vec![counted("our functions", &ours)];
    for (peer, name, goal) in PEERS {
        match median_of(|| on_a_stage(by_peer(peer))) {
            Ok(made) => {
                say(name, &made);
                rows.push(row(name, goal, Value::Measured(ours.time.as_secs_f64() / made.time.as_secs_f64())));
                rows.push(counted(name, &made));
            }
            Err(Problem::NotInstalled) => {
                rows.push(row(name, goal, Value::NotMeasured("run bench/peers/install.sh".to_owned())));
            }
            Err(Problem::Failed(why)) => return Err(format!("{name}: {why}")),
        }
    }
    Ok(rows)
}

fn row(peer: &str, goal: Option<f64>, value: Value) -> Row {
    Row { what: WHAT.to_owned(), of: peer.to_owned(), goal, value }
}

#[expect(clippy::cast_precision_loss, reason = "some dozens of calls")]
fn counted(who: &str, made: &Made) -> Row {
    Row::told("whole organization, API calls", who, made.calls as f64)
}

fn median_of<E: From<&'static str>>(run: impl Fn() -> Result<Made, E>) -> Result<Made, E> {
    median_run((0..RUNS).map(|_| run()), |made| made.time.as_secs_f64())
}

/// Why a peer made nothing.
enum Problem {
    NotInstalled,
    Failed(String),
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self::Failed(text.to_owned())
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

async fn by_functions(folder: &Path) -> Result<Made, String> {
    let stage = Stage::start(Some(folder)).await?;
    stage.system.aws.set_latency(LATENCY);
    let begun = Instant::now();
    stage.sign_up("acme")?;
    stage.provisioned(["acme".to_owned()]).await?;
    Ok(Made { time: begun.elapsed(), calls: stage.system.aws.requests() })
}

async fn by_peer(peer: &str) -> Result<Made, Problem> {
    let stage = Stage::start(None).await?;
    stage.system.aws.set_latency(LATENCY);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/run.sh");
    let mut run = Command::new(script);
    run.args([peer, "--endpoint", &stage.endpoint, "--org", "acme"]);
    run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let begun = Instant::now();
    let output = tokio::time::timeout(PATIENCE, run.output()).await;
    let time = begun.elapsed();
    let output = output.map_err(|_| "did not come to an end".to_owned())?.map_err(|error| error.to_string())?;
    if output.status.code() == Some(NOT_INSTALLED) {
        return Err(Problem::NotInstalled);
    }
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(String::from_utf8_lossy(&said).into_owned().into());
    }
    let calls = stage.system.aws.requests();
    // The same end state: the step that looks at everything, and tries the stored key, finds nothing wrong.
    stage.system.aws.set_latency(Duration::ZERO);
    let verdict = stage.system.invoke("verify", command("acme")).await;
    verdict.map_err(|error| format!("left another state behind: {}", error.error_message))?;
    Ok(Made { time, calls })
}
