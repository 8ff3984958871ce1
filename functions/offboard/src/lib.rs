//! Offboarding an organization: its user and its keys are deleted, its secret is scheduled for deletion, its bucket is
//! closed and kept, emptied only if the event asks for it.
//!
//! The order, so that a run that is stopped anywhere leaves a state that says so and from which the next one goes on:
//!
//! 1. The tags `OrgState=offboarded`. From then on provisioning refuses, and they stay: the bucket's is what keeps a late
//!    sign-up from bringing the organization back.
//! 2. The second look is asked for, for the sake of runs that looked before the tags were there.
//! 3. The bucket is closed, and the keys are deleted. Before the secret: what it holds tells whose the keys are.
//! 4. Whatever else keeps IAM from deleting the user, then the user. Where there is no bucket that could say
//!    `offboarded`, the user stays, bare, and says it.
//! 5. The secret is scheduled for deletion.
//! 6. The bucket is emptied.
//!
//! Conflicts are looked for before the tags are written, and not after: what is on the user then has been judged, or was
//! made by a run that looked too early.

mod belongings;
mod change;
mod contents;

use std::time::Duration;

use aws::belongings::Belonging;
use aws::{AwsError, secrets};
use aws_smithy_async::time::SharedTimeSource;
use contract::{Command, ErrorCode, OrgDeleted, Report, Run, Step, StepError, StepSpec};
use futures_util::future::{join, try_join};
use handler::{StepContext, StepFunction};
use lifecycle::{Change, Doors, Lifecycle, Look, State, require_no_foreign};
use org::{BucketName, Conventions, Place};

pub use change::OffboardChange;

/// The step.
pub struct Offboard {
    lifecycle: Lifecycle,
    time: SharedTimeSource,
    recovery_days: u8,
    grace: Duration,
}

/// What of a bucket matters.
#[derive(Clone, Debug)]
pub struct Kept {
    doors: Doors,
    /// Whether it holds any version of any object; not looked at unless it is to be emptied.
    holds_something: bool,
}

/// The organization, and what else its user has.
pub struct Observed {
    org: lifecycle::Observed<Kept>,
    belongings: Vec<Belonging>,
}

/// What the event and the deployment say about how to offboard.
struct Terms<'t> {
    command: &'t OrgDeleted,
    conventions: &'t Conventions,
    recovery_days: u8,
    grace: Duration,
    look: Look,
}

impl StepFunction for Offboard {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            lifecycle: Lifecycle::new(context, 4),
            time: context.time.clone(),
            recovery_days: context.settings.secret_recovery_days,
            grace: context.settings.key_grace,
        }
    }
}

impl Step for Offboard {
    const SPEC: StepSpec =
        StepSpec { name: "offboard", triggers: &[OrgDeleted::DETAIL_TYPE], completion: "OrgOffboardingCompleted" };
    type Command = OrgDeleted;
    type Observed = Observed;
    type Change = OffboardChange;

    async fn observe(&self, run: &Run<'_, OrgDeleted>) -> Result<Observed, StepError> {
        let OrgDeleted { org_id, empty_bucket, .. } = run.command;
        let (user, _) = self.lifecycle.observer.names(org_id);
        let details = async |name: &BucketName| self.kept(run.place, name, *empty_bucket).await;
        let (org, belongings) = join(
            self.lifecycle.observer.observe(run.place, org_id, details),
            aws::belongings::of(&self.lifecycle.observer.iam, &user),
        )
        .await;
        Ok(Observed { org: org?, belongings: belongings? })
    }

    fn plan(&self, run: &Run<'_, OrgDeleted>, observed: &Observed) -> Result<Vec<OffboardChange>, StepError> {
        let terms = Terms {
            command: run.command,
            conventions: &self.lifecycle.observer.conventions,
            recovery_days: self.recovery_days,
            grace: self.grace,
            look: self.lifecycle.look(run, &observed.org, State::Offboarded),
        };
        plan(&terms, observed)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgDeleted>,
        observed: Observed,
        changes: Vec<OffboardChange>,
    ) -> Result<Report, StepError> {
        let org = &run.command.org_id;
        let (user, secret) = self.lifecycle.observer.names(org);
        let common: Vec<Change> = changes.iter().filter_map(OffboardChange::common).cloned().collect();
        self.lifecycle.apply(run, org, &observed.org, &common).await?;
        let mut user_stays = observed.org.user.is_some();
        for change in &changes {
            match change {
                OffboardChange::Common(_) => {}
                OffboardChange::TakeAway(belonging) => {
                    belongings::take_away(&self.lifecycle.observer.iam, &user, belonging).await?;
                }
                OffboardChange::DeleteUser => {
                    belongings::delete_user(&self.lifecycle.observer.iam, &user).await?;
                    user_stays = false;
                }
                OffboardChange::ScheduleSecret { days } => self.schedule(&secret, *days).await?,
                OffboardChange::Empty(bucket) => self.empty(run, bucket).await?,
            }
        }
        let user = observed.org.user_resource().filter(|_| user_stays);
        Ok(Report::of_those([user, observed.org.bucket_resource(run.place), observed.org.secret_resource()]))
    }
}

fn plan(terms: &Terms<'_>, observed: &Observed) -> Result<Vec<OffboardChange>, StepError> {
    let Observed { org: seen, belongings } = observed;
    let (org, conventions) = (&terms.command.org_id, terms.conventions);
    let (user, state) = (conventions.user_name(org), seen.state());
    if terms.look == Look::Second && (state != State::Offboarded || came_back(terms, seen)) {
        return Ok(Vec::new());
    }
    if state == State::Unknown {
        return Err(
            state.refused(seen.speaker(&user), "find out what that means, correct the tag and replay the event")
        );
    }
    let bucket = seen.require_ours(conventions, org)?;
    if state != State::Offboarded && terms.look == Look::First {
        let foreign = require_no_foreign(&seen.keys, &user);
        // What a secret holds that is scheduled for deletion cannot be read, and its key looks like somebody's.
        let scheduled = seen.secret.as_ref().is_some_and(|secret| secret.scheduled_for_deletion);
        if !scheduled || foreign.is_err() {
            seen.require_readable(conventions, org)?;
        }
        foreign?;
    }
    let mut changes: Vec<OffboardChange> = seen.tag_as(State::Offboarded).into_iter().map(Into::into).collect();
    let open = bucket.filter(|bucket| !bucket.details.doors.are_closed());
    changes.extend(open.map(|bucket| Change::Close(bucket.name.clone()).into()));
    changes.extend(seen.keys.iter().map(|key| Change::DeleteKey(key.id.clone()).into()));
    changes.extend(belongings.iter().cloned().map(OffboardChange::TakeAway));
    if seen.user.is_some() && bucket.is_some() {
        changes.push(OffboardChange::DeleteUser);
    }
    if seen.secret.as_ref().is_some_and(|secret| !secret.scheduled_for_deletion) {
        let days = terms.command.recovery_window_days.unwrap_or(terms.recovery_days);
        changes.push(OffboardChange::ScheduleSecret { days });
    }
    let full = bucket.filter(|bucket| bucket.details.holds_something);
    changes.extend(full.map(|bucket| OffboardChange::Empty(bucket.name.clone())));
    Ok(changes)
}

/// Whether the user was made when every run that saw the organization active had ended: then a sign-up that asked for it
/// made the user, and is still at work on the bucket.
fn came_back(terms: &Terms<'_>, seen: &lifecycle::Observed<Kept>) -> bool {
    let made_after = |since: Duration| seen.user.as_ref().is_some_and(|user| user.age + terms.grace < since);
    seen.age_of_state().is_some_and(made_after)
}

impl Offboard {
    async fn kept(&self, place: &Place, name: &BucketName, to_be_emptied: bool) -> Result<Kept, StepError> {
        let holds_something = async { if to_be_emptied { self.holds_something(place, name).await } else { Ok(false) } };
        let (doors, holds_something) = try_join(self.lifecycle.observer.doors(place, name), holds_something).await?;
        Ok(Kept { doors, holds_something })
    }

    /// Scheduling what is scheduled already is refused, and is as good.
    async fn schedule(&self, name: &str, days: u8) -> Result<(), StepError> {
        let request =
            self.lifecycle.observer.secrets.delete_secret().secret_id(name).recovery_window_in_days(days.into());
        match request.send().await.map_err(|error| AwsError::of("DeleteSecret", error)) {
            Ok(_) => Ok(()),
            Err(error) if error.code() == "ResourceNotFoundException" => Ok(()),
            Err(error) => Err(error.explain(secrets::resource(name), |error| match error.code() {
                "InvalidRequestException" => Some((
                    ErrorCode::ConcurrentUpdate,
                    "was scheduled for deletion in the meantime, or cannot be; the step looks again later".to_owned(),
                )),
                _ => None,
            })),
        }
    }
}
