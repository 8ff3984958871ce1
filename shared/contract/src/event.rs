//! The events that steps emit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{Uuid, uuid};

use crate::error::{ErrorClass, ErrorCode, StepError};
use crate::finding::{Capacity, Finding};
use crate::step::{Evidence, Outcome, Resource};

/// The source of every event that a step emits.
pub const SOURCE: &str = "org-provisioner";

/// The detail type of every failure.
pub const FAILED_DETAIL_TYPE: &str = "OrgProvisioningFailed";

/// The version of the details' shape. A change that a reader could trip over gets a new one.
pub const SCHEMA_VERSION: u32 = 1;

/// The name space of all ids derived here.
pub(crate) const NAMESPACE: Uuid = uuid!("6f1c2a52-2a0e-5d0c-9b56-0c1f5f2d8a11");

/// The longest message in a failure event.
const MOST_MESSAGE_CHARACTERS: usize = 1000;

/// A step is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Completed<S> {
    /// Always 1.
    pub schema_version: u32,
    /// The same however often the step is run for this request: what consumers tell duplicates by.
    pub event_id: String,
    /// The request that led here.
    pub request_id: String,
    /// The correlation id, if the request had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// What the request is about.
    #[serde(flatten)]
    pub subject: S,
    /// The step: `iam-user`.
    pub step: String,
    /// What the step did.
    pub outcome: Outcome,
    /// The resources that the step is responsible for.
    pub resources: Vec<Resource>,
    /// What was checked and found in order; only `verify` says something here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What was found that is not as it should be; only `reconcile` says something here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How much of the account's limits is used; only `sweep` says something here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity: Vec<Capacity>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// The request's original detail.
    pub request: Value,
}

/// A step could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failed<S> {
    /// Always 1.
    pub schema_version: u32,
    /// The same however often the step fails for this request.
    pub event_id: String,
    /// The request that led here.
    pub request_id: String,
    /// The correlation id, if the request had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// What the request is about.
    #[serde(flatten)]
    pub subject: S,
    /// The step: `iam-user`.
    pub step: String,
    /// What went wrong.
    pub error: FailureDetail,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// The request's original detail, or null where it is too large or too deep to be carried along.
    pub request: Value,
}

/// What went wrong, and what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureDetail {
    /// What happens to the message.
    pub class: ErrorClass,
    /// The stable code, explained in `docs/errors/<code>.md`.
    pub code: ErrorCode,
    /// The AWS operation that failed, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The resource that it is about.
    pub resource: String,
    /// What went wrong and what can be done, with echoed input cut short.
    pub message: String,
}

impl From<&StepError> for FailureDetail {
    fn from(error: &StepError) -> Self {
        Self {
            class: error.class(),
            code: error.code(),
            operation: error.operation().map(str::to_owned),
            resource: error.resource().to_owned(),
            message: error.message().chars().take(MOST_MESSAGE_CHARACTERS).collect(),
        }
    }
}

/// The id of the event that `step` emits of this type for this request about `key`.
pub fn event_id(key: &str, step: &str, request_id: &str, detail_type: &str) -> String {
    // No part may hold the separator: keys and steps are names, request ids are visible ASCII.
    Uuid::new_v5(&NAMESPACE, [key, step, request_id, detail_type].join("\n").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_id_depends_on_all_four_and_on_nothing_else() {
        let id = event_id("abc", "iam-user", "r1", "IamUserProvisioned");
        assert_eq!(id, event_id("abc", "iam-user", "r1", "IamUserProvisioned"));
        for other in [
            event_id("abd", "iam-user", "r1", "IamUserProvisioned"),
            event_id("abc", "bucket", "r1", "IamUserProvisioned"),
            event_id("abc", "iam-user", "r2", "IamUserProvisioned"),
            event_id("abc", "iam-user", "r1", FAILED_DETAIL_TYPE),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let error = StepError::new(ErrorCode::Unexpected, "bucket b", "x".repeat(9000));
        assert_eq!(FailureDetail::from(&error).message.len(), MOST_MESSAGE_CHARACTERS);
    }
}
