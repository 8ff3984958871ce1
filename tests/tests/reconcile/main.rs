//! Holding organizations that are there against the conventions: what is found, what is mended, and what is left alone.

mod drifts;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_iam::types::{StatusType, Tag};
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use contract::{FindingCode, Remedy};
use drifts::{DRIFTS, key_id, put_policy, tag_user};
use local_system::{Emitted, LocalOptions};
use serde_json::{Value, json};
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER, run};
use tests::{Bench, failure_codes, of_type};

const HOUR: Duration = Duration::from_secs(3600);

/// An organization that has everything, for long enough that no sign-up can be at work on it.
async fn settled(options: &LocalOptions) -> Bench {
    let bench = Bench::with(options);
    bench.sign_up("abc");
    bench.settle().await;
    tokio::time::sleep(HOUR).await;
    bench.writes();
    bench
}

fn repairing() -> LocalOptions {
    let mut options = LocalOptions::default();
    options.environment.insert("RECONCILE_REPAIR".to_owned(), "true".to_owned());
    options
}

/// Has the organization looked at and answers the events that came of it.
async fn reconcile(bench: &Bench, org: &str) -> Vec<Emitted> {
    let detail = json!({ "orgId": org, "environment": "production", "correlationId": "look-1" });
    bench.system.put_event("org-signup", "OrgReconciliationRequested", &detail).unwrap();
    bench.settle().await
}

/// The findings of the only look: code and what becomes of it.
fn findings(events: &[Emitted]) -> Vec<(String, String)> {
    assert_eq!(failure_codes(events), Vec::<String>::new());
    let done = of_type(events, "OrgReconciled");
    let [done] = done[..] else { panic!("one look, and {} events", done.len()) };
    let found: Vec<Value> = done["findings"].as_array().cloned().unwrap_or_default();
    let told = of_type(events, "OrgDriftDetected");
    assert_eq!(told.len(), usize::from(!found.is_empty()), "drift is told where there is some");
    if let [told] = told[..] {
        assert_eq!(told["findings"], done["findings"]);
        assert_ne!(told["eventId"], done["eventId"]);
    }
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    found.iter().map(|finding| (text(finding, "code"), text(finding, "repair"))).collect()
}

fn codes(events: &[Emitted]) -> Vec<String> {
    findings(events).into_iter().map(|(code, _)| code).collect()
}

#[tokio::test(start_paused = true)]
async fn an_organization_in_order_has_no_findings_and_nothing_is_written() {
    for options in [LocalOptions::default(), repairing()] {
        let bench = settled(&options).await;
        let events = reconcile(&bench, "abc").await;
        assert_eq!(findings(&events), []);
        let done = of_type(&events, "OrgReconciled")[0];
        assert_eq!((&done["outcome"], &done["evidence"][0]["seen"]), (&json!("unchanged"), &json!("active")));
        assert_eq!(done["resources"].as_array().unwrap().len(), 3);
        assert_eq!(bench.writes(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_drift_is_found_and_named_and_nothing_is_written() {
    for (expected, drift) in DRIFTS {
        let bench = settled(&LocalOptions::default()).await;
        drift(&bench).await;
        bench.writes();
        let events = reconcile(&bench, "abc").await;
        assert_eq!(codes(&events), expected);
        assert!(findings(&events).iter().all(|(_, repair)| repair != "requested"));
        assert_eq!(bench.writes(), [], "{expected:?}");
        let told = of_type(&events, "OrgReconciled")[0].to_string();
        let secrets = bench.system.aws.look(|world| {
            let users = world.accounts.values().flat_map(|account| account.iam.users.values());
            users.flat_map(|user| user.access_keys.iter().map(|key| key.secret.clone())).collect::<Vec<_>>()
        });
        assert!(secrets.iter().all(|secret| !told.contains(secret)), "no secret is told");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_signed_up_is_told_so() {
    let bench = settled(&LocalOptions::default()).await;
    assert_eq!(codes(&reconcile(&bench, "xyz").await), ["nothing-there"]);
}

/// With the switch, what sign-up can mend is mended by sign-up, and nothing else is touched.
#[tokio::test(start_paused = true)]
async fn what_sign_up_can_mend_is_mended_where_the_deployment_says_so() {
    for (expected, drift) in DRIFTS {
        let bench = settled(&repairing()).await;
        drift(&bench).await;
        let before = bench.system.aws.snapshot();
        bench.writes();
        let events = reconcile(&bench, "abc").await;
        let looked = of_type(&events, "OrgReconciled");
        let repairs: BTreeSet<&str> = looked[0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["repair"].as_str().unwrap())
            .collect();
        let by_sign_up = |code: &&str| {
            let code: FindingCode = serde_json::from_value(json!(code)).unwrap();
            code.remedy() == Remedy::SignUp
        };
        assert_eq!(repairs.contains("requested"), expected.iter().all(by_sign_up), "{expected:?}");
        if repairs.contains("requested") {
            assert_eq!(looked[0]["outcome"], "updated");
            assert_eq!(failure_codes(&events), Vec::<String>::new(), "{expected:?}");
            assert!(!of_type(&events, "OrgProvisioned").is_empty(), "{expected:?}");
            assert_eq!(of_type(&events, "OrgProvisioned")[0]["requestId"], "look-1");
            bench.provisioned("abc").await;
            tokio::time::sleep(HOUR).await;
            assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new(), "{expected:?}");
        } else {
            assert_eq!(bench.writes(), [], "{expected:?}");
            let after = bench.system.aws.snapshot();
            assert_eq!(json!(after.buckets), json!(before.buckets), "{expected:?}");
            assert!(of_type(&events, "IamUserProvisioned").is_empty(), "{expected:?}");
        }
    }
}

/// What a person has to decide is left alone even while the rest is mended, or keeps the rest from being mended.
#[tokio::test(start_paused = true)]
async fn a_persons_matter_is_left_alone_beside_a_repair() {
    let bench = settled(&repairing()).await;
    bench.iam().create_login_profile().user_name(USER).password("Correct-Horse-1").send().await.unwrap();
    bench.s3(ACCOUNT, "local").delete_object().bucket(BUCKET).key("pub/").send().await.unwrap();
    let events = reconcile(&bench, "abc").await;
    let expected = [("console-password", "person"), ("marker-missing", "requested")];
    assert_eq!(findings(&events), expected.map(|(code, repair)| (code.to_owned(), repair.to_owned())));
    assert!(bench.iam().get_login_profile().user_name(USER).send().await.is_ok());
    bench.provisioned("abc").await;

    let bench = settled(&repairing()).await;
    put_policy(&bench, &bench.golden("abc", BUCKET).replacen("/pub/*", "/*", 1)).await;
    bench.s3(ACCOUNT, "local").delete_object().bucket(BUCKET).key("pub/").send().await.unwrap();
    bench.writes();
    let events = reconcile(&bench, "abc").await;
    let expected = [("marker-missing", "possible"), ("public-grant", "person")];
    assert_eq!(findings(&events), expected.map(|(code, repair)| (code.to_owned(), repair.to_owned())));
    assert_eq!(bench.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_organization_is_judged_by_what_a_suspension_promises() {
    let bench = settled(&repairing()).await;
    run(&bench, "OrgSuspended").await;
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new(), "a moment ago");
    tokio::time::sleep(HOUR).await;
    bench.writes();
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new());
    let request = bench.iam().update_access_key().user_name(USER).access_key_id(key_id(&bench));
    request.status(StatusType::Active).send().await.unwrap();
    let block = PublicAccessBlockConfiguration::builder().restrict_public_buckets(true).build();
    let request = bench.s3(ACCOUNT, "local").put_public_access_block().bucket(BUCKET);
    request.public_access_block_configuration(block).send().await.unwrap();
    bench.writes();
    assert_eq!(codes(&reconcile(&bench, "abc").await), ["key-active", "bucket-open"]);
    assert_eq!(bench.writes(), [], "no repair opens or closes anything of an organization that is not active");
    run(&bench, "OrgSuspended").await;
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new(), "the command, sent again, mends it");
}

#[tokio::test(start_paused = true)]
async fn an_offboarded_organization_is_judged_by_what_an_offboarding_promises() {
    let bench = settled(&repairing()).await;
    run(&bench, "OrgDeleted").await;
    tokio::time::sleep(HOUR).await;
    bench.writes();
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new());
    // As a user that the provisioner made: its key is one that a run may have left behind.
    bench.secrets().restore_secret().secret_id(SECRET).send().await.unwrap();
    bench.s3(ACCOUNT, "local").delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    let tag = Tag::builder().key("OrgId").value("abc").build().unwrap();
    let state = Tag::builder().key("OrgState").value("offboarded").build().unwrap();
    let made_by = Tag::builder().key("CreatedBy").value("org-provisioner/us-east-1").build().unwrap();
    bench.iam().create_user().user_name(USER).tags(tag).tags(state).tags(made_by).send().await.unwrap();
    bench.iam().create_access_key().user_name(USER).send().await.unwrap();
    tokio::time::sleep(HOUR).await;
    bench.writes();
    let expected = ["user-left", "key-active", "bucket-open", "secret-left"];
    assert_eq!(codes(&reconcile(&bench, "abc").await), expected);
    assert_eq!(bench.writes(), [], "nobody is brought back");
}

#[tokio::test(start_paused = true)]
async fn a_resumption_that_did_not_end_is_told() {
    let bench = settled(&repairing()).await;
    run(&bench, "OrgSuspended").await;
    let before = bench.system.aws.look(|world| world.buckets[BUCKET].tags.clone());
    let bucket: std::collections::BTreeMap<String, String> =
        before.into_iter().map(|(key, value)| (key, value.replace("suspended", "resuming"))).collect();
    bench.system.aws.with_world(|world| world.buckets.get_mut(BUCKET).unwrap().tags = bucket);
    let tags = bench.iam().get_user().user_name(USER).send().await.unwrap().user.unwrap().tags().to_vec();
    for tag in tags.iter().filter(|tag| tag.value().starts_with("suspended")) {
        tag_user(&bench, tag.key(), &tag.value().replace("suspended", "resuming")).await;
    }
    tokio::time::sleep(HOUR).await;
    bench.writes();
    assert_eq!(codes(&reconcile(&bench, "abc").await), ["resumption-unfinished"]);
    assert_eq!(bench.writes(), []);
}

/// A sign-up that is at work is not drift, and a grant to everybody is drift at any time.
#[tokio::test(start_paused = true)]
async fn a_sign_up_at_work_is_not_drift() {
    let bench = Bench::with(&repairing());
    bench.system.invoke("iam-user", tests::command("abc")).await.unwrap();
    bench.system.invoke("bucket", tests::command("abc")).await.unwrap();
    bench.system.aws.take_trace();
    let detail = json!({ "orgId": "abc", "environment": "production" });
    let looked = bench.system.invoke("reconcile", detail).await.unwrap();
    assert_eq!(looked["findings"], Value::Null, "{looked}");
    assert_eq!(bench.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn the_schedule_of_a_deployment_that_rotates_is_missed() {
    let mut options = repairing();
    let function = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:rotate");
    options.environment.insert("ROTATION_FUNCTION_ARN".to_owned(), function);
    let bench = settled(&options).await;
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new());
    bench.secrets().cancel_rotate_secret().secret_id(SECRET).send().await.unwrap();
    let events = reconcile(&bench, "abc").await;
    assert_eq!(findings(&events), [("rotation-not-scheduled".to_owned(), "requested".to_owned())]);
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new(), "and set again");
}

/// A message that comes twice is looked at twice; both looks say the same under the same id, and the repair is one.
#[tokio::test(start_paused = true)]
async fn duplicates_are_harmless() {
    let bench = settled(&repairing()).await;
    bench.s3(ACCOUNT, "local").delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    let detail = json!({ "orgId": "abc", "environment": "production", "correlationId": "look-1" });
    for _ in 0..2 {
        bench.system.put_event("org-signup", "OrgReconciliationRequested", &detail).unwrap();
    }
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), Vec::<String>::new());
    let ids: BTreeSet<String> =
        of_type(&events, "OrgReconciled").iter().map(|detail| detail["eventId"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    bench.provisioned("abc").await;
}

/// Another region's deployment looks after what it made: IAM is global, and this one sees its users too.
#[tokio::test(start_paused = true)]
async fn what_another_region_made_is_that_regions_to_look_after() {
    let bench = Bench::with(&repairing());
    let tags = [("OrgId", "abc"), ("OrgState", "active"), ("CreatedBy", "org-provisioner/eu-west-1")];
    let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build().unwrap());
    bench.iam().create_user().user_name(USER).set_tags(Some(tags.into())).send().await.unwrap();
    tokio::time::sleep(HOUR).await;
    bench.writes();
    assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new());
    assert_eq!(bench.writes(), []);
}

/// So it does after an organization that was offboarded there, of which only the bucket is left, or adopted there: nobody
/// said of its user that the provisioner made it.
#[tokio::test(start_paused = true)]
async fn what_lies_in_another_region_is_that_regions_to_look_after() {
    for is_adopted in [false, true] {
        let bench = settled(&repairing()).await;
        bench.system.aws.with_world(|world| {
            let mut bucket = world.buckets.remove(BUCKET).unwrap();
            bucket.region = "eu-west-1".to_owned();
            world.buckets.insert(BUCKET.to_owned(), bucket);
            world.region(ACCOUNT, "us-east-1").secrets.by_name.clear();
            if is_adopted {
                world.account(ACCOUNT).iam.user(USER).unwrap().tags.retain(|(key, _)| key != "CreatedBy");
            } else {
                world.account(ACCOUNT).iam.users.remove(USER);
            }
        });
        bench.writes();
        assert_eq!(codes(&reconcile(&bench, "abc").await), Vec::<String>::new(), "adopted: {is_adopted}");
        assert_eq!(bench.writes(), []);
    }
}

/// Whoever comes back has a new user before the bucket says so.
#[tokio::test(start_paused = true)]
async fn a_return_that_is_under_way_is_no_drift() {
    let bench = settled(&repairing()).await;
    bench.command("OrgDeleted", "abc");
    bench.settle().await;
    tokio::time::sleep(HOUR).await;
    let mut detail = tests::command("abc");
    detail["reonboard"] = json!(true);
    bench.system.invoke("iam-user", detail).await.unwrap();
    let looked = json!({ "orgId": "abc", "environment": "production" });
    let looked = bench.system.invoke("reconcile", looked).await.unwrap();
    assert_eq!(looked["findings"], Value::Null, "{looked}");
}
