//! Inline policies.

use super::*;

const USER: (&str, &str) = ("UserName", "a");

#[test]
fn an_inline_policy_is_put_read_replaced_and_deleted() {
    let mut bench = Bench::with_user("a");
    let name = ("PolicyName", "p");
    for action in ["s3:Get*", "s3:Put*"] {
        let document = policy(&allow(action, "*"));
        bench.ask("PutUserPolicy", &[USER, name, ("PolicyDocument", &document)]).unwrap();
        let told = bench.ask("GetUserPolicy", &[USER, name]).unwrap();
        let encoded = text(&told, "PolicyDocument");
        assert!(encoded.starts_with("%7B%22Version%22"), "{encoded}");
        assert_eq!(percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap(), document);
    }
    assert_eq!(texts(&bench.ask("ListUserPolicies", &[USER]).unwrap(), "member"), ["p"]);
    bench.ask("DeleteUserPolicy", &[USER, name]).unwrap();
    assert_eq!(bench.refusal("DeleteUserPolicy", &[USER, name]), (404, "NoSuchEntity"));
    assert_eq!(bench.refusal("GetUserPolicy", &[USER, name]), (404, "NoSuchEntity"));
    let absent = [("UserName", "none"), name, ("PolicyDocument", "{}")];
    assert_eq!(bench.refusal("PutUserPolicy", &absent), (404, "NoSuchEntity"));
}

#[test]
fn names_are_listed_in_pages() {
    let mut bench = Bench::with_user("a");
    let document = policy(&allow("s3:*", "*"));
    for name in ["c", "a", "b"] {
        bench.ask("PutUserPolicy", &[USER, ("PolicyName", name), ("PolicyDocument", &document)]).unwrap();
    }
    let first = bench.ask("ListUserPolicies", &[USER, ("MaxItems", "2")]).unwrap();
    assert_eq!(texts(&first, "member"), ["a", "b"]);
    let second = bench.ask("ListUserPolicies", &[USER, ("Marker", text(&first, "Marker"))]).unwrap();
    assert_eq!(texts(&second, "member"), ["c"]);
}

#[test]
fn malformed_documents_are_refused() {
    let mut bench = Bench::with_user("a");
    for document in [
        "not json",
        r#"{"Version":"2012-10-17"}"#,
        r#"{"Version":"2030-01-01","Statement":[]}"#,
        &policy(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#),
        &policy(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","NotPrincipal":"*"}"#),
        &policy(r#"{"Effect":"Allow","Action":"s3:*"}"#),
        &policy(r#"{"Effect":"Allow","Resource":"*"}"#),
        &policy(r#"{"Sid":"not-alphanumeric","Effect":"Allow","Action":"s3:*","Resource":"*"}"#),
        &policy(&allow("GetObject", "*")),
        &policy(&allow("s3:GetObject", "bucket/*")),
        &policy(&allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")),
    ] {
        let parameters = [USER, ("PolicyName", "p"), ("PolicyDocument", document)];
        assert_eq!(bench.refusal("PutUserPolicy", &parameters), (400, "MalformedPolicyDocument"), "{document}");
    }
}

#[test]
fn all_inline_policies_together_have_a_size_that_ignores_white_space() {
    let mut bench = Bench::with_user("a");
    bench.ask("CreateGroup", &[("GroupName", "g")]).unwrap();
    let sized = |size: usize| {
        let frame = policy(&allow("s3:*", "arn:aws:s3:::")).len();
        policy(&allow("s3:*", &format!("arn:aws:s3:::{}", "b".repeat(size - frame))))
    };
    let put = |bench: &mut Bench, operation: &str, holder, name, document: &str| {
        let parameters = [holder, ("PolicyName", name), ("PolicyDocument", document)];
        bench.ask(operation, &parameters).map(drop).map_err(|error| error.code)
    };
    let (group, limit) = (("GroupName", "g"), Err("LimitExceeded"));
    assert_eq!(put(&mut bench, "PutUserPolicy", USER, "p", &sized(2049)), limit);
    assert_eq!(put(&mut bench, "PutUserPolicy", USER, "p", &format!("{}{}", sized(1024), " \n".repeat(2000))), Ok(()));
    assert_eq!(put(&mut bench, "PutUserPolicy", USER, "q", &sized(1025)), limit);
    assert_eq!(put(&mut bench, "PutUserPolicy", USER, "q", &sized(1024)), Ok(()));
    assert_eq!(put(&mut bench, "PutUserPolicy", USER, "q", &sized(1023)), Ok(()));
    assert_eq!(put(&mut bench, "PutGroupPolicy", group, "p", &sized(5120)), Ok(()));
    assert_eq!(put(&mut bench, "PutGroupPolicy", group, "p", &sized(5121)), limit);
}
