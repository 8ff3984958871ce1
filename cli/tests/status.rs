//! `orgctl status` against a served AWS.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use aws_sdk_iam::types::{StatusType, Tag};
use common::{Serve, json_lines, on_a_runtime, provision, sign_up, stderr, stdout};
use serde_json::Value;

#[test]
fn tells_how_far_an_organization_is_and_what_it_is_stuck_at() {
    let serve = Serve::start(&[]);
    let status = || serve.orgctl(&["status", "--org", "acme"]);
    let before = status();
    assert_eq!(before.status.code(), Some(3), "{}", stderr(&before));
    assert!(stdout(&before).starts_with("acme: not provisioned\n"), "{}", stdout(&before));

    let key = on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        common::stored_key(&serve.admin(), "acme").await.unwrap()
    });
    let done = status();
    assert_eq!(done.status.code(), Some(0), "{}", stdout(&done));
    assert!(stdout(&done).starts_with("acme: provisioned\n"), "{}", stdout(&done));

    on_a_runtime(async {
        let iam = aws_sdk_iam::Client::new(&serve.admin());
        let id = key["accessKeyId"].as_str().unwrap();
        let inactive = iam.update_access_key().user_name("rms_acme").access_key_id(id).status(StatusType::Inactive);
        inactive.send().await.unwrap();
    });
    let stuck = status();
    assert_eq!(stuck.status.code(), Some(3));
    let said = stdout(&stuck);
    assert!(said.starts_with("acme: stuck\n") && said.contains("stuck (stored-key-inactive): user rms_acme"), "{said}");
    let first_step =
        "first: See it: `aws iam list-access-keys --user-name rms_acme`. (docs/errors/stored-key-inactive.md)";
    assert!(said.contains(first_step), "{said}");
    let document = json_lines(&serve.orgctl(&["status", "--org", "acme", "--json"])).pop().unwrap();
    assert_eq!(document["state"], "stuck");
    let secret = document["steps"].as_array().unwrap().iter().find(|step| step["step"] == "secret").unwrap();
    assert_eq!(secret["error"]["code"], "stored-key-inactive");
    assert_eq!(secret["runbook"], "docs/errors/stored-key-inactive.md");
    assert_eq!(document["deadLetters"].as_array().unwrap().len(), 12);
    assert!(!said.contains(&key["secretAccessKey"].as_str().unwrap()[..12]));
}

#[test]
fn watches_until_it_is_done() {
    let serve = Serve::start(&[]);
    let mut watching = serve
        .command(&["status", "--org", "acme", "--watch", "--every", "1s", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut states = vec![lines.next().unwrap()];
    on_a_runtime(async { sign_up(&serve.admin(), &["acme".to_owned()]).await });
    states.extend(lines);
    let output = watching.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let states: Vec<Value> = states.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(states.len() >= 2, "{states:?}");
    assert_eq!(states[0]["state"], "not provisioned");
    assert_eq!(states.last().unwrap()["state"], "provisioned");
    for two in states.windows(2) {
        assert_ne!(two[0], two[1], "shown only when something has changed");
    }
}

#[test]
fn stops_watching_when_a_person_is_needed_and_when_time_is_over() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        let tag = Tag::builder().key("OrgId").value("somebodyelse").build().unwrap();
        let iam = aws_sdk_iam::Client::new(&serve.admin());
        iam.create_user().user_name("rms_acme").tags(tag).send().await.unwrap();
    });
    let stuck = serve.orgctl(&["status", "--org", "acme", "--watch"]);
    assert_eq!(stuck.status.code(), Some(3), "{}", stderr(&stuck));
    let late = serve.orgctl(&["status", "--org", "globex", "--watch", "--every", "1s", "--timeout", "2s"]);
    assert_eq!(late.status.code(), Some(1));
    assert!(stderr(&late).contains("globex is not provisioned after 2s"), "{}", stderr(&late));
}

#[test]
fn dead_letters_are_counted() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        let sqs = aws_sdk_sqs::Client::new(&serve.admin());
        let url =
            sqs.get_queue_url().queue_name("org-provisioning-bucket-dlq").send().await.unwrap().queue_url.unwrap();
        sqs.send_message().queue_url(url).message_body("{}").send().await.unwrap();
    });
    let output = serve.orgctl(&["status", "--org", "acme"]);
    assert!(stdout(&output).contains("1 dead letters of bucket, of any organization"), "{}", stdout(&output));
}

#[test]
fn a_dead_letter_queue_that_cannot_be_read_hides_nothing_else() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        let sqs = aws_sdk_sqs::Client::new(&serve.admin());
        let url = sqs.get_queue_url().queue_name("org-provisioning-bucket-dlq").send().await.unwrap();
        sqs.delete_queue().queue_url(url.queue_url.unwrap()).send().await.unwrap();
    });
    let text = serve.orgctl(&["status", "--org", "acme"]);
    assert_eq!(text.status.code(), Some(3), "{}", stderr(&text));
    let said = stdout(&text);
    assert!(
        said.contains("dead letters of bucket: not counted: queue org-provisioning-bucket-dlq: GetQueueUrl"),
        "{said}"
    );
    let document = json_lines(&serve.orgctl(&["status", "--org", "acme", "--json"])).pop().unwrap();
    for queue in document["deadLetters"].as_array().unwrap() {
        let unread = queue["step"] == "bucket";
        assert_eq!((queue["messages"].is_null(), queue["error"].is_string()), (unread, unread), "{queue}");
    }
}

#[test]
fn does_not_wait_for_a_permission() {
    let serve = Serve::start(&[]);
    let key = on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        common::stored_key(&serve.admin(), "acme").await.unwrap()
    });
    let mut command = serve.command(&["status", "--org", "acme", "--watch"]);
    command.env("AWS_ACCESS_KEY_ID", key["accessKeyId"].as_str().unwrap());
    command.env("AWS_SECRET_ACCESS_KEY", key["secretAccessKey"].as_str().unwrap());
    let denied = command.output().unwrap();
    assert_eq!(denied.status.code(), Some(1), "{}", stderr(&denied));
    let said = stdout(&denied);
    assert!(said.starts_with("acme: unknown\n") && said.contains("(access-denied)"), "{said}");
    assert_eq!(stderr(&denied), "", "it is not the time that is over");
}
