//! What is tagged, or why not. Pure.

use aws::belongings::Belonging;
use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use aws::{ORG_STATE_TAG, buckets, require_active};
use contract::{ErrorCode, OrgAdoptionRequested, StepError};
use lifecycle::{Key, Whose};
use org::{BucketName, Conventions, Place};

use crate::change::{AdoptChange, Tag};

/// The most tags that a user, a bucket or a secret has (IAM, S3 and Secrets Manager user guides, quotas).
const MOST_TAGS: usize = 50;

/// What was seen.
pub struct Observed {
    /// The organization.
    pub(crate) org: lifecycle::Observed<()>,
    /// What its user may do beside what bucket policies grant; not looked at unless the user is to be adopted.
    pub(crate) permissions: Vec<Belonging>,
}

/// The bucket that is to be adopted, else the one that is the organization's: name and tags.
type FoundBucket<'o> = Option<(&'o BucketName, &'o [Tag])>;

/// The tags that are missing, or the first thing that a person has to decide. First whose everything is, then whether what
/// is named is what is there, then what the steps of sign-up would refuse afterwards.
pub(crate) fn plan(
    command: &OrgAdoptionRequested,
    place: &Place,
    conventions: &Conventions,
    bucket: Option<&BucketName>,
    observed: &Observed,
) -> Result<Vec<AdoptChange>, StepError> {
    let seen = &observed.org;
    let tag = (conventions.tag_key().to_owned(), command.org_id.to_string());
    let found = found_bucket(place, bucket, seen)?;
    if let Some(user) = &seen.user {
        let resource = users::resource(&user.name);
        require_claimable(&resource, &user.tags, &tag)?;
        require_active(&resource, user.tag(ORG_STATE_TAG))?;
    }
    if let Some((name, tags)) = found {
        require_claimable(&buckets::resource(name), tags, &tag)?;
        let state = tags.iter().find(|(key, _)| key == ORG_STATE_TAG).map(|(_, state)| state.as_str());
        require_active(&buckets::resource(name), state)?;
    }
    if let Some(secret) = &seen.secret {
        require_claimable(&secrets::resource(&secret.name), &secret.tags, &tag)?;
    }
    // In the order in which they are written, which lib.rs explains.
    let mut changes = Vec::new();
    if let Some(named) = bucket {
        let (name, tags) = found.ok_or_else(|| not_there(&buckets::resource(named)))?;
        if lacks(&buckets::resource(name), tags, &tag, |key| key == tag.0)? {
            changes.push(AdoptChange::TagBucket { bucket: name.clone(), found: tags.to_vec(), tag: tag.clone() });
        }
    }
    if let Some(arn) = &command.adopt.secret_arn {
        let secret = secret(arn, seen.secret.as_ref(), conventions, command)?;
        if lacks(&secrets::resource(&secret.name), &secret.tags, &tag, |key| key == tag.0)? {
            let (name, arn) = (secret.name.clone(), secret.arn.clone());
            changes.push(AdoptChange::TagSecret { name, arn, tag: tag.clone() });
        }
    }
    if let Some(arn) = &command.adopt.user_arn {
        let user = user(arn, seen.user.as_ref(), place, &conventions.user_name(&command.org_id))?;
        require_nothing_of_its_own(user, &observed.permissions)?;
        require_keys_are_stored(user, &seen.keys)?;
        let same_to_iam = |key: &str| key.eq_ignore_ascii_case(&tag.0);
        if lacks(&users::resource(&user.name), &user.tags, &tag, same_to_iam)? {
            let replaces = user.tags.iter().map(|(key, _)| key).find(|key| same_to_iam(key)).cloned();
            changes.push(AdoptChange::TagUser { name: user.name.clone(), tag, replaces });
        }
    }
    Ok(changes)
}

/// # Errors
/// When the organization has a bucket elsewhere, or another one than the command names, or the named one is elsewhere.
fn found_bucket<'o>(
    place: &Place,
    named: Option<&BucketName>,
    seen: &'o lifecycle::Observed<()>,
) -> Result<FoundBucket<'o>, StepError> {
    if let Some(ours) = seen.search.bucket_in_any_state()? {
        return Ok(Some((&ours.name, ours.tags())));
    }
    let Some((name, bucket)) = seen.search.not_ours().filter(|(name, _)| Some(*name) == named) else {
        return Ok(None);
    };
    if bucket.region != place.region {
        let message = format!(
            "lies in {}; adopt it in that region's deployment, or move its content to a bucket in {}",
            bucket.region, place.region
        );
        return Err(StepError::new(ErrorCode::BucketElsewhere, buckets::resource(name), message));
    }
    Ok(Some((name, &bucket.tags)))
}

/// That no tag says that it is another organization's, however the key is spelt: the older process writes `OrgID`.
fn require_claimable(resource: &str, tags: &[Tag], (own, org): &Tag) -> Result<(), StepError> {
    let other = tags.iter().find(|(key, value)| key.eq_ignore_ascii_case(own) && value != org);
    let Some((key, value)) = other else { return Ok(()) };
    let message = format!(
        "carries the tag {key}={value}, which names another organization; if it is {org}'s, correct that tag, otherwise leave it"
    );
    Err(StepError::new(ErrorCode::NotOurs, resource, message))
}

/// Whether the tag is missing; `same` tells the keys that the service takes for its key.
fn lacks(resource: &str, tags: &[Tag], tag: &Tag, same: impl Fn(&str) -> bool) -> Result<bool, StepError> {
    if tags.contains(tag) {
        return Ok(false);
    }
    // AWS's own tags do not count (Resource Groups Tagging API reference, "aws:").
    let counted = tags.iter().filter(|(key, _)| !key.starts_with("aws:")).count();
    if counted >= MOST_TAGS && !tags.iter().any(|(key, _)| same(key)) {
        let message = format!("has {MOST_TAGS} tags, the most that it can have; remove one and replay the event");
        return Err(StepError::new(ErrorCode::QuotaExceeded, resource, message));
    }
    Ok(true)
}

fn user<'o>(arn: &str, found: Option<&'o User>, place: &Place, name: &str) -> Result<&'o User, StepError> {
    let user = found.ok_or_else(|| not_there(&users::resource(name)))?;
    if user.arn != arn {
        return Err(differs(&users::resource(name), &user.arn));
    }
    if user.arn != place.user_arn(name) {
        let message = format!(
            "is {}: it lies in a path, and the conventions know none; move it out of there (aws iam update-user --new-path /) and send the event with its new ARN",
            user.arn
        );
        return Err(StepError::new(ErrorCode::AdoptionDiffers, users::resource(name), message));
    }
    Ok(user)
}

fn secret<'o>(
    arn: &str,
    found: Option<&'o StoredSecret>,
    conventions: &Conventions,
    command: &OrgAdoptionRequested,
) -> Result<&'o StoredSecret, StepError> {
    let (user, name) = (conventions.user_name(&command.org_id), conventions.secret_name(&command.org_id));
    let resource = secrets::resource(&name);
    let secret = found.ok_or_else(|| not_there(&resource))?;
    if secret.arn != arn {
        return Err(differs(&resource, &secret.arn));
    }
    if secret.scheduled_for_deletion {
        let message = "is scheduled for deletion; restore it if the organization is to keep its key";
        return Err(StepError::new(ErrorCode::SecretScheduledForDeletion, resource, message));
    }
    if let Some(version) = &secret.current {
        version.credential(&name, &user)?;
    }
    Ok(secret)
}

fn require_nothing_of_its_own(user: &User, permissions: &[Belonging]) -> Result<(), StepError> {
    if permissions.is_empty() {
        return Ok(());
    }
    let message = format!(
        "has {}; a user of an organization may do what its bucket's policy grants and nothing else: find out who needs it, take it away and replay the event",
        permissions.iter().map(Belonging::with_article).collect::<Vec<_>>().join(", ")
    );
    Err(StepError::new(ErrorCode::UserHasPermissions, users::resource(&user.name), message))
}

/// A key that no version of the secret holds is somebody's: whoever has it uses it, and only a person can say who.
fn require_keys_are_stored(user: &User, keys: &[Key]) -> Result<(), StepError> {
    let resource = users::resource(&user.name);
    for key in keys {
        match key.whose {
            Whose::Current | Whose::Pending | Whose::Labelled | Whose::Lost => {}
            Whose::Young => {
                let message = format!("has the access key {}, which is too young to be judged", key.id);
                return Err(StepError::new(ErrorCode::InProgress, resource, message));
            }
            Whose::Foreign | Whose::Unclear => {
                let message = format!(
                    "has the access key {}, which is not certainly stored in the organization's secret; store it there if it is to stay, or delete it when nobody uses it, and replay the event",
                    key.id
                );
                return Err(StepError::new(ErrorCode::UnmanagedKey, resource, message));
            }
        }
    }
    Ok(())
}

fn not_there(resource: &str) -> StepError {
    let message = "is to be adopted and is not there, or belongs to another account; send the event without it, or with what is there";
    StepError::new(ErrorCode::AdoptionDiffers, resource, message)
}

fn differs(resource: &str, found: &str) -> StepError {
    let message =
        format!("is {found}, and the event names something else; look at what is there, and send the event with that");
    StepError::new(ErrorCode::AdoptionDiffers, resource, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Vec<Tag> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn own() -> Tag {
        ("OrgId".to_owned(), "abc".to_owned())
    }

    #[test]
    fn whose_a_thing_is_may_be_spelt_in_another_case_and_not_be_another() {
        for good in [&[][..], &[("team", "pos")], &[("OrgID", "abc")], &[("OrgId", "abc"), ("ORGID", "abc")]] {
            require_claimable("user", &tags(good), &own()).unwrap();
        }
        for bad in
            [&[("OrgID", "xyz")][..], &[("OrgId", "abc"), ("orgid", "xyz")], &[("OrgId", "ABC")], &[("OrgId", "")]]
        {
            assert_eq!(require_claimable("user", &tags(bad), &own()).unwrap_err().code(), ErrorCode::NotOurs);
        }
    }

    #[test]
    fn a_full_set_of_tags_has_room_only_for_what_takes_another_tags_place() {
        let full = |first: &str| {
            let others = (1..MOST_TAGS).map(|n| (format!("tag{n}"), String::new()));
            [(first.to_owned(), "abc".to_owned())].into_iter().chain(others).collect::<Vec<_>>()
        };
        let iam = |key: &str| key.eq_ignore_ascii_case("OrgId");
        let exact = |key: &str| key == "OrgId";
        assert!(!lacks("user", &full("OrgId"), &own(), exact).unwrap());
        assert!(lacks("user", &full("OrgID"), &own(), iam).unwrap());
        assert_eq!(lacks("bucket", &full("OrgID"), &own(), exact).unwrap_err().code(), ErrorCode::QuotaExceeded);
    }

    #[test]
    fn a_key_that_nobody_stored_is_for_a_person_to_decide() {
        let user = User {
            name: "rms_abc".into(),
            arn: String::new(),
            age: std::time::Duration::ZERO,
            tags: Vec::new(),
            age_of_state: None,
        };
        let judged = |whose| {
            let key = Key { id: "AKIA".into(), active: true, whose };
            require_keys_are_stored(&user, &[key]).map_err(|error| error.code())
        };
        for stored in [Whose::Current, Whose::Pending, Whose::Labelled, Whose::Lost] {
            assert_eq!(judged(stored), Ok(()));
        }
        assert_eq!(judged(Whose::Young), Err(ErrorCode::InProgress));
        assert_eq!(judged(Whose::Foreign), Err(ErrorCode::UnmanagedKey));
        assert_eq!(
            judged(Whose::Unclear),
            Err(ErrorCode::UnmanagedKey),
            "a version that cannot be read proves nothing"
        );
    }
}
