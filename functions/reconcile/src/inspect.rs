//! Looking at an organization that is there: everything that it has, and everything that it must not have.

use aws::belongings::{self, Belonging};
use aws::buckets;
use aws::secrets::RotationSchedule;
use contract::StepError;
use futures_util::future::{join, join4};
use handler::Settings;
use lifecycle::{Observed, Observer};
use org::{BucketName, OrgId, Place};

use crate::judge::{Judged, Terms, judge};

/// What it takes to look at organizations and to say what is wrong with them.
pub struct Inspector {
    observer: Observer,
    rotation: Option<RotationSchedule>,
}

/// An organization, looked at in one moment.
pub struct Seen {
    pub(crate) org: Observed<Setup>,
    pub(crate) belongings: Vec<Belonging>,
}

/// How a bucket is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Which settings of Block Public Access are on.
    pub(crate) blocks: Vec<&'static str>,
    pub(crate) enforces_owner: bool,
    pub(crate) has_marker: bool,
    pub(crate) policy: Option<String>,
}

impl Inspector {
    /// Makes the clients that it takes.
    pub fn new(clients: &aws::Clients, settings: &Settings) -> Self {
        let s3_calls = buckets::SEARCH_CALLS + buckets::SETUP_CALLS;
        let rotation = settings.rotation.clone();
        Self {
            observer: Observer::new(clients, settings, 2 + belongings::CALLS, s3_calls),
            rotation: rotation.map(|(function_arn, days)| RotationSchedule { function_arn, days: Some(days.into()) }),
        }
    }

    /// Looks at everything at once, and changes nothing: 10 calls to IAM, 6 to S3 and 2 to Secrets Manager for an
    /// organization in order; a few more where there is a second access key or a second bucket.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn look(&self, place: &Place, org: &OrgId) -> Result<Seen, StepError> {
        let (user, _) = self.observer.names(org);
        let details = async |name: &BucketName| self.setup(place, name).await;
        let (org, belongings) =
            join(self.observer.observe(place, org, details), belongings::of(&self.observer.iam, &user)).await;
        Ok(Seen { org: org?, belongings: belongings? })
    }

    /// What is not as it should be. Pure.
    ///
    /// # Errors
    /// `propagating`: what was made a moment ago does not show its tags yet.
    pub fn findings(&self, place: &Place, org: &OrgId, seen: &Seen) -> Result<Judged, StepError> {
        let terms = Terms { place, org, conventions: &self.observer.conventions, rotation: self.rotation.as_ref() };
        judge(&terms, seen)
    }

    async fn setup(&self, place: &Place, name: &BucketName) -> Result<Setup, StepError> {
        let s3 = &self.observer.s3;
        let (blocks, enforces_owner, has_marker, policy) = join4(
            buckets::public_access_blocks(s3, place, name),
            buckets::enforces_owner(s3, place, name),
            buckets::has_marker(s3, place, name),
            buckets::policy(s3, place, name),
        )
        .await;
        Ok(Setup { blocks: blocks?, enforces_owner: enforces_owner?, has_marker: has_marker?, policy: policy? })
    }
}
