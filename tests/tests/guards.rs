//! The guard matrix: environment, class of account, sender, and the organization's state on its user and its bucket,
//! for every step. The expected codes are a table of its own here, not the code's.

use local_aws::{Recorded, World};
use local_system::LocalOptions;
use local_system::registry::STEPS;
use org::AccountClass;
use serde_json::{Value, json};
use tests::Bench;
use tests::bootstrap::{batch, envelope};

/// How an organization's resource can be found.
const STATES: [Option<&str>; 4] = [None, Some("active"), Some("suspended"), Some("offboarded")];

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

/// Production and staging belong in production accounts, all others in the others.
fn belongs(environment: &str, class: AccountClass) -> bool {
    matches!((environment, class), ("production" | "staging", AccountClass::Production))
        || matches!((environment, class), ("qa" | "development" | "demo", AccountClass::NonProduction))
}

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
        () if !belongs(cell.environment, cell.class) => Refused("wrong-account"),
        () => by_state(step, cell.user, cell.bucket),
    }
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    class: AccountClass,
    environment: &'static str,
    user: Option<&'static str>,
    bucket: Option<&'static str>,
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

/// An account in which `abc` has everything.
async fn provisioned(class: AccountClass) -> Bench {
    let bench = Bench::with(&LocalOptions { account_class: class, ..LocalOptions::default() });
    let environment = if class == AccountClass::Production { "production" } else { "qa" };
    bench.put(&json!({ "orgId": "abc", "environment": environment }));
    bench.settle().await;
    bench.provisioned("abc").await;
    bench
}

/// The same account with the organization's user and bucket in these states.
fn put_in_state(bench: &Bench, start: &World, cell: &Cell) {
    let account = bench.system.place.account.clone();
    bench.system.aws.restore(start.clone());
    bench.system.aws.with_world(|world| {
        let users = &mut world.account(&account).iam.users;
        match (cell.user, users.get_mut("rms_abc")) {
            (Some(state), Some(user)) => {
                user.tags.retain(|(key, _)| key != "OrgState");
                user.tags.push(("OrgState".to_owned(), state.to_owned()));
            }
            _ => drop(users.remove("rms_abc")),
        }
        match (cell.bucket, world.buckets.get_mut("fusion-rms-abc")) {
            (Some(state), Some(bucket)) => drop(bucket.tags.insert("OrgState".to_owned(), state.to_owned())),
            _ => drop(world.buckets.remove("fusion-rms-abc")),
        }
    });
    bench.system.aws.take_trace();
}

/// The writes of a delivery to anything but events and queues, and all its calls to other services.
fn calls(bench: &Bench) -> (Vec<Recorded>, usize) {
    let trace = bench.system.aws.take_trace();
    let own: Vec<Recorded> = trace.into_iter().filter(|call| !["events", "sqs"].contains(&call.service)).collect();
    let all = own.len();
    (own.into_iter().filter(|call| call.mutating).collect(), all)
}

/// Answers how the delivery of one event to the function ended.
async fn as_one_event(bench: &Bench, step: &str, event: &Value) -> Result<Value, String> {
    let answer = bench.system.invoke(step, event.clone()).await.map_err(|error| error.error_type)?;
    match answer["error"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(answer["outcome"].clone()),
    }
}

fn judge(bench: &Bench, what: &str, expected: Ending, ended: &Result<Value, String>) {
    let (writes, calls) = calls(bench);
    match expected {
        Refused(code) => {
            assert_eq!(ended, &Err(code.to_owned()), "{what}");
            assert_eq!(writes, [], "{what}: refused before the first write");
            if ["source-not-allowed", "wrong-account"].contains(&code) {
                assert_eq!(calls, 0, "{what}: refused before the first look");
            }
        }
        Unchanged => {
            assert_eq!(ended, &Ok(json!("unchanged")), "{what}");
            assert_eq!(writes, [], "{what}: nothing to write");
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
    for environment in ["production", "staging", "qa", "development", "demo"] {
        for (user, bucket) in STATES.iter().flat_map(|user| STATES.iter().map(|bucket| (*user, *bucket))) {
            let cell = Cell { class, environment, user, bucket };
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
    for (user, bucket) in STATES.iter().flat_map(|user| STATES.iter().map(|bucket| (*user, *bucket))) {
        for environment in ["production", "demo"] {
            let cell = Cell { class: AccountClass::Production, environment, user, bucket };
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
        for environment in ["production", "staging", "qa", "development", "demo"] {
            for step in STEPS.map(|step| step.spec.name) {
                bench.system.aws.take_trace();
                let ended = as_one_event(&bench, step, &event("org-signup", Kind::Command, environment)).await;
                judge(&bench, &format!("{step} {environment} {class}"), Refused("wrong-account"), &ended);
            }
        }
    }
}
