//! The command line of `orgctl adopt`.

use std::time::Duration;

use clap::Args;
use org::{Environment, OrgId};

use super::connection::ConnectionArguments;
use super::plan::parse_environment;
use crate::connection::parse_org_id;

/// What to adopt.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AdoptArguments {
    /// The organization.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG")]
    pub org: OrgId,

    /// The environment that it was ordered for.
    #[arg(long, value_parser = parse_environment, value_name = "ENVIRONMENT")]
    pub environment: Environment,

    /// The organization's bucket, if it does not have the standard name.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,

    /// Send nothing; show what would be changed.
    #[arg(long, conflicts_with_all = ["yes", "then_provision"])]
    pub plan: bool,

    /// Do not ask before something is sent.
    #[arg(long)]
    pub yes: bool,

    /// When it is adopted, provision it: show what OrgCreated would change, ask, and send it.
    #[arg(long)]
    pub then_provision: bool,

    /// With --then-provision: give up if it is not adopted after this time.
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration, value_name = "DURATION", requires = "then_provision")]
    pub timeout: Duration,

    /// Print JSON: a line for each plan, for each event that was sent, and for each summary.
    #[arg(long)]
    pub json: bool,

    /// Where to look, and where to send it.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

const EXAMPLES: &str = "It names the user, the bucket and the secret that have the organization's names, and changes nothing of them but their
tags. docs/adopt.md says more, and what to do about what it refuses.

Exit codes: 0 nothing to do, or sent, 1 failed, or not sent, 2 usage, 3 refused, or with --plan: there are differences.

Examples:
  orgctl adopt --org acme --environment production --plan
  orgctl adopt --org acme --environment production
  orgctl adopt --org acme --environment production --bucket fusion-rms-acme-media --yes --then-provision";
