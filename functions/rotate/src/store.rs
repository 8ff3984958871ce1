//! Making the new key, storing it under the rotation's token, and moving AWSCURRENT to it.

use aws::new_keys::{self, CHECK_MARGIN, Stored};
use aws::secrets::{self, AWSCURRENT, AWSPENDING};
use aws::{AwsError, Credential};
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use contract::{ErrorCode, RotateKey, Run, StepError};
use futures_util::future::join;

use crate::Rotate;

impl Rotate {
    /// Makes a key and stores it, by the protocol of the `secret` step: the delayed check is on its way before anything is
    /// stored, and the token is a register that is written once.
    pub(crate) async fn create_and_store(&self, run: &Run<'_, RotateKey>) -> Result<(), StepError> {
        let (user_name, secret_name) = self.names(run.command);
        let resource = secrets::resource(&secret_name);
        new_keys::require_time(run.deadline.left(self.time.now()), self.terms.grace, &resource)?;
        let check = self.own_queue.check_later(run, self.terms.grace + CHECK_MARGIN);
        let (checked, created) = join(check, new_keys::create(&self.iam, &user_name, false)).await;
        let credential = created?;
        if let Err(error) = checked {
            new_keys::take_back(&self.iam, &credential, &error).await?;
            return Err(error);
        }
        let token = &run.command.token;
        match new_keys::store(async || self.store_once(&secret_name, token, &credential).await).await {
            Stored::Yes(()) => Ok(()),
            Stored::No(error) => {
                let error = explain(&resource, error);
                new_keys::take_back(&self.iam, &credential, &error).await?;
                Err(error)
            }
            Stored::Unknown(error) => {
                let message = "whether the new key was stored is not known; the next run sees it";
                Err(error.explain(resource, |_| Some((ErrorCode::OutcomeUnknown, message.to_owned()))))
            }
        }
    }

    async fn store_once(&self, name: &str, token: &str, credential: &Credential) -> Result<(), AwsError> {
        let once = aws_sdk_secretsmanager::config::Builder::new().retry_config(RetryConfig::disabled());
        let value = credential.to_secret_string();
        let request = self.secrets.put_secret_value().secret_id(name).client_request_token(token);
        let request = request.secret_string(value.expose()).version_stages(AWSPENDING);
        let answer = request.customize().config_override(once).send().await;
        answer.map(drop).map_err(|error| AwsError::of("PutSecretValue", error))
    }

    /// Moves AWSCURRENT, if it is still where it was seen. A second run finds it moved, and has nothing to do.
    pub(crate) async fn make_current(
        &self,
        run: &Run<'_, RotateKey>,
        instead_of: Option<String>,
    ) -> Result<(), StepError> {
        let (_, secret_name) = self.names(run.command);
        let request = self.secrets.update_secret_version_stage().secret_id(&secret_name).version_stage(AWSCURRENT);
        let request = request.move_to_version_id(&run.command.token).set_remove_from_version_id(instead_of);
        let answer = request.send().await.map_err(|error| AwsError::of("UpdateSecretVersionStage", error));
        answer.map(drop).map_err(|error| explain(&secrets::resource(&secret_name), error))
    }
}

/// What a certain refusal means.
fn explain(resource: &str, error: AwsError) -> StepError {
    error.explain(resource, |error| match error.code() {
        "ResourceExistsException" => Some((
            ErrorCode::ConcurrentUpdate,
            "another run stored the rotation's key first; the step looks again later".to_owned(),
        )),
        // "Staging label AWSCURRENT is not attached to version ..."
        "InvalidParameterException" => {
            Some((ErrorCode::ConcurrentUpdate, "another run moved AWSCURRENT; the step looks again later".to_owned()))
        }
        "ResourceNotFoundException" | "InvalidRequestException" => Some((
            ErrorCode::ConcurrentUpdate,
            "was deleted or scheduled for deletion in the meantime; the step looks again later".to_owned(),
        )),
        "LimitExceededException" => Some((
            ErrorCode::QuotaExceeded,
            "cannot hold another version: a quota of Secrets Manager is used up; have it raised and rotate again"
                .to_owned(),
        )),
        _ => None,
    })
}
