//! Drift, delays and faults: everything comes to rest where it should.

use std::time::Duration;

use local_aws::{Fault, FaultPlan, Propagation};
use serde_json::json;
use tests::{Bench, failure_codes, of_type};

#[tokio::test(start_paused = true)]
async fn iam_may_take_ten_seconds_to_be_known_everywhere() {
    let late = Duration::from_secs(10);
    let bench = Bench::new();
    bench.system.aws.set_latency(Duration::from_millis(20));
    bench.system.aws.with_world(|world| {
        world.propagation = Propagation {
            user_as_principal: late,
            key_usable: late,
            key_listed: late,
            key_deletion_listed: late,
            ..Propagation::default()
        };
    });
    bench.sign_up("abc");
    let events = bench.settle().await;
    let pauses = pauses(&bench, "PutBucketPolicy");
    assert!(pauses.first().is_some_and(|pause| (2..=4).contains(&pause.as_secs())), "{pauses:?}");
    bench.provisioned("abc").await;
    assert_eq!(failure_codes(&events), [""; 0]);
}

/// How much time passed between the calls of an operation.
fn pauses(bench: &Bench, operation: &str) -> Vec<Duration> {
    let trace = bench.system.aws.take_trace();
    let calls: Vec<_> = trace.iter().filter(|call| call.operation == operation).map(|call| call.at).collect();
    calls.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

/// Every operation that the flow calls, with every fault, at its first and second call.
#[tokio::test(start_paused = true)]
async fn any_single_fault_is_survived() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let mut operations: Vec<String> = bench.system.aws.take_trace().into_iter().map(|call| call.operation).collect();
    operations.sort();
    operations.dedup();
    assert!(operations.len() > 15, "{operations:?}");
    for operation in &operations {
        for fault in [Fault::Throttle, Fault::ServerError, Fault::ConnectionReset, Fault::LostReply] {
            for nth in [1, 2] {
                let bench = Bench::new();
                bench.system.aws.plan_faults(FaultPlan::default().on(operation, nth, fault.clone()));
                bench.sign_up("abc");
                let events = bench.settle().await;
                bench.provisioned("abc").await;
                assert_eq!(failure_codes(&events), [""; 0], "{operation} {nth} {fault:?}");
                assert!(!of_type(&events, "OrgProvisioned").is_empty(), "{operation} {nth} {fault:?}");
            }
        }
    }
}

/// Three throttled calls are more than the SDK tries: the message goes back to its queue.
#[tokio::test(start_paused = true)]
async fn a_step_that_is_throttled_throughout_is_tried_again() {
    for operation in
        ["CreateUser", "CreateBucket", "PutBucketPolicy", "CreateAccessKey", "CreateSecret", "ListObjectsV2"]
    {
        let bench = Bench::new();
        // `verify` has two messages, which are tried side by side.
        let faults = if operation == "ListObjectsV2" { 6 } else { 3 };
        let plan = (1..=faults).fold(FaultPlan::default(), |plan, nth| plan.on(operation, nth, Fault::Throttle));
        bench.system.aws.plan_faults(plan);
        bench.sign_up("abc");
        let events = bench.settle().await;
        let pauses = pauses(&bench, operation);
        // The SDK's own tries are over within 12 s, and the message's are never so soon.
        let long: Vec<_> = pauses.iter().filter(|pause| pause.as_secs() >= 12).collect();
        if faults == 3 {
            assert!(!long.is_empty() && long.iter().all(|pause| pause.as_secs() >= 30), "{operation}: {pauses:?}");
        } else {
            // Two messages come back, each at its own time: none sooner than 30 s after the third call, the earliest with which
            // one of them was given back.
            let since_third = pauses.iter().skip(2).scan(Duration::ZERO, |at, pause| {
                *at += *pause;
                Some(*at)
            });
            let late: Vec<_> = since_third.filter(|at| at.as_secs() >= 12).collect();
            assert!(!late.is_empty() && late.iter().all(|at| at.as_secs() >= 30), "{operation}: {pauses:?}");
        }
        bench.provisioned("abc").await;
        assert_eq!(failure_codes(&events), [""; 0], "{operation}");
        assert!(bench.system.aws.faults_exhausted(), "{operation} was called {faults} times");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_drifted_is_put_right() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.system.aws.with_world(|world| {
        let bucket = world.buckets.get_mut("fusion-rms-abc").unwrap();
        bucket.object_ownership = None;
        bucket.public_access_block = bucket.public_access_block.map(|mut block| {
            block.block_public_policy = true;
            block
        });
        bucket.objects.clear();
        bucket.policy = bucket.policy.take().map(|policy| policy.replace("s3:PutObject", "s3:PutObjectTagging"));
    });
    bench.sign_up("abc");
    let events = bench.settle().await;
    bench.provisioned("abc").await;
    let outcome =
        |kind: &str| of_type(&events, kind).iter().map(|detail| detail["outcome"].clone()).collect::<Vec<_>>();
    assert_eq!(outcome("BucketProvisioned"), [json!("updated")]);
    assert_eq!(outcome("BucketPolicyProvisioned"), [json!("updated")]);
}

#[tokio::test(start_paused = true)]
async fn a_user_made_again_is_another_principal_and_gets_a_new_key() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let before = bench.provisioned("abc").await;
    bench.iam().delete_access_key().user_name("rms_abc").access_key_id(&before.access_key_id).send().await.unwrap();
    bench.system.aws.with_world(|world| world.account("111111111111").iam.users.remove("rms_abc"));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    bench.sign_up("abc");
    bench.settle().await;
    assert_ne!(bench.provisioned("abc").await.access_key_id, before.access_key_id);
}

#[tokio::test(start_paused = true)]
async fn a_stored_key_that_is_gone_is_replaced() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let before = bench.provisioned("abc").await;
    bench.iam().delete_access_key().user_name("rms_abc").access_key_id(&before.access_key_id).send().await.unwrap();
    bench.sign_up("abc");
    bench.settle().await;
    assert_ne!(bench.provisioned("abc").await.access_key_id, before.access_key_id);
}

/// A process that is stopped anywhere in the secret step leaves nothing that the next run does not put right.
#[tokio::test(start_paused = true)]
async fn a_function_killed_in_the_middle_leaves_one_key() {
    for killed_after_ms in (10..=130).step_by(20) {
        let bench = Bench::new();
        bench.system.aws.set_latency(Duration::from_millis(20));
        bench.system.invoke("iam-user", tests::command("abc")).await.unwrap();
        let run = bench.system.invoke("secret", tests::command("abc"));
        let _ = tokio::time::timeout(Duration::from_millis(killed_after_ms), run).await;
        bench.sign_up("abc");
        bench.settle().await;
        bench.provisioned("abc").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_bus_refuses_is_sent_again() {
    let bench = Bench::new();
    bench.system.aws.with_world(|world| {
        world.region("111111111111", "us-east-1").buses.failing_entries = 2;
    });
    // Straight to the queue: the sign-up itself must not be the entry that fails.
    for step in ["iam-user", "bucket"] {
        bench.system.send(step, &tests::command("abc").to_string()).unwrap();
    }
    let events = bench.settle().await;
    bench.provisioned("abc").await;
    assert!(!of_type(&events, "OrgProvisioned").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_never_ends_is_told_and_kept() {
    let bench = Bench::new();
    bench.system.send("bucket-policy", &tests::command("abc").to_string()).unwrap();
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events), ["waiting"]);
    assert_eq!(of_type(&events, "OrgProvisioningFailed")[0]["error"]["class"], "retryable");
    assert_eq!(bench.system.take_dead_letters("bucket-policy").unwrap().len(), 1);
}

/// What a delayed check finds: a lost key and no secret. It clears up, makes nothing and says nothing.
#[tokio::test(start_paused = true)]
async fn a_delayed_check_clears_up_and_begins_nothing() {
    let bench = Bench::new();
    bench.iam().create_user().user_name("rms_abc").set_tags(Some(tags("abc"))).send().await.unwrap();
    bench.iam().create_access_key().user_name("rms_abc").send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let message = json!({
        "QueueUrl": "https://sqs.us-east-1.amazonaws.com/111111111111/org-provisioning-secret",
        "MessageBody": tests::command("abc").to_string(),
        "MessageAttributes": { "DelayedCheck": { "DataType": "String", "StringValue": "true" } },
    });
    bench.system.aws.api("111111111111", "us-east-1", "sqs", "SendMessage", message).unwrap();
    bench.writes();
    assert_eq!(bench.settle().await, []);
    let writes: Vec<String> = bench.writes().into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["DeleteAccessKey"]);
}

fn tags(org: &str) -> Vec<aws_sdk_iam::types::Tag> {
    let tag = |key: &str, value: &str| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().unwrap();
    vec![tag("OrgId", org), tag("CreatedBy", "org-provisioner/us-east-1")]
}

/// Where storing is refused for good, the run ends: one failure, one dead letter, no key, no check without end.
#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_be_stored_is_taken_back() {
    let bench = Bench::new();
    let denied = Fault::Refuse { code: "AccessDeniedException", status: 400 };
    let plan = (1..=20).fold(FaultPlan::default(), |plan, nth| plan.on("CreateSecret", nth, denied.clone()));
    bench.system.aws.plan_faults(plan);
    bench.sign_up("abc");
    let codes = failure_codes(&bench.settle().await);
    assert_eq!(codes.iter().filter(|code| *code == "access-denied").count(), 1, "{codes:?}");
    assert_eq!(bench.system.take_dead_letters("secret").unwrap().len(), 1);
    assert!(bench.iam().list_access_keys().user_name("rms_abc").send().await.unwrap().access_key_metadata.is_empty());
}

/// A run that would outlast its function is stopped before, so that a batch never loses its answers.
#[tokio::test(start_paused = true)]
async fn a_slow_run_is_stopped_before_its_function_is() {
    let bench = Bench::new();
    // Every call takes almost as long as an attempt may, and three take a second attempt: 33 s in all.
    bench.system.aws.set_latency(Duration::from_millis(4500));
    let plan = ["ListBuckets", "CreateBucket", "PutPublicAccessBlock"]
        .iter()
        .fold(FaultPlan::default(), |plan, operation| plan.on(operation, 1, Fault::Delay(Duration::from_secs(60))));
    bench.system.aws.plan_faults(plan);
    let stopped = bench.system.invoke("bucket", tests::command("abc")).await.unwrap_err();
    assert_eq!(stopped.error_type, "out-of-time", "and not Sandbox.Timedout");
    bench.system.aws.set_latency(Duration::ZERO);
    bench.sign_up("abc");
    assert_eq!(failure_codes(&bench.settle().await), [""; 0]);
    bench.provisioned("abc").await;
}

/// Nor does what follows a run take the batch's answer along: the message is kept, and comes back.
#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_hidden_in_time_does_not_lose_the_answer() {
    let bench = Bench::new();
    bench.system.aws.set_latency(Duration::from_millis(4500));
    let slow = ["ListBuckets", "CreateBucket", "PutPublicAccessBlock", "ChangeMessageVisibility"];
    let plan = slow
        .iter()
        .fold(FaultPlan::default(), |plan, operation| plan.on(operation, 1, Fault::Delay(Duration::from_secs(60))));
    bench.system.aws.plan_faults(plan);
    let batch = tests::bootstrap::batch("bucket", &[tests::command("abc").to_string()]);
    let answer = bench.system.invoke("bucket", batch).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "m0" }]), "and not Sandbox.Timedout");
}

/// Only a principal that S3 has not heard of yet is worth waiting for.
#[tokio::test(start_paused = true)]
async fn a_policy_that_is_malformed_is_not_tried_again() {
    let bench = Bench::new();
    let fault = Fault::Refuse { code: "MalformedPolicy", status: 400 };
    bench.system.aws.plan_faults(FaultPlan::default().on("PutBucketPolicy", 1, fault));
    bench.sign_up("abc");
    let events = bench.settle().await;
    assert_eq!(failure_codes(&events)[0], "unexpected");
    assert_eq!(bench.system.take_dead_letters("bucket-policy").unwrap().len(), 1);
}
