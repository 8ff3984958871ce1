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

/// Every function beside the empty one, and after many invocations beside a few.
///
/// # Errors
/// When a function cannot be built, or fails.
pub fn measure() -> Result<Vec<Row>, String> {
    in_account(invoke_often)
}

async fn invoke_often(account: &Account) -> Result<Vec<Row>, String> {
    let hello = account.launch(&builds::bootstrap(HELLO)?, HELLO, None);
    let mut floor = Samples::default();
    for _ in 0..RUNS {
        let mut process = Process::start(&hello).await?;
        for _ in 0..FEW {
            process.invoke(&json!({})).await?;
        }
        floor.add(process.resident_kib()?);
        process.kill().await?;
    }
    let floor = floor.median();
    let endpoint = Endpoint::start(account.aws().clone()).await?;
    let (mut beside_hello, mut growth) = (Vec::new(), Vec::new());
    for name in builds::names() {
        let launch = account.launch(&builds::bootstrap(name)?, name, Some(&endpoint));
        let mut after_few = Samples::default();
        for run in 0..RUNS {
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
        eprintln!("{name}: {} KiB after {FEW}; hello world {floor}", after_few.median());
        beside_hello.push(Row::new("RSS after 10 invocations / hello world", name, 2.5, after_few.median() / floor));
    }
    Ok([beside_hello, growth].concat())
}
