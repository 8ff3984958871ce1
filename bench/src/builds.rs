//! Building what is measured as it is shipped: by cargo, with the profile that this program was built with.

use std::path::{Path, PathBuf};
use std::process::Command;

use orgctl::registry::STEPS;

/// Builds every step's function, and answers the folder with the binaries, which are named after their steps.
///
/// # Errors
/// When cargo fails.
pub fn functions() -> Result<PathBuf, String> {
    build(&STEPS.map(|step| step.spec.name))
}

/// Builds `orgctl`, and answers where it is.
///
/// # Errors
/// When cargo fails.
pub fn orgctl() -> Result<PathBuf, String> {
    // Apart from the functions: it wants features of crates that they share, which they are not to get.
    Ok(build(&["orgctl"])?.join("orgctl"))
}

fn build(binaries: &[&str]) -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.parent().ok_or("this program is in no folder")?;
    let target = folder.parent().ok_or("this program is in no target folder")?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).args(["build", "--quiet", "--target-dir"]).arg(target);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    for binary in binaries {
        cargo.args(["--package", binary]);
    }
    let status = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(folder.to_owned()) } else { Err(format!("cargo could not build {binaries:?}")) }
}
