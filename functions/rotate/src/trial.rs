//! Using a new key before it becomes current: whoever reads the secret afterwards gets a key that works.

use aws::{AwsError, Clients, Credential, secrets, users};
use aws_credential_types::Credentials;
use contract::{ErrorCode, KeyAction, RotateKey, Run, StepError};

use crate::decision::Decision;
use crate::{Observed, Rotate};

/// Has init open the connections to STS and S3. The clients themselves are made when there is a key to try.
pub(crate) fn expect_calls(clients: &Clients) {
    aws::note_destination!(clients, aws_sdk_sts, "STS", 1);
    aws::note_destination!(clients, aws_sdk_s3, "S3", 1);
}

impl Rotate {
    /// Tries the rotation's key, if it is the turn of a step that needs a key that works and the key is there. What is
    /// missing is the plan's to say.
    pub(crate) async fn try_new_key(&self, run: &Run<'_, RotateKey>, observed: &Observed) -> Result<(), StepError> {
        let needs_it = matches!(run.command.action, KeyAction::TestSecret | KeyAction::FinishSecret);
        let Ok((user, secret)) = self.require_ours(run, observed) else { return Ok(()) };
        let decide = Decision { looked: &observed.looked, secret, user, terms: self.terms };
        match decide.new_key(&run.command.token) {
            Ok(Some(credential)) if needs_it && !run.delayed_check => {
                self.sign_in(credential, &user.arn).await?;
                self.reach_s3(credential).await
            }
            _ => Ok(()),
        }
    }

    /// A new key takes a while to be known everywhere, so a refusal is waited out. GetCallerIdentity needs no permission.
    async fn sign_in(&self, credential: &Credential, user_arn: &str) -> Result<(), StepError> {
        let config = aws_sdk_sts::config::Builder::from(&self.sdk).credentials_provider(usable(credential)).build();
        let answer = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        let resource = users::resource(&credential.user_name);
        let answer = answer.map_err(|error| {
            refused(AwsError::of("GetCallerIdentity", error), &resource, "cannot sign in with its new access key yet")
        })?;
        let arn = answer.arn.unwrap_or_default();
        if arn == user_arn {
            return Ok(());
        }
        let message = format!("the rotation's version holds a key of {arn}; take AWSPENDING off it and rotate again");
        Err(StepError::new(ErrorCode::SecretUnreadable, secrets::resource(&credential.user_name), message))
    }

    /// S3 learns of a key by itself, some seconds after STS, and is what the key is for. The user may not list buckets, so
    /// AccessDenied is the answer of an S3 that knows the key. A user that may is what `verify` complains of.
    async fn reach_s3(&self, credential: &Credential) -> Result<(), StepError> {
        let config = aws::s3_config(&self.sdk).credentials_provider(usable(credential)).build();
        let answer = aws_sdk_s3::Client::from_conf(config).list_buckets().send().await;
        match answer.map_err(|error| AwsError::of("ListBuckets", error)) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == "AccessDenied" => Ok(()),
            Err(error) => {
                let resource = users::resource(&credential.user_name);
                Err(refused(error, &resource, "cannot use S3 with its new access key yet"))
            }
        }
    }
}

fn usable(credential: &Credential) -> Credentials {
    let secret = credential.secret_access_key.expose();
    Credentials::new(&credential.access_key_id, secret, None, None, "new access key")
}

/// A refusal is waited out; anything else means what it always means.
fn refused(error: AwsError, resource: &str, what: &str) -> StepError {
    error.explain(resource, |error| {
        let waits = error.status().is_some() && error.is_refusal() && !error.is_throttling();
        waits.then(|| (ErrorCode::Propagating, format!("{what} ({}); the step is tried again later", error.code())))
    })
}
