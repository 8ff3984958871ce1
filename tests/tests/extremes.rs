//! Input as large, as deep and as strange as the services let through: an organization gets everything or nothing,
//! and what is refused is kept.

use contract::{ErrorCode, MOST_DETAIL_BYTES};
use local_system::registry::STEPS;
use serde_json::{Value, json};
use tests::bootstrap::envelope;
use tests::{Bench, command, of_type};

/// The largest message that SQS takes.
const LARGEST_BODY: usize = 1_048_576;

/// The steps that a command starts.
const FIRST_STEPS: [&str; 2] = ["iam-user", "bucket"];

/// A text that `fill` makes as long as it is asked, as long as the whole may be.
fn filled(length: usize, fill: impl Fn(usize) -> String) -> String {
    let text = fill(length - fill(0).len());
    assert_eq!(text.len(), length);
    text
}

fn padded(n: usize) -> String {
    let mut detail = command("bad");
    detail["notes"] = json!("x".repeat(n));
    detail.to_string()
}

/// The largest bodies, which leave no room for attributes, and the largest that leave it.
#[tokio::test(start_paused = true)]
async fn the_largest_bodies_are_kept_byte_for_byte() {
    let in_envelope = |n| envelope(&serde_json::from_str(&padded(n)).unwrap()).to_string();
    let long_id = |n| json!({ "orgId": "b".repeat(n), "environment": "production" }).to_string();
    for length in [LARGEST_BODY, LARGEST_BODY - 1, LARGEST_BODY - 300, LARGEST_BODY - 1000] {
        let bodies = [
            (filled(length, |n| "x".repeat(n)), ErrorCode::MalformedEvent, None),
            (filled(length, |n| "[".repeat(n)), ErrorCode::MalformedEvent, None),
            (filled(length, padded), ErrorCode::MalformedEvent, Some("bad".to_owned())),
            (filled(length, in_envelope), ErrorCode::MalformedEvent, Some("bad".to_owned())),
            (filled(length, long_id), ErrorCode::MalformedEvent, Some("b".repeat(64))),
        ];
        for (body, code, told) in bodies {
            let bench = Bench::new();
            bench.system.send("iam-user", &command("good").to_string()).unwrap();
            bench.system.send("iam-user", &body).unwrap();
            let events = bench.settle().await;
            let letters = bench.system.take_dead_letters("iam-user").unwrap();
            assert_eq!(letters.len(), 1, "{length} {code}");
            assert!(letters[0]["Body"] == body.as_str(), "{length} {code}: the body is kept as it came");
            let failures = of_type(&events, "OrgProvisioningFailed");
            let of_bad: Vec<_> = failures.iter().filter(|failure| failure["step"] == "iam-user").collect();
            assert_eq!(of_bad.len(), usize::from(told.is_some()), "{length} {code}: {}", of_bad.len());
            assert!(of_bad.iter().all(|failure| failure["orgId"].as_str() == told.as_deref()));
            assert!(of_bad.iter().all(|failure| failure["error"]["code"] == code.as_str()));
            assert_eq!(of_type(&events, "IamUserProvisioned").len(), 1, "{length} {code}: the neighbour");
            assert!(bench.writes().iter().all(|call| !call.resource.contains("bad")), "{length} {code}");
        }
    }
}

/// Sends one command to both first steps and answers whether the organization was provisioned; anything between
/// everything and nothing fails.
async fn everything_or_nothing(bench: &Bench, body: &str, what: &str) -> bool {
    for step in FIRST_STEPS {
        bench.system.send(step, body).unwrap();
    }
    let events = bench.settle().await;
    let letters: Vec<Value> =
        STEPS.iter().flat_map(|step| bench.system.take_dead_letters(step.spec.name).unwrap()).collect();
    let failed: Vec<&Value> = of_type(&events, "OrgProvisioningFailed").iter().map(|event| &event["error"]).collect();
    if of_type(&events, "OrgProvisioned").is_empty() {
        assert_eq!(bench.writes(), [], "{what}: nothing at all, but {failed:?}");
        assert_eq!(letters.len(), 2, "{what}: kept by both");
        assert!(letters.iter().all(|letter| letter["Body"] == body), "{what}");
        return false;
    }
    assert_eq!((failed, letters), (vec![], vec![]), "{what}: provisioned, and yet something failed");
    bench.provisioned("abc").await;
    true
}

/// JSON readers stop at some depth, and what an event carries along lies deeper there than in the command.
#[tokio::test(start_paused = true)]
async fn at_every_depth_an_organization_gets_everything_or_nothing() {
    let bench = Bench::new();
    let start = bench.system.aws.snapshot();
    let mut done = Vec::new();
    for depth in [1, 2, 20, 50, 60, 61, 62, 63, 64, 65, 66, 100].into_iter().chain(118..=130).chain([1000, 200_000]) {
        let notes = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let command = format!(r#"{{"orgId":"abc","environment":"production","notes":{notes}}}"#);
        let event = format!(r#"{{"source":"org-signup","detail-type":"OrgCreated","detail":{command}}}"#);
        for body in [command, event] {
            bench.system.aws.restore(start.clone());
            bench.writes();
            if everything_or_nothing(&bench, &body, &format!("{depth} deep")).await {
                done.push(depth);
            }
        }
    }
    assert!(done.contains(&20), "what nobody would call deep is taken: {done:?}");
}

/// What no failure event could be read with is told without it.
#[tokio::test(start_paused = true)]
async fn a_detail_too_deep_or_too_large_is_told_without_the_detail() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for notes in [deep, json!("x".repeat(MOST_DETAIL_BYTES)).to_string()] {
        let bench = Bench::new();
        let body = format!(r#"{{"orgId":"abc","environment":"production","notes":{notes}}}"#);
        bench.system.send("iam-user", &body).unwrap();
        let events = bench.settle().await;
        let failures = of_type(&events, "OrgProvisioningFailed");
        assert_eq!(failures.len(), 1);
        assert_eq!((&failures[0]["orgId"], &failures[0]["request"]), (&json!("abc"), &Value::Null));
        assert_eq!(failures[0]["error"]["code"], ErrorCode::MalformedEvent.as_str());
    }
}

/// JSON may hold characters that SQS does not take; escaped, they come through, and each step sends them on.
#[tokio::test(start_paused = true)]
async fn characters_that_sqs_refuses_do_no_harm() {
    for notes in [r"\uffff", r"\ufffe", r"\u0000", r"\u001b[31m", r"\ud83d\ude00", r"\u007f", r"\u2028"] {
        let bench = Bench::new();
        let body = format!(r#"{{"orgId":"abc","environment":"production","notes":"{notes}"}}"#);
        assert!(everything_or_nothing(&bench, &body, notes).await, "{notes}");
    }
}

/// An event that a rule brought is kept in the dead-letter queue, whatever characters it has.
#[tokio::test(start_paused = true)]
async fn an_event_with_characters_that_sqs_refuses_is_kept() {
    for notes in ["\u{ffff}", "\u{fffe}\0\u{1}", "\u{7f}\u{2028}"] {
        let bench = Bench::new();
        let event = envelope(&json!({ "orgId": "BAD", "environment": "production", "notes": notes }));
        let answer = bench.system.invoke("iam-user", event.clone()).await.unwrap();
        assert_eq!(answer["error"]["code"], ErrorCode::InvalidField.as_str());
        let letters = bench.system.take_dead_letters("iam-user").unwrap();
        assert_eq!(serde_json::from_str::<Value>(letters[0]["Body"].as_str().unwrap()).unwrap(), event);
    }
}
