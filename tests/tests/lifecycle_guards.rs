//! The guard matrix of what comes after sign-up: environment, class of account, sender, and the organization's state on its
//! user and its bucket, for every step whose command is about an organization. The expected codes are a table of its own
//! here, not the code's.

use local_aws::Recorded;
use org::AccountClass;
use serde_json::{Value, json};
use tests::Bench;
use tests::bootstrap::envelope;
use tests::guards::{Cell, ENVIRONMENTS, STATES, as_one_event, calls, provisioned, put_in_state, refused};
use tests::lifecycle::{BUCKET, USER};

/// The steps and their commands.
const COMMANDS: [(&str, &str); 5] = [
    ("suspend", "OrgSuspended"),
    ("resume", "OrgResumed"),
    ("offboard", "OrgDeleted"),
    ("adopt", "OrgAdoptionRequested"),
    ("reconcile", "OrgReconciliationRequested"),
];

/// Who sends the command, and whether that is believed.
const SENDERS: [(&str, bool); 4] = [("org-signup", true), ("org-provisioner", false), ("somebody", false), ("", false)];

/// The code of the refusal, or none if the command is carried out.
fn expected(step: &str, cell: &Cell, believed: bool) -> Option<&'static str> {
    if !believed {
        return Some("source-not-allowed");
    }
    if !cell.belongs() {
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

fn judge(bench: &Bench, step: &str, what: &str, expected: Option<&str>, ended: &Result<Value, String>) {
    let calls = calls(bench);
    if let Some(code) = expected {
        return refused(what, code, ended, &calls);
    }
    let writes = calls.0;
    assert!(ended.is_ok(), "{what}: {ended:?}");
    let own = |call: &&Recorded| {
        ["rms_abc", "fusion-rms-abc", "fusion-rms/abc"].iter().any(|own| call.resource.contains(own))
    };
    assert_eq!(writes.iter().filter(own).count(), writes.len(), "{what}: {writes:?}");
    if ["adopt", "reconcile"].contains(&step) {
        assert!(writes.is_empty(), "{what}: there is nothing to adopt, and who looks writes nothing: {writes:?}");
    }
}

async fn matrix(class: AccountClass) -> usize {
    let bench = provisioned(class).await;
    let start = bench.system.aws.snapshot();
    let mut cells = 0;
    for environment in ENVIRONMENTS {
        for cell in Cell::all(class, environment) {
            for (step, detail_type) in COMMANDS {
                for (source, believed) in SENDERS {
                    let what = format!("{step} of {source:?} {cell:?}");
                    put_in_state(&bench, &start, &cell);
                    let event = event(&bench, source, detail_type, &cell);
                    let ended = as_one_event(&bench, step, &event).await;
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
