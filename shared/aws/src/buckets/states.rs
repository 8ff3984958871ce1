//! What the tags of an organization's buckets say of its state, for those who want to know nothing else.

use std::time::Duration;

use contract::StepError;
use futures_util::future::{join, try_join_all};
use org::BucketName;

use super::{Listed, Look, Seeker, age_of_state, denied, value};
use crate::ownership::{ORG_BACK_BY_TAG, ORG_STATE_TAG};
use crate::server_date::ServerDate;

/// A bucket that carries the organization's tag, and what it says of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSeen {
    /// The bucket.
    pub name: BucketName,
    /// The value of the tag `OrgState`.
    pub state: Option<String>,
    /// Which request brought it back the last time.
    pub back_by: Option<String>,
    /// For how long it has been in that state, if its tags say since when.
    pub age: Option<Duration>,
}

/// The states that the organization's buckets tell, in whichever region they are. A bucket whose list and look disagree
/// is being made or deleted at this moment; it tells nothing.
///
/// # Errors
/// When S3 does not answer, or refuses to tell the tags of a bucket of our account.
pub async fn states(seeker: Seeker<'_>) -> Result<Vec<StateSeen>, StepError> {
    let date = ServerDate::default();
    let wanted = seeker.requested_name()?.unwrap_or_else(|| seeker.conventions.bucket_name(seeker.org));
    let (listed, tags) = join(seeker.list(&date), seeker.tags(&wanted, None)).await;
    let (listed, tags) = (listed?, tags?);
    let is_listed = listed.iter().any(|bucket| bucket.name == wanted);
    let elsewhere = matches!(tags, Look::OtherRegion);
    let others = listed.iter().filter(|bucket| bucket.name != wanted || elsewhere);
    let looks = others.map(async |Listed { name, region, .. }| {
        seeker.tags(name, Some(region)).await.map(|look| (name.clone(), look))
    });
    let mut looks = try_join_all(looks).await?;
    if is_listed || matches!(tags, Look::Tags(_)) {
        looks.push((wanted, tags));
    }
    let mut seen = Vec::new();
    for (name, look) in looks {
        match look {
            Look::Tags(tags) if seeker.owns(&tags) => {
                let (state, back_by) = (value(&tags, ORG_STATE_TAG), value(&tags, ORG_BACK_BY_TAG));
                seen.push(StateSeen { name, state, back_by, age: age_of_state(&tags, &date) });
            }
            Look::Denied => return Err(denied(&name)),
            Look::Tags(_) | Look::Absent | Look::OtherRegion => {}
        }
    }
    Ok(seen)
}
