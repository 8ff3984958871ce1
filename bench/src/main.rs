//! Measures how close the functions come to what Lambda and the network allow, against floors in the same run.

mod account;
mod binaries;
mod init;
mod instructions;
mod invocations;
mod median;
mod memory;
mod process;
mod report;
mod runtime_api;
mod size;
mod throttle;
mod tls;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use serde_json::json;
use tokio::task::LocalSet;

use account::Account;
use binaries::Binaries;
use report::Row;

/// Where the counted instructions are kept.
const INSTRUCTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json");

/// Measures the functions against floors in the same run, and prints ratios.
#[derive(Parser)]
struct Arguments {
    /// The sections to measure; all of them if none is given.
    #[arg(long, value_enum)]
    only: Vec<Section>,
    /// Where the JSON document goes.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// Where the built functions are kept.
    #[arg(long, default_value = "target/bench")]
    binaries: PathBuf,
    /// Count instructions instead, and keep the counts in bench/instructions.json.
    #[arg(long, conflicts_with = "only")]
    instructions: bool,
    /// Hold the counted instructions against those kept.
    #[arg(long, requires = "instructions")]
    check: bool,
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// From the process's start to its first request for work.
    Init,
    /// The first invocation and later ones with a small function's CPU.
    First,
    /// Beside the usual cryptography library.
    AwsLc,
    /// Memory, and whether it grows.
    Memory,
    /// Deployment packages.
    Size,
}

const SECTIONS: [Section; 5] = [Section::Init, Section::First, Section::AwsLc, Section::Memory, Section::Size];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    LocalSet::new().block_on(&runtime, async {
        if arguments.instructions { count(arguments).await } else { measure(arguments).await }
    })
}

async fn count(arguments: &Arguments) -> Result<(), String> {
    let binaries = Binaries::in_folder(&arguments.binaries)?;
    let counted = instructions::count(&binaries, &Account::new()?).await?;
    let path = Path::new(INSTRUCTIONS);
    if arguments.check { instructions::check(&counted, path) } else { instructions::keep(&counted, path) }
}

async fn measure(arguments: &Arguments) -> Result<(), String> {
    let binaries = Binaries::in_folder(&arguments.binaries)?;
    let account = Account::new()?;
    let mut rows: Vec<Row> = Vec::new();
    for section in SECTIONS {
        if !arguments.only.is_empty() && !arguments.only.contains(&section) {
            continue;
        }
        rows.extend(match section {
            Section::Init => init::measure(&binaries, &account).await?,
            Section::First => invocations::first_and_warm(&binaries, &account).await?,
            Section::AwsLc => invocations::beside_aws_lc(&binaries, &account).await?,
            Section::Memory => memory::measure(&binaries, &account).await?,
            Section::Size => size::measure(&binaries)?,
        });
    }
    println!("{}", report::table(&rows));
    let document = serde_json::to_string_pretty(&json!({ "rows": rows })).map_err(|error| error.to_string())?;
    fs::write(&arguments.json, document).map_err(|error| format!("{}: {error}", arguments.json.display()))
}
