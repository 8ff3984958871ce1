//! `orgctl completions`, `orgctl man`, and what the help says.
#![expect(clippy::unwrap_used, reason = "a failed assumption is a failed test, in helpers too")]

use std::process::{Command, Output, Stdio};

fn orgctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orgctl")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = orgctl(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        for word in ["orgctl", "submit", "serve", "correlation-id"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(orgctl(&["completions", "cmd"]).status.code(), Some(2));
}

/// Sourced, as a person's shell does it, and asked what follows.
#[test]
fn bash_completes_commands() {
    let script = format!(
        "{}\nCOMP_WORDS=(orgctl sub) COMP_CWORD=1\n_orgctl orgctl sub orgctl\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        printed(&["completions", "bash"])
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "submit\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_has_a_manual_page() {
    let first = printed(&["man"]);
    assert!(first.contains(".TH orgctl 1") && first.contains("Exit codes"), "{first}");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("share/man1");
    assert!(printed(&["man", folder.to_str().unwrap()]).contains(" pages in "));
    for name in ["orgctl", "orgctl-submit", "orgctl-plan", "orgctl-local", "orgctl-local-serve", "orgctl-man"] {
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{name}");
    }
    let submit = std::fs::read_to_string(folder.join("orgctl-submit.1")).unwrap();
    for word in ["orgctl submit", "correlation", "Exit codes", "Examples", "AWS_PROFILE"] {
        assert!(submit.contains(word), "{word}");
    }
    assert!(submit.contains(".SH NOTES") && !submit.contains("EXTRA"), "{submit}");
    let pages = std::fs::read_dir(&folder).unwrap();
    assert!(
        pages.count() >= 7 && !folder.join("orgctl-help.1").exists() && !folder.join("orgctl-local-help.1").exists()
    );
    let taken = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(orgctl(&["man", taken.path().to_str().unwrap()]).status.code(), Some(1));
}

/// A reader that goes away is an error, not a panic.
#[test]
fn a_closed_pipe_is_no_panic() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgctl"));
    let mut process =
        command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert_ne!(output.status.code(), Some(101), "{}", String::from_utf8_lossy(&output.stderr));
}
