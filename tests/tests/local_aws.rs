//! The local AWS through the AWS SDK: who calls, what is signed, and the rules that the flow relies on.

use std::time::Duration;

use aws_sdk_iam::types::{StatusType, Tag};
use local_aws::{Fault, FaultPlan, Propagation};
use serde_json::json;
use tests::Bench;

fn code<E: aws_sdk_iam::error::ProvideErrorMetadata>(error: &E) -> &str {
    error.code().unwrap_or("no code")
}

#[tokio::test(start_paused = true)]
async fn sts_tells_who_calls() {
    let bench = Bench::new();
    let sts = |id: &str, secret: &str| aws_sdk_sts::Client::new(&bench.system.sdk_config(id, secret));
    let identity = sts("222222222222", "any").get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("222222222222"));
    assert!(!identity.arn().unwrap().ends_with(":root"));
    bench.sign_up("abc");
    bench.settle().await;
    let key = bench.stored_key("abc").await;
    let (id, secret) = (key["accessKeyId"].as_str().unwrap(), key["secretAccessKey"].as_str().unwrap());
    let identity = sts(id, secret).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some("arn:aws:iam::111111111111:user/rms_abc"));
    let wrong = sts(id, "wrong").get_caller_identity().send().await.unwrap_err();
    assert_eq!(code(&wrong), "SignatureDoesNotMatch");
    let status = StatusType::Inactive;
    bench.iam().update_access_key().user_name("rms_abc").access_key_id(id).status(status).send().await.unwrap();
    assert_eq!(code(&sts(id, secret).get_caller_identity().send().await.unwrap_err()), "InvalidClientTokenId");
    let refused = bench.s3(id, secret).list_objects_v2().bucket("fusion-rms-abc").send().await.unwrap_err();
    assert_eq!(code(&refused), "InvalidAccessKeyId");
}

#[tokio::test(start_paused = true)]
async fn iam_keeps_its_rules_on_the_wire() {
    let bench = Bench::new();
    let iam = bench.iam();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    iam.create_user().user_name("One").tags(tag("OrgID", "a")).send().await.unwrap();
    assert_eq!(code(&iam.create_user().user_name("one").send().await.unwrap_err()), "EntityAlreadyExists");
    iam.tag_user().user_name("One").tags(tag("OrgId", "b")).send().await.unwrap();
    let tags = iam.list_user_tags().user_name("One").send().await.unwrap().tags;
    assert_eq!(tags.len(), 1, "tag keys ignore case");
    assert_eq!(tags[0].value(), "b");
    for _ in 0..2 {
        iam.create_access_key().user_name("One").send().await.unwrap();
    }
    assert_eq!(code(&iam.create_access_key().user_name("One").send().await.unwrap_err()), "LimitExceeded");
    let keys = iam.list_access_keys().user_name("One").send().await.unwrap().access_key_metadata;
    let used = iam.get_access_key_last_used().access_key_id(keys[0].access_key_id().unwrap()).send().await.unwrap();
    let used = used.access_key_last_used.unwrap();
    assert_eq!((used.last_used_date, used.service_name.as_str()), (None, "N/A"));
}

#[tokio::test(start_paused = true)]
async fn faults_and_delays_reach_the_sdk() {
    let bench = Bench::new();
    bench.system.aws.plan_faults(FaultPlan::default().on("CreateUser", 1, Fault::LostReply));
    let retried = bench.iam().create_user().user_name("one").send().await.unwrap_err();
    assert_eq!(code(&retried), "EntityAlreadyExists", "applied, and the SDK tried again");
    bench.system.aws.with_world(|world| {
        world.propagation = Propagation { key_listed: Duration::from_secs(10), ..Propagation::default() };
    });
    bench.iam().create_access_key().user_name("one").send().await.unwrap();
    let listed =
        async || bench.iam().list_access_keys().user_name("one").send().await.unwrap().access_key_metadata.len();
    assert_eq!(listed().await, 0);
    bench.system.aws.clock().advance(Duration::from_secs(10));
    assert_eq!(listed().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_brings_everything_back() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let before = bench.provisioned("abc").await;
    let snapshot = bench.system.aws.snapshot();
    let json = serde_json::to_string(&snapshot).unwrap();
    bench.system.aws.with_world(|world| world.buckets.clear());
    bench.system.aws.restore(serde_json::from_str(&json).unwrap());
    assert_eq!(bench.provisioned("abc").await, before);
}

/// A receive that may wait gets what comes in the meantime.
#[tokio::test(start_paused = true)]
async fn a_long_poll_waits_for_the_message() {
    let bench = Bench::new();
    let sqs = aws_sdk_sqs::Client::new(&bench.system.sdk_config("111111111111", "local"));
    let url = sqs.create_queue().queue_name("mine").send().await.unwrap().queue_url.unwrap();
    let receive = sqs.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let send = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        sqs.send_message().queue_url(&url).message_body(json!({}).to_string()).send().await.unwrap();
    };
    let begun = bench.system.aws.now();
    let (received, ()) = futures_util::future::join(receive, send).await;
    assert_eq!(received.unwrap().messages().len(), 1);
    assert_eq!(bench.system.aws.now().since(begun), Duration::from_secs(3));
    let empty = sqs.receive_message().queue_url(&url).wait_time_seconds(2).send().await.unwrap();
    assert!(empty.messages().is_empty());
    assert_eq!(bench.system.aws.now().since(begun), Duration::from_secs(5));
}
