//! The command line.

mod adopt;
mod checklist;
mod connection;
mod local;
mod moment;
mod plan;
mod reconcile;
mod replay;
mod rotate;
mod shell;
mod status;
mod submit;

use clap::{Parser, Subcommand};

pub use adopt::AdoptArguments;
pub use checklist::{ChecklistArguments, ChecklistFormat};
pub use connection::{Class, ConnectionArguments};
pub use local::{LocalCommand, ProvisionArguments, ServeArguments};
pub use plan::{PlanArguments, Selection};
pub use reconcile::ReconcileArguments;
pub use replay::{ArchiveArguments, Cause, DeadLettersArguments, Pick, ReplayCommand, ReplayFileArguments, Sending};
pub use rotate::RotateArguments;
pub use shell::{CompletionsArguments, ManArguments};
pub use status::StatusArguments;
pub use submit::{Choices, SubmitArguments};

/// Provisions organizations on AWS, and shows what was done.
#[derive(Debug, Parser)]
#[command(name = "orgctl", version, after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Exit codes: 0 done or in order, 1 failed, 2 usage, 3 differences found.

Environment variables: AWS's usual ones (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and the others of the SDKs), and
the deployment's own: ACCOUNT_CLASS, EXPECTED_ACCOUNT_ID, EVENT_BUS_NAME and more, as its functions have them.

Examples:
  orgctl local provision events/samples/org-created.json
  orgctl submit --org acme --environment production --account-class production
  orgctl plan --org acme --account-class production";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole system in this process, on an AWS that runs in it too. No account, no network, no Docker.
    #[command(subcommand)]
    Local(LocalCommand),

    /// Show what provisioning would create, change or refuse. Reads AWS, and writes nothing.
    Plan(PlanArguments),

    /// Tell what is not as it should be of organizations that are there. Reads AWS, and writes nothing.
    Reconcile(ReconcileArguments),

    /// Have steps run again for requests that were made before.
    #[command(subcommand)]
    Replay(ReplayCommand),

    /// Show how far an organization is, and what it is stuck at.
    Status(StatusArguments),

    /// Sign organizations up: put OrgCreated for one, or for a file of thousands, on the deployment's bus.
    Submit(SubmitArguments),

    /// Print what a shell needs to complete orgctl's command line.
    Completions(CompletionsArguments),

    /// Print orgctl's manual page, or write a page for each command.
    Man(ManArguments),

    /// Hold every convention against what an organization has, with evidence. Reads AWS, and writes nothing.
    Checklist(ChecklistArguments),

    /// Have Secrets Manager replace an organization's access key now. The old key works on for its overlap.
    Rotate(RotateArguments),

    /// Take over what was made for an organization by hand or by an older process. Shows first what it would change.
    Adopt(AdoptArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }

    /// The help of every command that does something, the first one included.
    #[test]
    fn every_command_has_examples_and_exit_codes() {
        fn check(command: &clap::Command, path: &str) -> usize {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_group = command.has_subcommands() && path.contains(' ');
            if !is_group {
                assert!(help.contains("Examples:\n  orgctl "), "{path} has no examples");
                assert!(help.contains("Exit codes: 0 "), "{path} does not say its exit codes");
                assert!(help.lines().all(|line| line.len() <= 120), "{path} has a long line");
            }
            command.get_subcommands().map(|below| check(below, &format!("{path} {}", below.get_name()))).sum::<usize>()
                + 1
        }
        assert!(check(&super::Arguments::command(), "orgctl") >= 7);
    }
}
