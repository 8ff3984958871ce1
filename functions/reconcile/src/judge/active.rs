//! What an active organization has to have.

use aws::buckets::{self, Bucket, MARKER_KEY};
use aws::{secrets, users};
use contract::{Finding, FindingCode, Remedy};
use lifecycle::Whose;

use super::{Own, Terms, found, policy};
use crate::inspect::Setup;

/// `settled` is whether it has been active for long enough. While a sign-up or a resumption may be at work, what is missing
/// is not drift, and what only a person mends is told all the same.
pub(super) fn findings(terms: &Terms<'_>, own: &Own<'_>, settled: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if own.user.is_none() && !own.user_is_somebodys {
        let message = "is not there, and its organization is active; sign-up makes a new one, with a new access key";
        findings.push(Finding::new(FindingCode::UserMissing, users::resource(&terms.user_name()), message));
    }
    let lost = own.keys.iter().filter(|key| own.tells_whose_keys && key.whose == Whose::Lost && key.active);
    findings.extend(lost.map(|key| {
        let message = format!("has the access key {}, which a run made and nobody knows; sign-up deletes it", key.id);
        Finding::new(FindingCode::LostKey, users::resource(&terms.user_name()), message)
    }));
    match own.bucket {
        Some(bucket) => findings.extend(of_bucket(terms, own, bucket)),
        None if own.no_bucket_at_all => {
            let message = "has no bucket; replay the event that signed it up, which may name one. What was in a bucket that was deleted is gone";
            findings.push(Finding::new(FindingCode::BucketMissing, terms.organization(), message));
        }
        None => {}
    }
    findings.extend(of_secret(terms, own));
    if !settled {
        findings
            .retain(|finding| finding.code.remedy() != Remedy::SignUp && finding.code != FindingCode::BucketMissing);
    }
    findings
}

fn of_bucket(terms: &Terms<'_>, own: &Own<'_>, bucket: &Bucket<Setup>) -> Vec<Finding> {
    let Setup { blocks, enforces_owner, has_marker, policy } = &bucket.details;
    let mut findings = Vec::new();
    let mut add = |code, message: &str| findings.push(Finding::new(code, buckets::resource(&bucket.name), message));
    if !blocks.is_empty() {
        let on = blocks.join(", ");
        add(
            FindingCode::PublicAccessBlocked,
            &format!("has Block Public Access switched on ({on}), so its public folder is closed; sign-up opens it"),
        );
    }
    if !enforces_owner {
        add(FindingCode::AclsEnabled, "has access control lists, which are to be off; sign-up switches them off");
    }
    if !has_marker {
        add(FindingCode::MarkerMissing, &format!("has no object {MARKER_KEY}; sign-up puts it there"));
    }
    let user = own.user.map(|user| user.arn.as_str());
    findings.extend(policy::findings(terms, bucket, policy.as_deref(), user));
    findings
}

fn of_secret(terms: &Terms<'_>, own: &Own<'_>) -> Vec<Finding> {
    let (name, user_name) = (terms.secret_name(), terms.user_name());
    let finding = |code, message: &str| Finding::new(code, secrets::resource(&name), message);
    let Some(secret) = own.secret else {
        if own.secret_is_somebodys {
            return Vec::new();
        }
        let message = "is not there; sign-up makes it, with a new access key";
        return vec![finding(FindingCode::SecretMissing, message)];
    };
    if secret.scheduled_for_deletion {
        let message =
            "is scheduled for deletion, and its organization is active; restore it, or the access key is lost with it";
        return vec![finding(FindingCode::SecretScheduledForDeletion, message)];
    }
    let mut findings = Vec::new();
    match secret.current.as_ref().map(|version| version.credential(&name, &user_name)) {
        None => findings.push(finding(FindingCode::SecretMissing, "has no value; sign-up stores a new access key")),
        Some(Err(error)) => findings.extend(found(error).ok()),
        Some(Ok(credential)) if own.user.is_some() => {
            let id = &credential.access_key_id;
            match own.keys.iter().find(|key| key.id == *id) {
                None => {
                    let message = format!(
                        "holds the access key {id}, which the user does not have; sign-up makes and stores a new one"
                    );
                    findings.push(finding(FindingCode::StoredKeyGone, &message));
                }
                Some(key) if !key.active => {
                    let message = format!(
                        "its stored access key {id} is not active, which somebody decided; activate it, or delete it to have a new one made"
                    );
                    findings.push(Finding::new(FindingCode::StoredKeyInactive, users::resource(&user_name), message));
                }
                Some(_) => {}
            }
        }
        Some(Ok(_)) => {}
    }
    if let Some(wanted) = secrets::schedule_to_set(Some(secret), terms.rotation) {
        let days = wanted.days.unwrap_or_default();
        let message =
            format!("is not rotated every {days} days by the deployment's function; sign-up sets the schedule");
        findings.push(finding(FindingCode::RotationNotScheduled, &message));
    }
    findings
}
