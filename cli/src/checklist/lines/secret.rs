//! The secret: there, tagged, readable, encrypted as configured.

use aws::secrets::StoredSecret;
use contract::{ErrorCode, StepError};

use crate::checklist::line::{Line, Remedy, Rule, Section};
use crate::checklist::observed::{Asked, Observed, tag_value};

const EXISTS: Rule = Rule::of(Section::Key, "secret-exists", "The secret is there, under the convention's name");
const TAG: Rule = Rule::of(Section::Key, "secret-tag", "The secret carries the organization's tag");
const KEPT: Rule = Rule::of(Section::Key, "secret-kept", "The secret is not scheduled for deletion");
const VALUE: Rule = Rule::of(Section::Key, "secret-value", "The secret's value is an access key of this user");
const LABELS: Rule =
    Rule::of(Section::Key, "secret-labels", "One version is AWSCURRENT; beside it there may be AWSPREVIOUS alone");
const KMS: Rule = Rule::of(Section::Key, "secret-encryption", "The secret is encrypted with the configured KMS key");
/// The lines that need a secret.
const OF_THE_SECRET: [Rule; 5] = [TAG, KEPT, VALUE, LABELS, KMS];
/// The account's own key for secrets.
const OWN_KEY: &str = "alias/aws/secretsmanager";

pub(super) fn lines(asked: &Asked, observed: &Observed) -> Vec<Line> {
    match &observed.secret {
        Ok(Some(secret)) => vec![
            EXISTS.pass(&secret.arn),
            tag(asked, secret),
            kept(secret),
            value(asked, secret),
            labels(secret),
            kms(asked, secret),
        ],
        Ok(None) => {
            let name = asked.conventions.secret_name(&asked.org);
            let remedy = Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization");
            let exists = EXISTS.fail(format!("there is no secret {name}"), remedy);
            [exists].into_iter().chain(OF_THE_SECRET.map(|rule| rule.not_applicable("there is no secret"))).collect()
        }
        Err(unseen) => [EXISTS].into_iter().chain(OF_THE_SECRET).map(|rule| rule.unknown(unseen)).collect(),
    }
}

fn tag(asked: &Asked, secret: &StoredSecret) -> Line {
    let key = asked.conventions.tag_key();
    match tag_value(&secret.tags, key) {
        Some(value) if value == asked.org.as_str() => TAG.pass(format!("{key}={value}")),
        found => {
            let evidence = found.map_or(format!("no tag {key}"), |value| format!("{key}={value}"));
            let remedy = format!("if the secret is this organization's, tag it {key}={}", asked.org);
            TAG.fail(evidence, Remedy::of(ErrorCode::NotOurs, remedy))
        }
    }
}

fn kept(secret: &StoredSecret) -> Line {
    if secret.scheduled_for_deletion {
        let remedy = Remedy::of(
            ErrorCode::SecretScheduledForDeletion,
            format!("if the organization is to keep it: aws secretsmanager restore-secret --secret-id {}", secret.name),
        );
        return KEPT.fail("it is scheduled for deletion, and cannot be read", remedy);
    }
    KEPT.pass("it is not")
}

fn value(asked: &Asked, secret: &StoredSecret) -> Line {
    if secret.scheduled_for_deletion {
        return VALUE.not_applicable("a secret that is scheduled for deletion cannot be read");
    }
    let Some(version) = &secret.current else {
        let remedy = Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization");
        return VALUE.fail("it has no current value", remedy);
    };
    match version.credential(&secret.name, &asked.conventions.user_name(&asked.org)) {
        Ok(credential) => VALUE.pass(format!("accessKeyId, secretAccessKey, and userName {}", credential.user_name)),
        Err(error) => VALUE.fail(format!("it {}", first_half(&error)), Remedy::of(error.code(), second_half(&error))),
    }
}

/// What is wrong, before the semicolon of a step's message.
fn first_half(error: &StepError) -> &str {
    error.message().split_once("; ").map_or(error.message(), |(what, _)| what)
}

/// What to do about it, behind the semicolon.
fn second_half(error: &StepError) -> &str {
    error.message().split_once("; ").map_or("see the page", |(_, remedy)| remedy)
}

fn labels(secret: &StoredSecret) -> Line {
    let current = secret.labels.iter().filter(|label| *label == "AWSCURRENT").count();
    let others = secret.labels.iter().any(|label| label != "AWSCURRENT" && label != "AWSPREVIOUS");
    let labels = if secret.labels.is_empty() { "none".to_owned() } else { secret.labels.join(", ") };
    if current == 1 && !others {
        return LABELS.pass(labels);
    }
    LABELS
        .fail(labels, Remedy::new("find out who set the labels, and put AWSCURRENT on the version that is to be used"))
}

fn kms(asked: &Asked, secret: &StoredSecret) -> Line {
    let own = |key: &str| key == OWN_KEY || key.ends_with(&format!(":{OWN_KEY}"));
    let configured = asked.kms_key_id.as_deref();
    let found = secret.kms_key_id.as_deref().filter(|key| !own(key));
    match (configured, found) {
        (None, None) => KMS.pass("the account's aws/secretsmanager"),
        (Some(configured), None) if own(configured) => KMS.pass("the account's aws/secretsmanager"),
        (Some(configured), Some(found)) if is_same_key(configured, found) => KMS.pass(found),
        // Somebody chose that key, and only the deployment knows whether it was its operator.
        (None, Some(found)) => KMS.not_applicable(format!(
            "{found}; KMS_KEY_ID is not set here: set it as the deployment has it, and look again"
        )),
        // Secrets Manager names a key as it was given: an alias and a key's id cannot be told apart from here.
        (Some(configured), Some(found)) if configured.contains("alias/") != found.contains("alias/") => {
            KMS.not_applicable(format!("{found}; whether {configured} is the same key cannot be told here"))
        }
        (Some(configured), found) => {
            let found = found.unwrap_or("the account's aws/secretsmanager");
            let remedy = format!(
                "if that is the deployment's key: aws secretsmanager update-secret --secret-id {} --kms-key-id {configured}",
                secret.name
            );
            KMS.fail(format!("{found} instead of {configured}"), Remedy::new(remedy))
        }
    }
}

/// The same key, by ARN or by what stands at an ARN's end.
fn is_same_key(configured: &str, found: &str) -> bool {
    let ends_with = |arn: &str, id: &str| arn.ends_with(&format!("/{id}")) || arn.ends_with(&format!(":{id}"));
    configured == found || ends_with(found, configured) || ends_with(configured, found)
}
