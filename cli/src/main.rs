//! The operator's command.

use std::process::ExitCode;

use clap::Parser;
use orgctl::args::Arguments;

fn main() -> ExitCode {
    orgctl::run(Arguments::parse())
}
