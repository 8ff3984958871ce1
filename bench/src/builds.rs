//! Building what is measured as it is shipped: by cargo, with the release profile, each program by itself, so that
//! nothing else in the workspace turns on features of what it links.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use local_system::registry::{self, STEPS};
use serde_json::Value;

/// The floor: an empty function.
pub const HELLO: &str = "hello";

/// The names of the steps of a sign-up, whose functions are measured one by one.
pub fn names() -> [&'static str; STEPS.len()] {
    STEPS.map(|step| step.spec.name)
}

/// The names of all functions.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    registry::functions().map(|function| function.spec.name)
}

/// Builds every function, and answers the folder with the binaries, which are named after their functions.
///
/// # Errors
/// When cargo fails.
pub fn functions() -> Result<PathBuf, String> {
    for name in all_names() {
        bootstrap(name)?;
    }
    folder()
}

/// Builds `orgctl`, and answers where it is.
///
/// # Errors
/// When cargo fails.
pub fn orgctl() -> Result<PathBuf, String> {
    bootstrap("orgctl")
}

/// Builds a function, and answers where it is.
///
/// # Errors
/// When cargo fails.
pub fn bootstrap(package: &str) -> Result<PathBuf, String> {
    build(package, &[], package)
}

/// The same with a feature.
///
/// # Errors
/// When cargo fails.
pub fn bootstrap_with(package: &str, feature: &str) -> Result<PathBuf, String> {
    build(package, &["--features", feature], &format!("{package}-{feature}"))
}

/// The function that `cargo build --bins` put beside this program.
///
/// # Errors
/// When it is not there.
pub fn beside(name: &str) -> Result<PathBuf, String> {
    let path = program()?.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} is not there; run cargo build --bins", path.display())) }
}

/// Copies what was built, under a name: the next build with other features replaces it.
fn build(package: &str, options: &[&str], name: &str) -> Result<PathBuf, String> {
    let output = Command::new("cargo")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .args(["build", "--quiet", "--release", "--message-format", "json-render-diagnostics", "--package", package])
        .args(options)
        .arg("--target-dir")
        .arg(target()?)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo could not build {package}"));
    }
    let built = executable(&output.stdout).ok_or_else(|| format!("{package} has no executable"))?;
    let path = folder()?.join(name);
    // Beside and then over it: one that runs cannot be written to.
    let new = path.with_extension("new");
    let copied = std::fs::copy(&built, &new).and_then(|_| std::fs::rename(&new, &path));
    copied.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The target folder that this program is in.
fn target() -> Result<PathBuf, String> {
    let program = program()?;
    let target = program.parent().and_then(Path::parent).ok_or("this program is in no target folder")?;
    Ok(target.to_owned())
}

fn program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| error.to_string())
}

fn folder() -> Result<PathBuf, String> {
    let folder = target()?.join("bench");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// The executable that cargo's messages tell of.
fn executable(messages: &[u8]) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    messages.rev().find_map(|message| message["executable"].as_str().map(PathBuf::from))
}
