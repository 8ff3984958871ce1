//! The command line of `orgctl rotate`.

use std::time::Duration;

use clap::Args;
use org::OrgId;

use super::connection::ConnectionArguments;
use crate::connection::parse_org_id;

/// Whose access key to rotate.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RotateArguments {
    /// The organization.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG")]
    pub org: OrgId,

    /// Wait until the new key is current.
    #[arg(long)]
    pub wait: bool,

    /// With --wait: give up after this time.
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration, value_name = "DURATION", requires = "wait")]
    pub timeout: Duration,

    /// The rotation function, for a secret that has none yet.
    #[arg(long, default_value = "org-provisioning-rotate", value_name = "NAME")]
    pub function: String,

    /// The days between two rotations, for a secret that has no schedule yet: Secrets Manager rotates nothing without one.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=1000), value_name = "DAYS")]
    pub days: u16,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Where to look.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

const EXAMPLES: &str =
    "Exit codes: 0 begun (with --wait: done), 1 failed (with --wait: or not done in time), 2 usage, 3 refused.

Examples:
  orgctl rotate --org acme
  orgctl rotate --org acme --wait --timeout 10m --json";
