//! Using what was provisioned, as its users will: with the stored key, and without any. Nothing but reads.

use aws::{AwsError, Credential, buckets};
use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use futures_util::future::{OptionFuture, join3, join4};
use org::BucketName;

use super::Looker;
use crate::checklist::observed::{Anonymously, Asked, Attempt, DENIED_HEAD, Seen, WithKey};

/// The first key behind everything that begins with `pub/`: `0` is the character after `/`.
const BEHIND_PUBLIC: &str = "pub0";
/// The only operation here whose answers have no body.
const HEAD: &str = "HeadObject";

impl Looker {
    /// Tries the stored key on who it is, its bucket, the account and another organization's bucket.
    pub(super) async fn try_with_key(
        &self,
        asked: &Asked,
        credential: &Credential,
        bucket: Option<&BucketName>,
    ) -> WithKey {
        let sdk = with_key(&self.connection.sdk, credential);
        let (s3, sts) = (aws::s3(&sdk), aws_sdk_sts::Client::new(&sdk));
        let own_bucket = OptionFuture::from(bucket.map(|name| self.list(&s3, name.as_str())));
        let (identity, own_bucket, all_buckets, other_bucket) = join4(
            sts.get_caller_identity().send(),
            own_bucket,
            s3.list_buckets().max_buckets(1).send(),
            self.try_other_bucket(asked, bucket, &s3),
        )
        .await;
        let identity = match identity.map_err(|error| AwsError::of("GetCallerIdentity", error)) {
            Ok(answer) => Ok(Ok(answer.arn.unwrap_or_default())),
            Err(error) => refusal(error, "the stored access key").map(Err),
        };
        let all_buckets = attempt("ListBuckets", "the account's buckets", all_buckets);
        WithKey { identity, own_bucket, all_buckets, other_bucket }
    }

    async fn try_other_bucket(
        &self,
        asked: &Asked,
        bucket: Option<&BucketName>,
        s3: &aws_sdk_s3::Client,
    ) -> Option<(String, Seen<Attempt>)> {
        let some = match self.some_buckets().await {
            Ok(some) => some,
            Err(unseen) => return Some(("another organization's bucket".to_owned(), Err(unseen))),
        };
        let own = |name: &str| {
            bucket.is_some_and(|own| own.as_str() == name)
                || asked.conventions.own_bucket_name(&asked.org, name).is_some()
        };
        let other = some.into_iter().find(|name| !own(name))?;
        let listed = self.list(s3, &other).await;
        Some((other, listed))
    }

    /// Tries, without credentials, to read what is public, to read what is not, and to list.
    pub(super) async fn try_anonymously(&self, bucket: &BucketName) -> Anonymously {
        let name = bucket.as_str();
        let s3 = &without_cache(&self.anonymous_s3);
        let marker = s3.get_object().bucket(name).key(buckets::MARKER_KEY);
        let marker = marker.expected_bucket_owner(&self.connection.place.account);
        let (public_read, private_read, list) =
            join3(marker.send(), self.try_private_read(s3, bucket), self.list(s3, name)).await;
        Anonymously {
            public_read: attempt("GetObject", &buckets::resource(bucket), public_read.map(drop)),
            private_read,
            list,
        }
    }

    /// Looks for an object outside `pub/`, and asks for its head without credentials. That an object is missing is
    /// told only to those who may list, so one that is there is needed.
    async fn try_private_read(
        &self,
        anonymous: &aws_sdk_s3::Client,
        bucket: &BucketName,
    ) -> Seen<Option<(String, Attempt)>> {
        let Some(key) = self.private_object(bucket).await? else { return Ok(None) };
        let head = anonymous.head_object().bucket(bucket.as_str()).key(&key);
        let head = head.expected_bucket_owner(&self.connection.place.account).send().await;
        Ok(Some((key, attempt(HEAD, &buckets::resource(bucket), head)?)))
    }

    async fn private_object(&self, bucket: &BucketName) -> Seen<Option<String>> {
        for after in [None, Some(BEHIND_PUBLIC)] {
            let request =
                self.s3.list_objects_v2().bucket(bucket.as_str()).set_start_after(after.map(str::to_owned)).max_keys(1);
            let answer = request.expected_bucket_owner(&self.connection.place.account).send().await;
            let answer = answer
                .map_err(|error| AwsError::of("ListObjectsV2", error).explain_as_usual(buckets::resource(bucket)))?;
            let key = answer.contents.unwrap_or_default().into_iter().find_map(|object| object.key);
            if let Some(key) = key.filter(|key| !key.starts_with(buckets::MARKER_KEY)) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    async fn list(&self, s3: &aws_sdk_s3::Client, bucket: &str) -> Seen<Attempt> {
        let request = s3.list_objects_v2().bucket(bucket).max_keys(1);
        let answer = request.expected_bucket_owner(&self.connection.place.account).send().await;
        attempt("ListObjectsV2", &format!("bucket {bucket}"), answer)
    }
}

/// The configuration with a stored key in place of the operator's. It keeps its identities to itself: the cache that
/// the SDK's clients share has room for some, so that each organization's key would stay in there and put the
/// operator's credentials out of it, which then are resolved anew.
fn with_key(sdk: &SdkConfig, credential: &Credential) -> SdkConfig {
    let secret = credential.secret_access_key.expose();
    let credentials = Credentials::new(&credential.access_key_id, secret, None, None, "stored access key");
    let mut sdk = sdk.to_builder();
    sdk.set_credentials_provider(Some(SharedCredentialsProvider::new(credentials)));
    sdk.set_identity_cache(Some(IdentityCache::no_cache()));
    sdk.build()
}

/// The client without credentials, which has no identity to keep.
fn without_cache(anonymous: &aws_sdk_s3::Client) -> aws_sdk_s3::Client {
    let config = anonymous.config().to_builder().identity_cache(IdentityCache::no_cache());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Whether it was done or refused; neither, if the service did not answer.
fn attempt<T, E>(operation: &'static str, about: &str, answer: Result<T, SdkError<E, HttpResponse>>) -> Seen<Attempt>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer.map_err(|error| AwsError::of(operation, error)) {
        Ok(_) => Ok(Attempt::Done),
        // HEAD answers have no body, hence no code.
        Err(error) if operation == HEAD && error.status() == Some(403) && error.code().is_empty() => {
            Ok(Attempt::Refused(DENIED_HEAD.to_owned()))
        }
        Err(error) => refusal(error, about).map(Attempt::Refused),
    }
}

fn refusal(error: AwsError, about: &str) -> Seen<String> {
    // Without a code somebody else may have answered: a proxy, on the way back.
    if error.status().is_some() && !error.code().is_empty() && error.is_refusal() && !error.is_throttling() {
        return Ok(error.code().to_owned());
    }
    Err(error.explain_as_usual(about).into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::SystemTime;

    use aws::SecretText;
    use aws_config::BehaviorVersion;
    use aws_credential_types::credential_fn::provide_credentials_fn;
    use aws_sdk_s3::operation::head_object::HeadObjectError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;
    use aws_types::region::Region;
    use local_aws::{Clock, LocalAws};

    use super::*;

    fn credential(id: &str) -> Credential {
        Credential {
            access_key_id: id.to_owned(),
            secret_access_key: SecretText::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            user_name: "rms_acme".to_owned(),
        }
    }

    #[tokio::test]
    async fn probes_do_not_put_the_operators_credentials_out_of_the_shared_cache() {
        let resolved = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&resolved);
        let operator = provide_credentials_fn(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Ok(Credentials::new("111111111111", "local", None, None, "operator")) }
        });
        let now = SystemTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap();
        // Room for one: whatever else came into the cache would put the operator out.
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .http_client(LocalAws::new(1, Clock::starting_at(now)).http_client())
            .credentials_provider(SharedCredentialsProvider::new(operator))
            .identity_cache(IdentityCache::lazy().max_partitions(1).build())
            .build();
        let identify = async |sdk: &SdkConfig| aws_sdk_sts::Client::new(sdk).get_caller_identity().send().await;
        let mut anonymous = sdk.to_builder();
        anonymous.set_credentials_provider(None);
        let anonymous = aws_sdk_s3::config::Builder::from(&anonymous.build()).allow_no_auth().build();
        let anonymous = aws_sdk_s3::Client::from_conf(anonymous);
        assert!(identify(&sdk).await.is_ok());
        for id in ["AKIAIOSFODNN7EXAMPL1", "AKIAIOSFODNN7EXAMPL2"] {
            assert!(identify(&with_key(&sdk, &credential(id))).await.is_err(), "nobody has this key");
            assert!(without_cache(&anonymous).get_object().bucket("none").key("pub/").send().await.is_err());
            assert!(identify(&sdk).await.is_ok());
        }
        assert_eq!(resolved.load(Ordering::Relaxed), 1);
    }

    fn answered(operation: &'static str, status: u16, code: Option<&str>) -> Seen<Attempt> {
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let error = SdkError::service_error(HeadObjectError::generic(metadata.build()), response);
        attempt::<(), _>(operation, "bucket b", Err(error))
    }

    #[test]
    fn a_bare_403_is_a_denial_of_a_head_and_of_nothing_else() {
        assert!(answered(HEAD, 403, None).unwrap().is_denied());
        assert!(answered("ListObjectsV2", 403, Some("AccessDenied")).unwrap().is_denied());
        for (status, code) in [(403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"), (404, "NoSuchBucket")] {
            let refused = answered("ListObjectsV2", status, Some(code)).unwrap();
            assert_eq!((refused.is_denied(), refused), (false, Attempt::Refused(code.to_owned())));
        }
        assert!(!answered(HEAD, 404, Some("NotFound")).unwrap().is_denied());
        // A proxy's.
        assert!(answered("ListObjectsV2", 403, None).is_err() && answered("ListObjectsV2", 404, None).is_err());
        assert!(answered(HEAD, 503, None).is_err() && answered("ListObjectsV2", 503, Some("SlowDown")).is_err());
    }
}
