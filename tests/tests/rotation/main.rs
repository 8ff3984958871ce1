//! The rotation of an access key, as Secrets Manager drives it and step by step.

use std::time::Duration;

use local_aws::{Fault, FaultPlan, Propagation};
use serde_json::{Value, json};
use tests::{Bench, begin_rotation, failure_codes, of_type};

mod later;

const SECRET: &str = "fusion-rms/abc/aws";
const OVERLAP: Duration = Duration::from_secs(604_800);
const A_MINUTE: Duration = Duration::from_secs(60);
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// A provisioned organization, an hour old.
async fn provisioned() -> Bench {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    bench.writes();
    bench
}

/// Has Secrets Manager rotate; answers the token.
async fn rotate(bench: &Bench) -> String {
    let rules = aws_sdk_secretsmanager::types::RotationRulesType::builder().automatically_after_days(90).build();
    let request = bench.secrets().rotate_secret().secret_id(SECRET).rotation_rules(rules);
    let request = request.rotation_lambda_arn(bench.system.lambda.function_arn("rotate"));
    request.send().await.unwrap().version_id.unwrap()
}

async fn step(bench: &Bench, step: &str, secret: &str, token: &str) -> Result<Value, String> {
    let asked =
        json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token, "RotationToken": "not ours to see" });
    bench.system.invoke("rotate", asked).await.map_err(|error| error.error_type)
}

async fn retire(bench: &Bench, token: &str) -> Result<Value, String> {
    let asked = json!({ "orgId": "abc", "action": "retireKey", "token": token });
    bench.system.invoke("rotate", asked).await.map_err(|error| error.error_type)
}

/// The user's keys, with whether they are active, in the order made.
async fn keys(bench: &Bench) -> Vec<(String, bool)> {
    let keys = bench.iam().list_access_keys().user_name("rms_abc").send().await.unwrap().access_key_metadata;
    keys.into_iter()
        .map(|key| (key.access_key_id.unwrap(), key.status.is_some_and(|status| status.as_str() == "Active")))
        .collect()
}

async fn held(bench: &Bench, label: &str) -> Option<String> {
    let answer = bench.secrets().get_secret_value().secret_id(SECRET).version_stage(label).send().await.ok()?;
    let value: Value = serde_json::from_str(answer.secret_string()?).unwrap();
    Some(value["accessKeyId"].as_str().unwrap().to_owned())
}

fn names(bench: &Bench) -> Vec<String> {
    bench.writes().into_iter().map(|call| call.operation).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rotation_makes_a_new_key_current_and_leaves_the_old_one_working() {
    let bench = provisioned().await;
    let old = bench.stored_key("abc").await;
    let token = rotate(&bench).await;
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), [""; 0]);
    let told = of_type(&events, "OrgKeyRotated");
    assert_eq!(told.len(), 1, "the first three steps are nobody's news: {events:?}");
    assert_eq!((&told[0]["orgId"], &told[0]["request"]["token"]), (&json!("abc"), &json!(token)));
    assert_eq!(events.len(), 1);
    let new = bench.stored_key("abc").await;
    let id = |key: &Value| key["accessKeyId"].as_str().unwrap().to_owned();
    assert_eq!(keys(&bench).await, [(id(&old), true), (id(&new), true)]);
    assert_eq!((held(&bench, "AWSCURRENT").await, held(&bench, "AWSPREVIOUS").await), (Some(id(&new)), Some(id(&old))));
    assert_eq!(held(&bench, "AWSPENDING").await, None);
    for key in [&old, &new] {
        let theirs = bench.s3(&id(key), key["secretAccessKey"].as_str().unwrap());
        let bucket = bench.only_bucket("abc");
        assert!(theirs.list_objects_v2().bucket(bucket).send().await.is_ok(), "both keys work");
    }
    let seen = serde_json::to_string(&events.iter().map(|event| &event.detail).collect::<Vec<_>>()).unwrap();
    for key in [&old, &new] {
        assert!(!seen.contains(&key["secretAccessKey"].as_str().unwrap()[..12]));
    }
    assert!(!seen.contains("not ours to see"));
}

#[tokio::test(start_paused = true)]
async fn a_sign_up_during_a_rotation_changes_nothing() {
    let bench = provisioned().await;
    let (secret, token) = begin_rotation(&bench.system, "abc");
    for done in STEPS {
        step(&bench, done, &secret, &token).await.unwrap();
        for wait in [Duration::ZERO, Duration::from_secs(3600)] {
            tokio::time::sleep(wait).await;
            bench.writes();
            bench.sign_up("abc");
            let events = bench.settle().await;
            assert_eq!(names(&bench), [""; 0], "after {done}");
            assert_eq!(failure_codes(&events), [""; 0], "after {done}");
            let evidence = of_type(&events, "OrgProvisioned")[0]["evidence"].to_string();
            assert!(
                evidence.contains("is the current one of a rotation, active, and stored"),
                "after {done}: {evidence}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_old_key_is_deactivated_after_its_overlap_and_deleted_after_another() {
    let bench = provisioned().await;
    let old = held(&bench, "AWSCURRENT").await.unwrap();
    let token = rotate(&bench).await;
    bench.settle().await;
    assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress");
    // The delayed check was waited for too.
    tokio::time::sleep(OVERLAP - A_MINUTE * 10).await;
    bench.writes();
    assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress");
    assert_eq!(names(&bench), [""; 0]);
    tokio::time::sleep(A_MINUTE * 11).await;
    assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress");
    assert_eq!(names(&bench), ["UpdateAccessKey"]);
    assert_eq!(keys(&bench).await[0], (old.clone(), false));
    // A sign-up takes the deactivated key for the rotation's.
    bench.sign_up("abc");
    assert_eq!(failure_codes(&bench.settle().await), [""; 0]);
    assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress", "it rests first");
    tokio::time::sleep(OVERLAP).await;
    bench.writes();
    assert_eq!(retire(&bench, &token).await.unwrap()["outcome"], "updated");
    assert_eq!(names(&bench), ["DeleteAccessKey"]);
    assert_eq!(retire(&bench, &token).await.unwrap()["outcome"], "unchanged");
    let events = bench.settle().await;
    let told = of_type(&events, "OrgKeyRetired");
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["eventId"], told[1]["eventId"]);
    assert_ne!(bench.provisioned("abc").await.access_key_id, old);
}

#[tokio::test(start_paused = true)]
async fn an_old_key_that_somebody_activated_again_and_uses_is_not_deleted() {
    let bench = provisioned().await;
    let old = bench.stored_key("abc").await;
    let token = rotate(&bench).await;
    bench.settle().await;
    tokio::time::sleep(OVERLAP + A_MINUTE).await;
    assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress");
    let (id, secret) = (old["accessKeyId"].as_str().unwrap(), old["secretAccessKey"].as_str().unwrap());
    let again = bench.iam().update_access_key().user_name("rms_abc").access_key_id(id);
    again.status(aws_sdk_iam::types::StatusType::Active).send().await.unwrap();
    tokio::time::sleep(OVERLAP).await;
    bench.s3(id, secret).list_objects_v2().bucket(bench.only_bucket("abc")).send().await.unwrap();
    for _ in 0..2 {
        assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress");
        assert_eq!(keys(&bench).await[0], (id.to_owned(), false), "deactivated once more, and kept");
    }
    tokio::time::sleep(OVERLAP + A_MINUTE).await;
    retire(&bench, &token).await.unwrap();
    bench.provisioned("abc").await;
}

#[tokio::test(start_paused = true)]
async fn the_next_rotation_waits_for_the_old_key_s_end() {
    let bench = provisioned().await;
    rotate(&bench).await;
    bench.settle().await;
    let (first, second) = (keys(&bench).await, rotate(&bench).await);
    bench.settle().await;
    assert_eq!(keys(&bench).await, first, "no third key, and none is taken away");
    let refused = bench.secrets().rotate_secret().secret_id(SECRET).send().await.unwrap_err();
    let message = refused.into_service_error().to_string();
    assert!(message.contains("A previous rotation isn't complete"), "{message}");
    bench.settle().await;
    // Nobody retired it: after its time, a rotation that is tried again does.
    tokio::time::sleep(OVERLAP * 2 + A_MINUTE).await;
    for _ in 0..2 {
        drop(bench.secrets().rotate_secret().secret_id(SECRET).send().await);
        bench.settle().await;
    }
    let described = bench.secrets().describe_secret().secret_id(SECRET).send().await.unwrap();
    let labels = described.version_ids_to_stages.unwrap();
    assert_eq!(labels[&second], ["AWSCURRENT"]);
    assert_eq!(keys(&bench).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_step_can_be_run_again_and_at_once() {
    let bench = provisioned().await;
    let (secret, token) = begin_rotation(&bench.system, "abc");
    for name in ["setSecret", "finishSecret"] {
        assert_eq!(step(&bench, name, &secret, &token).await.unwrap_err(), "waiting", "out of turn");
    }
    for name in STEPS {
        bench.system.aws.set_latency(Duration::from_millis(20));
        let runs = (0..3).map(|_| step(&bench, name, &secret, &token));
        let answers = futures_util::future::join_all(runs).await;
        assert!(answers.iter().any(Result::is_ok), "{name}: {answers:?}");
        bench.system.aws.set_latency(Duration::ZERO);
        step(&bench, name, &secret, &token).await.unwrap();
        bench.writes();
        assert_eq!(step(&bench, name, &secret, &token).await.unwrap()["outcome"].as_str(), Some("unchanged"));
        assert_eq!(names(&bench), [""; 0], "{name} once more");
    }
    bench.settle().await;
    assert_eq!(keys(&bench).await.len(), 2);
    for name in STEPS {
        step(&bench, name, &secret, &token).await.unwrap();
    }
    assert_eq!(held(&bench, "AWSCURRENT").await, Some(keys(&bench).await[1].0.clone()));
}

/// With every fault at every call of each step, as often as a client tries, and then the step again.
#[tokio::test(start_paused = true)]
async fn any_fault_in_any_step_is_survived() {
    let operations = [
        "GetUser",
        "ListAccessKeys",
        "DescribeSecret",
        "GetSecretValue",
        "SendMessage",
        "CreateAccessKey",
        "PutSecretValue",
        "GetCallerIdentity",
        "ListBuckets",
        "UpdateSecretVersionStage",
        "DescribeEventBus",
        "PutEvents",
    ];
    for operation in operations {
        for fault in [Fault::Throttle, Fault::ServerError, Fault::ConnectionReset, Fault::LostReply] {
            for times in [1, 3] {
                let bench = provisioned().await;
                let plan = (1..=times).fold(FaultPlan::default(), |plan, nth| plan.on(operation, nth, fault.clone()));
                bench.system.aws.plan_faults(plan);
                rotate(&bench).await;
                let events = bench.settle().await;
                let told = || format!("{operation} {fault:?} {times}");
                assert_eq!(failure_codes(&events), [""; 0], "{}", told());
                assert!(!of_type(&events, "OrgKeyRotated").is_empty(), "{}", told());
                let keys = keys(&bench).await;
                assert_eq!(keys.len(), 2, "{}", told());
                let held = (held(&bench, "AWSPREVIOUS").await.unwrap(), held(&bench, "AWSCURRENT").await.unwrap());
                assert_eq!(held, (keys[0].0.clone(), keys[1].0.clone()), "{}", told());
            }
        }
    }
}

/// Put with a value of somebody else's, the token is taken: the key that was made for it is deleted again.
#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_stored_is_deleted_again() {
    let bench = provisioned().await;
    let (secret, token) = begin_rotation(&bench.system, "abc");
    bench.system.aws.plan_faults(FaultPlan::default().on(
        "PutSecretValue",
        1,
        Fault::Refuse { code: "ResourceExistsException", status: 400 },
    ));
    assert_eq!(step(&bench, "createSecret", &secret, &token).await.unwrap_err(), "concurrent-update");
    assert_eq!(keys(&bench).await.len(), 1);
}

/// Nobody knows whether it was stored, and the rotation ends there: the delayed check deletes the key.
#[tokio::test(start_paused = true)]
async fn a_lost_key_is_deleted_by_the_delayed_check() {
    let bench = provisioned().await;
    let (secret, token) = begin_rotation(&bench.system, "abc");
    let reset = |plan: FaultPlan, nth| plan.on("PutSecretValue", nth, Fault::ConnectionReset);
    bench.system.aws.plan_faults((1..=3).fold(FaultPlan::default(), reset));
    assert_eq!(step(&bench, "createSecret", &secret, &token).await.unwrap_err(), "outcome-unknown");
    assert_eq!(keys(&bench).await.len(), 2);
    bench.settle().await;
    assert_eq!(keys(&bench).await.len(), 1);
    step(&bench, "createSecret", &secret, &token).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_key_that_is_not_known_everywhere_yet_does_not_become_current() {
    let late = Duration::from_secs(90);
    becomes_current_after(late, Propagation { key_usable: late, ..Propagation::default() }).await;
}

/// Where new keys come late, the new one does not become current before it is known.
async fn becomes_current_after(late: Duration, propagation: Propagation) {
    let bench = provisioned().await;
    bench.system.aws.with_world(|world| world.propagation = propagation);
    let (secret, token) = begin_rotation(&bench.system, "abc");
    for name in &STEPS[..2] {
        step(&bench, name, &secret, &token).await.unwrap();
    }
    // Not even if nobody asks for the test.
    for name in ["testSecret", "finishSecret"] {
        assert_eq!(step(&bench, name, &secret, &token).await.unwrap_err(), "propagating");
    }
    assert_eq!(held(&bench, "AWSPREVIOUS").await, None);
    tokio::time::sleep(late).await;
    for name in &STEPS[2..] {
        step(&bench, name, &secret, &token).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_not_active_is_not_rotated() {
    let bench = provisioned().await;
    let tag = aws_sdk_iam::types::Tag::builder().key("OrgState").value("suspended").build().unwrap();
    bench.iam().tag_user().user_name("rms_abc").tags(tag).send().await.unwrap();
    let (secret, token) = begin_rotation(&bench.system, "abc");
    bench.writes();
    for name in STEPS {
        assert_eq!(step(&bench, name, &secret, &token).await.unwrap_err(), "org-not-active");
    }
    assert_eq!(retire(&bench, &token).await.unwrap_err(), "in-progress", "a retirement waits");
    assert_eq!(names(&bench), [""; 0]);
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), ["org-not-active"; 4]);
    assert_eq!(of_type(&events, "OrgProvisioningFailed")[0]["step"], "rotate");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_organizations_own_is_not_touched() {
    let bench = provisioned().await;
    let (secret, token) = begin_rotation(&bench.system, "abc");
    bench.writes();
    for other in [
        secret.replace("111111111111", "222222222222"),
        secret.replace("us-east-1", "eu-west-1"),
        secret.replace("fusion-rms/abc", "fusion/abc"),
        "fusion-rms/abc/aws".to_owned(),
    ] {
        assert_eq!(step(&bench, "createSecret", &other, &token).await.unwrap_err(), "invalid-field", "{other}");
    }
    let nobody = secret.replace("/abc/", "/xyz/");
    assert_eq!(step(&bench, "createSecret", &nobody, &token).await.unwrap_err(), "waiting");
    let unknown = step(&bench, "createSecret", &secret, &token.replace('-', "x")).await;
    assert_eq!(unknown.unwrap_err(), "propagating", "no rotation has this token");
    bench.iam().untag_user().user_name("rms_abc").tag_keys("OrgId").send().await.unwrap();
    assert_eq!(step(&bench, "createSecret", &secret, &token).await.unwrap_err(), "not-ours");
    assert_eq!(names(&bench), ["UntagUser"]);
}

#[tokio::test(start_paused = true)]
async fn new_organizations_are_rotated_on_schedule_where_the_deployment_says_so() {
    let function = "arn:aws:lambda:us-east-1:111111111111:function:rotate";
    let environment = [("ROTATION_FUNCTION_ARN", function), ("ROTATION_DAYS", "30")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let bench = Bench::with(&local_system::LocalOptions { environment, ..local_system::LocalOptions::default() });
    bench.sign_up("abc");
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), [""; 0]);
    let before = bench.provisioned("abc").await.access_key_id;
    let described = bench.secrets().describe_secret().secret_id(SECRET).send().await.unwrap();
    assert_eq!((described.rotation_enabled(), described.rotation_lambda_arn()), (Some(true), Some(function)));
    assert_eq!(described.rotation_rules().unwrap().automatically_after_days(), Some(30));
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 1, "not rotated at once");
    bench.writes();
    bench.sign_up("abc");
    bench.settle().await;
    assert_eq!(names(&bench), [""; 0], "it is set once");
    bench.secrets().rotate_secret().secret_id(SECRET).send().await.unwrap();
    assert_eq!(of_type(&bench.settle().await, "OrgKeyRotated").len(), 1);
    assert_ne!(held(&bench, "AWSCURRENT").await, Some(before));
}
