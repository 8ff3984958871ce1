//! Rotations, with functions that keep to the contract or do not.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::lambda::{FunctionError, Handler, Invocation, Lambda, Settled};
use crate::{Clock, LocalAws};

const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-west-1";
const DAY: Duration = Duration::from_secs(86_400);
const A: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const B: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const C: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";

type Calls = Rc<RefCell<Vec<(String, String, Duration)>>>;

fn api(aws: &LocalAws, operation: &str, body: Value) -> Result<Value, String> {
    aws.api(ACCOUNT, REGION, "secretsmanager", operation, body).map_err(|failure| failure.to_string())
}

/// A secret and a function that rotates it, which fails at these calls.
fn bench(fails_at: &'static [usize]) -> (Lambda, Calls) {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_000_000)));
    api(&aws, "CreateSecret", json!({ "Name": "s", "ClientRequestToken": A, "SecretString": "one" })).unwrap();
    let lambda = Lambda::new(aws.clone(), ACCOUNT, REGION);
    let (calls, start) = (Calls::default(), aws.now());
    let seen = Rc::clone(&calls);
    let handler: Handler = Rc::new(move |Invocation { payload, .. }| {
        let text = |field: &str| payload[field].as_str().unwrap().to_owned();
        let (step, token) = (text("Step"), text("ClientRequestToken"));
        seen.borrow_mut().push((step.clone(), token.clone(), aws.now().since(start)));
        let answer = if fails_at.contains(&seen.borrow().len()) {
            Err(FunctionError { error_type: "Failed".to_owned(), error_message: "on purpose".to_owned() })
        } else {
            keep_the_contract(&aws, &step, &text("SecretId"), &token);
            Ok(Value::Null)
        };
        std::future::ready(answer).boxed_local()
    });
    lambda.add_function("turn", Duration::from_secs(30), handler).unwrap();
    (lambda, calls)
}

fn keep_the_contract(aws: &LocalAws, step: &str, secret: &str, token: &str) {
    let put = json!({ "SecretId": secret, "ClientRequestToken": token, "SecretString": "two", "VersionStages": ["AWSPENDING"] });
    let labels = api(aws, "DescribeSecret", json!({ "SecretId": secret })).unwrap()["VersionIdsToStages"].clone();
    let current = labels.as_object().unwrap().iter().find(|(_, labels)| labels[0] == "AWSCURRENT").unwrap().0.clone();
    match step {
        "createSecret" => drop(api(aws, "PutSecretValue", put).unwrap()),
        "finishSecret" => {
            let body = json!({ "SecretId": secret, "VersionStage": "AWSCURRENT", "MoveToVersionId": token,
                "RemoveFromVersionId": current });
            api(aws, "UpdateSecretVersionStage", body).unwrap();
        }
        _ => {}
    }
}

fn rotate(lambda: &Lambda, token: &str, more: Value) -> Result<Value, String> {
    let mut body = json!({ "SecretId": "s", "ClientRequestToken": token });
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    api(&lambda.aws, "RotateSecret", body)
}

fn set_up(lambda: &Lambda) -> Value {
    json!({ "RotationLambdaARN": lambda.function_arn("turn"), "RotationRules": { "AutomaticallyAfterDays": 90 } })
}

fn described(lambda: &Lambda) -> Value {
    api(&lambda.aws, "DescribeSecret", json!({ "SecretId": "s" })).unwrap()
}

fn steps(calls: &Calls) -> Vec<String> {
    calls.borrow().iter().map(|(step, ..)| step.clone()).collect()
}

const ALL: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

#[tokio::test(start_paused = true)]
async fn a_rotation_goes_through_its_four_steps() {
    let (lambda, calls) = bench(&[]);
    assert_eq!(rotate(&lambda, B, set_up(&lambda)).unwrap()["VersionId"], B);
    // The version is there, and has no value yet.
    assert_eq!(described(&lambda)["VersionIdsToStages"][B], json!(["AWSPENDING"]));
    let read = api(&lambda.aws, "GetSecretValue", json!({ "SecretId": "s", "VersionId": B })).unwrap_err();
    assert!(read.contains("ResourceNotFoundException"), "{read}");
    assert_eq!(lambda.settle(DAY).await, Settled { settled: true, invocations: 4 });
    assert_eq!(steps(&calls), ALL);
    assert!(calls.borrow().iter().all(|(_, token, _)| token == B));
    let after = described(&lambda);
    assert_eq!(
        after["VersionIdsToStages"],
        json!({ A: ["AWSPREVIOUS"], B: ["AWSCURRENT"] }),
        "AWSPENDING is taken off"
    );
    assert_eq!(after["RotationEnabled"], true);
    assert_eq!(after["RotationRules"], json!({ "AutomaticallyAfterDays": 90 }));
    let (last, next) = (after["LastRotatedDate"].as_f64().unwrap(), after["NextRotationDate"].as_f64().unwrap());
    assert!((next - last - 90.0 * 86_400.0).abs() < 1.0);
    // Set up once, it can be asked for without more; the same request again is the same rotation.
    assert_eq!(rotate(&lambda, C, json!({})).unwrap()["VersionId"], C);
    assert_eq!(rotate(&lambda, B, json!({})).unwrap_err().split(':').next(), Some("InvalidRequestException"));
    lambda.settle(DAY).await;
    assert_eq!(rotate(&lambda, C, json!({})).unwrap()["VersionId"], C);
    assert_eq!(lambda.settle(DAY).await.invocations, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_has_all_of_them_run_again_with_the_same_token() {
    let (lambda, calls) = bench(&[3]);
    rotate(&lambda, B, set_up(&lambda)).unwrap();
    lambda.settle(DAY).await;
    assert_eq!(steps(&calls), [&ALL[..3], &ALL[..]].concat());
    assert_eq!(calls.borrow()[3].2, Duration::from_secs(60));
    assert_eq!(described(&lambda)["VersionIdsToStages"], json!({ A: ["AWSPREVIOUS"], B: ["AWSCURRENT"] }));
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_fails_for_good_blocks_the_next_one_and_is_tried_again_by_it() {
    let (lambda, calls) = bench(&[2, 4, 6, 8, 10]);
    rotate(&lambda, B, set_up(&lambda)).unwrap();
    assert!(lambda.settle(DAY).await.settled);
    assert_eq!(calls.borrow().len(), 10);
    let after = described(&lambda);
    assert_eq!(after["VersionIdsToStages"], json!({ A: ["AWSCURRENT"], B: ["AWSPENDING"] }));
    assert_eq!(after.get("LastRotatedDate"), None);
    let refused = rotate(&lambda, C, json!({})).unwrap_err();
    assert!(refused.contains("A previous rotation isn't complete. That rotation will be reattempted."), "{refused}");
    lambda.settle(DAY).await;
    assert_eq!(described(&lambda)["VersionIdsToStages"], json!({ A: ["AWSPREVIOUS"], B: ["AWSCURRENT"] }));
}

#[tokio::test(start_paused = true)]
async fn not_at_once_means_that_only_the_test_is_called() {
    let (lambda, calls) = bench(&[]);
    let mut more = set_up(&lambda);
    more["RotateImmediately"] = json!(false);
    rotate(&lambda, B, more).unwrap();
    lambda.settle(DAY).await;
    assert_eq!(steps(&calls), ["testSecret"]);
    assert_eq!(described(&lambda)["VersionIdsToStages"], json!({ A: ["AWSCURRENT"] }), "its version is gone again");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_rotation_ends_and_leaves_its_label() {
    let (lambda, calls) = bench(&[1]);
    rotate(&lambda, B, set_up(&lambda)).unwrap();
    lambda.settle(Duration::from_secs(1)).await;
    assert_eq!(api(&lambda.aws, "CancelRotateSecret", json!({ "SecretId": "s" })).unwrap()["VersionId"], B);
    assert!(lambda.settle(DAY).await.settled);
    assert_eq!(calls.borrow().len(), 1);
    let after = described(&lambda);
    assert_eq!(after["RotationEnabled"], false);
    assert_eq!(after["VersionIdsToStages"][B], json!(["AWSPENDING"]));
    assert_eq!(after.get("NextRotationDate"), None);
}

#[tokio::test(start_paused = true)]
async fn what_rotation_needs_is_asked_for() {
    let (lambda, _) = bench(&[]);
    let refused = rotate(&lambda, B, json!({})).unwrap_err();
    assert!(refused.contains("No Lambda rotation function ARN is associated with this secret."), "{refused}");
    let arn = lambda.function_arn("turn");
    for rules in [Value::Null, json!({ "AutomaticallyAfterDays": 0 }), json!({ "AutomaticallyAfterDays": 1001 })] {
        let refused = rotate(&lambda, B, json!({ "RotationLambdaARN": arn, "RotationRules": rules })).unwrap_err();
        assert!(refused.contains("InvalidParameterException"), "{refused}");
    }
    api(&lambda.aws, "DeleteSecret", json!({ "SecretId": "s" })).unwrap();
    let refused = rotate(&lambda, B, set_up(&lambda)).unwrap_err();
    assert!(refused.contains("marked for deletion"), "{refused}");
}
