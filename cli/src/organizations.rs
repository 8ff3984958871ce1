//! Finding every organization of an account, by the names of users and buckets.

use std::collections::BTreeSet;
use std::io::Write;

use aws_sdk_s3::operation::get_bucket_tagging::GetBucketTaggingError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::stream::{self, StreamExt};
use org::OrgId;

use crate::connection::Connection;
use crate::exit::{Problem, written};
use crate::terminal::plain;

/// Users in a page of ListUsers, the most it gives.
const USERS_PER_PAGE: i32 = 1000;
/// Buckets in a page of ListBuckets.
const BUCKETS_PER_PAGE: i32 = 1000;
/// Pages to read at most: several times what an account's quotas allow.
const MOST_PAGES: usize = 1000;
/// Buckets whose tags are read at the same time.
const CONCURRENCY: usize = 8;

/// Every organization with a user or a bucket, by id. Ids are all that is kept in memory.
///
/// A name alone makes an organization here: whether what is called so is its own is what the caller looks into.
///
/// # Errors
/// When IAM or S3 does not answer.
pub async fn all(connection: &Connection) -> Result<BTreeSet<OrgId>, Problem> {
    let mut found = with_users(connection).await?;
    found.extend(with_buckets(connection).await?);
    Ok(found)
}

async fn with_users(connection: &Connection) -> Result<BTreeSet<OrgId>, Problem> {
    let iam = aws_sdk_iam::Client::new(&connection.sdk);
    let conventions = &connection.settings().deployment.conventions;
    let (mut found, mut marker) = (BTreeSet::new(), None);
    for _ in 0..MOST_PAGES {
        let page = iam.list_users().max_items(USERS_PER_PAGE).set_marker(marker).send().await;
        let page = page.map_err(|error| Problem::call("ListUsers", "the account's users", error))?;
        found.extend(page.users.iter().filter_map(|user| conventions.org_of_user(&user.user_name)));
        marker = page.marker;
        if !page.is_truncated {
            return Ok(found);
        }
    }
    Err(too_many("ListUsers"))
}

async fn with_buckets(connection: &Connection) -> Result<BTreeSet<OrgId>, Problem> {
    let s3 = aws_sdk_s3::Client::new(&connection.sdk);
    let conventions = &connection.settings().deployment.conventions;
    let (mut found, mut token) = (BTreeSet::new(), None);
    for _ in 0..MOST_PAGES {
        let request = s3.list_buckets().prefix(conventions.bucket_prefix()).max_buckets(BUCKETS_PER_PAGE);
        let page = request.set_continuation_token(token).send().await;
        let page = page.map_err(|error| Problem::call("ListBuckets", "the account's buckets", error))?;
        let mut others = Vec::new();
        for name in page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name) {
            match conventions.org_of_bucket(&name) {
                Some(org) => drop(found.insert(org)),
                // An alternative name, which may have a cut id in it: the tag has the whole.
                None => others.push(name),
            }
        }
        let tags = stream::iter(others).map(async |name| tagged_org(&s3, connection, &name).await);
        let mut tags = std::pin::pin!(tags.buffered(CONCURRENCY));
        while let Some(org) = tags.next().await {
            found.extend(org?);
        }
        token = page.continuation_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
    Err(too_many("ListBuckets"))
}

/// The organization that a bucket's tag names; none without the tag, for a bucket in another region, and for one whose
/// tags we may not see, which is told on standard error: one bucket's policy must not hide all other organizations.
async fn tagged_org(s3: &aws_sdk_s3::Client, connection: &Connection, name: &str) -> Result<Option<OrgId>, Problem> {
    let request = s3.get_bucket_tagging().bucket(name).expected_bucket_owner(&connection.place.account);
    match request.send().await {
        Ok(answer) => {
            let key = connection.settings().deployment.conventions.tag_key();
            let tag = answer.tag_set.iter().find(|tag| tag.key == key);
            Ok(tag.and_then(|tag| OrgId::parse(&tag.value).ok()))
        }
        Err(error) if error.as_service_error().is_some_and(is_untagged) => Ok(None),
        Err(error) if error.code() == Some("AccessDenied") => {
            let said = error.message().unwrap_or("AccessDenied");
            let warning = format!("bucket {name} is left out: reading its tags is denied ({said})");
            written(writeln!(anstream::stderr(), "orgctl: {}", plain(&warning)))?;
            Ok(None)
        }
        Err(error) => Err(Problem::call("GetBucketTagging", &format!("bucket {name}"), error)),
    }
}

fn is_untagged(error: &GetBucketTaggingError) -> bool {
    matches!(error.code(), Some("NoSuchTagSet" | "NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed"))
}

fn too_many(operation: &str) -> Problem {
    Problem::Failed(format!("{operation} gave {MOST_PAGES} pages and still more; that is more than any account has"))
}
