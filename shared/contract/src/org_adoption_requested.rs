//! The command that adopts what somebody else made for an organization: by hand, or by an older process.

use org::{Environment, OrgId, Place};
use serde::Serialize;
use serde_json::Value;

use crate::command::{Command, InvalidField, kind, optional_text, quoted};
use crate::deployment::Deployment;
use crate::error::{ErrorCode, StepError};
use crate::org_command;
use crate::org_created::OrgSubject;

/// What an organization has is to become the provisioner's: it gets the organization's tag, and nothing else is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrgAdoptionRequested {
    /// The organization's id.
    pub org_id: OrgId,
    /// The environment that it was ordered for.
    pub environment: Environment,
    /// What is to be adopted.
    pub adopt: Adoptees,
}

/// What is to be adopted, one at least. What is not named here is not tagged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Adoptees {
    /// The ARN of the user; it must be that of the user with the organization's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_arn: Option<String>,
    /// The name of the bucket; it must be one that the organization's bucket can have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The ARN of the secret, with the six characters behind its name; it must be that of the secret with the
    /// organization's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_arn: Option<String>,
}

impl Adoptees {
    /// The fields, as events have them.
    pub const FIELDS: [&'static str; 3] = ["userArn", "bucket", "secretArn"];
    /// The most characters that a field has: IAM's limit for an ARN (API reference, arnType).
    pub const MOST_CHARACTERS: usize = 2048;
}

const ADOPT: &str = "adopt";
const ADOPT_RULE: &str = "an object with userArn, bucket or secretArn, and nothing else";
const NAME_RULE: &str = "text of 1 to 2048 characters";

impl Command for OrgAdoptionRequested {
    const DETAIL_TYPE: &'static str = "OrgAdoptionRequested";
    type Subject = OrgSubject;

    fn parse(detail: &Value) -> Result<Self, InvalidField> {
        let (org_id, environment) = (org_command::org_id(detail)?, org_command::environment(detail)?);
        Ok(Self { org_id, environment, adopt: adoptees(detail)? })
    }

    org_command::about_an_organization!();

    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
        org_command::admit(&self.org_id, self.environment, deployment, place)?;
        if let Some(name) = &self.adopt.bucket {
            deployment.conventions.existing_bucket_name(&self.org_id, name).map_err(|why| {
                let message = format!("field bucket is {}: {why}", quoted(name));
                StepError::new(ErrorCode::InvalidField, Self::DETAIL_TYPE, message)
            })?;
        }
        Ok(())
    }
}

fn adoptees(detail: &Value) -> Result<Adoptees, InvalidField> {
    let (adopt, fields) = match detail.get(ADOPT) {
        Some(adopt @ Value::Object(fields)) => (adopt, fields),
        None | Some(Value::Null) => return Err(InvalidField::new(ADOPT, "is missing", ADOPT_RULE)),
        Some(other) => return Err(InvalidField::new(ADOPT, format!("is {}", kind(other)), ADOPT_RULE)),
    };
    // Elsewhere in a detail, what is not known is tolerated. Here a misspelt name would be passed over without a word.
    if let Some(unknown) = fields.keys().find(|field| !Adoptees::FIELDS.contains(&field.as_str())) {
        return Err(InvalidField::new(ADOPT, format!("has the field {}", quoted(unknown)), ADOPT_RULE));
    }
    let adoptees = Adoptees {
        user_arn: name(adopt, "userArn")?,
        bucket: name(adopt, "bucket")?,
        secret_arn: name(adopt, "secretArn")?,
    };
    if adoptees == Adoptees::default() {
        return Err(InvalidField::new(ADOPT, "names nothing", ADOPT_RULE));
    }
    Ok(adoptees)
}

fn name(adopt: &Value, field: &'static str) -> Result<Option<String>, InvalidField> {
    match optional_text(adopt, field, NAME_RULE)? {
        Some(name) if name.is_empty() || name.chars().count() > Adoptees::MOST_CHARACTERS => {
            Err(InvalidField::new(field, format!("is {}", quoted(name)), NAME_RULE))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use org::{AccountClass, Conventions};
    use serde_json::json;

    use super::*;

    fn read(adopt: Value) -> Result<OrgAdoptionRequested, InvalidField> {
        OrgAdoptionRequested::parse(&json!({ "orgId": "abc", "environment": "qa", "adopt": adopt }))
    }

    #[test]
    fn what_is_to_be_adopted_is_said_in_so_many_words() {
        let named = read(json!({ "userArn": "arn:aws:iam::111111111111:user/rms_abc", "bucket": null })).unwrap();
        assert_eq!(named.adopt.user_arn.as_deref(), Some("arn:aws:iam::111111111111:user/rms_abc"));
        assert_eq!((named.adopt.bucket, named.adopt.secret_arn), (None, None));
        for (bad, field) in [
            (json!({}), "adopt"),
            (json!(null), "adopt"),
            (json!("everything"), "adopt"),
            (json!(true), "adopt"),
            (json!({ "userArn": null }), "adopt"),
            (json!({ "userARN": "a", "bucket": "fusion-rms-abc" }), "adopt"),
            (json!({ "bucket": 1 }), "bucket"),
            (json!({ "userArn": "" }), "userArn"),
            (json!({ "secretArn": "a".repeat(2049) }), "secretArn"),
        ] {
            assert_eq!(read(bad.clone()).unwrap_err().field, field, "{bad}");
        }
    }

    #[test]
    fn a_bucket_outside_of_the_conventions_is_refused() {
        let place = Place { partition: "aws".into(), account: "111111111111".into(), region: "us-east-1".into() };
        let deployment = Deployment {
            expected_account: place.account.clone(),
            account_class: AccountClass::NonProduction,
            conventions: Conventions::default(),
        };
        let admit = |bucket: &str| read(json!({ "bucket": bucket })).unwrap().admit(&deployment, &place);
        for good in ["fusion-rms-abc", "fusion-rms-abc-media", "fusion-rms-abc-111111111111-us-east-1-an"] {
            admit(good).unwrap();
        }
        for bad in ["media-of-abc", "fusion-rms-abcd", "fusion-rms-abc-", "fusion-rms-abc-/../x"] {
            assert_eq!(admit(bad).unwrap_err().code(), ErrorCode::InvalidField, "{bad}");
        }
    }
}
