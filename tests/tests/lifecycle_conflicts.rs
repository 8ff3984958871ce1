//! What the commands of the lifecycle leave alone: what is not ours, what somebody decided, what they do not apply to.

use std::time::Duration;

use aws_sdk_iam::types::StatusType;
use contract::ErrorCode;
use local_aws::iam::KeyStatus;
use local_aws::{Fault, FaultPlan};
use serde_json::json;
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER, is_closed, keys, provisioned, run, states};
use tests::{Bench, failure_codes, lifecycle_command};

/// A tag that somebody set by hand.
fn say(bench: &Bench, state: &str) {
    bench.system.aws.with_world(|world| {
        world.buckets.get_mut(BUCKET).unwrap().tags.insert("OrgState".into(), state.into());
    });
}

#[tokio::test(start_paused = true)]
async fn commands_that_do_not_apply_are_conflicts_and_write_nothing() {
    for (before, then) in [("OrgDeleted", "OrgSuspended"), ("OrgDeleted", "OrgResumed")] {
        let bench = provisioned().await;
        run(&bench, before).await;
        let events = run(&bench, then).await;
        assert_eq!((failure_codes(&events), bench.writes()), (vec!["org-not-active".to_owned()], vec![]));
    }
    for command in ["OrgSuspended", "OrgResumed", "OrgDeleted"] {
        let bench = provisioned().await;
        say(&bench, "frozen");
        let events = run(&bench, command).await;
        assert_eq!((failure_codes(&events), bench.writes()), (vec!["org-not-active".to_owned()], vec![]), "{command}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_left_alone() {
    type Edit = fn(&mut local_aws::World);
    let edits: [(Edit, ErrorCode); 6] = [
        (|world| world.account(ACCOUNT).iam.user(USER).unwrap().tags.clear(), ErrorCode::NotOurs),
        (
            |world| drop(world.buckets.get_mut(BUCKET).unwrap().tags.insert("OrgId".into(), "xyz".into())),
            ErrorCode::NotOurs,
        ),
        (
            |world| {
                let secrets = &mut world.region(ACCOUNT, "us-east-1").secrets;
                secrets.by_name.get_mut(SECRET).unwrap().tags = None;
            },
            ErrorCode::NotOurs,
        ),
        (
            |world| {
                let user = world.account(ACCOUNT).iam.user(USER).unwrap();
                let mut key = user.access_keys[0].clone();
                key.id = "AKIAPEOPLES".to_owned();
                let at = key.created;
                key.last_used =
                    Some(local_aws::iam::KeyUse { at, service: "s3".to_owned(), region: "us-east-1".to_owned() });
                user.access_keys.push(key);
            },
            ErrorCode::UnmanagedKey,
        ),
        (
            |world| {
                let secrets = &mut world.region(ACCOUNT, "us-east-1").secrets;
                for version in &mut secrets.by_name.get_mut(SECRET).unwrap().versions {
                    version.content = local_aws::secretsmanager::Content::Text("theirs".to_owned());
                }
            },
            ErrorCode::SecretUnreadable,
        ),
        (
            |world| {
                let mut twin = world.buckets[BUCKET].clone();
                twin.owner = ACCOUNT.to_owned();
                world.buckets.insert("fusion-rms-abc-2".to_owned(), twin);
            },
            ErrorCode::BucketAmbiguous,
        ),
    ];
    for (edit, code) in edits {
        for command in ["OrgSuspended", "OrgDeleted"] {
            let bench = provisioned().await;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            bench.system.aws.with_world(edit);
            let events = run(&bench, command).await;
            assert_eq!((failure_codes(&events), bench.writes()), (vec![code.to_string()], vec![]), "{command}");
        }
        let bench = provisioned().await;
        run(&bench, "OrgSuspended").await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        bench.system.aws.with_world(edit);
        let events = run(&bench, "OrgResumed").await;
        assert_eq!((failure_codes(&events), bench.writes()), (vec![code.to_string()], vec![]), "OrgResumed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_not_opened_over_a_grant_that_came_while_it_was_closed() {
    let bench = provisioned().await;
    run(&bench, "OrgSuspended").await;
    bench.system.aws.with_world(|world| {
        let bucket = world.buckets.get_mut(BUCKET).unwrap();
        bucket.policy = bucket.policy.take().map(|policy| policy.replace("/pub/*", "/*"));
    });
    let events = run(&bench, "OrgResumed").await;
    assert_eq!((failure_codes(&events), bench.writes()), (vec![ErrorCode::PublicGrant.to_string()], vec![]));
    assert!(is_closed(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_switched_off_stays_off() {
    let bench = provisioned().await;
    let key = bench.provisioned("abc").await.access_key_id;
    let off = StatusType::Inactive;
    bench.iam().update_access_key().user_name(USER).access_key_id(&key).status(off).send().await.unwrap();
    let events = run(&bench, "OrgResumed").await;
    let code = ErrorCode::StoredKeyInactive.to_string();
    assert_eq!((failure_codes(&events), bench.writes()), (vec![code], vec![]));
}

/// What was replayed from an archive, or tried again late: the organization was offboarded once more since.
#[tokio::test(start_paused = true)]
async fn the_request_that_brought_it_back_does_so_once() {
    let bench = provisioned().await;
    run(&bench, "OrgDeleted").await;
    bench.reonboard("abc");
    assert_eq!(failure_codes(&bench.settle().await), Vec::<String>::new());
    bench.provisioned("abc").await;
    run(&bench, "OrgDeleted").await;
    bench.writes();
    bench.reonboard("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::OrgNotActive.to_string()), "{codes:?}");
    assert_eq!((bench.writes(), keys(&bench)), (vec![], vec![]));
    let mut detail = tests::command("abc");
    detail["reonboard"] = json!(true);
    detail["correlationId"] = json!("second-return");
    bench.system.put_event("org-signup", "OrgCreated", &detail).unwrap();
    assert_eq!(failure_codes(&bench.settle().await), Vec::<String>::new());
    bench.provisioned("abc").await;
}

/// A resumption that is slow is overtaken by a suspension, which is done before it goes on.
#[tokio::test(start_paused = true)]
async fn a_suspension_that_overtakes_a_resumption_is_not_undone_by_it() {
    for (operation, command) in
        [("PutPublicAccessBlock", "suspend"), ("UpdateAccessKey", "suspend"), ("PutPublicAccessBlock", "offboard")]
    {
        let bench = provisioned().await;
        run(&bench, "OrgSuspended").await;
        let plan = FaultPlan::default().on(operation, 1, Fault::Delay(Duration::from_secs(6)));
        bench.system.aws.plan_faults(plan);
        let (resumed, overtaken) = tokio::join!(bench.system.invoke("resume", lifecycle_command("abc")), async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            bench.system.invoke(command, lifecycle_command("abc")).await
        });
        assert_eq!(resumed.unwrap_err().error_type, ErrorCode::ConcurrentUpdate.as_str(), "{operation}, {command}");
        overtaken.unwrap();
        bench.settle().await;
        let expected = if command == "suspend" { "suspended" } else { "offboarded" };
        assert_eq!(states(&bench).0, expected, "{operation}, {command}");
        assert!(is_closed(&bench), "{operation}, {command}");
        assert!(keys(&bench).iter().all(|(_, status)| *status == KeyStatus::Inactive), "{operation}, {command}");
    }
}

/// The write itself is what is slow: no look before it can help, and the second look finds it.
#[tokio::test(start_paused = true)]
async fn a_state_that_a_slow_older_command_overwrites_is_written_again() {
    for (command, expected) in [("suspend", "suspended"), ("offboard", "offboarded")] {
        let bench = provisioned().await;
        run(&bench, "OrgSuspended").await;
        // The second one of the resumption says `active`.
        let plan = FaultPlan::default().on("PutBucketTagging", 2, Fault::Delay(Duration::from_secs(9)));
        bench.system.aws.plan_faults(plan);
        let (_, overtaken) = tokio::join!(bench.system.invoke("resume", lifecycle_command("abc")), async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            bench.system.invoke(command, lifecycle_command("abc")).await
        });
        overtaken.unwrap();
        bench.settle().await;
        assert_eq!(states(&bench).0, expected, "{command}");
        assert!(is_closed(&bench), "{command}");
        assert!(keys(&bench).iter().all(|(_, status)| *status == KeyStatus::Inactive), "{command}");
    }
}

/// The suspension was decided a moment after the offboarding, before the tags were there, and its write is the slower one.
#[tokio::test(start_paused = true)]
async fn a_suspension_that_is_decided_while_an_offboarding_writes_does_not_outlast_it() {
    let bench = provisioned().await;
    let slow = |plan: FaultPlan, nth| plan.on("PutBucketTagging", nth, Fault::Delay(Duration::from_secs(5)));
    bench.system.aws.plan_faults((1..=2).fold(FaultPlan::default(), slow));
    let (offboarded, _) = tokio::join!(bench.system.invoke("offboard", lifecycle_command("abc")), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        bench.system.invoke("suspend", lifecycle_command("abc")).await
    });
    offboarded.unwrap();
    assert_eq!(states(&bench), ("suspended".to_owned(), None), "the tombstone is overwritten");
    assert_eq!(failure_codes(&bench.settle().await), Vec::<String>::new());
    assert_eq!((states(&bench), keys(&bench)), (("offboarded".to_owned(), None), vec![]));
    assert!(is_closed(&bench));
    bench.reonboard("abc");
    assert_eq!(failure_codes(&bench.settle().await), Vec::<String>::new());
    bench.provisioned("abc").await;
}

/// The user comes when the suspension is done, and its key when the second look is.
#[tokio::test(start_paused = true)]
async fn a_key_on_a_user_that_came_late_is_found() {
    let bench = Bench::new();
    bench.system.invoke("bucket", tests::command("abc")).await.unwrap();
    bench.system.invoke("suspend", lifecycle_command("abc")).await.unwrap();
    let tag = |key: &str, value: &str| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().unwrap();
    let tags = [tag("OrgId", "abc"), tag("OrgState", "active"), tag("CreatedBy", "org-provisioner/us-east-1")];
    bench.iam().create_user().user_name(USER).set_tags(Some(tags.to_vec())).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(185)).await;
    bench.iam().create_access_key().user_name(USER).send().await.unwrap();
    bench.settle().await;
    assert_eq!(states(&bench), ("suspended".to_owned(), Some("suspended".to_owned())));
    assert!(keys(&bench).iter().all(|(_, status)| *status == KeyStatus::Inactive), "{:?}", keys(&bench));
}

/// A used key that is no version's of the secret.
fn give_a_key_of_somebody(bench: &Bench) {
    bench.system.aws.with_world(|world| {
        let user = world.account(ACCOUNT).iam.user(USER).unwrap();
        let mut key = user.access_keys[0].clone();
        let used = local_aws::iam::KeyUse { at: key.created, service: "s3".into(), region: "us-east-1".into() };
        (key.id, key.last_used) = ("AKIAPEOPLES".to_owned(), Some(used));
        user.access_keys.push(key);
    });
}

#[tokio::test(start_paused = true)]
async fn a_key_that_came_after_the_suspension_keeps_nothing_open() {
    let bench = provisioned().await;
    run(&bench, "OrgSuspended").await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    give_a_key_of_somebody(&bench);
    bench.system.aws.with_world(|world| world.buckets.get_mut(BUCKET).unwrap().public_access_block = None);
    assert_eq!(failure_codes(&run(&bench, "OrgSuspended").await), Vec::<String>::new());
    assert!(is_closed(&bench));
    assert_eq!(keys(&bench).len(), 2, "it is somebody's");
}

#[tokio::test(start_paused = true)]
async fn an_offboarding_says_why_a_key_looks_like_somebodys() {
    let bench = provisioned().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    bench.system.aws.with_world(|world| {
        let user = world.account(ACCOUNT).iam.user(USER).unwrap();
        let key = &mut user.access_keys[0];
        key.last_used =
            Some(local_aws::iam::KeyUse { at: key.created, service: "s3".into(), region: "us-east-1".into() });
    });
    let deleted = json!({ "SecretId": SECRET, "RecoveryWindowInDays": 7 });
    bench.system.aws.api(ACCOUNT, "us-east-1", "secretsmanager", "DeleteSecret", deleted).unwrap();
    bench.writes();
    let codes = failure_codes(&run(&bench, "OrgDeleted").await);
    assert_eq!((codes, bench.writes()), (vec![ErrorCode::SecretScheduledForDeletion.to_string()], vec![]));
}
