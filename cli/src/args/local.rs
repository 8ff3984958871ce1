//! The command line of `orgctl local`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::connection::Class;

/// What to do locally.
#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Provision the organizations of one or more event files and show what there is then.
    ///
    /// The real functions run, behind the same event routing, queues, batches and answers as in production.
    /// Time is simulated: a minute that a step waits passes at once.
    #[command(after_help = PROVISION_EXAMPLES)]
    Provision(ProvisionArguments),

    /// Serve the local AWS, with the whole system wired, until Ctrl-C.
    ///
    /// Any AWS client can talk to it: the AWS CLI, boto3, an SDK. An access key id of twelve digits is that
    /// account's administrator; 111111111111 may hold production and staging organizations, 333333333333 the
    /// others. Time is real.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArguments),
}

const PROVISION_EXAMPLES: &str =
    "Exit codes: 0 every organization is provisioned, 1 one is not, or the command failed, 2 usage.

Examples:
  orgctl local provision events/samples/org-created.json
  orgctl local provision --repeat 2 events/samples/org-created.json
  orgctl local provision --json events/samples/many-orgs.jsonl";

const SERVE_EXAMPLES: &str =
    "Exit codes: 0 stopped by Ctrl-C, 1 the port is taken, or a function or the snapshot failed, 2 usage.

Examples:
  orgctl local serve
  orgctl local serve --port 4566 --snapshot state.json
  orgctl local serve --functions target/debug";

/// How to serve locally.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    pub port: u16,

    /// The address to listen on. The local AWS believes everybody who can reach it.
    #[arg(long, default_value_t = IpAddr::from([127, 0, 0, 1]), value_name = "ADDRESS")]
    pub host: IpAddr,

    /// Keep the state in this file, and begin with what is in it. It holds secrets: only you may read it.
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// Run the functions as separate processes: the built binaries in this folder, as Lambda runs them.
    #[arg(long, value_name = "DIR")]
    pub functions: Option<PathBuf>,
}

/// How to provision locally.
#[derive(Debug, Args)]
pub struct ProvisionArguments {
    /// Files with events: EventBridge events or plain OrgCreated details, one or many a file (JSON, a JSON
    /// array, JSON lines, or the CSV that `orgctl submit` takes). `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Send the events this many times, each time to the same state.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "N")]
    pub repeat: u32,

    /// Print one JSON document, and nothing else, on standard output.
    #[arg(long)]
    pub json: bool,

    /// The region to provision in.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,

    /// What the local account may hold.
    #[arg(long, value_enum, default_value_t = Class::Production)]
    pub account_class: Class,
}
