//! The command line.

mod connection;
mod local;
mod moment;
mod plan;
mod replay;
mod status;

use clap::{Parser, Subcommand};

pub use connection::{Class, ConnectionArguments};
pub use local::{LocalCommand, ProvisionArguments, ServeArguments};
pub use plan::{PlanArguments, Selection};
pub use replay::{ArchiveArguments, DeadLettersArguments, Pick, ReplayCommand, ReplayFileArguments, Sending};
pub use status::StatusArguments;

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

    /// Have steps run again for requests that were made before.
    #[command(subcommand)]
    Replay(ReplayCommand),

    /// Show how far an organization is, and what it is stuck at.
    Status(StatusArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
