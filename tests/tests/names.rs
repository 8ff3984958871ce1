//! Bucket names: taken, requested, longer, elsewhere.

use std::time::Duration;

use aws_sdk_s3::types::BucketNamespace;
use contract::ErrorCode;
use local_aws::Timestamp;
use local_system::LocalOptions;
use serde_json::json;
use tests::{Bench, failure_codes};

#[tokio::test(start_paused = true)]
async fn a_name_that_another_account_holds_is_replaced_by_one_that_nobody_else_can_hold() {
    let bench = Bench::new();
    bench.bucket_of_a_stranger("fusion-rms-abc").await;
    bench.sign_up("abc");
    bench.settle().await;
    let made = bench.provisioned("abc").await;
    assert_eq!(made.bucket, "fusion-rms-abc-111111111111-us-east-1-an");
    bench.writes();
    bench.sign_up("abc");
    bench.settle().await;
    assert_eq!(bench.writes(), [], "the alternative is found again");
}

#[tokio::test(start_paused = true)]
async fn where_the_account_regional_name_does_not_fit_the_alternative_is_hashed() {
    let org = "a".repeat(52);
    let bench = Bench::new();
    bench.bucket_of_a_stranger(&format!("fusion-rms-{org}")).await;
    bench.sign_up(&org);
    bench.settle().await;
    let made = bench.provisioned(&org).await.bucket;
    assert_eq!(made.len(), 63);
    bench.writes();
    bench.sign_up(&org);
    bench.settle().await;
    assert_eq!(bench.writes(), [], "the alternative is found again");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_becomes_free_later_changes_nothing() {
    let bench = Bench::new();
    bench.bucket_of_a_stranger("fusion-rms-abc").await;
    bench.sign_up("abc");
    bench.settle().await;
    let before = bench.provisioned("abc").await;
    bench.s3("222222222222", "local").delete_bucket().bucket("fusion-rms-abc").send().await.unwrap();
    bench.sign_up("abc");
    bench.settle().await;
    assert_eq!(bench.provisioned("abc").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_longer_id_is_another_organization() {
    for order in [["abc", "abc1"], ["abc1", "abc"]] {
        let bench = Bench::new();
        for org in order {
            bench.sign_up(org);
            bench.settle().await;
        }
        assert_eq!(bench.provisioned("abc").await.bucket, "fusion-rms-abc");
        assert_eq!(bench.provisioned("abc1").await.bucket, "fusion-rms-abc1");
        bench.writes();
        bench.sign_up("abc");
        bench.settle().await;
        assert_eq!(bench.writes(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_requested_name_is_given_and_kept() {
    let bench = Bench::new();
    bench.put(&json!({ "orgId": "abc", "environment": "production", "bucketName": "fusion-rms-abc-media" }));
    bench.settle().await;
    let before = bench.provisioned("abc").await;
    assert_eq!(before.bucket, "fusion-rms-abc-media");
    bench.sign_up("abc");
    assert_eq!(failure_codes(&bench.settle().await), [""; 0], "found by its tag without being asked for");
    assert_eq!(bench.provisioned("abc").await, before);
    bench.put(&json!({ "orgId": "abc", "environment": "production", "bucketName": "fusion-rms-abc-other" }));
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::BucketNameDiffers.to_string()), "{codes:?}");
    assert_eq!(bench.provisioned("abc").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_requested_name_that_another_account_holds_is_a_conflict() {
    let bench = Bench::new();
    bench.bucket_of_a_stranger("fusion-rms-abc-media").await;
    bench.put(&json!({ "orgId": "abc", "environment": "production", "bucketName": "fusion-rms-abc-media" }));
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::BucketNameTaken.to_string()), "{codes:?}");
    assert!(bench.writes().iter().all(|call| call.operation != "CreateBucket" || call.caller.contains("222222222222")));
}

#[tokio::test(start_paused = true)]
async fn two_buckets_of_one_organization_are_a_conflict() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.system.aws.with_world(|world| {
        let copy = world.buckets["fusion-rms-abc"].clone();
        world.buckets.insert("fusion-rms-abc-copy".to_owned(), copy);
    });
    bench.writes();
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::BucketAmbiguous.to_string()), "{codes:?}");
    assert_eq!(bench.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_in_another_region_is_a_conflict() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.system.aws.with_world(|world| world.buckets.get_mut("fusion-rms-abc").unwrap().region = "eu-west-1".into());
    bench.writes();
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert!(codes.contains(&ErrorCode::BucketElsewhere.to_string()), "{codes:?}");
    assert_eq!(bench.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn other_regions_are_provisioned_alike() {
    for region in ["eu-west-1", "me-south-1"] {
        let bench = Bench::with(&LocalOptions { region: region.to_owned(), ..LocalOptions::default() });
        bench.sign_up("abc");
        bench.settle().await;
        bench.provisioned("abc").await;
        bench.writes();
        bench.sign_up("abc");
        bench.settle().await;
        assert_eq!(bench.writes(), []);
    }
}

/// us-east-1 answers 200 when a bucket of our own is made again. A bucket that appears between the look and
/// the creation, without our tag, must not be taken over.
#[tokio::test(start_paused = true)]
async fn a_bucket_that_appears_during_the_run_is_not_taken_over() {
    let bench = Bench::new();
    // Made 30 ms after the beginning: the step has looked after 20 ms and creates after 40 ms.
    appears_during_the_run(&bench, "fusion-rms-abc", BucketNamespace::Global, 30).await;
}

/// In the account-regional namespace S3 refuses that itself, in us-east-1 too.
#[tokio::test(start_paused = true)]
async fn an_alternative_bucket_that_appears_during_the_run_is_not_taken_over() {
    let bench = Bench::new();
    bench.bucket_of_a_stranger("fusion-rms-abc").await;
    // Made after 50 ms: the step has looked at the alternative after 40 ms and creates after 60 ms.
    let name = "fusion-rms-abc-111111111111-us-east-1-an";
    appears_during_the_run(&bench, name, BucketNamespace::AccountRegional, 50).await;
}

async fn appears_during_the_run(bench: &Bench, name: &str, namespace: BucketNamespace, after_ms: u64) {
    bench.system.aws.set_latency(Duration::from_millis(20));
    let intruder = async {
        tokio::time::sleep(Duration::from_millis(after_ms - 20)).await;
        let request = bench.s3("111111111111", "local").create_bucket().bucket(name).bucket_namespace(namespace);
        request.send().await.unwrap();
    };
    bench.system.send("bucket", &tests::command("abc").to_string()).unwrap();
    let (settled, ()) = futures_util::future::join(bench.system.settle(), intruder).await;
    assert!(settled.is_ok());
    let tried = bench.system.aws.take_trace().into_iter().filter(|call| call.operation == "CreateBucket");
    assert!(tried.filter(|call| call.resource == name).count() >= 2, "the step tried to make it too");
    let codes = failure_codes(&bench.system.take_emitted().unwrap());
    assert_eq!(codes, [ErrorCode::NotOurs.as_str()]);
    bench.system.aws.look(|world| {
        let bucket = &world.buckets[name];
        assert!(bucket.tags.is_empty() && bucket.objects.is_empty());
        assert!(bucket.public_access_block.is_some_and(|block| block.block_public_policy));
        assert!(bucket.created > Timestamp::default());
    });
}
