//! Compiles deliberate bugs in, one at a time, and expects each to be caught: `mutants.toml` lists them. A copy of the
//! tree is changed, never the tree itself.
//!
//! CI tries every third, beginning at another one for each state of the tree; whether the others still fit the code is
//! looked at each time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Deserialize;

/// Storms, as many as in CI.
const SEEDS: &str = "300";

/// Compiles deliberate bugs in, one at a time; each has to be caught.
#[derive(Parser)]
struct Options {
    /// Only those with this in their names
    name: Option<String>,
    /// Every N-th only, beginning with number K, from 0
    #[arg(long, value_name = "K/N", default_value = "0/1")]
    part: Part,
}

#[derive(Clone, Copy)]
struct Part {
    first: usize,
    of: usize,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(first, of)| Some((first.parse().ok()?, of.parse().ok()?)));
        let (first, of) = parsed.filter(|(first, of)| first < of).ok_or("a part is K/N, with K less than N")?;
        Ok(Self { first, of })
    }
}

#[derive(Deserialize)]
struct Mutants {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
struct Mutant {
    name: String,
    #[serde(flatten)]
    catcher: Catcher,
    edits: Vec<Edit>,
}

/// What has to catch a mutant.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Catcher {
    /// Explorations of the proof, by a part of their names.
    Explore(String),
    /// A file of tests/tests, and a test in it.
    Test(String, String),
}

#[derive(Deserialize)]
struct Edit {
    file: PathBuf,
    from: String,
    to: String,
}

impl Edit {
    /// The file with the edit made.
    fn of(&self, root: &Path) -> Result<String, String> {
        let path = root.join(&self.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        match text.matches(&self.from).count() {
            1 => Ok(text.replace(&self.from, &self.to)),
            found => Err(format!("{}: {:?} is there {found} times, not once", self.file.display(), self.from)),
        }
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(survivors) => {
            println!("{survivors} survived");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("mutants: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chosen mutants; answers how many survived.
fn run(options: &Options) -> Result<usize, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().map_err(|error| error.to_string())?;
    let listed = include_str!("../../mutants.toml");
    let mutants: Mutants = toml::from_str(listed).map_err(|error| format!("mutants.toml: {error}"))?;
    for edit in mutants.mutant.iter().flat_map(|mutant| &mutant.edits) {
        edit.of(&root)?;
    }
    let copy = Copy::of(&root)?;
    let Options { name, part } = options;
    let named = mutants.mutant.iter().filter(|mutant| name.as_ref().is_none_or(|name| mutant.name.contains(name)));
    let chosen = named.skip(part.first).step_by(part.of);
    let (mut survivors, mut running) = (0, None::<Trial>);
    for mutant in chosen {
        // One is built while the one before runs: building has only one core to do for most of the time.
        let trial = copy.start(mutant)?;
        if let Some(before) = running.replace(trial) {
            survivors += usize::from(!before.caught()?);
        }
    }
    if let Some(last) = running {
        survivors += usize::from(!last.caught()?);
    }
    Ok(survivors)
}

/// A mutant that is being tried out.
struct Trial<'m> {
    mutant: &'m Mutant,
    process: Child,
    built: Duration,
}

impl Trial<'_> {
    /// Whether what the mutant names notices it.
    fn caught(self) -> Result<bool, String> {
        let name = &self.mutant.name;
        let output = self.process.wait_with_output().map_err(|error| format!("{name}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let found = match self.mutant.catcher {
            // It ends with 1 where a promise was broken, and with 2 where there was nothing to explore.
            Catcher::Explore(_) => [0, 1].map(|code| output.status.code() == Some(code)),
            Catcher::Test(..) => [said.contains("1 passed; 0 failed"), said.contains("0 passed; 1 failed")],
        };
        let caught = match found {
            [true, false] => false,
            [false, true] => true,
            _ => return Err(format!("{name}: nothing was tried out:\n{said}")),
        };
        println!("{} {name} (built in {} s)", if caught { "caught  " } else { "SURVIVED" }, self.built.as_secs());
        Ok(caught)
    }
}

/// A copy of the tree, and where cargo builds it.
struct Copy {
    root: PathBuf,
    original: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of(original: &Path) -> Result<Self, String> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| original.join("target"), PathBuf::from);
        let target = std::path::absolute(target).map_err(|error| error.to_string())?;
        let root = target.join("mutants/tree");
        let listed = succeed(Command::new("git").arg("-C").arg(original).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let files = String::from_utf8_lossy(&listed.stdout).into_owned();
        // Not the same folder: cargo takes what was built of the copy for the original's.
        let own_target = target.join("mutants/target");
        let first = !own_target.exists();
        for file in files.split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (original.join(file), root.join(file));
            copy(&from, &to)?;
            if first {
                keep_time(&from, &to)?;
            }
        }
        if first {
            // What was built of the tree need not be built of the copy once more.
            for part in ["deps", "build", ".fingerprint"] {
                copy_libraries(&target.join("debug").join(part), &own_target.join("debug").join(part))?;
            }
        }
        Ok(Self { root, original: original.to_owned(), target: own_target })
    }

    /// Builds the mutant, which compiles, and begins to try it out. The tree is as it was then.
    fn start<'m>(&self, mutant: &'m Mutant) -> Result<Trial<'m>, String> {
        #[expect(clippy::disallowed_methods, reason = "how long it took is told to people, and decides nothing")]
        let begun = Instant::now();
        for edit in &mutant.edits {
            let path = self.root.join(&edit.file);
            fs::write(&path, edit.of(&self.root)?).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let built = self.build(&mutant.catcher);
        for edit in &mutant.edits {
            copy(&self.original.join(&edit.file), &self.root.join(&edit.file))?;
        }
        let mut trial = built?;
        trial.current_dir(self.root.join("tests")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = trial.spawn().map_err(|error| format!("{trial:?}: {error}"))?;
        Ok(Trial { mutant, process, built: begun.elapsed() })
    }

    /// Builds what has to catch a mutant, and answers how it is run. No package is chosen: other features of the
    /// dependencies would count then, and all of them be built again.
    fn build(&self, catcher: &Catcher) -> Result<Command, String> {
        match catcher {
            Catcher::Explore(only) => {
                succeed(self.cargo().args(["build", "--bin", "proof"]))?;
                let mut proof = Command::new(self.target.join("debug/proof"));
                proof.args(["--seeds", SEEDS, "--only", only]);
                Ok(proof)
            }
            Catcher::Test(file, name) => {
                let built = succeed(self.cargo().args(["test", "--no-run", "--test", file]))?;
                // `Executable tests/recovery.rs (/path/of/the/executable)`; two packages may have a file of that name.
                let said = String::from_utf8_lossy(&built.stderr).into_owned();
                let lines = said.lines().filter(|line| line.trim_start().starts_with("Executable"));
                let mut executables = lines.filter_map(|line| line.split(['(', ')']).nth(1));
                let executable = executables.find(|executable| self.has_test(executable, name));
                let executable = executable.ok_or_else(|| format!("{file}: nothing has the test {name}:\n{said}"))?;
                let mut test = Command::new(executable);
                test.args(["--exact", name]);
                Ok(test)
            }
        }
    }

    fn has_test(&self, executable: &str, name: &str) -> bool {
        let listed = Command::new(executable).current_dir(&self.root).args(["--list", "--exact", name]).output();
        listed.is_ok_and(|listed| String::from_utf8_lossy(&listed.stdout).contains(&format!("{name}: test")))
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        // What cargo told this process of its own package would have build scripts run anew.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            cargo.env_remove(name);
        }
        cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target).env("CARGO_TERM_COLOR", "never");
        cargo
    }
}

fn succeed(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(format!("{command:?}:\n{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Copies a file, unless it is the same: cargo builds what was written anew.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let content = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    fs::write(to, content).map_err(|error| format!("{}: {error}", to.display()))
}

/// Copies a folder of cargo's, without the executables in it, which are most of it and are linked anew anyway.
fn copy_libraries(from: &Path, to: &Path) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(at)?;
    for entry in fs::read_dir(from).map_err(at)? {
        let entry = entry.map_err(at)?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_libraries(&path, &target)?;
        } else if !from.ends_with("deps") || path.extension().is_some() {
            fs::copy(&path, &target).map_err(at)?;
            keep_time(&path, &target)?;
        }
    }
    Ok(())
}

/// Makes a copy as old as the original: cargo compares times.
fn keep_time(from: &Path, to: &Path) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", from.display());
    let modified = fs::metadata(from).and_then(|metadata| metadata.modified()).map_err(at)?;
    fs::File::options().write(true).open(to).and_then(|file| file.set_modified(modified)).map_err(at)
}
