//! What is not ours is not touched: a conflict makes no write, and says what a person can do.

use contract::ErrorCode;
use serde_json::Value;
use tests::{Bench, failure_codes, of_type};

/// Sends a sign-up and answers the failures; nothing may have been written to `resource`.
async fn conflict(bench: &Bench, step: &str, resource: &str) -> Vec<Value> {
    bench.writes();
    bench.sign_up("abc");
    let events = bench.settle().await;
    let writes = bench.writes();
    assert!(
        writes.iter().all(|call| call.resource != resource && !call.resource.starts_with(&format!("{resource}/"))),
        "{writes:?}"
    );
    let letters = bench.system.take_dead_letters(step).unwrap();
    assert_eq!(letters.len(), 1, "{step}: the message is kept");
    let body: Value = serde_json::from_str(letters[0]["Body"].as_str().unwrap()).unwrap();
    let request = body["detail"].get("request").unwrap_or(&body["detail"]);
    assert_eq!(request["orgId"], "abc", "{body}");
    let attribute = |name: &str| letters[0]["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(attribute("ErrorClass"), "conflict");
    assert!(attribute("SourceQueue").as_str().unwrap().ends_with(&format!(":org-provisioning-{step}")));
    assert!(attribute("RequestId").is_string());
    let failures: Vec<Value> = of_type(&events, "OrgProvisioningFailed").into_iter().cloned().collect();
    assert!(
        failures.iter().any(|failure| failure["step"] == step && failure["error"]["code"] == attribute("ErrorCode"))
    );
    assert!(of_type(&events, "OrgProvisioned").is_empty());
    failures
}

#[tokio::test(start_paused = true)]
async fn a_user_without_our_tag_is_left_alone() {
    for tag in [None, Some("xyz")] {
        let bench = Bench::new();
        let mut request = bench.iam().create_user().user_name("rms_abc");
        if let Some(owner) = tag {
            request = request.tags(aws_sdk_iam::types::Tag::builder().key("OrgId").value(owner).build().unwrap());
        }
        request.send().await.unwrap();
        let failures = conflict(&bench, "iam-user", "rms_abc").await;
        assert_eq!(failures[0]["error"]["code"], ErrorCode::NotOurs.as_str());
        assert!(failures[0]["error"]["message"].as_str().unwrap().contains("tag it OrgId=abc"), "{failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_without_our_tag_is_left_alone() {
    let bench = Bench::new();
    bench.s3("111111111111", "local").create_bucket().bucket("fusion-rms-abc").send().await.unwrap();
    let failures = conflict(&bench, "bucket", "fusion-rms-abc").await;
    assert!(failures.iter().any(|failure| failure["error"]["resource"] == "bucket fusion-rms-abc"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_our_tag_is_left_alone() {
    let bench = Bench::new();
    bench.secrets().create_secret().name("fusion-rms/abc/aws").secret_string("theirs").send().await.unwrap();
    conflict(&bench, "secret", "fusion-rms/abc/aws").await;
    assert!(bench.iam().list_access_keys().user_name("rms_abc").send().await.unwrap().access_key_metadata.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_not_active_is_left_alone() {
    for (step, resource) in [("iam-user", "rms_abc"), ("bucket", "fusion-rms-abc")] {
        let bench = Bench::new();
        bench.sign_up("abc");
        bench.settle().await;
        bench.system.aws.with_world(|world| {
            if step == "bucket" {
                world.buckets.get_mut(resource).unwrap().tags.insert("OrgState".into(), "suspended".into());
            } else {
                let user = world.account("111111111111").iam.user(resource).unwrap();
                user.tags.retain(|(key, _)| key != "OrgState");
                user.tags.push(("OrgState".into(), "offboarded".into()));
            }
        });
        let failures = conflict(&bench, step, resource).await;
        assert!(
            failures.iter().all(|failure| failure["error"]["code"] == ErrorCode::OrgNotActive.as_str()),
            "{failures:?}"
        );
    }
}

/// Keys that people made are never deleted, whatever their age and use.
#[tokio::test(start_paused = true)]
async fn a_key_made_by_hand_is_a_conflict() {
    let bench = Bench::new();
    let tag = aws_sdk_iam::types::Tag::builder().key("OrgID").value("abc").build().unwrap();
    bench.iam().create_user().user_name("rms_abc").tags(tag).send().await.unwrap();
    bench.iam().create_access_key().user_name("rms_abc").send().await.unwrap();
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::UnmanagedKey.to_string()), "{codes:?}");
    assert_eq!(bench.iam().list_access_keys().user_name("rms_abc").send().await.unwrap().access_key_metadata.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deactivated_key_and_a_scheduled_secret_are_somebodys_decision() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let key = bench.provisioned("abc").await.access_key_id;
    let status = aws_sdk_iam::types::StatusType::Inactive;
    bench.iam().update_access_key().user_name("rms_abc").access_key_id(&key).status(status).send().await.unwrap();
    conflict(&bench, "secret", "rms_abc").await;

    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.secrets().delete_secret().secret_id("fusion-rms/abc/aws").send().await.unwrap();
    let failures = conflict(&bench, "secret", "fusion-rms/abc/aws").await;
    let code = ErrorCode::SecretScheduledForDeletion.as_str();
    assert!(failures.iter().any(|failure| failure["error"]["code"] == code), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_public_grant_beside_the_public_folder_is_a_conflict_before_anything_is_opened() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.system.aws.with_world(|world| {
        let bucket = world.buckets.get_mut("fusion-rms-abc").unwrap();
        bucket.policy = bucket.policy.take().map(|policy| policy.replace("/pub/*", "/*"));
        bucket.public_access_block = Some(local_aws::s3::PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        });
    });
    let failures = conflict(&bench, "bucket", "fusion-rms-abc").await;
    let code = ErrorCode::PublicGrant.as_str();
    assert!(failures.iter().any(|failure| failure["error"]["code"] == code), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_blocks_public_policies_is_told_at_once() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.system.aws.with_world(|world| {
        world.account("111111111111").public_access_block = Some(local_aws::s3::PublicAccessBlock {
            block_public_acls: false,
            ignore_public_acls: false,
            block_public_policy: true,
            restrict_public_buckets: true,
        });
        world.buckets.get_mut("fusion-rms-abc").unwrap().policy = None;
    });
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::AccountBlocksPublicAccess.to_string()), "{codes:?}");
}

/// IAM is global, secrets are regional: a key that is stored in one region looks lost from another.
#[tokio::test(start_paused = true)]
async fn a_key_that_another_region_stored_is_not_deleted() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let key = bench.provisioned("abc").await.access_key_id;
    bench.system.aws.with_world(|world| {
        let here = world.region("111111111111", "us-east-1");
        let secret = here.secrets.by_name.remove("fusion-rms/abc/aws").unwrap();
        world.region("111111111111", "eu-west-1").secrets.by_name.insert("fusion-rms/abc/aws".to_owned(), secret);
        let user = world.account("111111111111").iam.user("rms_abc").unwrap();
        user.access_keys[0].last_used = None;
        for (key, value) in &mut user.tags {
            if key == "CreatedBy" {
                *value = value.replace("us-east-1", "eu-west-1");
            }
        }
    });
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::UnmanagedKey.to_string()), "{codes:?}");
    let keys = bench.iam().list_access_keys().user_name("rms_abc").send().await.unwrap().access_key_metadata;
    assert_eq!(keys[0].access_key_id(), Some(key.as_str()));
}

/// A version that somebody labelled still holds its key, whatever AWSCURRENT says. It is no rotation's: its label is
/// neither AWSPREVIOUS nor AWSPENDING.
#[tokio::test(start_paused = true)]
async fn a_key_in_a_labelled_version_is_not_deleted() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let first = bench.provisioned("abc").await.access_key_id;
    let made = bench.iam().create_access_key().user_name("rms_abc").send().await.unwrap().access_key.unwrap();
    let value = serde_json::json!({
        "accessKeyId": made.access_key_id, "secretAccessKey": made.secret_access_key, "userName": "rms_abc" });
    let (client, secret) = (bench.secrets(), "fusion-rms/abc/aws");
    let versions = client.describe_secret().secret_id(secret).send().await.unwrap().version_ids_to_stages.unwrap();
    for _ in 0..2 {
        client.put_secret_value().secret_id(secret).secret_string(value.to_string()).send().await.unwrap();
    }
    let label = client.update_secret_version_stage().secret_id(secret).version_stage("KEPT");
    label.move_to_version_id(versions.keys().next().unwrap()).send().await.unwrap();
    bench.system.aws.with_world(|world| {
        for key in &mut world.account("111111111111").iam.user("rms_abc").unwrap().access_keys {
            key.last_used = None;
        }
    });
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::UnmanagedKey.to_string()), "{codes:?}");
    let keys = bench.iam().list_access_keys().user_name("rms_abc").send().await.unwrap().access_key_metadata;
    assert!(keys.iter().any(|key| key.access_key_id() == Some(first.as_str())), "the labelled version's is kept");
}

/// What the user may do comes from the bucket policy alone; anything beyond is somebody's doing.
#[tokio::test(start_paused = true)]
async fn a_user_with_a_policy_of_its_own_is_not_called_provisioned() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let policy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    bench.iam().attach_user_policy().user_name("rms_abc").policy_arn(policy).send().await.unwrap();
    bench.writes();
    bench.sign_up("abc");
    let events = bench.settle().await;
    let codes = failure_codes(&events);
    assert!(codes.contains(&ErrorCode::UserHasPermissions.to_string()), "{codes:?}");
    assert!(of_type(&events, "OrgProvisioned").is_empty());
    assert_eq!(bench.writes(), []);
}
