//! Finding the organization's bucket: among its own by tag, before any is created.

mod found;
mod settings;
mod states;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder as ConfigBuilder, Region};
use contract::{ErrorCode, OrgCreated, Run, StepError};
use futures_util::future::{join, try_join_all};
use org::{BucketName, Conventions, OrgId, Place};

use crate::error::{AwsError, DENIED_REMEDY};
use crate::ownership::{ORG_STATE_SINCE_TAG, ORG_STATE_TAG, require_ours, since_of};
use crate::server_date::ServerDate;

pub use settings::{
    MARKER_KEY, SETUP_CALLS, Setup, blocks_public_access, enforces_owner, has_marker, policy, public_access_blocks,
    setup,
};

pub use states::{StateSeen, states};

/// How many calls [`search`] makes at one time beside those for the details: the list and the wanted bucket's tags.
pub const SEARCH_CALLS: usize = 2;
/// Buckets in a page of ListBuckets, the most it gives.
const PAGE_SIZE: i32 = 10_000;
/// Pages to read at most: more buckets than any account has.
const MOST_PAGES: usize = 100;

/// A bucket of this organization's, with what the step wanted to know of it.
#[derive(Clone, Debug)]
pub struct Bucket<T> {
    /// The name.
    pub name: BucketName,
    /// What the step read.
    pub details: T,
    tags: Tags,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Search<T> {
    /// The organization's buckets in this region.
    here: Vec<Bucket<T>>,
    /// The organization's buckets in other regions: name and region.
    elsewhere: Vec<(BucketName, String)>,
    /// The name that a new bucket should get, and what is there under it now.
    wanted: (BucketName, Occupant),
    requested: Option<BucketName>,
    /// Whether an offboarded organization is to come back.
    reonboard: bool,
    /// The time that S3 told.
    date: ServerDate,
}

/// What is there under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Occupant {
    Nobody,
    /// A bucket of our account without the organization's tag.
    Untagged(Untagged),
    AnotherAccount,
}

/// A bucket of our account that has the name of the organization's without its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untagged {
    /// The value of the tag, if it has one.
    pub owner: Option<String>,
    /// Every tag, key and value.
    pub tags: Vec<(String, String)>,
    /// The region that it is in.
    pub region: String,
    /// Its age, if it is known.
    age: Option<Duration>,
}

/// Where a new bucket can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vacancy {
    /// The name is free, as far as a look can tell.
    Free(BucketName),
    /// The standard name belongs to another account: take the alternative.
    Taken,
}

/// What a search needs to know.
#[derive(Clone, Copy)]
pub struct Seeker<'a> {
    /// The client.
    s3: &'a Client,
    /// How buckets are called.
    conventions: &'a Conventions,
    /// Where the function runs.
    place: &'a Place,
    /// Whose bucket to find.
    org: &'a OrgId,
    /// The name that the command asks for.
    requested: Option<&'a str>,
    /// The bucket to look at in place of the one with the standard name.
    named: Option<&'a BucketName>,
    /// Whether an offboarded organization is to come back.
    reonboard: bool,
}

/// The resource's name in messages.
pub fn resource(name: &BucketName) -> String {
    format!("bucket {name}")
}

/// Finds the organization's buckets, and reads `details` of those in this region.
///
/// ListBuckets and all looks at the name that the bucket most likely has go out at the same time; then all looks at
/// other buckets in the list. Details are read before it is known whose a bucket is, and count only if it is ours.
///
/// # Errors
/// When S3 does not answer.
pub async fn search<T>(
    seeker: Seeker<'_>,
    details: impl AsyncFn(&BucketName) -> Result<T, StepError>,
) -> Result<Search<T>, StepError> {
    let requested = seeker.requested_name()?;
    let wanted = requested.clone().unwrap_or_else(|| seeker.conventions.bucket_name(seeker.org));
    let date = ServerDate::default();
    let (listed, (tags, first_details)) =
        join(seeker.list(&date), join(seeker.tags(&wanted, None), details(&wanted))).await;
    let (listed, tags) = (listed?, tags?);
    let mut found = Search {
        here: Vec::new(),
        elsewhere: Vec::new(),
        wanted: (wanted.clone(), Occupant::Nobody),
        requested,
        reonboard: seeker.reonboard,
        date,
    };
    found.wanted.1 = match &tags {
        Look::Absent if listed.iter().any(|bucket| bucket.name == wanted) => return Err(unsettled(&wanted)),
        Look::Absent => Occupant::Nobody,
        Look::Denied if !listed.iter().any(|bucket| bucket.name == wanted) => Occupant::AnotherAccount,
        Look::Denied => return Err(denied(&wanted)),
        Look::Tags(tags) if seeker.owns(tags) => {
            found.here.push(Bucket { name: wanted.clone(), details: first_details?, tags: tags.clone() });
            Occupant::Nobody
        }
        Look::Tags(tags) => {
            // A bucket of ours that is not listed yet was made a moment ago, and its tags may follow too.
            let listed = listed.iter().find(|bucket| bucket.name == wanted).ok_or_else(|| unsettled(&wanted))?;
            Occupant::Untagged(seeker.untagged(tags.clone(), listed))
        }
        // It exists in another region; the list says whether it is ours.
        Look::OtherRegion => Occupant::AnotherAccount,
    };
    let others = listed.iter().filter(|bucket| bucket.name != wanted || bucket.region != seeker.place.region);
    let looks = others.map(async |bucket| {
        let Listed { name, region, .. } = bucket;
        let here = async { if *region == seeker.place.region { Some(details(name).await) } else { None } };
        let (look, details) = join(seeker.tags(name, Some(region)), here).await;
        Ok::<_, StepError>((bucket, look?, details))
    });
    for (bucket, look, details) in try_join_all(looks).await? {
        let Listed { name, region, .. } = bucket;
        match look {
            Look::Tags(tags) if seeker.owns(&tags) => match details {
                Some(details) => found.here.push(Bucket { name: name.clone(), details: details?, tags }),
                None => found.elsewhere.push((name.clone(), region.clone())),
            },
            Look::Tags(tags) if *name == wanted => {
                found.wanted.1 = Occupant::Untagged(seeker.untagged(tags, bucket));
            }
            Look::Denied => return Err(denied(name)),
            Look::Absent => return Err(unsettled(name)),
            Look::Tags(_) | Look::OtherRegion => {}
        }
    }
    Ok(found)
}

/// What to do about a name that another account holds.
pub const NAME_TAKEN: &str = "belongs to another account; send the event with another bucketName";

fn denied(name: &BucketName) -> StepError {
    let message = format!("is in our account, but reading its tags is denied{DENIED_REMEDY} s3:GetBucketTagging on it");
    StepError::new(ErrorCode::AccessDenied, resource(name), message).during("GetBucketTagging")
}

/// The list and the look disagree: one of them is behind.
fn unsettled(name: &BucketName) -> StepError {
    let message = "is not known everywhere yet, or any more; the step is tried again later";
    StepError::new(ErrorCode::Propagating, resource(name), message)
}

/// A bucket in the account's list.
struct Listed {
    name: BucketName,
    region: String,
    age: Option<Duration>,
}

/// A bucket's tags, key and value.
type Tags = Vec<(String, String)>;

/// What reading a bucket's tags said about the bucket.
enum Look {
    Absent,
    Denied,
    OtherRegion,
    Tags(Tags),
}

fn value(tags: &Tags, key: &str) -> Option<String> {
    // S3 tells tag keys apart by case.
    tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
}

fn age_of_state(tags: &Tags, date: &ServerDate) -> Option<Duration> {
    let (state, since) = (value(tags, ORG_STATE_TAG)?, value(tags, ORG_STATE_SINCE_TAG)?);
    since_of(&state, &since).map(|since| date.age_of(&since))
}

impl<'a> Seeker<'a> {
    /// Where a bucket of that name can go: the same look that the search takes at the name it wants.
    ///
    /// # Errors
    /// `not-ours` when our account has a bucket of that name without the organization's tag,
    /// `bucket-name-taken` when another account has it.
    pub async fn require_vacant(&self, name: &BucketName) -> Result<(), StepError> {
        match self.tags(name, None).await? {
            Look::Absent => Ok(()),
            Look::Tags(tags) => {
                let key = self.conventions.tag_key();
                require_ours(&resource(name), key, value(&tags, key).as_deref(), None, self.org)
            }
            Look::Denied | Look::OtherRegion => {
                Err(StepError::new(ErrorCode::BucketNameTaken, resource(name), NAME_TAKEN))
            }
        }
    }

    /// A search for the bucket of a run's organization.
    pub fn new(s3: &'a Client, conventions: &'a Conventions, run: &Run<'a, OrgCreated>) -> Self {
        let OrgCreated { org_id, bucket_name, reonboard, .. } = run.command;
        let (requested, reonboard) = (bucket_name.as_deref(), *reonboard);
        Self { s3, conventions, place: run.place, org: org_id, requested, named: None, reonboard }
    }

    /// A search for the bucket of an organization, whatever name it has.
    pub fn of_org(s3: &'a Client, conventions: &'a Conventions, place: &'a Place, org: &'a OrgId) -> Self {
        Self { s3, conventions, place, org, requested: None, named: None, reonboard: false }
    }

    /// The same search, which also looks at what is there under this name: a bucket that is not the organization's yet.
    pub fn looking_at(self, named: Option<&'a BucketName>) -> Self {
        Self { named, ..self }
    }

    /// Whether the bucket carries the organization's tag.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn owns_bucket(&self, name: &BucketName) -> Result<bool, StepError> {
        Ok(matches!(self.tags(name, None).await?, Look::Tags(tags) if self.owns(&tags)))
    }

    fn untagged(&self, tags: Tags, listed: &Listed) -> Untagged {
        let owner = value(&tags, self.conventions.tag_key());
        Untagged { owner, tags, region: listed.region.clone(), age: listed.age }
    }

    fn owns(&self, tags: &Tags) -> bool {
        value(tags, self.conventions.tag_key()).as_deref() == Some(self.org.as_str())
    }

    fn requested_name(&self) -> Result<Option<BucketName>, StepError> {
        if let Some(name) = self.named {
            return Ok(Some(name.clone()));
        }
        let name = self.requested.map(|name| self.conventions.requested_bucket_name(self.org, name)).transpose();
        name.map_err(|why| StepError::new(ErrorCode::InvalidField, "OrgCreated", format!("field bucketName: {why}")))
    }

    /// The buckets of our account, in all regions, whose names could be this organization's.
    async fn list(&self, date: &ServerDate) -> Result<Vec<Listed>, StepError> {
        let prefix = self.conventions.bucket_search_prefix(self.org);
        let (mut found, mut token) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let request = self.s3.list_buckets().prefix(&prefix).max_buckets(PAGE_SIZE).set_continuation_token(token);
            let page =
                request.customize().interceptor(date.clone()).send().await.map_err(|error| {
                    AwsError::of("ListBuckets", error).explain_as_usual(format!("buckets {prefix}*"))
                })?;
            for bucket in page.buckets.unwrap_or_default() {
                let name = bucket.name.as_deref().and_then(|name| self.conventions.own_bucket_name(self.org, name));
                let region = bucket.bucket_region.unwrap_or_else(|| self.place.region.clone());
                let age = bucket.creation_date.map(|created| date.age_of(&created));
                found.extend(name.map(|name| Listed { name, region, age }));
            }
            token = page.continuation_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
        let message = "are more than can be read";
        Err(StepError::new(ErrorCode::QuotaExceeded, format!("buckets {prefix}*"), message).during("ListBuckets"))
    }

    async fn tags(&self, name: &BucketName, region: Option<&String>) -> Result<Look, StepError> {
        let mut config = ConfigBuilder::new();
        config.set_region(region.cloned().map(Region::new));
        let request = self.s3.get_bucket_tagging().bucket(name.as_str()).expected_bucket_owner(&self.place.account);
        let answer = match region {
            Some(_) => request.customize().config_override(config).send().await,
            None => request.send().await,
        };
        match answer.map_err(|error| AwsError::of("GetBucketTagging", error)) {
            Ok(answer) => Ok(Look::Tags(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())),
            Err(error) => match error.code() {
                "NoSuchTagSet" => Ok(Look::Tags(Vec::new())),
                "NoSuchBucket" => Ok(Look::Absent),
                "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Ok(Look::Denied),
                "PermanentRedirect"
                | "TemporaryRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException" => Ok(Look::OtherRegion),
                _ => Err(error.explain_as_usual(resource(name))),
            },
        }
    }
}
