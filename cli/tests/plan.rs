//! `orgctl plan` against a served AWS: what it says, what it exits with, and that it writes nothing.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use aws_sdk_iam::types::Tag;
use common::{Serve, eventually, json_lines, on_a_runtime, provision, stderr, stdout};

/// A user that another organization's tag is on.
async fn foreign_user(serve: &Serve, org: &str) {
    let tag = Tag::builder().key("OrgId").value("somebodyelse").build().unwrap();
    let iam = aws_sdk_iam::Client::new(&serve.admin());
    iam.create_user().user_name(format!("rms_{org}")).tags(tag).send().await.unwrap();
}

#[test]
fn one_organization_from_nothing_to_everything_and_with_drift() {
    let serve = Serve::start(&[]);
    let plan = || serve.orgctl(&["plan", "--org", "acme"]);
    let before = plan();
    assert_eq!(before.status.code(), Some(3), "{}", stderr(&before));
    let said = stdout(&before);
    assert!(said.starts_with("acme: would be created\n"), "{said}");
    assert!(said.contains("+ iam-user") && said.contains("+ bucket ") && said.contains(". secret"), "{said}");
    on_a_runtime(async {
        let iam = aws_sdk_iam::Client::new(&serve.admin());
        assert!(iam.get_user().user_name("rms_acme").send().await.is_err(), "a plan makes nothing");
        provision(&serve, &["acme"]).await;
        eventually("a plan with nothing to do", async || (plan().status.code() == Some(0)).then_some(())).await;
        let s3 = aws_sdk_s3::Client::new(&serve.admin());
        s3.delete_bucket_policy().bucket("fusion-rms-acme").send().await.unwrap();
    });
    let drifted = plan();
    assert_eq!(drifted.status.code(), Some(3));
    let said = stdout(&drifted);
    assert!(said.starts_with("acme: would be repaired\n") && said.contains("+ bucket-policy"), "{said}");
    assert!(said.contains("= iam-user") && said.contains("= secret"), "{said}");

    let output = serve.orgctl(&["plan", "--org", "acme", "--json"]);
    let document = json_lines(&output).pop().unwrap();
    assert_eq!((&document["organization"], &document["verdict"]), (&"acme".into(), &"repair".into()));
    let policy = document["steps"].as_array().unwrap().iter().find(|step| step["step"] == "bucket-policy").unwrap();
    assert_eq!((&policy["state"], &policy["changes"][0]["effect"]), (&"changes".into(), &"create".into()));
}

#[test]
fn refusals_are_told_before_anything_is_sent() {
    let serve = Serve::start(&[]);
    on_a_runtime(foreign_user(&serve, "acme"));
    let refused = serve.orgctl(&["plan", "--org", "acme"]);
    assert_eq!(refused.status.code(), Some(3));
    let said = stdout(&refused);
    assert!(said.starts_with("acme: would be refused\n") && said.contains("! iam-user"), "{said}");
    assert!(said.contains("not-ours: user rms_acme"), "{said}");
    let elsewhere = serve.orgctl(&["plan", "--org", "globex", "--environment", "qa"]);
    assert_eq!(elsewhere.status.code(), Some(3));
    assert!(stdout(&elsewhere).contains("wrong-account"), "{}", stdout(&elsewhere));
    let named = serve.orgctl(&["plan", "--org", "globex", "--bucket-name", "fusion-rms-acme"]);
    assert!(stdout(&named).contains("invalid-field"), "{}", stdout(&named));
}

#[test]
fn everybody_in_order_and_from_any_point_on() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        provision(&serve, &["bravo", "alpha", "charlie"]).await;
        foreign_user(&serve, "delta").await;
        let s3 = aws_sdk_s3::Client::new(&serve.admin());
        // A bucket without a user makes an organization too, and a name of somebody else's does not.
        s3.create_bucket().bucket("fusion-rms-echo").send().await.unwrap();
        s3.create_bucket().bucket("fusion-other").send().await.unwrap();
        // By its tag this one is echo's too, which is named once and in its place all the same.
        let second = "fusion-rms-aaa-x";
        s3.create_bucket().bucket(second).send().await.unwrap();
        let tag = aws_sdk_s3::types::Tag::builder().key("OrgId").value("echo").build().unwrap();
        let tags = aws_sdk_s3::types::Tagging::builder().tag_set(tag).build().unwrap();
        s3.put_bucket_tagging().bucket(second).tagging(tags).send().await.unwrap();
    });
    let all = |more: &[&str]| {
        let output = serve.orgctl(&[&["plan", "--all", "--json", "--concurrency", "3"], more].concat());
        let mut lines = json_lines(&output);
        let summary = lines.pop().expect("a summary");
        let found = lines.iter().map(|line| format!("{} {}", line["organization"], line["verdict"]).replace('"', ""));
        (found.collect::<Vec<_>>(), summary["summary"].clone(), output.status.code())
    };
    let (found, summary, code) = all(&[]);
    assert_eq!(found[..4], ["alpha nothing", "bravo nothing", "charlie nothing", "delta conflict"]);
    assert!(found[4].starts_with("echo "), "{found:?}");
    assert_eq!((found.len(), code), (5, Some(3)));
    assert_eq!(summary["organizations"], 5);
    assert_eq!(summary["verdicts"]["nothing"], 3);
    let (found, _, _) = all(&["--after", "bravo"]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "charlie nothing");
    let text = serve.orgctl(&["plan", "--all"]);
    assert!(stdout(&text).contains("5 organizations: nothing 3"), "{}", stdout(&text));
    assert!(!stdout(&text).contains("alpha"), "who is in order is only counted: {}", stdout(&text));
}

#[test]
fn wrong_places_are_refused_and_denials_are_no_plan() {
    let serve = Serve::start(&[]);
    let usage = |arguments: &[&str], expected: &str| {
        let output = serve.orgctl(&[&["plan", "--org", "acme"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    };
    usage(&["--expected-account", "999999999999"], "account 111111111111 is not the expected account 999999999999");
    usage(&["--all"], "cannot be used with");
    usage(&["--after", "x"], "cannot be used with");
    let unnamed = serve.command(&["plan", "--org", "acme"]).env_remove("ACCOUNT_CLASS").output().unwrap();
    assert_eq!(unnamed.status.code(), Some(2));
    assert!(stderr(&unnamed).contains("--account-class"), "{}", stderr(&unnamed));
    let bad_id = serve.orgctl(&["plan", "--org", "Acme"]);
    assert_eq!(bad_id.status.code(), Some(2));

    // The organization's own key may look at nothing of the account.
    let key = on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        common::stored_key(&serve.admin(), "acme").await.unwrap()
    });
    let mut command = serve.command(&["plan", "--org", "acme"]);
    command.env("AWS_ACCESS_KEY_ID", key["accessKeyId"].as_str().unwrap());
    command.env("AWS_SECRET_ACCESS_KEY", key["secretAccessKey"].as_str().unwrap());
    let denied = command.output().unwrap();
    assert_eq!(denied.status.code(), Some(1), "{}", stdout(&denied));
    let said = stdout(&denied);
    assert!(said.contains("could not be looked at"), "{said}");
    let who =
        "denied to arn:aws:iam::111111111111:user/rms_acme, as whom orgctl looks; give it the permission for GetUser";
    assert!(said.contains(who) && said.contains("is not authorized to perform: iam:GetUser"), "{said}");
    assert!(!said.contains("the function's role"), "{said}");
    let secret = &key["secretAccessKey"].as_str().unwrap()[..12];
    assert!(!stdout(&denied).contains(secret) && !stderr(&denied).contains(secret));
}

#[test]
fn one_bucket_whose_tags_are_hidden_does_not_hide_the_organizations() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        let s3 = aws_sdk_s3::Client::new(&serve.admin());
        for bucket in ["fusion-rms-acme", "fusion-rms-acme-hidden"] {
            s3.create_bucket().bucket(bucket).send().await.unwrap();
        }
        let deny = serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": "*",
            "Action": "s3:GetBucketTagging", "Resource": "arn:aws:s3:::fusion-rms-acme-hidden" }] });
        let policy = s3.put_bucket_policy().bucket("fusion-rms-acme-hidden").policy(deny.to_string());
        policy.send().await.unwrap();
    });
    let all = serve.orgctl(&["plan", "--all", "--json"]);
    let summary = json_lines(&all).pop().expect("a summary");
    assert_eq!(summary["summary"]["organizations"], 1, "{}", stderr(&all));
    let warning = "orgctl: bucket fusion-rms-acme-hidden is left out: reading its tags is denied";
    assert!(stderr(&all).contains(warning), "{}", stderr(&all));
}

#[test]
fn what_a_terminal_would_obey_is_not_printed() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        let secrets = aws_sdk_secretsmanager::Client::new(&serve.admin());
        let tag = aws_sdk_secretsmanager::types::Tag::builder().key("OrgId").value("x\u{1b}]0;pwned\u{7}").build();
        secrets.tag_resource().secret_id("fusion-rms/acme/aws").tags(tag).send().await.unwrap();
    });
    for command in ["plan", "status"] {
        // With colours: without them, what follows an escape is left out of all output.
        let output = serve.command(&[command, "--org", "acme"]).env("CLICOLOR_FORCE", "1").output().unwrap();
        let said = stdout(&output);
        assert!(said.contains("OrgId=x\u{fffd}]0;pwned\u{fffd}"), "{command}: {said:?}");
        assert!(said.contains("\u{1b}["), "{command} is in colour: {said:?}");
        assert!(!said.contains("\u{1b}]") && !said.contains('\u{7}'), "{command}: {said:?}");
    }
}
