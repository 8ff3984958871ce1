//! Whose a resource is, by its tags.

use std::time::Duration;

use contract::{ErrorCode, StepError};
use org::{OrgId, Place};

/// The tag that says whether an organization is active, on its user and its bucket.
pub const ORG_STATE_TAG: &str = "OrgState";
/// The value of that tag for an organization that may be provisioned.
pub const ORG_STATE_ACTIVE: &str = "active";
/// The tag of a user that the provisioner made itself, with the region that it made it in. It is set at
/// creation and never added later: on such a user, from that region, and in no other case, a lost access key
/// may be deleted. IAM is global and secrets are regional, so another region cannot know what is lost.
pub const CREATED_BY_TAG: &str = "CreatedBy";
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
