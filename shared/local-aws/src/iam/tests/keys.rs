//! Access keys and login profiles.

use super::*;

const USER: (&str, &str) = ("UserName", "a");

#[test]
fn two_keys_at_most_and_inactive_ones_count() {
    let mut bench = Bench::with_user("a");
    let first = bench.ask("CreateAccessKey", &[USER]).unwrap();
    let id = text(&first, "AccessKeyId");
    assert!(
        id.starts_with("AKIA") && id.len() == 20 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    );
    assert_eq!(text(&first, "SecretAccessKey").len(), 40);
    bench.ask("UpdateAccessKey", &[USER, ("AccessKeyId", id), ("Status", "Inactive")]).unwrap();
    bench.ask("CreateAccessKey", &[USER]).unwrap();
    let error = bench.ask("CreateAccessKey", &[USER]).unwrap_err();
    assert_eq!((error.status, error.code), (409, "LimitExceeded"));
    assert_eq!(error.message, "Cannot exceed quota for AccessKeysPerUser: 2");
    bench.ask("DeleteAccessKey", &[USER, ("AccessKeyId", id)]).unwrap();
    bench.ask("CreateAccessKey", &[USER]).unwrap();
    assert_eq!(bench.refusal("DeleteAccessKey", &[USER, ("AccessKeyId", id)]), (404, "NoSuchEntity"));
}

#[test]
fn keys_are_listed_in_pages_without_their_secrets() {
    let mut bench = Bench::with_user("a");
    let ids: Vec<String> = (0..2)
        .map(|_| {
            bench.now.0 += 1;
            text(&bench.ask("CreateAccessKey", &[USER]).unwrap(), "AccessKeyId").to_owned()
        })
        .collect();
    let first = bench.ask("ListAccessKeys", &[USER, ("MaxItems", "1")]).unwrap();
    assert_eq!((texts(&first, "AccessKeyId"), text(&first, "IsTruncated")), (vec![ids[0].as_str()], "true"));
    assert!(!first.contains("Secret"));
    bench.ask("DeleteAccessKey", &[USER, ("AccessKeyId", &ids[0])]).unwrap();
    let second = bench.ask("ListAccessKeys", &[USER, ("Marker", text(&first, "Marker"))]).unwrap();
    assert_eq!((texts(&second, "AccessKeyId"), text(&second, "IsTruncated")), (vec![ids[1].as_str()], "false"));
}

#[test]
fn a_login_profile_is_one_per_user_and_takes_a_strong_password() {
    let mut bench = Bench::with_user("a");
    assert_eq!(bench.refusal("GetLoginProfile", &[USER]), (404, "NoSuchEntity"));
    assert_eq!(bench.refusal("DeleteLoginProfile", &[USER]), (404, "NoSuchEntity"));
    for weak in ["Short-1", "onlylowercase", "lower1234"] {
        let answer = bench.refusal("CreateLoginProfile", &[USER, ("Password", weak)]);
        assert_eq!(answer, (400, "PasswordPolicyViolation"), "{weak}");
    }
    assert_eq!(bench.refusal("CreateLoginProfile", &[USER]), (400, "ValidationError"));
    let strong = [USER, ("Password", "Correct-horse"), ("PasswordResetRequired", "true")];
    bench.ask("CreateLoginProfile", &strong).unwrap();
    assert_eq!(bench.refusal("CreateLoginProfile", &strong), (409, "EntityAlreadyExists"));
    let told = bench.ask("GetLoginProfile", &[USER]).unwrap();
    assert_eq!((text(&told, "UserName"), text(&told, "PasswordResetRequired")), ("a", "true"));
    assert!(!told.contains("horse"));
    bench.ask("DeleteLoginProfile", &[USER]).unwrap();
}
