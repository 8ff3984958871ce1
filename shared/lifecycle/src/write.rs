//! Making the changes. Each can be made twice, and by two runs at once: it sets something to a value, or takes away what
//! may be gone already.

use aws::{AwsError, buckets, users};
use aws_sdk_iam::types::{StatusType, Tag as IamTag};
use aws_sdk_s3::types::{PublicAccessBlockConfiguration, Tag as S3Tag, Tagging};
use contract::{ErrorCode, StepError};
use org::{BucketName, OrgId, Place};

use crate::{Change, Lifecycle};

/// Block Public Access, all of it or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Everything,
    Nothing,
}

impl Lifecycle {
    /// Makes one change.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn change(&self, place: &Place, org: &OrgId, change: &Change) -> Result<(), StepError> {
        let (user, _) = self.observer.names(org);
        match change {
            Change::TagBucket { bucket, tags, .. } => self.tag_bucket(place, bucket, tags).await,
            Change::TagUser { tags, .. } => self.tag_user(&user, tags).await,
            Change::Deactivate(key) => self.set_status(&user, key, StatusType::Inactive).await,
            Change::Activate(key) => self.set_status(&user, key, StatusType::Active).await,
            Change::DeleteKey(key) => self.delete_key(&user, key).await,
            Change::Close(bucket) => self.block(place, bucket, Block::Everything).await,
            Change::Open(bucket) => self.block(place, bucket, Block::Nothing).await,
        }
    }

    /// Somebody who changes other tags of the bucket at the same moment may be overwritten: S3 has no condition for it.
    async fn tag_bucket(&self, place: &Place, name: &BucketName, tags: &[(String, String)]) -> Result<(), StepError> {
        let tags = tags.iter().map(|(key, value)| S3Tag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|error| not_built(&error))?;
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(|error| not_built(&error))?;
        let request = self.observer.s3.put_bucket_tagging().bucket(name.as_str()).tagging(tagging);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let answer = answer.map_err(|error| AwsError::of("PutBucketTagging", error));
        answer.map(drop).map_err(|error| error.explain_as_usual(buckets::resource(name)))
    }

    async fn tag_user(&self, user: &str, tags: &[(String, String)]) -> Result<(), StepError> {
        let tags = tags.iter().map(|(key, value)| IamTag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|error| not_built(&error))?;
        let answer = self.observer.iam.tag_user().user_name(user).set_tags(Some(tags)).send().await;
        let answer = answer.map_err(|error| AwsError::of("TagUser", error));
        answer.map(drop).map_err(|error| error.explain_as_usual(users::resource(user)))
    }

    async fn set_status(&self, user: &str, key: &str, status: StatusType) -> Result<(), StepError> {
        let request = self.observer.iam.update_access_key().user_name(user).access_key_id(key).status(status);
        let answer = request.send().await.map_err(|error| AwsError::of("UpdateAccessKey", error));
        answer.map(drop).map_err(|error| {
            error.explain(users::resource(user), |error| match error.code() {
                "NoSuchEntity" => Some((
                    ErrorCode::ConcurrentUpdate,
                    format!("does not have the access key {key} any more; the step looks again later"),
                )),
                _ => None,
            })
        })
    }

    /// That it is gone already is as good.
    async fn delete_key(&self, user: &str, key: &str) -> Result<(), StepError> {
        let request = self.observer.iam.delete_access_key().user_name(user).access_key_id(key);
        match request.send().await.map_err(|error| AwsError::of("DeleteAccessKey", error)) {
            Err(error) if error.code() != "NoSuchEntity" => Err(error.explain_as_usual(users::resource(user))),
            _ => Ok(()),
        }
    }

    async fn block(&self, place: &Place, name: &BucketName, block: Block) -> Result<(), StepError> {
        let on = block == Block::Everything;
        let configuration = PublicAccessBlockConfiguration::builder()
            .block_public_acls(on)
            .ignore_public_acls(on)
            .block_public_policy(on)
            .restrict_public_buckets(on)
            .build();
        let request = self.observer.s3.put_public_access_block().bucket(name.as_str());
        let request = request.public_access_block_configuration(configuration);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let answer = answer.map_err(|error| AwsError::of("PutPublicAccessBlock", error));
        answer.map(drop).map_err(|error| error.explain_as_usual(buckets::resource(name)))
    }
}

fn not_built(error: &dyn std::fmt::Display) -> StepError {
    StepError::new(ErrorCode::Unexpected, "request", error.to_string())
}
