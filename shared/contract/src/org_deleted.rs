//! The command that offboards an organization.

use std::ops::RangeInclusive;

use org::{AccountClass, Environment, OrgId, Place};
use serde::Serialize;
use serde_json::Value;

use crate::command::{Command, InvalidField, kind, optional_text, quoted};
use crate::deployment::Deployment;
use crate::error::StepError;
use crate::org_command;
use crate::org_created::OrgSubject;

/// An organization was deleted: its user and its keys go, its secret is scheduled for deletion, its bucket stays and is
/// closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgDeleted {
    /// The organization's id.
    pub org_id: OrgId,
    /// The environment that it was ordered for.
    pub environment: Environment,
    /// Whether every object in its bucket is deleted, with all its versions. That cannot be taken back.
    pub empty_bucket: bool,
    /// How many days the secret can be restored; without it, what the deployment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_window_days: Option<u8>,
}

impl OrgDeleted {
    /// The days that Secrets Manager lets a deleted secret be restored (API reference, DeleteSecret).
    pub const RECOVERY_WINDOW_DAYS: RangeInclusive<u8> = 7..=30;
}

const CONFIRM: &str = "confirmOrgId";
const CONFIRM_RULE: &str = "the orgId once more, for an organization of a production account";
const WINDOW: &str = "recoveryWindowDays";
const WINDOW_RULE: &str = "a whole number from 7 to 30";

impl Command for OrgDeleted {
    const DETAIL_TYPE: &'static str = "OrgDeleted";
    type Subject = OrgSubject;

    fn parse(detail: &Value) -> Result<Self, InvalidField> {
        let (org_id, environment) = (org_command::org_id(detail)?, org_command::environment(detail)?);
        match optional_text(detail, CONFIRM, CONFIRM_RULE)? {
            Some(confirmed) if confirmed == org_id.as_str() => {}
            Some(other) => return Err(InvalidField::new(CONFIRM, format!("is {}", quoted(other)), CONFIRM_RULE)),
            None if environment.account_class() == AccountClass::Production => {
                return Err(InvalidField::new(CONFIRM, "is missing", CONFIRM_RULE));
            }
            None => {}
        }
        Ok(Self {
            org_id,
            environment,
            empty_bucket: org_command::flag(detail, "emptyBucket")?,
            recovery_window_days: recovery_window_days(detail)?,
        })
    }

    org_command::about_an_organization!();

    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
        org_command::admit(&self.org_id, self.environment, deployment, place)
    }
}

fn recovery_window_days(detail: &Value) -> Result<Option<u8>, InvalidField> {
    let value = match detail.get(WINDOW) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let days = value.as_u64().and_then(|days| u8::try_from(days).ok());
    match days.filter(|days| OrgDeleted::RECOVERY_WINDOW_DAYS.contains(days)) {
        Some(days) => Ok(Some(days)),
        None if value.is_number() => Err(InvalidField::new(WINDOW, format!("is {value}"), WINDOW_RULE)),
        None => Err(InvalidField::new(WINDOW, format!("is {}", kind(value)), WINDOW_RULE)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn production_has_to_be_confirmed_by_the_same_id() {
        for (environment, confirm, accepted) in [
            ("production", Some("abc"), true),
            ("production", Some("abd"), false),
            ("production", Some("true"), false),
            ("production", None, false),
            ("staging", None, false),
            ("qa", None, true),
            ("qa", Some("abc"), true),
            ("qa", Some("abd"), false),
        ] {
            let detail = json!({"orgId": "abc", "environment": environment, "confirmOrgId": confirm});
            let read = OrgDeleted::parse(&detail);
            assert_eq!(read.is_ok(), accepted, "{detail}");
            assert!(read.is_ok_and(|command| !command.empty_bucket) || !accepted, "nothing is emptied unasked");
        }
    }

    #[test]
    fn choices_are_what_they_say_or_refused() {
        let read = |field: &str, value: Value| {
            let mut detail = json!({"orgId": "abc", "environment": "qa"});
            detail[field] = value;
            OrgDeleted::parse(&detail).map_err(|error| error.field)
        };
        assert_eq!(read("recoveryWindowDays", json!(7)).unwrap().recovery_window_days, Some(7));
        assert_eq!(read("recoveryWindowDays", json!(null)).unwrap().recovery_window_days, None);
        for bad in [json!(6), json!(31), json!(7.5), json!(-7), json!("7"), json!(true), json!(263)] {
            assert_eq!(read("recoveryWindowDays", bad).unwrap_err(), "recoveryWindowDays");
        }
        assert!(read("emptyBucket", json!(true)).unwrap().empty_bucket);
        for bad in [json!("true"), json!(1), json!([])] {
            assert_eq!(read("emptyBucket", bad).unwrap_err(), "emptyBucket");
        }
    }
}
