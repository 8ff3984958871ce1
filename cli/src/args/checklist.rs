//! The command line of `orgctl checklist`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use org::Environment;

use super::connection::ConnectionArguments;
use super::plan::{Selection, parse_environment};

/// What to check, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ChecklistArguments {
    /// Which organizations.
    #[command(flatten)]
    pub selection: Selection,

    /// The environment that the organization was ordered for. AWS does not know it: without it, one line is not
    /// applicable.
    #[arg(long, value_parser = parse_environment, value_name = "ENVIRONMENT")]
    pub environment: Option<Environment>,

    /// How to show it. With --all, text tells of each organization only what fails.
    #[arg(long, value_enum, default_value_t = ChecklistFormat::Text, value_name = "FORMAT")]
    pub format: ChecklistFormat,

    /// The same as --format json: one document, or with --all one line for each organization and one for the summary.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Write to this file instead of standard output. It is replaced at the end, so it is whole at every moment.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where to look.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// How a checklist is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChecklistFormat {
    /// Lines for a terminal.
    Text,
    /// JSON.
    Json,
    /// Markdown.
    Markdown,
    /// One page for a browser, also to be printed: the checklist and the AWS reference.
    Html,
}

const EXAMPLES: &str =
    "Exit codes: 0 every line passes or is not applicable, 1 something could not be looked at, 2 usage, 3 a line fails.

Examples:
  orgctl checklist --org acme
  orgctl checklist --org acme --environment staging --json
  orgctl checklist --org acme --format html --output acme.html
  orgctl checklist --all
  orgctl checklist --all --format markdown --output checklist.md
  orgctl checklist --all --after acme";
