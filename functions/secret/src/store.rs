//! Making a key and storing it, so that of all runs that saw the same state exactly one key stays.
//!
//! CreateAccessKey has no idempotency token and tells the secret once. Secrets Manager's tokens are what
//! makes it safe: a token is a register that is written once, and every run that saw the same predecessor
//! derives the same token.

use aws::new_keys::{self, CHECK_MARGIN, Stored};
use aws::{AwsError, Credential, secrets};
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::types::Tag;
use contract::{ErrorCode, OrgCreated, Run, StepError};
use futures_util::future::join;
use uuid::{Uuid, uuid};

use crate::Secret;

/// The name space of the tokens.
const TOKENS: Uuid = uuid!("0d9bd3a4-5b0f-5ac4-8f5e-5a2f3c8d7b16");

/// Where a key is stored, with the token that makes this place one key's only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// A secret that does not exist: creating it by name is what only one run can do.
    NewSecret {
        /// Its name.
        name: String,
    },
    /// The next version of a secret that exists.
    NewVersion {
        /// The secret's name.
        name: String,
        /// The token, derived from the version that is replaced.
        token: String,
    },
}

impl StorePlace {
    /// The first version of a secret that exists and is empty.
    pub(crate) fn first_version(name: &str) -> Self {
        Self::NewVersion { name: name.to_owned(), token: first_token(name) }
    }

    /// The version after `replaced`. The version before that is part of the token too: should somebody move
    /// AWSCURRENT back to a version that was replaced once, its next successor has another token.
    pub(crate) fn successor_of(name: &str, replaced: &str, previous: Option<&str>) -> Self {
        let place = [name, replaced, previous.unwrap_or_default()].join("\n");
        Self::NewVersion { name: name.to_owned(), token: Uuid::new_v5(&TOKENS, place.as_bytes()).to_string() }
    }

    fn name(&self) -> &str {
        match self {
            Self::NewSecret { name } | Self::NewVersion { name, .. } => name,
        }
    }
}

fn first_token(name: &str) -> String {
    Uuid::new_v5(&TOKENS, name.as_bytes()).to_string()
}

impl Secret {
    /// Makes a key and stores it; answers the secret's ARN.
    ///
    /// The delayed check is on its way before anything is stored, so that whatever a sibling of this run
    /// leaves behind is found, even if this run ends here.
    pub(crate) async fn create_and_store(
        &self,
        run: &Run<'_, OrgCreated>,
        place: &StorePlace,
        changed_state: bool,
    ) -> Result<String, StepError> {
        let left = run.deadline.left(self.time.now());
        new_keys::require_time(left, self.grace, &secrets::resource(place.name()))?;
        let check = self.own_queue.check_later(run, self.grace + CHECK_MARGIN);
        let (user, _) = self.names(run.command);
        let (checked, created) = join(check, new_keys::create(&self.iam, &user, changed_state)).await;
        let credential = created?;
        if let Err(error) = checked {
            new_keys::take_back(&self.iam, &credential, &error).await?;
            return Err(error);
        }
        match new_keys::store(async || self.store_once(run.command, place, &credential).await).await {
            Stored::Yes(arn) => Ok(arn),
            Stored::No(error) => {
                let error = explain(place, error);
                new_keys::take_back(&self.iam, &credential, &error).await?;
                Err(error)
            }
            Stored::Unknown(error) => {
                let message = "whether the new key was stored is not known; the next run sees it";
                Err(error.explain(secrets::resource(place.name()), |_| {
                    Some((ErrorCode::OutcomeUnknown, message.to_owned()))
                }))
            }
        }
    }

    async fn store_once(
        &self,
        command: &OrgCreated,
        place: &StorePlace,
        credential: &Credential,
    ) -> Result<String, AwsError> {
        let once = aws_sdk_secretsmanager::config::Builder::new().retry_config(RetryConfig::disabled());
        let value = credential.to_secret_string();
        let arn = match place {
            StorePlace::NewSecret { name } => {
                let tag = Tag::builder().key(self.conventions.tag_key()).value(command.org_id.as_str()).build();
                let request = self
                    .secrets
                    .create_secret()
                    .name(name)
                    .client_request_token(first_token(name))
                    .description("Access key of the organization's IAM user, made by org-provisioner")
                    .secret_string(value.expose())
                    .set_kms_key_id(self.kms_key_id.clone())
                    .tags(tag);
                let answer = request.customize().config_override(once).send().await;
                answer.map_err(|error| AwsError::of("CreateSecret", error))?.arn
            }
            StorePlace::NewVersion { name, token } => {
                let request = self
                    .secrets
                    .put_secret_value()
                    .secret_id(name)
                    .client_request_token(token)
                    .secret_string(value.expose());
                let answer = request.customize().config_override(once).send().await;
                answer.map_err(|error| AwsError::of("PutSecretValue", error))?.arn
            }
        };
        Ok(arn.unwrap_or_default())
    }
}

/// What a certain refusal to store means.
fn explain(place: &StorePlace, error: AwsError) -> StepError {
    error.explain(secrets::resource(place.name()), |error| match error.code() {
        "ResourceExistsException" => {
            Some((ErrorCode::ConcurrentUpdate, "another run stored a key first; the step looks again later".to_owned()))
        }
        "ResourceNotFoundException" | "InvalidRequestException" => Some((
            ErrorCode::ConcurrentUpdate,
            "was deleted or scheduled for deletion in the meantime; the step looks again later".to_owned(),
        )),
        "LimitExceededException" => Some((
            ErrorCode::QuotaExceeded,
            "cannot be stored: a quota of Secrets Manager is used up; have it raised and replay the event".to_owned(),
        )),
        _ => None,
    })
}
