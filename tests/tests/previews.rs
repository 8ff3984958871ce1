//! A preview says what the run then does, and writes nothing at all, no event and no message either.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::IdentityCache;
use aws_types::SdkConfig;
use contract::Outcome;
use handler::{Environment, Planned};
use local_system::registry::STEPS;
use serde_json::Value;
use tests::{Bench, command};

/// What each step would do for this detail: the outcome, or the code of the error.
async fn previews(bench: &Bench, detail: &Value) -> Vec<(&'static str, Result<Outcome, String>)> {
    let account = bench.system.place.account.clone();
    let sdk = bench.system.sdk_config(&account, "local");
    previews_with(bench, detail, &sdk).await
}

async fn previews_with(bench: &Bench, detail: &Value, sdk: &SdkConfig) -> Vec<(&'static str, Result<Outcome, String>)> {
    let account = bench.system.place.account.clone();
    let mut previews = Vec::new();
    for step in STEPS {
        let variables = [
            ("EXPECTED_ACCOUNT_ID", account.as_str()),
            ("ACCOUNT_CLASS", "production"),
            ("DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/111111111111/never-asked-dlq"),
        ];
        let variables: BTreeMap<String, String> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let preview = (step.preview)(Environment::settings(&variables).unwrap(), sdk);
        bench.system.aws.take_trace();
        let previewed = preview(detail.clone(), bench.system.place.clone()).await;
        let trace = bench.system.aws.take_trace();
        assert!(trace.iter().all(|call| !call.mutating), "{}: {trace:?}", step.spec.name);
        previews.push((step.spec.name, previewed.map(|changes| outcome(&changes)).map_err(|e| e.code().to_string())));
    }
    previews
}

fn outcome(changes: &[Planned]) -> Outcome {
    match changes.iter().map(|change| change.effect).max() {
        None => Outcome::Unchanged,
        Some(contract::Effect::Updates) => Outcome::Updated,
        Some(contract::Effect::Creates) => Outcome::Created,
    }
}

/// Runs every step by a direct call, one after the other, each preceded by its preview.
async fn agree(bench: &Bench, detail: &Value) -> Vec<Result<Outcome, String>> {
    let mut seen = Vec::new();
    for (number, step) in STEPS.iter().enumerate() {
        let name = step.spec.name;
        let (_, said) = previews(bench, detail).await.swap_remove(number);
        let done = match bench.system.invoke(name, detail.clone()).await {
            Ok(answer) => Ok(serde_json::from_value(answer["outcome"].clone()).unwrap()),
            Err(error) => Err(error.error_type),
        };
        assert_eq!(said, done, "{name}");
        seen.push(done);
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_created_and_then_nothing_is_left_to_do() {
    let bench = Bench::new();
    let first = previews(&bench, &command("abc")).await;
    let waits: Vec<&str> = first.iter().filter(|(_, said)| said.is_err()).map(|(name, _)| *name).collect();
    assert_eq!(waits, ["bucket-policy", "secret", "verify"], "they wait for what is not there: {first:?}");
    let created = Ok(Outcome::Created);
    assert_eq!(
        agree(&bench, &command("abc")).await,
        [created.clone(), created.clone(), created.clone(), created, Ok(Outcome::Unchanged)]
    );
    assert_eq!(agree(&bench, &command("abc")).await, vec![Ok(Outcome::Unchanged); 5]);
}

#[tokio::test(start_paused = true)]
async fn drift_is_repaired_as_announced() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let s3 = bench.s3("111111111111", "local");
    s3.delete_bucket_policy().bucket("fusion-rms-abc").send().await.unwrap();
    s3.delete_object().bucket("fusion-rms-abc").key("pub/").send().await.unwrap();
    let seen = agree(&bench, &command("abc")).await;
    let created = Ok(Outcome::Created);
    assert_eq!(
        seen,
        [Ok(Outcome::Unchanged), Ok(Outcome::Updated), created, Ok(Outcome::Unchanged), Ok(Outcome::Unchanged)]
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_are_announced() {
    let bench = Bench::new();
    bench.iam().create_user().user_name("rms_abc").send().await.unwrap();
    bench.s3("111111111111", "local").create_bucket().bucket("fusion-rms-abc").send().await.unwrap();
    // Old enough that a missing tag is not one that is still to come.
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    let seen = agree(&bench, &command("abc")).await;
    assert_eq!(seen, vec![Err("not-ours".to_owned()); 5]);
    let elsewhere = serde_json::json!({ "orgId": "abc", "environment": "qa" });
    assert_eq!(agree(&bench, &elsewhere).await, vec![Err("wrong-account".to_owned()); 5]);
    let malformed = serde_json::json!({ "orgId": "ABC", "environment": "production" });
    assert_eq!(agree(&bench, &malformed).await, vec![Err("invalid-field".to_owned()); 5]);
}

#[tokio::test(start_paused = true)]
async fn a_preview_leaves_the_operators_credentials_in_the_cache_that_clients_share() {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    let resolved = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&resolved);
    let operator = provide_credentials_fn(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok(Credentials::new("111111111111", "local", None, None, "operator")) }
    });
    let mut sdk = bench.system.sdk_config("111111111111", "local").to_builder();
    sdk.set_credentials_provider(Some(SharedCredentialsProvider::new(operator)));
    // Room for one: whatever else came into the cache would put the operator out.
    sdk.set_identity_cache(Some(IdentityCache::lazy().max_partitions(1).build()));
    let sdk = sdk.build();
    for _ in 0..2 {
        let said = previews_with(&bench, &command("abc"), &sdk).await;
        assert!(said.iter().all(|(_, said)| *said == Ok(Outcome::Unchanged)), "{said:?}");
    }
    assert_eq!(resolved.load(Ordering::Relaxed), 1);
}
