//! The policy language's rules, one by one.

use super::*;

const BUCKET: &str = "arn:aws:s3:::b";
const ALICE: PrincipalIdentity<'_> = PrincipalIdentity::User {
    account: "111122223333",
    arn: "arn:aws:iam::111122223333:user/alice",
    user_id: "AIDAALICEALICEALICEAL",
};
const OWNER: PrincipalIdentity<'_> = PrincipalIdentity::Account { account: "111122223333" };

fn document(statements: &str) -> Document {
    Document::parse(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)).expect("well-formed")
}

fn decide(policy: &Document, principal: PrincipalIdentity<'_>, action: &str, resource: &str) -> Decision {
    decide_in(&Context::default(), policy, principal, action, resource)
}

fn decide_in(
    context: &Context,
    policy: &Document,
    principal: PrincipalIdentity<'_>,
    action: &str,
    resource: &str,
) -> Decision {
    evaluate(&[policy], &AccessRequest { principal, action, resource, context })
}

/// Whether a condition lets a request with `context` through.
fn holds(condition: &str, context: &Context) -> bool {
    let policy = document(&format!(
        r#"{{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}"#
    ));
    decide_in(context, &policy, PrincipalIdentity::Anonymous, "s3:GetObject", BUCKET) == Decision::Allow
}

fn error(text: &str) -> String {
    Document::parse(text).expect_err("malformed")
}

#[test]
fn a_deny_outweighs_an_allow_and_silence_is_no_permission() {
    let policy = document(
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/private/*"},
           {"Effect": "Allow", "Principal": "*", "Action": ["s3:Put*", "s3:getobject"], "Resource": "arn:aws:s3:::b/*"}"#,
    );
    assert_eq!(decide(&policy, ALICE, "s3:PutObject", "arn:aws:s3:::b/pub/x"), Decision::Allow);
    assert_eq!(decide(&policy, ALICE, "s3:GetObject", "arn:aws:s3:::b/pub/x"), Decision::Allow);
    assert_eq!(decide(&policy, ALICE, "s3:PutObject", "arn:aws:s3:::b/private/x"), Decision::ExplicitDeny);
    assert_eq!(decide(&policy, ALICE, "s3:PutObject", "arn:aws:s3:::B/pub/x"), Decision::ImplicitDeny);
    assert_eq!(decide(&policy, ALICE, "s3:DeleteObject", "arn:aws:s3:::b/pub/x"), Decision::ImplicitDeny);
}

#[test]
fn a_user_is_known_by_arn_in_its_case_and_by_unique_id() {
    let allows = |name: &str| {
        let policy = document(&format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{name}"}}, "Action": "s3:*", "Resource": "*"}}"#
        ));
        decide(&policy, ALICE, "s3:GetObject", BUCKET) == Decision::Allow
    };
    assert!(allows("arn:aws:iam::111122223333:user/alice"));
    assert!(allows("AIDAALICEALICEALICEAL"));
    assert!(allows("*"));
    assert!(!allows("arn:aws:iam::111122223333:user/Alice"));
    assert!(!allows("AIDABOBBOBBOBBOBBOBBO"));
}

#[test]
fn an_account_is_allowed_for_itself_and_denied_with_all_its_users() {
    for name in ["111122223333", "arn:aws:iam::111122223333:root"] {
        let statement = |effect| {
            document(&format!(
                r#"{{"Effect": "{effect}", "Principal": {{"AWS": ["{name}"]}}, "Action": "*", "Resource": "*"}}"#
            ))
        };
        assert_eq!(decide(&statement("Allow"), OWNER, "s3:GetObject", BUCKET), Decision::Allow);
        assert_eq!(decide(&statement("Allow"), ALICE, "s3:GetObject", BUCKET), Decision::ImplicitDeny);
        assert_eq!(decide(&statement("Deny"), ALICE, "s3:GetObject", BUCKET), Decision::ExplicitDeny);
        let anonymous = PrincipalIdentity::Anonymous;
        assert_eq!(decide(&statement("Deny"), anonymous, "s3:GetObject", BUCKET), Decision::ImplicitDeny);
    }
}

#[test]
fn not_principal_excepts_a_user_only_together_with_its_account() {
    let deny_all_but = |names: &str| {
        document(&format!(
            r#"{{"Effect": "Deny", "NotPrincipal": {{"AWS": {names}}}, "Action": "*", "Resource": "*"}}"#
        ))
    };
    let alone = deny_all_but(r#""arn:aws:iam::111122223333:user/alice""#);
    assert_eq!(decide(&alone, ALICE, "s3:GetObject", BUCKET), Decision::ExplicitDeny);
    let with_account = deny_all_but(r#"["arn:aws:iam::111122223333:user/alice", "111122223333"]"#);
    assert_eq!(decide(&with_account, ALICE, "s3:GetObject", BUCKET), Decision::ImplicitDeny);
    assert_eq!(decide(&with_account, OWNER, "s3:GetObject", BUCKET), Decision::ImplicitDeny);
}

#[test]
fn not_action_and_not_resource_mean_everything_else() {
    let policy = document(
        r#"{"Effect": "Allow", "Principal": "*", "NotAction": "s3:Delete*", "NotResource": "arn:aws:s3:::b/private/*"}"#,
    );
    assert_eq!(decide(&policy, ALICE, "s3:GetObject", "arn:aws:s3:::b/x"), Decision::Allow);
    assert_eq!(decide(&policy, ALICE, "s3:DeleteObject", "arn:aws:s3:::b/x"), Decision::ImplicitDeny);
    assert_eq!(decide(&policy, ALICE, "s3:GetObject", "arn:aws:s3:::b/private/x"), Decision::ImplicitDeny);
}

#[test]
fn a_queue_policy_lets_a_service_send_for_one_rule() {
    let policy = document(
        r#"{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": "arn:aws:sqs:us-east-1:111122223333:q",
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:111122223333:rule/bus/*"}}}"#,
    );
    let sent_by = |name, rule: &str| {
        let context = Context::default().with("AWS:SourceArn", rule);
        let queue = "arn:aws:sqs:us-east-1:111122223333:q";
        decide_in(&context, &policy, PrincipalIdentity::Service { name }, "sqs:SendMessage", queue)
    };
    let events = "events.amazonaws.com";
    assert_eq!(sent_by(events, "arn:aws:events:us-east-1:111122223333:rule/bus/r"), Decision::Allow);
    assert_eq!(sent_by(events, "arn:aws:events:us-east-1:999999999999:rule/bus/r"), Decision::ImplicitDeny);
    assert_eq!(
        sent_by("sns.amazonaws.com", "arn:aws:events:us-east-1:111122223333:rule/bus/r"),
        Decision::ImplicitDeny
    );
}

#[test]
fn conditions_compare_as_their_operators_say() {
    let context = Context::default()
        .with("s3:prefix", "pub/a")
        .with("aws:SecureTransport", "false")
        .with("s3:max-keys", "10")
        .with("aws:SourceIp", "10.1.2.3")
        .with("aws:SourceArn", "arn:aws:events:us-east-1:111122223333:rule/bus/r");
    for condition in [
        r#"{"StringEquals": {"S3:Prefix": ["x", "pub/a"]}}"#,
        r#"{"StringEqualsIgnoreCase": {"s3:prefix": "PUB/A"}}"#,
        r#"{"StringLike": {"s3:prefix": "pub/*"}, "Bool": {"aws:SecureTransport": false}}"#,
        r#"{"StringNotLike": {"s3:prefix": ["private/*", "x"]}}"#,
        r#"{"NumericLessThanEquals": {"s3:max-keys": 10}}"#,
        r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#,
        r#"{"NotIpAddress": {"aws:SourceIp": ["10.2.0.0/16", "::/0"]}}"#,
        r#"{"ArnLike": {"aws:SourceArn": "arn:aws:events:*:111122223333:rule/*"}}"#,
        r#"{"Null": {"s3:prefix": "false", "s3:delimiter": "true"}}"#,
    ] {
        assert!(holds(condition, &context), "{condition}");
    }
    for condition in [
        r#"{"StringEquals": {"s3:prefix": "pub/*"}}"#,
        r#"{"StringNotEquals": {"s3:prefix": ["x", "pub/a"]}}"#,
        r#"{"StringLike": {"s3:prefix": "PUB/*"}}"#,
        r#"{"NumericLessThan": {"s3:max-keys": "10"}}"#,
        r#"{"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#,
        r#"{"ArnLike": {"aws:SourceArn": "arn:aws:*:rule/bus/r:*:*:*"}}"#,
        r#"{"Null": {"s3:prefix": "true"}}"#,
    ] {
        assert!(!holds(condition, &context), "{condition}");
    }
}

#[test]
fn a_missing_key_meets_only_negated_and_optional_operators() {
    let none = Context::default();
    assert!(!holds(r#"{"StringEquals": {"s3:prefix": "a"}}"#, &none));
    assert!(!holds(r#"{"ForAnyValue:StringNotEquals": {"s3:prefix": "a"}}"#, &none));
    assert!(holds(r#"{"StringNotEquals": {"s3:prefix": "a"}}"#, &none));
    assert!(holds(r#"{"StringEqualsIfExists": {"s3:prefix": "a"}}"#, &none));
    assert!(holds(r#"{"ForAllValues:StringEquals": {"s3:prefix": "a"}}"#, &none));
}

#[test]
fn quantifiers_take_several_values() {
    let tags = Context::default().with("aws:TagKeys", "a").with("aws:TagKeys", "b");
    assert!(holds(r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}"#, &tags));
    assert!(!holds(r#"{"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}"#, &tags));
    assert!(holds(r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}"#, &tags));
}

#[test]
fn malformed_policies_are_refused() {
    let allow = |rest: &str| error(&format!(r#"{{"Statement": {{"Effect": "Allow", {rest}}}}}"#));
    assert!(error("not json").starts_with("Policies must be valid JSON"));
    assert!(error(r#"{"Version": "2012-10-17", "Version": "2012-10-17"}"#).contains("twice"));
    assert_eq!(error(r#"{"Version": "2012-10-18"}"#), "The policy must contain a valid version string");
    assert_eq!(error(r#"{"Version": "2012-10-17"}"#), "Missing required field Statement");
    assert_eq!(error(r#"{"Statements": []}"#), "Unknown field Statements");
    assert_eq!(error(r#"{"Statement": {"Effect": "allow"}}"#), "Invalid effect: allow");
    assert_eq!(allow(r#""Action": "s3:*", "Resource": "*""#), "Missing required field Principal");
    assert_eq!(allow(r#""Principal": "*", "Resource": "*""#), "Missing required field Action");
    assert_eq!(allow(r#""Principal": "*", "Action": "s3:*""#), "Missing required field Resource");
    assert_eq!(allow(r#""Principal": "*", "Action": "GetObject", "Resource": "*""#), "Policy has invalid action");
    assert_eq!(allow(r#""Principal": "*", "Action": "s3:*", "Resource": "b/*""#), "Policy has invalid resource");
    assert_eq!(allow(r#""Principal": "*", "Foo": 1"#), "Unknown field Foo");
    assert_eq!(allow(r#""Principal": "*", "Action": [], "Resource": "*""#), "Invalid policy syntax.");
    assert!(allow(r#""Principal": "*", "Action": "s3:*", "NotAction": "s3:*""#).contains("counterpart"));
    assert!(allow(r#""NotPrincipal": "*", "Action": "s3:*", "Resource": "*""#).contains("NotPrincipal"));
}

#[test]
fn invalid_principals_are_refused() {
    for principal in [
        r#""alice""#,
        r#"{"AWS": "alice"}"#,
        r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#,
        r#"{"AWS": []}"#,
        r#"{"Aws": "*"}"#,
        r#"{"Service": "*"}"#,
        "{}",
    ] {
        let text = format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}]}}"#
        );
        assert_eq!(error(&text), "Invalid principal in policy", "{principal}");
    }
}

#[test]
fn what_is_not_evaluated_is_refused() {
    for condition in [
        r#"{"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}"#,
        r#"{"StringEqual": {"s3:prefix": "a"}}"#,
        r#"{"NullIfExists": {"s3:prefix": "true"}}"#,
        r#"{"StringLike": {"s3:prefix": "${aws:username}/*"}}"#,
        r#"{"Bool": {"aws:SecureTransport": "yes"}}"#,
        r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}"#,
        r#"{"NumericEquals": {"s3:max-keys": "ten"}}"#,
        r#"{"ArnLike": {"aws:SourceArn": "*"}}"#,
        r#"{"StringEquals": {"prefix": "a"}}"#,
    ] {
        let statement = format!(
            r#"{{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}"#
        );
        error(&format!(r#"{{"Statement": [{statement}]}}"#));
    }
}

#[test]
fn public_is_whatever_does_not_fix_who_calls() {
    let is_public = |principal: &str, condition: &str| {
        document(&format!(
            r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "s3:GetObject", "Resource": "*",
                "Condition": {condition}}}"#
        ))
        .is_public()
    };
    for principal in [r#""*""#, r#"{"AWS": ["*"]}"#, r#"{"Federated": "graph.facebook.com"}"#] {
        assert!(is_public(principal, "{}"), "{principal}");
    }
    for principal in [r#"{"AWS": "111122223333"}"#, r#"{"Service": "cloudtrail.amazonaws.com"}"#] {
        assert!(!is_public(principal, "{}"), "{principal}");
    }
    for fixed in [
        r#"{"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}"#,
        r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#,
        r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/a"}}"#,
        r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
        r#"{"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:111122223333:accesspoint/*"}}"#,
    ] {
        assert!(!is_public(r#""*""#, fixed), "{fixed}");
    }
    for open in [
        r#"{"StringLike": {"aws:SourceVpc": "vpc-*"}}"#,
        r#"{"StringEquals": {"aws:SourceVpc": ["vpc-91237329", "*"]}}"#,
        r#"{"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}"#,
        r#"{"StringNotEquals": {"aws:SourceAccount": "111122223333"}}"#,
        r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}"#,
        r#"{"Bool": {"aws:SecureTransport": "true"}}"#,
        r#"{"StringEquals": {"s3:prefix": "pub/"}}"#,
    ] {
        assert!(is_public(r#""*""#, open), "{open}");
    }
    let deny = document(r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#);
    assert!(!deny.is_public());
}
