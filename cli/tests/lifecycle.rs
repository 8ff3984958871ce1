//! `orgctl submit`, `plan` and `replay` with the commands of the lifecycle, against `orgctl local serve`.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::process::Output;

use common::{Serve, eventually, json_lines, on_a_runtime, provision, stderr, stdout};
use serde_json::{Value, json};

const ACME: [&str; 4] = ["--org", "acme", "--environment", "production"];

fn submit(serve: &Serve, more: &[&str]) -> Output {
    serve.orgctl(&[&["submit"], &ACME[..], more].concat())
}

/// The verdict and the steps of a plan.
fn plan(serve: &Serve, command: &str) -> (String, Vec<String>) {
    let output = serve.orgctl(&["plan", "--org", "acme", "--command", command, "--json"]);
    let [forecast] = &json_lines(&output)[..] else { panic!("{}{}", stdout(&output), stderr(&output)) };
    let steps = forecast["steps"].as_array().unwrap().iter();
    let steps = steps.map(|step| step["step"].as_str().unwrap().to_owned()).collect();
    (forecast["verdict"].as_str().unwrap().to_owned(), steps)
}

fn until(serve: &Serve, command: &str, verdict: &str) {
    on_a_runtime(eventually(verdict, async || (plan(serve, command).0 == verdict).then_some(())));
}

#[test]
fn an_organization_is_suspended_resumed_and_offboarded_from_the_command_line() {
    let serve = Serve::start(&[]);
    on_a_runtime(provision(&serve, &["acme"]));
    assert_eq!(plan(&serve, "OrgSuspended"), ("repair".to_owned(), vec!["suspend".to_owned()]));
    let shown = serve.orgctl(&["plan", "--org", "acme", "--command", "OrgSuspended"]);
    for said in ["switch the access key", "close bucket fusion-rms-acme to the public", "the organization is suspended"]
    {
        assert!(stdout(&shown).contains(said), "{said}: {}", stdout(&shown));
    }
    let sent = submit(&serve, &["--command", "OrgSuspended"]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    until(&serve, "OrgSuspended", "nothing");
    assert_eq!(plan(&serve, "OrgCreated").0, "conflict");
    assert_eq!(submit(&serve, &["--command", "OrgResumed"]).status.code(), Some(0));
    until(&serve, "OrgResumed", "nothing");
    until(&serve, "OrgCreated", "nothing");

    let unconfirmed = submit(&serve, &["--command", "OrgDeleted"]);
    assert_eq!(unconfirmed.status.code(), Some(2));
    assert!(stderr(&unconfirmed).contains("confirmOrgId is missing"), "{}", stderr(&unconfirmed));
    let sure = ["--command", "OrgDeleted", "--confirm", "acme", "--empty-bucket", "--recovery-window-days", "7"];
    let planned = submit(&serve, &[&sure[..], &["--plan"]].concat());
    assert_eq!(planned.status.code(), Some(3));
    for said in ["delete the user", "restored within 7 days", "delete every object in bucket fusion-rms-acme"] {
        assert!(stdout(&planned).contains(said), "{said}: {}", stdout(&planned));
    }
    assert_eq!(submit(&serve, &sure).status.code(), Some(0));
    until(&serve, "OrgDeleted", "nothing");
    assert_eq!(plan(&serve, "OrgCreated").0, "conflict");
    assert_eq!(plan(&serve, "OrgSuspended").0, "conflict");
}

#[test]
fn a_choice_that_the_command_does_not_have_is_refused() {
    let serve = Serve::start(&[]);
    for (choice, command) in [
        (&["--confirm", "acme"][..], "OrgCreated"),
        (&["--empty-bucket"], "OrgSuspended"),
        (&["--recovery-window-days", "7"], "OrgResumed"),
        (&["--reonboard"], "OrgDeleted"),
        (&["--bucket-name", "fusion-rms-acme"], "OrgSuspended"),
    ] {
        let refused = submit(&serve, &[choice, &["--command", command]].concat());
        assert_eq!(refused.status.code(), Some(2), "{choice:?}");
        assert!(stderr(&refused).contains(choice[0]) && stderr(&refused).contains(command), "{}", stderr(&refused));
    }
    for wrong in ["OrgProvisioned", "orgsuspended"] {
        assert_eq!(submit(&serve, &["--command", wrong]).status.code(), Some(2), "{wrong}");
    }
}

/// A failure of an offboarding is never sent again as a sign-up.
#[test]
fn a_failed_command_is_sent_again_as_what_it_was() {
    let serve = Serve::start(&[]);
    let request = json!({ "orgId": "acme", "environment": "production", "confirmOrgId": "acme" });
    let failure = |step: &str, request: &Value| {
        let detail = json!({ "schemaVersion": 1, "eventId": "e", "step": step, "request": request, "orgId": "acme" });
        json!({ "source": "org-provisioner", "detail-type": "OrgProvisioningFailed", "detail": detail }).to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failures.jsonl");
    let lines = [failure("offboard", &request), failure("suspend", &request), failure("unheard-of", &request)];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let heard: Vec<String> = on_a_runtime(async {
        let mut urls = Vec::new();
        for (name, kind) in [("deleted", "OrgDeleted"), ("suspended", "OrgSuspended"), ("created", "OrgCreated")] {
            urls.push(common::listen(&serve.admin(), name, kind).await);
        }
        urls
    });
    let output = serve.orgctl(&["replay", "file", path.to_str().unwrap(), "--yes"]);
    assert_eq!(output.status.code(), Some(1), "one is left out: {}", stderr(&output));
    assert!(stderr(&output).contains("tells of a step that this orgctl does not know"), "{}", stderr(&output));
    let counts = on_a_runtime(async {
        let mut counts = Vec::new();
        for url in &heard {
            counts.push(common::receive(&serve.admin(), url).await.len());
        }
        counts
    });
    assert_eq!(counts, [1, 1, 0]);
}
