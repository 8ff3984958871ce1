//! The bucket's policy: everybody reads `pub/`, the organization's user reads, writes, deletes and lists.
//!
//! It waits for the user and the bucket. A user that was deleted and made again is another principal, which
//! S3 shows as an `AIDA...` id in the stored policy; the comparison sees that, and the policy is put again.

mod blocked;

use std::fmt;

use aws::AwsError;
use aws::buckets::{self, SEARCH_CALLS, Search, Seeker};
use aws::users::{self, User};
use aws_types::SdkConfig;
use contract::{Change, Effect, ErrorCode, OrgCreated, Report, Run, Step, StepError, StepSpec};
use futures_util::future::join;
use handler::{StepContext, StepFunction};
use org::{BucketName, Conventions, Place, bucket_policy, public_grant_outside, same_policy};

/// How many calls the look at a bucket makes at one time.
const OPENNESS_CALLS: usize = 2;

/// The step.
pub struct BucketPolicy {
    iam: aws_sdk_iam::Client,
    s3: aws_sdk_s3::Client,
    sdk: SdkConfig,
    conventions: Conventions,
}

/// The user and the bucket that the policy ties together.
pub struct Observed {
    user: Option<User>,
    search: Search<Openness>,
}

/// What of a bucket matters here.
#[derive(Clone, Debug)]
pub struct Openness {
    blocks_public_access: bool,
    policy: Option<String>,
}

/// The policy to put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutPolicy {
    bucket: BucketName,
    document: String,
    replaces: bool,
}

impl StepFunction for BucketPolicy {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            iam: context.clients.iam(1),
            s3: context.clients.s3(SEARCH_CALLS + OPENNESS_CALLS),
            sdk: context.clients.sdk().clone(),
            conventions: context.settings.deployment.conventions.clone(),
        }
    }
}

impl Step for BucketPolicy {
    const SPEC: StepSpec =
        StepSpec { name: "bucket-policy", triggers: &["BucketProvisioned"], completion: "BucketPolicyProvisioned" };
    type Command = OrgCreated;
    type Observed = Observed;
    type Change = PutPolicy;

    async fn observe(&self, run: &Run<'_, OrgCreated>) -> Result<Observed, StepError> {
        let seeker = Seeker::new(&self.s3, &self.conventions, run);
        let user_name = self.conventions.user_name(&run.command.org_id);
        let (user, search) = join(
            users::find(&self.iam, &user_name),
            buckets::search(seeker, async |name| self.openness(run.place, name).await),
        )
        .await;
        Ok(Observed { user: user?, search: search? })
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Observed) -> Result<Vec<PutPolicy>, StepError> {
        let (org, tag_key) = (&run.command.org_id, self.conventions.tag_key());
        // Before the user is waited for: an organization that was offboarded has none any more.
        observed.search.bucket()?;
        let user = users::require_for(observed.user.as_ref(), &self.conventions, run.command)?;
        let bucket = observed.search.require(tag_key, org)?;
        if bucket.details.blocks_public_access {
            let message = "still blocks public policies; the bucket step opens it, and this step is tried again later";
            return Err(StepError::new(ErrorCode::Waiting, buckets::resource(&bucket.name), message));
        }
        plan(run.place, &bucket.name, bucket.details.policy.as_deref(), &user.arn)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: Observed,
        changes: Vec<PutPolicy>,
    ) -> Result<Report, StepError> {
        for change in changes {
            self.put(run.place, &change).await?;
        }
        let bucket = observed.search.require(self.conventions.tag_key(), &run.command.org_id)?;
        Ok(Report::of("AWS::S3::BucketPolicy", run.place.bucket_arn(bucket.name.as_str())))
    }
}

fn plan(
    place: &Place,
    bucket: &BucketName,
    existing: Option<&str>,
    user_arn: &str,
) -> Result<Vec<PutPolicy>, StepError> {
    let document = bucket_policy(place, bucket, user_arn);
    let Some(existing) = existing else {
        return Ok(vec![PutPolicy { bucket: bucket.clone(), document, replaces: false }]);
    };
    if same_policy(existing, &document) {
        return Ok(Vec::new());
    }
    if let Some(grant) = public_grant_outside(existing, place, bucket) {
        let message = format!(
            "its policy has a grant beside the public folder ({grant}), which somebody put there; remove the grant and replay the event"
        );
        return Err(StepError::new(ErrorCode::PublicGrant, buckets::resource(bucket), message));
    }
    Ok(vec![PutPolicy { bucket: bucket.clone(), document, replaces: true }])
}

impl BucketPolicy {
    /// What decides whether the bucket is open: [`OPENNESS_CALLS`] calls at one time.
    async fn openness(&self, place: &Place, name: &BucketName) -> Result<Openness, StepError> {
        let (blocks, policy) =
            join(buckets::blocks_public_access(&self.s3, place, name), buckets::policy(&self.s3, place, name)).await;
        Ok(Openness { blocks_public_access: blocks?, policy: policy? })
    }

    async fn put(&self, place: &Place, change: &PutPolicy) -> Result<(), StepError> {
        let request = self.s3.put_bucket_policy().bucket(change.bucket.as_str()).policy(&change.document);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let Err(error) = answer.map_err(|error| AwsError::of("PutBucketPolicy", error)) else { return Ok(()) };
        let resource = buckets::resource(&change.bucket);
        if error.code() == "AccessDenied" {
            return Err(self.explain_denial(place, &resource, error).await);
        }
        Err(error.explain(resource, |error| match error.code() {
            // IAM told us of the user a moment ago; S3 has not heard of it yet. Any other malformed policy stays so.
            "MalformedPolicy" if error.message().contains("Invalid principal") => Some((
                ErrorCode::Propagating,
                "S3 does not know the user yet; the step is tried again later".to_owned(),
            )),
            _ => None,
        }))
    }
}

impl Change for PutPolicy {
    fn effect(&self) -> Effect {
        if self.replaces { Effect::Updates } else { Effect::Creates }
    }
}

impl fmt::Display for PutPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} the policy of bucket {}", if self.replaces { "replace" } else { "put" }, self.bucket)
    }
}

#[cfg(test)]
mod tests {
    use org::OrgId;

    use super::*;

    const GOLDEN: &str = include_str!("../../../tests/golden/bucket-policy.json");
    const USER: &str = "arn:aws:iam::123456789012:user/rms_xmsqa1";

    fn decide(existing: Option<&str>) -> Result<Vec<PutPolicy>, ErrorCode> {
        let place = Place { partition: "aws".into(), account: "123456789012".into(), region: "us-east-1".into() };
        let bucket = Conventions::default().bucket_name(&OrgId::parse("xmsqa1").unwrap());
        plan(&place, &bucket, existing, USER).map_err(|error| error.code())
    }

    #[test]
    fn puts_what_is_missing_and_replaces_what_differs() {
        assert_eq!(decide(None).unwrap()[0].effect(), Effect::Creates);
        assert_eq!(decide(Some(GOLDEN)), Ok(Vec::new()));
        let stale = GOLDEN.replace(USER, "AIDAEXAMPLEEXAMPLE");
        assert_eq!(decide(Some(&stale)).unwrap()[0].effect(), Effect::Updates);
    }

    #[test]
    fn a_grant_to_everybody_elsewhere_is_for_a_person_to_remove() {
        let wider = GOLDEN.replacen("/pub/*", "/*", 1);
        assert_eq!(decide(Some(&wider)), Err(ErrorCode::PublicGrant));
    }
}
