//! The command line of `orgctl plan`, and the options of every command that can go through all organizations.

use clap::{ArgGroup, Args};
use org::{Environment, OrgId};

use super::connection::ConnectionArguments;
use crate::commands;
use crate::connection::parse_org_id;

/// What to plan.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PlanArguments {
    /// Which organizations.
    #[command(flatten)]
    pub selection: Selection,

    /// The environment to plan for; production or development if not given, as the account's class is.
    #[arg(long, value_parser = parse_environment, value_name = "ENVIRONMENT")]
    pub environment: Option<Environment>,

    /// The bucket name to plan for, as an OrgCreated event may ask for one and an OrgAdoptionRequested event name one.
    #[arg(long, value_name = "NAME", requires = "org")]
    pub bucket_name: Option<String>,

    /// What to plan: OrgCreated, OrgSuspended, OrgResumed, OrgDeleted or OrgAdoptionRequested.
    #[arg(long, value_parser = commands::parse, default_value = "OrgCreated", requires = "org", value_name = "TYPE")]
    pub command: &'static str,

    /// Print JSON: one document, or with --all one line for each organization and one for the summary.
    #[arg(long)]
    pub json: bool,

    /// Where to look.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// One organization, or all that can be found.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct Selection {
    /// The organization.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG", group = "which")]
    pub org: Option<OrgId>,

    /// Every organization that has a user or a bucket, in the order of their ids.
    #[arg(long, group = "which")]
    pub all: bool,

    /// With --all: go on after this organization, where an earlier run was stopped.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG", conflicts_with = "org")]
    pub after: Option<OrgId>,

    /// With --all: organizations at the same time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64), value_name = "N", conflicts_with = "org")]
    pub concurrency: u16,
}

const EXAMPLES: &str =
    "Exit codes: 0 nothing to do, 1 an organization could not be looked at, 2 usage, 3 there are differences.

Examples:
  orgctl plan --org acme
  orgctl plan --org acme --command OrgSuspended
  orgctl plan --org acme --bucket-name fusion-rms-acme-2 --json
  orgctl plan --all
  orgctl plan --all --after acme";

/// An environment as the command line gives it.
pub(crate) fn parse_environment(text: &str) -> Result<Environment, String> {
    Environment::parse(text).ok_or_else(|| {
        let names = Environment::ALL.map(Environment::as_str).join(", ");
        format!("must be one of {names}")
    })
}
