//! Making a bucket, under the name that is free.

use aws::buckets::{self, Vacancy};
use aws::{AwsError, ORG_STATE_ACTIVE, ORG_STATE_TAG};
use aws_sdk_s3::types::{BucketLocationConstraint, BucketNamespace, CreateBucketConfiguration, ObjectOwnership};
use contract::{ErrorCode, OrgCreated, Run, StepError};
use org::BucketName;

use crate::{Bucket, tag};

/// The region that has no location constraint, and that answers 200 when a bucket of ours is made again, except in
/// the account-regional namespace (S3 User Guide, "Namespaces for general purpose buckets").
const US_EAST_1: &str = "us-east-1";

impl Bucket {
    /// Makes the bucket under the first name that nobody else holds, and answers the name.
    pub(crate) async fn create(&self, run: &Run<'_, OrgCreated>, vacancy: Vacancy) -> Result<BucketName, StepError> {
        let alternative = self.conventions.alternative_bucket_name(&run.command.org_id, run.place);
        match vacancy {
            Vacancy::Free(name) => match self.create_named(run, &name).await {
                Err(error) if error.code() == ErrorCode::BucketNameTaken && run.command.bucket_name.is_none() => {
                    self.create_alternative(run, alternative).await
                }
                created => created.map(|()| name),
            },
            Vacancy::Taken => self.create_alternative(run, alternative).await,
        }
    }

    /// The search looked at the standard name only, so the alternative is looked at now.
    async fn create_alternative(&self, run: &Run<'_, OrgCreated>, name: BucketName) -> Result<BucketName, StepError> {
        self.seeker(run).require_vacant(&name).await?;
        self.create_named(run, &name).await.map(|()| name)
    }

    /// Tags and ownership go with the creation, so that there is no moment at which the bucket is nobody's.
    async fn create_named(&self, run: &Run<'_, OrgCreated>, name: &BucketName) -> Result<(), StepError> {
        let mut configuration = CreateBucketConfiguration::builder()
            .tags(tag(self.conventions.tag_key(), run.command.org_id.as_str())?)
            .tags(tag(ORG_STATE_TAG, ORG_STATE_ACTIVE)?);
        if run.place.region != US_EAST_1 {
            configuration =
                configuration.location_constraint(BucketLocationConstraint::from(run.place.region.as_str()));
        }
        let mut request = self
            .s3
            .create_bucket()
            .bucket(name.as_str())
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .create_bucket_configuration(configuration.build());
        if name.is_account_regional() {
            request = request.bucket_namespace(BucketNamespace::AccountRegional);
        }
        request.send().await.map_err(|error| explain(name, AwsError::of("CreateBucket", error)))?;
        let made_for_certain = run.place.region != US_EAST_1 || name.is_account_regional();
        if !made_for_certain && !self.seeker(run).owns_bucket(name).await? {
            // A 200 for a bucket that our account had already: the next run sees whose it is.
            let message = "was there already without this organization's tag; the step looks again later";
            return Err(StepError::new(ErrorCode::ConcurrentUpdate, buckets::resource(name), message));
        }
        Ok(())
    }
}

fn explain(name: &BucketName, error: AwsError) -> StepError {
    error.explain(buckets::resource(name), |error| match error.code() {
        "BucketAlreadyExists" => Some((ErrorCode::BucketNameTaken, buckets::NAME_TAKEN.to_owned())),
        "BucketAlreadyOwnedByYou" => Some((
            ErrorCode::ConcurrentUpdate,
            "was made by another run at the same moment; the step is tried again later".to_owned(),
        )),
        "TooManyBuckets" => Some((
            ErrorCode::QuotaExceeded,
            "cannot be made: the account's quota of buckets is used up; have it raised and replay the event".to_owned(),
        )),
        _ => None,
    })
}
