//! What a look at an organization that is there found wrong, and how much of an account's limits is used.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// What is not as it should be. Stable: `docs/reconcile.md` has an entry for each. Where a step refuses for the same
/// reason, it is called as the step's error code is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum FindingCode {
    /// There is a user, a bucket or a secret of the organization's name without its tag.
    NotOurs,
    /// The organization has no user, no bucket and no secret.
    NothingThere,
    /// The tag `OrgState` has a value that no command writes.
    UnknownState,
    /// User and bucket tell different states, and no command is at work any more.
    StateDiffers,
    /// A resumption was begun and did not come to its end.
    ResumptionUnfinished,
    /// Two buckets carry the organization's tag.
    BucketAmbiguous,
    /// The organization's bucket is in another region.
    BucketElsewhere,
    /// The organization is active and has no bucket.
    BucketMissing,
    /// The bucket's policy grants something to everybody beside reading `pub/`.
    PublicGrant,
    /// The bucket's policy has a statement that is not of the convention's kind.
    ForeignStatement,
    /// The user has an access key that the provisioner did not make, or that somebody may use.
    UnmanagedKey,
    /// The stored access key was deactivated.
    StoredKeyInactive,
    /// The secret's value is not one that the provisioner wrote.
    SecretUnreadable,
    /// The secret of an active organization is scheduled for deletion.
    SecretScheduledForDeletion,
    /// The user has a password for the console.
    ConsolePassword,
    /// The user has a policy of its own, inline or attached.
    ExtraPolicy,
    /// The user is in a group.
    GroupMembership,
    /// The user has an MFA device, a certificate, an SSH key or a service-specific credential.
    OtherCredential,

    /// The organization is suspended or offboarded, and its user has an access key that works.
    KeyActive,
    /// The organization is suspended or offboarded, and its bucket is not closed to the public.
    BucketOpen,
    /// The organization is offboarded and its user is still there.
    UserLeft,
    /// The organization is offboarded and its secret is not scheduled for deletion.
    SecretLeft,

    /// The organization is active and has no user.
    UserMissing,
    /// The organization is active and has no secret, or one without a value.
    SecretMissing,
    /// The secret holds an access key that the user does not have any more.
    StoredKeyGone,
    /// The user has an access key that a run made and nobody knows.
    LostKey,
    /// Block Public Access is on for the bucket of an active organization, all of it or a part.
    PublicAccessBlocked,
    /// Access control lists are not switched off for the bucket.
    AclsEnabled,
    /// The bucket has no marker of the public folder.
    MarkerMissing,
    /// The bucket has no policy.
    PolicyMissing,
    /// The bucket's policy names the unique id of a user who was deleted.
    StalePrincipal,
    /// The bucket's policy says less or other than the convention, of the same kind.
    PolicyDiffers,
    /// The deployment rotates keys on schedule, and the secret has no such schedule.
    RotationNotScheduled,
}

/// Who can mend what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The steps of sign-up.
    SignUp,
    /// A person; what else is wrong can be mended meanwhile.
    Person,
    /// A person, and before anything else: the steps of sign-up would refuse, or undo what somebody wanted.
    PersonFirst,
}

impl FindingCode {
    /// The code on the wire: `unmanaged-key`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Who can mend it.
    pub fn remedy(self) -> Remedy {
        match self {
            Self::UserMissing
            | Self::SecretMissing
            | Self::StoredKeyGone
            | Self::LostKey
            | Self::PublicAccessBlocked
            | Self::AclsEnabled
            | Self::MarkerMissing
            | Self::PolicyMissing
            | Self::StalePrincipal
            | Self::PolicyDiffers
            | Self::RotationNotScheduled => Remedy::SignUp,
            Self::ConsolePassword | Self::ExtraPolicy | Self::GroupMembership | Self::OtherCredential => Remedy::Person,
            Self::NotOurs
            | Self::NothingThere
            | Self::UnknownState
            | Self::StateDiffers
            | Self::ResumptionUnfinished
            | Self::BucketAmbiguous
            | Self::BucketElsewhere
            | Self::BucketMissing
            | Self::PublicGrant
            | Self::ForeignStatement
            | Self::UnmanagedKey
            | Self::StoredKeyInactive
            | Self::SecretUnreadable
            | Self::SecretScheduledForDeletion
            | Self::KeyActive
            | Self::BucketOpen
            | Self::UserLeft
            | Self::SecretLeft => Remedy::PersonFirst,
        }
    }
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The stable code.
    pub code: FindingCode,
    /// What it is about: `user rms_xmsqa1`. Never a secret value.
    pub resource: String,
    /// What was seen, and what can be done.
    pub message: String,
    /// What becomes of it.
    pub repair: Repair,
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// The steps of sign-up were asked to run. The next look shows whether it helped.
    Requested,
    /// The steps of sign-up could mend it, and were not asked: the deployment does not say so, or a person has to mend
    /// something else first.
    Possible,
    /// Only a person can.
    Person,
}

impl Repair {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Possible => "possible",
            Self::Person => "person",
        }
    }
}

impl Finding {
    /// A finding that nobody was asked to mend yet.
    pub fn new(code: FindingCode, resource: impl Into<String>, message: impl Into<String>) -> Self {
        let repair = if code.remedy() == Remedy::SignUp { Repair::Possible } else { Repair::Person };
        Self { code, resource: resource.into(), message: message.into(), repair }
    }
}

/// How much of one of an account's limits is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// What is limited: `users`, `buckets` or `secrets`.
    pub resource: String,
    /// How many there are, whoever made them.
    pub used: u64,
    /// How many there may be.
    pub limit: u64,
    /// The share that is used, in percent, rounded down.
    pub used_percent: u64,
}

impl Capacity {
    /// What is used of a limit. A limit of nothing is used up.
    pub fn new(resource: &str, used: u64, limit: u64) -> Self {
        let used_percent = used.saturating_mul(100).checked_div(limit).unwrap_or(100);
        Self { resource: resource.to_owned(), used, limit, used_percent }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn codes_serialize_as_they_are_called() {
        for code in FindingCode::iter() {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn shares_are_rounded_down_and_no_limit_divides_by_zero() {
        let share = |used, limit| Capacity::new("users", used, limit).used_percent;
        assert_eq!([share(3999, 5000), share(4000, 5000), share(5001, 5000), share(0, 5000)], [79, 80, 100, 0]);
        assert_eq!(share(1, 0), 100);
        assert_eq!(share(u64::MAX, 1), u64::MAX, "what does not fit stays at the most there is");
    }
}
