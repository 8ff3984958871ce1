//! Which of what is found is wanted.

use std::time::SystemTime;

use crate::args::{Cause, Pick};

/// [`Pick`], with its moment as a time.
pub(super) struct Picked {
    org: Option<String>,
    since: Option<SystemTime>,
    cause: Option<Cause>,
}

impl Picked {
    pub(super) fn new(pick: &Pick, now: SystemTime) -> Self {
        Self {
            org: pick.org.as_ref().map(ToString::to_string),
            since: pick.since.map(|moment| moment.at(now)),
            cause: pick.error_code,
        }
    }

    /// Whether something of this organization, time and error code is wanted. What has no time is older than any.
    pub(super) fn wants(&self, org: Option<&str>, at: Option<SystemTime>, code: Option<&str>) -> bool {
        self.org.as_deref().is_none_or(|wanted| org == Some(wanted))
            && self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && match self.cause {
                None => true,
                Some(Cause::None) => code.is_none(),
                Some(Cause::Code(wanted)) => code == Some(wanted.as_str()),
            }
    }
}
