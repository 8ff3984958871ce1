//! Whose a resource is, by its tags.

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use contract::{ErrorCode, StepError};
use org::{OrgId, Place};

/// The tag that says whether an organization is active, on its user and its bucket.
pub const ORG_STATE_TAG: &str = "OrgState";
/// The value of that tag for an organization that may be provisioned.
pub const ORG_STATE_ACTIVE: &str = "active";
/// The value while an organization is suspended.
pub const ORG_STATE_SUSPENDED: &str = "suspended";
/// The value while what a suspension switched off is switched on again.
pub const ORG_STATE_RESUMING: &str = "resuming";
/// The value from the moment at which offboarding begins. It stays on the bucket that is kept, or on the user where there
/// is no bucket, and is what keeps a late sign-up from bringing the organization back.
pub const ORG_STATE_OFFBOARDED: &str = "offboarded";
/// The tag that says since when: `suspended 2026-11-29T23:05:00Z`. It names the state too, so that one that somebody
/// changed by hand is not taken for old.
pub const ORG_STATE_SINCE_TAG: &str = "OrgStateSince";
/// The tag of a bucket that says which request brought its organization back the last time. That request is not obeyed
/// again: it would bring back who was offboarded since.
pub const ORG_BACK_BY_TAG: &str = "OrgBackBy";
/// The tag of a user that the provisioner made itself, with the region that it made it in. It is set at
/// creation and never added later: on such a user, from that region, and in no other case, a lost access key
/// may be deleted. IAM is global and secrets are regional, so another region cannot know what is lost.
pub const CREATED_BY_TAG: &str = "CreatedBy";
/// How much later than the grace period of access keys a state is looked at again: whoever saw the state before has
/// ended within the grace period, and what it did last is visible by then.
pub const STATE_SETTLES: Duration = Duration::from_secs(60);
/// How long a new resource may take to show its tags. Until then a missing tag proves nothing.
const TAGS_SETTLE: Duration = Duration::from_secs(60);

/// The value of the tag `CreatedBy` for what is made in this region.
pub fn created_by(place: &Place) -> String {
    format!("org-provisioner/{}", place.region)
}

/// Whether a resource belongs to the organization.
///
/// # Errors
/// `not-ours` when the tag is missing or names another owner; `propagating` when it is missing on something so
/// new (`age`, where that is known) that it may not be visible yet.
pub fn require_ours(
    resource: &str,
    tag_key: &str,
    tag: Option<&str>,
    age: Option<Duration>,
    org: &OrgId,
) -> Result<(), StepError> {
    let found = match tag {
        Some(owner) if owner == org.as_str() => return Ok(()),
        None if age.is_some_and(|age| age < TAGS_SETTLE) => {
            let message =
                format!("was made a moment ago and shows no tag {tag_key} yet; the step is tried again later");
            return Err(StepError::new(ErrorCode::Propagating, resource, message));
        }
        Some(other) => format!("carries the tag {tag_key}={other}"),
        None => format!("has no tag {tag_key}"),
    };
    let message = format!(
        "exists, but {found}; if it is this organization's, tag it {tag_key}={org}, otherwise remove it or choose another name"
    );
    Err(StepError::new(ErrorCode::NotOurs, resource, message))
}

/// The value of the tag `OrgStateSince` for a state that begins at `at`.
pub fn state_since(state: &str, at: DateTime) -> String {
    let whole = DateTime::from_secs(at.secs());
    format!("{state} {}", whole.fmt(Format::DateTime).unwrap_or_default())
}

/// Since when a resource is in `state`, as its tag `OrgStateSince` says; none if the tag speaks of another state.
pub fn since_of(state: &str, tag: &str) -> Option<DateTime> {
    let at = tag.strip_prefix(state)?.strip_prefix(' ')?;
    DateTime::from_str(at, Format::DateTime).ok()
}

/// The same for a request that may ask an offboarded organization to come back: what is still offboarded is waited for
/// then, because the step whose resource it is takes the tag off.
///
/// # Errors
/// `org-not-active`, or `waiting`.
pub fn require_active_for(resource: &str, state: Option<&str>, reonboard: bool) -> Result<(), StepError> {
    if reonboard && state == Some(ORG_STATE_OFFBOARDED) {
        let message = "is still offboarded, and about to come back; the step is tried again later";
        return Err(StepError::new(ErrorCode::Waiting, resource, message));
    }
    require_active(resource, state)
}

/// Whether an offboarded organization may come back already: not before the offboarding has looked at it for the last
/// time, which would take what comes back for a remainder.
///
/// # Errors
/// `in-progress` while it was offboarded less than `settled` ago.
pub fn require_settled(resource: &str, age: Option<Duration>, settled: Duration) -> Result<(), StepError> {
    if age.is_some_and(|age| age < settled) {
        let message = format!(
            "was offboarded less than {} s ago and may still change; the step is tried again later",
            settled.as_secs()
        );
        return Err(StepError::new(ErrorCode::InProgress, resource, message));
    }
    Ok(())
}

/// That the request that is to bring an organization back has not done so before.
///
/// # Errors
/// `org-not-active` if it has, and the organization was offboarded again since.
pub fn require_new_return(resource: &str, last: Option<&str>, request: &str) -> Result<(), StepError> {
    if last != Some(request) {
        return Ok(());
    }
    let message = "was brought back by this very request before, and offboarded again since; to bring it back once more, send another request, with a correlationId that was not used before";
    Err(StepError::new(ErrorCode::OrgNotActive, resource, message))
}

/// Whether the organization may be provisioned, as far as this resource says. Without the tag it may.
///
/// # Errors
/// `org-not-active`.
pub fn require_active(resource: &str, state: Option<&str>) -> Result<(), StepError> {
    match state {
        None | Some(ORG_STATE_ACTIVE) => Ok(()),
        Some(state) => {
            let message = format!(
                "says that the organization is {state}; resume or onboard it again on purpose, an OrgCreated event does not"
            );
            Err(StepError::new(ErrorCode::OrgNotActive, resource, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_is_told_for_the_state_that_it_names_and_no_other() {
        let at = DateTime::from_secs_and_nanos(1_795_341_600, 999);
        let tag = state_since(ORG_STATE_SUSPENDED, at);
        assert_eq!(tag, "suspended 2026-11-22T10:00:00Z");
        assert_eq!(since_of(ORG_STATE_SUSPENDED, &tag), Some(DateTime::from_secs(1_795_341_600)));
        for (state, tag) in [("active", tag.as_str()), ("suspended", "suspended"), ("suspended", "suspended soon")] {
            assert_eq!(since_of(state, tag), None);
        }
    }
}
