//! Message move tasks as callers see them.

use super::*;

const DEAD: &str = "arn:aws:sqs:eu-west-1:222222222222:dead";
const DEAD_URL: &str = "https://sqs.eu-west-1.amazonaws.com/222222222222/dead";
const OTHER_QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:other";
const OTHER_URL: &str = "https://sqs.eu-west-1.amazonaws.com/222222222222/other";
const SECOND: Duration = Duration::from_secs(1);

/// The queues `jobs`, its dead-letter queue `dead`, and `other`; these bodies have gone from `jobs` to `dead`.
fn with_dead_letters(bodies: &[&str]) -> LocalAws {
    let aws = aws();
    for name in ["dead", "other"] {
        sqs(&aws, "CreateQueue", json!({ "QueueName": name })).unwrap();
    }
    let redrive = json!({ "deadLetterTargetArn": DEAD, "maxReceiveCount": 1 });
    set(&aws, "RedrivePolicy", &redrive.to_string()).unwrap();
    for body in bodies {
        send(&aws, body);
    }
    let at_once = || {
        let asked = json!({ "QueueUrl": URL, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        sqs(&aws, "ReceiveMessage", asked).unwrap()
    };
    at_once();
    assert_eq!(at_once(), json!({}));
    aws
}

fn start(aws: &LocalAws, asked: Value) -> Result<Value, ApiFailure> {
    let mut body = json!({ "SourceArn": DEAD });
    for (name, value) in asked.as_object().unwrap() {
        body[name] = value.clone();
    }
    sqs(aws, "StartMessageMoveTask", body)
}

fn task(aws: &LocalAws) -> Value {
    sqs(aws, "ListMessageMoveTasks", json!({ "SourceArn": DEAD })).unwrap()["Results"][0].clone()
}

fn visible(aws: &LocalAws, url: &str) -> String {
    let asked = json!({ "QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"] });
    let told = sqs(aws, "GetQueueAttributes", asked).unwrap();
    told["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn messages_go_back_to_where_they_came_from_as_new_ones() {
    let aws = with_dead_letters(&["one"]);
    let dead = sqs(&aws, "ReceiveMessage", json!({ "QueueUrl": DEAD_URL, "VisibilityTimeout": 0 })).unwrap();
    let handle = start(&aws, json!({})).unwrap()["TaskHandle"].clone();
    assert_eq!(
        task(&aws),
        json!({
            "TaskHandle": handle, "Status": "RUNNING", "SourceArn": DEAD, "ApproximateNumberOfMessagesMoved": 0,
            "ApproximateNumberOfMessagesToMove": 1, "StartedTimestamp": 1_795_000_000_000_u64,
        })
    );
    tokio::time::sleep(SECOND).await;
    assert_eq!(
        task(&aws),
        json!({
            "Status": "COMPLETED", "SourceArn": DEAD, "ApproximateNumberOfMessagesMoved": 1,
            "ApproximateNumberOfMessagesToMove": 1, "StartedTimestamp": 1_795_000_000_000_u64,
        })
    );
    let moved = receive(&aws, URL).unwrap();
    assert_eq!((&moved["Body"], visible(&aws, DEAD_URL).as_str()), (&json!("one"), "0"));
    assert_ne!(moved["MessageId"], dead["Messages"][0]["MessageId"]);
    let system = &moved["Attributes"];
    assert_eq!((&system["ApproximateReceiveCount"], &system["SentTimestamp"]), (&json!("1"), &json!("1795000001000")));
    assert_eq!(system.get("DeadLetterQueueSourceArn"), None);
}

#[tokio::test(start_paused = true)]
async fn each_message_goes_to_its_own_queue() {
    let aws = with_dead_letters(&["a", "b"]);
    let redrive = json!({ "deadLetterTargetArn": DEAD, "maxReceiveCount": 1 }).to_string();
    sqs(&aws, "SetQueueAttributes", json!({ "QueueUrl": OTHER_URL, "Attributes": { "RedrivePolicy": redrive } }))
        .unwrap();
    sqs(&aws, "SendMessage", json!({ "QueueUrl": OTHER_URL, "MessageBody": "c" })).unwrap();
    for _ in 0..2 {
        sqs(&aws, "ReceiveMessage", json!({ "QueueUrl": OTHER_URL, "VisibilityTimeout": 0 })).unwrap();
    }
    start(&aws, json!({})).unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!([URL, OTHER_URL, DEAD_URL].map(|url| visible(&aws, url)), ["2", "1", "0"]);
    let sources = |url: &str| sqs(&aws, "ListDeadLetterSourceQueues", json!({ "QueueUrl": url })).unwrap();
    assert_eq!(sources(DEAD_URL)["queueUrls"], json!([URL, OTHER_URL]));
    assert_eq!(sources(URL), json!({ "queueUrls": [] }));
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_and_a_running_task_can_be_cancelled() {
    let aws = with_dead_letters(&["a", "b", "c"]);
    let started = start(&aws, json!({ "DestinationArn": OTHER_QUEUE, "MaxNumberOfMessagesPerSecond": 1 })).unwrap();
    let cancel = || sqs(&aws, "CancelMessageMoveTask", json!({ "TaskHandle": started["TaskHandle"] }));
    tokio::time::sleep(SECOND).await;
    assert_eq!([DEAD_URL, OTHER_URL].map(|url| visible(&aws, url)), ["2", "1"]);
    assert_eq!(cancel().unwrap(), json!({ "ApproximateNumberOfMessagesMoved": 1 }));
    assert_eq!((&task(&aws)["Status"], task(&aws).get("TaskHandle")), (&json!("CANCELLING"), None));
    assert_eq!(code(start(&aws, json!({}))), "InvalidParameterValue");
    tokio::time::sleep(5 * SECOND).await;
    let task = task(&aws);
    assert_eq!((&task["Status"], &task["ApproximateNumberOfMessagesMoved"]), (&json!("CANCELLED"), &json!(1)));
    assert_eq!((&task["DestinationArn"], &task["MaxNumberOfMessagesPerSecond"]), (&json!(OTHER_QUEUE), &json!(1)));
    assert_eq!([DEAD_URL, OTHER_URL].map(|url| visible(&aws, url)), ["2", "1"]);
    assert_eq!(code(cancel()), "AWS.SimpleQueueService.UnsupportedOperation");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_to_the_dead_letter_queue_has_no_source() {
    let aws = with_dead_letters(&["redriven"]);
    sqs(&aws, "SendMessage", json!({ "QueueUrl": DEAD_URL, "MessageBody": "sent" })).unwrap();
    start(&aws, json!({})).unwrap();
    tokio::time::sleep(SECOND).await;
    let failed = task(&aws);
    assert_eq!(
        (&failed["Status"], &failed["FailureReason"], &failed["ApproximateNumberOfMessagesMoved"]),
        (&json!("FAILED"), &json!("CouldNotDetermineMessageSource"), &json!(1))
    );
    start(&aws, json!({ "DestinationArn": OTHER_QUEUE })).unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!(task(&aws)["Status"], "COMPLETED");
    assert_eq!(receive(&aws, OTHER_URL).unwrap()["Body"], "sent");
}

#[tokio::test(start_paused = true)]
async fn a_task_fails_when_its_destination_is_deleted() {
    let aws = with_dead_letters(&["a", "b"]);
    start(&aws, json!({ "DestinationArn": OTHER_QUEUE, "MaxNumberOfMessagesPerSecond": 1 })).unwrap();
    tokio::time::sleep(SECOND).await;
    sqs(&aws, "DeleteQueue", json!({ "QueueUrl": OTHER_URL })).unwrap();
    tokio::time::sleep(SECOND).await;
    let failed = task(&aws);
    assert_eq!(failed["FailureReason"], "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!((&failed["Status"], visible(&aws, DEAD_URL).as_str()), (&json!("FAILED"), "1"));
}

#[tokio::test(start_paused = true)]
async fn messages_in_flight_stay() {
    let aws = with_dead_letters(&["a", "b"]);
    receive(&aws, DEAD_URL).unwrap();
    start(&aws, json!({ "DestinationArn": OTHER_QUEUE })).unwrap();
    tokio::time::sleep(SECOND).await;
    let task = task(&aws);
    assert_eq!((&task["Status"], &task["ApproximateNumberOfMessagesToMove"]), (&json!("COMPLETED"), &json!(1)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!([DEAD_URL, OTHER_URL].map(|url| visible(&aws, url)), ["1", "1"]);
}

#[tokio::test(start_paused = true)]
async fn refuses_wrong_tasks() {
    let aws = with_dead_letters(&["a"]);
    let jobs = "arn:aws:sqs:eu-west-1:222222222222:jobs";
    let none = "arn:aws:sqs:eu-west-1:222222222222:none";
    for (asked, expected) in [
        (json!({ "SourceArn": jobs }), "InvalidParameterValue"),
        (json!({ "SourceArn": none }), "ResourceNotFoundException"),
        (json!({ "SourceArn": DEAD.replace("eu-west-1", "us-east-1") }), "ResourceNotFoundException"),
        (json!({ "SourceArn": "dead" }), "InvalidParameterValue"),
        (json!({ "SourceArn": null }), "MissingParameter"),
        (json!({ "DestinationArn": none }), "ResourceNotFoundException"),
        (json!({ "DestinationArn": DEAD }), "InvalidParameterValue"),
        (json!({ "DestinationArn": none.replace(ACCOUNT, OTHER) }), "NotImplemented"),
        (json!({ "MaxNumberOfMessagesPerSecond": 0 }), "InvalidParameterValue"),
        (json!({ "MaxNumberOfMessagesPerSecond": 501 }), "InvalidParameterValue"),
    ] {
        assert_eq!(code(start(&aws, asked.clone())), expected, "{asked}");
    }
    let list = |asked: Value| code(sqs(&aws, "ListMessageMoveTasks", asked));
    assert_eq!(list(json!({ "SourceArn": none })), "ResourceNotFoundException");
    assert_eq!(list(json!({ "SourceArn": DEAD, "MaxResults": 11 })), "InvalidParameterValue");
    let cancel = |handle: &str| code(sqs(&aws, "CancelMessageMoveTask", json!({ "TaskHandle": handle })));
    assert_eq!(cancel("garbage"), "InvalidParameterValue");
    assert_eq!(code(sqs(&aws, "CancelMessageMoveTask", json!({}))), "MissingParameter");
}

#[tokio::test(start_paused = true)]
async fn the_latest_ten_tasks_are_told_the_latest_first() {
    let aws = with_dead_letters(&[]);
    let all = || sqs(&aws, "ListMessageMoveTasks", json!({ "SourceArn": DEAD, "MaxResults": 10 })).unwrap();
    assert_eq!(all(), json!({ "Results": [] }));
    for rate in 1..=11 {
        start(&aws, json!({ "MaxNumberOfMessagesPerSecond": rate })).unwrap();
        tokio::time::sleep(SECOND).await;
    }
    let rates: Vec<u64> = all()["Results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["MaxNumberOfMessagesPerSecond"].as_u64().unwrap())
        .collect();
    assert_eq!(rates, (2..=11).rev().collect::<Vec<_>>());
    assert_eq!(task(&aws)["MaxNumberOfMessagesPerSecond"], 11);
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_after_thirty_six_hours() {
    let aws = with_dead_letters(&["a", "b"]);
    let retention = json!({ "MessageRetentionPeriod": "1209600" });
    sqs(&aws, "SetQueueAttributes", json!({ "QueueUrl": DEAD_URL, "Attributes": retention })).unwrap();
    // `other` is its dead-letter queue's dead-letter queue, and both send everything to each other.
    let redrive = json!({ "deadLetterTargetArn": OTHER_QUEUE, "maxReceiveCount": 1 }).to_string();
    set(&aws, "RedrivePolicy", &redrive).unwrap();
    sqs(
        &aws,
        "SetQueueAttributes",
        json!({ "QueueUrl": OTHER_URL, "Attributes": {
        "RedrivePolicy": json!({ "deadLetterTargetArn": DEAD, "maxReceiveCount": 1 }).to_string() } }),
    )
    .unwrap();
    start(&aws, json!({ "DestinationArn": OTHER_QUEUE, "MaxNumberOfMessagesPerSecond": 1 })).unwrap();
    let back = json!({ "SourceArn": OTHER_QUEUE, "DestinationArn": DEAD, "MaxNumberOfMessagesPerSecond": 1 });
    tokio::time::sleep(SECOND).await;
    sqs(&aws, "StartMessageMoveTask", back).unwrap();
    aws.clock().advance(Duration::from_secs(36 * 3600));
    let failed = task(&aws);
    assert_eq!((&failed["Status"], failed.get("TaskHandle")), (&json!("FAILED"), None));
    assert!(failed["ApproximateNumberOfMessagesMoved"].as_u64().unwrap() > 100_000);
}
