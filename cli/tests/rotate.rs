//! `orgctl rotate` against a served AWS: what it begins, what it refuses, and that it reads no value.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use aws_sdk_iam::types::Tag;
use common::{Serve, json_lines, on_a_runtime, provision, stderr, stdout};

const FUNCTION: [&str; 2] = ["--function", "rotate"];

fn rotate(serve: &Serve, more: &[&str]) -> std::process::Output {
    serve.orgctl(&[&["rotate", "--org", "acme"], &FUNCTION[..], more].concat())
}

#[test]
fn a_key_is_rotated_once_and_not_again_while_the_old_one_is_there() {
    let serve = Serve::start(&[]);
    let nobody = rotate(&serve, &[]);
    assert_eq!(nobody.status.code(), Some(3), "{}", stderr(&nobody));
    assert!(stdout(&nobody).contains("user rms_acme: is not there yet"), "{}", stdout(&nobody));
    on_a_runtime(provision(&serve, &["acme"]));
    let done = rotate(&serve, &["--wait", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}{}", stdout(&done), stderr(&done));
    let said = json_lines(&done).pop().unwrap();
    assert_eq!((&said["organization"], &said["state"]), (&"acme".into(), &"done".into()));
    on_a_runtime(async {
        let secrets = aws_sdk_secretsmanager::Client::new(&serve.admin());
        let described = secrets.describe_secret().secret_id("fusion-rms/acme/aws").send().await.unwrap();
        let stages = described.version_ids_to_stages.unwrap();
        assert!(stages[said["token"].as_str().unwrap()].contains(&"AWSCURRENT".to_owned()), "{stages:?}");
        assert_eq!(described.rotation_rules.unwrap().automatically_after_days, Some(90));
    });
    let again = rotate(&serve, &[]);
    assert_eq!(again.status.code(), Some(3));
    assert!(stdout(&again).contains("has two access keys"), "{}", stdout(&again));
    let plan = serve.orgctl(&["plan", "--org", "acme"]);
    assert_eq!(plan.status.code(), Some(0), "a rotation is in order: {}", stdout(&plan));
}

#[test]
fn an_organization_that_is_not_active_is_refused_before_anything_is_begun() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        let tag = Tag::builder().key("OrgState").value("suspended").build().unwrap();
        aws_sdk_iam::Client::new(&serve.admin()).tag_user().user_name("rms_acme").tags(tag).send().await.unwrap();
    });
    let refused = rotate(&serve, &[]);
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    assert!(stdout(&refused).contains("the organization is suspended"), "{}", stdout(&refused));
    on_a_runtime(async {
        let secrets = aws_sdk_secretsmanager::Client::new(&serve.admin());
        let described = secrets.describe_secret().secret_id("fusion-rms/acme/aws").send().await.unwrap();
        assert_eq!(described.rotation_enabled, None);
    });
}
