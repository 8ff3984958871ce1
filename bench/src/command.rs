//! The built `orgctl`, run against a stage.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::proc;
use crate::stage::{PATIENCE, Stage};

/// How often a process is asked for its memory. The system keeps the peak, so only what comes after the last question
/// is missed.
const MEMORY_INTERVAL: Duration = Duration::from_millis(5);

/// How a run ended.
pub struct Ran {
    /// The exit code.
    pub code: Option<i32>,
    /// The most memory that it had in use, in KiB; nothing where the system does not tell.
    pub peak_kib: Option<f64>,
}

/// Runs `orgctl` with these arguments as the administrator of the stage's account. What it prints goes nowhere.
///
/// # Errors
/// When it cannot be started, or takes too long.
pub async fn run(orgctl: &Path, stage: &Stage, arguments: &[&str]) -> Result<Ran, String> {
    let mut command = Command::new(orgctl);
    command.args(arguments).env_clear().envs([
        ("AWS_ENDPOINT_URL", stage.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", stage.system.place.account.as_str()),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", stage.system.place.region.as_str()),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("ACCOUNT_CLASS", "production"),
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut process = command.spawn().map_err(|error| format!("{}: {error}", orgctl.display()))?;
    let id = process.id().unwrap_or_default();
    let mut peak_kib = None;
    let waiting = async {
        let mut ticks = tokio::time::interval(MEMORY_INTERVAL);
        loop {
            tokio::select! {
                ended = process.wait() => return ended.map_err(|error| error.to_string()),
                _ = ticks.tick() => peak_kib = proc::peak_kib(id).or(peak_kib),
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, waiting).await;
    let status = status.map_err(|_| format!("orgctl {arguments:?} did not come to an end"))??;
    Ok(Ran { code: status.code(), peak_kib })
}
