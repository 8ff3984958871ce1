//! Gives a process the share of a CPU that Lambda gives a small function, by a control group (version 1 or 2).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A function has a CPU for each 1,769 MB (Lambda guide, "Configure Lambda function memory"): with 128 MB, 7.2 %.
const SHARE: f64 = 128.0 / 1769.0;
/// The period in which the share is given, in microseconds: 20 ms, as has been observed on Lambda.
const PERIOD_MICROS: u32 = 20_000;

/// A control group whose processes together have [`SHARE`] of a CPU.
pub struct Throttle {
    folder: PathBuf,
}

impl Throttle {
    /// Makes the group.
    ///
    /// # Errors
    /// Why there can be none here: no control groups, or no permission.
    pub fn new() -> Result<Self, String> {
        let name = format!("org-provisioner-bench-{}", std::process::id());
        let (folder, settings) = if Path::new("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").exists() {
            let settings =
                [("cpu.cfs_period_us", PERIOD_MICROS.to_string()), ("cpu.cfs_quota_us", quota().to_string())];
            (Path::new("/sys/fs/cgroup/cpu").join(name), settings.to_vec())
        } else {
            // Groups below the root have a CPU controller only where the root passes it on.
            let _ = fs::write("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
            (Path::new("/sys/fs/cgroup").join(name), vec![("cpu.max", format!("{} {PERIOD_MICROS}", quota()))])
        };
        let why = |error: io::Error| format!("no CPU control group can be made: {error}");
        fs::create_dir(&folder).map_err(why)?;
        let throttle = Self { folder };
        for (file, value) in settings {
            fs::write(throttle.folder.join(file), value).map_err(why)?;
        }
        Ok(throttle)
    }

    /// From now on the process has no more than the share.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn hold(&self, process: u32) -> Result<(), String> {
        let path = self.folder.join("cgroup.procs");
        fs::write(&path, process.to_string()).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Microseconds of CPU in each period.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
fn quota() -> u32 {
    (f64::from(PERIOD_MICROS) * SHARE).round() as u32
}

impl Drop for Throttle {
    fn drop(&mut self) {
        // It can be removed only when its processes are gone, which is up to the measurement.
        let _ = fs::remove_dir(&self.folder);
    }
}
