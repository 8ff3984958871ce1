//! The API of queues as callers see it.

mod move_tasks;

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{ApiFailure, Clock, LocalAws};

const ACCOUNT: &str = "222222222222";
const OTHER: &str = "333333333333";
const URL: &str = "https://sqs.eu-west-1.amazonaws.com/222222222222/jobs";

fn aws() -> LocalAws {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_000_000)));
    sqs(&aws, "CreateQueue", json!({ "QueueName": "jobs" })).unwrap();
    aws
}

fn sqs(aws: &LocalAws, operation: &str, body: Value) -> Result<Value, ApiFailure> {
    aws.api(ACCOUNT, "eu-west-1", "sqs", operation, body)
}

fn code(answer: Result<Value, ApiFailure>) -> String {
    answer.unwrap_err().code
}

fn set(aws: &LocalAws, name: &str, value: &str) -> Result<Value, ApiFailure> {
    sqs(aws, "SetQueueAttributes", json!({ "QueueUrl": URL, "Attributes": { name: value } }))
}

fn send(aws: &LocalAws, body: &str) {
    sqs(aws, "SendMessage", json!({ "QueueUrl": URL, "MessageBody": body })).unwrap();
}

fn receive(aws: &LocalAws, url: &str) -> Option<Value> {
    let asked = json!({ "QueueUrl": url, "AttributeNames": ["All"], "MessageAttributeNames": ["All"] });
    sqs(aws, "ReceiveMessage", asked).unwrap().get("Messages").and_then(|messages| messages.get(0)).cloned()
}

#[tokio::test(start_paused = true)]
async fn creating_again_answers_the_url_unless_an_attribute_differs() {
    let aws = aws();
    let again = |value: &str| {
        sqs(&aws, "CreateQueue", json!({ "QueueName": "jobs", "Attributes": { "VisibilityTimeout": value } }))
    };
    assert_eq!(again("30").unwrap()["QueueUrl"], URL);
    assert_eq!(code(again("31")), "QueueAlreadyExists");
    assert_eq!(code(sqs(&aws, "CreateQueue", json!({ "QueueName": "no spaces" }))), "InvalidParameterValue");
    assert_eq!(code(sqs(&aws, "CreateQueue", json!({ "QueueName": "jobs.fifo" }))), "NotImplemented");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_name_rests_for_a_minute() {
    let aws = aws();
    sqs(&aws, "DeleteQueue", json!({ "QueueUrl": URL })).unwrap();
    assert_eq!(
        code(sqs(&aws, "GetQueueUrl", json!({ "QueueName": "jobs" }))),
        "AWS.SimpleQueueService.NonExistentQueue"
    );
    let create = || sqs(&aws, "CreateQueue", json!({ "QueueName": "jobs" }));
    assert_eq!(code(create()), "AWS.SimpleQueueService.QueueDeletedRecently");
    tokio::time::sleep(Duration::from_secs(60)).await;
    create().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_travels_with_its_attributes_and_digests() {
    let aws = aws();
    let sent = json!({
        "QueueUrl": URL,
        "MessageBody": "hello",
        "MessageAttributes": { "kind": { "DataType": "String", "StringValue": "greeting" } },
    });
    let told = sqs(&aws, "SendMessage", sent).unwrap();
    let message = receive(&aws, URL).unwrap();
    assert_eq!(message["MD5OfBody"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(message["MessageId"], told["MessageId"]);
    assert_eq!(message["MD5OfMessageAttributes"], told["MD5OfMessageAttributes"]);
    assert_eq!(message["MessageAttributes"]["kind"], json!({ "DataType": "String", "StringValue": "greeting" }));
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(message["Attributes"]["SentTimestamp"], "1795000000000");
    assert!(receive(&aws, URL).is_none());
}

#[tokio::test(start_paused = true)]
async fn on_the_wire_errors_carry_the_old_code_beside_the_new() {
    let aws = aws();
    let request = |url: &str| {
        http::Request::post("https://sqs.eu-west-1.amazonaws.com/")
            .header("x-amz-target", "AmazonSQS.ReceiveMessage")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=222222222222/20261122/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
            .body(json!({ "QueueUrl": url }).to_string().into())
            .unwrap()
    };
    let found = aws.request(request("http://127.0.0.1:4566/222222222222/jobs")).await.unwrap();
    assert_eq!((found.status().as_u16(), found.body().as_ref()), (200, b"{}".as_slice()));
    let missing = aws.request(request("http://127.0.0.1:4566/222222222222/none")).await.unwrap();
    assert_eq!(missing.status(), 400);
    assert_eq!(missing.headers()["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
    let body: Value = serde_json::from_slice(missing.body()).unwrap();
    assert_eq!(body["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
    let resources: Vec<String> = aws.take_trace().into_iter().map(|recorded| recorded.resource).collect();
    assert_eq!(resources, ["jobs", "none"]);
}

#[tokio::test(start_paused = true)]
async fn delays_hide_and_are_counted() {
    let aws = aws();
    let delayed = |seconds: i64| json!({ "QueueUrl": URL, "MessageBody": "later", "DelaySeconds": seconds });
    sqs(&aws, "SendMessage", delayed(900)).unwrap();
    assert_eq!(code(sqs(&aws, "SendMessage", delayed(901))), "InvalidParameterValue");
    let counted = sqs(&aws, "GetQueueAttributes", json!({ "QueueUrl": URL, "AttributeNames": ["All"] })).unwrap();
    assert_eq!(counted["Attributes"]["ApproximateNumberOfMessagesDelayed"], "1");
    assert_eq!(counted["Attributes"]["ApproximateNumberOfMessages"], "0");
    tokio::time::sleep(Duration::from_secs(900)).await;
    assert!(receive(&aws, URL).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_moves_to_the_dead_letter_queue() {
    let aws = aws();
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:222222222222:dead","maxReceiveCount":2}"#;
    assert_eq!(code(set(&aws, "RedrivePolicy", redrive)), "InvalidParameterValue");
    let dead =
        sqs(&aws, "CreateQueue", json!({ "QueueName": "dead" })).unwrap()["QueueUrl"].as_str().unwrap().to_owned();
    set(&aws, "RedrivePolicy", redrive).unwrap();
    send(&aws, "poison");
    let first = receive(&aws, URL).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(receive(&aws, URL).is_some());
    assert!(receive(&aws, &dead).is_none());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(receive(&aws, URL).is_none());
    let moved = receive(&aws, &dead).unwrap();
    assert_eq!(moved["MessageId"], first["MessageId"]);
    assert_eq!(moved["Attributes"]["SentTimestamp"], first["Attributes"]["SentTimestamp"]);
    assert_eq!(moved["Attributes"]["ApproximateReceiveCount"], "3", "counted across queues");
    assert_eq!(moved["Attributes"]["DeadLetterQueueSourceArn"], "arn:aws:sqs:eu-west-1:222222222222:jobs");
}

#[tokio::test(start_paused = true)]
async fn limits_of_requests() {
    let aws = aws();
    let body = |bytes: usize| json!({ "QueueUrl": URL, "MessageBody": "x".repeat(bytes) });
    sqs(&aws, "SendMessage", body(1_048_576)).unwrap();
    assert_eq!(code(sqs(&aws, "SendMessage", body(1_048_577))), "InvalidParameterValue");
    assert_eq!(code(sqs(&aws, "SendMessage", body(0))), "MissingParameter");
    let control = json!({ "QueueUrl": URL, "MessageBody": "\u{1}" });
    assert_eq!(code(sqs(&aws, "SendMessage", control)), "InvalidMessageContents");
    for (parameter, value) in [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("VisibilityTimeout", 43_201),
        ("WaitTimeSeconds", 21),
    ] {
        let asked = json!({ "QueueUrl": URL, parameter: value });
        assert_eq!(code(sqs(&aws, "ReceiveMessage", asked)), "InvalidParameterValue", "{parameter} {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_fails_as_a_whole_or_entry_by_entry() {
    let aws = aws();
    let batch = |entries: Value| sqs(&aws, "SendMessageBatch", json!({ "QueueUrl": URL, "Entries": entries }));
    let entry = |id: &str, body: &str| json!({ "Id": id, "MessageBody": body });
    assert_eq!(code(batch(json!([]))), "AWS.SimpleQueueService.EmptyBatchRequest");
    assert_eq!(
        code(batch(json!([entry("a", "1"), entry("a", "2")]))),
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    );
    let eleven: Vec<Value> = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    assert_eq!(code(batch(json!(eleven))), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
    let half = "x".repeat(600_000);
    assert_eq!(
        code(batch(json!([entry("a", &half), entry("b", &half)]))),
        "AWS.SimpleQueueService.BatchRequestTooLong"
    );
    let mixed = batch(json!([entry("good", "1"), entry("bad", "")])).unwrap();
    assert_eq!(mixed["Successful"][0]["Id"], "good");
    assert_eq!(mixed["Failed"][0]["Id"], "bad");
    assert_eq!(mixed["Failed"][0]["SenderFault"], true);
    let handle = receive(&aws, URL).unwrap()["ReceiptHandle"].clone();
    let deletions = json!([{ "Id": "1", "ReceiptHandle": handle }, { "Id": "2", "ReceiptHandle": "garbage" }]);
    let deleted = sqs(&aws, "DeleteMessageBatch", json!({ "QueueUrl": URL, "Entries": deletions })).unwrap();
    assert_eq!(deleted["Successful"], json!([{ "Id": "1" }]));
    assert_eq!(deleted["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
}

#[tokio::test(start_paused = true)]
async fn purges_at_most_once_a_minute() {
    let aws = aws();
    send(&aws, "gone");
    sqs(&aws, "PurgeQueue", json!({ "QueueUrl": URL })).unwrap();
    assert!(receive(&aws, URL).is_none());
    assert_eq!(
        code(sqs(&aws, "PurgeQueue", json!({ "QueueUrl": URL }))),
        "AWS.SimpleQueueService.PurgeQueueInProgress"
    );
}

#[tokio::test(start_paused = true)]
async fn other_accounts_need_the_queues_policy() {
    let aws = aws();
    let theirs = |operation: &str| {
        let body = json!({ "QueueUrl": URL, "MessageBody": "hi", "Attributes": {} });
        aws.api(OTHER, "eu-west-1", "sqs", operation, body)
    };
    assert_eq!(code(theirs("SendMessage")), "AccessDenied");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": OTHER }, "Action": "sqs:*",
        "Resource": "arn:aws:sqs:eu-west-1:222222222222:jobs",
    }] });
    set(&aws, "Policy", &policy.to_string()).unwrap();
    theirs("SendMessage").unwrap();
    assert_eq!(code(theirs("SetQueueAttributes")), "AccessDenied");
    assert_eq!(code(set(&aws, "Policy", "not a policy")), "InvalidAttributeValue");
}

#[tokio::test(start_paused = true)]
async fn lists_by_prefix_and_page() {
    let aws = aws();
    for name in ["jobs-2", "jobs-3", "others"] {
        sqs(&aws, "CreateQueue", json!({ "QueueName": name })).unwrap();
    }
    let page = sqs(&aws, "ListQueues", json!({ "QueueNamePrefix": "jobs", "MaxResults": 2 })).unwrap();
    assert_eq!(page["QueueUrls"].as_array().unwrap().len(), 2);
    let rest = json!({ "QueueNamePrefix": "jobs", "MaxResults": 2, "NextToken": page["NextToken"] });
    let rest = sqs(&aws, "ListQueues", rest).unwrap();
    assert_eq!(rest["QueueUrls"].as_array().unwrap().len(), 1);
    assert_eq!(rest.get("NextToken"), None);
    assert_eq!(sqs(&aws, "ListQueues", json!({ "QueueNamePrefix": "none" })).unwrap(), json!({}));
}
