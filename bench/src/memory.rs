//! How much memory a function takes, and whether it takes more with every invocation.

use serde_json::json;

use crate::account::{Account, in_account};
use crate::builds::{self, HELLO};
use crate::invocations::invoke;
use crate::process::Process;
use crate::report::Row;
use crate::tls::Endpoint;

/// How many invocations count as few, and as many.
const FEW: usize = 10;
const MANY: usize = 1000;

/// Every function beside the empty one, and after many invocations beside a few.
///
/// # Errors
/// When a function cannot be built, or fails.
pub fn measure() -> Result<Vec<Row>, String> {
    in_account(invoke_often)
}

async fn invoke_often(account: &Account) -> Result<Vec<Row>, String> {
    let mut hello = Process::start(&account.launch(&builds::bootstrap(HELLO)?, HELLO, None)).await?;
    for _ in 0..FEW {
        hello.invoke(&json!({})).await?;
    }
    let floor = hello.resident_kib()?;
    hello.kill().await?;
    let endpoint = Endpoint::start(account.aws().clone()).await?;
    let (mut beside_hello, mut growth) = (Vec::new(), Vec::new());
    for name in builds::names() {
        let mut process = Process::start(&account.launch(&builds::bootstrap(name)?, name, Some(&endpoint))).await?;
        let begun = process.resident_kib()?;
        for _ in 0..FEW {
            invoke(&mut process, name, account).await?;
        }
        let few = process.resident_kib()?;
        for _ in FEW..MANY {
            invoke(&mut process, name, account).await?;
        }
        let many = process.resident_kib()?;
        process.kill().await?;
        eprintln!("{name}: {begun} KiB at first, {few} after {FEW}, {many} after {MANY}; hello world {floor}");
        beside_hello.push(Row::new("RSS after 10 invocations / hello world", name, 2.5, few / floor));
        growth.push(Row::new("RSS after 1,000 invocations / after 10", name, 1.05, many / few));
    }
    Ok([beside_hello, growth].concat())
}
