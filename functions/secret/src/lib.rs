//! The organization's access key: made once, stored once, never seen.
//!
//! Promise: however many runs there were, at once, twice, crashed or cut off, once they have settled the user
//! has exactly one active access key, and the secret's AWSCURRENT version holds exactly that key; or a
//! conflict says why not, and nothing was written. docs/semantics.md argues why the protocol keeps it.

mod decision;
mod store;

use std::fmt;
use std::time::Duration;

use aws::keys::{self, History, Holder, Stray};
use aws::new_keys::{self, LastUse};
use aws::secrets::{self, RotationSchedule, StoredSecret};
use aws::users::{self, User};
use aws::{AwsError, ORG_STATE_SINCE_TAG, ServerDate};
use aws_sdk_secretsmanager::types::RotationRulesType;
use aws_smithy_async::time::SharedTimeSource;
use contract::{Change, Effect, ErrorCode, OrgCreated, Report, Run, Step, StepError, StepSpec};
use futures_util::future::{join3, try_join, try_join_all};
use handler::{OwnQueue, StepContext, StepFunction};
use org::Conventions;

use decision::{KeyFacts, Looked};
use store::StorePlace;

/// The step.
pub struct Secret {
    iam: aws_sdk_iam::Client,
    secrets: aws_sdk_secretsmanager::Client,
    own_queue: OwnQueue,
    time: SharedTimeSource,
    conventions: Conventions,
    kms_key_id: Option<String>,
    grace: Duration,
    rotation: Option<RotationSchedule>,
}

/// The user, its keys and the secret, looked at in one moment.
pub struct Observed {
    user: Option<User>,
    looked: Looked,
}

/// What there is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretChange {
    /// Delete a key that a run made and could not store any more.
    DeleteLostKey {
        /// Its id.
        access_key_id: String,
    },
    /// Make a key and store it.
    CreateKey(StorePlace),
    /// Have Secrets Manager rotate the key from now on.
    ScheduleRotation(RotationSchedule),
    /// Take back that the secret is scheduled for deletion, then look again.
    Restore,
}

impl StepFunction for Secret {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            iam: context.clients.iam(2),
            secrets: context.clients.secrets_manager(1),
            own_queue: context.own_queue(),
            time: context.time.clone(),
            conventions: context.settings.deployment.conventions.clone(),
            kms_key_id: context.settings.kms_key_id.clone(),
            grace: context.settings.key_grace,
            rotation: context
                .settings
                .rotation
                .clone()
                .map(|(function_arn, days)| RotationSchedule { function_arn, days: Some(days.into()) }),
        }
    }
}

impl Step for Secret {
    const SPEC: StepSpec =
        StepSpec { name: "secret", triggers: &["IamUserProvisioned"], completion: "SecretProvisioned" };
    type Command = OrgCreated;
    type Observed = Observed;
    type Change = SecretChange;

    async fn observe(&self, run: &Run<'_, OrgCreated>) -> Result<Observed, StepError> {
        let (user_name, secret_name) = self.names(run.command);
        let date = ServerDate::default();
        let (user, keys, secret) = join3(
            users::find(&self.iam, &user_name),
            users::access_keys(&self.iam, &user_name, &date),
            secrets::find(&self.secrets, &secret_name, &date),
        )
        .await;
        let (listed, secret) = (keys?, secret?);
        let is_stored = |id: &str| secret.as_ref().is_some_and(|secret| secret.holds(id));
        // Only where there is a key to judge is more looked into.
        let others = listed.iter().any(|key| !is_stored(&key.id));
        let versions = async {
            match secret.as_ref().filter(|secret| others && !secret.scheduled_for_deletion) {
                Some(secret) => keys::labelled_versions(&self.secrets, secret).await,
                None => Ok(Vec::new()),
            }
        };
        let uses = listed.iter().map(async |key| {
            let age = date.age_of(&key.created);
            let judged = !is_stored(&key.id) && age > self.grace;
            let used = if judged { Some(self.was_used(&user_name, &key.id).await?) } else { None };
            Ok::<_, StepError>((age, used))
        });
        let (versions, uses) = try_join(versions, try_join_all(uses)).await?;
        let facts = listed.into_iter().zip(uses).map(|(key, (age, used))| {
            let holder = keys::holder(secret.as_ref(), &versions, &key.id);
            let history = used.map(|used| History { used, labelled: holder == Holder::Other });
            KeyFacts { key: Stray { id: key.id, active: key.active, age, history }, holder }
        });
        let keys = facts.collect();
        let version_age = secret.as_ref().and_then(|secret| secret.current_for(&date));
        Ok(Observed { user: user?, looked: Looked { keys, secret, version_age } })
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Observed) -> Result<Vec<SecretChange>, StepError> {
        let (_, secret_name) = self.names(run.command);
        if run.delayed_check && users::is_gone(observed.user.as_ref()) {
            // What is left of an organization that is not active any more is its own function's to clear up.
            return Ok(Vec::new());
        }
        let user = users::require_for(observed.user.as_ref(), &self.conventions, run.command)?;
        if let Some(secret) = &observed.looked.secret {
            secret.require_owner(&self.conventions, &run.command.org_id)?;
            if secret.scheduled_for_deletion && run.command.reonboard && !run.delayed_check {
                return Ok(vec![SecretChange::Restore]);
            }
            secret.require_ours(&self.conventions, &run.command.org_id)?;
        }
        let mut changes = decision::plan(&observed.looked, user, run.place, &secret_name, self.grace)?;
        if run.delayed_check {
            // A check that made a key would ask for the next check, without end where storing is refused.
            changes.retain(|change| !matches!(change, SecretChange::CreateKey(_)));
            return Ok(changes);
        }
        let wanted = secrets::schedule_to_set(observed.looked.secret.as_ref(), self.rotation.as_ref());
        changes.extend(wanted.cloned().map(SecretChange::ScheduleRotation));
        Ok(changes)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: Observed,
        changes: Vec<SecretChange>,
    ) -> Result<Report, StepError> {
        let mut arn =
            observed.looked.secret.as_ref().map(|secret: &StoredSecret| secret.arn.clone()).unwrap_or_default();
        let changed_state = observed.user.as_ref().is_some_and(|user| user.tag(ORG_STATE_SINCE_TAG).is_some());
        for change in changes {
            match change {
                SecretChange::DeleteLostKey { access_key_id } => {
                    new_keys::delete(&self.iam, &self.names(run.command).0, &access_key_id).await?;
                }
                SecretChange::CreateKey(place) => arn = self.create_and_store(run, &place, changed_state).await?,
                SecretChange::ScheduleRotation(schedule) => self.schedule(run.command, schedule).await?,
                SecretChange::Restore => return self.restore_and_go_on(run).await,
            }
        }
        Ok(Report::of("AWS::SecretsManager::Secret", arn))
    }
}

impl Secret {
    async fn was_used(&self, user_name: &str, access_key_id: &str) -> Result<bool, StepError> {
        Ok(new_keys::last_use(&self.iam, user_name, access_key_id).await? != LastUse::Never)
    }

    /// Sets the schedule. The first rotation comes when it is due: the key that is there was made a moment ago, or works.
    /// Doing it twice changes nothing.
    async fn schedule(&self, command: &OrgCreated, schedule: RotationSchedule) -> Result<(), StepError> {
        let (_, secret_name) = self.names(command);
        let rules = RotationRulesType::builder().set_automatically_after_days(schedule.days).build();
        let request = self.secrets.rotate_secret().secret_id(&secret_name).rotation_lambda_arn(schedule.function_arn);
        let answer = request.rotation_rules(rules).rotate_immediately(false).send().await;
        let answer = answer.map_err(|error| AwsError::of("RotateSecret", error));
        answer.map(drop).map_err(|error| {
            error.explain(secrets::resource(&secret_name), |error| not_scheduled(error.code(), error.message()))
        })
    }

    /// What a secret holds can be read only once it is restored.
    async fn restore_and_go_on(&self, run: &Run<'_, OrgCreated>) -> Result<Report, StepError> {
        let (_, secret_name) = self.names(run.command);
        let restored = self.secrets.restore_secret().secret_id(&secret_name).send().await;
        restored
            .map_err(|error| AwsError::of("RestoreSecret", error).explain_as_usual(secrets::resource(&secret_name)))?;
        let observed = Box::pin(self.observe(run)).await?;
        let changes = self.plan(run, &observed)?;
        if changes.contains(&SecretChange::Restore) {
            let message = "was restored, which does not show everywhere yet; the step is tried again later";
            return Err(StepError::new(ErrorCode::Propagating, secrets::resource(&secret_name), message));
        }
        Box::pin(self.apply(run, observed, changes)).await
    }

    /// The user's name and the secret's.
    fn names(&self, command: &OrgCreated) -> (String, String) {
        (self.conventions.user_name(&command.org_id), self.conventions.secret_name(&command.org_id))
    }
}

/// What RotateSecret's own codes mean. The key is stored by then, and the next run sets the schedule alone.
fn not_scheduled(code: &str, message: &str) -> Option<(ErrorCode, String)> {
    match code {
        // "A previous rotation isn't complete. That rotation will be reattempted."
        "InvalidRequestException" => Some((
            ErrorCode::ConcurrentUpdate,
            "is being rotated or was scheduled for deletion in the meantime; the step looks again later".to_owned(),
        )),
        "ResourceNotFoundException" => Some((
            ErrorCode::ConcurrentUpdate,
            "was deleted in the meantime, or its rotation function is not there; the step looks again later".to_owned(),
        )),
        // "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to
        // the principal secretsmanager.amazonaws.com." A function's policy that was just written is not known at once.
        "AccessDeniedException" if message.contains("cannot invoke") => Some((
            ErrorCode::Waiting,
            format!("cannot be given its schedule yet ({message}); the step is tried again later"),
        )),
        _ => None,
    }
}

impl Change for SecretChange {
    fn effect(&self) -> Effect {
        match self {
            Self::DeleteLostKey { .. } | Self::ScheduleRotation(_) | Self::Restore => Effect::Updates,
            Self::CreateKey(_) => Effect::Creates,
        }
    }
}

impl fmt::Display for SecretChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteLostKey { access_key_id } => write!(f, "delete the lost access key {access_key_id}"),
            Self::ScheduleRotation(RotationSchedule { days, .. }) => {
                write!(f, "have the access key rotated every {} days", days.unwrap_or_default())
            }
            Self::Restore => f.write_str("restore the secret, which is scheduled for deletion"),
            Self::CreateKey(StorePlace::NewSecret { .. }) => {
                f.write_str("create an access key and store it in a new secret")
            }
            Self::CreateKey(StorePlace::NewVersion { .. }) => {
                f.write_str("create an access key and store it as the secret's next version")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_that_cannot_be_set_yet_is_tried_again() {
        let told = |code, message| not_scheduled(code, message).map(|(code, _)| code);
        assert_eq!(told("InvalidRequestException", ""), Some(ErrorCode::ConcurrentUpdate));
        assert_eq!(told("ResourceNotFoundException", ""), Some(ErrorCode::ConcurrentUpdate));
        let not_yet = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.";
        assert_eq!(told("AccessDeniedException", not_yet), Some(ErrorCode::Waiting));
        assert_eq!(told("AccessDeniedException", "is not authorized to perform: secretsmanager:RotateSecret"), None);
    }
}
