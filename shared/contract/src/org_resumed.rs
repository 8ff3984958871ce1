//! The command that resumes an organization.

use org::{Environment, OrgId, Place};
use serde::Serialize;
use serde_json::Value;

use crate::command::{Command, InvalidField};
use crate::deployment::Deployment;
use crate::error::StepError;
use crate::org_command;
use crate::org_created::OrgSubject;

/// An organization was resumed: what its suspension switched off is switched on again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgResumed {
    /// The organization's id.
    pub org_id: OrgId,
    /// The environment that it was ordered for.
    pub environment: Environment,
}

org_command::plain_org_command!(OrgResumed);
