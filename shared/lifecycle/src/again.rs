//! Two commands at one time: a look at the tags right before they are written, and whether one was overwritten by an
//! older one. S3 and IAM have no condition for it, so what falls between look and write is left to the second look.

use std::time::Duration;

use aws::{AwsError, ORG_STATE_TAG, buckets, users};
use contract::{ErrorCode, Run, StepError};
use org::{BucketName, OrgId, Place};

use crate::{Lifecycle, Observed, State};

/// What the clocks of two services and the cutting to whole seconds may make of one moment, in seconds.
const CLOCKS: u64 = 1;

impl State {
    /// Whether this state may be written where the tags say `found`: nothing weaker over something stronger, and `active`
    /// only where the resumption that writes it has not been overtaken.
    fn may_follow(self, found: Self) -> bool {
        match self {
            Self::Active => found <= Self::Resuming,
            Self::Resuming | Self::Suspended => found <= Self::Suspended,
            Self::Offboarded | Self::Unknown => found <= Self::Offboarded,
        }
    }
}

impl Lifecycle {
    /// That the tags of user and bucket, read again at this moment, let `state` be written.
    ///
    /// # Errors
    /// `concurrent-update` where another command was faster.
    pub(crate) async fn require_still<D>(
        &self,
        place: &Place,
        org: &OrgId,
        observed: &Observed<D>,
        state: State,
    ) -> Result<(), StepError> {
        let (user_name, _) = self.names(org);
        if let Some(bucket) = observed.bucket() {
            let found = self.state_on(place, &bucket.name).await?;
            require(state, found, buckets::resource(&bucket.name))?;
        }
        if let Some(user) = users::find(&self.iam, &user_name).await? {
            require(state, State::of(user.tag(ORG_STATE_TAG)), users::resource(&user_name))?;
        }
        Ok(())
    }

    async fn state_on(&self, place: &Place, name: &BucketName) -> Result<State, StepError> {
        let request = self.s3.get_bucket_tagging().bucket(name.as_str()).expected_bucket_owner(&place.account);
        match request.send().await.map_err(|error| AwsError::of("GetBucketTagging", error)) {
            Ok(answer) => {
                let tag = answer.tag_set.iter().find(|tag| tag.key == ORG_STATE_TAG);
                Ok(State::of(tag.map(|tag| tag.value.as_str())))
            }
            Err(error) if error.code() == "NoSuchTagSet" => Ok(State::Active),
            Err(error) => Err(error.explain_as_usual(buckets::resource(name))),
        }
    }
}

fn require(state: State, found: State, resource: String) -> Result<(), StepError> {
    if state.may_follow(found) {
        return Ok(());
    }
    let message = format!(
        "says by now that the organization is {}, by another command at the same moment; the step looks again later",
        found.as_str()
    );
    Err(StepError::new(ErrorCode::ConcurrentUpdate, resource, message))
}

/// Which look a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The command's own.
    First,
    /// The second one.
    Second,
    /// The second one, where a run of an older command wrote its state over this one's: it is written again.
    Overwritten,
}

impl Lifecycle {
    /// Which look this run of the step that writes `own` takes.
    pub fn look<C, D>(&self, run: &Run<'_, C>, observed: &Observed<D>, own: State) -> Look {
        match run.delayed_check {
            false => Look::First,
            true if observed.is_overwritten(run, own, self.settles()) => Look::Overwritten,
            true => Look::Second,
        }
    }
}

impl<D> Observed<D> {
    /// Whether what the tags say was decided before the command whose second look this is: then a run of an older command
    /// wrote it over what this one had written.
    ///
    /// Nobody suspends or resumes an organization that was offboarded, and nobody comes back before this look is due. So of
    /// an offboarding all that was decided until then was written over it, also by a younger command that looked before
    /// the tags were there. What brings an organization back says no `OrgStateSince`.
    fn is_overwritten<C>(&self, run: &Run<'_, C>, own: State, settles: Duration) -> bool {
        let another = ![own, State::Unknown].contains(&self.state());
        let until = |command: u64| if own == State::Offboarded { command + settles.as_secs() } else { command };
        another && run.check_of.zip(self.since()).is_some_and(|(command, since)| since + CLOCKS < until(command))
    }

    /// Since when the organization is in its state, in seconds since 1970 by the services' clock, if its tags say.
    pub(crate) fn since(&self) -> Option<u64> {
        let (now, age) = self.now().zip(self.age_of_state())?;
        u64::try_from(now.secs()).ok()?.checked_sub(age.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_weaker_is_written_over_something_stronger() {
        use State::{Active, Offboarded, Resuming, Suspended, Unknown};
        let over = |state: State| {
            [Active, Resuming, Suspended, Offboarded, Unknown]
                .into_iter()
                .filter(|found| state.may_follow(*found))
                .count()
        };
        assert_eq!([Active, Resuming, Suspended, Offboarded].map(over), [2, 3, 3, 4]);
    }
}
