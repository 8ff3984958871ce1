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
use crate::report::Row;
use crate::stage::{PATIENCE, Stage, command, on_a_stage};

/// What each call takes: about what IAM and S3 take from within a region.
const LATENCY: Duration = Duration::from_millis(50);
/// Organizations that each way makes, one after the other, each by itself; the median counts.
const RUNS: usize = 3;
/// Another tool, and how much of its time the functions may take at most.
const PEERS: [(&str, &str, f64); 3] =
    [("boto3", "boto3 script", 0.5), ("awscli", "AWS CLI script", 0.1), ("ansible", "Ansible playbook", 0.1)];
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
    let ours = median((0..RUNS).map(|_| on_a_stage(by_functions(&functions))))?;
    let mut rows = vec![counted("our functions", &ours)];
    for (peer, name, goal) in PEERS {
        match median((0..RUNS).map(|_| on_a_stage(by_peer(peer)))) {
            Ok(made) => {
                rows.push(Row::new(WHAT, name, goal, ours.time.as_secs_f64() / made.time.as_secs_f64()));
                rows.push(counted(name, &made));
            }
            Err(problem) if problem.is_empty() => {
                rows.push(Row::not_measured(WHAT, name, goal, "run bench/peers/install.sh"));
            }
            Err(problem) => return Err(format!("{name}: {problem}")),
        }
    }
    Ok(rows)
}

#[expect(clippy::cast_precision_loss, reason = "some dozens of calls")]
fn counted(who: &str, made: &Made) -> Row {
    Row::told("whole organization, API calls", who, made.calls as f64)
}

/// The run of median time; the first error instead, if there is one.
fn median(runs: impl Iterator<Item = Result<Made, String>>) -> Result<Made, String> {
    let mut runs = runs.collect::<Result<Vec<Made>, String>>()?;
    runs.sort_by_key(|made| made.time);
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle).ok_or_else(|| "nothing was run".to_owned())
}

async fn by_functions(folder: &Path) -> Result<Made, String> {
    let stage = Stage::start(Some(folder)).await?;
    stage.system.aws.set_latency(LATENCY);
    let begun = Instant::now();
    stage.sign_up("acme")?;
    stage.provisioned(["acme".to_owned()]).await?;
    Ok(Made { time: begun.elapsed(), calls: stage.system.aws.requests() })
}

/// An empty error says that the peer is not installed.
async fn by_peer(peer: &str) -> Result<Made, String> {
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
        return Err(String::new());
    }
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(String::from_utf8_lossy(&said).into_owned());
    }
    let calls = stage.system.aws.requests();
    // The same end state: the step that looks at everything, and tries the stored key, finds nothing wrong.
    stage.system.aws.set_latency(Duration::ZERO);
    let verdict = stage.system.invoke("verify", command("acme")).await;
    verdict.map_err(|error| format!("left another state behind: {}", error.error_message))?;
    Ok(Made { time, calls })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(milliseconds: u64) -> Result<Made, String> {
        Ok(Made { time: Duration::from_millis(milliseconds), calls: milliseconds })
    }

    #[test]
    fn the_median_is_of_times_and_an_error_is_not_left_out() {
        let median_of = |runs: Vec<Result<Made, String>>| median(runs.into_iter()).map(|made| made.calls);
        assert_eq!(median_of(vec![made(30), made(10), made(20)]), Ok(20));
        assert_eq!(median_of(vec![made(30), Err("lost".to_owned()), made(20)]), Err("lost".to_owned()));
    }
}
