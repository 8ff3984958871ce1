//! What the commands of the lifecycle leave alone: what is not ours, what somebody decided, what they do not apply to.

use std::time::Duration;

use aws_sdk_iam::types::StatusType;
use contract::ErrorCode;
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER, is_closed, provisioned, run};
use tests::{Bench, failure_codes};

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
