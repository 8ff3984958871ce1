//! Why a policy was denied: by the account, by a setting that has not settled, or for want of permission.

use aws::AwsError;
use contract::{ErrorCode, StepError};
use org::Place;

use crate::BucketPolicy;

/// S3's words for a denial of any kind (troubleshoot-403-errors); the reason follows. Some answers say only
/// "Access Denied", among them a policy that Block Public Access refuses.
const DENIED: &str = "is not authorized to perform";
/// The reason, where it is Block Public Access.
const BLOCKED: &str = "BlockPublicPolicy";

impl BucketPolicy {
    /// The bucket's own block is off, or the step would have waited. So either the account blocks public
    /// policies, which no retry mends, or the bucket's block is not off everywhere yet.
    pub(crate) async fn explain_denial(&self, place: &Place, resource: &str, error: AwsError) -> StepError {
        if error.message().contains(DENIED) && !error.message().contains(BLOCKED) {
            return error.explain_as_usual(resource);
        }
        match self.account_blocks(place).await {
            Ok(true) => error.explain(resource, |_| {
                let message = "the account or its organization blocks public bucket policies; switch that off for this account (Block Public Access settings) and replay the event";
                Some((ErrorCode::AccountBlocksPublicAccess, message.to_owned()))
            }),
            Ok(false) | Err(_) => error.explain(resource, |_| {
                let message = "the bucket's Block Public Access is not off everywhere yet; the step is tried again later";
                Some((ErrorCode::Propagating, message.to_owned()))
            }),
        }
    }

    /// Asked only after a denial, so the client is made only then.
    async fn account_blocks(&self, place: &Place) -> Result<bool, AwsError> {
        let client = aws_sdk_s3control::Client::new(&self.sdk);
        let answer = client.get_public_access_block().account_id(&place.account).send().await;
        match answer.map_err(|error| AwsError::of("GetAccountPublicAccessBlock", error)) {
            Ok(answer) => Ok(answer.public_access_block_configuration.is_some_and(|block| {
                block.block_public_policy == Some(true) || block.restrict_public_buckets == Some(true)
            })),
            Err(error) if error.code() == "NoSuchPublicAccessBlockConfiguration" => Ok(false),
            Err(error) => Err(error),
        }
    }
}
