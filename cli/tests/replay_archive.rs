//! `orgctl replay archive` against a served AWS.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use common::{Serve, eventually, json_lines, listen, on_a_runtime, provision, receive, stderr, stdout};

#[test]
fn what_was_on_the_bus_is_replayed_to_the_steps_and_to_nobody_else() {
    let serve = Serve::start(&[]);
    let admin = serve.admin();
    let (commands, completions) = on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        (listen(&admin, "commands", "OrgCreated").await, listen(&admin, "completions", "IamUserProvisioned").await)
    });
    let unasked = serve.orgctl(&["replay", "archive", "--since", "1h"]);
    assert_eq!(unasked.status.code(), Some(2), "there is no terminal to ask on: {}", stderr(&unasked));
    let replay = serve
        .orgctl(&["replay", "archive", "--since", "1h", "--step", "iam-user", "--yes", "--name", "again", "--json"]);
    assert_eq!(replay.status.code(), Some(0), "{}", stderr(&replay));
    let document = json_lines(&replay).pop().unwrap();
    assert_eq!((&document["replay"], &document["state"]), (&"again".into(), &"COMPLETED".into()));
    on_a_runtime(async {
        // The step ran again, and what it says is a new event, which everybody hears.
        let heard = async || receive(&admin, &completions).await.pop();
        let event = eventually("the step's completion", heard).await;
        assert_eq!((&event["detail"]["orgId"], &event["detail"]["outcome"]), (&"acme".into(), &"unchanged".into()));
        assert!(receive(&admin, &commands).await.is_empty(), "rules that were not named do not hear a replay");
    });
    let same = serve.orgctl(&["replay", "archive", "--since", "1h", "--step", "iam-user", "--name", "again"]);
    assert_eq!(same.status.code(), Some(0), "the same replay is only followed, so nobody is asked: {}", stderr(&same));
    assert_eq!(stdout(&same), "replay again: COMPLETED\n");
    on_a_runtime(async { assert!(receive(&admin, &completions).await.is_empty(), "and nothing is replayed twice") });
}

/// More events than a replay works off before it is stopped, of a kind that no step hears.
async fn noise(serve: &Serve) {
    let events = aws_sdk_eventbridge::Client::new(&serve.admin());
    let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder();
    let entry = entry.event_bus_name("org-provisioning").source("noise").detail_type("Noise").detail("{}").build();
    for _ in 0..300 {
        let answer = events.put_events().set_entries(Some(vec![entry.clone(); 10])).send().await.unwrap();
        assert_eq!(answer.failed_entry_count, 0);
    }
}

#[test]
fn a_replay_can_be_left_and_stopped() {
    let serve = Serve::start(&[]);
    on_a_runtime(noise(&serve));
    let replay =
        |more: &[&str]| serve.orgctl(&[&["replay", "archive", "--since", "1h", "--name", "long"], more].concat());
    let left = replay(&["--yes", "--timeout", "0s"]);
    assert_eq!(left.status.code(), Some(1));
    assert!(stderr(&left).contains("replay long is not at its end and goes on"), "{}", stderr(&left));
    let stopped = serve.orgctl(&["replay", "archive", "--cancel", "long"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", stderr(&stopped));
    let end = replay(&[]);
    assert_eq!(end.status.code(), Some(1));
    assert_eq!(stdout(&end), "replay long: CANCELLED\n", "{}", stderr(&end));
    let other = replay(&["--step", "secret"]);
    assert_eq!(other.status.code(), Some(2), "another replay of the same name is not taken for this one");
    assert!(stderr(&other).contains("give another --name"), "{}", stderr(&other));
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let serve = Serve::start(&[]);
    let refused = |arguments: &[&str], code: i32, expected: &str| {
        let output = serve.orgctl(&[&["replay", "archive"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    };
    refused(&[], 2, "--since");
    refused(&["--since", "yesterday"], 2, "must be a time like");
    refused(&["--since", "1h", "--until", "2h"], 2, "--since must be before --until");
    refused(&["--since", "1h", "--archive", "nowhere", "--yes"], 1, "archive nowhere");
    refused(&["--since", "1h", "--step", "nothing", "--yes"], 2, "there is no step");
    refused(&["--cancel", "nothing"], 1, "replay nothing");
}
