//! The service's rules, one by one.

mod versions;

use std::collections::BTreeMap;

use super::*;
use crate::caller::Caller;
use crate::world::World;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const A: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const B: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const C: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";

/// A world with one administrator and a clock.
struct Bench {
    world: World,
    caller: Caller,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let caller = Caller::Administrator { account: "222222222222".to_owned() };
        Self { world: World::seeded(1), caller, now: Timestamp(20_000 * DAY_MS + 5_000) }
    }

    /// A bench with the secret `s`, whose version A is `one`.
    fn with_secret() -> Self {
        let mut bench = Self::new();
        bench.create("s", A, "one").unwrap();
        bench
    }

    fn ask(&mut self, operation: &str, body: Value) -> Result<Value, ApiError> {
        let mut call = Call {
            world: &mut self.world,
            caller: &self.caller,
            region: "eu-west-1",
            now: self.now,
            resource: String::new(),
        };
        handle(&mut call, &body, operation).map(|reply| serde_json::from_slice(&reply.body).unwrap())
    }

    fn create(&mut self, name: &str, token: &str, value: &str) -> Result<Value, ApiError> {
        self.ask("CreateSecret", json!({ "Name": name, "ClientRequestToken": token, "SecretString": value }))
    }

    fn put(&mut self, token: &str, value: &str, labels: Value) -> Result<Value, ApiError> {
        self.ask(
            "PutSecretValue",
            json!({ "SecretId": "s", "ClientRequestToken": token, "SecretString": value, "VersionStages": labels }),
        )
    }

    fn read(&mut self, which: Value) -> Result<String, ApiError> {
        let mut body = json!({ "SecretId": "s" });
        body.as_object_mut().unwrap().extend(which.as_object().cloned().unwrap());
        Ok(self.ask("GetSecretValue", body)?["SecretString"].as_str().unwrap().to_owned())
    }

    /// The labels by version id, as DescribeSecret tells them.
    fn labels(&mut self) -> BTreeMap<String, Vec<String>> {
        let described = self.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap();
        serde_json::from_value(described["VersionIdsToStages"].clone()).unwrap()
    }

    fn expect_labels(&mut self, expected: Value) {
        assert_eq!(json!(self.labels()), expected);
    }

    fn move_label(&mut self, label: &str, from: Option<&str>, to: Option<&str>) -> Result<Value, ApiError> {
        self.ask(
            "UpdateSecretVersionStage",
            json!({ "SecretId": "s", "VersionStage": label, "RemoveFromVersionId": from, "MoveToVersionId": to }),
        )
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> &'static str {
    let error = answer.expect_err("refused");
    assert_eq!(error.status, 400);
    error.code
}

#[test]
fn a_new_secret_has_the_token_as_its_version_and_six_characters_in_its_arn() {
    let mut bench = Bench::new();
    let made = bench.create("fusion/s", A, "one").unwrap();
    let arn = made["ARN"].as_str().unwrap();
    let suffix = arn.strip_prefix("arn:aws:secretsmanager:eu-west-1:222222222222:secret:fusion/s-").unwrap();
    assert_eq!(suffix.len(), 6);
    assert_eq!(made["VersionId"], A);
    for id in ["fusion/s", arn, arn.strip_suffix(suffix).unwrap().strip_suffix('-').unwrap()] {
        let read = bench.ask("GetSecretValue", json!({ "SecretId": id })).unwrap();
        assert_eq!(read["SecretString"], "one");
        assert_eq!(read["VersionStages"], json!(["AWSCURRENT"]));
    }
    let described = bench.ask("DescribeSecret", json!({ "SecretId": "fusion/s" })).unwrap();
    assert_eq!(described["CreatedDate"], json!(bench.now.epoch_seconds()));
    assert_eq!(described.get("Tags"), None);
}

#[test]
fn a_secret_without_a_value_has_no_version() {
    let mut bench = Bench::new();
    let made = bench.ask("CreateSecret", json!({ "Name": "s", "ClientRequestToken": A })).unwrap();
    assert_eq!(made.get("VersionId"), None);
    let error = bench.read(json!({})).unwrap_err();
    assert_eq!(error.code, "ResourceNotFoundException");
    assert_eq!(error.message, "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT");
}

#[test]
fn creating_again_is_answered_again_only_for_the_same_token_and_value() {
    let mut bench = Bench::with_secret();
    let before = bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap();
    bench.now.0 += 60_000;
    let again = bench.create("s", A, "one").unwrap();
    assert_eq!(again["VersionId"], A);
    assert_eq!(again["ARN"], before["ARN"]);
    assert_eq!(bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap(), before);
    let error = bench.create("s", B, "one").unwrap_err();
    assert_eq!(error.code, "ResourceExistsException");
    assert_eq!(error.message, "The operation failed because the secret s already exists.");
    assert_eq!(code(bench.create("s", A, "two")), "ResourceExistsException");
    assert_eq!(code(bench.ask("CreateSecret", json!({ "Name": "s" }))), "ResourceExistsException");
    assert_eq!(bench.read(json!({})).unwrap(), "one");
}

#[test]
fn a_scheduled_secret_refuses_use_and_is_restored_or_gone() {
    let mut bench = Bench::with_secret();
    let deleted = bench.ask("DeleteSecret", json!({ "SecretId": "s", "RecoveryWindowInDays": 7 })).unwrap();
    let end = Timestamp(bench.now.0 + 7 * DAY_MS);
    assert_eq!(deleted["DeletionDate"], json!(end.epoch_seconds()));
    let error = bench.read(json!({})).unwrap_err();
    assert_eq!(error.message, "You can't perform this operation on the secret because it was marked for deletion.");
    for (operation, rest) in [
        ("GetSecretValue", json!({})),
        ("PutSecretValue", json!({ "SecretString": "two", "ClientRequestToken": B })),
        ("PutSecretValue", json!({ "SecretString": "one", "ClientRequestToken": A })),
        ("UpdateSecret", json!({ "Description": "d" })),
        ("UpdateSecretVersionStage", json!({ "VersionStage": "x", "MoveToVersionId": A })),
        ("TagResource", json!({ "Tags": [] })),
        ("UntagResource", json!({ "TagKeys": [] })),
        ("DeleteSecret", json!({})),
        ("CreateSecret", json!({ "Name": "s", "SecretString": "one", "ClientRequestToken": A })),
    ] {
        let mut body = json!({ "SecretId": "s" });
        body.as_object_mut().unwrap().extend(rest.as_object().cloned().unwrap());
        assert_eq!(code(bench.ask(operation, body)), "InvalidRequestException", "{operation}");
    }
    let described = bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap();
    assert_eq!(described["DeletedDate"], deleted["DeletionDate"]);
    assert_eq!(bench.ask("ListSecrets", json!({})).unwrap()["SecretList"], json!([]));
    bench.ask("RestoreSecret", json!({ "SecretId": "s" })).unwrap();
    assert_eq!(bench.read(json!({})).unwrap(), "one");
    bench.ask("DeleteSecret", json!({ "SecretId": "s" })).unwrap();
    bench.now.0 += 30 * DAY_MS;
    assert_eq!(code(bench.ask("RestoreSecret", json!({ "SecretId": "s" }))), "ResourceNotFoundException");
}

#[test]
fn a_secret_whose_window_is_over_is_gone_by_each_of_its_names_and_from_the_list() {
    let described = |bench: &mut Bench, id: &str| bench.ask("DescribeSecret", json!({ "SecretId": id }));
    let scheduled = || {
        let mut bench = Bench::with_secret();
        let deleted = bench.ask("DeleteSecret", json!({ "SecretId": "s", "RecoveryWindowInDays": 7 })).unwrap();
        bench.now.0 += 7 * DAY_MS - 1;
        (bench, deleted["ARN"].as_str().unwrap().to_owned())
    };
    let (mut bench, arn) = scheduled();
    for id in [&arn, &arn[..arn.len() - 7], "s"] {
        assert!(described(&mut bench, id).is_ok(), "{id}");
        // Another each time: the first look that misses forgets the secret.
        let (mut bench, _) = scheduled();
        bench.now.0 += 1;
        assert_eq!(code(described(&mut bench, id)), "ResourceNotFoundException", "{id}");
    }
    bench.now.0 += 1;
    let listed = bench.ask("ListSecrets", json!({ "IncludePlannedDeletion": true })).unwrap();
    assert_eq!(listed["SecretList"], json!([]));
}

#[test]
fn a_secret_made_anew_has_another_arn() {
    let mut bench = Bench::with_secret();
    let old = bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap()["ARN"].clone();
    bench.ask("DeleteSecret", json!({ "SecretId": "s" })).unwrap();
    bench.now.0 += 30 * DAY_MS;
    bench.create("s", A, "two").unwrap();
    assert_eq!(code(bench.ask("GetSecretValue", json!({ "SecretId": old }))), "ResourceNotFoundException");
}

#[test]
fn a_forced_deletion_takes_a_moment_and_never_misses() {
    let mut bench = Bench::with_secret();
    let force = json!({ "SecretId": "s", "ForceDeleteWithoutRecovery": true });
    bench.ask("DeleteSecret", force.clone()).unwrap();
    assert_eq!(code(bench.read(json!({}))), "ResourceNotFoundException");
    assert_eq!(code(bench.ask("RestoreSecret", json!({ "SecretId": "s" }))), "ResourceNotFoundException");
    assert_eq!(code(bench.create("s", B, "two")), "InvalidRequestException");
    bench.ask("DeleteSecret", force).unwrap();
    bench.now.0 += 1_000;
    bench.create("s", B, "two").unwrap();
}

#[test]
fn the_recovery_window_is_seven_to_thirty_days() {
    let mut bench = Bench::with_secret();
    for body in [
        json!({ "SecretId": "s", "RecoveryWindowInDays": 6 }),
        json!({ "SecretId": "s", "RecoveryWindowInDays": 31 }),
        json!({ "SecretId": "s", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true }),
    ] {
        assert_eq!(code(bench.ask("DeleteSecret", body)), "InvalidParameterException");
    }
}

#[test]
fn parameters_are_held_to_their_limits() {
    let mut bench = Bench::new();
    for (body, expected) in [
        (json!({ "Name": "white space" }), "ValidationException"),
        (json!({ "Name": "a".repeat(513) }), "ValidationException"),
        (json!({}), "ValidationException"),
        (json!({ "Name": "s", "SecretString": "x", "ClientRequestToken": "short" }), "ValidationException"),
        (json!({ "Name": "s", "SecretString": "x", "ClientRequestToken": "a".repeat(65) }), "ValidationException"),
        (json!({ "Name": "s", "SecretString": "x" }), "InvalidRequestException"),
        (json!({ "Name": "s", "SecretString": "", "ClientRequestToken": A }), "ValidationException"),
        (json!({ "Name": "s", "SecretString": "x".repeat(65_537), "ClientRequestToken": A }), "ValidationException"),
        (
            json!({ "Name": "s", "SecretString": "x", "SecretBinary": "eA==", "ClientRequestToken": A }),
            "InvalidParameterException",
        ),
        (json!({ "Name": "s", "Tags": [{ "Key": "aws:x", "Value": "" }] }), "InvalidParameterException"),
    ] {
        assert_eq!(code(bench.ask("CreateSecret", body.clone())), expected, "{body}");
    }
    assert!(bench.world.region("222222222222", "eu-west-1").secrets.by_name.is_empty());
    bench.create(&"a/_+=.@-".repeat(64), A, &"x".repeat(65_536)).unwrap();
    assert_eq!(code(bench.ask("PutSecretValue", json!({ "SecretId": "s" }))), "InvalidRequestException");
    let error = bench.ask("ReplicateSecretToRegions", json!({ "SecretId": "s" })).unwrap_err();
    assert_eq!(error.code, "NotImplemented");
}

#[test]
fn tags_are_merged_by_their_exact_keys() {
    let mut bench = Bench::with_secret();
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    bench.ask("TagResource", json!({ "SecretId": "s", "Tags": [tag("k", "1"), tag("K", "2")] })).unwrap();
    bench.ask("TagResource", json!({ "SecretId": "s", "Tags": [tag("k", "3")] })).unwrap();
    let tags = |bench: &mut Bench| bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap()["Tags"].clone();
    assert_eq!(tags(&mut bench), json!([tag("k", "3"), tag("K", "2")]));
    let many: Vec<Value> = (0..49).map(|n| tag(&format!("n{n}"), "")).collect();
    let answer = bench.ask("TagResource", json!({ "SecretId": "s", "Tags": many }));
    assert_eq!(code(answer), "InvalidParameterException");
    bench.ask("UntagResource", json!({ "SecretId": "s", "TagKeys": ["k", "K", "absent"] })).unwrap();
    assert_eq!(tags(&mut bench), json!([]));
}

#[test]
fn an_update_makes_a_current_version_or_only_changes_the_details() {
    let mut bench = Bench::with_secret();
    let body = json!({ "SecretId": "s", "Description": "d", "KmsKeyId": "alias/k", "ClientRequestToken": B });
    assert_eq!(bench.ask("UpdateSecret", body).unwrap().get("VersionId"), None);
    let described = bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap();
    assert_eq!((&described["Description"], &described["KmsKeyId"]), (&json!("d"), &json!("alias/k")));
    let body = json!({ "SecretId": "s", "SecretString": "two", "ClientRequestToken": B });
    assert_eq!(bench.ask("UpdateSecret", body).unwrap()["VersionId"], B);
    bench.expect_labels(json!({ A: ["AWSPREVIOUS"], B: ["AWSCURRENT"] }));
}

#[test]
fn secrets_are_listed_by_page_and_filter() {
    let mut bench = Bench::new();
    for name in ["a/1", "a/2", "b/1"] {
        bench.now.0 += 1_000;
        let body = json!({ "Name": name, "Tags": [{ "Key": "org", "Value": name }] });
        bench.ask("CreateSecret", body).unwrap();
    }
    let names = |answer: &Value| -> Vec<String> {
        let list = answer["SecretList"].as_array().unwrap();
        list.iter().map(|secret| secret["Name"].as_str().unwrap().to_owned()).collect()
    };
    let first = bench.ask("ListSecrets", json!({ "MaxResults": 2 })).unwrap();
    assert_eq!(names(&first), ["a/1", "a/2"]);
    let second = bench.ask("ListSecrets", json!({ "MaxResults": 2, "NextToken": first["NextToken"] })).unwrap();
    assert_eq!(names(&second), ["b/1"]);
    assert_eq!(second.get("NextToken"), None);
    assert_eq!(code(bench.ask("ListSecrets", json!({ "NextToken": "!" }))), "InvalidNextTokenException");
    for (filters, expected) in [
        (json!([{ "Key": "name", "Values": ["a/"] }]), vec!["a/1", "a/2"]),
        (json!([{ "Key": "name", "Values": ["A/"] }]), vec![]),
        (json!([{ "Key": "name", "Values": ["!a/"] }]), vec!["b/1"]),
        (
            json!([{ "Key": "tag-key", "Values": ["org"] }, { "Key": "tag-value", "Values": ["b", "a/2"] }]),
            vec!["a/2", "b/1"],
        ),
    ] {
        let listed = bench.ask("ListSecrets", json!({ "Filters": filters })).unwrap();
        assert_eq!(names(&listed), expected, "{filters}");
    }
}

#[test]
fn only_the_accounts_administrator_may_call() {
    let mut bench = Bench::with_secret();
    let arn = bench.ask("DescribeSecret", json!({ "SecretId": "s" })).unwrap()["ARN"].clone();
    bench.caller = Caller::User {
        account: "222222222222".to_owned(),
        name: "alice".to_owned(),
        arn: "arn:aws:iam::222222222222:user/alice".to_owned(),
        user_id: "AIDAALICEALICEALICEAL".to_owned(),
    };
    let error = bench.read(json!({})).unwrap_err();
    assert_eq!((error.status, error.code), (400, "AccessDeniedException"));
    assert_eq!(
        error.message,
        "User: arn:aws:iam::222222222222:user/alice is not authorized to perform: secretsmanager:GetSecretValue on \
         resource: s because no identity-based policy allows the secretsmanager:GetSecretValue action"
    );
    bench.caller = Caller::Administrator { account: "333333333333".to_owned() };
    assert_eq!(code(bench.ask("GetSecretValue", json!({ "SecretId": arn }))), "AccessDeniedException");
    assert_eq!(code(bench.read(json!({}))), "ResourceNotFoundException");
}
