//! The guard matrix: environment, class of account, sender, and the organization's state on its user and its bucket,
//! for every step. The expected codes are a table of its own here, not the code's.

use local_aws::Recorded;
use local_system::LocalOptions;
use local_system::registry::STEPS;
use org::AccountClass;
use serde_json::{Value, json};
use tests::Bench;
use tests::bootstrap::{batch, envelope};
use tests::guards::{Cell, ENVIRONMENTS, as_one_event, calls, provisioned, put_in_state, refused};

/// Who sends what, and whether that is believed.
const SENDERS: [(&str, Kind, bool); 8] = [
    ("org-signup", Kind::Command, true),
    ("org-provisioner", Kind::Command, false),
    ("somebody", Kind::Command, false),
    ("", Kind::Command, false),
    ("org-provisioner", Kind::Completion, true),
    ("org-signup", Kind::Completion, false),
    ("somebody", Kind::Completion, false),
    ("", Kind::Completion, false),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Command,
    Completion,
}

/// What must come of a delivery: done, with or without something made, or refused with this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Unchanged,
    Created,
    Refused(&'static str),
}

use Ending::{Created, Refused, Unchanged};

/// What a step does once sender and account are right. `bucket` looks at the bucket alone and `secret` at the user; the
/// others look at both, and first of all at whether the bucket says that the organization is not active.
fn by_state(step: &str, user: Option<&str>, bucket: Option<&str>) -> Ending {
    const STOPPED: Ending = Refused("org-not-active");
    const WAITS: Ending = Refused("waiting");
    let stopped = |state: Option<&str>| matches!(state, Some("suspended" | "offboarded"));
    match step {
        "iam-user" | "bucket-policy" | "verify" if stopped(bucket) => STOPPED,
        "iam-user" if stopped(user) => STOPPED,
        "iam-user" if user.is_none() => Created,
        "bucket" if stopped(bucket) => STOPPED,
        "bucket" if bucket.is_none() => Created,
        "iam-user" | "bucket" => Unchanged,
        _ if user.is_none() => WAITS,
        _ if stopped(user) => STOPPED,
        "secret" => Unchanged,
        _ if bucket.is_none() => WAITS,
        _ => Unchanged,
    }
}

fn expected(step: &str, cell: &Cell, believed: bool) -> Ending {
    match () {
        () if !believed => Refused("source-not-allowed"),
        () if !cell.belongs() => Refused("wrong-account"),
        () => by_state(step, cell.user, cell.bucket),
    }
}

fn event(source: &str, kind: Kind, environment: &str) -> Value {
    let command = json!({ "orgId": "abc", "environment": environment });
    let (detail_type, detail) = match kind {
        Kind::Command => ("OrgCreated", command),
        Kind::Completion => {
            ("BucketProvisioned", json!({ "schemaVersion": 1, "eventId": "e", "step": "bucket", "request": command }))
        }
    };
    let mut event = envelope(&detail);
    event["source"] = json!(source);
    event["detail-type"] = json!(detail_type);
    event
}

fn judge(bench: &Bench, what: &str, expected: Ending, ended: &Result<Value, String>) {
    let calls = calls(bench);
    let writes = &calls.0;
    match expected {
        Refused(code) => refused(what, code, ended, &calls),
        Unchanged => {
            assert_eq!(ended, &Ok(json!("unchanged")), "{what}");
            assert_eq!(writes, &[], "{what}: nothing to write");
        }
        Created => {
            assert_eq!(ended, &Ok(json!("created")), "{what}");
            assert!(!writes.is_empty(), "{what}");
            let own =
                |call: &Recorded| call.resource.starts_with("rms_abc") || call.resource.starts_with("fusion-rms-abc");
            assert!(writes.iter().all(own), "{what}: {writes:?}");
        }
    }
}

async fn matrix(class: AccountClass) -> usize {
    let bench = provisioned(class).await;
    let start = bench.system.aws.snapshot();
    let mut cells = 0;
    for environment in ENVIRONMENTS {
        for cell in Cell::all(class, environment) {
            for step in STEPS.map(|step| step.spec.name) {
                for (source, kind, believed) in SENDERS {
                    let what = format!("{step} {kind:?} of {source:?} {cell:?}");
                    put_in_state(&bench, &start, &cell);
                    let ended = as_one_event(&bench, step, &event(source, kind, environment)).await;
                    judge(&bench, &what, expected(step, &cell, believed), &ended);
                    cells += 1;
                }
            }
        }
    }
    cells
}

#[tokio::test(start_paused = true)]
async fn in_a_production_account_every_guard_refuses_before_the_first_write() {
    assert_eq!(matrix(AccountClass::Production).await, 5 * 16 * 5 * 8);
}

#[tokio::test(start_paused = true)]
async fn in_any_other_account_every_guard_refuses_before_the_first_write() {
    assert_eq!(matrix(AccountClass::NonProduction).await, 5 * 16 * 5 * 8);
}

/// From a queue: what may succeed later is kept, anything else that is refused becomes a dead letter with its code.
#[tokio::test(start_paused = true)]
async fn a_refusal_from_a_queue_is_kept_with_the_same_code() {
    let bench = provisioned(AccountClass::Production).await;
    let start = bench.system.aws.snapshot();
    for environment in ["production", "demo"] {
        for cell in Cell::all(AccountClass::Production, environment) {
            for step in STEPS.map(|step| step.spec.name) {
                for (source, believed) in [("org-signup", true), ("somebody", false)] {
                    let what = format!("{step} from {source:?} {cell:?}");
                    put_in_state(&bench, &start, &cell);
                    let body = event(source, Kind::Command, environment).to_string();
                    let answer = bench.system.invoke(step, batch(step, std::slice::from_ref(&body))).await.unwrap();
                    let letters = bench.system.take_dead_letters(step).unwrap();
                    let kept = answer["batchItemFailures"].as_array().unwrap();
                    let (code, expected) = match expected(step, &cell, believed) {
                        Refused("waiting") => (None, vec![json!({ "itemIdentifier": "m0" })]),
                        Refused(code) => (Some(code), vec![]),
                        Unchanged | Created => (None, vec![]),
                    };
                    assert_eq!(kept, &expected, "{what}");
                    let told = |letter: &Value| letter["MessageAttributes"]["ErrorCode"]["StringValue"].clone();
                    let codes: Vec<Value> = letters.iter().map(told).collect();
                    assert_eq!(codes, code.map(|code| json!(code)).into_iter().collect::<Vec<_>>(), "{what}");
                    assert!(letters.iter().all(|letter| letter["Body"] == body.as_str()), "{what}");
                }
            }
        }
    }
}

/// A function that runs in another account than the expected one refuses everything, whatever its class.
#[tokio::test(start_paused = true)]
async fn in_an_unexpected_account_nothing_is_done() {
    for class in [AccountClass::Production, AccountClass::NonProduction] {
        let mut options = LocalOptions { account_class: class, ..LocalOptions::default() };
        options.environment.insert("EXPECTED_ACCOUNT_ID".to_owned(), "999999999999".to_owned());
        let bench = Bench::with(&options);
        for environment in ENVIRONMENTS {
            for step in STEPS.map(|step| step.spec.name) {
                bench.system.aws.take_trace();
                let ended = as_one_event(&bench, step, &event("org-signup", Kind::Command, environment)).await;
                judge(&bench, &format!("{step} {environment} {class}"), Refused("wrong-account"), &ended);
            }
        }
    }
}
