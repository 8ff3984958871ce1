//! The command lines of `orgctl completions` and `orgctl man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Where to put the pages.
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArguments {
    /// A folder, which is made if it is not there, for a page of each command. Without it the first page is printed.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

const COMPLETIONS_EXAMPLES: &str = "Exit codes: 0 done, 1 the output cannot be written, 2 usage.

Examples:
  orgctl completions bash > ~/.local/share/bash-completion/completions/orgctl
  orgctl completions zsh > ~/.zfunc/_orgctl
  orgctl completions fish > ~/.config/fish/completions/orgctl.fish
  source <(orgctl completions bash)";

const MAN_EXAMPLES: &str = "Exit codes: 0 done, 1 a page cannot be written, 2 usage.

Examples:
  orgctl man ~/.local/share/man/man1 && man orgctl-submit
  orgctl man | man -l -";
