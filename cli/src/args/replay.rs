//! The command line of `orgctl replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
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
    /// interruption loses nothing; at most the ten messages under way are sent twice, which every step tolerates.
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

    /// Only what is not older: a time (2026-11-29T08:00:00Z) or a duration before now (90m, 2h, 3days).
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,

    /// Only what failed with this code; `none` for messages that name no code.
    #[arg(long, value_name = "CODE")]
    pub error_code: Option<String>,
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

    /// Messages or events per second.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub rate: u32,

    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Which events of which files.
#[derive(Debug, Args)]
pub struct ReplayFileArguments {
    /// Files with events: JSON, a JSON array, or JSON lines.
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
    /// Only this step's; may be given several times. Without it, every step's.
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,

    /// Which messages.
    #[command(flatten)]
    pub pick: Pick,

    /// Only show the messages, and leave them where they are.
    #[arg(long, conflicts_with_all = ["plan", "yes"])]
    pub list: bool,

    /// Messages to take out of a queue at most; run the command again for more.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000), value_name = "N")]
    pub limit: u32,

    /// How long messages are hidden from others while they are looked at and decided on. What is sent is hidden anew
    /// just before.
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration, value_name = "DURATION")]
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

    /// Only to this step; may be given several times. Without it, to every step, and to nobody else on the bus.
    #[arg(long = "step", value_name = "STEP")]
    pub steps: Vec<String>,

    /// The replay's name. Without it, a name that follows from the archive, the times and the steps: the same command
    /// again follows the same replay.
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

const ARCHIVE_EXAMPLES: &str = "EventBridge neither lists what an archive holds nor selects by organization, so there is no --plan and no --org here.

Exit codes: 0 replayed, 1 not, or not in time, 2 usage.

Examples:
  orgctl replay archive --since 2h
  orgctl replay archive --since 2026-11-29T08:00:00Z --until 2026-11-29T09:00:00Z --step secret --yes
  orgctl replay archive --cancel orgctl-0b5e1cf7a2a15d0c9b560c1f5f2d8a11";
