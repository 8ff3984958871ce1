//! Suspending, resuming, offboarding and coming back: what each leaves behind, and that no late sign-up undoes it.

use std::time::Duration;

use contract::ErrorCode;
use local_aws::iam::{CredentialKind, KeyStatus, OtherCredential};
use local_aws::{Fault, FaultPlan};
use serde_json::{Value, json};
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER, is_closed, keys, outcome, provisioned, run, scheduled, states};
use tests::{Bench, command, failure_codes, lifecycle_command, of_type};

/// Nothing but S3's `pub/` marker can be read by everybody; this says whether it can.
async fn is_public(bench: &Bench) -> bool {
    let mut sdk = bench.system.sdk_config(ACCOUNT, "local").to_builder();
    sdk.set_credentials_provider(None);
    let config = aws_sdk_s3::config::Builder::from(&sdk.build()).allow_no_auth().build();
    let anonymous = aws_sdk_s3::Client::from_conf(config);
    anonymous.get_object().bucket(BUCKET).key("pub/").send().await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_suspension_closes_and_a_resumption_restores_exactly() {
    let bench = provisioned().await;
    let before = bench.provisioned("abc").await;
    let policy = bench.system.aws.look(|world| world.buckets[BUCKET].policy.clone());
    let events = run(&bench, "OrgSuspended").await;
    assert_eq!(outcome(&events, "OrgSuspensionCompleted"), "updated");
    assert_eq!(states(&bench), ("suspended".to_owned(), Some("suspended".to_owned())));
    assert_eq!(keys(&bench), [(before.access_key_id.clone(), KeyStatus::Inactive)]);
    assert!(is_closed(&bench) && !is_public(&bench).await);
    assert_eq!(bench.system.aws.look(|world| world.buckets[BUCKET].policy.clone()), policy, "the policy stays");
    assert!(bench.system.aws.look(|world| world.buckets[BUCKET].objects.contains_key("pub/")), "and so do the data");
    assert!(bench.system.aws.look(|world| world.buckets[BUCKET].tags["OrgId"] == "abc"), "and the other tags");

    let again = run(&bench, "OrgSuspended").await;
    assert_eq!(outcome(&again, "OrgSuspensionCompleted"), "unchanged");
    assert_eq!(bench.writes(), []);

    let events = run(&bench, "OrgResumed").await;
    assert_eq!(outcome(&events, "OrgResumptionCompleted"), "updated");
    assert_eq!(states(&bench), ("active".to_owned(), Some("active".to_owned())));
    assert_eq!(bench.provisioned("abc").await, before, "the same key, the same bucket, open");
    assert!(is_public(&bench).await);
    let again = run(&bench, "OrgResumed").await;
    assert_eq!(outcome(&again, "OrgResumptionCompleted"), "unchanged");
    assert_eq!(bench.writes(), []);

    bench.sign_up("abc");
    assert!(failure_codes(&bench.settle().await).is_empty());
    assert_eq!(bench.writes(), [], "nothing is left for provisioning to mend");
}

#[tokio::test(start_paused = true)]
async fn a_late_sign_up_reactivates_nothing() {
    for (command, reonboard) in [("OrgSuspended", true), ("OrgSuspended", false), ("OrgDeleted", false)] {
        let bench = provisioned().await;
        run(&bench, command).await;
        let before = bench.system.aws.snapshot();
        bench.writes();
        if reonboard {
            bench.reonboard("abc")
        } else {
            bench.sign_up("abc")
        }
        let events = bench.settle().await;
        let codes = failure_codes(&events);
        assert!(codes.contains(&ErrorCode::OrgNotActive.to_string()), "{command}: {codes:?}");
        assert_eq!(bench.writes(), [], "{command}");
        assert!(of_type(&events, "OrgProvisioned").is_empty() && of_type(&events, "IamUserProvisioned").is_empty());
        assert_eq!(
            keys(&bench).len(),
            before.accounts[ACCOUNT].iam.users.get(USER).map_or(0, |user| user.access_keys.len())
        );
    }
}

/// A month later the secret is gone for good, and the bucket still says what happened.
#[tokio::test(start_paused = true)]
async fn an_offboarded_organization_stays_offboarded_when_its_secret_is_gone() {
    let bench = provisioned().await;
    run(&bench, "OrgDeleted").await;
    tokio::time::sleep(Duration::from_secs(40 * 24 * 3600)).await;
    bench.writes();
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::OrgNotActive.to_string()), "{codes:?}");
    assert_eq!((bench.writes(), keys(&bench)), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn offboarding_takes_everything_but_the_bucket() {
    let bench = provisioned().await;
    let iam = bench.iam();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    iam.put_user_policy().user_name(USER).policy_name("own").policy_document(policy).send().await.unwrap();
    let managed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    iam.attach_user_policy().user_name(USER).policy_arn(managed).send().await.unwrap();
    iam.create_group().group_name("readers").send().await.unwrap();
    iam.add_user_to_group().group_name("readers").user_name(USER).send().await.unwrap();
    iam.create_login_profile().user_name(USER).password("Correct-Horse-1").send().await.unwrap();
    bench.system.aws.with_world(|world| {
        let kinds = [
            CredentialKind::MfaDevice,
            CredentialKind::SigningCertificate,
            CredentialKind::SshPublicKey,
            CredentialKind::ServiceSpecificCredential,
        ];
        let credentials = &mut world.account(ACCOUNT).iam.user(USER).unwrap().credentials;
        credentials.extend(kinds.map(|kind| OtherCredential { kind, id: "ID012345678901234567890123".into() }));
    });
    let events = run(&bench, "OrgDeleted").await;
    assert_eq!(outcome(&events, "OrgOffboardingCompleted"), "updated");
    assert_eq!(states(&bench), ("offboarded".to_owned(), None));
    assert_eq!(scheduled(&bench), Some(true));
    assert!(is_closed(&bench));
    assert!(bench.system.aws.look(|world| world.buckets[BUCKET].objects.contains_key("pub/")), "nothing was emptied");
    let again = run(&bench, "OrgDeleted").await;
    assert_eq!(outcome(&again, "OrgOffboardingCompleted"), "unchanged");
    assert_eq!(bench.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn the_recovery_window_is_the_events_or_the_deployments() {
    for (environment, asked, days) in [(None, None, 30), (Some("14"), None, 14), (Some("14"), Some(7), 7)] {
        let mut options = local_system::LocalOptions::default();
        options.environment.extend(environment.map(|days| ("SECRET_RECOVERY_DAYS".to_owned(), days.to_owned())));
        let bench = Bench::with(&options);
        bench.sign_up("abc");
        bench.settle().await;
        let mut detail = lifecycle_command("abc");
        detail["recoveryWindowDays"] = json!(asked);
        let now = bench.system.aws.now();
        bench.system.put_event("org-signup", "OrgDeleted", &detail).unwrap();
        bench.settle().await;
        let at = bench
            .system
            .aws
            .with_world(|world| world.region(ACCOUNT, "us-east-1").secrets.by_name[SECRET].deletion.unwrap().at);
        assert_eq!(at.since(now).as_secs() / (24 * 3600), days);
    }
}

#[tokio::test(start_paused = true)]
async fn production_is_offboarded_only_if_confirmed() {
    let bench = provisioned().await;
    for confirm in [Value::Null, json!("abd"), json!(true)] {
        let mut detail = lifecycle_command("abc");
        detail["confirmOrgId"] = confirm;
        bench.writes();
        bench.system.put_event("org-signup", "OrgDeleted", &detail).unwrap();
        assert_eq!(failure_codes(&bench.settle().await), ["invalid-field"]);
        assert_eq!(bench.writes(), []);
    }
    bench.provisioned("abc").await;
}

/// Fills the bucket: `keys` objects, each with an old version and a deleted sibling.
async fn fill(bench: &Bench, keys: usize) {
    let s3 = bench.s3(ACCOUNT, "local");
    let on = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
        .build();
    s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await.unwrap();
    for key in 0..keys {
        for _ in 0..2 {
            s3.put_object().bucket(BUCKET).key(format!("orders/{key}")).send().await.unwrap();
        }
        s3.put_object().bucket(BUCKET).key(format!("gone/{key}")).send().await.unwrap();
        s3.delete_object().bucket(BUCKET).key(format!("gone/{key}")).send().await.unwrap();
    }
}

fn is_empty(bench: &Bench) -> bool {
    bench.system.aws.look(|world| world.buckets[BUCKET].objects.is_empty() && world.buckets[BUCKET].past.is_empty())
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_emptied_of_every_version_only_if_asked() {
    let bench = provisioned().await;
    fill(&bench, 3).await;
    run(&bench, "OrgDeleted").await;
    assert!(!is_empty(&bench));
    let mut detail = lifecycle_command("abc");
    detail["emptyBucket"] = json!(true);
    bench.system.put_event("org-signup", "OrgDeleted", &detail).unwrap();
    let events = bench.settle().await;
    assert_eq!(outcome(&events, "OrgOffboardingCompleted"), "updated");
    assert!(is_empty(&bench), "asked for later, it is done later");
    assert_eq!(states(&bench).0, "offboarded");
}

/// One run deletes a bounded number; the queue brings the next ones.
#[tokio::test(start_paused = true)]
async fn a_large_bucket_is_emptied_in_several_runs() {
    let bench = provisioned().await;
    bench.system.aws.with_world(|world| {
        let bucket = world.buckets.get_mut(BUCKET).unwrap();
        let object = bucket.objects["pub/"].clone();
        bucket.objects.extend((0..31_000).map(|key| (format!("k{key:05}"), object.clone())));
    });
    let mut detail = lifecycle_command("abc");
    detail["emptyBucket"] = json!(true);
    let direct = bench.system.invoke("offboard", detail.clone()).await.unwrap_err();
    assert_eq!(direct.error_type, "out-of-time");
    assert!(!is_empty(&bench));
    bench.system.put_event("org-signup", "OrgDeleted", &detail).unwrap();
    assert_eq!(outcome(&bench.settle().await, "OrgOffboardingCompleted"), "updated");
    assert!(is_empty(&bench));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_gets_everything_anew_in_the_same_bucket() {
    for emptied in [false, true] {
        let bench = provisioned().await;
        let before = bench.provisioned("abc").await;
        let mut detail = lifecycle_command("abc");
        detail["emptyBucket"] = json!(emptied);
        bench.system.put_event("org-signup", "OrgDeleted", &detail).unwrap();
        bench.settle().await;
        bench.reonboard("abc");
        let events = bench.settle().await;
        assert_eq!(failure_codes(&events), Vec::<String>::new());
        assert!(!of_type(&events, "OrgProvisioned").is_empty());
        let after = bench.provisioned("abc").await;
        assert_eq!(after.bucket, before.bucket);
        assert_ne!(after.access_key_id, before.access_key_id);
        assert_eq!(states(&bench), ("active".to_owned(), Some("active".to_owned())));
        bench.writes();
        bench.sign_up("abc");
        bench.reonboard("abc");
        assert!(failure_codes(&bench.settle().await).is_empty());
        assert_eq!(bench.writes(), [], "it is an organization as any other");
    }
}

/// Right after the offboarding its second look is still to come, which must not take what comes back for a remainder.
#[tokio::test(start_paused = true)]
async fn who_comes_back_at_once_is_kept_waiting_and_then_served() {
    let bench = provisioned().await;
    bench.system.invoke("offboard", lifecycle_command("abc")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let early =
        bench.system.invoke("iam-user", json!({ "orgId": "abc", "environment": "production", "reonboard": true }));
    assert_eq!(early.await.unwrap_err().error_type, ErrorCode::InProgress.as_str());
    bench.reonboard("abc");
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), Vec::<String>::new());
    bench.provisioned("abc").await;
}

#[tokio::test(start_paused = true)]
async fn an_organization_without_a_bucket_keeps_its_user_to_say_so() {
    let bench = Bench::new();
    bench.system.invoke("iam-user", command("abc")).await.unwrap();
    bench.settle().await;
    bench.system.aws.with_world(|world| drop(world.buckets.remove(BUCKET)));
    let events = run(&bench, "OrgDeleted").await;
    assert_eq!(outcome(&events, "OrgOffboardingCompleted"), "updated");
    let tags = bench.iam().get_user().user_name(USER).send().await.unwrap().user.unwrap().tags().to_vec();
    assert!(tags.iter().any(|tag| (tag.key(), tag.value()) == ("OrgState", "offboarded")));
    assert_eq!(keys(&bench), []);
    let refused = bench.system.invoke("iam-user", command("abc")).await.unwrap_err();
    assert_eq!(refused.error_type, ErrorCode::OrgNotActive.as_str());
    bench.settle().await;
    bench.reonboard("abc");
    assert_eq!(failure_codes(&bench.settle().await), Vec::<String>::new());
    bench.provisioned("abc").await;
}

/// A run of provisioning that looked before the tags were written, and writes after it.
#[tokio::test(start_paused = true)]
async fn what_a_run_that_looked_too_early_still_makes_is_found_by_the_second_look() {
    for command in ["OrgSuspended", "OrgDeleted"] {
        let bench = Bench::new();
        for step in ["iam-user", "bucket"] {
            bench.system.aws.plan_faults(FaultPlan::default());
            bench.system.invoke(step, tests::command("abc")).await.unwrap();
        }
        // CreateAccessKey and what comes after it are held up for 20 s, and the command is carried out meanwhile.
        let plan = FaultPlan::default().on("CreateAccessKey", 1, Fault::Delay(Duration::from_secs(10)));
        bench.system.aws.plan_faults(plan);
        bench.sign_up("abc");
        tokio::time::sleep(Duration::from_secs(2)).await;
        bench.command(command, "abc");
        bench.settle().await;
        assert!(keys(&bench).iter().all(|(_, status)| *status == KeyStatus::Inactive), "{command}: {:?}", keys(&bench));
        assert!(is_closed(&bench), "{command}");
        let expected = if command == "OrgDeleted" { ("offboarded", None) } else { ("suspended", Some("suspended")) };
        assert_eq!(states(&bench), (expected.0.to_owned(), expected.1.map(str::to_owned)));
        if command == "OrgDeleted" {
            assert_eq!(keys(&bench), []);
            assert_ne!(scheduled(&bench), Some(false));
        }
    }
}

/// Whatever an operation answers once, the command gets there.
#[tokio::test(start_paused = true)]
async fn every_call_may_fail_once() {
    for (command, completion) in [
        ("OrgSuspended", "OrgSuspensionCompleted"),
        ("OrgResumed", "OrgResumptionCompleted"),
        ("OrgDeleted", "OrgOffboardingCompleted"),
    ] {
        let prepare = async || {
            let bench = provisioned().await;
            if command == "OrgResumed" {
                run(&bench, "OrgSuspended").await;
            }
            bench.system.aws.take_trace();
            bench
        };
        let bench = prepare().await;
        run(&bench, command).await;
        let calm = bench.system.aws.snapshot();
        let mut operations: Vec<String> =
            bench.system.aws.take_trace().into_iter().map(|call| call.operation).collect();
        operations.sort();
        operations.dedup();
        operations.extend(["TagUser", "PutBucketTagging", "DeleteUser", "UpdateAccessKey"].map(str::to_owned));
        for operation in operations {
            let bench = prepare().await;
            let fault = (1..=3).fold(FaultPlan::default(), |plan, nth| plan.on(&operation, nth, Fault::ServerError));
            bench.system.aws.plan_faults(fault);
            bench.command(command, "abc");
            let events = bench.settle().await;
            assert!(!of_type(&events, completion).is_empty(), "{command}, {operation}: {events:?}");
            let world = bench.system.aws.snapshot();
            let seen = |world: &local_aws::World| {
                let users = &world.accounts[ACCOUNT].iam.users;
                let keys: Vec<_> =
                    users.values().flat_map(|user| &user.access_keys).map(|key| (key.id.clone(), key.status)).collect();
                let bucket = &world.buckets[BUCKET];
                (keys, bucket.public_access_block, bucket.tags["OrgState"].clone())
            };
            assert_eq!(seen(&world), seen(&calm), "{command}, {operation}");
        }
    }
}
