//! Finding every organization of an account, by the names of users and buckets.
//!
//! IAM cannot list users by tag, and does not tell tags when it lists them. So a name makes a candidate, and whether what
//! is called so is the organization's own, is what its tag says to whoever looks at that organization.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map;

use aws_sdk_iam::Client as IamClient;
use aws_sdk_s3::Client as S3Client;
use contract::{ErrorCode, StepError};
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt};
use org::{Conventions, OrgId, Place};

use crate::error::AwsError;

/// Users in a page of ListUsers, the most it gives.
const USERS_PER_PAGE: i32 = 1000;
/// Buckets in a page of ListBuckets. Ten times as many could be asked for, but one such answer takes more memory than
/// all the rest.
const BUCKETS_PER_PAGE: i32 = 1000;
/// Buckets whose tags are read at the same time.
pub const READS_AT_ONCE: usize = 8;
/// Pages to read at most: several times what an account's quotas allow.
const MOST_PAGES: usize = 1000;
/// The same for the smaller pages of buckets.
const MOST_BUCKET_PAGES: usize = 10 * MOST_PAGES;

/// Everything in an account that could be an organization. Names are all that is kept in memory.
#[derive(Clone, Debug, Default)]
pub struct Candidates(BTreeMap<String, Candidate>);

/// What was found under one key: an organization's id or, of a bucket whose name has a cut id in it, what is left of it.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// Whether a user or a bucket has the standard name of the organization whose id is the key.
    named: bool,
    /// Buckets under other names than the standard one. Their tags say whose they are.
    buckets: Vec<String>,
}

/// The organizations behind a candidate.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// Their ids, in order.
    pub orgs: Vec<OrgId>,
    /// The buckets whose tags may not be read, with what S3 said.
    pub unreadable: Vec<(String, String)>,
}

/// Lists users and buckets: a call for each thousand users and for each thousand buckets.
///
/// # Errors
/// When IAM or S3 does not answer.
pub async fn candidates(iam: &IamClient, s3: &S3Client, conventions: &Conventions) -> Result<Candidates, StepError> {
    // Users and buckets are listed side by side, into one map: lists of them in between would be most of the memory.
    let found = RefCell::new(Candidates::default());
    let users = each_user(iam, conventions, |org| found.borrow_mut().add(org));
    let prefix = conventions.bucket_prefix();
    let buckets = each_bucket(s3, Some(prefix), |name| found.borrow_mut().add_bucket(conventions, name));
    try_join(users, buckets).await?;
    Ok(found.into_inner())
}

/// How many buckets the account has, whoever made them.
///
/// # Errors
/// When S3 does not answer.
pub async fn count_buckets(s3: &S3Client) -> Result<usize, StepError> {
    let mut count = 0;
    each_bucket(s3, None, |_| count += 1).await?;
    Ok(count)
}

async fn each_user(iam: &IamClient, conventions: &Conventions, mut each: impl FnMut(OrgId)) -> Result<(), StepError> {
    let mut marker = None;
    for _ in 0..MOST_PAGES {
        let page = iam.list_users().max_items(USERS_PER_PAGE).set_marker(marker).send().await;
        let page = page.map_err(|error| AwsError::of("ListUsers", error).explain_as_usual("the account's users"))?;
        // The conventions know no paths, and no role of a function reaches a user in one.
        let in_no_path = page.users.iter().filter(|user| user.path == "/");
        in_no_path.filter_map(|user| conventions.org_of_user(&user.user_name)).for_each(&mut each);
        marker = page.marker;
        if !page.is_truncated {
            return Ok(());
        }
    }
    Err(too_many("the account's users", "ListUsers"))
}

async fn each_bucket(s3: &S3Client, prefix: Option<&str>, mut each: impl FnMut(String)) -> Result<(), StepError> {
    let mut token = None;
    for _ in 0..MOST_BUCKET_PAGES {
        let request = s3.list_buckets().set_prefix(prefix.map(str::to_owned)).max_buckets(BUCKETS_PER_PAGE);
        let page = request.set_continuation_token(token).send().await;
        let page =
            page.map_err(|error| AwsError::of("ListBuckets", error).explain_as_usual("the account's buckets"))?;
        page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name).for_each(&mut each);
        token = page.continuation_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(());
        }
    }
    Err(too_many("the account's buckets", "ListBuckets"))
}

fn too_many(what: &str, operation: &'static str) -> StepError {
    let message = "are more pages than any account has";
    StepError::new(ErrorCode::QuotaExceeded, what, message).during(operation)
}

impl Candidates {
    fn add(&mut self, org: OrgId) {
        self.0.entry(org.to_string()).or_default().named = true;
    }

    fn add_bucket(&mut self, conventions: &Conventions, name: String) {
        if let Some(org) = conventions.org_of_bucket(&name) {
            return self.add(org);
        }
        let rest = name.strip_prefix(conventions.bucket_prefix()).unwrap_or(&name);
        // No id has a hyphen, and every other name has one behind the id.
        let key = rest.split('-').next().unwrap_or(rest).to_owned();
        self.0.entry(key).or_default().buckets.push(name);
    }

    /// All of them in order, for whoever needs each once: what was looked at takes no memory any more.
    pub fn into_each(self) -> btree_map::IntoIter<String, Candidate> {
        self.0.into_iter()
    }

    /// The candidates whose keys come after `key`, in order.
    pub fn after(&self, key: Option<&str>) -> btree_map::Range<'_, String, Candidate> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.0.range::<str, _>((key.map_or(Unbounded, Excluded), Unbounded))
    }

    /// Whether the organization has a user or a bucket of its standard name. What has another name may be its own too.
    pub fn has(&self, org: &OrgId) -> bool {
        self.0.get(org.as_str()).is_some_and(|candidate| candidate.named)
    }
}

impl Candidate {
    /// How many buckets' tags it takes to know its owners.
    pub fn reads(&self) -> usize {
        self.buckets.len()
    }

    /// The organizations behind it: the one that is called so, and those that the tags of its other buckets name. `key` is
    /// what it was found under.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn owners(
        &self,
        key: &str,
        s3: &S3Client,
        conventions: &Conventions,
        place: &Place,
    ) -> Result<Owners, StepError> {
        // Under a standard name, the key is the id.
        let org = self.named.then_some(key).and_then(|key| OrgId::parse(key).ok());
        let mut owners = Owners { orgs: org.into_iter().collect(), unreadable: Vec::new() };
        let tags = stream::iter(&self.buckets).map(async |name| {
            let request = s3.get_bucket_tagging().bucket(name).expected_bucket_owner(&place.account);
            (name, request.send().await.map_err(|error| AwsError::of("GetBucketTagging", error)))
        });
        let mut tags = std::pin::pin!(tags.buffered(READS_AT_ONCE));
        while let Some((name, answer)) = tags.next().await {
            match answer {
                Ok(answer) => {
                    let tag = answer.tag_set.iter().find(|tag| tag.key == conventions.tag_key());
                    owners.orgs.extend(tag.and_then(|tag| OrgId::parse(&tag.value).ok()));
                }
                Err(error) => match error.code() {
                    // In another region, the tag cannot be read from here; nothing here is that organization's.
                    "NoSuchTagSet"
                    | "NoSuchBucket"
                    | "PermanentRedirect"
                    | "TemporaryRedirect"
                    | "AuthorizationHeaderMalformed"
                    | "IllegalLocationConstraintException" => {}
                    // One bucket's policy must not hide all other organizations.
                    "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => {
                        owners.unreadable.push((name.clone(), error.message().to_owned()));
                    }
                    _ => return Err(error.explain_as_usual(format!("bucket {name}"))),
                },
            }
        }
        owners.orgs.sort();
        owners.orgs.dedup();
        Ok(owners)
    }
}
