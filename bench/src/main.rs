//! Measures how close the functions come to what Lambda and the network allow, against floors in the same run.

mod report;

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
    /// From the process's start to its first request for work.
    Init,
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
    let rows: Vec<Row> = Vec::new();
    let document = serde_json::to_string_pretty(&json!({ "rows": rows })).map_err(|error| error.to_string())?;
    fs::write(&arguments.json, document).map_err(|error| format!("{}: {error}", arguments.json.display()))?;
    Ok(rows)
}
