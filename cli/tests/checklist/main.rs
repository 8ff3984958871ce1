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
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), lines.len(), "rows of docs/checklist.md");

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

#[test]
fn only_reads_are_made() {
    let trace = served::trace_of_a_checklist("acme");
    assert!(trace.len() > 25, "{}", trace.len());
    let writes: Vec<String> = trace.iter().filter(|call| call.mutating).map(ToString::to_string).collect();
    assert_eq!(writes, Vec::<String>::new());
}
