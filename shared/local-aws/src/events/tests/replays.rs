//! Replays as callers see them: what is replayed to whom, how far a replay is, and how it ends.

use super::archives::{ARCHIVE, BUS, archived};
use super::*;

/// When [`aws`] begins.
const START: u64 = 1_795_341_600;

const SECOND: Duration = Duration::from_secs(1);

fn replay(name: &str) -> Value {
    json!({
        "ReplayName": name, "EventSourceArn": ARCHIVE, "EventStartTime": START - 3600, "EventEndTime": START + 3600,
        "Destination": { "Arn": BUS },
    })
}

fn start(aws: &LocalAws, asked: Value) -> Result<Value, ApiFailure> {
    events(aws, "StartReplay", asked)
}

fn describe(aws: &LocalAws, name: &str) -> Value {
    events(aws, "DescribeReplay", json!({ "ReplayName": name })).unwrap()
}

fn state(aws: &LocalAws, name: &str) -> String {
    describe(aws, name)["State"].as_str().unwrap().to_owned()
}

/// An event of this number that says it is from so many minutes after the start.
fn at_minute(minute: u64, n: u64) -> Value {
    let mut entry = entry(&json!({ "n": n }).to_string());
    entry["Time"] = json!(START + 60 * minute);
    entry
}

/// The numbers of the events that arrived, in their order.
fn numbers(aws: &LocalAws) -> Vec<u64> {
    received_events(aws).iter().map(|event| event["detail"]["n"].as_u64().unwrap()).collect()
}

fn received_events(aws: &LocalAws) -> Vec<Value> {
    let messages = received(aws, QUEUE);
    messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()).collect()
}

/// Three events of three minutes are in the archive, and gone from the queue.
fn three_minutes() -> LocalAws {
    let aws = archived(json!({}));
    put(&aws, json!([at_minute(2, 3), at_minute(0, 1), at_minute(1, 2)])).unwrap();
    assert_eq!(numbers(&aws), [3, 1, 2]);
    aws
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_minute_by_minute_and_tells_how_far_it_is() {
    let aws = three_minutes();
    let told = start(&aws, replay("again")).unwrap();
    let arn = "arn:aws:events:eu-west-1:222222222222:replay/again";
    assert_eq!(told, json!({ "ReplayArn": arn, "State": "STARTING", "ReplayStartTime": START as f64 }));
    assert_eq!(describe(&aws, "again").get("EventLastReplayedTime"), None);
    for minute in 0..3 {
        tokio::time::sleep(SECOND).await;
        assert_eq!(numbers(&aws), [minute + 1]);
        let replay = describe(&aws, "again");
        assert_eq!(replay["State"], "RUNNING");
        assert_eq!(replay["EventLastReplayedTime"], json!((START + 60 * minute) as f64));
        assert_eq!(replay.get("ReplayEndTime"), None);
    }
    tokio::time::sleep(SECOND).await;
    assert!(numbers(&aws).is_empty());
    assert_eq!(
        describe(&aws, "again"),
        json!({
            "ReplayName": "again", "ReplayArn": arn, "State": "COMPLETED", "EventSourceArn": ARCHIVE,
            "Destination": { "Arn": BUS }, "EventStartTime": (START - 3600) as f64,
            "EventEndTime": (START + 3600) as f64, "EventLastReplayedTime": (START + 120) as f64,
            "ReplayStartTime": START as f64, "ReplayEndTime": (START + 4) as f64,
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_replayed_event_is_the_same_but_for_the_name_of_its_replay() {
    let aws = archived(json!({}));
    put(&aws, json!([entry(r#"{"n":1}"#)])).unwrap();
    let [mut first] = received_events(&aws).try_into().unwrap();
    start(&aws, replay("again")).unwrap();
    tokio::time::sleep(SECOND).await;
    let [again] = received_events(&aws).try_into().unwrap();
    first["replay-name"] = json!("again");
    assert_eq!(again, first);
    let archive = events(&aws, "DescribeArchive", json!({ "ArchiveName": "kept" })).unwrap();
    assert_eq!(archive["EventCount"], 1, "not archived again");
}

#[tokio::test(start_paused = true)]
async fn the_range_counts_by_the_events_own_time_and_excludes_its_end() {
    let aws = three_minutes();
    let mut asked = replay("middle");
    (asked["EventStartTime"], asked["EventEndTime"]) = (json!(START + 60), json!(START + 120));
    start(&aws, asked).unwrap();
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(numbers(&aws), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_step_has_a_hundred_events_at_most() {
    let aws = archived(json!({}));
    for _ in 0..11 {
        let ten: Vec<Value> = (0..10).map(|n| at_minute(0, n)).collect();
        put(&aws, json!(ten)).unwrap();
    }
    let in_queue = || {
        aws.with_world(|world| world.region(ACCOUNT, REGION).queues.by_arn(QUEUE).unwrap().messages(aws.now()).count())
    };
    assert_eq!(in_queue(), 110);
    start(&aws, replay("again")).unwrap();
    for expected in [210, 220, 220] {
        tokio::time::sleep(SECOND).await;
        assert_eq!(in_queue(), expected);
    }
    assert_eq!(state(&aws, "again"), "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn only_the_rules_that_are_named_see_replayed_events() {
    let aws = three_minutes();
    let other = json!({ "Name": "other", "EventBusName": "orders", "EventPattern": r#"{"source":["shop"]}"# });
    let other_arn = events(&aws, "PutRule", other).unwrap()["RuleArn"].as_str().unwrap().to_owned();
    allow(&aws, DEAD, &other_arn);
    let target = json!({ "Rule": "other", "EventBusName": "orders", "Targets": [{ "Id": "1", "Arn": DEAD }] });
    events(&aws, "PutTargets", target).unwrap();
    let mut asked = replay("again");
    asked["Destination"]["FilterArns"] = json!([other_arn]);
    start(&aws, asked).unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!((received(&aws, QUEUE).len(), received(&aws, DEAD).len()), (0, 3));
    assert_eq!(describe(&aws, "again")["Destination"]["FilterArns"], json!([other_arn]));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_replay_stops_and_keeps_what_it_did() {
    let aws = three_minutes();
    start(&aws, replay("again")).unwrap();
    tokio::time::sleep(SECOND).await;
    let told = events(&aws, "CancelReplay", json!({ "ReplayName": "again" })).unwrap();
    assert_eq!(told["State"], "CANCELLING");
    assert_eq!(state(&aws, "again"), "CANCELLING");
    let again = || code(events(&aws, "CancelReplay", json!({ "ReplayName": "again" })));
    assert_eq!(again(), "IllegalStatusException");
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(numbers(&aws), [1]);
    let replay = describe(&aws, "again");
    assert_eq!((&replay["State"], &replay["ReplayEndTime"]), (&json!("CANCELLED"), &json!((START + 2) as f64)));
    assert_eq!(again(), "IllegalStatusException");
    assert_eq!(code(events(&aws, "CancelReplay", json!({ "ReplayName": "none" }))), "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_replay_without_its_archive_fails() {
    let aws = three_minutes();
    start(&aws, replay("again")).unwrap();
    events(&aws, "DeleteArchive", json!({ "ArchiveName": "kept" })).unwrap();
    tokio::time::sleep(SECOND).await;
    let replay = describe(&aws, "again");
    assert_eq!((&replay["State"], &replay["StateReason"]), (&json!("FAILED"), &json!("Archive kept does not exist.")));
}

#[tokio::test(start_paused = true)]
async fn refuses_wrong_replays() {
    let aws = archived(json!({}));
    events(&aws, "CreateEventBus", json!({ "Name": "second" })).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut asked = replay("new");
        *asked.pointer_mut(pointer).unwrap() = value;
        start(&aws, asked)
    };
    for (pointer, value, expected) in [
        ("/ReplayName", json!("a b"), "ValidationException"),
        ("/ReplayName", json!("x".repeat(65)), "ValidationException"),
        ("/EventSourceArn", json!(ARCHIVE.replace("kept", "none")), "ValidationException"),
        ("/EventStartTime", json!(START + 3600), "ValidationException"),
        ("/Destination/Arn", json!(RULE), "ValidationException"),
        ("/Destination/Arn", json!(BUS.replace("orders", "second")), "ValidationException"),
        ("/Destination/Arn", json!(BUS.replace("orders", "none")), "ResourceNotFoundException"),
    ] {
        assert_eq!(code(with(pointer, value.clone())), expected, "{pointer} {value}");
    }
    let other = with("/Destination/Arn", json!(BUS.replace("orders", "second"))).unwrap_err();
    assert!(other.message.contains("Cross event bus replay is not permitted"), "{}", other.message);
}

#[tokio::test(start_paused = true)]
async fn ten_replays_run_at_once_and_a_name_is_used_once() {
    let aws = archived(json!({}));
    for n in 0..10 {
        start(&aws, replay(&format!("r{n}"))).unwrap();
    }
    assert_eq!(code(start(&aws, replay("r0"))), "ResourceAlreadyExistsException");
    assert_eq!(code(start(&aws, replay("r10"))), "LimitExceededException");
    tokio::time::sleep(SECOND).await;
    start(&aws, replay("r10")).unwrap();
    assert_eq!(code(start(&aws, replay("r0"))), "ResourceAlreadyExistsException");
    let count = |asked: Value| events(&aws, "ListReplays", asked).unwrap()["Replays"].as_array().unwrap().len();
    assert_eq!(count(json!({ "State": "COMPLETED" })), 10);
    assert_eq!(count(json!({ "NamePrefix": "r1" })), 2);
    assert_eq!(count(json!({ "EventSourceArn": ARCHIVE })), 11);
    assert_eq!(count(json!({ "Limit": 3 })), 3);
    assert_eq!(code(events(&aws, "ListReplays", json!({ "State": "DONE" }))), "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_on_in_a_restored_state() {
    let aws = three_minutes();
    start(&aws, replay("again")).unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!(numbers(&aws), [1]);
    let text = serde_json::to_string(&aws.snapshot()).unwrap();
    let other = LocalAws::new(2, aws.clock().clone());
    other.restore(serde_json::from_str(&text).unwrap());
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(numbers(&other), [2, 3]);
    assert_eq!(numbers(&aws), [2, 3], "the first one goes on for itself");
    assert_eq!(describe(&other, "again"), describe(&aws, "again"));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_hears_of_a_replayed_event() {
    let aws = three_minutes();
    start(&aws, replay("again")).unwrap();
    let body = json!({ "QueueUrl": url(QUEUE), "WaitTimeSeconds": 20 });
    let request = http::Request::post("https://sqs.eu-west-1.amazonaws.com/")
        .header("x-amz-target", "AmazonSQS.ReceiveMessage")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=222222222222/20261122/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
        .body(body.to_string().into())
        .unwrap();
    let before = aws.now();
    let answer = aws.request(request).await.unwrap();
    assert!(String::from_utf8_lossy(answer.body()).contains("replay-name"));
    assert_eq!(aws.now().since(before), SECOND);
}
