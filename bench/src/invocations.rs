//! The first invocation of a process beside later ones, over TLS, with the CPU share of a small function; and what the
//! usual cryptography library would cost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::{Account, in_account};
use crate::builds;
use crate::median::Samples;
use crate::process::{Invoked, Process};
use crate::report::Row;
use crate::throttle::Throttle;
use crate::tls::Endpoint;

/// How long each call to AWS takes.
const LATENCY: Duration = Duration::from_millis(20);
/// How many processes of each function are measured.
const PROCESSES: usize = 7;
/// How many invocations of each process beside the first.
const WARM: usize = 5;
/// The function that is built with the other library.
const COMPARED: &str = "iam-user";

/// First and warm invocations of every function.
///
/// # Errors
/// When a function cannot be built, or fails.
pub fn first_and_warm() -> Result<Vec<Row>, String> {
    in_account(held_back)
}

async fn held_back(account: &Account) -> Result<Vec<Row>, String> {
    const WHAT: &str = "first / warm invocation, 20 ms per call, 7.2 % of a CPU";
    let throttle = match Throttle::new() {
        Ok(throttle) => throttle,
        Err(why) => return Ok(builds::names().map(|name| Row::not_measured(WHAT, name, 1.1, why.clone())).to_vec()),
    };
    let endpoint = Endpoint::start(account.aws().clone()).await?;
    let mut rows = Vec::new();
    for name in builds::names() {
        let path = builds::bootstrap(name)?;
        rows.push(Row::new(WHAT, name, 1.1, first_to_warm(&path, name, account, &endpoint, &throttle).await?));
    }
    let path = aws_lc()?;
    let ratio = first_to_warm(&path, COMPARED, account, &endpoint, &throttle).await?;
    rows.push(Row::told(WHAT, format!("{COMPARED} with aws-lc"), ratio));
    Ok(rows)
}

async fn first_to_warm(
    path: &Path,
    step: &str,
    account: &Account,
    endpoint: &Endpoint,
    throttle: &Throttle,
) -> Result<f64, String> {
    account.set_latency(LATENCY);
    let (mut first, mut warm) = (Samples::default(), Samples::default());
    for _ in 0..PROCESSES {
        let mut process = Process::start(&account.launch(path, step, Some(endpoint))).await?;
        process.cpu_still_for(2 * LATENCY).await?;
        throttle.hold(process.id())?;
        first.add_time(invoke(&mut process, step, account).await?.took);
        for _ in 0..WARM {
            warm.add_time(invoke(&mut process, step, account).await?.took);
        }
        process.kill().await?;
    }
    account.set_latency(Duration::ZERO);
    eprintln!("{step}: first {:.1} ms, warm {:.1} ms", first.median() * 1e3, warm.median() * 1e3);
    Ok(first.median() / warm.median())
}

/// Initialization and first invocation together, beside the same with aws-lc as it comes.
///
/// # Errors
/// When a function cannot be built, or fails.
pub fn beside_aws_lc() -> Result<Vec<Row>, String> {
    in_account(both_libraries)
}

async fn both_libraries(account: &Account) -> Result<Vec<Row>, String> {
    let paths = [builds::bootstrap(COMPARED)?, aws_lc()?];
    let endpoint = Endpoint::start(account.aws().clone()).await?;
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..PROCESSES {
        for (path, samples) in paths.iter().zip(&mut samples) {
            let mut process = Process::start(&account.launch(path, COMPARED, Some(&endpoint))).await?;
            invoke(&mut process, COMPARED, account).await?;
            samples.add_time(process.cpu_at_rest().await?);
            process.kill().await?;
        }
    }
    let [ours, usual] = samples.map(|samples| samples.median());
    eprintln!("init and first invocation: {:.2} ms, with aws-lc {:.2} ms", ours * 1e3, usual * 1e3);
    Ok(vec![Row::new("init and first invocation, CPU / the same with aws-lc", COMPARED, 0.15, ours / usual)])
}

fn aws_lc() -> Result<PathBuf, String> {
    builds::bootstrap_with(COMPARED, "aws-lc")
}

/// One invocation, about a new organization.
///
/// # Errors
/// When it fails, or its message would go back to the queue.
pub async fn invoke(process: &mut Process, step: &str, account: &Account) -> Result<Invoked, String> {
    let invoked = process.invoke(&account.message(step).await?).await?;
    match invoked.answer["batchItemFailures"].as_array() {
        Some(failures) if failures.is_empty() => Ok(invoked),
        _ => Err(format!("{step} did not do its work: {}", invoked.answer)),
    }
}
