//! What the steps after sign-up share: suspending, resuming and offboarding an organization.
//!
//! The tags `OrgState` on the user and the bucket decide. Each of these steps writes them first, so that provisioning
//! refuses from then on. A run of another step that looked before they were written may still write after it; so each
//! of them looks once more when every such run has ended ([`Lifecycle::look_again`]), and puts right what such a run
//! did, if the tags still say what it wrote.

mod again;
mod change;
mod keys;
mod observed;
mod state;
mod write;

use std::time::Duration;

use contract::{Run, StepError};
use handler::{OwnQueue, Settings, StepContext};
use org::{Conventions, OrgId, Place};

pub use again::Look;
pub use change::Change;
pub use keys::{Key, Whose, require_no_foreign};
pub use observed::{Doors, Observed};
pub use state::State;

/// What it takes to look at an organization: clients, which only read here, and rules.
pub struct Observer {
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// How things are called.
    pub conventions: Conventions,
    grace: Duration,
}

impl Observer {
    /// Makes the clients; `iam_calls` and `s3_calls` are how many calls to each are made at one time.
    pub fn new(clients: &aws::Clients, settings: &Settings, iam_calls: usize, s3_calls: usize) -> Self {
        Self {
            iam: clients.iam(iam_calls),
            s3: clients.s3(s3_calls),
            secrets: clients.secrets_manager(2),
            conventions: settings.deployment.conventions.clone(),
            grace: settings.key_grace,
        }
    }

    /// The user's name and the secret's.
    pub fn names(&self, org: &OrgId) -> (String, String) {
        (self.conventions.user_name(org), self.conventions.secret_name(org))
    }

    /// How long whoever saw another state may go on, and what it does may stay out of sight.
    fn settles(&self) -> Duration {
        self.grace + aws::STATE_SETTLES
    }
}

/// A step that changes an organization's state: what it looks with, and its own queue for the second look.
pub struct Lifecycle {
    /// What it looks with, and writes with.
    pub observer: Observer,
    own_queue: OwnQueue,
}

impl Lifecycle {
    /// From a function's context; `iam_calls` is how many calls to IAM the step makes at one time.
    pub fn new(context: &StepContext<'_>, iam_calls: usize) -> Self {
        Self {
            observer: Observer::new(context.clients, &context.settings, iam_calls, 5),
            own_queue: context.own_queue(),
        }
    }

    /// Makes the changes in their order: those that say the state first, then the second look is asked for, then the rest.
    ///
    /// # Errors
    /// What AWS says; what was changed before stays, and the next run goes on from there.
    pub async fn apply<C, D>(
        &self,
        run: &Run<'_, C>,
        org: &OrgId,
        observed: &Observed<D>,
        changes: &[Change],
    ) -> Result<(), StepError> {
        let of_state = changes.iter().take_while(|change| change.is_about_state()).count();
        let (state, rest) = changes.split_at(of_state);
        for change in state {
            self.still(run.place, org, observed, change).await?;
            self.change(run.place, org, change).await?;
        }
        self.look_again(run, observed, changes).await?;
        for change in rest {
            self.still(run.place, org, observed, change).await?;
            self.change(run.place, org, change).await?;
        }
        Ok(())
    }

    /// For a change that writes a state: that it still may be written.
    async fn still<D>(
        &self,
        place: &Place,
        org: &OrgId,
        observed: &Observed<D>,
        change: &Change,
    ) -> Result<(), StepError> {
        match change {
            Change::TagBucket { state, .. } | Change::TagUser { state, .. } => {
                self.require_still(place, org, observed, *state).await
            }
            _ => Ok(()),
        }
    }

    /// Asks for the second look, unless the state was written so long ago that this look was late enough, or this is it. A
    /// second look that has to write the state itself was no second look at that: it asks for one more.
    ///
    /// # Errors
    /// When the queue does not take the message: then nothing else may be done, and the next run asks again.
    pub async fn look_again<C, D>(
        &self,
        run: &Run<'_, C>,
        observed: &Observed<D>,
        changes: &[Change],
    ) -> Result<(), StepError> {
        let writes_state = changes.iter().any(Change::is_about_state);
        let young = observed.age_of_state().is_some_and(|age| age < self.observer.settles());
        if !writes_state && (run.delayed_check || !young) {
            return Ok(());
        }
        // What is written is dated by this run's look, what was there already by its own tag.
        let written = observed.now().and_then(|now| u64::try_from(now.secs()).ok());
        let command = if writes_state { written } else { observed.since() };
        self.own_queue.check_later_of(run, self.observer.settles(), command).await
    }
}
