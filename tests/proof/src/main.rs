//! The longer run, and one case again.

use std::process::ExitCode;

use clap::Parser;
use proof::case::Case;
use proof::churn;
use proof::plan::{self, Scale};
use proof::report::{Row, table};
use proof::{paths, violation::Violation};

/// Explores crashes, duplicates and interleavings of the real functions, and says what it covered.
#[derive(Parser)]
struct Arguments {
    /// How many seeds of storms are run.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them, to go on where another run ended.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// Every start, every call and every pair of faults, instead of what CI explores.
    #[arg(long)]
    long: bool,
    /// Only explorations whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Runs one case again, as a failure printed it, and tells what happened.
    #[arg(long)]
    replay: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.replay {
        Some(case) => replay(case),
        None => explore(&arguments),
    }
}

fn explore(arguments: &Arguments) -> ExitCode {
    let scale = if arguments.long { Scale::Long } else { Scale::Ci };
    let mut planned = plan::all(scale, arguments.first_seed..arguments.first_seed + arguments.seeds);
    planned.retain(|planned| planned.name.contains(&arguments.only));
    if planned.is_empty() {
        eprintln!("proof: no exploration has {:?} in its name", arguments.only);
        return ExitCode::from(2);
    }
    let prepared = plan::prepare();
    let rows: Vec<Row> = planned
        .iter()
        .map(|planned| {
            let row = planned.run(&prepared);
            eprintln!("{}", row.line());
            for (case, broken) in &row.violations {
                eprintln!("  {case}");
                tell(broken);
            }
            row
        })
        .collect();
    println!("{}", table(&rows));
    if rows.iter().all(|row| row.violations.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(text: &str) -> ExitCode {
    let violations = if let Some((start, exploration, path)) = paths::read(text) {
        paths::replay(&start.prepare(), &exploration, &path, &mut |decision| println!("{decision}"))
    } else if let Some(case) = churn::Case::read(text) {
        case.run()
    } else {
        match text.parse::<Case>() {
            Ok(case) => {
                let judged = case.run(&case.start.prepare());
                for (number, call) in (1..).zip(&judged.calls) {
                    let mishap: &str = case.forecast.mishaps.get(&number).map_or("", Into::into);
                    println!("{number:4} {}:{} {mishap}", call.service, call.operation);
                }
                judged.violations
            }
            Err(error) => {
                eprintln!("proof: {error}");
                return ExitCode::from(2);
            }
        }
    };
    tell(&violations);
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(violations: &[Violation]) {
    for violation in violations {
        eprintln!("    {violation}");
    }
}
