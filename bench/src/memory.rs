//! How much memory a function takes, and whether it takes more with every invocation.

use serde_json::json;

use crate::account::{Account, in_account};
use crate::builds::{self, HELLO};
use crate::invocations::invoke;
use crate::median::Samples;
use crate::process::Process;
use crate::report::Row;
use crate::tls::Endpoint;

/// How many invocations count as few, and as many.
const FEW: usize = 10;
const MANY: usize = 1000;
/// Processes of each, whose median counts beside the empty function: what is resident differs by some percent from start to
/// start. Growth is measured in the first.
const RUNS: usize = 5;

/// Every function beside the empty one, after init with nobody listening at its endpoint and after a few invocations; and
/// after many invocations beside a few.
///
/// # Errors
/// When a function cannot be built, or fails.
pub fn measure() -> Result<Vec<Row>, String> {
    in_account(invoke_often)
}

async fn invoke_often(account: &Account) -> Result<Vec<Row>, String> {
    let hello = account.launch(&builds::bootstrap(HELLO)?, HELLO, None);
    let (mut init_floor, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..RUNS {
        let mut process = Process::start(&hello).await?;
        init_floor.add(resident_at_rest(&process).await?);
        for _ in 0..FEW {
            process.invoke(&json!({})).await?;
        }
        floor.add(process.resident_kib()?);
        process.kill().await?;
    }
    let (init_floor, floor) = (init_floor.median(), floor.median());
    let endpoint = Endpoint::start(account.aws().clone()).await?;
    let (mut init_beside_hello, mut beside_hello, mut growth) = (Vec::new(), Vec::new(), Vec::new());
    for name in builds::names() {
        let bootstrap = builds::bootstrap(name)?;
        let (unreached, launch) =
            (account.launch(&bootstrap, name, None), account.launch(&bootstrap, name, Some(&endpoint)));
        let (mut after_init, mut after_few) = (Samples::default(), Samples::default());
        for run in 0..RUNS {
            let process = Process::start(&unreached).await?;
            after_init.add(resident_at_rest(&process).await?);
            process.kill().await?;
            let mut process = Process::start(&launch).await?;
            for _ in 0..FEW {
                invoke(&mut process, name, account).await?;
            }
            let few = process.resident_kib()?;
            after_few.add(few);
            if run == 0 {
                for _ in FEW..MANY {
                    invoke(&mut process, name, account).await?;
                }
                let grown = process.resident_kib()? / few;
                growth.push(Row::new("RSS after 1,000 invocations / after 10", name, 1.05, grown));
            }
            process.kill().await?;
        }
        let (first, few) = (after_init.median(), after_few.median());
        eprintln!("{name}: {first} KiB after init, {few} after {FEW}; hello world {init_floor}, {floor}");
        init_beside_hello.push(Row::new("RSS after init / hello world", name, 2.5, first / init_floor));
        beside_hello.push(Row::new("RSS after 10 invocations / hello world", name, 2.5, few / floor));
    }
    Ok([init_beside_hello, beside_hello, growth].concat())
}

/// The resident set of a process that waits for its first invocation, in KiB.
async fn resident_at_rest(process: &Process) -> Result<f64, String> {
    process.cpu_at_rest().await?;
    process.resident_kib()
}
