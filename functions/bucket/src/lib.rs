//! The organization's bucket: found by its tag or made, open to policies, closed to access control lists,
//! with the marker of the public folder.
//!
//! Whoever owns a bucket is asked before anything is written to it: every call carries the expected owner,
//! and a bucket without the organization's tag is left alone.

mod create;

use std::fmt;
use std::time::Duration;

use aws::buckets::{self, Bucket as Found, MARKER_KEY, SEARCH_CALLS, SETUP_CALLS, Search, Seeker, Setup, Vacancy};
use aws::{
    AwsError, ORG_BACK_BY_TAG, ORG_STATE_ACTIVE, ORG_STATE_OFFBOARDED, ORG_STATE_SINCE_TAG, ORG_STATE_TAG,
    STATE_SETTLES, require_new_return, require_settled,
};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, Tag, Tagging,
};
use contract::{Change, Command, Effect, ErrorCode, OrgCreated, Report, Run, Step, StepError, StepSpec};
use futures_util::future::try_join_all;
use handler::{StepContext, StepFunction};
use org::{BucketName, Conventions, Place, public_grant_outside};

/// The step.
pub struct Bucket {
    s3: Client,
    conventions: Conventions,
    settled: Duration,
}

/// What there is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketChange {
    /// Make the bucket, with its tags and object ownership.
    Create(Vacancy),
    /// Say that the organization is active again, on a bucket that offboarding kept.
    Reactivate(Vec<(String, String)>),
    /// Switch access control lists off.
    EnforceOwner,
    /// Switch the bucket's Block Public Access off.
    AllowPublicPolicy,
    /// Make the marker of the public folder.
    PutMarker,
}

impl StepFunction for Bucket {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            s3: context.clients.s3(SEARCH_CALLS + SETUP_CALLS),
            conventions: context.settings.deployment.conventions.clone(),
            settled: context.settings.key_grace + STATE_SETTLES,
        }
    }
}

impl Step for Bucket {
    const SPEC: StepSpec =
        StepSpec { name: "bucket", triggers: &[OrgCreated::DETAIL_TYPE], completion: "BucketProvisioned" };
    type Command = OrgCreated;
    type Observed = Search<Setup>;
    type Change = BucketChange;

    async fn observe(&self, run: &Run<'_, OrgCreated>) -> Result<Search<Setup>, StepError> {
        buckets::search(self.seeker(run), async |name| buckets::setup(&self.s3, run.place, name).await).await
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Search<Setup>) -> Result<Vec<BucketChange>, StepError> {
        match observed.bucket_in_any_state()? {
            Some(bucket) if run.command.reonboard && bucket.state() == Some(ORG_STATE_OFFBOARDED) => {
                let back_by = bucket.tags().iter().find(|(key, _)| key == ORG_BACK_BY_TAG).map(|(_, by)| by.as_str());
                require_new_return(&buckets::resource(&bucket.name), back_by, &run.request_tag())?;
                require_settled(&buckets::resource(&bucket.name), observed.age_of_state(bucket), self.settled)?;
                let mut changes = vec![BucketChange::Reactivate(reactivated(bucket.tags(), run.request_tag()))];
                changes.extend(plan_setup(run.place, bucket)?);
                Ok(changes)
            }
            Some(bucket) => observed.bucket().and_then(|_| plan_setup(run.place, bucket)),
            None => Ok(vec![
                BucketChange::Create(observed.vacancy(self.conventions.tag_key(), &run.command.org_id)?),
                BucketChange::AllowPublicPolicy,
                BucketChange::PutMarker,
            ]),
        }
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: Search<Setup>,
        changes: Vec<BucketChange>,
    ) -> Result<Report, StepError> {
        let (existing, mut rest) = (observed.bucket_in_any_state()?, changes.into_iter().peekable());
        let name = match (existing, rest.next_if(|change| matches!(change, BucketChange::Create(_)))) {
            (Some(bucket), _) => bucket.name.clone(),
            (None, Some(BucketChange::Create(vacancy))) => self.create(run, vacancy).await?,
            (None, _) => {
                return Err(StepError::new(ErrorCode::Unexpected, "bucket", "there is none and none is planned"));
            }
        };
        // The tag goes first: whatever comes after it, the next run goes on where this one stopped.
        if let Some(change) = rest.next_if(|change| matches!(change, BucketChange::Reactivate(_))) {
            self.change(run.place, &name, change).await?;
        }
        // Access control lists go first of the settings: S3 refuses that while one of them is public, and nothing is changed then.
        if let Some(change) = rest.next_if(|change| matches!(change, BucketChange::EnforceOwner)) {
            self.change(run.place, &name, change).await?;
        }
        try_join_all(rest.map(|change| self.change(run.place, &name, change))).await?;
        Ok(Report::of("AWS::S3::Bucket", run.place.bucket_arn(name.as_str())))
    }
}

/// What a bucket that exists and is ours lacks, in the order in which it is safe to change it.
fn plan_setup(place: &Place, bucket: &Found<Setup>) -> Result<Vec<BucketChange>, StepError> {
    let Setup { blocks_public_access, enforces_owner, has_marker, policy } = &bucket.details;
    if let (true, Some(policy)) = (blocks_public_access, policy)
        && let Some(grant) = public_grant_outside(policy, place, &bucket.name)
    {
        let message = format!(
            "its policy has a grant beside the public folder ({grant}), which opening the bucket would make effective; remove the grant"
        );
        return Err(StepError::new(ErrorCode::PublicGrant, buckets::resource(&bucket.name), message));
    }
    let lacks = [
        (!enforces_owner, BucketChange::EnforceOwner),
        (*blocks_public_access, BucketChange::AllowPublicPolicy),
        (!has_marker, BucketChange::PutMarker),
    ];
    Ok(lacks.into_iter().filter_map(|(lacks, change)| lacks.then_some(change)).collect())
}

impl Bucket {
    fn seeker<'a>(&'a self, run: &Run<'a, OrgCreated>) -> Seeker<'a> {
        Seeker::new(&self.s3, &self.conventions, run)
    }

    async fn change(&self, place: &Place, name: &BucketName, change: BucketChange) -> Result<(), StepError> {
        match change {
            // Made before anything else; there is nothing left of it to do.
            BucketChange::Create(_) => Ok(()),
            BucketChange::Reactivate(tags) => self.put_tags(place, name, &tags).await,
            BucketChange::EnforceOwner => self.enforce_owner(place, name).await,
            BucketChange::AllowPublicPolicy => self.allow_public_policy(place, name).await,
            BucketChange::PutMarker => self.put_marker(place, name).await,
        }
    }

    /// The call replaces the whole set, so what was there is put back.
    async fn put_tags(&self, place: &Place, name: &BucketName, tags: &[(String, String)]) -> Result<(), StepError> {
        let tags = tags.iter().map(|(key, value)| tag(key, value)).collect::<Result<Vec<_>, _>>()?;
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(not_built)?;
        let request = self.s3.put_bucket_tagging().bucket(name.as_str()).tagging(tagging);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        explained(name, answer.map_err(|error| AwsError::of("PutBucketTagging", error)))
    }

    async fn enforce_owner(&self, place: &Place, name: &BucketName) -> Result<(), StepError> {
        let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced).build();
        let controls = OwnershipControls::builder().rules(rule.map_err(not_built)?).build().map_err(not_built)?;
        let request = self.s3.put_bucket_ownership_controls().bucket(name.as_str()).ownership_controls(controls);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let refused = answer.map(drop).map_err(|error| AwsError::of("PutBucketOwnershipControls", error));
        refused.map_err(|error| {
            error.explain(buckets::resource(name), |error| match error.code() {
                "InvalidBucketAclWithObjectOwnership" => Some((
                    ErrorCode::PublicGrant,
                    "its access control list grants access beyond the account; make it private".to_owned(),
                )),
                _ => None,
            })
        })
    }

    async fn allow_public_policy(&self, place: &Place, name: &BucketName) -> Result<(), StepError> {
        let open = PublicAccessBlockConfiguration::builder()
            .block_public_acls(false)
            .ignore_public_acls(false)
            .block_public_policy(false)
            .restrict_public_buckets(false)
            .build();
        let request = self.s3.put_public_access_block().bucket(name.as_str()).public_access_block_configuration(open);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        explained(name, answer.map_err(|error| AwsError::of("PutPublicAccessBlock", error)))
    }

    async fn put_marker(&self, place: &Place, name: &BucketName) -> Result<(), StepError> {
        let request = self.s3.put_object().bucket(name.as_str()).key(MARKER_KEY).if_none_match("*");
        let answer = request.expected_bucket_owner(&place.account).send().await;
        match answer.map_err(|error| AwsError::of("PutObject", error)) {
            // Somebody else put it in the meantime, which is as good.
            Err(error) if error.code() == "PreconditionFailed" => Ok(()),
            answer => explained(name, answer),
        }
    }
}

/// A bucket's tags, but for the state, which is active, since when it is something else, and who brought it back.
fn reactivated(tags: &[(String, String)], request: String) -> Vec<(String, String)> {
    let own = [ORG_STATE_TAG, ORG_STATE_SINCE_TAG, ORG_BACK_BY_TAG];
    let others = tags.iter().filter(|(key, _)| !own.contains(&key.as_str()));
    let said = [(ORG_STATE_TAG.to_owned(), ORG_STATE_ACTIVE.to_owned()), (ORG_BACK_BY_TAG.to_owned(), request)];
    others.cloned().chain(said).collect()
}

fn explained<T>(name: &BucketName, answer: Result<T, AwsError>) -> Result<(), StepError> {
    answer.map(drop).map_err(|error| error.explain_as_usual(buckets::resource(name)))
}

fn tag(key: &str, value: &str) -> Result<Tag, StepError> {
    Tag::builder().key(key).value(value).build().map_err(not_built)
}

fn not_built(error: BuildError) -> StepError {
    StepError::new(ErrorCode::Unexpected, "request", error.to_string())
}

impl Change for BucketChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Create(_) => Effect::Creates,
            Self::Reactivate(_) | Self::EnforceOwner | Self::AllowPublicPolicy | Self::PutMarker => Effect::Updates,
        }
    }
}

impl fmt::Display for BucketChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(Vacancy::Free(name)) => write!(f, "create the bucket {name}"),
            Self::Create(Vacancy::Taken) => f.write_str("create the bucket under the alternative name"),
            Self::Reactivate(_) => f.write_str("say on the bucket that the organization is active again"),
            Self::EnforceOwner => f.write_str("switch access control lists off"),
            Self::AllowPublicPolicy => f.write_str("switch the bucket's Block Public Access off"),
            Self::PutMarker => write!(f, "put the marker {MARKER_KEY}"),
        }
    }
}
