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

impl Command for OrgResumed {
    const DETAIL_TYPE: &'static str = "OrgResumed";
    type Subject = OrgSubject;

    fn parse(detail: &Value) -> Result<Self, InvalidField> {
        Ok(Self { org_id: org_command::org_id(detail)?, environment: org_command::environment(detail)? })
    }

    fn subject(&self) -> OrgSubject {
        org_command::subject(&self.org_id, self.environment)
    }

    fn subject_of(detail: &Value) -> Option<OrgSubject> {
        org_command::subject_of(detail)
    }

    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
        org_command::admit(&self.org_id, self.environment, deployment, place)
    }
}
