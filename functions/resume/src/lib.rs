//! Resuming an organization: what its suspension switched off is switched on again, and nothing else.
//!
//! While that is under way the tags say `resuming`, and only when key and bucket are open they say `active`: a run that
//! is stopped anywhere leaves a state that says so, and from which the next one goes on.

use aws::{buckets, users};
use contract::{Command, ErrorCode, OrgResumed, Report, Run, Step, StepError, StepSpec};
use futures_util::future::join3;
use handler::{StepContext, StepFunction};
use lifecycle::{Change, Doors, Lifecycle, Observed, State, Whose, require_no_foreign};
use org::{BucketName, Conventions, OrgId, Place, public_grant_outside};

/// The step.
pub struct Resume(Lifecycle);

/// What of a bucket matters before it is opened.
#[derive(Clone, Debug)]
pub struct Closed {
    doors: Doors,
    enforces_owner: bool,
    policy: Option<String>,
}

impl StepFunction for Resume {
    fn new(context: &StepContext<'_>) -> Self {
        Self(Lifecycle::new(context, 2))
    }
}

impl Step for Resume {
    const SPEC: StepSpec =
        StepSpec { name: "resume", triggers: &[OrgResumed::DETAIL_TYPE], completion: "OrgResumptionCompleted" };
    type Command = OrgResumed;
    type Observed = Observed<Closed>;
    type Change = Change;

    async fn observe(&self, run: &Run<'_, OrgResumed>) -> Result<Observed<Closed>, StepError> {
        let org = &run.command.org_id;
        self.0.observer.observe(run.place, org, async |name| self.closed(run.place, name).await).await
    }

    fn plan(&self, run: &Run<'_, OrgResumed>, observed: &Observed<Closed>) -> Result<Vec<Change>, StepError> {
        plan(observed, &self.0.observer.conventions, &run.command.org_id, run.place, run.delayed_check)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgResumed>,
        observed: Observed<Closed>,
        changes: Vec<Change>,
    ) -> Result<Report, StepError> {
        self.0.apply(run, &run.command.org_id, &observed, &changes).await?;
        Ok(Report::of_those([observed.user_resource(), observed.bucket_resource(run.place)]))
    }
}

fn plan(
    observed: &Observed<Closed>,
    conventions: &Conventions,
    org: &OrgId,
    place: &Place,
    delayed_check: bool,
) -> Result<Vec<Change>, StepError> {
    let (user, state) = (conventions.user_name(org), observed.state());
    if delayed_check && !matches!(state, State::Active | State::Resuming) {
        // Suspended again or offboarded since. `resuming` is ours to end: a write that came late may have put it back.
        return Ok(Vec::new());
    }
    if let State::Offboarded | State::Unknown = state {
        let why = "only an organization that is suspended can be resumed";
        return Err(state.refused(observed.speaker(&user), why));
    }
    let bucket = observed.require_ours(conventions, org)?;
    observed.require_readable(conventions, org)?;
    require_no_foreign(&observed.keys, &user)?;
    let stored_and_off = observed.keys.iter().find(|key| key.whose == Whose::Current && !key.active);
    if state == State::Active && !delayed_check {
        return match stored_and_off {
            None => Ok(Vec::new()),
            Some(key) => {
                let message = format!(
                    "its stored access key {} is not active though the organization is, which somebody decided; activate it, or delete it to have a new one made",
                    key.id
                );
                Err(StepError::new(ErrorCode::StoredKeyInactive, users::resource(&user), message))
            }
        };
    }
    let closed = bucket.filter(|bucket| !bucket.details.doors.are_open());
    if let Some(bucket) = closed {
        may_be_opened(place, &bucket.name, &bucket.details)?;
    }
    let mut changes = Vec::new();
    if state != State::Active {
        changes.extend(observed.tag_down_to(State::Resuming));
    }
    let lost = observed.keys.iter().filter(|key| key.whose == Whose::Lost);
    changes.extend(lost.map(|key| Change::DeleteKey(key.id.clone())));
    // The stored key is the organization's. The new one of a rotation that the suspension met is switched on too, because
    // that rotation could not end otherwise, and no other could begin. A key of another version of the secret stays off.
    let off = observed.keys.iter().filter(|key| matches!(key.whose, Whose::Current | Whose::Pending) && !key.active);
    changes.extend(off.map(|key| Change::Activate(key.id.clone())));
    changes.extend(closed.map(|bucket| Change::Open(bucket.name.clone())));
    if state != State::Active {
        changes.extend(observed.tag_as(State::Active));
    }
    Ok(changes)
}

/// As the bucket step opens buckets: not one that would then be public beside its public folder.
fn may_be_opened(place: &Place, name: &BucketName, bucket: &Closed) -> Result<(), StepError> {
    let grant = bucket.policy.as_deref().and_then(|policy| public_grant_outside(policy, place, name));
    let message = match grant {
        Some(grant) => format!(
            "its policy has a grant beside the public folder ({grant}), which opening the bucket would make effective; remove the grant and replay the event"
        ),
        None if !bucket.enforces_owner => {
            "its access control lists were switched on while it was closed; switch them off (BucketOwnerEnforced) and replay the event".to_owned()
        }
        None => return Ok(()),
    };
    Err(StepError::new(ErrorCode::PublicGrant, buckets::resource(name), message))
}

impl Resume {
    async fn closed(&self, place: &Place, name: &BucketName) -> Result<Closed, StepError> {
        let (doors, enforces_owner, policy) = join3(
            self.0.observer.doors(place, name),
            buckets::enforces_owner(&self.0.observer.s3, place, name),
            buckets::policy(&self.0.observer.s3, place, name),
        )
        .await;
        Ok(Closed { doors: doors?, enforces_owner: enforces_owner?, policy: policy? })
    }
}
