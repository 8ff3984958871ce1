//! Using what was provisioned, as its users will: with the stored key, and without any.

use aws::{AwsError, buckets};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use contract::{ErrorCode, StepError};
use futures_util::future::join3;
use org::Place;

use crate::Verify;
use crate::inventory::Inventory;

/// How the attempts ended.
pub(crate) struct Probes {
    lists_bucket: Result<(), AwsError>,
    lists_buckets: Result<(), AwsError>,
    reads_marker_anonymously: Result<(), AwsError>,
}

impl Verify {
    /// Tries the stored key on its bucket and beyond, and the public folder without a key.
    pub(crate) async fn probe(&self, place: &Place, inventory: &Inventory<'_>) -> Probes {
        let credential = inventory.credential;
        let credentials = Credentials::new(
            &credential.access_key_id,
            credential.secret_access_key.expose(),
            None,
            None,
            "stored access key",
        );
        let config = aws_sdk_s3::config::Builder::from(&self.sdk).credentials_provider(credentials).build();
        let (with_key, bucket) = (Client::from_conf(config), inventory.bucket.as_str());
        let list = with_key.list_objects_v2().bucket(bucket).max_keys(1).expected_bucket_owner(&place.account);
        let read = self
            .anonymous_s3
            .get_object()
            .bucket(bucket)
            .key(buckets::MARKER_KEY)
            .expected_bucket_owner(&place.account);
        let (list, list_buckets, read) = join3(list.send(), with_key.list_buckets().send(), read.send()).await;
        Probes {
            lists_bucket: list.map(drop).map_err(|error| AwsError::of("ListObjectsV2", error)),
            lists_buckets: list_buckets.map(drop).map_err(|error| AwsError::of("ListBuckets", error)),
            reads_marker_anonymously: read.map(drop).map_err(|error| AwsError::of("GetObject", error)),
        }
    }
}

impl Probes {
    /// A key and a policy take a while to be known everywhere, so a refusal is waited out; a permission too
    /// many is not.
    pub(crate) fn judge(&self, inventory: &Inventory<'_>) -> Result<(), StepError> {
        let user = aws::users::resource(&inventory.user.name);
        let bucket = buckets::resource(inventory.bucket);
        if let Err(error) = &self.lists_bucket {
            return Err(refused(error, user, "cannot list its bucket with its stored key yet"));
        }
        match &self.lists_buckets {
            Ok(()) => {
                let message = "may list all buckets of the account, so it has more than the bucket policy grants; remove its policies and groups";
                return Err(StepError::new(ErrorCode::UserHasPermissions, user, message));
            }
            Err(error) if error.code() == "AccessDenied" => {}
            Err(error) => return Err(refused(error, user, "cannot be probed with its stored key yet")),
        }
        match &self.reads_marker_anonymously {
            Ok(()) => Ok(()),
            Err(error) => Err(refused(error, bucket, "does not show its public folder without credentials yet")),
        }
    }
}

fn refused(error: &AwsError, resource: String, what: &str) -> StepError {
    let reason = if error.code().is_empty() { "no answer" } else { error.code() };
    let code = if error.is_refusal() { ErrorCode::Propagating } else { ErrorCode::ServiceUnavailable };
    StepError::new(code, resource, format!("{what} ({reason}); the step is tried again later"))
}
