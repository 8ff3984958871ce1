//! The state of an organization, as the tag `OrgState` tells it.

use aws::{ORG_STATE_ACTIVE, ORG_STATE_OFFBOARDED, ORG_STATE_RESUMING, ORG_STATE_SUSPENDED};
use contract::{ErrorCode, StepError};

/// The states. Where user and bucket disagree, because a run stopped between the two or two commands met, the later one
/// in this order counts: it leaves less open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Provisioned, or to be provisioned.
    Active,
    /// On its way from suspended to active.
    Resuming,
    /// Its key is off and its bucket is closed to the public.
    Suspended,
    /// Its user and its keys are gone, or going; its bucket is closed.
    Offboarded,
    /// Something that no command made: only a person knows what it means.
    Unknown,
}

impl State {
    /// From the tag's value. Without the tag, an organization is active.
    pub fn of(tag: Option<&str>) -> Self {
        match tag {
            None | Some(ORG_STATE_ACTIVE) => Self::Active,
            Some(ORG_STATE_RESUMING) => Self::Resuming,
            Some(ORG_STATE_SUSPENDED) => Self::Suspended,
            Some(ORG_STATE_OFFBOARDED) => Self::Offboarded,
            Some(_) => Self::Unknown,
        }
    }

    /// The tag's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => ORG_STATE_ACTIVE,
            Self::Resuming => ORG_STATE_RESUMING,
            Self::Suspended => ORG_STATE_SUSPENDED,
            Self::Offboarded => ORG_STATE_OFFBOARDED,
            Self::Unknown => "unknown",
        }
    }

    /// That a command does not apply to an organization in this state.
    pub fn refused(self, resource: String, why: &str) -> StepError {
        let state = match self {
            Self::Unknown => "in a state that the provisioner does not know",
            known => known.as_str(),
        };
        StepError::new(ErrorCode::OrgNotActive, resource, format!("says that the organization is {state}; {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_less_open_counts() {
        let order = [None, Some("resuming"), Some("suspended"), Some("offboarded"), Some("frozen")];
        assert!(order.map(State::of).is_sorted());
        assert_eq!(State::of(Some("active")), State::of(None));
        for state in [State::Active, State::Resuming, State::Suspended, State::Offboarded] {
            assert_eq!(State::of(Some(state.as_str())), state);
        }
    }
}
