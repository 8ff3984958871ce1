//! Suspending an organization: its key is switched off and its bucket closed to the public. Its data stay, and so do the
//! bucket's policy and the secret, so that resuming has two settings to undo and nothing to remember.
//!
//! The tags come first, so that provisioning refuses from then on. What a run that looked before then still makes (a key,
//! an open bucket) is found by the second look.

use contract::{Command, OrgSuspended, Report, Run, Step, StepError, StepSpec};
use handler::{StepContext, StepFunction};
use lifecycle::{Change, Doors, Lifecycle, Look, Observed, State, Whose, require_no_foreign};
use org::{Conventions, OrgId};

/// The step.
pub struct Suspend(Lifecycle);

impl StepFunction for Suspend {
    fn new(context: &StepContext<'_>) -> Self {
        Self(Lifecycle::new(context, 2))
    }
}

impl Step for Suspend {
    const SPEC: StepSpec =
        StepSpec { name: "suspend", triggers: &[OrgSuspended::DETAIL_TYPE], completion: "OrgSuspensionCompleted" };
    type Command = OrgSuspended;
    type Observed = Observed<Doors>;
    type Change = Change;

    async fn observe(&self, run: &Run<'_, OrgSuspended>) -> Result<Observed<Doors>, StepError> {
        let org = &run.command.org_id;
        self.0.observer.observe(run.place, org, async |name| self.0.observer.doors(run.place, name).await).await
    }

    fn plan(&self, run: &Run<'_, OrgSuspended>, observed: &Observed<Doors>) -> Result<Vec<Change>, StepError> {
        let look = self.0.look(run, observed, State::Suspended);
        plan(observed, &self.0.observer.conventions, &run.command.org_id, look)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgSuspended>,
        observed: Observed<Doors>,
        changes: Vec<Change>,
    ) -> Result<Report, StepError> {
        self.0.apply(run, &run.command.org_id, &observed, &changes).await?;
        Ok(Report::of_those([observed.user_resource(), observed.bucket_resource(run.place)]))
    }
}

fn plan(
    observed: &Observed<Doors>,
    conventions: &Conventions,
    org: &OrgId,
    look: Look,
) -> Result<Vec<Change>, StepError> {
    let user = conventions.user_name(org);
    match observed.state() {
        // Resumed or offboarded since; that step looks again itself.
        State::Offboarded | State::Unknown if look != Look::First => return Ok(Vec::new()),
        State::Active | State::Resuming if look == Look::Second => return Ok(Vec::new()),
        State::Active | State::Resuming | State::Suspended => {}
        state @ (State::Offboarded | State::Unknown) => {
            let why = "only an organization that is active can be suspended";
            return Err(state.refused(observed.speaker(&user), why));
        }
    }
    let bucket = observed.require_ours(conventions, org)?;
    // A second look that finds no user any more, which an offboarding at the same moment deleted, has no key to judge.
    if look == Look::First || observed.user.is_some() {
        observed.require_readable(conventions, org)?;
    }
    // Once the tags are there, a key that came since is left alone, and keeps nothing else from being closed.
    if observed.state() != State::Suspended && look == Look::First {
        require_no_foreign(&observed.keys, &user)?;
    }
    let mut changes = observed.tag_as(State::Suspended);
    changes.extend(observed.keys.iter().filter_map(|key| match key.whose {
        Whose::Lost => Some(Change::DeleteKey(key.id.clone())),
        // One that is about to be stored is to be off as well; one that never is, is found lost by the second look.
        Whose::Current | Whose::Pending | Whose::Labelled | Whose::Unclear | Whose::Young => {
            key.active.then(|| Change::Deactivate(key.id.clone()))
        }
        Whose::Foreign => None,
    }));
    changes
        .extend(bucket.filter(|bucket| !bucket.details.are_closed()).map(|bucket| Change::Close(bucket.name.clone())));
    Ok(changes)
}
