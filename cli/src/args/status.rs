//! The command line of `orgctl status`.

use std::time::Duration;

use clap::Args;
use org::{Environment, OrgId};

use super::connection::ConnectionArguments;
use super::plan::parse_environment;
use crate::connection::parse_org_id;

/// Whose status to show.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArguments {
    /// The organization.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG")]
    pub org: OrgId,

    /// The environment that it was ordered for; production or development if not given, as the account's class is.
    #[arg(long, value_parser = parse_environment, value_name = "ENVIRONMENT")]
    pub environment: Option<Environment>,

    /// Look again and again, until the organization is provisioned or a person has to do something.
    #[arg(long)]
    pub watch: bool,

    /// With --watch: the time between two looks.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration, value_name = "DURATION", requires = "watch")]
    pub every: Duration,

    /// With --watch: give up after this time.
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration, value_name = "DURATION", requires = "watch")]
    pub timeout: Duration,

    /// Print JSON: one document, or with --watch one line whenever something has changed.
    #[arg(long)]
    pub json: bool,

    /// Where to look.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

const EXAMPLES: &str = "Exit codes: 0 provisioned, 1 could not be looked at (with --watch: or not done in time), 2 usage, 3 not provisioned.

Examples:
  orgctl status --org acme
  orgctl status --org acme --watch
  orgctl status --org acme --watch --every 10s --timeout 1h --json";
