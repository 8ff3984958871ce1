//! The command line of `orgctl reconcile`.

use clap::Args;

use super::connection::ConnectionArguments;
use super::plan::Selection;

/// Which organizations to hold against the conventions.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReconcileArguments {
    /// Which organizations.
    #[command(flatten)]
    pub selection: Selection,

    /// Print JSON: one document, or with --all one line for each organization and one for the summary.
    #[arg(long)]
    pub json: bool,

    /// Where to look.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

const EXAMPLES: &str =
    "Exit codes: 0 all in order, 1 an organization could not be looked at, 2 usage, 3 drift was found.

Examples:
  orgctl reconcile --org acme
  orgctl reconcile --all
  orgctl reconcile --all --after acme --json";
