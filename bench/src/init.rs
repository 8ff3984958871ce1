//! Initialization: the CPU time from the process's start until it waits for its first invocation.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::account::{Account, in_account};
use crate::builds::{self, HELLO};
use crate::median::Samples;
use crate::process::Process;
use crate::report::Row;
use crate::tls::Endpoint;

/// How often each bootstrap is started.
const ROUNDS: usize = 41;

/// The largest ratio to an empty function.
fn goal(function: &str) -> f64 {
    match function {
        "iam-user" => 1.75,
        "verify" => 2.1,
        _ => 1.9,
    }
}

/// Every function beside the empty one, in turns, so that what else the machine does hits all alike.
///
/// # Errors
/// When a bootstrap cannot be built or does not start.
pub fn measure() -> Result<Vec<Row>, String> {
    in_account(start)
}

async fn start(account: &Account) -> Result<Vec<Row>, String> {
    let names = || [HELLO].into_iter().chain(builds::names());
    let built: Vec<(&str, PathBuf)> =
        names().map(|name| Ok((name, builds::bootstrap(name)?))).collect::<Result<_, String>>()?;
    let endpoint = Endpoint::start(account.aws().clone()).await?;
    let mut rows = Vec::new();
    for (what, reached) in
        [("init, CPU / hello world", None), ("init with connections, CPU / hello world", Some(&endpoint))]
    {
        let mut samples: BTreeMap<&str, Samples> = BTreeMap::new();
        for _ in 0..ROUNDS {
            for (name, path) in &built {
                let process = Process::start(&account.launch(path, name, reached)).await?;
                samples.entry(name).or_default().add_time(process.cpu_at_rest().await?);
                process.kill().await?;
            }
        }
        let median = |name: &str| samples.get(name).map_or(f64::NAN, Samples::median);
        eprintln!("{what}: hello world {:.3} ms", median(HELLO) * 1e3);
        for name in builds::names() {
            let ratio = median(name) / median(HELLO);
            rows.push(if reached.is_none() {
                Row::new(what, name, goal(name), ratio)
            } else {
                Row::told(what, name, ratio)
            });
        }
    }
    Ok(rows)
}
