//! What is read from the environment, and what is refused.

use super::*;

fn read(changes: &[(&str, &str)]) -> Result<Environment, InvalidEnvironment> {
    let usual = [
        ("EXPECTED_ACCOUNT_ID", "111111111111"),
        ("ACCOUNT_CLASS", "production"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/111111111111/org-provisioning-secret-dlq"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
    ];
    let map = usual.iter().chain(changes).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::read(&map.collect())
}

#[test]
fn the_defaults_are_the_vendors_conventions() {
    let settings = read(&[]).unwrap_or_else(|error| panic!("{error}")).settings;
    assert_eq!(settings.deployment.conventions, Conventions::default());
    assert_eq!(settings.event_bus, "org-provisioning");
    assert_eq!(settings.allowed_sources, ["org-signup"]);
    assert_eq!(settings.own_queue_url(), "https://sqs.us-east-1.amazonaws.com/111111111111/org-provisioning-secret");
}

#[test]
fn every_bad_value_is_named() {
    for (name, value) in [
        ("EXPECTED_ACCOUNT_ID", "1"),
        ("EXPECTED_ACCOUNT_ID", ""),
        ("ACCOUNT_CLASS", "prod"),
        ("DEAD_LETTER_QUEUE_URL", "https://example/q"),
        ("BUCKET_PREFIX", "Fusion"),
        ("SECRET_NAME_TEMPLATE", "no-org-id"),
        ("KEY_GRACE_SECONDS", "30"),
        ("KEY_GRACE_SECONDS", "soon"),
        ("KEY_OVERLAP_SECONDS", "3599"),
        ("KEY_OVERLAP_SECONDS", "3801601"),
        ("ROTATION_DAYS", "0"),
        ("ROTATION_DAYS", "14"),
        ("ROTATION_DAYS", "1001"),
        ("MAX_RECEIVE_COUNT", "12"),
        ("SECRET_RECOVERY_DAYS", "6"),
        ("SECRET_RECOVERY_DAYS", "286"),
        ("RECONCILE_REPAIR", "yes"),
        ("CAPACITY_WARNING_PERCENT", "0"),
        ("CAPACITY_WARNING_PERCENT", "101"),
        ("BUCKET_LIMIT", "many"),
        ("AWS_REGION", ""),
        ("AWS_LAMBDA_LOG_LEVEL", "loud"),
    ] {
        let rotates = ("ROTATION_FUNCTION_ARN", "arn:aws:lambda:us-east-1:111111111111:function:rotate");
        let error = read(&[rotates, (name, value)]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(name), "{name}={value}: {error}");
    }
}

#[test]
fn days_are_not_looked_at_where_nothing_is_rotated_on_schedule() {
    for days in ["14", "0", "1001"] {
        assert!(read(&[("ROTATION_DAYS", days)]).is_ok_and(|read| read.settings.rotation.is_none()), "{days}");
    }
}

#[test]
fn endpoints_may_differ_by_service() {
    let environment = read(&[("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://b")]);
    let endpoints = environment.unwrap_or_else(|error| panic!("{error}")).sdk.endpoints;
    assert_eq!(endpoints.every.as_deref(), Some("http://a"));
    assert_eq!(endpoints.by_service.get("SECRETS_MANAGER").map(String::as_str), Some("http://b"));
}
