//! Values, versions and labels.

use super::*;

#[test]
fn the_first_version_is_current_whatever_its_labels() {
    let mut bench = Bench::new();
    bench.ask("CreateSecret", json!({ "Name": "s" })).unwrap();
    bench.put(A, "one", json!(["AWSPENDING"])).unwrap();
    bench.expect_labels(json!({ A: ["AWSCURRENT", "AWSPENDING"] }));
}

#[test]
fn putting_again_does_nothing_for_the_same_value_and_fails_for_another() {
    let mut bench = Bench::with_secret();
    bench.put(B, "two", Value::Null).unwrap();
    bench.put(C, "three", Value::Null).unwrap();
    bench.expect_labels(json!({ B: ["AWSPREVIOUS"], C: ["AWSCURRENT"] }));
    // Current moved on since: the late retry must not move it back.
    let again = bench.put(B, "two", Value::Null).unwrap();
    assert_eq!(again["VersionStages"], json!(["AWSPREVIOUS"]));
    bench.expect_labels(json!({ B: ["AWSPREVIOUS"], C: ["AWSCURRENT"] }));
    let error = bench.put(B, "other", Value::Null).unwrap_err();
    assert_eq!(error.code, "ResourceExistsException");
    assert!(error.message.starts_with(&format!("You can't use ClientRequestToken {B}")), "{}", error.message);
}

#[test]
fn a_text_and_the_same_bytes_are_different_values() {
    let mut bench = Bench::with_secret();
    let binary = json!({ "SecretId": "s", "ClientRequestToken": A, "SecretBinary": "b25l" });
    assert_eq!(code(bench.ask("PutSecretValue", binary.clone())), "ResourceExistsException");
    let mut other = binary;
    other["ClientRequestToken"] = json!(B);
    bench.ask("PutSecretValue", other).unwrap();
    let read = bench.ask("GetSecretValue", json!({ "SecretId": "s" })).unwrap();
    assert_eq!(read["SecretBinary"], "b25l");
    assert_eq!(read.get("SecretString"), None);
}

#[test]
fn a_label_is_on_one_version_and_previous_follows_current() {
    let mut bench = Bench::with_secret();
    bench.put(B, "two", json!(["AWSPENDING", "mine"])).unwrap();
    bench.expect_labels(json!({ A: ["AWSCURRENT"], B: ["AWSPENDING", "mine"] }));
    bench.put(C, "three", json!(["mine"])).unwrap();
    bench.expect_labels(json!({ A: ["AWSCURRENT"], B: ["AWSPENDING"], C: ["mine"] }));
    bench.move_label("AWSCURRENT", Some(A), Some(B)).unwrap();
    bench.expect_labels(json!({ A: ["AWSPREVIOUS"], B: ["AWSCURRENT", "AWSPENDING"], C: ["mine"] }));
    bench.move_label("AWSCURRENT", Some(B), Some(A)).unwrap();
    bench.expect_labels(json!({ A: ["AWSCURRENT"], B: ["AWSPENDING", "AWSPREVIOUS"], C: ["mine"] }));
}

#[test]
fn moving_a_label_is_a_compare_and_swap() {
    let mut bench = Bench::with_secret();
    bench.put(B, "two", json!(["AWSPENDING"])).unwrap();
    let error = bench.move_label("AWSCURRENT", None, Some(B)).unwrap_err();
    assert_eq!(error.code, "InvalidParameterException");
    assert!(error.message.contains(&format!("currently attached to version {A}")), "{}", error.message);
    assert_eq!(code(bench.move_label("AWSCURRENT", Some(B), Some(B))), "InvalidParameterException");
    assert_eq!(code(bench.move_label("AWSCURRENT", Some(A), Some(C))), "ResourceNotFoundException");
    assert_eq!(code(bench.move_label("AWSCURRENT", Some(A), None)), "InvalidParameterException");
    assert_eq!(code(bench.move_label("new", Some(A), Some(B))), "InvalidParameterException");
    assert_eq!(code(bench.move_label("new", None, None)), "InvalidParameterException");
    bench.expect_labels(json!({ A: ["AWSCURRENT"], B: ["AWSPENDING"] }));
    bench.move_label("new", None, Some(A)).unwrap();
    bench.move_label("AWSPENDING", Some(B), None).unwrap();
    bench.expect_labels(json!({ A: ["AWSCURRENT", "new"] }));
}

#[test]
fn a_version_without_labels_is_deprecated_but_readable() {
    let mut bench = Bench::with_secret();
    bench.put(B, "two", Value::Null).unwrap();
    bench.put(C, "three", Value::Null).unwrap();
    assert_eq!(bench.read(json!({ "VersionId": A })).unwrap(), "one");
    let listed = |bench: &mut Bench, deprecated: bool| {
        let body = json!({ "SecretId": "s", "IncludeDeprecated": deprecated });
        let listed = bench.ask("ListSecretVersionIds", body).unwrap();
        listed["Versions"].as_array().unwrap().clone()
    };
    assert_eq!(listed(&mut bench, false).len(), 2);
    let all = listed(&mut bench, true);
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].get("VersionStages"), None);
}

#[test]
fn a_version_is_read_by_id_by_label_or_by_both() {
    let mut bench = Bench::with_secret();
    bench.put(B, "two", Value::Null).unwrap();
    assert_eq!(bench.read(json!({})).unwrap(), "two");
    assert_eq!(bench.read(json!({ "VersionStage": "AWSPREVIOUS" })).unwrap(), "one");
    assert_eq!(bench.read(json!({ "VersionId": B, "VersionStage": "AWSCURRENT" })).unwrap(), "two");
    assert_eq!(code(bench.read(json!({ "VersionId": A, "VersionStage": "AWSCURRENT" }))), "InvalidRequestException");
    assert_eq!(code(bench.read(json!({ "VersionId": C }))), "ResourceNotFoundException");
    assert_eq!(code(bench.read(json!({ "VersionStage": "AWSPENDING" }))), "ResourceNotFoundException");
}

#[test]
fn a_hundred_versions_are_kept_and_none_is_removed_on_its_first_day() {
    let mut bench = Bench::with_secret();
    let token = |n: u32| format!("00000000-0000-4000-8000-{n:012}");
    for n in 1..100 {
        bench.put(&token(n), "value", Value::Null).unwrap();
    }
    assert_eq!(code(bench.put(&token(100), "value", Value::Null)), "LimitExceededException");
    bench.now.0 += DAY_MS;
    bench.put(&token(100), "value", Value::Null).unwrap();
    assert_eq!(code(bench.read(json!({ "VersionId": A }))), "ResourceNotFoundException");
    assert_eq!(bench.read(json!({ "VersionId": token(1) })).unwrap(), "value");
}
