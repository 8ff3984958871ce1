//! How a bucket is set up.

use aws::{AwsError, buckets};
use futures_util::future::join5;
use org::BucketName;

use super::Looker;
use crate::checklist::observed::{BucketSetup, Seen};

impl Looker {
    /// Everything about a bucket that a line is about, read at once.
    pub(super) async fn bucket_setup(&self, name: &BucketName) -> BucketSetup {
        let place = &self.connection.place;
        let (blocks, enforces_owner, has_marker, policy, is_public) = join5(
            buckets::public_access_blocks(&self.s3, place, name),
            buckets::enforces_owner(&self.s3, place, name),
            buckets::has_marker(&self.s3, place, name),
            buckets::policy(&self.s3, place, name),
            self.is_public(name),
        )
        .await;
        BucketSetup {
            blocks: blocks.map_err(Into::into),
            enforces_owner: enforces_owner.map_err(Into::into),
            has_marker: has_marker.map_err(Into::into),
            policy: policy.map_err(Into::into),
            is_public,
        }
    }

    async fn is_public(&self, name: &BucketName) -> Seen<Option<bool>> {
        let request = self.s3.get_bucket_policy_status().bucket(name.as_str());
        let answer = request.expected_bucket_owner(&self.connection.place.account).send().await;
        match answer.map_err(|error| AwsError::of("GetBucketPolicyStatus", error)) {
            Ok(answer) => Ok(answer.policy_status.and_then(|status| status.is_public)),
            Err(error) if error.code() == "NoSuchBucketPolicy" => Ok(None),
            Err(error) => Err(error.explain_as_usual(buckets::resource(name)).into()),
        }
    }
}
