//! Using a new key before it becomes current: whoever reads the secret afterwards gets a key that works.

use aws::{AwsError, Clients, Credential, secrets, users};
use aws_credential_types::Credentials;
use contract::{ErrorCode, KeyAction, RotateKey, Run, StepError};

use crate::decision::Decision;
use crate::{Observed, Rotate};

/// Has init open the connection to STS. The client itself is made when there is a key to try.
pub(crate) fn expect_calls(clients: &Clients) {
    aws::note_destination!(clients, aws_sdk_sts, "STS", 1);
}

impl Rotate {
    /// Tries the rotation's key, if it is the turn of a step that needs a key that works and the key is there. What is
    /// missing is the plan's to say.
    pub(crate) async fn try_new_key(&self, run: &Run<'_, RotateKey>, observed: &Observed) -> Result<(), StepError> {
        let needs_it = matches!(run.command.action, KeyAction::TestSecret | KeyAction::FinishSecret);
        let Ok((user, secret)) = self.require_ours(run, observed) else { return Ok(()) };
        let decide = Decision { looked: &observed.looked, secret, user, terms: self.terms };
        match decide.new_key(&run.command.token) {
            Ok(Some(credential)) if needs_it && !run.delayed_check => self.sign_in(credential, &user.arn).await,
            _ => Ok(()),
        }
    }

    /// A new key takes a while to be known everywhere, so a refusal is waited out. GetCallerIdentity needs no permission.
    async fn sign_in(&self, credential: &Credential, user_arn: &str) -> Result<(), StepError> {
        let secret = credential.secret_access_key.expose();
        let credentials = Credentials::new(&credential.access_key_id, secret, None, None, "new access key");
        let config = aws_sdk_sts::config::Builder::from(&self.sdk).credentials_provider(credentials).build();
        let answer = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        let resource = users::resource(&credential.user_name);
        let answer = answer.map_err(|error| {
            AwsError::of("GetCallerIdentity", error).explain(&resource, |error| {
                let waits = error.status().is_some() && error.is_refusal() && !error.is_throttling();
                let message = || {
                    format!(
                        "cannot sign in with its new access key yet ({}); the step is tried again later",
                        error.code()
                    )
                };
                waits.then(|| (ErrorCode::Propagating, message()))
            })
        })?;
        let arn = answer.arn.unwrap_or_default();
        if arn == user_arn {
            return Ok(());
        }
        let message = format!("the rotation's version holds a key of {arn}; take AWSPENDING off it and rotate again");
        Err(StepError::new(ErrorCode::SecretUnreadable, secrets::resource(&credential.user_name), message))
    }
}
