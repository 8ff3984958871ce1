//! Whatever is delivered to the real functions, in every way it can come: no panic, an answer that Lambda understands,
//! nothing made for garbage, and the very records reported that may succeed later.

use fuzz::SEPARATOR;
use fuzz::commands::{Verdict, build, of_body, of_value};
use local_aws::World;
use local_system::Emitted;
use local_system::registry::STEPS;
use serde_json::{Value, json};
use tests::bootstrap::batch;
use tests::{Bench, of_type};
use tokio::runtime::{Builder, Runtime};

/// A production account in which `abc` has everything and nobody else has anything.
struct Lab {
    runtime: Runtime,
    bench: Bench,
    start: World,
}

thread_local! {
    static LAB: Lab = {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (bench, start) = runtime.block_on(async {
            let bench = Bench::new();
            bench.sign_up("abc");
            bench.settle().await;
            let start = bench.system.aws.snapshot();
            (bench, start)
        });
        Lab { runtime, bench, start }
    };
}

/// What SQS lets through.
fn is_sent(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The failures told in these events: code and organization.
fn told(events: &[Emitted]) -> Vec<(&str, &str)> {
    let failures = of_type(events, "OrgProvisioningFailed");
    let mut all: Vec<(&str, &str)> = failures
        .iter()
        .map(|event| (event["error"]["code"].as_str().unwrap(), event["orgId"].as_str().unwrap()))
        .collect();
    all.sort_unstable();
    all
}

/// Users and buckets that are there.
fn made(bench: &Bench) -> Vec<String> {
    bench.system.aws.look(|world| {
        let users = world.accounts["111111111111"].iam.users.keys();
        users.chain(world.buckets.keys()).filter(|name| !name.ends_with("abc")).cloned().collect()
    })
}

async fn as_a_batch(bench: &Bench, step: &str, bodies: &[String]) {
    let answer = bench.system.invoke(step, batch(step, bodies)).await.unwrap();
    let verdicts: Vec<Verdict> = bodies.iter().map(|body| of_body(body)).collect();
    let events = bench.system.take_emitted().unwrap();
    let mut letters: Vec<String> = Vec::new();
    for letter in bench.system.take_dead_letters(step).unwrap() {
        let attribute = |name: &str| letter["MessageAttributes"][name]["StringValue"].as_str().unwrap().to_owned();
        // Whose bucket has which name is AWS's to say.
        if attribute("ErrorClass") == "conflict" {
            assert!(attribute("ErrorCode").starts_with("bucket-name"), "{letter}");
            continue;
        }
        letters.push(letter["Body"].as_str().unwrap().to_owned());
    }
    letters.sort_unstable();
    let refused = bodies.iter().zip(&verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Refused { .. }));
    let mut expected: Vec<String> = refused.map(|(body, _)| body.clone()).collect();
    expected.sort_unstable();
    assert_eq!(letters, expected, "{step}: the refused are kept byte for byte");

    let mut expected: Vec<(&str, &str)> = verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Refused { code, told: Some(org) } => Some((*code, org.as_str())),
            _ => None,
        })
        .collect();
    expected.sort_unstable();
    let failures: Vec<_> = told(&events).into_iter().filter(|(code, _)| !code.starts_with("bucket-name")).collect();
    assert_eq!(failures, expected, "{step}: the failures told");

    let mut reported: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap())
        .collect();
    reported.sort_unstable();
    let accepted: Vec<(usize, &str)> = verdicts
        .iter()
        .enumerate()
        .filter_map(|(n, verdict)| match verdict {
            Verdict::Accepted { org } => Some((n, org.as_str())),
            Verdict::Refused { .. } => None,
        })
        .collect();
    let waits = |org: &str| !["iam-user", "bucket"].contains(&step) && org != "abc";
    let mut expected: Vec<String> =
        accepted.iter().filter(|(_, org)| waits(org)).map(|(n, _)| format!("m{n}")).collect();
    expected.sort_unstable();
    assert_eq!(reported, expected, "{step}: what is reported");
    check_made(bench, step, accepted.iter().map(|(_, org)| *org));
}

/// Nothing was made but for those who may have it.
fn check_made<'o>(bench: &Bench, step: &str, accepted: impl Iterator<Item = &'o str>) {
    let accepted: Vec<&str> = accepted.filter(|org| *org != "abc").collect();
    for name in made(bench) {
        let own = |org: &&str| {
            name == format!("rms_{org}") || name.starts_with(&format!("fusion-rms-{}", &org[..org.len().min(43)]))
        };
        assert!(accepted.iter().any(own), "{step}: {name} was made");
    }
    if step == "iam-user" {
        let users = bench.system.aws.look(|world| world.accounts["111111111111"].iam.users.len());
        let orgs: std::collections::BTreeSet<&str> = accepted.into_iter().collect();
        assert_eq!(users, orgs.len() + 1, "{step}: a user for each");
    }
}

/// One payload as a rule or a person sends it.
async fn as_a_payload(bench: &Bench, step: &str, payload: &Value) {
    let answer = bench.system.invoke(step, payload.clone()).await;
    if let Some(records) = payload.get("Records").and_then(Value::as_array) {
        let bodies = records.iter().filter_map(|record| record.get("body")?.as_str());
        let accepted: Vec<String> = bodies
            .filter_map(|body| match of_body(body) {
                Verdict::Accepted { org } => Some(org),
                Verdict::Refused { .. } => None,
            })
            .collect();
        match answer {
            Ok(answer) => assert!(answer["batchItemFailures"].as_array().unwrap().len() <= records.len(), "{answer}"),
            Err(error) => assert_eq!(error.error_type, "malformed-event"),
        }
        let made = made(bench);
        assert!(made.iter().all(|name| accepted.iter().any(|org| name.contains(org.as_str()))), "{step}: {made:?}");
        return;
    }
    let is_event = ["source", "detail-type", "detail"].iter().all(|field| payload.get(*field).is_some());
    let letters = bench.system.take_dead_letters(step).unwrap();
    let events = bench.system.take_emitted().unwrap();
    match of_value(payload) {
        Verdict::Refused { code, told: org } => {
            let expected: Vec<(&str, &str)> = org.iter().map(|org| (code, org.as_str())).collect();
            assert_eq!(told(&events), expected, "{step}: the failures told");
            if is_event {
                let answer = answer.expect("Lambda is not to try again");
                assert_eq!(answer["error"]["code"].as_str(), org.as_ref().map(|_| code), "{step}: {answer}");
                let body = payload.to_string().replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
                assert_eq!(letters.len(), 1, "{step}: the event is kept");
                assert_eq!(letters[0]["Body"], body.as_str(), "{step}: the event is kept");
            } else {
                assert_eq!(answer.unwrap_err().error_type, code, "{step}");
                assert_eq!(letters.len(), 0, "{step}: the caller has it");
            }
            check_made(bench, step, [].into_iter());
        }
        Verdict::Accepted { org } => {
            match answer {
                Ok(answer) if answer.get("error").is_none() => {
                    assert_eq!((&answer["step"], &answer["orgId"]), (&json!(step), &json!(org)), "{answer}");
                }
                Ok(answer) => assert!(answer["error"]["code"].as_str().unwrap().starts_with("bucket-name"), "{answer}"),
                Err(error) => {
                    let code = error.error_type.as_str();
                    assert!(code == "waiting" && org != "abc" || code.starts_with("bucket-name"), "{step} {error:?}");
                }
            }
            check_made(bench, step, [org.as_str()].into_iter());
        }
    }
}

fn check(input: &str) {
    let sent = |body: &str| -> String { body.chars().filter(|c| is_sent(*c)).collect() };
    let bodies: Vec<String> = input.split(SEPARATOR).map(sent).filter(|body| !body.is_empty()).take(10).collect();
    let payloads: Vec<Value> =
        input.split(SEPARATOR).filter_map(|body| serde_json::from_str(body).ok()).take(3).collect();
    LAB.with(|lab| {
        lab.runtime.block_on(async {
            for step in STEPS.map(|step| step.spec.name) {
                lab.bench.system.aws.restore(lab.start.clone());
                lab.bench.system.take_emitted().unwrap();
                as_a_batch(&lab.bench, step, &bodies).await;
                for payload in &payloads {
                    lab.bench.system.aws.restore(lab.start.clone());
                    lab.bench.system.take_emitted().unwrap();
                    as_a_payload(&lab.bench, step, payload).await;
                }
            }
        });
        lab.bench.system.aws.take_trace();
    });
}

#[test]
fn a_delivery() {
    bolero::check!().with_iterations(200).with_max_len(256).for_each(|bytes: &[u8]| check(&fuzz::text(bytes, build)));
}
