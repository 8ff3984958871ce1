//! The command line.

mod checklist;
mod connection;
mod local;
mod plan;

use clap::{Parser, Subcommand};

pub use checklist::{ChecklistArguments, ChecklistFormat};
pub use connection::{Class, ConnectionArguments};
pub use local::{LocalCommand, ProvisionArguments, ServeArguments};
pub use plan::{PlanArguments, Selection};

/// Provisions organizations on AWS, and shows what was done.
///
/// Exit codes: 0 done or in order, 1 failed, 2 usage, 3 differences found.
#[derive(Debug, Parser)]
#[command(name = "orgctl", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole system in this process, on an AWS that runs in it too. No account, no network, no Docker.
    #[command(subcommand)]
    Local(LocalCommand),

    /// Show what provisioning would create, change or refuse. Reads AWS, and writes nothing.
    Plan(PlanArguments),

    /// Hold every convention against what an organization has, with evidence. Reads AWS, and writes nothing.
    Checklist(ChecklistArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
