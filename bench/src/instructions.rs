//! How many instructions initialization and a warm invocation take: figures that do not depend on what else the machine
//! does, so that a change can be held against those kept in `bench/instructions.json`.
//!
//! They are kept for two profiles. What ships is built for release. CI counts what it has anyway, the functions of the
//! dev profile: a client, a parse or a copy more shows in both.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::account::{Account, in_account};
use crate::builds;
use crate::invocations::invoke;
use crate::process::{Launch, Process};
use crate::tls::Endpoint;

/// Where the counts are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json");
/// The functions whose instructions are counted.
const COUNTED: [&str; 2] = ["iam-user", "secret"];
/// By which part a count may differ from the one kept.
const TOLERANCE: f64 = 0.02;
/// Every count is the least of so many: what varies (hash seeds, how a reply is cut into reads) only adds.
const RUNS: usize = 3;
/// Invocations before those that are counted.
const BEFORE: u32 = 2;
/// Invocations that are counted.
const WARM: u32 = 8;
/// Under valgrind a process that still has something to do may stand still for a while.
const STILL: Duration = Duration::from_millis(100);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What ships, each function built by itself.
    Release,
    /// What `cargo build --bins` put beside this program.
    Dev,
}

/// The counts of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// From the process's start until it waits for its first invocation.
    init: u64,
    /// A warm invocation, on average.
    warm_invocation: u64,
}

/// What was counted: the compiler, since another one makes other code, and the counts by function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    rustc: String,
    functions: BTreeMap<String, Counts>,
}

/// What is kept.
type Kept = BTreeMap<Profile, Counted>;

/// Counts.
///
/// # Errors
/// When valgrind is missing, or a function cannot be built or fails.
pub fn count(profile: Profile) -> Result<Counted, String> {
    in_account(async |account| run_under_callgrind(account, profile).await)
}

async fn run_under_callgrind(account: &Account, profile: Profile) -> Result<Counted, String> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Err("not measured: valgrind is not installed".to_owned());
    }
    let endpoint = Endpoint::start_without_tls(account.aws().clone()).await?;
    let mut functions = BTreeMap::new();
    for name in COUNTED {
        let path = match profile {
            Profile::Release => builds::bootstrap(name)?,
            Profile::Dev => builds::beside(name)?,
        };
        let (mut init, mut few, mut many) = (u64::MAX, u64::MAX, u64::MAX);
        for _ in 0..RUNS {
            let launch = account.launch(&path, name, Some(&endpoint));
            // Nobody listens: how many connections a race opens would be more than the tolerance.
            let unconnected = account.launch(&path, name, None);
            init = init.min(instructions(&unconnected, name, account, 0).await?);
            few = few.min(instructions(&launch, name, account, BEFORE).await?);
            many = many.min(instructions(&launch, name, account, BEFORE + WARM).await?);
        }
        let counts = Counts { init, warm_invocation: many.saturating_sub(few) / u64::from(WARM) };
        eprintln!("{name}: {counts:?}");
        functions.insert(name.to_owned(), counts);
    }
    Ok(Counted { rustc: rustc()?, functions })
}

/// Runs a function under callgrind, with so many invocations, and returns how many instructions that took.
async fn instructions(launch: &Launch, step: &str, account: &Account, invocations: u32) -> Result<u64, String> {
    let output = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(output.path());
    let mut launch = launch.clone();
    let program = std::mem::replace(&mut launch.program, PathBuf::from("valgrind"));
    launch.arguments = vec!["--tool=callgrind".into(), file, program.into()];
    let mut process = Process::start(&launch).await?;
    for _ in 0..invocations {
        invoke(&mut process, step, account).await?;
    }
    process.cpu_still_for(STILL).await?;
    process.end().await?;
    let told = std::fs::read_to_string(output.path()).map_err(|error| error.to_string())?;
    total(&told).ok_or_else(|| "callgrind told no total".to_owned())
}

/// The sum that callgrind writes at the end of its file.
fn total(told: &str) -> Option<u64> {
    told.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

fn rustc() -> Result<String, String> {
    let output = Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Keeps the counts of one profile in the file, beside those of the other.
///
/// # Errors
/// When it cannot be read or written.
pub fn keep(profile: Profile, counted: Counted) -> Result<(), String> {
    let mut kept = kept()?;
    kept.insert(profile, counted);
    let text = serde_json::to_string_pretty(&kept).map_err(|error| error.to_string())?;
    std::fs::write(KEPT, text + "\n").map_err(|error| format!("{KEPT}: {error}"))
}

fn kept() -> Result<Kept, String> {
    let text = std::fs::read_to_string(KEPT).map_err(|error| format!("{KEPT}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{KEPT}: {error}"))
}

/// Holds the counts against those kept in a file.
///
/// # Errors
/// Every count that differs by more than the tolerance, in either direction: one that became smaller is to be kept.
pub fn check(profile: Profile, counted: &Counted) -> Result<(), String> {
    let kept = kept()?;
    let kept = kept.get(&profile).ok_or_else(|| format!("{KEPT} has no counts of this profile"))?;
    let differences = differences(counted, kept);
    if differences.is_empty() {
        return Ok(());
    }
    let advice = "if that is meant, count again without --check and commit bench/instructions.json";
    Err(format!("{}\n{advice}", differences.join("\n")))
}

fn differences(counted: &Counted, kept: &Counted) -> Vec<String> {
    let mut found = Vec::new();
    for (name, new) in &counted.functions {
        let Some(old) = kept.functions.get(name) else {
            found.push(format!("{name}: no counts are kept"));
            continue;
        };
        for (what, new, old) in
            [("init", new.init, old.init), ("a warm invocation", new.warm_invocation, old.warm_invocation)]
        {
            let change = part(new, old);
            if change.abs() > TOLERANCE {
                found.push(format!(
                    "{name}: {what} takes {new} instructions, kept are {old} ({:+.1} %)",
                    change * 100.0
                ));
            }
        }
    }
    if !found.is_empty() && counted.rustc != kept.rustc {
        found.push(format!("the compiler is {}, the counts kept are of {}", counted.rustc, kept.rustc));
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn part(new: u64, old: u64) -> f64 {
    (new as f64 - old as f64) / old as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(rustc: &str, init: u64, warm_invocation: u64) -> Counted {
        Counted { rustc: rustc.to_owned(), functions: [("secret".to_owned(), Counts { init, warm_invocation })].into() }
    }

    #[test]
    fn a_difference_beyond_the_tolerance_is_told_in_either_direction() {
        let old = kept("1", 1000, 1000);
        assert!(differences(&kept("1", 1020, 980), &old).is_empty());
        assert_eq!(
            differences(&kept("1", 1021, 979), &old),
            [
                "secret: init takes 1021 instructions, kept are 1000 (+2.1 %)",
                "secret: a warm invocation takes 979 instructions, kept are 1000 (-2.1 %)"
            ]
        );
    }

    #[test]
    fn another_compiler_is_told_only_where_something_differs() {
        let old = kept("1", 1000, 1000);
        assert!(differences(&kept("2", 1000, 1000), &old).is_empty());
        let told = differences(&kept("2", 2000, 1000), &old);
        assert!(told.iter().any(|line| line.contains("the compiler is 2")), "{told:?}");
    }

    #[test]
    fn a_function_without_counts_is_told() {
        let nothing = Counted { rustc: "1".to_owned(), functions: BTreeMap::new() };
        assert_eq!(differences(&kept("1", 1, 1), &nothing), ["secret: no counts are kept"]);
    }

    #[test]
    fn counts_of_both_profiles_are_kept() {
        let kept = super::kept().unwrap();
        assert_eq!(kept.keys().copied().collect::<Vec<_>>(), [Profile::Release, Profile::Dev]);
        assert!(kept.values().all(|counted| COUNTED.iter().all(|name| counted.functions.contains_key(*name))));
    }

    #[test]
    fn the_total_is_read_from_callgrinds_file() {
        assert_eq!(total("events: Ir\nfn=(1) main\n5 12\n\ntotals: 4215\n"), Some(4215));
        assert_eq!(total("events: Ir\n"), None);
    }
}
