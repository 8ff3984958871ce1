//! Buses, rules, targets and delivery as callers see them.

mod archives;
mod replays;

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{ApiFailure, Clock, LocalAws};

const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-west-1";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:jobs";
const DEAD: &str = "arn:aws:sqs:eu-west-1:222222222222:dead";
const RULE: &str = "arn:aws:events:eu-west-1:222222222222:rule/orders/all";

fn api(aws: &LocalAws, service: &str, operation: &str, body: Value) -> Result<Value, ApiFailure> {
    aws.api(ACCOUNT, REGION, service, operation, body)
}

fn events(aws: &LocalAws, operation: &str, body: Value) -> Result<Value, ApiFailure> {
    api(aws, "events", operation, body)
}

fn code(answer: Result<Value, ApiFailure>) -> String {
    answer.unwrap_err().code
}

/// A bus `orders` whose rule `all` sends to the queue `jobs`.
fn aws(target: Value) -> LocalAws {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_341_600)));
    for queue in ["jobs", "dead"] {
        api(&aws, "sqs", "CreateQueue", json!({ "QueueName": queue })).unwrap();
    }
    events(&aws, "CreateEventBus", json!({ "Name": "orders" })).unwrap();
    let rule = json!({ "Name": "all", "EventBusName": "orders", "EventPattern": r#"{"source":["shop"]}"# });
    assert_eq!(events(&aws, "PutRule", rule).unwrap()["RuleArn"], RULE);
    events(&aws, "PutTargets", json!({ "Rule": "all", "EventBusName": "orders", "Targets": [target] })).unwrap();
    aws
}

/// Lets EventBridge send to a queue on behalf of a rule.
fn allow(aws: &LocalAws, queue: &str, rule: &str) {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": { "ArnEquals": { "aws:SourceArn": rule } },
    }] });
    let attributes = json!({ "QueueUrl": url(queue), "Attributes": { "Policy": policy.to_string() } });
    api(aws, "sqs", "SetQueueAttributes", attributes).unwrap();
}

fn url(queue: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{}", queue.rsplit(':').next().unwrap())
}

fn received(aws: &LocalAws, queue: &str) -> Vec<Value> {
    let asked = json!({ "QueueUrl": url(queue), "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"] });
    let answer = api(aws, "sqs", "ReceiveMessage", asked).unwrap();
    answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn entry(detail: &str) -> Value {
    json!({ "Source": "shop", "DetailType": "Ordered", "Detail": detail, "EventBusName": "orders" })
}

fn put(aws: &LocalAws, entries: Value) -> Result<Value, ApiFailure> {
    events(aws, "PutEvents", json!({ "Entries": entries }))
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_the_queue_in_its_envelope() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    allow(&aws, QUEUE, RULE);
    let answer = put(&aws, json!([entry(r#"{"n":1}"#)])).unwrap();
    assert_eq!(answer["FailedEntryCount"], 0);
    let [message] = received(&aws, QUEUE).try_into().unwrap();
    let event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
    assert_eq!(
        event,
        json!({
            "version": "0", "id": answer["Entries"][0]["EventId"], "detail-type": "Ordered", "source": "shop",
            "account": ACCOUNT, "time": "2026-11-22T10:00:00Z", "region": REGION, "resources": [], "detail": { "n": 1 },
        })
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_arrives_without_the_queues_policy_for_this_very_rule() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    put(&aws, json!([entry("{}")])).unwrap();
    allow(&aws, QUEUE, "arn:aws:events:eu-west-1:222222222222:rule/all");
    put(&aws, json!([entry("{}")])).unwrap();
    assert!(received(&aws, QUEUE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_goes_to_the_targets_dead_letter_queue() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE, "DeadLetterConfig": { "Arn": DEAD } }));
    allow(&aws, DEAD, RULE);
    put(&aws, json!([entry("{}")])).unwrap();
    let [dead] = received(&aws, DEAD).try_into().unwrap();
    let attribute = |name: &str| dead["MessageAttributes"][name]["StringValue"].as_str().unwrap().to_owned();
    assert_eq!(attribute("ERROR_CODE"), "NO_PERMISSIONS");
    assert_eq!((attribute("RULE_ARN"), attribute("TARGET_ARN")), (RULE.to_owned(), QUEUE.to_owned()));
    assert!(dead["Body"].as_str().unwrap().contains("\"detail-type\":\"Ordered\""));
}

#[tokio::test(start_paused = true)]
async fn bad_entries_are_told_apart_in_an_answer_that_succeeds() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    allow(&aws, QUEUE, RULE);
    let mut theirs = entry("{}");
    theirs["Source"] = json!("aws.s3");
    let untyped = json!({ "Source": "shop", "Detail": "{}" });
    let answer = put(&aws, json!([entry("[]"), theirs, untyped, entry("{}")])).unwrap();
    assert_eq!(answer["FailedEntryCount"], 3);
    let codes: Vec<&str> =
        answer["Entries"].as_array().unwrap().iter().filter_map(|entry| entry["ErrorCode"].as_str()).collect();
    assert_eq!(codes, ["MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"]);
    assert_eq!(received(&aws, QUEUE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn planned_entry_failures_are_not_delivered() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    allow(&aws, QUEUE, RULE);
    aws.with_world(|world| world.region(ACCOUNT, REGION).buses.failing_entries = 1);
    let answer = put(&aws, json!([entry("{}"), entry("{}")])).unwrap();
    assert_eq!(answer["Entries"][0]["ErrorCode"], "InternalFailure");
    assert!(answer["Entries"][1]["EventId"].is_string());
    assert_eq!(received(&aws, QUEUE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_bus_swallows_and_another_accounts_refuses() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    let mut lost = entry("{}");
    lost["EventBusName"] = json!("nowhere");
    assert_eq!(put(&aws, json!([lost])).unwrap()["FailedEntryCount"], 0);
    let mut theirs = entry("{}");
    theirs["EventBusName"] = json!("arn:aws:events:eu-west-1:333333333333:event-bus/orders");
    assert_eq!(code(put(&aws, json!([theirs]))), "AccessDeniedException");
    let mut by_arn = entry("{}");
    by_arn["EventBusName"] = json!("arn:aws:events:eu-west-1:222222222222:event-bus/orders");
    allow(&aws, QUEUE, RULE);
    put(&aws, json!([by_arn])).unwrap();
    assert_eq!(received(&aws, QUEUE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn limits_of_put_events() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    assert_eq!(code(put(&aws, json!([]))), "ValidationException");
    let eleven: Vec<Value> = (0..11).map(|_| entry("{}")).collect();
    assert_eq!(code(put(&aws, json!(eleven))), "ValidationException");
    let large = entry(&json!({ "x": "y".repeat(600_000) }).to_string());
    put(&aws, json!([large])).unwrap();
    assert_eq!(code(put(&aws, json!([large, large]))), "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn a_disabled_rule_sends_nothing() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    allow(&aws, QUEUE, RULE);
    let rule = json!({ "Name": "all", "EventBusName": "orders" });
    events(&aws, "DisableRule", rule.clone()).unwrap();
    put(&aws, json!([entry("{}")])).unwrap();
    assert!(received(&aws, QUEUE).is_empty());
    events(&aws, "EnableRule", rule.clone()).unwrap();
    put(&aws, json!([entry("{}")])).unwrap();
    assert_eq!(received(&aws, QUEUE).len(), 1);
    assert_eq!(events(&aws, "DescribeRule", rule).unwrap()["State"], "ENABLED");
}

#[tokio::test(start_paused = true)]
async fn a_function_target_is_invoked_asynchronously() {
    let function = "arn:aws:lambda:eu-west-1:222222222222:function:ship";
    let aws = aws(json!({ "Id": "1", "Arn": function, "InputPath": "$.detail" }));
    put(&aws, json!([entry(r#"{"n":1}"#)])).unwrap();
    let pending = aws.with_world(|world| world.region(ACCOUNT, REGION).async_invocations.clone());
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].function_arn.as_str(), &pending[0].payload), (function, &json!({ "n": 1 })));
}

#[tokio::test(start_paused = true)]
async fn rules_and_buses_go_only_when_empty() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    let rule = json!({ "Name": "all", "EventBusName": "orders" });
    assert_eq!(code(events(&aws, "DeleteRule", rule.clone())), "ValidationException");
    assert_eq!(code(events(&aws, "DeleteEventBus", json!({ "Name": "orders" }))), "ValidationException");
    assert_eq!(code(events(&aws, "DeleteEventBus", json!({ "Name": "default" }))), "ValidationException");
    let listed = json!({ "Rule": "all", "EventBusName": "orders" });
    assert_eq!(events(&aws, "ListTargetsByRule", listed).unwrap()["Targets"], json!([{ "Id": "1", "Arn": QUEUE }]));
    let names = |target: &str| {
        let asked = json!({ "TargetArn": target, "EventBusName": "orders" });
        events(&aws, "ListRuleNamesByTarget", asked).unwrap()["RuleNames"].clone()
    };
    assert_eq!((names(QUEUE), names("arn:aws:sqs:us-east-1:111111111111:other")), (json!(["all"]), json!([])));
    events(&aws, "RemoveTargets", json!({ "Rule": "all", "EventBusName": "orders", "Ids": ["1"] })).unwrap();
    events(&aws, "DeleteRule", rule.clone()).unwrap();
    events(&aws, "DeleteEventBus", json!({ "Name": "orders" })).unwrap();
    assert_eq!(code(events(&aws, "DescribeRule", rule)), "ResourceNotFoundException");
    let buses = events(&aws, "ListEventBuses", json!({})).unwrap();
    assert_eq!(buses["EventBuses"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn refuses_wrong_rules_and_targets() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    let rule = |pattern: &str| events(&aws, "PutRule", json!({ "Name": "r", "EventPattern": pattern }));
    assert_eq!(code(rule(r#"{"source":"shop"}"#)), "InvalidEventPatternException");
    assert_eq!(code(events(&aws, "PutRule", json!({ "Name": "r" }))), "ValidationException");
    assert_eq!(rule("{\"source\":[\"shop\"]}").unwrap()["RuleArn"], "arn:aws:events:eu-west-1:222222222222:rule/r");
    let target = |target: Value| events(&aws, "PutTargets", json!({ "Rule": "r", "Targets": [target] }));
    let both = json!({ "Id": "1", "Arn": QUEUE, "Input": "{}", "InputPath": "$.detail" });
    assert_eq!(code(target(both)), "ValidationException");
    assert_eq!(code(target(json!({ "Id": "1", "Arn": QUEUE, "Input": "not json" }))), "ValidationException");
    assert_eq!(code(target(json!({ "Id": "1", "Arn": "arn:aws:sns:eu-west-1:222222222222:t" }))), "NotImplemented");
    assert_eq!(code(target(json!({ "Id": "1", "Arn": QUEUE, "SqsParameters": {} }))), "NotImplemented");
    for id in ["1", "2", "3", "4", "5"] {
        target(json!({ "Id": id, "Arn": QUEUE })).unwrap();
    }
    assert_eq!(code(target(json!({ "Id": "6", "Arn": QUEUE }))), "LimitExceededException");
}

#[tokio::test(start_paused = true)]
async fn patterns_can_be_tried() {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    let event = json!({ "id": "1", "account": ACCOUNT, "source": "shop", "time": "2026-11-22T10:00:00Z",
        "region": REGION, "resources": [], "detail-type": "Ordered", "detail": {} });
    let tried = |pattern: &str, event: &Value| {
        events(&aws, "TestEventPattern", json!({ "EventPattern": pattern, "Event": event.to_string() }))
    };
    assert_eq!(tried(r#"{"source":["shop"]}"#, &event).unwrap()["Result"], true);
    assert_eq!(tried(r#"{"source":["else"]}"#, &event).unwrap()["Result"], false);
    assert_eq!(code(tried(r#"{"source":["shop"]}"#, &json!({ "source": "shop" }))), "ValidationException");
}
