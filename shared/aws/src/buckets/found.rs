//! What a search for the organization's bucket says: which one it is, or where a new one can go.

use std::time::Duration;

use contract::{ErrorCode, StepError};
use org::{BucketName, OrgId};

use super::{Bucket, NAME_TAKEN, Occupant, Search, Untagged, Vacancy, age_of_state, resource};
use crate::ownership::{ORG_STATE_TAG, require_active_for, require_ours};
use crate::server_date::ServerDate;

impl<T> Bucket<T> {
    /// The tags, key and value. S3 tells tag keys apart by case.
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// The value of the tag `OrgState`, if it has it.
    pub fn state(&self) -> Option<&str> {
        let tag = self.tags.iter().find(|(name, _)| name == ORG_STATE_TAG);
        tag.map(|(_, value)| value.as_str())
    }
}

impl<T> Search<T> {
    /// Every bucket in this region that carries the organization's tag.
    pub fn here(&self) -> &[Bucket<T>] {
        &self.here
    }

    /// Every bucket in another region that carries the organization's tag: name and region.
    pub fn elsewhere(&self) -> &[(BucketName, String)] {
        &self.elsewhere
    }

    /// A bucket of our account, in whichever region, that has the name of the organization's without its tag.
    pub fn not_ours(&self) -> Option<(&BucketName, &Untagged)> {
        match &self.wanted {
            (name, Occupant::Untagged(bucket)) => Some((name, bucket)),
            (_, Occupant::Nobody | Occupant::AnotherAccount) => None,
        }
    }

    /// The organization's bucket, if it has one.
    ///
    /// # Errors
    /// A conflict when there are two, when it is in another region, when it differs from the name that the
    /// command asks for, and when the organization is not active.
    pub fn bucket(&self) -> Result<Option<&Bucket<T>>, StepError> {
        let found = self.bucket_in_any_state()?;
        if let Some(bucket) = found {
            require_active_for(&resource(&bucket.name), bucket.state(), self.reonboard)?;
        }
        Ok(found)
    }

    /// The same, whether the organization is active or not.
    ///
    /// # Errors
    /// A conflict when there are two, when it is in another region, and when it differs from the name that the command
    /// asks for.
    pub fn bucket_in_any_state(&self) -> Result<Option<&Bucket<T>>, StepError> {
        if let Some((name, region)) = self.elsewhere.first() {
            let message = format!(
                "is this organization's and lies in {region}; provision the organization there, or move the bucket's content and delete it"
            );
            return Err(StepError::new(ErrorCode::BucketElsewhere, resource(name), message));
        }
        if let [one, two, ..] = &self.here[..] {
            let message = format!(
                "carries this organization's tag, and so does {}; remove the tag from the one that is not its bucket",
                two.name
            );
            return Err(StepError::new(ErrorCode::BucketAmbiguous, resource(&one.name), message));
        }
        let Some(bucket) = self.here.first() else { return Ok(None) };
        match &self.requested {
            Some(requested) if *requested != bucket.name => {
                let message = format!(
                    "is this organization's, but the event asks for bucketName {requested}; send the event without it, or move the content and remove the tag"
                );
                Err(StepError::new(ErrorCode::BucketNameDiffers, resource(&bucket.name), message))
            }
            _ => Ok(Some(bucket)),
        }
    }

    /// How long a bucket has been in its state, by S3's clock, if its tags say since when.
    pub fn age_of_state(&self, bucket: &Bucket<T>) -> Option<Duration> {
        age_of_state(&bucket.tags, &self.date)
    }

    /// The time that S3 told.
    pub fn date(&self) -> &ServerDate {
        &self.date
    }

    /// Where a new bucket can go; asked when there is none.
    ///
    /// # Errors
    /// A conflict when our account has a bucket of that name which is not the organization's, or when the
    /// name that the command asks for belongs to another account.
    pub fn vacancy(&self, tag_key: &str, org: &OrgId) -> Result<Vacancy, StepError> {
        let (name, occupant) = &self.wanted;
        match occupant {
            Occupant::Nobody => Ok(Vacancy::Free(name.clone())),
            Occupant::Untagged(Untagged { owner, age, .. }) => {
                require_ours(&resource(name), tag_key, owner.as_deref(), *age, org)
                    .map(|()| Vacancy::Free(name.clone()))
            }
            Occupant::AnotherAccount if self.requested.is_some() => {
                Err(StepError::new(ErrorCode::BucketNameTaken, resource(name), NAME_TAKEN))
            }
            Occupant::AnotherAccount => Ok(Vacancy::Taken),
        }
    }

    /// The organization's bucket, once it is there: what other steps wait for.
    ///
    /// # Errors
    /// `waiting`, or a conflict.
    pub fn require(&self, tag_key: &str, org: &OrgId) -> Result<&Bucket<T>, StepError> {
        if let Some(bucket) = self.bucket()? {
            return Ok(bucket);
        }
        self.vacancy(tag_key, org)?;
        let message = "is not there yet; the step is tried again later";
        Err(StepError::new(ErrorCode::Waiting, resource(&self.wanted.0), message))
    }
}
