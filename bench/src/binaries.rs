//! The bootstraps that are measured, built as they are deployed: by cargo, with the release profile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The functions, in the order in which an organization meets them.
pub const FUNCTIONS: [&str; 5] = ["iam-user", "bucket", "bucket-policy", "secret", "verify"];
/// The floor: an empty function.
pub const HELLO: &str = "hello";

/// Built bootstraps, in a folder of their own: a later build with other features does not replace them.
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds into `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Builds a package's bootstrap by itself, so that nothing else in the workspace turns features on, and returns
    /// its path.
    ///
    /// # Errors
    /// When it does not build; cargo has then said why.
    pub fn build(&self, package: &str) -> Result<PathBuf, String> {
        self.build_with(package, &[], package)
    }

    /// The same with features, under another name.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build_with(&self, package: &str, features: &[&str], name: &str) -> Result<PathBuf, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let output = Command::new(cargo)
            .args(["build", "--release", "--message-format", "json-render-diagnostics", "--package", package])
            .args(features.iter().flat_map(|feature| ["--features", feature]))
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        if !output.status.success() {
            return Err(format!("{package} does not build"));
        }
        let built = executable(&output.stdout).ok_or_else(|| format!("{package} has no executable"))?;
        let path = self.folder.join(name);
        std::fs::copy(&built, &path).map_err(|error| format!("{}: {error}", built.display()))?;
        Ok(path)
    }
}

/// The executable that cargo's messages tell of.
fn executable(messages: &[u8]) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).last()
}
