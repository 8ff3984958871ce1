//! Finding every organization of an account, by the names of users and buckets.
//!
//! IAM cannot list users by tag, and does not tell tags when it lists them. So a name makes a candidate, and whether what
//! is called so is the organization's own, is what its tag says to whoever looks at that organization.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use aws_sdk_iam::Client as IamClient;
use aws_sdk_s3::Client as S3Client;
use contract::{ErrorCode, StepError};
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt};
use org::{Conventions, OrgId, Place};

use crate::error::AwsError;

/// Users in a page of ListUsers. IAM gives up to 1,000, but what such an answer is read into takes more memory than all ids
/// of a full account: IAM's quota is 5,000 users.
const USERS_PER_PAGE: i32 = 250;
/// Buckets in a page of ListBuckets. Ten times as many could be asked for, but one such answer takes more memory than
/// all the rest.
const BUCKETS_PER_PAGE: i32 = 1000;
/// Buckets whose tags are read at the same time.
pub const READS_AT_ONCE: usize = 8;
/// Pages to read at most: several times what an account's quotas allow, of buckets a million.
const MOST_PAGES: usize = 10_000;

/// Everything in an account that could be an organization. Names are all that is kept in memory, and each once.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Organizations of which a user or a bucket has the standard name.
    pub named: BTreeSet<OrgId>,
    /// Buckets under other names than the standard one, by the organization's id or, where it was cut, by what is left of
    /// it. Their tags say whose they are.
    pub buckets: BTreeMap<String, Vec<String>>,
}

/// What was found under one key: an organization's id or, of a bucket whose name has a cut id in it, what is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'c> {
    /// What it was found under.
    pub key: &'c str,
    named: Option<&'c OrgId>,
    buckets: &'c [String],
}

/// The organizations behind buckets, or behind a candidate.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// Their ids.
    pub orgs: BTreeSet<OrgId>,
    /// The buckets whose tags may not be read, with what S3 said.
    pub unreadable: Vec<(String, String)>,
}

/// Lists users and buckets: a call for each 250 users and for each thousand buckets.
///
/// # Errors
/// When IAM or S3 does not answer.
pub async fn candidates(iam: &IamClient, s3: &S3Client, conventions: &Conventions) -> Result<Candidates, StepError> {
    // Users and buckets are listed side by side, and each id is kept once: lists of them in between would be most of the memory.
    let found = RefCell::new(Candidates::default());
    let users = each_user(iam, conventions, |org| {
        found.borrow_mut().named.insert(org);
    });
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
    for _ in 0..MOST_PAGES {
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

/// The organizations that the tags of `buckets` name.
///
/// # Errors
/// When S3 does not answer.
pub async fn owners(
    buckets: &[String],
    s3: &S3Client,
    conventions: &Conventions,
    place: &Place,
) -> Result<Owners, StepError> {
    let mut owners = Owners::default();
    let tags = stream::iter(buckets).map(async |name| {
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
    Ok(owners)
}

impl Candidates {
    fn add_bucket(&mut self, conventions: &Conventions, name: String) {
        if let Some(org) = conventions.org_of_bucket(&name) {
            self.named.insert(org);
            return;
        }
        let rest = name.strip_prefix(conventions.bucket_prefix()).unwrap_or(&name);
        // No id has a hyphen, and every other name has one behind the id.
        let key = rest.split('-').next().unwrap_or(rest).to_owned();
        self.buckets.entry(key).or_default().push(name);
    }

    /// The candidates whose keys come after `key`, in order.
    pub fn after(&self, key: Option<&str>) -> impl Iterator<Item = Candidate<'_>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = (key.map_or(Unbounded, Excluded), Unbounded);
        let mut named = self.named.range::<str, _>(after).peekable();
        let mut buckets = self.buckets.range::<str, _>(after).peekable();
        iter::from_fn(move || {
            let keys = [named.peek().map(|org| org.as_str()), buckets.peek().map(|(key, _)| key.as_str())];
            let key = keys.into_iter().flatten().min()?;
            let named = named.next_if(|org| org.as_str() == key);
            let buckets = buckets.next_if(|(of, _)| *of == key);
            Some(Candidate { key, named, buckets: buckets.map(|(_, names)| names.as_slice()).unwrap_or_default() })
        })
    }
}

impl Candidate<'_> {
    /// How many buckets' tags it takes to know its owners.
    pub fn reads(&self) -> usize {
        self.buckets.len()
    }

    /// The organizations behind it: the one that is called so, and those that the tags of its other buckets name.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn owners(&self, s3: &S3Client, conventions: &Conventions, place: &Place) -> Result<Owners, StepError> {
        let mut owners = owners(self.buckets, s3, conventions, place).await?;
        owners.orgs.extend(self.named.cloned());
        Ok(owners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_come_in_order_and_each_once_whatever_was_found() {
        let mut candidates = Candidates::default();
        candidates.named.extend(["abc", "abd", "zed"].map(|id| OrgId::parse(id).unwrap()));
        for bucket in
            ["fusion-rms-abc", "fusion-rms-abc-1", "fusion-rms-abb-logs", "fusion-rms-abc-2", "fusion-rms-zee-1"]
        {
            candidates.add_bucket(&Conventions::default(), bucket.to_owned());
        }
        let after = |key| -> Vec<(&str, bool, usize)> {
            candidates.after(key).map(|found| (found.key, found.named.is_some(), found.reads())).collect()
        };
        let all = [("abb", false, 1), ("abc", true, 2), ("abd", true, 0), ("zed", true, 0), ("zee", false, 1)];
        assert_eq!(after(None), all);
        assert_eq!(after(Some("abb")), all[1..]);
        assert_eq!(after(Some("abca")), all[2..], "a key that is none any more");
        assert_eq!(after(Some("zed")), all[4..]);
        assert_eq!(after(Some("zee")), []);
    }
}
