//! Every way in: a batch, one event, a direct call; and what each is answered.

use contract::ErrorCode;
use local_system::registry::STEPS;
use serde_json::{Value, json};
use tests::bootstrap::{batch, envelope};
use tests::{Bench, command, failure_codes, of_type};

#[tokio::test(start_paused = true)]
async fn every_step_takes_every_shape_of_the_command() {
    let bench = Bench::new();
    bench.sign_up("abc");
    let events = bench.settle().await;
    let completed = of_type(&events, "IamUserProvisioned")[0].clone();
    let mut from_provisioner = envelope(&completed);
    from_provisioner["source"] = json!("org-provisioner");
    from_provisioner["detail-type"] = json!("IamUserProvisioned");
    for step in STEPS {
        let name = step.spec.name;
        for payload in [command("abc"), completed.clone(), envelope(&command("abc")), from_provisioner.clone()] {
            let answer = bench.system.invoke(name, payload.clone()).await.unwrap();
            assert_eq!((&answer["step"], &answer["outcome"]), (&json!(name), &json!("unchanged")), "{payload}");
            let bodies = [payload.to_string()];
            let answer = bench.system.invoke(name, batch(name, &bodies)).await.unwrap();
            assert_eq!(answer, json!({ "batchItemFailures": [] }), "{name} {payload}");
        }
        let empty = bench.system.invoke(name, json!({ "Records": [] })).await.unwrap();
        assert_eq!(empty, json!({ "batchItemFailures": [] }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_direct_call_is_answered_with_the_result_or_a_named_error() {
    let bench = Bench::new();
    let waiting = bench.system.invoke("secret", command("abc")).await.unwrap_err();
    assert_eq!(waiting.error_type, "waiting");
    let made = bench.system.invoke("iam-user", command("abc")).await.unwrap();
    assert_eq!(made["outcome"], "created");
    assert_eq!(made["resources"][0]["arn"], "arn:aws:iam::111111111111:user/rms_abc");
    let wrong =
        bench.system.invoke("iam-user", json!({ "orgId": "Abc", "environment": "production" })).await.unwrap_err();
    assert_eq!(wrong.error_type, ErrorCode::InvalidField.as_str());
    assert!(wrong.error_message.contains("orgId"), "{wrong:?}");
    let no_batch = bench.system.invoke("iam-user", json!({ "Records": [1] })).await.unwrap_err();
    assert_eq!(no_batch.error_type, ErrorCode::MalformedEvent.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_is_kept_and_not_retried_by_lambda() {
    let bench = Bench::new();
    let mut event = envelope(&command("abc"));
    event["source"] = json!("somebody");
    let answer = bench.system.invoke("iam-user", event.clone()).await.unwrap();
    assert_eq!(answer["error"]["code"], ErrorCode::SourceNotAllowed.as_str());
    let letters = bench.system.take_dead_letters("iam-user").unwrap();
    assert_eq!(serde_json::from_str::<Value>(letters[0]["Body"].as_str().unwrap()).unwrap(), event);
    let failed = bench.system.invoke("secret", envelope(&command("abc"))).await;
    assert_eq!(failed.unwrap_err().error_type, "waiting", "what may succeed later is Lambda's to retry");
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_with_the_ones_to_keep() {
    let bench = Bench::new();
    bench.system.invoke("iam-user", command("here")).await.unwrap();
    let bodies = ["nobody1", "here", "nobody2"].map(|org| command(org).to_string());
    let answer = bench.system.invoke("secret", batch("secret", &bodies)).await.unwrap();
    let kept: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap())
        .collect();
    assert_eq!(kept, ["m0", "m2"]);
}

#[tokio::test(start_paused = true)]
async fn each_class_of_account_takes_its_environments_only() {
    for class in [org::AccountClass::Production, org::AccountClass::NonProduction] {
        let options = local_system::LocalOptions { account_class: class, ..Default::default() };
        for environment in org::Environment::ALL {
            let bench = Bench::with(&options);
            bench.put(&json!({ "orgId": "abc", "environment": environment.as_str() }));
            let events = bench.settle().await;
            if environment.account_class() == class {
                bench.provisioned("abc").await;
            } else {
                assert_eq!(failure_codes(&events), ["wrong-account"; 2], "both first steps refuse");
                assert_eq!(
                    bench
                        .system
                        .aws
                        .take_trace()
                        .iter()
                        .filter(|call| call.service != "events" && call.service != "sqs")
                        .count(),
                    0
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_no_rule_knows_is_not_heard() {
    let bench = Bench::new();
    bench.system.put_event("somebody", "OrgCreated", &command("abc")).unwrap();
    assert!(bench.settle().await.is_empty());
    assert_eq!(bench.writes(), []);
}

#[tokio::test(start_paused = true)]
async fn the_secret_access_key_is_nowhere_but_in_the_secret() {
    let bench = Bench::new();
    bench.sign_up("abc");
    let events = bench.settle().await;
    let key = bench.stored_key("abc").await;
    let secret = key["secretAccessKey"].as_str().unwrap();
    let told = format!("{events:?}{:?}", bench.system.aws.take_trace());
    assert!(told.contains("OrgProvisioned"));
    assert!(!told.contains(&secret[..12]), "in an event or the trace");
}
