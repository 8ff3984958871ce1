//! `orgctl checklist` as operators use it: against `orgctl local serve`, from another process, over HTTP.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test, in helpers too"
)]

#[path = "../common/mod.rs"]
mod common;
mod drifts;
mod served;

use serde_json::Value;

use common::on_a_runtime;
use drifts::DRIFTS;
use served::{Checked, Served, secret_of};

fn ids_of(report: &Value, status: &str) -> Vec<String> {
    let lines = report["lines"].as_array().unwrap().iter().filter(|line| line["status"] == status);
    lines.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

fn json(checked: &Checked) -> Value {
    serde_json::from_str(&checked.out).unwrap_or_else(|error| panic!("{error}: {} {}", checked.out, checked.err))
}

/// What each line is about is told in docs/checklist.md, and nothing else is.
#[test]
fn an_organization_that_was_provisioned_passes_in_every_format() {
    let serve = Served::start();
    on_a_runtime(serve.provision(&["acme", "globex"]));
    let checked = serve.checklist(&["--org", "acme", "--json", "--environment", "staging"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    let report = json(&checked);
    assert_eq!((&report["status"], &report["organization"]), (&"pass".into(), &"acme".into()));
    let by_hand = ["database", "message-broker", "tenant", "dns", "log-key", "auth-server"];
    let not_applicable = [["account-expected"].as_slice(), by_hand.as_slice()].concat();
    assert_eq!(ids_of(&report, "not-applicable"), not_applicable);
    let lines = report["lines"].as_array().unwrap();
    assert!(lines.len() >= 40, "{}", lines.len());
    let evidence = |id: &str| lines.iter().find(|line| line["id"] == id).unwrap()["evidence"].as_str().unwrap();
    assert_eq!(evidence("user-arn"), "arn:aws:iam::111111111111:user/rms_acme");
    assert!(evidence("key-other-bucket").contains("fusion-rms-globex"), "{}", evidence("key-other-bucket"));
    let expected = serve.checklist(&["--org", "acme", "--json", "--expected-account", "111111111111"]);
    assert!(ids_of(&json(&expected), "pass").contains(&"account-expected".to_owned()));

    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/checklist.md")).unwrap();
    for line in lines {
        assert!(page.contains(&format!("| `{}` |", line["id"].as_str().unwrap())), "docs/checklist.md: {}", line["id"]);
    }
    let rows = page.split_once("\n## The lines\n").unwrap().1.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), lines.len(), "rows of docs/checklist.md");

    let secret = on_a_runtime(secret_of(&serve.admin(), "acme"));
    let key_id = on_a_runtime(served::key_of(&serve.admin(), "acme"));
    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "json", "markdown", "html"] {
        let shown = serve.checklist(&["--org", "acme", "--format", format]);
        assert_eq!(shown.code, 0, "{format}: {}", shown.err);
        let file = folder.path().join(format);
        let written = serve.checklist(&["--org", "acme", "--format", format, "--output", file.to_str().unwrap()]);
        assert_eq!((written.code, written.out.as_str()), (0, ""), "{format}: {}", written.err);
        for text in [shown.out, std::fs::read_to_string(&file).unwrap()] {
            assert!(text.contains("acme") && text.len() > 2000, "{format}");
            assert!(!text.contains(&secret) && !text.contains(&key_id), "{format} shows a key");
            assert!(text.contains(&key_id[key_id.len() - 4..]), "{format} names the key by its end");
            assert!(!text.contains('\u{1b}'), "{format} has colours where there is no terminal");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "nothing is left beside the files");
}

#[test]
fn each_drift_fails_exactly_its_lines() {
    let serve = Served::start();
    let orgs: Vec<String> = (0..DRIFTS.len()).map(|index| format!("drift{index}")).collect();
    let orgs: Vec<&str> = orgs.iter().map(String::as_str).chain(["neighbour"]).collect();
    on_a_runtime(serve.provision(&orgs));
    for (drift, org) in DRIFTS.iter().zip(&orgs) {
        let secret = on_a_runtime(secret_of(&serve.admin(), org));
        on_a_runtime((drift.make)(serve.clients(), (*org).to_owned()));
        let checked = serve.checklist(&["--org", org, "--json"]);
        let failed = ids_of(&json(&checked), "fail");
        assert_eq!(failed, drift.fails, "{}: {}", drift.name, checked.out);
        assert_eq!(ids_of(&json(&checked), "unknown"), Vec::<String>::new(), "{}", drift.name);
        assert_eq!(checked.code, if drift.fails.is_empty() { 0 } else { 3 }, "{}", drift.name);
        assert!(!checked.out.contains(&secret), "{} shows the secret", drift.name);
    }
    on_a_runtime(drifts::block_public_policies(serve.clients(), true));
    let blocked = json(&serve.checklist(&["--org", "neighbour", "--json"]));
    let failed = ids_of(&blocked, "fail");
    assert!(failed.contains(&"account-public-access".to_owned()), "{failed:?}");
    on_a_runtime(drifts::block_public_policies(serve.clients(), false));
    assert_eq!(serve.checklist(&["--org", "neighbour"]).code, 0);
}

#[test]
fn all_organizations_are_streamed_in_order_and_can_be_gone_on_with() {
    let serve = Served::start();
    on_a_runtime(serve.provision(&["acme", "globex", "initech", "umbrella"]));
    let whole = serve.checklist(&["--all"]);
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    assert!(whole.out.ends_with("4 organizations: 4 pass, 0 fail\n"), "{}", whole.out);
    on_a_runtime(drifts::untag_bucket(serve.clients(), "globex".to_owned()));
    let checked = serve.checklist(&["--all", "--json", "--concurrency", "2"]);
    assert_eq!(checked.code, 3, "{}", checked.err);
    let lines: Vec<Value> = checked.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let orgs: Vec<&str> = lines.iter().filter_map(|line| line["organization"].as_str()).collect();
    assert_eq!(orgs, ["acme", "globex", "initech", "umbrella"]);
    assert_eq!(ids_of(&lines[1], "fail"), ["bucket-tag"]);
    let summary = &lines[4]["summary"];
    assert_eq!((&summary["organizations"], &summary["statuses"]["fail"]), (&4.into(), &1.into()));
    assert_eq!((&summary["statuses"]["pass"], &summary["lines"]["fail"]), (&3.into(), &1.into()));

    let after = serve.checklist(&["--all", "--json", "--after", "globex"]);
    assert_eq!(after.code, 0, "what comes after is in order: {}", after.err);
    assert!(after.out.starts_with("{") && after.out.lines().count() == 3, "{}", after.out);
    let text = serve.checklist(&["--all"]);
    assert!(text.out.contains("bucket-tag") && text.out.contains("docs/errors/not-ours.md"), "{}", text.out);
    assert!(!text.out.contains("user-exists"), "only what fails is told: {}", text.out);

    let folder = tempfile::tempdir().unwrap();
    for (format, end) in [("html", "</html>"), ("markdown", "applicable.")] {
        let file = folder.path().join(format);
        let written = serve.checklist(&["--all", "--format", format, "--output", file.to_str().unwrap()]);
        assert_eq!((written.code, written.out.as_str()), (3, ""), "{}", written.err);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(orgs.iter().all(|org| text.contains(org)), "{format}");
        assert!(text.contains("4 organizations: 3 pass, 1 fail") || text.contains("4: 3 pass, 1 fail"), "{format}");
        assert!(text.trim_end().ends_with(end), "{format}");
    }
}

#[test]
fn what_cannot_be_done_is_told_apart() {
    let serve = Served::start();
    let missing = serve.checklist(&["--org", "nobody", "--json"]);
    assert_eq!(
        (missing.code, ids_of(&json(&missing), "fail")),
        (3, vec!["user-exists".to_owned(), "secret-exists".to_owned(), "bucket-exists".to_owned()])
    );
    let wrong = serve.checklist(&["--org", "nobody", "--expected-account", "123456789012"]);
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    assert_eq!(serve.checklist(&["--org", "Nobody"]).code, 2);
    assert_eq!(serve.checklist(&[]).code, 2);
    assert_eq!(serve.checklist(&["--org", "nobody", "--json", "--format", "html"]).code, 2);
    let unwritable = serve.checklist(&["--org", "nobody", "--output", "/no/such/folder/x"]);
    assert_eq!(unwritable.code, 1);
    assert!(unwritable.err.contains("/no/such/folder/x"), "{}", unwritable.err);
    // A user without permissions sees little, and that is said.
    on_a_runtime(serve.provision(&["acme"]));
    let weak = on_a_runtime(served::credential_of(&serve.admin(), "acme"));
    let unseen = serve.checklist_as(&weak, &["--org", "acme", "--json"]);
    assert_eq!(unseen.code, 1, "{}", unseen.err);
    assert!(ids_of(&json(&unseen), "unknown").contains(&"user-exists".to_owned()), "{}", unseen.out);
}

async fn tag_user(clients: &served::Clients, key: &str, value: &str) {
    let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build().unwrap();
    clients.iam.tag_user().user_name("rms_acme").tags(tag).send().await.unwrap();
}

/// Another key's secret, and a key's description as the IAM console keeps it.
#[test]
fn keys_that_somebody_put_into_tags_are_told_and_not_shown() {
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
    let serve = Served::start();
    on_a_runtime(serve.provision(&["acme"]));
    let clients = serve.clients();
    let stored = on_a_runtime(secret_of(&serve.admin(), "acme"));
    on_a_runtime(tag_user(&clients, KEY_ID, "till 7"));
    assert_eq!(serve.checklist(&["--org", "acme"]).code, 0, "a description is nothing bad");
    on_a_runtime(tag_user(&clients, "note", SECRET));
    let check = |secret: &str, fails: &[&str]| {
        let report = json(&serve.checklist(&["--org", "acme", "--json"]));
        assert_eq!(ids_of(&report, "fail"), fails);
        for format in ["text", "json", "markdown", "html"] {
            for which in [&["--org", "acme"][..], &["--all"]] {
                let shown = serve.checklist(&[which, &["--format", format]].concat());
                assert_eq!(shown.code, 3, "{format}: {}", shown.err);
                assert!(shown.out.contains("a tag of the user"), "{format} tells where");
                assert!(!shown.out.contains(secret), "{format} shows a secret");
                assert!(!shown.out.contains(KEY_ID), "{format} shows a key's id");
            }
        }
        let tags = report["reference"]["tags"][0]["tags"].clone();
        assert_eq!((&tags["…MPLE"], &tags["note"]), (&"till 7".into(), &"(a secret, not shown)".into()));
    };
    check(SECRET, &["key-hidden"]);
    // The secret that was stored before, once its value is another.
    on_a_runtime(tag_user(&clients, "note", &stored));
    on_a_runtime(async {
        let put = clients.secrets.put_secret_value().secret_id("fusion-rms/acme/aws").secret_string("correct horse");
        put.send().await.unwrap();
    });
    check(&stored, &["key-hidden", "secret-value"]);
}

#[test]
fn what_fails_is_told_although_something_else_could_not_be_seen() {
    let serve = Served::start();
    on_a_runtime(serve.provision(&["acme"]));
    let weak = on_a_runtime(served::credential_of(&serve.admin(), "acme"));
    let arguments = ["--org", "acme", "--environment", "demo"];
    let both = serve.checklist_as(&weak, &[&arguments[..], &["--json"]].concat());
    let report = json(&both);
    assert_eq!((both.code, &report["status"]), (3, &"fail".into()), "{}", both.out);
    assert_eq!(ids_of(&report, "fail"), ["account-environment"]);
    assert!(ids_of(&report, "unknown").contains(&"user-exists".to_owned()));
    let page = serve.checklist_as(&weak, &[&arguments[..], &["--format", "html"]].concat());
    assert!(page.out.contains("Not in order") && !page.out.contains("Not fully seen"), "{}", page.out);
}

/// The IAM action behind an operation, where it is called otherwise.
fn action_of(service: &str, operation: &str) -> String {
    let action = match (service, operation) {
        ("s3control", "GetPublicAccessBlock") => return "s3:GetAccountPublicAccessBlock".to_owned(),
        ("s3", "ListBuckets") => "ListAllMyBuckets",
        ("s3", "ListObjectsV2") => "ListBucket",
        ("s3", "HeadObject") => "GetObject",
        ("s3", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
        _ => operation,
    };
    format!("{service}:{action}")
}

/// The page names the actions that the operator's calls need, and no others.
#[test]
fn the_permissions_are_those_of_the_calls() {
    let trace = served::trace_of_a_checklist("acme");
    let is_probe = |caller: &str| caller == "anonymous" || caller.ends_with(":user/rms_acme");
    let operators = trace.iter().filter(|call| !is_probe(&call.caller));
    let mut needed: Vec<String> = operators.map(|call| action_of(call.service, &call.operation)).collect();
    // Without a trace of its own: it is asked by Secrets Manager, for a key of one's own.
    needed.push("kms:Decrypt".to_owned());
    needed.retain(|action| action != "sts:GetCallerIdentity");
    needed.sort_unstable();
    needed.dedup();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/checklist.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut told: Vec<String> = rows.filter(|name| name.contains(':')).map(str::to_owned).collect();
    told.sort_unstable();
    assert_eq!(told, needed);
}

#[test]
fn only_reads_are_made() {
    let trace = served::trace_of_a_checklist("acme");
    assert!(trace.len() > 25, "{}", trace.len());
    let writes: Vec<String> = trace.iter().filter(|call| call.mutating).map(ToString::to_string).collect();
    assert_eq!(writes, Vec::<String>::new());
}
