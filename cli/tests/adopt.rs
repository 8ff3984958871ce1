//! `orgctl adopt` against a served AWS: what it shows, what it sends and when, and what it refuses.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::process::Output;

use aws_sdk_iam::types::Tag;
use common::{Serve, eventually, json_lines, on_a_runtime, stderr, stdout};

const ACME: [&str; 4] = ["--org", "acme", "--environment", "production"];

fn adopt(serve: &Serve, more: &[&str]) -> Output {
    serve.orgctl(&[&["adopt"], &ACME[..], more].concat())
}

/// The user as the older process tags it, and an untagged bucket of this name.
async fn made_by_others(serve: &Serve, bucket: &str) {
    let tag = Tag::builder().key("OrgID").value("acme").build().unwrap();
    aws_sdk_iam::Client::new(&serve.admin()).create_user().user_name("rms_acme").tags(tag).send().await.unwrap();
    aws_sdk_s3::Client::new(&serve.admin()).create_bucket().bucket(bucket).send().await.unwrap();
}

#[test]
fn what_is_there_is_shown_adopted_and_then_provisioned() {
    let serve = Serve::start(&[]);
    let nothing = adopt(&serve, &["--plan"]);
    assert_eq!(nothing.status.code(), Some(3), "{}", stderr(&nothing));
    assert!(stdout(&nothing).contains("there is no user, no bucket and no secret"), "{}", stdout(&nothing));
    on_a_runtime(made_by_others(&serve, "fusion-rms-acme"));
    let planned = adopt(&serve, &["--plan"]);
    assert_eq!(planned.status.code(), Some(3), "{}", stderr(&planned));
    for said in ["tag bucket fusion-rms-acme with OrgId=acme", "in place of the tag OrgID=acme"] {
        assert!(stdout(&planned).contains(said), "{said}: {}", stdout(&planned));
    }
    let general = serve.orgctl(&["plan", "--org", "acme", "--command", "OrgAdoptionRequested"]);
    assert_eq!(stdout(&general), stdout(&planned), "the same preview");
    let unasked = adopt(&serve, &[]);
    assert_eq!(unasked.status.code(), Some(2), "nobody is there to be asked: {}", stderr(&unasked));
    let done = adopt(&serve, &["--yes", "--then-provision", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}{}", stdout(&done), stderr(&done));
    let sent = json_lines(&done).into_iter().filter(|line| line["eventId"].is_string()).count();
    assert_eq!(sent, 2, "{}", stdout(&done));
    on_a_runtime(eventually("acme is in order", async || {
        (serve.orgctl(&["plan", "--org", "acme"]).status.code() == Some(0)).then_some(())
    }));
    let again = adopt(&serve, &["--yes", "--then-provision"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(!stdout(&again).contains("sent "), "{}", stdout(&again));
}

#[test]
fn a_bucket_under_another_name_is_adopted_if_it_is_named() {
    let serve = Serve::start(&[]);
    on_a_runtime(made_by_others(&serve, "fusion-rms-acme-media"));
    let unnamed = adopt(&serve, &["--plan"]);
    assert!(!stdout(&unnamed).contains("tag bucket"), "{}", stdout(&unnamed));
    let named = adopt(&serve, &["--plan", "--bucket", "fusion-rms-acme-media"]);
    assert!(stdout(&named).contains("tag bucket fusion-rms-acme-media with OrgId=acme"), "{}", stdout(&named));
    let foreign = adopt(&serve, &["--plan", "--bucket", "fusion-rms-acmecorp"]);
    assert_eq!(foreign.status.code(), Some(2), "{}", stdout(&foreign));
    assert!(stderr(&foreign).contains("cannot be acme's"), "{}", stderr(&foreign));
}

#[test]
fn what_is_refused_is_not_sent() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        made_by_others(&serve, "fusion-rms-acme").await;
        let policy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
        let iam = aws_sdk_iam::Client::new(&serve.admin());
        iam.attach_user_policy().user_name("rms_acme").policy_arn(policy).send().await.unwrap();
    });
    let refused = adopt(&serve, &["--yes", "--then-provision"]);
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    assert!(stdout(&refused).contains("user-has-permissions"), "{}", stdout(&refused));
    let bucket = ["submit", "--org", "acme", "--environment", "production", "--command", "OrgAdoptionRequested"];
    let bucket = [&bucket[..], &["--adopt-bucket", "fusion-rms-acme", "--plan"]].concat();
    let alone = serve.orgctl(&bucket);
    assert_eq!(alone.status.code(), Some(3), "{}", stderr(&alone));
    assert!(stdout(&alone).contains("tag bucket fusion-rms-acme with OrgId=acme"), "{}", stdout(&alone));
}
