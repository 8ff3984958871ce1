//! What all commands about an organization have in common: its id, its environment, and the account that it belongs to.

use org::{Environment, OrgId, Place};
use serde_json::Value;

use crate::command::{InvalidField, kind, quoted, text};
use crate::deployment::Deployment;
use crate::error::{ErrorCode, StepError};
use crate::org_created::OrgSubject;

/// The field `orgId`.
pub(crate) fn org_id(detail: &Value) -> Result<OrgId, InvalidField> {
    let id = text(detail, "orgId", OrgId::RULE)?;
    OrgId::parse(id).map_err(|why| InvalidField::new("orgId", format!("is {}, which {why}", quoted(id)), OrgId::RULE))
}

/// The field `environment`.
pub(crate) fn environment(detail: &Value) -> Result<Environment, InvalidField> {
    let rule = format!("one of {}", Environment::ALL.map(Environment::as_str).join(", "));
    let name = text(detail, "environment", &rule)?;
    Environment::parse(name).ok_or_else(|| InvalidField::new("environment", format!("is {}", quoted(name)), rule))
}

/// A field that is a boolean if it is there; without it, or with null, the answer is no.
pub(crate) fn flag(detail: &Value, field: &'static str) -> Result<bool, InvalidField> {
    match detail.get(field) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(InvalidField::new(field, format!("is {}", kind(other)), "true or false")),
    }
}

/// Which organization a valid command is about.
pub(crate) fn subject(org_id: &OrgId, environment: Environment) -> OrgSubject {
    OrgSubject { org_id: org_id.to_string(), environment: Some(environment.to_string()) }
}

/// Which organization a detail is about that may be invalid, cut short.
pub(crate) fn subject_of(detail: &Value) -> Option<OrgSubject> {
    let short = |field: &str| Some(detail.get(field)?.as_str()?.chars().take(64).collect::<String>());
    Some(OrgSubject { org_id: short("orgId")?, environment: short("environment") })
}

/// What [`Command`](crate::Command) asks of every command about an organization: which one it is about.
macro_rules! about_an_organization {
    () => {
        fn subject(&self) -> OrgSubject {
            org_command::subject(&self.org_id, self.environment)
        }

        fn subject_of(detail: &Value) -> Option<OrgSubject> {
            org_command::subject_of(detail)
        }
    };
}

/// The whole of [`Command`](crate::Command) for a command that says of an organization nothing but which one it is.
macro_rules! plain_org_command {
    ($command:ident) => {
        impl Command for $command {
            const DETAIL_TYPE: &'static str = stringify!($command);
            type Subject = OrgSubject;

            fn parse(detail: &Value) -> Result<Self, InvalidField> {
                Ok(Self { org_id: org_command::org_id(detail)?, environment: org_command::environment(detail)? })
            }

            org_command::about_an_organization!();

            fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
                org_command::admit(&self.org_id, self.environment, deployment, place)
            }
        }
    };
}

pub(crate) use {about_an_organization, plain_org_command};

/// The deployment runs where it should, and its account may hold organizations of this environment.
///
/// # Errors
/// `wrong-account`.
pub(crate) fn admit(
    org_id: &OrgId,
    environment: Environment,
    deployment: &Deployment,
    place: &Place,
) -> Result<(), StepError> {
    deployment.admit_place(place)?;
    let (needed, class) = (environment.account_class(), deployment.account_class);
    if needed == class {
        return Ok(());
    }
    let message = format!(
        "a {environment} organization belongs in a {needed} account, and account {} is {class}; send the event to the right account",
        place.account
    );
    Err(StepError::new(ErrorCode::WrongAccount, format!("organization {org_id}"), message))
}
