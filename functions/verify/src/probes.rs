//! Using what was provisioned, as its users will: with the stored key, and without any.

use aws::{AwsError, buckets, users};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::IdentityCache;
use contract::{ErrorCode, StepError};
use futures_util::future::join3;
use org::Place;

use crate::Verify;
use crate::inventory::Inventory;

impl Verify {
    /// Tries the stored key on its bucket and beyond, and the public folder without a key.
    ///
    /// A key and a policy take a while to be known everywhere, so a refusal is waited out; a permission too
    /// many is not.
    pub(crate) async fn probe(&self, place: &Place, inventory: &Inventory<'_>) -> Result<(), StepError> {
        let (user, credential) = (users::resource(&inventory.user.name), inventory.credential);
        let secret = credential.secret_access_key.expose();
        let credentials = Credentials::new(&credential.access_key_id, secret, None, None, "stored access key");
        // Kept out of the cache that the clients of `orgctl` share: there, organizations' keys would put out the operator's.
        let config = aws::s3_config(&self.sdk).credentials_provider(credentials);
        let config = config.identity_cache(IdentityCache::no_cache()).build();
        let (with_key, bucket) = (Client::from_conf(config), inventory.bucket.as_str());
        let list = with_key.list_objects_v2().bucket(bucket).max_keys(1).expected_bucket_owner(&place.account);
        let read = self.anonymous_s3.get_object().bucket(bucket).key(buckets::MARKER_KEY);
        let read = read.expected_bucket_owner(&place.account);
        let (list, list_all, read) = join3(list.send(), with_key.list_buckets().send(), read.send()).await;

        let list = list.map_err(|error| AwsError::of("ListObjectsV2", error));
        list.map_err(|error| refused(error, &user, "cannot list its bucket with its stored key yet"))?;
        match list_all.map_err(|error| AwsError::of("ListBuckets", error)) {
            Ok(_) => {
                let message = "may list all buckets of the account, so it has more than the bucket policy grants; remove its policies and groups";
                return Err(StepError::new(ErrorCode::UserHasPermissions, user, message));
            }
            Err(error) if error.code() == "AccessDenied" => {}
            Err(error) => return Err(refused(error, &user, "cannot be tried with its stored key yet")),
        }
        let read = read.map_err(|error| AwsError::of("GetObject", error));
        let bucket = buckets::resource(inventory.bucket);
        read.map(drop)
            .map_err(|error| refused(error, &bucket, "does not show its public folder without credentials yet"))
    }
}

/// A refusal is waited out; anything else means what it always means.
fn refused(error: AwsError, resource: &str, what: &str) -> StepError {
    error.explain(resource, |error| {
        let waits = error.status().is_some() && error.is_refusal() && !error.is_throttling();
        waits.then(|| (ErrorCode::Propagating, format!("{what} ({}); the step is tried again later", error.code())))
    })
}
