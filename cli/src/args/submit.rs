//! The command line of `orgctl submit`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use org::{Environment, OrgId};

use super::connection::ConnectionArguments;
use super::plan::parse_environment;
use crate::commands;
use crate::connection::parse_org_id;
use crate::exit::Problem;

/// What to submit.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").required(true))]
pub struct SubmitArguments {
    /// A file of organizations, as JSON or CSV; `-` is JSON from standard input.
    ///
    /// JSON: details of commands or EventBridge events, one, an array, or JSON lines. CSV, if it is called so: with the
    /// header orgId,environment,bucketName,correlationId, of which the first two must be there.
    #[arg(value_name = "FILE", group = "what")]
    pub file: Option<PathBuf>,

    /// One organization.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG", group = "what", requires = "environment")]
    pub org: Option<OrgId>,

    /// The environment that it was ordered for.
    #[arg(long, value_parser = parse_environment, value_name = "ENVIRONMENT", requires = "org")]
    pub environment: Option<Environment>,

    /// A bucket name instead of the standard one.
    #[arg(long, value_name = "NAME", requires = "org")]
    pub bucket_name: Option<String>,

    /// An id of your own for the request, which every event and log line about it carries.
    #[arg(long, value_name = "ID", requires = "org")]
    pub correlation_id: Option<String>,

    /// What a detail asks for that is no event: OrgCreated, OrgSuspended, OrgResumed, OrgDeleted or OrgAdoptionRequested.
    #[arg(long, value_parser = commands::parse, default_value = "OrgCreated", value_name = "TYPE")]
    pub command: &'static str,

    /// The choices that some commands have.
    #[command(flatten)]
    pub choices: Choices,

    /// The source of what names none itself; the first one of ALLOWED_SOURCES if not given.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,

    /// Events that are sent in a second, at most.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub rate: u32,

    /// Send everything, whatever the file's journal says was sent before.
    #[arg(long, requires = "file")]
    pub again: bool,

    /// Send nothing; show what provisioning would do for each organization.
    #[arg(long, conflicts_with = "again")]
    pub plan: bool,

    /// Print JSON: one document, or with FILE one line for each organization and one for the summary.
    #[arg(long)]
    pub json: bool,

    /// Where to send it.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// The choices that some commands have. They are for one organization; in a file they stand in the details.
#[derive(Debug, Args)]
pub struct Choices {
    /// With OrgCreated: bring an organization back that was offboarded.
    #[arg(long, requires = "org")]
    pub reonboard: bool,

    /// With OrgDeleted: the organization's id once more. Production organizations need it.
    #[arg(long, requires = "org", value_name = "ORG")]
    pub confirm: Option<String>,

    /// With OrgDeleted: delete every object in the bucket, with all its versions. That cannot be taken back.
    #[arg(long, requires = "org")]
    pub empty_bucket: bool,

    /// With OrgDeleted: how many days, 7 to 30, the secret can be restored; what the deployment says if not given.
    #[arg(long, requires = "org", value_parser = clap::value_parser!(u8).range(7..=30), value_name = "DAYS")]
    pub recovery_window_days: Option<u8>,

    /// With OrgAdoptionRequested: the user to adopt. `orgctl adopt` finds it, shows what would be changed and sends this.
    #[arg(long, requires = "org", value_name = "ARN")]
    pub adopt_user: Option<String>,

    /// With OrgAdoptionRequested: the bucket to adopt.
    #[arg(long, requires = "org", value_name = "NAME")]
    pub adopt_bucket: Option<String>,

    /// With OrgAdoptionRequested: the secret to adopt.
    #[arg(long, requires = "org", value_name = "ARN")]
    pub adopt_secret: Option<String>,
}

impl SubmitArguments {
    /// That no choice was made which the command does not have, and would not look at.
    ///
    /// # Errors
    /// The choice.
    pub(crate) fn require_choices_of_its_command(&self) -> Result<(), Problem> {
        let Choices { reonboard, confirm, empty_bucket, recovery_window_days, .. } = &self.choices;
        let Choices { adopt_user, adopt_bucket, adopt_secret, .. } = &self.choices;
        let choices = [
            (*reonboard, "--reonboard", "OrgCreated"),
            (self.bucket_name.is_some(), "--bucket-name", "OrgCreated"),
            (confirm.is_some(), "--confirm", "OrgDeleted"),
            (*empty_bucket, "--empty-bucket", "OrgDeleted"),
            (recovery_window_days.is_some(), "--recovery-window-days", "OrgDeleted"),
            (adopt_user.is_some(), "--adopt-user", "OrgAdoptionRequested"),
            (adopt_bucket.is_some(), "--adopt-bucket", "OrgAdoptionRequested"),
            (adopt_secret.is_some(), "--adopt-secret", "OrgAdoptionRequested"),
        ];
        let wrong = choices.into_iter().find(|(made, _, command)| *made && *command != self.command);
        wrong.map_or(Ok(()), |(_, choice, command)| {
            Err(Problem::Usage(format!("{choice} is for {command}; the command is {}", self.command)))
        })
    }
}

const EXAMPLES: &str = "Everything is checked before the first event is sent; with a problem anywhere, nothing is sent.

How far a file has been sent is kept in FILE.orgctl-journal. After Ctrl-C, a crash or a failure, the same command goes
on where it was; the events of the one call that was under way may be sent twice, which changes nothing.

Environment variables: EVENT_BUS_NAME, the bus (org-provisioning); ALLOWED_SOURCES, who may send commands
(org-signup), separated by commas; and the deployment's BUCKET_PREFIX, if it is not the usual one.

Exit codes: 0 all sent, 1 something was not sent, 2 usage: nothing was sent, 3 with --plan: there are differences.

Examples:
  orgctl submit --org acme --environment production
  orgctl submit --org acme --environment production --command OrgSuspended
  orgctl submit --org acme --environment production --command OrgDeleted --confirm acme --plan
  orgctl submit sign-ups.csv --plan
  orgctl submit sign-ups.csv --rate 50
  orgctl submit sign-ups.jsonl --json
  produce-sign-ups | orgctl submit -";
