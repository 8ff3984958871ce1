//! The command line of `orgctl replay`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use contract::ErrorCode;
use org::OrgId;

use super::connection::ConnectionArguments;
use super::moment::Moment;
use crate::connection::parse_org_id;

/// From where to replay.
#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Send the requests of event files again: commands, completion events or failure events.
    #[command(after_help = FILE_EXAMPLES)]
    File(ReplayFileArguments),

    /// Show what lies in the steps' dead-letter queues, and send it back to the steps.
    ///
    /// A message is deleted from the dead-letter queue only after the step's queue has acknowledged it. So an
    /// interruption loses nothing; at most the one message under way is sent twice, which every step tolerates. The
    /// queues of undelivered events and of failed direct invocations are not among these (docs/deploy.md).
    #[command(after_help = DEAD_LETTERS_EXAMPLES)]
    DeadLetters(DeadLettersArguments),

    /// Have EventBridge replay the bus's archive to the steps, and follow it.
    #[command(after_help = ARCHIVE_EXAMPLES)]
    Archive(ArchiveArguments),
}

/// Which of what is found.
#[derive(Clone, Debug, Default, Args)]
pub struct Pick {
    /// Only this organization's.
    #[arg(long, value_parser = parse_org_id, value_name = "ORG")]
    pub org: Option<OrgId>,

    /// Only what is not older: a time (2026-11-29T08:00:00Z) or a duration before now (90m, 2h, 3days). What has no time
    /// of its own, as a plain detail in a file, is then left out.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,

    /// Only what failed with this error code; `none` for what names none.
    #[arg(long, value_name = "CODE")]
    pub error_code: Option<Cause>,
}

/// An error code, or that there is none: SQS itself moved the message, after its last receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No code.
    None,
    /// This code.
    Code(ErrorCode),
}

impl FromStr for Cause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            code => code.parse().map(Self::Code).map_err(|_| "is no error code; docs/errors has them all".to_owned()),
        }
    }
}

/// The shortest and the longest time that messages can be hidden while they are looked at: what SQS takes is up to twelve
/// hours from the receive on.
const HIDE: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(11 * 3600);

fn parse_hide(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if HIDE.contains(&duration) { Ok(duration) } else { Err("must be 5s to 11h".to_owned()) }
}

/// How what was picked is sent.
#[derive(Clone, Debug, Args)]
pub struct Sending {
    /// Show for each organization what provisioning would do, and send nothing.
    #[arg(long)]
    pub plan: bool,

    /// Send without asking.
    #[arg(long, conflicts_with = "plan")]
    pub yes: bool,

    /// Messages or events per second at most.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub rate: u32,

    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Which events of which files.
#[derive(Debug, Args)]
pub struct ReplayFileArguments {
    /// Files with events or details: JSON, a JSON array, JSON lines, or CSV as for submit; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which events.
    #[command(flatten)]
    pub pick: Pick,

    /// How to send them.
    #[command(flatten)]
    pub sending: Sending,

    /// Where to.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Which dead letters.
#[derive(Debug, Args)]
pub struct DeadLettersArguments {
    /// Only this step's; may be given several times. Without it, those of the steps of sign-up; with --list, every step's.
    /// suspend, resume, offboard and rotate are sent back only if they are named: another command may have come since.
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,

    /// Which messages.
    #[command(flatten)]
    pub pick: Pick,

    /// Only show the messages, and leave them where they are.
    #[arg(long, conflicts_with_all = ["plan", "yes"])]
    pub list: bool,

    /// Messages of one queue at most; run the command again for more.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000), value_name = "N")]
    pub limit: u32,

    /// How long received messages are hidden from others at most. They are shown again as soon as the command is done
    /// with them, or after this time if it is killed.
    #[arg(long, default_value = "5m", value_parser = parse_hide, value_name = "DURATION")]
    pub hide: Duration,

    /// How to send them.
    #[command(flatten)]
    pub sending: Sending,

    /// Where they are.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Which part of the archive.
#[derive(Debug, Args)]
pub struct ArchiveArguments {
    /// The archive; without it, the one that is called as the bus.
    #[arg(long, value_name = "NAME")]
    pub archive: Option<String>,

    /// From when on: a time (2026-11-29T08:00:00Z) or a duration before now (90m, 2h, 3days).
    #[arg(long, value_name = "WHEN", required_unless_present = "cancel")]
    pub since: Option<Moment>,

    /// Until when; now if it is not given.
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,

    /// Only to this step; may be given several times. Without it, to the steps of sign-up, and to nobody else on the bus.
    /// suspend, resume and offboard get nothing unless they are named: an old OrgDeleted would delete an organization
    /// that came back.
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,

    /// The replay's name. If there is a replay of this name, it is followed and no other is started. Without it, a name
    /// that follows from the archive, the times and the steps.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Stop the replay of this name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["since", "until", "steps", "name", "archive"])]
    pub cancel: Option<String>,

    /// Start without asking.
    #[arg(long)]
    pub yes: bool,

    /// Follow the replay for this long at most; it goes on without.
    #[arg(long, default_value = "2h", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub timeout: Duration,

    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,

    /// Where it is.
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

const FILE_EXAMPLES: &str = "Each request is sent once, as OrgCreated, however many of its events the files hold.

Exit codes: 0 sent (with --plan: nothing to do), 1 something could not be sent, 2 usage, 3 with --plan: differences.

Examples:
  orgctl replay file events.jsonl --plan
  orgctl replay file events.jsonl --error-code account-blocks-public-access --since 2h --yes";

const DEAD_LETTERS_EXAMPLES: &str =
    "Exit codes: 0 sent, or shown; 1 something could not be sent, 2 usage, 3 with --plan: differences.

Examples:
  orgctl replay dead-letters --list
  orgctl replay dead-letters --step secret --plan
  orgctl replay dead-letters --step bucket-policy --error-code access-denied --rate 5
  orgctl replay dead-letters --org acme --since 1day --yes";

const ARCHIVE_EXAMPLES: &str =
    "Events reach the archive with a delay: wait ten minutes after the last one that should be replayed.
EventBridge neither lists what an archive holds nor selects by organization, so there is no --plan and no --org here.

Exit codes: 0 replayed, 1 not, or not in time, 2 usage.

Examples:
  orgctl replay archive --since 2h
  orgctl replay archive --since 2026-11-29T08:00:00Z --until 2026-11-29T09:00:00Z --step secret --yes
  orgctl replay archive --cancel orgctl-0b5e1cf7a2a15d0c9b560c1f5f2d8a11";
