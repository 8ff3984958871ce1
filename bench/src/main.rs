//! Measures how close the functions come to what Lambda and the network allow, against floors in the same run.

mod builds;
mod command;
mod copies;
mod cost_curve;
mod organization;
mod report;
mod round_trips;
mod scale;
mod stage;
mod warm_call;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use serde_json::json;

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
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
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
            Self::WarmCall => warm_call::measure(),
            Self::RoundTrips => round_trips::measure(),
            Self::Organization => organization::measure(),
            Self::Scale => scale::measure(),
            Self::CostCurve => cost_curve::measure(),
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(rows) => {
            println!("{}", report::table(&rows));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let sections = if arguments.only.is_empty() { Section::value_variants() } else { &arguments.only };
    let mut rows = Vec::new();
    for section in sections {
        rows.extend(section.measure().map_err(|problem| format!("{section:?}: {problem}"))?);
    }
    let document = serde_json::to_string_pretty(&json!({ "rows": rows })).map_err(|error| error.to_string())?;
    fs::write(&arguments.json, document).map_err(|error| format!("{}: {error}", arguments.json.display()))?;
    Ok(rows)
}
