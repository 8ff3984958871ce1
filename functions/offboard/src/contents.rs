//! What a bucket holds: every version of every object, and every delete marker.
//!
//! Parts of uploads that were never completed are no objects, and stay until a lifecycle rule or a person aborts them.

use std::time::Duration;

use aws::{AwsError, buckets};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use contract::{ErrorCode, OrgDeleted, Run, StepError};
use org::{BucketName, Place};

use crate::Offboard;

/// Versions in a page, the most that S3 lists and the most that DeleteObjects takes.
const PAGE_SIZE: i32 = 1000;
/// Pages that one run deletes at most. What is left is the next run's.
const MOST_PAGES: usize = 30;
/// The time that a page takes at most: what is not begun with that much left, the next run does.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(8);

/// Where the next page begins.
struct Marker {
    key: String,
    version: Option<String>,
}

/// A page of versions and delete markers.
struct Page {
    versions: Vec<ObjectIdentifier>,
    next: Option<Marker>,
}

impl Offboard {
    /// Whether there is any version of anything.
    pub(crate) async fn holds_something(&self, place: &Place, name: &BucketName) -> Result<bool, StepError> {
        let page = self.page(place, name, 1, None).await?;
        Ok(!page.versions.is_empty() || page.next.is_some())
    }

    /// Deletes page after page, and is done when there was nothing from the first page to the last. What may not be deleted
    /// keeps nothing behind it from being deleted.
    ///
    /// # Errors
    /// `out-of-time` while there is more than one run can delete; the queue brings the next run. `access-denied` when
    /// everything is deleted that may be, and something may not.
    pub(crate) async fn empty(&self, run: &Run<'_, OrgDeleted>, name: &BucketName) -> Result<(), StepError> {
        let (mut from, mut refused, mut deleted) = (None, None, false);
        for _ in 0..MOST_PAGES {
            if run.deadline.left(self.time.now()) < TIME_FOR_A_PAGE {
                break;
            }
            let page = self.page(run.place, name, PAGE_SIZE, from.take()).await?;
            if !page.versions.is_empty() {
                deleted = true;
                match self.delete(run.place, name, page.versions).await {
                    Err(error) if error.code() == ErrorCode::AccessDenied => refused = refused.or(Some(error)),
                    done => done?,
                }
            }
            from = page.next;
            if from.is_some() {
                continue;
            }
            match refused {
                Some(error) => return Err(error),
                None if !deleted => return Ok(()),
                None => deleted = false,
            }
        }
        let message = "holds more than one run can delete; the step goes on later where it stopped";
        Err(StepError::new(ErrorCode::OutOfTime, buckets::resource(name), message))
    }

    /// A page can be empty without being the last: S3 says where it goes on.
    async fn page(&self, place: &Place, name: &BucketName, most: i32, from: Option<Marker>) -> Result<Page, StepError> {
        let request = self.lifecycle.observer.s3.list_object_versions().bucket(name.as_str()).max_keys(most);
        let (key, version) = from.map_or((None, None), |from| (Some(from.key), from.version));
        let request = request.set_key_marker(key).set_version_id_marker(version);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let answer = answer
            .map_err(|error| AwsError::of("ListObjectVersions", error).explain_as_usual(buckets::resource(name)))?;
        let more = answer.is_truncated.unwrap_or_default();
        let next = answer.next_key_marker.filter(|_| more);
        let next = next.map(|key| Marker { key, version: answer.next_version_id_marker });
        let versions = answer.versions.unwrap_or_default().into_iter();
        let versions = versions.map(|version| (version.key, version.version_id));
        let markers = answer.delete_markers.unwrap_or_default().into_iter();
        let markers = markers.map(|marker| (marker.key, marker.version_id));
        let versions = versions.chain(markers).map(|(key, version)| identifier(name, key, version));
        Ok(Page { versions: versions.collect::<Result<_, _>>()?, next })
    }

    async fn delete(&self, place: &Place, name: &BucketName, page: Vec<ObjectIdentifier>) -> Result<(), StepError> {
        let delete = Delete::builder().set_objects(Some(page)).quiet(true).build();
        let delete = delete.map_err(|error| unexpected(name, error.to_string()))?;
        let request = self.lifecycle.observer.s3.delete_objects().bucket(name.as_str()).delete(delete);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let answer =
            answer.map_err(|error| AwsError::of("DeleteObjects", error).explain_as_usual(buckets::resource(name)))?;
        // A 200 can tell of keys that were not deleted: an object lock, a denial, or a failure of S3's own.
        let Some(error) = answer.errors().first() else { return Ok(()) };
        let (code, key) = (error.code().unwrap_or_default(), error.key().unwrap_or_default());
        let (kind, then) = match code {
            "AccessDenied" => (
                ErrorCode::AccessDenied,
                "an object lock keeps it, or the function's role lacks s3:DeleteObjectVersion; replay the event when it may be deleted",
            ),
            "SlowDown" => (ErrorCode::Throttled, "the step is tried again later"),
            "InternalError" | "ServiceUnavailable" => (ErrorCode::ServiceUnavailable, "the step is tried again later"),
            _ => (ErrorCode::Unexpected, "look it up, mend the cause and replay the event"),
        };
        let shown: String = key.chars().take(64).collect();
        let message = format!("{shown:?} could not be deleted ({code}); {then}");
        Err(StepError::new(kind, buckets::resource(name), message).during("DeleteObjects"))
    }
}

fn identifier(name: &BucketName, key: Option<String>, version: Option<String>) -> Result<ObjectIdentifier, StepError> {
    let identifier = ObjectIdentifier::builder().set_key(key).set_version_id(version).build();
    identifier.map_err(|error| unexpected(name, error.to_string()))
}

fn unexpected(name: &BucketName, message: String) -> StepError {
    StepError::new(ErrorCode::Unexpected, buckets::resource(name), message)
}
