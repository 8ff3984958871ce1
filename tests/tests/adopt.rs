//! Adopting what people and the vendor's older process made: only tags are written, only where they are missing; what
//! follows is a sign-up like any other.

use std::time::Duration;

use contract::ErrorCode;
use handler::Environment;
use local_aws::{Fault, FaultPlan};
use local_system::registry;
use serde_json::{Value, json};
use tests::adoption::{self, Tags};
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER, keys, outcome};
use tests::{Bench, command, failure_codes};

/// Puts the command on the bus that names what is there, and answers the events that came of it.
async fn adopt(bench: &Bench) -> Vec<local_system::Emitted> {
    adopt_named(bench, &adoption::detail(&bench.system, "abc")).await
}

async fn adopt_named(bench: &Bench, detail: &Value) -> Vec<local_system::Emitted> {
    bench.writes();
    bench.system.put_event("org-signup", "OrgAdoptionRequested", detail).unwrap();
    bench.settle().await
}

/// What was written: the operations, in order.
fn written(bench: &Bench) -> Vec<String> {
    bench.writes().into_iter().map(|call| call.operation).collect()
}

fn tags_of_user(bench: &Bench) -> Vec<(String, String)> {
    bench.system.aws.with_world(|world| world.account(ACCOUNT).iam.user(USER).unwrap().tags.clone())
}

fn tags_of_bucket(bench: &Bench, name: &str) -> Vec<(String, String)> {
    bench.system.aws.look(|world| world.buckets[name].tags.clone().into_iter().collect())
}

fn tags_of_secret(bench: &Bench) -> Vec<(String, String)> {
    bench
        .system
        .aws
        .with_world(|world| world.region(ACCOUNT, "us-east-1").secrets.by_name[SECRET].tags.clone().unwrap_or_default())
}

fn pairs(tags: Tags<'_>) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn every_part_of_an_organization_is_adopted_and_then_provisioned() {
    let none: Tags<'_> = &[];
    let older: Tags<'_> = &[("OrgID", "abc")];
    let right: Tags<'_> = &[("OrgId", "abc")];
    for parts in 1..8_u32 {
        for tags in [none, older, right] {
            let what = format!("parts {parts}, tags {tags:?}");
            let bench = Bench::new();
            let [user, bucket, secret] = [1, 2, 4].map(|part| parts & part != 0);
            let mut value = adoption::value(USER, "AKIAGONE000000000000", "of a user that is gone");
            if user {
                adoption::user(&bench.system, "abc", tags).await;
            }
            if bucket {
                adoption::bucket(&bench.system, BUCKET, tags).await;
            }
            if user && secret {
                value = adoption::key(&bench.system, "abc").await;
            }
            if secret {
                adoption::secret(&bench.system, "abc", &value, tags).await;
            }
            tokio::time::sleep(Duration::from_secs(3600)).await;
            let differing = if tags == right { 0 } else { parts.count_ones() };
            let expected = if differing == 0 { "unchanged" } else { "updated" };
            assert_eq!(outcome(&adopt(&bench).await, "OrgAdoptionCompleted"), expected, "{what}");
            let writes = written(&bench);
            assert_eq!(writes.len(), differing as usize, "{what}: {writes:?}");
            assert!(
                writes.iter().all(|write| ["TagUser", "PutBucketTagging", "TagResource"].contains(&write.as_str())),
                "{what}: {writes:?}"
            );
            assert_eq!(outcome(&adopt(&bench).await, "OrgAdoptionCompleted"), "unchanged", "{what}");
            assert_eq!(written(&bench), Vec::<String>::new(), "{what}");
            bench.sign_up("abc");
            let events = bench.settle().await;
            assert_eq!(failure_codes(&events), Vec::<String>::new(), "{what}");
            assert!(events.iter().any(|event| event.detail_type == "OrgProvisioned"), "{what}");
            let found = bench.provisioned("abc").await;
            assert_eq!(found.bucket, BUCKET, "{what}");
            assert_eq!(value.contains(&found.access_key_id), user && secret, "{what}: a stored key goes on working");
            assert!(
                !bucket || bench.system.aws.look(|world| world.buckets[BUCKET].objects.contains_key("pub/logo.png"))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_tags_stay_and_nobody_is_said_to_have_made_it() {
    let bench = Bench::new();
    adoption::everything(&bench.system, "abc").await;
    let policy = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    bench.system.aws.with_world(|world| world.buckets.get_mut(BUCKET).unwrap().policy = Some(policy.clone()));
    let before = (keys(&bench), bench.system.aws.look(|world| world.buckets[BUCKET].public_access_block));
    assert_eq!(outcome(&adopt(&bench).await, "OrgAdoptionCompleted"), "updated");
    // To IAM, OrgID and OrgId are one key; to S3 they are two.
    assert_eq!(tags_of_user(&bench), pairs(&[("OrgId", "abc"), ("team", "pos")]));
    assert_eq!(tags_of_bucket(&bench, BUCKET), pairs(&[("OrgID", "abc"), ("OrgId", "abc"), ("team", "pos")]));
    assert_eq!(tags_of_secret(&bench), pairs(&[("team", "pos"), ("OrgId", "abc")]));
    let after = (keys(&bench), bench.system.aws.look(|world| world.buckets[BUCKET].public_access_block));
    assert_eq!(after, before, "keys and settings are not an adoption's");
    assert_eq!(bench.system.aws.look(|world| world.buckets[BUCKET].policy.clone()), Some(policy));
}

#[tokio::test(start_paused = true)]
async fn what_the_event_does_not_name_is_not_tagged() {
    for (field, write) in [("userArn", "TagUser"), ("bucket", "PutBucketTagging"), ("secretArn", "TagResource")] {
        let bench = Bench::new();
        adoption::everything(&bench.system, "abc").await;
        let mut detail = adoption::detail(&bench.system, "abc");
        let named = detail["adopt"][field].take();
        detail["adopt"] = json!({ field: named });
        let events = adopt_named(&bench, &detail).await;
        assert_eq!(outcome(&events, "OrgAdoptionCompleted"), "updated", "{field}");
        assert_eq!(written(&bench), [write], "{field}");
        let [done] = tests::of_type(&events, "OrgAdoptionCompleted")[..] else { panic!("{events:?}") };
        assert_eq!(done["resources"].as_array().unwrap().len(), 1, "{field}: {done}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_under_another_of_the_organizations_names_is_adopted_when_it_is_named() {
    for name in ["fusion-rms-abc-media", "fusion-rms-abc-0123abcd"] {
        let bench = Bench::new();
        adoption::bucket(&bench.system, name, &[("team", "pos")]).await;
        let detail = json!({ "orgId": "abc", "environment": "production", "adopt": { "bucket": name } });
        assert_eq!(outcome(&adopt_named(&bench, &detail).await, "OrgAdoptionCompleted"), "updated");
        assert_eq!(tags_of_bucket(&bench, name), pairs(&[("OrgId", "abc"), ("team", "pos")]));
        bench.sign_up("abc");
        assert_eq!(failure_codes(&bench.settle().await), Vec::<String>::new());
        assert_eq!(bench.provisioned("abc").await.bucket, name);
    }
    let bench = Bench::new();
    for name in ["media-of-abc", "fusion-rms-abcd"] {
        adoption::bucket(&bench.system, name, &[]).await;
        let detail = json!({ "orgId": "abc", "environment": "production", "adopt": { "bucket": name } });
        assert_eq!(failure_codes(&adopt_named(&bench, &detail).await), ["invalid-field"], "{name}");
        assert_eq!(written(&bench), Vec::<String>::new());
    }
}

/// What is there beside a whole organization that the older process made, and what the step says of it.
async fn conflict(edit: impl FnOnce(&mut local_aws::World), code: ErrorCode) {
    let bench = Bench::new();
    adoption::everything(&bench.system, "abc").await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let detail = adoption::detail(&bench.system, "abc");
    bench.system.aws.with_world(edit);
    let codes = failure_codes(&adopt_named(&bench, &detail).await);
    assert_eq!((codes, written(&bench)), (vec![code.to_string()], vec![]), "{code}");
    assert_eq!(bench.system.take_dead_letters("adopt").unwrap().len(), 1, "{code}: the message is kept");
}

fn user(world: &mut local_aws::World) -> &mut local_aws::iam::User {
    world.account(ACCOUNT).iam.user(USER).unwrap()
}

fn bucket(world: &mut local_aws::World) -> &mut local_aws::s3::Bucket {
    world.buckets.get_mut(BUCKET).unwrap()
}

fn secret(world: &mut local_aws::World) -> &mut local_aws::secretsmanager::Secret {
    world.region(ACCOUNT, "us-east-1").secrets.by_name.get_mut(SECRET).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_another_organizations_is_left_alone() {
    conflict(|world| user(world).tags[0].1 = "xyz".into(), ErrorCode::NotOurs).await;
    conflict(|world| drop(bucket(world).tags.insert("OrgID".into(), "xyz".into())), ErrorCode::NotOurs).await;
    conflict(|world| drop(bucket(world).tags.insert("OrgId".into(), "ABC".into())), ErrorCode::NotOurs).await;
    conflict(|world| secret(world).tags = Some(pairs(&[("orgid", "xyz")])), ErrorCode::NotOurs).await;
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_not_active_is_left_alone() {
    for state in ["suspended", "offboarded", "resuming", "frozen"] {
        conflict(|world| user(world).tags.push(("OrgState".into(), state.into())), ErrorCode::OrgNotActive).await;
        conflict(|world| drop(bucket(world).tags.insert("OrgState".into(), state.into())), ErrorCode::OrgNotActive)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_person_has_to_decide_is_said_before_anything_is_written() {
    let reset_required = false;
    conflict(
        |world| {
            let created = user(world).created;
            user(world).login_profile = Some(local_aws::iam::LoginProfile { created, reset_required });
        },
        ErrorCode::UserHasPermissions,
    )
    .await;
    let policy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    conflict(
        |world| {
            user(world).policies.attached.insert(policy.into());
        },
        ErrorCode::UserHasPermissions,
    )
    .await;
    conflict(
        |world| {
            let mut key = user(world).access_keys[0].clone();
            key.id = "AKIAPEOPLES".to_owned();
            user(world).access_keys.push(key);
        },
        ErrorCode::UnmanagedKey,
    )
    .await;
    conflict(
        |world| {
            for version in &mut secret(world).versions {
                version.content = local_aws::secretsmanager::Content::Text("theirs".to_owned());
            }
        },
        ErrorCode::SecretUnreadable,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_named_must_be_what_is_there() {
    let code = ErrorCode::AdoptionDiffers;
    conflict(|world| drop(world.account(ACCOUNT).iam.users.remove(USER)), code).await;
    conflict(|world| drop(world.buckets.remove(BUCKET)), code).await;
    conflict(|world| bucket(world).owner = "222222222222".to_owned(), code).await;
    conflict(|world| secret(world).arn.push('x'), code).await;
    conflict(|world| user(world).path = "/people/".to_owned(), code).await;
    conflict(|world| bucket(world).region = "eu-central-1".to_owned(), ErrorCode::BucketElsewhere).await;
    conflict(
        |world| {
            let mut other = bucket(world).clone();
            other.tags.insert("OrgId".into(), "abc".into());
            world.buckets.insert("fusion-rms-abc-2".to_owned(), other);
        },
        ErrorCode::BucketNameDiffers,
    )
    .await;
    let bench = Bench::new();
    adoption::everything(&bench.system, "abc").await;
    let request = json!({ "SecretId": SECRET, "RecoveryWindowInDays": 7 });
    bench.system.aws.api(ACCOUNT, "us-east-1", "secretsmanager", "DeleteSecret", request).unwrap();
    let codes = failure_codes(&adopt(&bench).await);
    assert_eq!((codes, written(&bench)), (vec![ErrorCode::SecretScheduledForDeletion.to_string()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_would_be_changed_and_writes_nothing() {
    let bench = Bench::new();
    adoption::everything(&bench.system, "abc").await;
    let step = registry::all().find(|step| step.spec.name == "adopt").unwrap();
    let variables = [
        ("EXPECTED_ACCOUNT_ID", ACCOUNT),
        ("ACCOUNT_CLASS", "production"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/111111111111/never-asked-dlq"),
    ];
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let preview =
        (step.preview)(Environment::settings(&variables).unwrap(), &bench.system.sdk_config(ACCOUNT, "local"));
    let mut said = Vec::new();
    for _ in 0..2 {
        bench.system.aws.take_trace();
        let planned = preview(adoption::detail(&bench.system, "abc"), bench.system.place.clone()).await.unwrap();
        let trace = bench.system.aws.take_trace();
        assert!(trace.iter().all(|call| !call.mutating), "{trace:?}");
        said.push(planned.into_iter().map(|change| change.description).collect::<Vec<_>>());
        assert_eq!(failure_codes(&adopt(&bench).await), Vec::<String>::new());
    }
    let changes = [
        "tag bucket fusion-rms-abc with OrgId=abc, beside its 2 other tags",
        "tag secret fusion-rms/abc/aws with OrgId=abc",
        "tag user rms_abc with OrgId=abc, in place of the tag OrgID=abc",
    ];
    assert_eq!(said, [changes.map(str::to_owned).to_vec(), Vec::new()]);
}

/// S3 replaces the whole set of tags, so one that came since the first look would be lost.
#[tokio::test(start_paused = true)]
async fn a_tag_that_somebody_adds_meanwhile_is_not_overwritten() {
    let bench = Bench::new();
    adoption::everything(&bench.system, "abc").await;
    let detail = adoption::detail(&bench.system, "abc");
    // The first one is the look; the second one, right before the write, is applied late.
    bench.system.aws.plan_faults(FaultPlan::default().on("GetBucketTagging", 2, Fault::Delay(Duration::from_secs(4))));
    let (ran, ()) = tokio::join!(bench.system.invoke("adopt", detail.clone()), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        bench.system.aws.with_world(|world| drop(bucket(world).tags.insert("cost".into(), "17".into())));
    });
    assert_eq!(ran.unwrap_err().error_type, ErrorCode::ConcurrentUpdate.as_str());
    bench.system.invoke("adopt", detail).await.unwrap();
    let tags = tags_of_bucket(&bench, BUCKET);
    assert!(tags.contains(&("cost".into(), "17".into())) && tags.contains(&("OrgId".into(), "abc".into())), "{tags:?}");
}

/// Until it is adopted, a sign-up refuses it as ever.
#[tokio::test(start_paused = true)]
async fn a_sign_up_adopts_nothing_by_itself() {
    let bench = Bench::new();
    adoption::user(&bench.system, "abc", &[]).await;
    adoption::bucket(&bench.system, BUCKET, &[("OrgID", "abc")]).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    bench.writes();
    bench.put(&command("abc"));
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.iter().any(|code| code == "not-ours"), "{codes:?}");
    assert_eq!((written(&bench), tags_of_user(&bench)), (vec![], vec![]));
}
