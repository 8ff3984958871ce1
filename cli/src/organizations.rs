//! Every organization of an account, and a word on standard error about what could not be read.

use std::collections::BTreeSet;
use std::io::Write;

use aws::organizations;
use contract::StepError;
use futures_util::stream::{self, StreamExt};
use org::OrgId;

use crate::connection::Connection;
use crate::exit::{Problem, written};
use crate::terminal::plain;

/// Candidates whose buckets' tags are read at the same time.
const CONCURRENCY: usize = 8;

/// Every organization with a user or a bucket. Ids are all that is kept in memory.
///
/// A name alone makes an organization here: whether what is called so is its own is what the caller looks into.
///
/// # Errors
/// When IAM or S3 does not answer.
pub async fn all(connection: &Connection) -> Result<BTreeSet<OrgId>, Problem> {
    let (iam, s3) = (aws_sdk_iam::Client::new(&connection.sdk), aws::s3(&connection.sdk));
    let conventions = &connection.settings().deployment.conventions;
    let candidates = organizations::candidates(&iam, &s3, conventions).await.map_err(failed)?;
    let mut found = candidates.named;
    let owners = stream::iter(candidates.buckets)
        .map(async |(_, buckets)| organizations::owners(&buckets, &s3, conventions, &connection.place).await);
    let mut owners = std::pin::pin!(owners.buffered(CONCURRENCY));
    while let Some(owners) = owners.next().await {
        let owners = owners.map_err(failed)?;
        for (name, said) in owners.unreadable {
            let said = if said.is_empty() { "AccessDenied".to_owned() } else { said };
            let warning = format!("bucket {name} is left out: reading its tags is denied ({said})");
            written(writeln!(anstream::stderr(), "orgctl: {}", plain(&warning)))?;
        }
        found.extend(owners.orgs);
    }
    Ok(found)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: StepError) -> Problem {
    Problem::Failed(plain(&error.to_string()))
}
