//! The policy that every organization's bucket has.

use serde::Serialize;

use crate::naming::BucketName;
use crate::place::Place;
use crate::policy_document::{EVERYBODY, Policy};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: &'static str,
    statement: [Statement; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    principal: Principal,
    action: Action,
    resource: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Principal {
    Everybody(&'static str),
    User {
        #[serde(rename = "AWS")]
        arn: String,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Action {
    One(&'static str),
    Several(&'static [&'static str]),
}

/// The golden document for one organization: everybody reads `pub/`, the organization's user reads, writes
/// and deletes objects and lists the bucket. Keys, statements and actions stand in the vendor's order.
pub fn bucket_policy(place: &Place, bucket: &BucketName, user_arn: &str) -> String {
    let bucket = place.bucket_arn(bucket.as_str());
    let user = || Principal::User { arn: user_arn.to_owned() };
    let allow = |principal, action, resource| Statement { effect: "Allow", principal, action, resource };
    let document = Document {
        version: "2012-10-17",
        statement: [
            allow(Principal::Everybody("*"), Action::One("s3:GetObject"), format!("{bucket}/pub/*")),
            allow(user(), Action::Several(&["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]), format!("{bucket}/*")),
            allow(user(), Action::One("s3:ListBucket"), bucket.clone()),
        ],
    };
    // Serializing these types cannot fail; should it ever, S3 refuses the empty text as malformed.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// Whether two policy documents say the same, however S3 spelled them back.
pub fn same_policy(one: &str, other: &str) -> bool {
    match (Policy::parse(one), Policy::parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// A grant to everybody in `policy` that is not the golden one (reading `pub/`), described for a message.
///
/// Conditions count for nothing here: a grant to everybody is one that a person has to look at. A document
/// that cannot be read is reported too, since nobody can say what it grants.
pub fn public_grant_outside(policy: &str, place: &Place, bucket: &BucketName) -> Option<String> {
    let Some(policy) = Policy::parse(policy) else { return Some("a policy that cannot be read".to_owned()) };
    let public = format!("{}/pub/*", place.bucket_arn(bucket.as_str()));
    let grant = policy.statements.iter().filter(|statement| statement.grants_everybody()).find(|statement| {
        let golden = statement.principals.iter().eq([EVERYBODY])
            && statement.actions.iter().eq(["s3:getobject"])
            && statement.resources.iter().eq([&public])
            && statement.other.iter().all(|(key, _)| key == "Sid");
        !golden
    })?;
    let list = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    Some(format!("{} on {} for everybody", list(&grant.actions), list(&grant.resources)))
}

/// The unique ids in `policy` of users, roles or groups that were deleted: S3 shows them in place of the ARN once who they
/// belonged to is gone (IAM user guide, "Principal"). They grant nothing to anybody.
pub fn stale_principals(policy: &str) -> Vec<String> {
    let statements = Policy::parse(policy).into_iter().flat_map(|policy| policy.statements);
    let stale = statements.flat_map(|statement| statement.principals).filter(|principal| is_stale(principal));
    let ids: std::collections::BTreeSet<String> = stale.map(|id| id.trim_start_matches("AWS:").to_owned()).collect();
    ids.into_iter().collect()
}

fn is_stale(principal: &str) -> bool {
    let id = principal.strip_prefix("AWS:").unwrap_or_default();
    ["AIDA", "AROA", "AGPA"].iter().any(|kind| id.starts_with(kind))
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A statement in `policy` that is not of the convention's kind, described for a message: it denies, names somebody else
/// than everybody, the organization's user or who is deleted, has a condition, or is about another bucket. Putting the
/// convention's policy in its place would undo what somebody wanted.
pub fn foreign_statement(policy: &str, place: &Place, bucket: &BucketName, user_arn: &str) -> Option<String> {
    let Some(policy) = Policy::parse(policy) else { return Some("a policy that cannot be read".to_owned()) };
    let (user, bucket) = (format!("AWS:{user_arn}"), place.bucket_arn(bucket.as_str()));
    let known = |principal: &String| *principal == user || principal == EVERYBODY || is_stale(principal);
    let inside =
        |resource: &String| resource.strip_prefix(&bucket).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let foreign = policy.statements.iter().find(|statement| {
        let plain = statement.effect == "Allow" && statement.other.iter().all(|(key, _)| key == "Sid");
        !(plain && statement.principals.iter().all(known) && statement.resources.iter().all(inside))
    })?;
    let list = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    Some(format!("{} {} for {}", foreign.effect, list(&foreign.actions), list(&foreign.principals)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::Conventions;
    use crate::org_id::OrgId;

    const GOLDEN: &str = include_str!("../../../tests/golden/bucket-policy.json");

    fn place() -> Place {
        Place { partition: "aws".into(), account: "123456789012".into(), region: "us-east-1".into() }
    }

    fn bucket() -> BucketName {
        Conventions::default().bucket_name(&OrgId::parse("xmsqa1").unwrap())
    }

    fn ours() -> String {
        bucket_policy(&place(), &bucket(), &place().user_arn("rms_xmsqa1"))
    }

    #[test]
    fn is_the_golden_document_to_the_letter() {
        assert_eq!(ours(), GOLDEN.trim_end());
    }

    #[test]
    fn compares_what_it_says_and_not_how() {
        let respelled = r#"{"Statement":[
            {"Action":["s3:ListBucket"],"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:user/rms_xmsqa1"]},"Resource":["arn:aws:s3:::fusion-rms-xmsqa1"]},
            {"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::fusion-rms-xmsqa1/pub/*"},
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/rms_xmsqa1"},"Action":["s3:PutObject","s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::fusion-rms-xmsqa1/*"}
        ],"Version":"2012-10-17"}"#;
        assert!(same_policy(&ours(), respelled));
    }

    #[test]
    fn an_account_is_its_root_and_nothing_else_is() {
        let to = |principal: &str| {
            GOLDEN.replacen("\"Principal\": \"*\"", &format!("\"Principal\": {{\"AWS\": \"{principal}\"}}"), 1)
        };
        assert!(same_policy(&to("111111111111"), &to("arn:aws:iam::111111111111:root")));
        assert!(same_policy(&to("*"), GOLDEN));
        for (one, other) in [("*", "arn:aws:iam::*:root"), ("user/x", "arn:aws:iam::111111111111:user/x:root")] {
            assert!(!same_policy(&to(one), &to(other)), "{one} {other}");
        }
    }

    #[test]
    fn any_difference_of_meaning_is_seen() {
        for (from, to) in [
            ("/pub/*", "/*"),
            ("2012-10-17", "2008-10-17"),
            ("arn:aws:iam::123456789012:user/rms_xmsqa1", "AIDAEXAMPLE"),
            ("\"s3:PutObject\"", "\"s3:PutObjectAcl\""),
            ("\"Effect\": \"Allow\",", "\"Effect\": \"Allow\", \"Sid\": \"x\","),
        ] {
            assert!(!same_policy(&ours(), &GOLDEN.replacen(from, to, 1)), "{from} -> {to}");
        }
        assert!(!same_policy(&ours(), "not json"));
    }

    #[test]
    fn finds_public_grants_beside_the_golden_one() {
        assert_eq!(public_grant_outside(GOLDEN, &place(), &bucket()), None);
        let wider = GOLDEN.replacen("/pub/*", "/*", 1);
        assert!(public_grant_outside(&wider, &place(), &bucket()).unwrap().contains("s3:getobject"));
        for principal in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["arn:aws:iam::1:user/a","*"]}"#] {
            let policy = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"x"}}}}"#
            );
            assert!(public_grant_outside(&policy, &place(), &bucket()).is_some(), "{principal}");
        }
        let not_principal =
            r#"{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"a"},"Action":"s3:*","Resource":"x"}}"#;
        assert!(public_grant_outside(not_principal, &place(), &bucket()).is_some());
        let deny = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"x"}}"#;
        assert_eq!(public_grant_outside(deny, &place(), &bucket()), None);
    }

    #[test]
    fn who_was_deleted_is_told_from_who_is_somebody() {
        let user = place().user_arn("rms_xmsqa1");
        let with = |principal: &str| ours().replace(&user, principal);
        assert_eq!(stale_principals(&ours()), Vec::<String>::new());
        assert_eq!(stale_principals(&with("AIDAEXAMPLEEXAMPLE123")), ["AIDAEXAMPLEEXAMPLE123"]);
        for somebody in ["arn:aws:iam::123456789012:user/AIDAx", "arn:aws:iam::222222222222:root", "*"] {
            assert_eq!(stale_principals(&with(somebody)), Vec::<String>::new(), "{somebody}");
        }
    }

    #[test]
    fn statements_of_another_kind_are_somebodys() {
        let user = place().user_arn("rms_xmsqa1");
        let foreign = |policy: &str| foreign_statement(policy, &place(), &bucket(), &user);
        assert_eq!(foreign(&ours()), None);
        assert_eq!(foreign(&ours().replace("s3:PutObject", "s3:PutObjectAcl")), None, "of the same kind");
        assert_eq!(foreign(&ours().replace(&user, "AIDAEXAMPLEEXAMPLE123")), None);
        for other in [
            ours().replace(&user, "arn:aws:iam::222222222222:root"),
            ours().replacen("Allow", "Deny", 1),
            ours().replacen(
                "\"Effect\"",
                "\"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"true\"}}, \"Effect\"",
                1,
            ),
            ours().replace("fusion-rms-xmsqa1/*", "fusion-rms-xmsqa10/*"),
            "not json".to_owned(),
        ] {
            assert!(foreign(&other).is_some(), "{other}");
        }
    }
}
