//! One organization from nothing to provisioned, once, twice and at the same time.

use std::time::Duration;

use serde_json::Value;
use tests::{Bench, command, failure_codes, of_type};

#[tokio::test(start_paused = true)]
async fn an_organization_gets_everything() {
    let bench = Bench::new();
    bench.sign_up("xmsqa1");
    let events = bench.settle().await;
    assert_eq!(bench.provisioned("xmsqa1").await.bucket, "fusion-rms-xmsqa1");
    assert!((1..=2).contains(&of_type(&events, "OrgProvisioned").len()), "{events:?}");
    assert_eq!(failure_codes(&events), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_key_opens_its_bucket_and_everybody_reads_the_public_folder() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.provisioned("abc").await;
    let key = bench.stored_key("abc").await;
    let theirs = bench.s3(key["accessKeyId"].as_str().unwrap(), key["secretAccessKey"].as_str().unwrap());
    theirs.put_object().bucket("fusion-rms-abc").key("pub/logo.png").body(vec![1].into()).send().await.unwrap();
    theirs.put_object().bucket("fusion-rms-abc").key("sync/data").body(vec![2].into()).send().await.unwrap();
    theirs.delete_object().bucket("fusion-rms-abc").key("sync/data").send().await.unwrap();
    theirs.put_object().bucket("fusion-rms-abc").key("sync/data").body(vec![2].into()).send().await.unwrap();
    let config = bench.system.sdk_config("unused", "unused");
    let mut config = config.to_builder();
    config.set_credentials_provider(None);
    let anyone = aws_sdk_s3::config::Builder::from(&config.build()).allow_no_auth().build();
    let anyone = aws_sdk_s3::Client::from_conf(anyone);
    assert!(anyone.get_object().bucket("fusion-rms-abc").key("pub/logo.png").send().await.is_ok());
    assert!(anyone.get_object().bucket("fusion-rms-abc").key("sync/data").send().await.is_err());
    assert!(anyone.list_objects_v2().bucket("fusion-rms-abc").send().await.is_err());
    assert!(anyone.put_object().bucket("fusion-rms-abc").key("pub/x").send().await.is_err());
    assert!(theirs.get_bucket_policy().bucket("fusion-rms-abc").send().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn again_on_the_same_state_writes_nothing_and_says_so() {
    let bench = Bench::new();
    bench.sign_up("abc");
    let first = bench.settle().await;
    let before = bench.provisioned("abc").await;
    bench.writes();
    bench.sign_up("abc");
    let second = bench.settle().await;
    assert_eq!(bench.writes(), []);
    assert!(second.iter().all(|event| event.detail["outcome"] == "unchanged"), "{second:?}");
    assert_eq!(bench.provisioned("abc").await, before);
    let ids = |events: &[local_system::Emitted]| -> Vec<Value> {
        of_type(events, "OrgProvisioned").iter().map(|detail| detail["eventId"].clone()).collect()
    };
    assert_eq!(ids(&first)[0], ids(&second)[0], "the same request has the same event id");
}

#[tokio::test(start_paused = true)]
async fn an_event_delivered_twice_makes_one_of_everything() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.sign_up("abc");
    bench.settle().await;
    bench.provisioned("abc").await;
}

/// Two functions at work on the same organization: neither sees what the other is about to write.
#[tokio::test(start_paused = true)]
async fn deliveries_at_the_same_moment_make_one_of_everything() {
    for apart_ms in [0, 10, 20, 30, 40, 50, 70, 90, 110, 130] {
        let bench = Bench::new();
        bench.system.aws.set_latency(Duration::from_millis(20));
        let second = async {
            tokio::time::sleep(Duration::from_millis(apart_ms)).await;
            for step in ["iam-user", "bucket", "bucket-policy", "secret"] {
                // Beside the queues, so that nothing keeps the two apart.
                let _ = bench.system.invoke(step, command("abc")).await;
            }
        };
        bench.sign_up("abc");
        let (settled, ()) = futures_util::future::join(bench.system.settle(), second).await;
        assert!(settled.is_ok());
        // What the second delivery left half done is what its caller would try again.
        for step in ["iam-user", "bucket", "bucket-policy", "secret", "verify"] {
            bench.system.send(step, &command("abc").to_string()).unwrap();
        }
        bench.settle().await;
        bench.provisioned("abc").await;
    }
}

#[tokio::test(start_paused = true)]
async fn steps_delivered_in_any_order_end_the_same() {
    let steps = ["iam-user", "bucket", "bucket-policy", "secret", "verify"];
    for order in permutations(&steps) {
        let bench = Bench::new();
        for step in &order {
            bench.system.send(step, &command("abc").to_string()).unwrap();
            // Far enough apart that each is at work alone.
            let _ = tokio::time::timeout(Duration::from_secs(1), bench.system.settle()).await;
        }
        let events = bench.settle().await;
        bench.provisioned("abc").await;
        assert_eq!(failure_codes(&events), [""; 0], "{order:?}");
    }
}

fn permutations<'s>(items: &[&'s str]) -> Vec<Vec<&'s str>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in items.iter().enumerate() {
        let rest: Vec<&str> =
            items.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, item)| *item).collect();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_crowd_signs_up_at_once() {
    let bench = Bench::new();
    bench.system.aws.set_latency(Duration::from_millis(20));
    let orgs: Vec<String> = (0..50).map(|n| format!("org{n}")).collect();
    for org in &orgs {
        bench.sign_up(org);
    }
    bench.settle().await;
    for org in &orgs {
        assert_eq!(bench.provisioned(org).await.bucket, format!("fusion-rms-{org}"));
    }
}
