//! `orgctl replay file` against a served AWS.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use common::{Serve, eventually, json_lines, listen, on_a_runtime, provision, receive, stderr, stdout};
use serde_json::{Value, json};

fn request(org: &str) -> Value {
    json!({ "orgId": org, "environment": "production" })
}

/// A failure event as a log of the bus keeps it.
fn failure(org: &str, code: &str, time: &str) -> Value {
    let detail = json!({ "schemaVersion": 1, "eventId": "e", "requestId": "r", "orgId": org, "step": "bucket",
        "error": { "class": "conflict", "code": code, "resource": "r", "message": "m" }, "durationMs": 1,
        "request": request(org) });
    json!({ "source": "org-provisioner", "detail-type": "OrgProvisioningFailed", "time": time, "detail": detail })
}

fn file(folder: &tempfile::TempDir, events: &[Value]) -> String {
    let path = folder.path().join("events.jsonl");
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    std::fs::write(&path, lines).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The organizations of the commands on the bus, in order.
fn commands(serve: &Serve, heard: &str, count: usize) -> Vec<String> {
    let mut orgs = Vec::new();
    on_a_runtime(async {
        let admin = serve.admin();
        let heard_all = async {
            while orgs.len() < count {
                for event in receive(&admin, heard).await {
                    assert_eq!(event["source"], "org-signup");
                    orgs.push(event["detail"]["orgId"].as_str().unwrap().to_owned());
                }
            }
        };
        tokio::time::timeout(common::PATIENCE, heard_all).await.expect("as many commands as were sent");
        assert!(receive(&admin, heard).await.is_empty(), "more than expected");
    });
    orgs.sort();
    orgs
}

#[test]
fn each_request_is_sent_once_and_only_what_was_picked() {
    let serve = Serve::start(&[]);
    let heard = on_a_runtime(listen(&serve.admin(), "heard", "OrgCreated"));
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        &folder,
        &[
            failure("alpha", "not-ours", "2026-11-29T08:00:00Z"),
            failure("alpha", "not-ours", "2026-11-29T08:10:00Z"),
            failure("bravo", "throttled", "2026-11-29T09:00:00Z"),
            json!({ "source": "org-signup", "detail-type": "OrgCreated", "time": "2026-11-29T07:00:00Z", "detail": request("charlie") }),
        ],
    );
    let replay = |more: &[&str]| serve.orgctl(&[&["replay", "file", &path, "--rate", "1000"], more].concat());
    let some = replay(&["--error-code", "not-ours", "--yes"]);
    assert_eq!(some.status.code(), Some(0), "{}", stderr(&some));
    assert!(stdout(&some).contains("1 of 1 sent, 1 repeated in the file"), "{}", stdout(&some));
    assert_eq!(commands(&serve, &heard, 1), ["alpha"]);
    let late = replay(&["--since", "2026-11-29T08:30:00Z", "--yes", "--json"]);
    assert_eq!(json_lines(&late).pop().unwrap()["summary"]["sent"], 1);
    assert_eq!(commands(&serve, &heard, 1), ["bravo"]);
    let one = replay(&["--org", "charlie", "--yes"]);
    assert!(stdout(&one).contains("1 of 1 sent"), "{}", stdout(&one));
    assert_eq!(commands(&serve, &heard, 1), ["charlie"]);
    let all = replay(&["--yes"]);
    assert!(stdout(&all).contains("3 of 3 sent"), "{}", stdout(&all));
    assert_eq!(commands(&serve, &heard, 3), ["alpha", "bravo", "charlie"]);
    let none = replay(&["--org", "delta", "--yes"]);
    assert!(stderr(&none).contains("no event is like that; nothing was sent"), "{}", stderr(&none));
    let unasked = replay(&[]);
    assert_eq!(unasked.status.code(), Some(2), "there is no terminal to ask on");
}

#[test]
fn a_plan_says_what_would_come_of_each_and_sends_nothing() {
    let serve = Serve::start(&[]);
    on_a_runtime(provision(&serve, &["alpha"]));
    let heard = on_a_runtime(listen(&serve.admin(), "heard", "OrgCreated"));
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &[request("alpha"), request("bravo"), json!({ "orgId": "Charlie" })]);
    let plan = serve.orgctl(&["replay", "file", &path, "--plan", "--json"]);
    assert_eq!(plan.status.code(), Some(3), "{}", stderr(&plan));
    let lines = json_lines(&plan);
    let verdict = |line: &Value| format!("{} {}", line["organization"], line["verdict"]).replace('"', "");
    let verdicts: Vec<String> = lines.iter().filter(|line| line["verdict"].is_string()).map(verdict).collect();
    assert_eq!(verdicts, ["alpha nothing", "bravo create"]);
    assert!(stderr(&plan).contains("line 3") && stderr(&plan).contains("orgId"), "{}", stderr(&plan));
    on_a_runtime(async { assert!(receive(&serve.admin(), &heard).await.is_empty()) });

    let sent = serve.orgctl(&["replay", "file", &path, "--yes", "--rate", "1000"]);
    assert_eq!(sent.status.code(), Some(1), "not everything could be sent");
    assert!(stdout(&sent).contains("2 of 2 sent"), "{}", stdout(&sent));
    on_a_runtime(async {
        let key = async || common::stored_key(&serve.admin(), "bravo").await;
        eventually("the organization's key", key).await;
    });
}

#[test]
fn what_differs_is_not_taken_for_the_same_and_what_would_be_refused_is_not_sent() {
    let serve = Serve::start(&[]);
    let heard = on_a_runtime(listen(&serve.admin(), "heard", "OrgCreated"));
    let folder = tempfile::tempdir().unwrap();
    let mut events = [request("alpha"), request("bravo"), request("bravo")];
    for event in &mut events {
        event["correlationId"] = "the-same".into();
    }
    let elsewhere = json!({ "orgId": "charlie", "environment": "qa" });
    let path = file(&folder, &[&events[..], &[elsewhere]].concat());
    let sent = serve.orgctl(&["replay", "file", &path, "--yes", "--rate", "1000"]);
    assert_eq!(sent.status.code(), Some(1), "{}", stderr(&sent));
    assert!(stderr(&sent).contains("line 4") && stderr(&sent).contains("qa"), "{}", stderr(&sent));
    assert_eq!(commands(&serve, &heard, 2), ["alpha", "bravo"]);
}
