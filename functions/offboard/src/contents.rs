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

impl Offboard {
    /// Whether there is any version of anything.
    pub(crate) async fn holds_something(&self, place: &Place, name: &BucketName) -> Result<bool, StepError> {
        self.page(place, name, 1).await.map(|page| !page.is_empty())
    }

    /// Deletes page after page, always the first one: what was deleted is not listed any more.
    ///
    /// # Errors
    /// `out-of-time` while there is more than one run can delete; the queue brings the next run.
    pub(crate) async fn empty(&self, run: &Run<'_, OrgDeleted>, name: &BucketName) -> Result<(), StepError> {
        for _ in 0..MOST_PAGES {
            if run.deadline.left(self.time.now()) < TIME_FOR_A_PAGE {
                break;
            }
            let page = self.page(run.place, name, PAGE_SIZE).await?;
            if page.is_empty() {
                return Ok(());
            }
            self.delete(run.place, name, page).await?;
        }
        let message = "holds more than one run can delete; the step goes on later where it stopped";
        Err(StepError::new(ErrorCode::OutOfTime, buckets::resource(name), message))
    }

    async fn page(&self, place: &Place, name: &BucketName, most: i32) -> Result<Vec<ObjectIdentifier>, StepError> {
        let request = self.lifecycle.s3.list_object_versions().bucket(name.as_str()).max_keys(most);
        let answer = request.expected_bucket_owner(&place.account).send().await;
        let answer = answer
            .map_err(|error| AwsError::of("ListObjectVersions", error).explain_as_usual(buckets::resource(name)))?;
        let versions = answer.versions.unwrap_or_default().into_iter();
        let versions = versions.map(|version| (version.key, version.version_id));
        let markers = answer.delete_markers.unwrap_or_default().into_iter();
        let markers = markers.map(|marker| (marker.key, marker.version_id));
        versions.chain(markers).map(|(key, version)| identifier(name, key, version)).collect()
    }

    async fn delete(&self, place: &Place, name: &BucketName, page: Vec<ObjectIdentifier>) -> Result<(), StepError> {
        let delete = Delete::builder().set_objects(Some(page)).quiet(true).build();
        let delete = delete.map_err(|error| unexpected(name, error.to_string()))?;
        let request = self.lifecycle.s3.delete_objects().bucket(name.as_str()).delete(delete);
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
