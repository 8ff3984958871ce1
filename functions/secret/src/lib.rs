//! The organization's access key: made once, stored once, never seen.
//!
//! Promise: however many runs there were, at once, twice, crashed or cut off, once they have settled the user
//! has exactly one active access key, and the secret's AWSCURRENT version holds exactly that key; or a
//! conflict says why not, and nothing was written. docs/semantics.md argues why the protocol keeps it.

mod keys;
mod store;

use std::fmt;
use std::time::Duration;

use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use aws::{AwsError, ORG_STATE_ACTIVE, ORG_STATE_TAG, ServerDate};
use aws_smithy_async::time::SharedTimeSource;
use contract::{Change, Effect, ErrorCode, OrgCreated, Report, Run, Step, StepError, StepSpec};
use futures_util::future::{join3, try_join, try_join_all};
use handler::{OwnQueue, StepContext, StepFunction};
use org::Conventions;

use keys::{History, KeyFacts, Looked};
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
        let (keys, secret) = (keys?, secret?);
        let facts = keys.into_iter().map(async |key| {
            let age = date.age_of(&key.created);
            let is_stored = secret.as_ref().is_some_and(|secret| keys::holds(secret, &key.id));
            // Only a key that has to be judged is looked into.
            let judged = !is_stored && age > self.grace;
            let history = if judged { Some(self.history(&user_name, secret.as_ref(), &key.id).await?) } else { None };
            Ok::<_, StepError>(KeyFacts { id: key.id, active: key.active, age, history })
        });
        let keys = try_join_all(facts).await?;
        let version_age =
            secret.as_ref().and_then(|secret| secret.current.as_ref()).map(|version| date.age_of(&version.created));
        Ok(Observed { user: user?, looked: Looked { keys, secret, version_age } })
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Observed) -> Result<Vec<SecretChange>, StepError> {
        let (_, secret_name) = self.names(run.command);
        if run.delayed_check && is_gone(observed.user.as_ref()) {
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
        let mut changes = keys::plan(&observed.looked, user, run.place, &secret_name, self.grace)?;
        if run.delayed_check {
            // A check that made a key would ask for the next check, without end where storing is refused.
            changes.retain(|change| !matches!(change, SecretChange::CreateKey(_)));
        }
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
        for change in changes {
            match change {
                SecretChange::DeleteLostKey { access_key_id } => self.delete_key(run.command, &access_key_id).await?,
                SecretChange::CreateKey(place) => arn = self.create_and_store(run, &place).await?,
                SecretChange::Restore => return self.restore_and_go_on(run).await,
            }
        }
        Ok(Report::of("AWS::SecretsManager::Secret", arn))
    }
}

/// Whether the organization was suspended or offboarded since a check was asked for.
fn is_gone(user: Option<&User>) -> bool {
    user.is_none_or(|user| user.tag(ORG_STATE_TAG).is_some_and(|state| state != ORG_STATE_ACTIVE))
}

impl Secret {
    /// What is known of a key that is listed and not stored.
    async fn history(
        &self,
        user_name: &str,
        secret: Option<&StoredSecret>,
        access_key_id: &str,
    ) -> Result<History, StepError> {
        let held = async {
            let Some(secret) = secret else { return Ok(Vec::new()) };
            // At most 20 labels a secret, so at most that many versions.
            let versions = secret.other_ids.iter();
            let looks =
                versions.map(|version| secrets::version_may_hold(&self.secrets, &secret.name, version, access_key_id));
            try_join_all(looks).await
        };
        let (used, held) = try_join(self.was_used(user_name, access_key_id), held).await?;
        Ok(History { used, labelled: held.contains(&true) })
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

impl Change for SecretChange {
    fn effect(&self) -> Effect {
        match self {
            Self::DeleteLostKey { .. } | Self::Restore => Effect::Updates,
            Self::CreateKey(_) => Effect::Creates,
        }
    }
}

impl fmt::Display for SecretChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteLostKey { access_key_id } => write!(f, "delete the lost access key {access_key_id}"),
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
