//! Exit codes that scripts can rely on: 0 done or in order, 1 failed, 2 usage, 3 differences found.

use std::process::ExitCode;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command or a file given to it is wrong. clap exits with the same code.
pub const USAGE: u8 = 2;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// What was given to the command cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The command itself failed.
    #[error("{0}")]
    Failed(String),
}

impl Problem {
    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(USAGE),
            Self::Failed(_) => ExitCode::from(FAILED),
        }
    }
}
