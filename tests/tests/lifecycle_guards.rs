//! The guard matrix of what comes after sign-up: environment, class of account, sender, and the organization's state on its
//! user and its bucket, for every step whose command is about an organization. The expected codes are a table of its own
//! here, not the code's.

use local_aws::{Recorded, World};
use local_system::LocalOptions;
use org::AccountClass;
use serde_json::{Value, json};
use tests::Bench;
use tests::bootstrap::envelope;
use tests::lifecycle::{BUCKET, USER};

/// The steps and their commands.
const COMMANDS: [(&str, &str); 5] = [
    ("suspend", "OrgSuspended"),
    ("resume", "OrgResumed"),
    ("offboard", "OrgDeleted"),
    ("adopt", "OrgAdoptionRequested"),
    ("reconcile", "OrgReconciliationRequested"),
];

/// How an organization's resource can be found, from what is open to what is closed.
const STATES: [Option<&str>; 4] = [None, Some("active"), Some("suspended"), Some("offboarded")];

/// Who sends the command, and whether that is believed.
const SENDERS: [(&str, bool); 4] = [("org-signup", true), ("org-provisioner", false), ("somebody", false), ("", false)];

const ENVIRONMENTS: [&str; 5] = ["production", "staging", "qa", "development", "demo"];

#[derive(Clone, Copy, Debug)]
struct Cell {
    class: AccountClass,
    environment: &'static str,
    user: Option<&'static str>,
    bucket: Option<&'static str>,
}

/// Production and staging belong in production accounts, all others in the others.
fn belongs(cell: &Cell) -> bool {
    matches!(cell.environment, "production" | "staging") == (cell.class == AccountClass::Production)
}

/// The code of the refusal, or none if the command is carried out.
fn expected(step: &str, cell: &Cell, believed: bool) -> Option<&'static str> {
    if !believed {
        return Some("source-not-allowed");
    }
    if !belongs(cell) {
        return Some("wrong-account");
    }
    // Of two states the one counts that leaves less open; in STATES it comes later.
    let place = |state| STATES.iter().position(|known| *known == state);
    let state = STATES[place(cell.user).max(place(cell.bucket)).unwrap()];
    match (step, state) {
        ("reconcile", _) => None,
        ("adopt", None) => Some("adoption-differs"),
        ("suspend" | "resume" | "offboard", None) => Some("waiting"),
        ("adopt", Some("suspended" | "offboarded")) | ("suspend" | "resume", Some("offboarded")) => {
            Some("org-not-active")
        }
        _ => None,
    }
}

fn event(bench: &Bench, source: &str, detail_type: &str, cell: &Cell) -> Value {
    let mut detail = json!({ "orgId": "abc", "environment": cell.environment });
    match detail_type {
        "OrgDeleted" => detail["confirmOrgId"] = json!("abc"),
        // What is there is named, and something that is not, if nothing is there.
        "OrgAdoptionRequested" if cell.user.is_some() => {
            detail["adopt"] = json!({ "userArn": bench.system.place.user_arn(USER) });
        }
        "OrgAdoptionRequested" => detail["adopt"] = json!({ "bucket": BUCKET }),
        _ => {}
    }
    let mut event = envelope(&detail);
    event["source"] = json!(source);
    event["detail-type"] = json!(detail_type);
    event
}

/// The account in which `abc` has everything, with its user and bucket in these states.
fn put_in_state(bench: &Bench, start: &World, cell: &Cell) {
    let account = bench.system.place.account.clone();
    bench.system.aws.restore(start.clone());
    bench.system.aws.with_world(|world| {
        let users = &mut world.account(&account).iam.users;
        match (cell.user, users.get_mut(USER)) {
            (Some(state), Some(user)) => {
                user.tags.retain(|(key, _)| key != "OrgState");
                user.tags.push(("OrgState".to_owned(), state.to_owned()));
            }
            _ => drop(users.remove(USER)),
        }
        match (cell.bucket, world.buckets.get_mut(BUCKET)) {
            (Some(state), Some(bucket)) => drop(bucket.tags.insert("OrgState".to_owned(), state.to_owned())),
            _ => drop(world.buckets.remove(BUCKET)),
        }
    });
    bench.system.aws.take_trace();
}

fn judge(bench: &Bench, step: &str, what: &str, expected: Option<&str>, ended: &Result<Value, String>) {
    let trace = bench.system.aws.take_trace();
    let calls: Vec<Recorded> = trace.into_iter().filter(|call| !["events", "sqs"].contains(&call.service)).collect();
    let writes: Vec<&Recorded> = calls.iter().filter(|call| call.mutating).collect();
    if let Some(code) = expected {
        assert_eq!(ended, &Err(code.to_owned()), "{what}");
        assert!(writes.is_empty(), "{what}: refused before the first write: {writes:?}");
        if ["source-not-allowed", "wrong-account"].contains(&code) {
            assert_eq!(calls.len(), 0, "{what}: refused before the first look");
        }
        return;
    }
    assert!(ended.is_ok(), "{what}: {ended:?}");
    let own = |call: &&&Recorded| {
        ["rms_abc", "fusion-rms-abc", "fusion-rms/abc"].iter().any(|own| call.resource.contains(own))
    };
    assert_eq!(writes.iter().filter(own).count(), writes.len(), "{what}: {writes:?}");
    if ["adopt", "reconcile"].contains(&step) {
        assert!(writes.is_empty(), "{what}: there is nothing to adopt, and who looks writes nothing: {writes:?}");
    }
}

async fn as_one_event(bench: &Bench, step: &str, event: Value) -> Result<Value, String> {
    let answer = bench.system.invoke(step, event).await.map_err(|error| error.error_type)?;
    match answer["error"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(answer["outcome"].clone()),
    }
}

async fn matrix(class: AccountClass) -> usize {
    let bench = Bench::with(&LocalOptions { account_class: class, ..LocalOptions::default() });
    let environment = if class == AccountClass::Production { "production" } else { "qa" };
    bench.put(&json!({ "orgId": "abc", "environment": environment }));
    bench.settle().await;
    bench.provisioned("abc").await;
    let start = bench.system.aws.snapshot();
    let mut cells = 0;
    for environment in ENVIRONMENTS {
        for (user, bucket) in STATES.iter().flat_map(|user| STATES.iter().map(|bucket| (*user, *bucket))) {
            let cell = Cell { class, environment, user, bucket };
            for (step, detail_type) in COMMANDS {
                for (source, believed) in SENDERS {
                    let what = format!("{step} of {source:?} {cell:?}");
                    put_in_state(&bench, &start, &cell);
                    let event = event(&bench, source, detail_type, &cell);
                    let ended = as_one_event(&bench, step, event).await;
                    judge(&bench, step, &what, expected(step, &cell, believed), &ended);
                    cells += 1;
                }
            }
        }
    }
    cells
}

#[tokio::test(start_paused = true)]
async fn in_a_production_account_every_guard_refuses_before_the_first_write() {
    assert_eq!(matrix(AccountClass::Production).await, 5 * 16 * 5 * 4);
}

#[tokio::test(start_paused = true)]
async fn in_any_other_account_every_guard_refuses_before_the_first_write() {
    assert_eq!(matrix(AccountClass::NonProduction).await, 5 * 16 * 5 * 4);
}
