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
        while orgs.len() < count {
            for event in receive(&admin, heard).await {
                assert_eq!(event["source"], "org-signup");
                orgs.push(event["detail"]["orgId"].as_str().unwrap().to_owned());
            }
        }
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
    assert_eq!(stdout(&some), "1 of 1 requests sent again\n");
    assert_eq!(commands(&serve, &heard, 1), ["alpha"]);
    let late = replay(&["--since", "2026-11-29T08:30:00Z", "--yes", "--json"]);
    assert_eq!(json_lines(&late)[0]["sent"], 1);
    assert_eq!(commands(&serve, &heard, 1), ["bravo"]);
    let one = replay(&["--org", "charlie", "--yes"]);
    assert_eq!(stdout(&one), "1 of 1 requests sent again\n");
    assert_eq!(commands(&serve, &heard, 1), ["charlie"]);
    let all = replay(&["--yes"]);
    assert_eq!(stdout(&all), "3 of 3 requests sent again\n");
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
    let document = json_lines(&plan).pop().unwrap();
    let mut verdicts: Vec<String> = document["forecasts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|forecast| format!("{} {}", forecast["organization"], forecast["verdict"]).replace('"', ""))
        .collect();
    verdicts.sort();
    assert_eq!(verdicts, ["alpha nothing", "bravo create"]);
    assert_eq!(document["unreadable"], 1);
    assert!(stderr(&plan).contains("line 3") && stderr(&plan).contains("orgId"), "{}", stderr(&plan));
    on_a_runtime(async { assert!(receive(&serve.admin(), &heard).await.is_empty()) });

    let sent = serve.orgctl(&["replay", "file", &path, "--yes", "--rate", "1000"]);
    assert_eq!(sent.status.code(), Some(1), "not everything could be sent");
    assert_eq!(stdout(&sent), "2 of 2 requests sent again, 1 unreadable and left out\n");
    on_a_runtime(async {
        let key = async || common::stored_key(&serve.admin(), "bravo").await;
        eventually("the organization's key", key).await;
    });
}
