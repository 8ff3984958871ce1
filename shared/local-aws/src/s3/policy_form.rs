//! What S3 asks of a bucket policy beyond the policy grammar. Every refusal is a 400 `MalformedPolicy`.

use super::actions::{self, Level};
use super::bucket::arn;
use super::errors::malformed_policy;
use crate::policy::{Document, Selection, Statement, wildcard};
use crate::reply::ApiError;

/// The largest policy, in bytes of its JSON without white space.
const MOST_BYTES: usize = 20_480;

/// The condition keys of S3, `*` for the part that the policy chooses. Global keys are all those of `aws:`.
const CONDITION_KEYS: [&str; 30] = [
    "s3:accesspointnetworkorigin",
    "s3:authtype",
    "s3:buckettag/*",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:delimiter",
    "s3:existingobjecttag/*",
    "s3:if-match",
    "s3:if-none-match",
    "s3:inventoryaccessibleoptionalfields",
    "s3:locationconstraint",
    "s3:max-keys",
    "s3:object-lock-*",
    "s3:prefix",
    "s3:requestobjecttag/*",
    "s3:requestobjecttagkeys",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-*",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption*",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
];

/// Reads the policy of `bucket`.
pub(super) fn read(body: &[u8], bucket: &str) -> Result<(Document, serde_json::Value), ApiError> {
    if body.first() != Some(&b'{') {
        return Err(malformed_policy("Policies must be valid JSON and the first byte must be '{'"));
    }
    let invalid = || malformed_policy("This policy contains invalid Json");
    let text = std::str::from_utf8(body).map_err(|_| invalid())?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| invalid())?;
    if value.to_string().len() > MOST_BYTES {
        return Err(malformed_policy(format!(
            "Normalized policy document exceeds the maximum allowed size of {MOST_BYTES} bytes"
        )));
    }
    let document = Document::parse(text).map_err(malformed_policy)?;
    for statement in document.statements() {
        check(statement, bucket).map_err(malformed_policy)?;
    }
    Ok((document, value))
}

fn check(statement: &Statement, bucket: &str) -> Result<(), &'static str> {
    if !statement.actions.patterns.iter().all(|pattern| !actions::levels(pattern).is_empty()) {
        return Err("Policy has invalid action");
    }
    if !statement.resources.patterns.iter().all(|pattern| is_of(pattern, bucket)) {
        return Err("Policy has invalid resource");
    }
    if !every_action_applies(&statement.actions, &statement.resources) {
        return Err("Action does not apply to any resource(s) in statement");
    }
    let mut keys = statement.conditions.iter().map(|condition| condition.key.as_str());
    keys.try_for_each(|key| check_key(key, &statement.actions))
}

/// Whether a resource is the bucket or in it.
fn is_of(pattern: &str, bucket: &str) -> bool {
    let Some(named) = pattern.strip_prefix(&arn("", None)) else { return false };
    let named = named.split_once('/').map_or(named, |(named, _)| named);
    !named.is_empty() && wildcard::matches(named, bucket)
}

/// Bucket actions need a resource without a slash, object actions one with a slash or a `*` in it.
fn every_action_applies(actions: &Selection, resources: &Selection) -> bool {
    if actions.negated || resources.negated {
        return true;
    }
    let reached = |level: &Level| {
        resources.patterns.iter().any(|pattern| match level {
            Level::Bucket => !pattern.contains('/'),
            Level::Object => pattern.contains(['/', '*']),
        })
    };
    actions.patterns.iter().all(|pattern| actions::levels(pattern).iter().any(reached))
}

fn check_key(key: &str, actions: &Selection) -> Result<(), &'static str> {
    let key = key.to_lowercase();
    if !key.starts_with("aws:") && !CONDITION_KEYS.iter().any(|known| wildcard::matches(known, &key)) {
        return Err("Policy has an invalid condition key");
    }
    let lists = ["ListBucket", "ListBucketVersions"];
    let of_lists_only = ["s3:prefix", "s3:delimiter", "s3:max-keys"].contains(&key.as_str());
    let has_list = actions.negated
        || actions.patterns.iter().any(|pattern| lists.iter().any(|name| actions::stands_for(pattern, name)));
    if of_lists_only && !has_list {
        return Err("Conditions do not apply to combination of actions and resources in statement");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(action: &str, resource: &str, condition: &str) -> Option<String> {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"{condition}}}]}}"#
        );
        read(policy.as_bytes(), "mine").err().map(|error| {
            assert_eq!((error.status, error.code), (400, "MalformedPolicy"));
            error.message
        })
    }

    #[test]
    fn takes_actions_on_what_they_are_about() {
        for (action, resource) in [
            ("s3:GetObject", "arn:aws:s3:::mine/pub/*"),
            ("s3:getobject", "arn:aws:s3:::mine*"),
            ("s3:ListBucket", "arn:aws:s3:::mine"),
            ("s3:*", "arn:aws:s3:::mine"),
        ] {
            assert_eq!(refusal(action, resource, ""), None, "{action} {resource}");
        }
    }

    #[test]
    fn refuses_what_s3_does_not_know_or_own() {
        let told = |action, resource, condition| refusal(action, resource, condition).unwrap_or_default();
        let object = "arn:aws:s3:::mine/*";
        assert_eq!(told("s3:GetObjekt", object, ""), "Policy has invalid action");
        assert_eq!(told("iam:GetUser", object, ""), "Policy has invalid action");
        assert_eq!(told("s3:GetObject", "arn:aws:s3:::yours/*", ""), "Policy has invalid resource");
        assert_eq!(told("s3:GetObject", "*", ""), "Policy has invalid resource");
        assert_eq!(
            told("s3:GetObject", "arn:aws:s3:::mine", ""),
            "Action does not apply to any resource(s) in statement"
        );
        assert_eq!(told("s3:ListBucket", object, ""), "Action does not apply to any resource(s) in statement");
        let prefix = r#","Condition":{"StringLike":{"s3:prefix":"pub/*"}}"#;
        assert_eq!(refusal("s3:ListBucket", "arn:aws:s3:::mine", prefix), None);
        assert_eq!(
            told("s3:GetObject", object, prefix),
            "Conditions do not apply to combination of actions and resources in statement"
        );
        let unknown = r#","Condition":{"StringLike":{"s3:prefixes":"pub/*"}}"#;
        assert_eq!(told("s3:ListBucket", "arn:aws:s3:::mine", unknown), "Policy has an invalid condition key");
    }

    #[test]
    fn refuses_what_is_no_json_and_what_is_too_large() {
        let told = |text: &str| read(text.as_bytes(), "mine").err().map(|error| error.message).unwrap_or_default();
        assert_eq!(told("[]"), "Policies must be valid JSON and the first byte must be '{'");
        assert_eq!(told("{"), "This policy contains invalid Json");
        let long = format!(r#"{{"Id":"{}"}}"#, "x".repeat(MOST_BYTES));
        assert!(told(&long).starts_with("Normalized policy document exceeds"));
        // White space does not count.
        assert_eq!(told(&format!("{{{}}}", " ".repeat(MOST_BYTES))), "Missing required field Statement");
    }
}
