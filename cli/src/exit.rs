//! Exit codes that scripts can rely on: 0 done or in order, 1 failed, 2 usage, 3 differences found.

use std::error::Error;
use std::process::ExitCode;

use aws::AwsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::terminal::plain;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command or a file given to it is wrong. clap exits with the same code.
pub const USAGE: u8 = 2;
/// What is there is not what should be there.
pub const DIFFERENCES: u8 = 3;

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

impl From<local_system::Problem> for Problem {
    fn from(problem: local_system::Problem) -> Self {
        match problem {
            local_system::Problem::Binaries(_) => Self::Usage(problem.to_string()),
            local_system::Problem::Failed(_) => Self::Failed(problem.to_string()),
        }
    }
}

/// Output that was written, or could not be.
///
/// # Errors
/// Why not: whoever reads has gone away, or the disk is full.
pub fn written(result: std::io::Result<()>) -> Result<(), Problem> {
    result.map_err(|error| Problem::Failed(format!("cannot write the output: {error}")))
}

impl Problem {
    /// A call to AWS that failed: which one, about what, and what AWS said. Never the raw reply, which may hold a
    /// secret.
    pub fn call<E>(operation: &'static str, about: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let said = AwsError::of(operation, error).reason();
        Self::Failed(format!("{}: {operation} failed: {}", plain(about), plain(&said)))
    }

    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(USAGE),
            Self::Failed(_) => ExitCode::from(FAILED),
        }
    }
}
