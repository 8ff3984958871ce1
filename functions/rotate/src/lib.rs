//! The rotation of an organization's access key: a new key is made, stored as AWSPENDING, used, and made current; the old
//! one works for an overlap, is deactivated, and is deleted once it is idle.
//!
//! Secrets Manager calls the function for the four steps of a rotation; whoever waits for the end of the overlap calls it
//! for the retirement. Every action can be run again at any time. docs/rotation.md says what is promised.

mod decision;
mod store;
mod trial;

use std::fmt;
use std::time::Duration;

use aws::keys::{self, History, Holder, Stray};
use aws::new_keys::{self, LastUse};
use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use aws::{ORG_STATE_OFFBOARDED, ORG_STATE_RESUMING, ORG_STATE_SUSPENDED, ORG_STATE_TAG, ServerDate};
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use contract::{Change, Effect, ErrorCode, KeyAction, Report, RotateKey, Run, Step, StepError, StepSpec};
use futures_util::future::{join3, try_join, try_join_all};
use handler::{OwnQueue, StepContext, StepFunction};
use org::Conventions;

use decision::{KeyFacts, Looked, Terms};

/// The step.
pub struct Rotate {
    iam: aws_sdk_iam::Client,
    secrets: aws_sdk_secretsmanager::Client,
    sdk: SdkConfig,
    own_queue: OwnQueue,
    time: SharedTimeSource,
    conventions: Conventions,
    terms: Terms,
}

/// The user, its keys and the secret, looked at in one moment.
pub struct Observed {
    user: Option<User>,
    looked: Looked,
}

/// What there is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Delete a key that a run made and could not store any more.
    DeleteLostKey {
        /// Its id.
        access_key_id: String,
    },
    /// Deactivate the old key: its overlap is over. It can be activated again until it is deleted.
    DeactivateOldKey {
        /// Its id.
        access_key_id: String,
    },
    /// Delete the old key: it was deactivated, and nobody has used it for as long as the overlap.
    DeleteOldKey {
        /// Its id.
        access_key_id: String,
    },
    /// Make a key and store it as the rotation's version.
    CreateKey,
    /// Make the rotation's version the current one.
    MakeCurrent {
        /// The version that is current now, if any.
        instead_of: Option<String>,
    },
}

impl StepFunction for Rotate {
    fn new(context: &StepContext<'_>) -> Self {
        trial::expect_calls(context.clients);
        Self {
            iam: context.clients.iam(2),
            secrets: context.clients.secrets_manager(2),
            sdk: context.clients.sdk().clone(),
            own_queue: context.own_queue(),
            time: context.time.clone(),
            conventions: context.settings.deployment.conventions.clone(),
            terms: Terms { grace: context.settings.key_grace, overlap: context.settings.key_overlap },
        }
    }
}

impl Step for Rotate {
    const SPEC: StepSpec = StepSpec { name: "rotate", triggers: &[], completion: "OrgKeyRotated" };
    type Command = RotateKey;
    type Observed = Observed;
    type Change = KeyChange;

    /// The first three steps of a rotation are nobody's news.
    fn completion(command: &RotateKey) -> Option<&'static str> {
        match command.action {
            KeyAction::CreateSecret | KeyAction::SetSecret | KeyAction::TestSecret => None,
            KeyAction::FinishSecret => Some(Self::SPEC.completion),
            KeyAction::RetireKey => Some("OrgKeyRetired"),
        }
    }

    async fn observe(&self, run: &Run<'_, RotateKey>) -> Result<Observed, StepError> {
        let (user_name, secret_name) = self.names(run.command);
        let date = ServerDate::default();
        let (user, listed, secret) = join3(
            users::find(&self.iam, &user_name),
            users::access_keys(&self.iam, &user_name, &date),
            secrets::find(&self.secrets, &secret_name, &date),
        )
        .await;
        let (user, listed, secret) = (user?, listed?, secret?);
        let versions = async {
            match secret.as_ref().filter(|secret| !secret.scheduled_for_deletion) {
                Some(secret) => keys::labelled_versions(&self.secrets, secret).await,
                None => Ok(Vec::new()),
            }
        };
        let uses = listed.iter().map(async |key| {
            let age = date.age_of(&key.created);
            let stored = secret.as_ref().is_some_and(|secret| secret.holds(&key.id));
            // A current key is not judged, nor one so young that another run may be about to store it.
            let judged = !stored && age > self.terms.grace;
            let used = if judged { Some(new_keys::last_use(&self.iam, &user_name, &key.id).await?) } else { None };
            Ok::<_, StepError>((age, used))
        });
        let (versions, uses) = try_join(versions, try_join_all(uses)).await?;
        let facts = listed.into_iter().zip(uses).map(|(key, (age, used))| {
            let holder = keys::holder(secret.as_ref(), &versions, &key.id);
            let history = used.map(|used| History { used: used != LastUse::Never, labelled: holder == Holder::Other });
            let idle_for = match used {
                Some(LastUse::Never) => Duration::MAX,
                Some(LastUse::At(then)) => date.age_of(&then),
                Some(LastUse::Untold) | None => Duration::ZERO,
            };
            KeyFacts { key: Stray { id: key.id, active: key.active, age, history }, holder, idle_for }
        });
        let keys = facts.collect();
        let current_for = secret.as_ref().and_then(|secret| secret.current_for(&date));
        let observed = Observed { user, looked: Looked { keys, secret, versions, current_for } };
        self.try_new_key(run, &observed).await?;
        Ok(observed)
    }

    fn plan(&self, run: &Run<'_, RotateKey>, observed: &Observed) -> Result<Vec<KeyChange>, StepError> {
        if run.delayed_check && users::is_gone(observed.user.as_ref()) {
            return Ok(Vec::new());
        }
        if matches!(run.command.action, KeyAction::RetireKey) && self.has_no_key_to_retire(run, observed)? {
            return Ok(Vec::new());
        }
        let (user, secret) = self.require_ours(run, observed)?;
        let decide = decision::Decision { looked: &observed.looked, secret, user, terms: self.terms };
        if run.delayed_check {
            return decide.lost_keys(run.place);
        }
        match run.command.action {
            KeyAction::CreateSecret => decide.create(&run.command.token, run.place),
            // A key has no second place that it is set in.
            KeyAction::SetSecret => decide.new_key(&run.command.token).map(|_| Vec::new()),
            KeyAction::TestSecret => decide.test(&run.command.token).map(|()| Vec::new()),
            KeyAction::FinishSecret => decide.finish(&run.command.token),
            KeyAction::RetireKey => decide.retire(&run.command.token),
        }
    }

    async fn apply(
        &self,
        run: &Run<'_, RotateKey>,
        observed: Observed,
        changes: Vec<KeyChange>,
    ) -> Result<Report, StepError> {
        let (user_name, _) = self.names(run.command);
        for change in changes {
            match change {
                KeyChange::DeleteLostKey { access_key_id } | KeyChange::DeleteOldKey { access_key_id } => {
                    new_keys::delete(&self.iam, &user_name, &access_key_id).await?;
                }
                KeyChange::DeactivateOldKey { access_key_id } => {
                    new_keys::deactivate(&self.iam, &user_name, &access_key_id).await?;
                    // Done is who retires a key when it is gone.
                    let message = format!(
                        "its old access key {access_key_id} was deactivated, and is deleted once it is idle; the step is tried again later"
                    );
                    return Err(StepError::new(ErrorCode::InProgress, users::resource(&user_name), message));
                }
                KeyChange::CreateKey => self.create_and_store(run).await?,
                KeyChange::MakeCurrent { instead_of } => self.make_current(run, instead_of).await?,
            }
        }
        let arn = observed.looked.secret.map(|secret| secret.arn).unwrap_or_default();
        Ok(Report::of("AWS::SecretsManager::Secret", arn))
    }
}

impl Rotate {
    /// The user's name and the secret's.
    fn names(&self, command: &RotateKey) -> (String, String) {
        (self.conventions.user_name(&command.org_id), self.conventions.secret_name(&command.org_id))
    }

    /// User and secret, if they are there and an active organization's.
    fn require_ours<'o>(
        &self,
        run: &Run<'_, RotateKey>,
        observed: &'o Observed,
    ) -> Result<(&'o User, &'o StoredSecret), StepError> {
        let (user_name, secret_name) = self.names(run.command);
        let org = &run.command.org_id;
        let user = users::require(observed.user.as_ref(), &user_name, &self.conventions, org)?;
        let secret = observed.looked.secret.as_ref().ok_or_else(|| {
            let message = "is not there yet; the step is tried again later";
            StepError::new(ErrorCode::Waiting, secrets::resource(&secret_name), message)
        })?;
        secret.require_ours(&self.conventions, org)?;
        Ok((user, secret))
    }

    /// Whether the organization was offboarded since: its keys are gone. While it is suspended, all its keys are off; the
    /// old one is judged when that is over, for until then nobody can tell whether it is still in use.
    ///
    /// # Errors
    /// `not-ours`, or `in-progress` while it is suspended: whoever retires a key waits for another overlap then.
    fn has_no_key_to_retire(&self, run: &Run<'_, RotateKey>, observed: &Observed) -> Result<bool, StepError> {
        let Some(user) = &observed.user else { return Ok(true) };
        user.require_owner(&self.conventions, &run.command.org_id)?;
        match user.tag(ORG_STATE_TAG) {
            Some(ORG_STATE_OFFBOARDED) => Ok(true),
            Some(state @ (ORG_STATE_SUSPENDED | ORG_STATE_RESUMING)) => {
                let message = format!("says that the organization is {state}; the step is tried again later");
                Err(StepError::new(ErrorCode::InProgress, users::resource(&user.name), message))
            }
            _ => Ok(false),
        }
    }
}

impl Change for KeyChange {
    fn effect(&self) -> Effect {
        match self {
            Self::CreateKey => Effect::Creates,
            _ => Effect::Updates,
        }
    }
}

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteLostKey { access_key_id } => write!(f, "delete the lost access key {access_key_id}"),
            Self::DeactivateOldKey { access_key_id } => write!(f, "deactivate the old access key {access_key_id}"),
            Self::DeleteOldKey { access_key_id } => write!(f, "delete the old access key {access_key_id}"),
            Self::CreateKey => f.write_str("create an access key and store it as the rotation's version"),
            Self::MakeCurrent { .. } => f.write_str("make the rotation's version the current one"),
        }
    }
}
