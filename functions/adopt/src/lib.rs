//! Adopting what somebody else made for an organization, by hand or by an older process: it gets the organization's tag.
//!
//! Only what the event names is tagged, and nothing but the tag is written: other tags stay, and so do keys, policies,
//! settings and data. The rest is for the steps of sign-up, which find what is missing and put it right once the tag says
//! whose the resource is. The tag `CreatedBy` is not written: on a user that somebody else made, no key is certainly ours.
//!
//! The order, so that a run that is stopped anywhere has not made more of it than a sign-up can meet: the bucket first,
//! because a sign-up that finds none makes one; the user last, because without its tag no key is made.

mod change;
mod decision;

use aws::belongings::{self, Belonging};
use aws_sdk_iam::Client;
use contract::{Adoptees, Command, OrgAdoptionRequested, Report, Resource, Run, Step, StepError, StepSpec};
use futures_util::future::join;
use handler::{StepContext, StepFunction};
use lifecycle::Observer;
use org::{BucketName, Conventions};

pub use change::AdoptChange;
pub use decision::Observed;

/// The step.
pub struct Adopt {
    observer: Observer,
}

impl StepFunction for Adopt {
    fn new(context: &StepContext<'_>) -> Self {
        // The user and its keys, and what it may do.
        Self { observer: Observer::new(context.clients, &context.settings, 6, 5) }
    }
}

impl Step for Adopt {
    const SPEC: StepSpec =
        StepSpec { name: "adopt", triggers: &[OrgAdoptionRequested::DETAIL_TYPE], completion: "OrgAdoptionCompleted" };
    type Command = OrgAdoptionRequested;
    type Observed = Observed;
    type Change = AdoptChange;

    async fn observe(&self, run: &Run<'_, OrgAdoptionRequested>) -> Result<Observed, StepError> {
        let OrgAdoptionRequested { org_id, adopt, .. } = run.command;
        let (user, _) = self.observer.names(org_id);
        let bucket = named_bucket(&self.observer.conventions, run.command);
        let nothing_more = async |_: &BucketName| Ok(());
        let (org, permissions) = join(
            self.observer.observe_with(run.place, org_id, bucket.as_ref(), nothing_more),
            permissions_of(&self.observer.iam, &user, adopt),
        )
        .await;
        Ok(Observed { org: org?, permissions: permissions? })
    }

    fn plan(&self, run: &Run<'_, OrgAdoptionRequested>, observed: &Observed) -> Result<Vec<AdoptChange>, StepError> {
        let bucket = named_bucket(&self.observer.conventions, run.command);
        decision::plan(run.command, run.place, &self.observer.conventions, bucket.as_ref(), observed)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgAdoptionRequested>,
        observed: Observed,
        changes: Vec<AdoptChange>,
    ) -> Result<Report, StepError> {
        for change in &changes {
            change.make(&self.observer, run.place).await?;
        }
        let OrgAdoptionRequested { adopt, .. } = run.command;
        let user = observed.org.user_resource().filter(|_| adopt.user_arn.is_some());
        let bucket = named_bucket(&self.observer.conventions, run.command);
        let bucket = bucket.map(|name| Resource::new("AWS::S3::Bucket", run.place.bucket_arn(name.as_str())));
        let secret = observed.org.secret_resource().filter(|_| adopt.secret_arn.is_some());
        Ok(Report::of_those([user, bucket, secret]))
    }
}

/// The bucket that is to be adopted. That its name is one of the organization's was seen to when the command was admitted.
fn named_bucket(conventions: &Conventions, command: &OrgAdoptionRequested) -> Option<BucketName> {
    let name = command.adopt.bucket.as_deref()?;
    conventions.existing_bucket_name(&command.org_id, name).ok()
}

/// Looked at only if the user is to be adopted.
async fn permissions_of(iam: &Client, user: &str, adopt: &Adoptees) -> Result<Vec<Belonging>, StepError> {
    if adopt.user_arn.is_some() { belongings::permissions(iam, user).await } else { Ok(Vec::new()) }
}
