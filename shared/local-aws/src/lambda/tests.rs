//! Invocations from queues and rules, on a clock that costs no time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::*;
use crate::Clock;

const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-west-1";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:jobs";
const URL: &str = "https://sqs.eu-west-1.amazonaws.com/222222222222/jobs";
const DAY: Duration = Duration::from_secs(86_400);

fn sqs(aws: &LocalAws, operation: &str, body: Value) -> Value {
    aws.api(ACCOUNT, REGION, "sqs", operation, body).unwrap()
}

fn lambda() -> Lambda {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_000_000)));
    sqs(&aws, "CreateQueue", json!({ "QueueName": "dead" }));
    let redrive = json!({ "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:222222222222:dead", "maxReceiveCount": 3 });
    let attributes = json!({ "RedrivePolicy": redrive.to_string(), "VisibilityTimeout": "60" });
    sqs(&aws, "CreateQueue", json!({ "QueueName": "jobs", "Attributes": attributes }));
    Lambda::new(aws, ACCOUNT, REGION)
}

/// Adds a function that answers what `answer` says.
fn add(lambda: &Lambda, answer: impl Fn(Invocation) -> Result<Value, FunctionError> + 'static) {
    let handler: Handler = Rc::new(move |invocation| std::future::ready(answer(invocation)).boxed_local());
    lambda.add_function("work", Duration::from_secs(30), handler).unwrap();
}

fn map(lambda: &Lambda, batch_size: usize, maximum_concurrency: Option<usize>) {
    let source = EventSource { function: "work".to_owned(), batch_size, maximum_concurrency };
    lambda.add_event_source_mapping(QUEUE, source).unwrap();
}

fn send(lambda: &Lambda, bodies: &[&str]) {
    for body in bodies {
        sqs(&lambda.aws, "SendMessage", json!({ "QueueUrl": URL, "MessageBody": body }));
    }
}

fn failed() -> Result<Value, FunctionError> {
    Err(FunctionError { error_type: "Failed".to_owned(), error_message: "on purpose".to_owned() })
}

#[tokio::test(start_paused = true)]
async fn batches_arrive_as_lambda_events_and_are_deleted() {
    let lambda = lambda();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let events = Rc::clone(&seen);
    add(&lambda, move |invocation| {
        events.borrow_mut().push(invocation.payload);
        Ok(Value::Null)
    });
    map(&lambda, 2, None);
    let attributes = json!({ "kind": { "DataType": "String", "StringValue": "x" } });
    sqs(
        &lambda.aws,
        "SendMessage",
        json!({ "QueueUrl": URL, "MessageBody": "hello", "MessageAttributes": attributes }),
    );
    send(&lambda, &["two", "three"]);
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 2 });
    let seen = seen.borrow();
    let record = &seen[0]["Records"][0];
    assert_eq!(record["body"], "hello");
    assert_eq!(record["md5OfBody"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(
        (&record["eventSource"], &record["eventSourceARN"], &record["awsRegion"]),
        (&json!("aws:sqs"), &json!(QUEUE), &json!(REGION))
    );
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["attributes"]["SentTimestamp"], "1795000000000");
    assert_eq!(
        record["messageAttributes"]["kind"],
        json!({ "stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String" })
    );
    assert_eq!((seen[0]["Records"].as_array().unwrap().len(), seen[1]["Records"].as_array().unwrap().len()), (2, 1));
    assert!(lambda.aws.take_trace().is_empty());
}

#[tokio::test(start_paused = true)]
async fn failed_messages_come_again_after_their_timeout_and_end_in_the_dead_letter_queue() {
    let lambda = lambda();
    add(&lambda, |invocation| {
        let poison =
            invocation.payload["Records"].as_array().unwrap().iter().filter(|record| record["body"] == "poison");
        let failures: Vec<Value> = poison.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        Ok(json!({ "batchItemFailures": failures }))
    });
    map(&lambda, 10, None);
    send(&lambda, &["fine", "poison"]);
    let start = lambda.aws.now();
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 3 });
    assert_eq!(lambda.aws.now().since(start), Duration::from_secs(180));
    let dead = sqs(&lambda.aws, "ReceiveMessage", json!({ "QueueUrl": URL.replace("jobs", "dead") }));
    assert_eq!(dead["Messages"][0]["Body"], "poison");
}

#[tokio::test(start_paused = true)]
async fn time_outs_kill_the_function_and_fail_the_batch() {
    let lambda = lambda();
    let (tries, finished) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
    let (count, end) = (Rc::clone(&tries), Rc::clone(&finished));
    let handler: Handler = Rc::new(move |_| {
        count.set(count.get() + 1);
        let (first, end) = (count.get() == 1, Rc::clone(&end));
        async move {
            if first {
                tokio::time::sleep(Duration::from_secs(31)).await;
                end.set(true);
            }
            Ok(Value::Null)
        }
        .boxed_local()
    });
    lambda.add_function("work", Duration::from_secs(30), handler).unwrap();
    map(&lambda, 1, None);
    send(&lambda, &["slow"]);
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 2 });
    assert!(!finished.get());
    tries.set(0);
    let error = lambda.invoke("work", json!({})).await.unwrap_err();
    assert_eq!(error.error_type, "Sandbox.Timedout");
    assert!(error.error_message.ends_with("Task timed out after 30.00 seconds"), "{}", error.error_message);
}

#[tokio::test(start_paused = true)]
async fn never_more_batches_at_once_than_allowed() {
    let lambda = lambda();
    let (now, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (running, peak) = (Rc::clone(&now), Rc::clone(&most));
    let handler: Handler = Rc::new(move |_| {
        let (running, peak) = (Rc::clone(&running), Rc::clone(&peak));
        async move {
            running.set(running.get() + 1);
            peak.set(peak.get().max(running.get()));
            tokio::time::sleep(Duration::from_secs(5)).await;
            running.set(running.get() - 1);
            Ok(Value::Null)
        }
        .boxed_local()
    });
    lambda.add_function("work", Duration::from_secs(30), handler).unwrap();
    map(&lambda, 1, Some(2));
    send(&lambda, &["1", "2", "3", "4", "5"]);
    let start = lambda.aws.now();
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 5 });
    assert_eq!(most.get(), 2);
    assert_eq!(lambda.aws.now().since(start), Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn a_function_hears_of_what_another_sends_while_it_runs() {
    let lambda = lambda();
    add(&lambda, |_| Ok(Value::Null));
    map(&lambda, 1, None);
    let aws = lambda.aws.clone();
    let slow: Handler = Rc::new(move |_| {
        let aws = aws.clone();
        async move {
            sqs(&aws, "SendMessage", json!({ "QueueUrl": URL, "MessageBody": "from within" }));
            tokio::time::sleep(Duration::from_secs(20)).await;
            // By now the other function has received and finished.
            let told = sqs(&aws, "GetQueueAttributes", json!({ "QueueUrl": URL, "AttributeNames": ["All"] }));
            assert_eq!(told["Attributes"]["ApproximateNumberOfMessages"], "0");
            assert_eq!(told["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "0");
            Ok(Value::Null)
        }
        .boxed_local()
    });
    lambda.add_function("slow", Duration::from_secs(30), slow).unwrap();
    push_asynchronous(&lambda, "slow");
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 2 });
}

fn push_asynchronous(lambda: &Lambda, name: &str) {
    let invocation =
        AsyncInvocation::new(lambda.function_arn(name), "request-1".to_owned(), json!({ "n": 1 }), lambda.aws.now());
    lambda.aws.with_world(|world| world.region(ACCOUNT, REGION).async_invocations.push(invocation));
}

#[tokio::test(start_paused = true)]
async fn asynchronous_invocations_are_tried_three_times() {
    let lambda = lambda();
    add(&lambda, |_| failed());
    push_asynchronous(&lambda, "work");
    let start = lambda.aws.now();
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 3 });
    assert_eq!(lambda.aws.now().since(start), Duration::from_secs(180));
    let dropped = lambda.aws.look(|world| world.accounts[ACCOUNT].regions[REGION].failed_invocations.clone());
    assert_eq!((dropped.len(), dropped[0].attempts), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_is_the_last() {
    let lambda = lambda();
    let tries = Rc::new(Cell::new(0));
    let count = Rc::clone(&tries);
    add(&lambda, move |_| {
        count.set(count.get() + 1);
        if count.get() == 1 { failed() } else { Ok(Value::Null) }
    });
    push_asynchronous(&lambda, "work");
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 2 });
    push_asynchronous(&lambda, "nobody");
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 0 });
}

#[tokio::test(start_paused = true)]
async fn stops_at_its_limit() {
    let lambda = lambda();
    add(&lambda, |_| failed());
    map(&lambda, 1, None);
    send(&lambda, &["never"]);
    let start = lambda.aws.now();
    assert_eq!(lambda.settle(Duration::from_secs(90)).await, Settled { settled: false, invocations: 2 });
    assert_eq!(lambda.aws.now().since(start), Duration::from_secs(90));
}

#[tokio::test(start_paused = true)]
async fn runs_what_comes_until_it_is_dropped() {
    let lambda = lambda();
    let (seen, failing) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(true)));
    let (tries, fail) = (Rc::clone(&seen), Rc::clone(&failing));
    let aws = lambda.aws.clone();
    add(&lambda, move |_| {
        tries.borrow_mut().push(aws.now());
        if fail.replace(false) { failed() } else { Ok(Value::Null) }
    });
    map(&lambda, 1, None);
    let start = lambda.aws.now();
    let driver = async {
        // Nothing is there at first, then a message that fails once, then an invocation.
        tokio::time::sleep(Duration::from_secs(100)).await;
        send(&lambda, &["one"]);
        tokio::time::sleep(Duration::from_secs(100)).await;
        push_asynchronous(&lambda, "work");
        tokio::time::sleep(Duration::from_secs(100)).await;
    };
    tokio::select! {
        () = lambda.run() => unreachable!("it does not end by itself"),
        () = driver => {}
    }
    let seconds: Vec<u64> = seen.borrow().iter().map(|at| at.since(start).as_secs()).collect();
    assert_eq!(seconds, [100, 160, 200]);
    send(&lambda, &["nobody hears"]);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(seen.borrow().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn mappings_are_checked() {
    let lambda = lambda();
    let handler: Handler = Rc::new(|_| std::future::ready(Ok(Value::Null)).boxed_local());
    lambda.add_function("work", Duration::from_secs(61), Rc::clone(&handler)).unwrap();
    let source = |function: &str, batch_size| EventSource {
        function: function.to_owned(),
        batch_size,
        maximum_concurrency: None,
    };
    let refused = |queue: &str, source| lambda.add_event_source_mapping(queue, source).unwrap_err();
    assert_eq!(refused(QUEUE, source("nobody", 1)).code, "ResourceNotFoundException");
    assert_eq!(refused(QUEUE, source("work", 11)).code, "InvalidParameterValueException");
    assert_eq!(
        refused("arn:aws:sqs:eu-west-1:222222222222:none", source("work", 1)).code,
        "InvalidParameterValueException"
    );
    let shorter = refused(QUEUE, source("work", 1));
    assert_eq!(shorter.message, "Queue visibility timeout: 60 seconds is less than Function timeout: 61 seconds");
    assert!(lambda.add_function("work", Duration::from_secs(901), handler).is_err());
}

#[tokio::test(start_paused = true)]
async fn observers_see_beginning_and_end() {
    let lambda = lambda();
    add(&lambda, |_| failed());
    let seen = Rc::new(RefCell::new(Vec::new()));
    let moments = Rc::clone(&seen);
    lambda.observe(Rc::new(move |moment| {
        moments.borrow_mut().push(match moment {
            Moment::Started(_) => "started",
            Moment::Ended(_, Ok(_)) => "succeeded",
            Moment::Ended(_, Err(_)) => "failed",
        });
    }));
    assert!(lambda.invoke("work", json!({})).await.is_err());
    assert_eq!(*seen.borrow(), ["started", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_move_task_brings_back_is_worked_on() {
    let lambda = lambda();
    let fail = Rc::new(Cell::new(true));
    let failing = Rc::clone(&fail);
    add(&lambda, move |_| if failing.get() { failed() } else { Ok(Value::Null) });
    map(&lambda, 1, None);
    send(&lambda, &["stubborn"]);
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 3 });
    fail.set(false);
    sqs(&lambda.aws, "StartMessageMoveTask", json!({ "SourceArn": "arn:aws:sqs:eu-west-1:222222222222:dead" }));
    let start = lambda.aws.now();
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 1 });
    assert_eq!(lambda.aws.now().since(start), Duration::from_secs(1));
}
