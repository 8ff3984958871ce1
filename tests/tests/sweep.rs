//! Going through all organizations of an account, part after part, and the account's limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_aws::{Fault, FaultPlan};
use local_system::{Emitted, LocalOptions};
use serde_json::{Value, json};
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER};
use tests::{Bench, failure_codes, of_type};

const HOUR: Duration = Duration::from_secs(3600);
const SWEEP: &str = "2026-01-02T06:00:00Z";

fn with(environment: &[(&str, &str)]) -> Bench {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Bench::with(&LocalOptions { environment, ..LocalOptions::default() })
}

/// Begins a sweep, as the schedule does, and answers what came of it.
async fn sweep(bench: &Bench) -> Vec<Emitted> {
    bench.system.send("sweep", &json!({ "sweep": SWEEP }).to_string()).unwrap();
    bench.settle().await
}

/// How often each organization was looked at.
fn looked_at(events: &[Emitted]) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for detail in of_type(events, "OrgReconciled") {
        assert_eq!(detail["requestId"], format!("sweep-{SWEEP}"));
        *seen.entry(detail["orgId"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    seen
}

/// Users of so many organizations, without anything else, made long ago.
fn crowd(bench: &Bench, count: usize) -> BTreeSet<String> {
    bench.system.aws.with_world(|world| {
        let users = &mut world.account(ACCOUNT).iam.users;
        let model = users[USER].clone();
        (0..count)
            .map(|number| {
                let (org, mut user) = (format!("o{number:04}"), model.clone());
                user.name = format!("rms_{org}");
                user.tags.iter_mut().filter(|(key, _)| key == "OrgId").for_each(|(_, value)| value.clone_from(&org));
                user.access_keys.clear();
                users.insert(user.name.clone(), user);
                org
            })
            .collect()
    })
}

async fn signed_up(bench: &Bench, orgs: &[&str]) {
    for org in orgs {
        bench.sign_up(org);
    }
    bench.settle().await;
    tokio::time::sleep(HOUR).await;
    bench.system.aws.take_trace();
}

#[tokio::test(start_paused = true)]
async fn every_organization_is_looked_at_once_and_nobody_else() {
    let bench = with(&[]);
    bench.bucket_of_a_stranger("fusion-rms-taken").await;
    signed_up(&bench, &["abc", "abd", "taken", "gone"]).await;
    bench.command("OrgDeleted", "gone");
    bench.settle().await;
    bench.iam().create_user().user_name("somebody").send().await.unwrap();
    bench.iam().create_user().user_name("rms_inapath").path("/people/").send().await.unwrap();
    bench.s3(ACCOUNT, "local").create_bucket().bucket("fusion-rms-abc-logs").send().await.unwrap();
    bench.s3(ACCOUNT, "local").create_bucket().bucket("somebodys-bucket").send().await.unwrap();
    tokio::time::sleep(HOUR).await;
    bench.writes();
    let events = sweep(&bench).await;
    assert_eq!(failure_codes(&events), Vec::<String>::new());
    let expected = ["abc", "abd", "gone", "taken"].map(|org| (org.to_owned(), 1));
    assert_eq!(looked_at(&events), expected.into());
    assert!(of_type(&events, "OrgDriftDetected").is_empty(), "{events:?}");
    assert_eq!(bench.writes(), []);
    let done = of_type(&events, "AccountSwept");
    assert_eq!(done.len(), 1);
    assert_eq!((&done[0]["sweep"], &done[0]["step"]), (&json!(SWEEP), &json!("sweep")));
    assert!(of_type(&events, "CapacityWarning").is_empty());
    let capacity = done[0]["capacity"].clone();
    assert_eq!(
        capacity,
        json!([
            { "resource": "users", "used": 5, "limit": 5000, "usedPercent": 0 },
            { "resource": "buckets", "used": 6, "limit": 10000, "usedPercent": 0 },
            { "resource": "secrets", "used": 4, "limit": 500_000, "usedPercent": 0 },
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_user_and_bucket_is_found_too() {
    let bench = with(&[]);
    signed_up(&bench, &["abc"]).await;
    bench.system.aws.with_world(|world| {
        world.account(ACCOUNT).iam.users.remove(USER);
        world.buckets.remove(BUCKET);
    });
    let events = sweep(&bench).await;
    let found = of_type(&events, "OrgDriftDetected");
    assert_eq!((&found[0]["orgId"], &found[0]["findings"][0]["code"]), (&json!("abc"), &json!("secret-left")));
    assert_eq!(found[0]["findings"][0]["resource"], format!("secret {SECRET}"));
}

/// More organizations than one run sends: the next run goes on behind the last, a second for each organization.
#[tokio::test(start_paused = true)]
async fn a_sweep_goes_on_page_after_page_at_its_pace() {
    let bench = with(&[]);
    signed_up(&bench, &["abc"]).await;
    let mut expected = crowd(&bench, 620);
    expected.insert("abc".to_owned());
    let begun = bench.system.aws.now();
    let events = sweep(&bench).await;
    assert_eq!(failure_codes(&events), Vec::<String>::new());
    let seen = looked_at(&events);
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(seen.values().all(|times| *times == 1), "each once");
    let took = bench.system.aws.now().since(begun);
    assert!(took >= Duration::from_secs(620), "a second for each: {took:?}");
    let trace = bench.system.aws.take_trace();
    let calls = |operation: &str| trace.iter().filter(|call| call.operation == operation).count();
    let pages = 3;
    assert_eq!(calls("ListUsers"), (2 + 1) * pages, "two parts, and one that looks for secrets without users");
    assert_eq!(of_type(&events, "AccountSwept").len(), 1);
}

/// Stopped in the middle of sending, the run is repeated from where its message says, and everybody is looked at.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_was_stopped_in_the_middle_is_resumed() {
    let bench = with(&[]);
    signed_up(&bench, &["abc"]).await;
    let mut expected = crowd(&bench, 620);
    expected.insert("abc".to_owned());
    // Long enough for every attempt of the run's calls to fail, of the first run and of the next.
    let plan = (30..=60).fold(FaultPlan::default(), |plan, nth| {
        let fault = if nth % 2 == 0 { Fault::LostReply } else { Fault::Throttle };
        plan.on("SendMessageBatch", nth, fault)
    });
    bench.system.aws.plan_faults(plan);
    let events = sweep(&bench).await;
    assert_eq!(failure_codes(&events), Vec::<String>::new());
    let seen = looked_at(&events);
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(seen.values().any(|times| *times > 1), "what was sent before is sent again");
    assert_eq!(of_type(&events, "AccountSwept").len(), 1, "the next part was not asked for twice");
}

/// The same schedule delivered twice, and one part twice: more looks, and the same events.
#[tokio::test(start_paused = true)]
async fn duplicates_are_harmless() {
    let bench = with(&[]);
    signed_up(&bench, &["abc", "abd"]).await;
    bench.system.send("sweep", &json!({ "sweep": SWEEP }).to_string()).unwrap();
    let events = sweep(&bench).await;
    assert_eq!(failure_codes(&events), Vec::<String>::new());
    assert_eq!(looked_at(&events), ["abc", "abd"].map(|org| (org.to_owned(), 2)).into());
    let ids: BTreeSet<String> = of_type(&events, "AccountSwept").iter().map(|d| d["eventId"].to_string()).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_near_is_warned_of() {
    for (environment, warned) in [
        (vec![("BUCKET_LIMIT", "2")], true),
        (vec![("BUCKET_LIMIT", "3")], false),
        (vec![("BUCKET_LIMIT", "3"), ("CAPACITY_WARNING_PERCENT", "66")], true),
    ] {
        let bench = with(&environment);
        signed_up(&bench, &["abc", "abd"]).await;
        let events = sweep(&bench).await;
        let warnings = of_type(&events, "CapacityWarning");
        assert_eq!(warnings.len(), usize::from(warned), "{environment:?}");
        if let [warning] = warnings[..] {
            assert_eq!(warning["capacity"][1]["resource"], "buckets");
            assert_ne!(warning["eventId"], of_type(&events, "AccountSwept")[0]["eventId"]);
        }
    }
}

/// What is no part of a sweep is kept for a person, and told.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_no_sweep_is_refused() {
    let bench = with(&[]);
    bench.system.send("sweep", &json!({ "sweep": SWEEP, "capacity": {} }).to_string()).unwrap();
    bench.system.send("sweep", "{}").unwrap();
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), ["invalid-field"], "without a name it concerns nobody who could be told");
    let kept: Vec<Value> = bench.system.take_dead_letters("sweep").unwrap();
    assert_eq!(kept.len(), 2);
}
