//! The command that provisions an organization.

use org::{Environment, OrgId, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{Command, InvalidField, Subject, optional_text, quoted};
use crate::deployment::Deployment;
use crate::error::{ErrorCode, StepError};
use crate::org_command;

/// An organization signed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgCreated {
    /// The organization's id.
    pub org_id: OrgId,
    /// The environment that it was ordered for.
    pub environment: Environment,
    /// A bucket name instead of the standard one; checked against the conventions by `admit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_name: Option<String>,
    /// Whether an organization that was offboarded is to come back. Without it, an offboarded one stays as it is.
    #[serde(skip_serializing_if = "is_false")]
    pub reonboard: bool,
}

/// A field that says nothing is left out, so that a request that never had it keeps its id.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Which organization an event is about. The fields are text, for a failure may be about a bad id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgSubject {
    /// The organization's id.
    pub org_id: String,
    /// Its environment, where that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl Subject for OrgSubject {
    fn key(&self) -> &str {
        &self.org_id
    }
}

const BUCKET_NAME_RULE: &str =
    "text: the organization's standard bucket name, or that with a hyphen and more behind it";

impl Command for OrgCreated {
    const DETAIL_TYPE: &'static str = "OrgCreated";
    type Subject = OrgSubject;

    fn parse(detail: &Value) -> Result<Self, InvalidField> {
        let (org_id, environment) = (org_command::org_id(detail)?, org_command::environment(detail)?);
        let bucket_name = optional_text(detail, "bucketName", BUCKET_NAME_RULE)?.map(str::to_owned);
        Ok(Self { org_id, environment, bucket_name, reonboard: org_command::flag(detail, "reonboard")? })
    }

    org_command::about_an_organization!();

    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
        org_command::admit(&self.org_id, self.environment, deployment, place)?;
        if let Some(name) = &self.bucket_name {
            deployment.conventions.requested_bucket_name(&self.org_id, name).map_err(|why| {
                let message = format!("field bucketName is {}: {why}", quoted(name));
                StepError::new(ErrorCode::InvalidField, Self::DETAIL_TYPE, message)
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use org::{AccountClass, Conventions};
    use serde_json::json;

    use super::*;
    use crate::command::Request;

    fn read(detail: Value) -> Result<Request<OrgCreated>, StepError> {
        Request::read(detail)
    }

    #[test]
    fn errors_name_the_field_the_problem_and_the_rule() {
        for (detail, said) in [
            (json!({"environment": "qa"}), ["orgId is missing", "at most 52"]),
            (json!({"orgId": 7, "environment": "qa"}), ["orgId is a number", "at most 52"]),
            (json!({"orgId": null, "environment": "qa"}), ["orgId is missing", "at most 52"]),
            (json!({"orgId": "Abc", "environment": "qa"}), ["orgId is \"Abc\", which has a character", "lower-case"]),
            (json!({"orgId": "abc"}), ["environment is missing", "one of production, staging"]),
            (json!({"orgId": "abc", "environment": "prod"}), ["environment is \"prod\"", "one of production, staging"]),
            (
                json!({"orgId": "abc", "environment": "qa", "bucketName": []}),
                ["bucketName is an array", "standard bucket name"],
            ),
            (
                json!({"orgId": "abc", "environment": "qa", "correlationId": ""}),
                ["correlationId is \"\"", "visible ASCII"],
            ),
        ] {
            let error = read(detail).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidField);
            for part in said {
                assert!(error.message().contains(part), "{part}: {error}");
            }
        }
        for detail in [json!([]), json!("x"), json!(null)] {
            assert_eq!(read(detail).unwrap_err().code(), ErrorCode::MalformedEvent);
        }
        let large = json!({"orgId": "abc", "environment": "qa", "notes": "x".repeat(200_000)});
        assert_eq!(read(large).unwrap_err().code(), ErrorCode::MalformedEvent);
    }

    #[test]
    fn to_come_back_is_asked_for_in_so_many_words() {
        let read = |detail: Value| read(detail).map(|request| (request.command.reonboard, request.request_id));
        let plain = read(json!({"orgId": "abc", "environment": "qa"})).unwrap();
        assert!(!plain.0);
        assert_eq!(read(json!({"orgId": "abc", "environment": "qa", "reonboard": false})).unwrap(), plain);
        let again = read(json!({"orgId": "abc", "environment": "qa", "reonboard": true})).unwrap();
        assert!(again.0 && again.1 != plain.1);
        let error = read(json!({"orgId": "abc", "environment": "qa", "reonboard": "true"})).unwrap_err();
        assert!(error.message().contains("reonboard is a string; reonboard must be true or false"), "{error}");
    }

    #[test]
    fn echoed_input_is_cut_short() {
        let error = read(json!({"orgId": "A".repeat(5000), "environment": "qa"})).unwrap_err();
        assert!(error.message().len() < 300, "{error}");
    }

    #[test]
    fn the_request_id_is_the_same_for_the_same_request() {
        let plain = read(json!({"orgId": "abc", "environment": "qa"})).unwrap();
        let with_extra = read(json!({"plan": "gold", "environment": "qa", "orgId": "abc"})).unwrap();
        assert_eq!(plain.request_id, with_extra.request_id);
        assert_ne!(plain.request_id, read(json!({"orgId": "abd", "environment": "qa"})).unwrap().request_id);
        let named = read(json!({"orgId": "abc", "environment": "qa", "correlationId": "c-1"})).unwrap();
        assert_eq!(named.request_id, "c-1");
    }

    #[test]
    fn every_environment_is_admitted_in_its_class_of_account_only() {
        let place = Place { partition: "aws".into(), account: "111111111111".into(), region: "us-east-1".into() };
        for class in [AccountClass::Production, AccountClass::NonProduction] {
            for environment in Environment::ALL {
                let command = OrgCreated {
                    org_id: OrgId::parse("abc").unwrap(),
                    environment,
                    bucket_name: None,
                    reonboard: false,
                };
                let deployment = Deployment {
                    expected_account: place.account.clone(),
                    account_class: class,
                    conventions: Conventions::default(),
                };
                let admitted = command.admit(&deployment, &place);
                assert_eq!(admitted.is_ok(), environment.account_class() == class, "{environment} in {class}");
                let elsewhere = Deployment { expected_account: "222222222222".into(), ..deployment };
                assert_eq!(command.admit(&elsewhere, &place).unwrap_err().code(), ErrorCode::WrongAccount);
            }
        }
    }
}
