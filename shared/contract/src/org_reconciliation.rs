//! The command that has an organization looked at.

use org::{Environment, OrgId, Place};
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::{Command, InvalidField};
use crate::deployment::Deployment;
use crate::error::StepError;
use crate::org_command;
use crate::org_created::OrgSubject;

/// An organization that is there is to be held against the conventions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgReconciliationRequested {
    /// The organization's id.
    pub org_id: OrgId,
    /// The environment that it was ordered for; one of the account's class, where that is not known. A repair names it.
    pub environment: Environment,
}

impl OrgReconciliationRequested {
    /// The detail of the `OrgCreated` that mends what sign-up can mend. It names nothing but the organization, whatever else
    /// stood in this request: no bucket, and never that an offboarded organization is to come back.
    pub fn repair(&self, request_id: &str) -> Value {
        json!({ "orgId": self.org_id, "environment": self.environment, "correlationId": request_id })
    }
}

org_command::plain_org_command!(OrgReconciliationRequested);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Request;
    use crate::org_created::OrgCreated;

    #[test]
    fn a_repair_is_a_sign_up_that_brings_nobody_back() {
        let asked =
            json!({ "orgId": "abc", "environment": "staging", "reonboard": true, "bucketName": "fusion-rms-abc-2" });
        let request = Request::<OrgReconciliationRequested>::read(asked).unwrap();
        let repair = Request::<OrgCreated>::read(request.command.repair("sweep-1")).unwrap();
        assert_eq!(repair.request_id, "sweep-1");
        let OrgCreated { org_id, environment, bucket_name, reonboard } = repair.command;
        assert_eq!((org_id.as_str(), environment, bucket_name, reonboard), ("abc", Environment::Staging, None, false));
    }
}
