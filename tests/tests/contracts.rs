//! What is on the wire: schemas, samples, and that they are what the system really says.
//!
//! `UPDATE=1 cargo test -p tests --test contracts` writes the files anew.

use std::path::{Path, PathBuf};

use contract::{
    Command, OrgAdoptionRequested, OrgCreated, OrgDeleted, OrgReconciliationRequested, OrgResumed, OrgSuspended,
    Subject, event_id,
};
use local_system::registry;
use serde_json::{Value, json};
use tests::{Bench, command, of_type};

fn events_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Compares a file with what it should hold, or writes it when asked to.
fn check_file(path: &Path, expected: &Value) {
    let expected = format!("{expected:#}\n");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{} is stale; see this file's first lines", path.display());
}

fn sample(name: &str) -> Value {
    let text = std::fs::read_to_string(events_dir().join("samples").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator(schema: &str) -> jsonschema::Validator {
    let schemas = contract::schemas();
    let (_, schema) = schemas.iter().find(|(name, _)| *name == schema).unwrap();
    jsonschema::validator_for(schema.as_value()).unwrap()
}

fn schema_for(detail_type: &str) -> &'static str {
    match detail_type {
        "OrgCreated" => "org-created.json",
        "OrgSuspended" => "org-suspended.json",
        "OrgResumed" => "org-resumed.json",
        "OrgDeleted" => "org-deleted.json",
        "OrgAdoptionRequested" => "org-adoption-requested.json",
        "OrgReconciliationRequested" => "org-reconciliation-requested.json",
        "AccountSwept" | "CapacityWarning" => "account-swept.json",
        "OrgProvisioningFailed" => "org-provisioning-failed.json",
        _ => "step-completed.json",
    }
}

/// `IamUserProvisioned` is in `iam-user-provisioned.json`.
fn file_of(detail_type: &str) -> String {
    let mut name = String::new();
    for character in detail_type.chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(character.to_lowercase());
    }
    format!("{name}.json")
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for (name, schema) in contract::schemas() {
        check_file(&events_dir().join("schemas").join(name), schema.as_value());
    }
    let files = std::fs::read_dir(events_dir().join("schemas")).unwrap().count();
    assert_eq!(files, contract::schemas().len(), "a schema that no type has");
}

/// The samples of emitted events are what a local run of the sample command emits, to the letter.
#[tokio::test(start_paused = true)]
async fn the_samples_of_emitted_events_are_what_the_system_says() {
    let bench = Bench::new();
    bench.system.aws.set_latency(std::time::Duration::from_millis(20));
    bench.put(&sample("org-created.json")["detail"]);
    let mut emitted = bench.settle().await;
    bench.put(&json!({ "orgId": "xmsqa1", "environment": "qa" }));
    emitted.extend(bench.settle().await);
    tests::adoption::user(&bench.system, "xmsqa2", &[("OrgID", "xmsqa2")]).await;
    tests::adoption::bucket(&bench.system, "fusion-rms-xmsqa2", &[]).await;
    let commands = ["org-suspended.json", "org-resumed.json", "org-deleted.json", "org-adoption-requested.json"];
    for command in commands.map(sample) {
        let text = |field: &str| command[field].as_str().unwrap().to_owned();
        bench.system.put_event(&text("source"), &text("detail-type"), &command["detail"]).unwrap();
        emitted.extend(bench.settle().await);
    }
    for detail_type in registry::all().map(|step| step.spec.completion).chain(["OrgProvisioningFailed"]) {
        let mut event = sample("org-created.json");
        event["source"] = json!(contract::SOURCE);
        event["detail-type"] = json!(detail_type);
        event["detail"] = of_type(&emitted, detail_type)[0].clone();
        check_file(&events_dir().join("samples").join(file_of(detail_type)), &event);
    }
}

/// The same for what only looks: an organization without its marker, and an account that may have no second bucket.
#[tokio::test(start_paused = true)]
async fn the_samples_of_what_was_looked_at_are_what_the_system_says() {
    let mut options = local_system::LocalOptions::default();
    options.environment.insert("BUCKET_LIMIT".to_owned(), "1".to_owned());
    let bench = Bench::with(&options);
    bench.put(&sample("org-created.json")["detail"]);
    bench.settle().await;
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    bench.system.aws.set_latency(std::time::Duration::from_millis(20));
    bench.system.aws.with_world(|world| {
        world.buckets.values_mut().for_each(|bucket| drop(bucket.objects.remove("pub/")));
    });
    let asked = sample("org-reconciliation-requested.json");
    bench.system.put_event("org-signup", "OrgReconciliationRequested", &asked["detail"]).unwrap();
    bench
        .system
        .send("sweep", &json!({ "sweep": "2026-11-30T06:00:00Z", "capacity": { "secrets": 1 } }).to_string())
        .unwrap();
    let emitted = bench.settle().await;
    for detail_type in ["OrgReconciled", "OrgDriftDetected", "AccountSwept", "CapacityWarning"] {
        let mut event = sample("org-created.json");
        event["source"] = json!(contract::SOURCE);
        event["detail-type"] = json!(detail_type);
        event["detail"] = of_type(&emitted, detail_type)[0].clone();
        check_file(&events_dir().join("samples").join(file_of(detail_type)), &event);
    }
}

#[test]
fn every_sample_is_valid() {
    let mut checked = 0;
    for entry in std::fs::read_dir(events_dir().join("samples")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            for (detail_type, detail) in details(value.unwrap()) {
                let errors: Vec<String> =
                    validator(schema_for(&detail_type)).iter_errors(&detail).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked >= 12, "{checked}");
}

/// The details in a sample: of an event, of a plain command, of the messages in a batch.
fn details(value: Value) -> Vec<(String, Value)> {
    if let Some(records) = value["Records"].as_array() {
        let bodies = records.iter().map(|record| serde_json::from_str(record["body"].as_str().unwrap()).unwrap());
        return bodies.flat_map(details).collect();
    }
    match value["detail-type"].as_str() {
        Some(detail_type) => vec![(detail_type.to_owned(), value["detail"].clone())],
        None => vec![("OrgCreated".to_owned(), value)],
    }
}

/// The schema of the command and the code that reads it agree on what is valid.
#[test]
fn the_commands_schema_and_its_reader_agree() {
    let schema = validator("org-created.json");
    for detail in [
        command("abc"),
        json!({ "orgId": "abc", "environment": "qa", "plan": "gold", "correlationId": "c-1" }),
        json!({ "orgId": "abc", "environment": "qa", "bucketName": null, "correlationId": null }),
        json!({ "orgId": "Abc", "environment": "qa" }),
        json!({ "orgId": "1abc", "environment": "qa" }),
        json!({ "orgId": "a".repeat(53), "environment": "qa" }),
        json!({ "orgId": "abc", "environment": "prod" }),
        json!({ "orgId": "abc" }),
        json!({ "environment": "qa" }),
        json!({ "orgId": 1, "environment": "qa" }),
        json!({ "orgId": "abc", "environment": "qa", "correlationId": "with space" }),
        json!({ "orgId": "abc", "environment": "qa", "correlationId": "x".repeat(129) }),
        json!({ "orgId": "abc", "environment": "qa", "bucketName": 1 }),
        json!({ "orgId": "abc", "environment": "qa", "reonboard": true }),
        json!({ "orgId": "abc", "environment": "qa", "reonboard": null }),
        json!({ "orgId": "abc", "environment": "qa", "reonboard": "true" }),
        json!([]),
    ] {
        let read = contract::Request::<OrgCreated>::read(detail.clone());
        assert_eq!(schema.is_valid(&detail), read.is_ok(), "{detail}");
    }
}

/// The same for the commands of the lifecycle.
#[test]
fn the_lifecycles_schemas_and_their_readers_agree() {
    let reconciled = validator("org-reconciliation-requested.json");
    let (suspended, resumed, deleted) =
        (validator("org-suspended.json"), validator("org-resumed.json"), validator("org-deleted.json"));
    for detail in [
        command("abc"),
        json!({ "orgId": "abc", "environment": "qa" }),
        json!({ "orgId": "abc", "environment": "qa", "correlationId": "c-1", "reason": "unpaid" }),
        json!({ "orgId": "abc", "environment": "production", "confirmOrgId": "abc" }),
        json!({ "orgId": "abc", "environment": "production", "confirmOrgId": null }),
        json!({ "orgId": "abc", "environment": "staging" }),
        json!({ "orgId": "abc", "environment": "qa", "confirmOrgId": 1 }),
        json!({ "orgId": "abc", "environment": "qa", "emptyBucket": true, "recoveryWindowDays": 7 }),
        json!({ "orgId": "abc", "environment": "qa", "emptyBucket": null, "recoveryWindowDays": null }),
        json!({ "orgId": "abc", "environment": "qa", "emptyBucket": "yes" }),
        json!({ "orgId": "abc", "environment": "qa", "recoveryWindowDays": 6 }),
        json!({ "orgId": "abc", "environment": "qa", "recoveryWindowDays": 31 }),
        json!({ "orgId": "abc", "environment": "qa", "recoveryWindowDays": "7" }),
        json!({ "orgId": "Abc", "environment": "qa" }),
        json!({ "orgId": "abc", "environment": "prod" }),
        json!({ "environment": "qa" }),
        json!([]),
    ] {
        let read = contract::Request::<OrgSuspended>::read(detail.clone());
        assert_eq!(suspended.is_valid(&detail), read.is_ok(), "OrgSuspended {detail}");
        let read = contract::Request::<OrgReconciliationRequested>::read(detail.clone());
        assert_eq!(reconciled.is_valid(&detail), read.is_ok(), "OrgReconciliationRequested {detail}");
        let read = contract::Request::<OrgResumed>::read(detail.clone());
        assert_eq!(resumed.is_valid(&detail), read.is_ok(), "OrgResumed {detail}");
        let read = contract::Request::<OrgDeleted>::read(detail.clone());
        assert_eq!(deleted.is_valid(&detail), read.is_ok(), "OrgDeleted {detail}");
    }
}

/// The same for what an adoption names.
#[test]
fn the_adoptions_schema_and_its_reader_agree() {
    let schema = validator("org-adoption-requested.json");
    for adopt in [
        json!({ "userArn": "arn:aws:iam::111111111111:user/rms_abc" }),
        json!({ "userArn": null, "bucket": "fusion-rms-abc", "secretArn": "arn" }),
        json!({ "userArn": null }),
        json!({ "userArn": "", "bucket": "fusion-rms-abc" }),
        json!({ "userArn": "a".repeat(2049) }),
        json!({ "bucket": 1 }),
        json!({ "bucket": "fusion-rms-abc", "policy": true }),
        json!({}),
        json!(null),
        json!("everything"),
    ] {
        let detail = json!({ "orgId": "abc", "environment": "qa", "adopt": adopt });
        let read = contract::Request::<OrgAdoptionRequested>::read(detail.clone());
        assert_eq!(schema.is_valid(&detail), read.is_ok(), "{detail}");
    }
    assert!(!schema.is_valid(&command("abc")));
}

#[tokio::test(start_paused = true)]
async fn emitted_events_are_valid_and_their_ids_follow_from_what_they_are() {
    let bench = Bench::new();
    bench.put(&json!({ "orgId": "abc", "environment": "production", "correlationId": "c-7", "plan": "gold" }));
    bench.put(&json!({ "orgId": "xyz", "environment": "demo" }));
    let emitted = bench.settle().await;
    assert!(emitted.len() > 6);
    for event in &emitted {
        assert!(validator(schema_for(&event.detail_type)).is_valid(&event.detail), "{event:?}");
        let (detail, subject) = (&event.detail, OrgCreated::subject_of(&event.detail["request"]).unwrap());
        let (step, request) = (detail["step"].as_str().unwrap(), detail["requestId"].as_str().unwrap());
        assert_eq!(detail["eventId"], event_id(subject.key(), step, request, &event.detail_type));
        if subject.key() == "abc" {
            assert_eq!((&detail["correlationId"], request), (&json!("c-7"), "c-7"));
            assert_eq!(detail["request"]["plan"], "gold", "fields that are not known are carried along");
        }
    }
    assert!(emitted.iter().any(|event| event.detail_type == "OrgProvisioningFailed"));
    let verified = of_type(&emitted, "OrgProvisioned");
    assert!(verified[0]["evidence"].as_array().unwrap().len() >= 5);
}
