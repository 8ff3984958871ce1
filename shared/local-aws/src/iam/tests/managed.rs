//! Managed policies and their attachment.

use super::*;

const USER: (&str, &str) = ("UserName", "a");
const ARN: (&str, &str) = ("PolicyArn", "arn:aws:iam::222222222222:policy/x/Readers");

fn bench() -> Bench {
    let mut bench = Bench::with_user("a");
    let document = policy(&allow("s3:Get*", "*"));
    let parameters =
        [("PolicyName", "Readers"), ("Path", "/x/"), ("Description", "d"), ("PolicyDocument", document.as_str())];
    let made = bench.ask("CreatePolicy", &parameters).unwrap();
    assert_eq!((text(&made, "Arn"), text(&made, "DefaultVersionId")), (ARN.1, "v1"));
    assert!(text(&made, "PolicyId").starts_with("ANPA") && text(&made, "PolicyId").len() == 21);
    bench
}

#[test]
fn a_policy_is_made_once_and_has_one_version() {
    let mut bench = bench();
    let document = policy(&allow("s3:Get*", "*"));
    let again = [("PolicyName", "readers"), ("PolicyDocument", document.as_str())];
    assert_eq!(bench.refusal("CreatePolicy", &again), (409, "EntityAlreadyExists"));
    let wrong = [("PolicyName", "other"), ("PolicyDocument", "{}")];
    assert_eq!(bench.refusal("CreatePolicy", &wrong), (400, "MalformedPolicyDocument"));
    let told = bench.ask("GetPolicy", &[ARN]).unwrap();
    assert_eq!((text(&told, "Description"), text(&told, "AttachmentCount")), ("d", "0"));
    let version = bench.ask("GetPolicyVersion", &[ARN, ("VersionId", "v1")]).unwrap();
    let read = percent_encoding::percent_decode_str(text(&version, "Document")).decode_utf8().unwrap();
    assert_eq!((read.as_ref(), text(&version, "IsDefaultVersion")), (document.as_str(), "true"));
    assert_eq!(bench.refusal("GetPolicyVersion", &[ARN, ("VersionId", "v2")]), (404, "NoSuchEntity"));
    let absent = ("PolicyArn", "arn:aws:iam::222222222222:policy/none");
    assert_eq!(bench.refusal("GetPolicy", &[absent]), (404, "NoSuchEntity"));
    assert_eq!(bench.refusal("GetPolicy", &[("PolicyArn", "arn:aws:iam::222222222222:user/a")]), (400, "InvalidInput"));
}

#[test]
fn a_policy_in_use_is_not_deleted() {
    let mut bench = bench();
    for _ in 0..2 {
        bench.ask("AttachUserPolicy", &[USER, ARN]).unwrap();
    }
    assert_eq!(text(&bench.ask("GetPolicy", &[ARN]).unwrap(), "AttachmentCount"), "1");
    let attached = bench.ask("ListAttachedUserPolicies", &[USER]).unwrap();
    assert_eq!((text(&attached, "PolicyName"), text(&attached, "PolicyArn")), ("Readers", ARN.1));
    let elsewhere = [USER, ("PathPrefix", "/y/")];
    assert!(texts(&bench.ask("ListAttachedUserPolicies", &elsewhere).unwrap(), "PolicyName").is_empty());
    assert_eq!(bench.refusal("DeletePolicy", &[ARN]), (409, "DeleteConflict"));
    bench.ask("DetachUserPolicy", &[USER, ARN]).unwrap();
    assert_eq!(bench.refusal("DetachUserPolicy", &[USER, ARN]), (404, "NoSuchEntity"));
    bench.ask("DeletePolicy", &[ARN]).unwrap();
    assert_eq!(bench.refusal("AttachUserPolicy", &[USER, ARN]), (404, "NoSuchEntity"));
}

#[test]
fn policies_are_listed_by_scope_use_and_path() {
    let mut bench = bench();
    let names = |bench: &mut Bench, parameters: &[(&str, &str)]| -> Vec<String> {
        let listed = bench.ask("ListPolicies", parameters).unwrap();
        texts(&listed, "PolicyName").into_iter().map(str::to_owned).collect()
    };
    assert_eq!(names(&mut bench, &[("Scope", "Local")]), ["Readers"]);
    let aws = ["AdministratorAccess", "AmazonS3ReadOnlyAccess", "IAMReadOnlyAccess", "ReadOnlyAccess"];
    assert_eq!(names(&mut bench, &[("Scope", "AWS")]), aws);
    assert_eq!(names(&mut bench, &[]).len(), 5);
    assert_eq!(names(&mut bench, &[("PathPrefix", "/x/")]), ["Readers"]);
    assert!(names(&mut bench, &[("OnlyAttached", "true")]).is_empty());
    bench.ask("AttachUserPolicy", &[USER, ARN]).unwrap();
    assert_eq!(names(&mut bench, &[("OnlyAttached", "true")]), ["Readers"]);
    assert_eq!(names(&mut bench, &[("MaxItems", "3")]).len(), 3);
}

#[test]
fn aws_policies_are_attached_and_cannot_be_deleted() {
    let mut bench = bench();
    let aws = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    let administrator = aws("AdministratorAccess");
    bench.ask("AttachUserPolicy", &[USER, ("PolicyArn", &administrator)]).unwrap();
    assert_eq!(bench.refusal("DeletePolicy", &[("PolicyArn", &administrator)]), (403, "AccessDenied"));
    let not_here = aws("PowerUserAccess");
    assert_eq!(bench.refusal("AttachUserPolicy", &[USER, ("PolicyArn", &not_here)]), (501, "NotImplemented"));
    let version = [("PolicyArn", administrator.as_str()), ("VersionId", "v1")];
    assert!(text(&bench.ask("GetPolicyVersion", &version).unwrap(), "Document").contains("%22Action%22%3A%5B%22%2A"));
}

#[test]
fn ten_policies_are_attached_at_most() {
    let mut bench = bench();
    for n in 0..11 {
        let (name, document) = (format!("p{n}"), policy(&allow("s3:*", "*")));
        bench.ask("CreatePolicy", &[("PolicyName", &name), ("PolicyDocument", &document)]).unwrap();
        let arn = format!("arn:aws:iam::222222222222:policy/p{n}");
        let answer = bench.ask("AttachUserPolicy", &[USER, ("PolicyArn", &arn)]).map_err(|error| error.code);
        assert_eq!(answer.err(), (n == 10).then_some("LimitExceeded"));
    }
}
