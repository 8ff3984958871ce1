//! Whose a resource is, by its tags.

use contract::{ErrorCode, StepError};
use org::OrgId;

/// The tag that says whether an organization is active, on its user and its bucket.
pub const ORG_STATE_TAG: &str = "OrgState";
/// The value of that tag for an organization that may be provisioned.
pub const ORG_STATE_ACTIVE: &str = "active";
/// The tag of a user that the provisioner made itself. It is set at creation and never added later: on such
/// a user, and on no other, a lost access key may be deleted.
pub const CREATED_BY_TAG: &str = "CreatedBy";
/// The value of that tag.
pub const CREATED_BY_VALUE: &str = "org-provisioner";

/// Whether a resource belongs to the organization.
///
/// # Errors
/// `not-ours` when the tag is missing or names another owner.
pub fn require_ours(resource: &str, tag_key: &str, tag: Option<&str>, org: &OrgId) -> Result<(), StepError> {
    let found = match tag {
        Some(owner) if owner == org.as_str() => return Ok(()),
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
