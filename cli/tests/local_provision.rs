//! `orgctl local provision` as its user sees it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test, in helpers too")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn orgctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orgctl")).args(arguments).current_dir(root()).output().unwrap()
}

fn provision(arguments: &[&str]) -> Output {
    orgctl(&[&["local", "provision"], arguments].concat())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

const SAMPLE: &str = "events/samples/org-created.json";

/// The README shows this very output, to the letter. `UPDATE=1 cargo test -p orgctl` puts it there.
#[test]
fn the_readmes_first_command_prints_what_the_readme_says() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let command = format!("```console\n$ cargo run --bin orgctl -- local provision {SAMPLE}\n");
    let (before, rest) = readme.split_once(&command).expect("the README has the command in a console block");
    let (shown, after) = rest.split_once("```").unwrap();
    let output = provision(&[SAMPLE]);
    assert_eq!(output.status.code(), Some(0));
    let printed = text(&output.stdout);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join("README.md"), format!("{before}{command}{printed}```{after}")).unwrap();
    } else {
        assert_eq!(printed, shown);
    }
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let output = provision(&["--json", SAMPLE]);
    assert_eq!(output.status.code(), Some(0));
    let document = json(&output);
    assert_eq!(document["organization"]["orgId"], "xmsqa1");
    assert_eq!(document["provisioned"], true);
    assert_eq!(document["steps"].as_array().unwrap().len(), 5);
    assert_eq!(document["resources"][0]["arn"], "arn:aws:iam::111111111111:user/rms_xmsqa1");
    assert_eq!(document["runs"].as_array().unwrap().len(), 1);
    assert!(document["events"].as_array().unwrap().iter().any(|event| event["detailType"] == "OrgProvisioned"));
    assert!(text(&output.stderr).contains("created"), "the progress is on the other stream");
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let output = provision(&["--repeat", "2", SAMPLE]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("Run 2: unchanged"), "{}", text(&output.stdout));
    let document = json(&provision(&["--repeat", "2", "--json", SAMPLE]));
    let runs = document["runs"].as_array().unwrap();
    assert_eq!((&runs[0]["changed"], &runs[1]["changed"]), (&Value::Bool(true), &Value::Bool(false)));
    assert!(runs[1]["steps"].as_array().unwrap().iter().all(|step| step["outcome"] == "unchanged"));
}

#[test]
fn several_files_and_files_with_many_events_work() {
    let output = provision(&["--json", SAMPLE, "events/samples/many-orgs.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    let document = json(&output);
    let ids: Vec<&str> = document["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| document["organization"]["orgId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["acme", "globex", "initech", "xmsqa1"]);
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("array.json", r#"[{"orgId":"a","environment":"qa"},{"orgId":"b","environment":"demo"}]"#),
        ("rows.csv", "orgId,environment\na,qa\nb,demo\n"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let output = provision(&["--json", "--account-class", "non-production", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        assert_eq!(json(&output)["organizations"].as_array().unwrap().len(), 2, "{name}");
    }
}

#[test]
fn a_failure_is_told_with_its_page_and_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    for (content, code) in [
        (r#"{"orgId":"abc","environment":"qa"}"#, "wrong-account"),
        (r#"{"orgId":"Abc","environment":"production"}"#, "invalid-field"),
    ] {
        std::fs::write(&file, content).unwrap();
        let output = provision(&[file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).contains(&format!("docs/errors/{code}.md")), "{}", text(&output.stdout));
    }
    // Nobody can be told whom these concern, but nothing is called provisioned.
    for content in
        [r#"{"environment":"production"}"#, r#"{"source":"x","detail-type":"OrgCreated","detail":{"orgId":"a"}}"#]
    {
        std::fs::write(&file, content).unwrap();
        assert_eq!(provision(&[file.to_str().unwrap()]).status.code(), Some(1), "{content}");
    }
}

#[test]
fn what_cannot_be_used_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (arguments, said) in [
        (vec![file("broken.json", "{}\n{")], "line 2: not JSON"),
        (vec![file("empty.json", "")], "holds nothing"),
        (vec!["no-such-file.json".to_owned()], "No such file"),
        (vec!["events/samples/sqs-batch.json".to_owned()], "not an event"),
        (vec!["--repeat".to_owned(), "0".to_owned(), SAMPLE.to_owned()], "--repeat"),
        (vec![], "FILE"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = provision(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

/// Runs are repeatable, so the secret that a run makes is known: it must not be in what the run prints.
#[test]
fn the_secret_is_never_printed() {
    let secrets = secrets_of_the_sample();
    let printed = [provision(&[SAMPLE]), provision(&["--json", "--repeat", "2", SAMPLE])];
    let all: String = printed.iter().flat_map(|output| [text(&output.stdout), text(&output.stderr)]).collect();
    assert!(all.contains("AWS::SecretsManager::Secret"));
    for secret in &secrets {
        assert!(!all.contains(&secret[..12]), "a secret access key is printed");
    }
}

/// The secret access keys that a local run of the sample makes.
fn secrets_of_the_sample() -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let system = local_system::LocalSystem::start(&local_system::LocalOptions::default()).unwrap();
        system.aws.set_latency(std::time::Duration::from_millis(20));
        let detail = serde_json::json!({ "orgId": "xmsqa1", "environment": "production" });
        system.put_event("org-signup", "OrgCreated", &detail).unwrap();
        system.settle().await.unwrap();
        let secrets: Vec<String> = system.aws.look(|world| {
            let users = world.accounts.values().flat_map(|account| account.iam.users.values());
            users.flat_map(|user| user.access_keys.iter().map(|key| key.secret.clone())).collect()
        });
        assert_eq!(secrets.len(), 1);
        secrets
    })
}
