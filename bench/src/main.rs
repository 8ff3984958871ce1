//! Measures how close the functions come to what Lambda and the network allow, against floors in the same run.

mod account;
mod builds;
mod command;
mod copies;
mod cost_curve;
mod init;
mod instructions;
mod invocations;
mod median;
mod memory;
mod organization;
mod proc;
mod process;
mod report;
mod round_trips;
mod runtime_api;
mod scale;
mod size;
mod stage;
mod throttle;
mod tls;
mod warm_call;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use serde_json::json;

use instructions::Profile;
use report::Row;

/// Measures the functions against floors in the same run, and prints ratios.
#[derive(Parser)]
struct Arguments {
    /// The sections to measure; all of them if none is given.
    #[arg(long, value_enum)]
    only: Vec<Section>,
    /// Where the JSON document goes.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    /// Count instructions instead, and keep the counts in bench/instructions.json.
    #[arg(long, conflicts_with = "only")]
    instructions: bool,
    /// What to count.
    #[arg(long, value_enum, default_value = "release", requires = "instructions")]
    profile: Profile,
    /// Hold the counted instructions against those kept.
    #[arg(long, requires = "instructions")]
    check: bool,
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// From the process's start to its first request for work.
    Init,
    /// The first invocation and later ones, with a small function's CPU.
    First,
    /// Beside the usual cryptography library.
    AwsLc,
    /// Memory, and whether it grows.
    Memory,
    /// Deployment packages.
    Size,
    /// What the SDK adds to a call.
    WarmCall,
    /// Calls of each step that wait for one another.
    RoundTrips,
    /// A whole organization, beside other tools.
    Organization,
    /// Thousands of organizations.
    Scale,
    /// What Lambda bills for one, at several sizes of memory.
    CostCurve,
}

impl Section {
    fn measure(self) -> Result<Vec<Row>, String> {
        match self {
            Self::Init => init::measure(),
            Self::First => invocations::first_and_warm(),
            Self::AwsLc => invocations::beside_aws_lc(),
            Self::Memory => memory::measure(),
            Self::Size => size::measure(),
            Self::WarmCall => warm_call::measure(),
            Self::RoundTrips => round_trips::measure(),
            Self::Organization => organization::measure(),
            Self::Scale => scale::measure(),
            Self::CostCurve => cost_curve::measure(),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.instructions { count(&arguments) } else { measure(&arguments) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn count(arguments: &Arguments) -> Result<(), String> {
    let counted = instructions::count(arguments.profile)?;
    if arguments.check {
        instructions::check(arguments.profile, &counted)
    } else {
        instructions::keep(arguments.profile, counted)
    }
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let sections = if arguments.only.is_empty() { Section::value_variants() } else { &arguments.only };
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for section in sections {
        match section.measure() {
            Ok(measured) => rows.extend(measured),
            // What others measured in the last half hour is told all the same.
            Err(problem) => problems.push(format!("{section:?}: {problem}")),
        }
    }
    println!("{}", report::table(&rows));
    let document = serde_json::to_string_pretty(&json!({ "rows": rows })).map_err(|error| error.to_string())?;
    fs::write(&arguments.json, document).map_err(|error| format!("{}: {error}", arguments.json.display()))?;
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
