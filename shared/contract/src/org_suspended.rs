//! The command that suspends an organization.

use org::{Environment, OrgId, Place};
use serde::Serialize;
use serde_json::Value;

use crate::command::{Command, InvalidField};
use crate::deployment::Deployment;
use crate::error::StepError;
use crate::org_command;
use crate::org_created::OrgSubject;

/// An organization was suspended: its key is switched off and its bucket closed to the public; its data stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgSuspended {
    /// The organization's id.
    pub org_id: OrgId,
    /// The environment that it was ordered for.
    pub environment: Environment,
}

org_command::plain_org_command!(OrgSuspended);
