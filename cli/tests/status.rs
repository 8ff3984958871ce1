//! `orgctl status` against a served AWS.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::process::Stdio;

use aws_sdk_iam::types::{StatusType, Tag};
use common::{Serve, json_lines, on_a_runtime, provision, sign_up, stderr, stdout};

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
    assert_eq!(document["deadLetters"].as_array().unwrap().len(), 5);
    assert!(!said.contains(&key["secretAccessKey"].as_str().unwrap()[..12]));
}

#[test]
fn watches_until_it_is_done() {
    let serve = Serve::start(&[]);
    let watching = serve
        .command(&["status", "--org", "acme", "--watch", "--every", "1s", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    on_a_runtime(async { sign_up(&serve.admin(), &["acme".to_owned()]).await });
    let output = watching.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let states = json_lines(&output);
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
