//! The command that takes an organization's access key one step further through its rotation.

use std::fmt;

use org::{Conventions, OrgId, Place};
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::{Command, InvalidField, optional_text, quoted, text};
use crate::deployment::Deployment;
use crate::error::{ErrorCode, StepError};
use crate::org_created::OrgSubject;

/// One action on an organization's access key.
///
/// Secrets Manager asks for the four steps of a rotation, in a form of its own: `Step`, `SecretId` and
/// `ClientRequestToken`. Whoever retires the old key afterwards asks in ours: `orgId`, `action` and `token`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateKey {
    /// The organization's id.
    pub org_id: OrgId,
    /// What to do.
    pub action: KeyAction,
    /// The rotation: its token, which is the id of the version that it makes.
    pub token: String,
    /// The secret's ARN, where Secrets Manager named one. `admit` checks that it is the organization's own.
    #[serde(skip)]
    pub secret_arn: Option<String>,
}

/// What to do in a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyAction {
    /// Make the new key, stored as AWSPENDING.
    CreateSecret,
    /// See that the new key is there: IAM knows it already.
    SetSecret,
    /// Use the new key.
    TestSecret,
    /// Make the new key the current one.
    FinishSecret,
    /// Retire the old key, once its overlap is over.
    RetireKey,
}

const ACTION_RULE: &str = "createSecret, setSecret, testSecret, finishSecret or retireKey";
const TOKEN_RULE: &str = "the rotation's token: text of 32 to 64 visible ASCII characters";
const ARN_RULE: &str = "the ARN of the secret";

impl KeyAction {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::CreateSecret, Self::SetSecret, Self::TestSecret, Self::FinishSecret, Self::RetireKey];

    /// The name on the wire: `createSecret`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
            Self::RetireKey => "retireKey",
        }
    }

    /// Reads a name. The user guide calls the steps `create_secret` and so on, AWS's own rotation functions
    /// `createSecret`; both are taken.
    pub fn parse(name: &str) -> Option<Self> {
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        let snake_or_camel = name.contains('_') != name.bytes().any(|byte| byte.is_ascii_uppercase());
        Self::ALL.into_iter().find(|action| snake_or_camel && plain(action.as_str()) == plain(name))
    }
}

impl fmt::Display for KeyAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Command for RotateKey {
    const DETAIL_TYPE: &'static str = "RotateKey";
    type Subject = OrgSubject;

    /// From Secrets Manager's form to ours. Its `RotationToken` is left out: it is for rotations in another account, and
    /// nobody else's to see.
    fn translated(detail: Value, conventions: &Conventions) -> Value {
        let field = |name: &str| detail.get(name).filter(|value| !value.is_null()).cloned();
        let (Some(action), Some(secret), Some(token)) = (field("Step"), field("SecretId"), field("ClientRequestToken"))
        else {
            return detail;
        };
        let name = secret.as_str().and_then(secret_name_of);
        let org = name.and_then(|name| conventions.org_of_secret(name));
        // A step in snake case is written in the other form, so that it is one request.
        let known = action.as_str().and_then(KeyAction::parse);
        let action = known.map_or(action, |action| json!(action.as_str()));
        json!({ "orgId": org.map(|org| org.to_string()), "action": action, "token": token, "secretArn": secret })
    }

    fn parse(detail: &Value) -> Result<Self, InvalidField> {
        let secret_arn = optional_text(detail, "secretArn", ARN_RULE)?.map(str::to_owned);
        let id = match (optional_text(detail, "orgId", OrgId::RULE)?, &secret_arn) {
            (None, Some(arn)) => {
                let problem = format!("is {}, whose name is no organization's", quoted(arn));
                return Err(InvalidField::new("secretArn", problem, "the ARN of an organization's secret"));
            }
            _ => text(detail, "orgId", OrgId::RULE)?,
        };
        let org_id = OrgId::parse(id)
            .map_err(|why| InvalidField::new("orgId", format!("is {}, which {why}", quoted(id)), OrgId::RULE))?;
        let name = text(detail, "action", ACTION_RULE)?;
        let action = KeyAction::parse(name)
            .ok_or_else(|| InvalidField::new("action", format!("is {}", quoted(name)), ACTION_RULE))?;
        let token = text(detail, "token", TOKEN_RULE)?;
        if !(32..=64).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidField::new("token", format!("is {}", quoted(token)), TOKEN_RULE));
        }
        Ok(Self { org_id, action, token: token.to_owned(), secret_arn })
    }

    fn subject(&self) -> OrgSubject {
        OrgSubject { org_id: self.org_id.to_string(), environment: None }
    }

    fn subject_of(detail: &Value) -> Option<OrgSubject> {
        let org_id = detail.get("orgId")?.as_str()?.chars().take(64).collect();
        Some(OrgSubject { org_id, environment: None })
    }

    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
        deployment.admit_place(place)?;
        let Some(arn) = &self.secret_arn else { return Ok(()) };
        let name = deployment.conventions.secret_name(&self.org_id);
        if place.is_secret_arn(arn, &name) {
            return Ok(());
        }
        let message = format!(
            "field secretArn is {}, which is not secret {name} in account {} and region {}; rotate it with the function of its own deployment",
            quoted(arn),
            place.account,
            place.region
        );
        Err(StepError::new(ErrorCode::InvalidField, Self::DETAIL_TYPE, message))
    }
}

/// The name in a secret's ARN, without the six characters that Secrets Manager added.
fn secret_name_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(7, ':');
    let service = parts.nth(2)?;
    let resource = parts.nth(3)?;
    let (name, suffix) = resource.rsplit_once('-')?;
    (service == "secretsmanager" && suffix.len() == 6).then_some(name)
}

#[cfg(test)]
mod tests {
    use org::AccountClass;

    use super::*;
    use crate::command::Request;

    const TOKEN: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

    fn arn(name: &str) -> String {
        format!("arn:aws:secretsmanager:us-east-1:111111111111:secret:{name}")
    }

    fn asked(step: &str, secret: &str) -> Value {
        json!({ "Step": step, "SecretId": secret, "ClientRequestToken": TOKEN, "RotationToken": "r" })
    }

    fn read(detail: Value) -> Result<RotateKey, StepError> {
        let translated = RotateKey::translated(detail, &Conventions::default());
        Request::<RotateKey>::read(translated).map(|request| request.command)
    }

    fn admitted(command: &RotateKey) -> Result<(), ErrorCode> {
        let deployment = Deployment {
            expected_account: "111111111111".into(),
            account_class: AccountClass::Production,
            conventions: Conventions::default(),
        };
        let place = Place { partition: "aws".into(), account: "111111111111".into(), region: "us-east-1".into() };
        command.admit(&deployment, &place).map_err(|error| error.code())
    }

    #[test]
    fn secrets_managers_form_is_read_in_both_spellings() {
        let secret = arn("fusion-rms/abc/aws-AbCdEf");
        for (camel, snake, action) in [
            ("createSecret", "create_secret", KeyAction::CreateSecret),
            ("setSecret", "set_secret", KeyAction::SetSecret),
            ("testSecret", "test_secret", KeyAction::TestSecret),
            ("finishSecret", "finish_secret", KeyAction::FinishSecret),
        ] {
            let command = read(asked(camel, &secret)).unwrap();
            assert_eq!((command.org_id.as_str(), command.action, command.token.as_str()), ("abc", action, TOKEN));
            assert_eq!(read(asked(snake, &secret)).unwrap(), command);
            assert_eq!(admitted(&command), Ok(()));
        }
        let ours = read(json!({ "orgId": "abc", "action": "retireKey", "token": TOKEN })).unwrap();
        assert_eq!((ours.action, admitted(&ours)), (KeyAction::RetireKey, Ok(())));
    }

    #[test]
    fn the_token_of_another_account_is_not_carried_along() {
        let translated =
            RotateKey::translated(asked("createSecret", &arn("fusion-rms/abc/aws-AbCdEf")), &Conventions::default());
        assert_eq!(translated.as_object().unwrap().len(), 4);
        assert!(!translated.to_string().contains("RotationToken"));
    }

    #[test]
    fn another_secret_is_refused() {
        for secret in
            ["fusion-rms/abc/aws", &arn("fusion-rms/ABC/aws-AbCdEf"), &arn("other-AbCdEf"), "", "arn:aws:s3:::b"]
        {
            let error = read(asked("createSecret", secret)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidField, "{secret}");
        }
        for secret in [
            "arn:aws:secretsmanager:us-east-1:222222222222:secret:fusion-rms/abc/aws-AbCdEf",
            "arn:aws:secretsmanager:eu-west-1:111111111111:secret:fusion-rms/abc/aws-AbCdEf",
            "arn:aws-cn:secretsmanager:us-east-1:111111111111:secret:fusion-rms/abc/aws-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:111111111111:key:fusion-rms/abc/aws-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:111111111111:secret:fusion-rms/abc/aws-AbCd/f",
        ] {
            let refused = read(asked("createSecret", secret)).map_err(|error| error.code());
            let refused = refused.and_then(|command| admitted(&command));
            assert_eq!(refused, Err(ErrorCode::InvalidField), "{secret}");
        }
    }

    #[test]
    fn every_field_is_checked() {
        for (detail, said) in [
            (json!({ "action": "retireKey", "token": TOKEN }), "orgId is missing"),
            (json!({ "orgId": "Abc", "action": "retireKey", "token": TOKEN }), "orgId is \"Abc\""),
            (json!({ "orgId": "abc", "token": TOKEN }), "action is missing"),
            (json!({ "orgId": "abc", "action": "createsecret", "token": TOKEN }), "action is \"createsecret\""),
            (json!({ "orgId": "abc", "action": "Create_Secret", "token": TOKEN }), "action is \"Create_Secret\""),
            (json!({ "orgId": "abc", "action": "retireKey" }), "token is missing"),
            (json!({ "orgId": "abc", "action": "retireKey", "token": "short" }), "token is \"short\""),
            (json!({ "orgId": "abc", "environment": "production" }), "action is missing"),
        ] {
            let error = read(detail).unwrap_err();
            assert!(error.message().contains(said), "{said}: {error}");
        }
    }

    #[test]
    fn each_action_of_each_rotation_is_a_request_of_its_own() {
        let id = |action: &str, token: &str| {
            let detail = json!({ "orgId": "abc", "action": action, "token": token });
            Request::<RotateKey>::read(detail).unwrap().request_id
        };
        assert_eq!(id("retireKey", TOKEN), id("retire_key", TOKEN));
        assert_ne!(id("retireKey", TOKEN), id("finishSecret", TOKEN));
        assert_ne!(id("retireKey", TOKEN), id("retireKey", &TOKEN.replace('a', "b")));
        let from_secrets_manager = read(asked("finishSecret", &arn("fusion-rms/abc/aws-AbCdEf"))).unwrap();
        assert_eq!(json!(from_secrets_manager).as_object().unwrap().len(), 3);
    }
}
