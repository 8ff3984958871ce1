//! The error taxonomy: every failure has a code, every code has one class, and the class decides what
//! happens to the message.

use std::error::Error;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

/// What happens to a message whose step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErrorClass {
    /// Goes back to the queue and is tried again, a bounded number of times.
    Retryable,
    /// Something exists that is not ours to change. Nothing was written; a person decides.
    Conflict,
    /// Trying again cannot help: the input, the configuration or the account is wrong.
    Permanent,
}

/// Why a step failed. Stable: each code has a page in `docs/errors`, and Step Functions sees it as the
/// error's name.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    EnumString,
    IntoStaticStr,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ErrorCode {
    /// AWS's rate limit.
    Throttled,
    /// AWS failed, or the connection to it.
    ServiceUnavailable,
    /// A change made a moment ago is not visible everywhere yet.
    Propagating,
    /// Another step's resource is not there yet.
    Waiting,
    /// Another run on the same organization is at work, or its traces are still too young to judge.
    InProgress,
    /// Another run changed the resource between our look and our write.
    ConcurrentUpdate,
    /// The reply to a write was lost; the next run sees what became of it.
    OutcomeUnknown,
    /// Too little of the invocation's time is left to begin, or to end.
    OutOfTime,
    /// The event bus did not accept an event.
    EventNotAccepted,

    /// The user, bucket or secret lacks this organization's tag.
    NotOurs,
    /// The organization is suspended or offboarded.
    OrgNotActive,
    /// Two buckets carry this organization's tag.
    BucketAmbiguous,
    /// The organization's bucket is in another region.
    BucketElsewhere,
    /// The organization has a bucket, and the command asks for another name.
    BucketNameDiffers,
    /// The bucket name that the command asks for belongs to another account.
    BucketNameTaken,
    /// The bucket grants something to everybody beside `pub/`.
    PublicGrant,
    /// The user has an access key that the provisioner did not make, or that somebody may use.
    UnmanagedKey,
    /// The stored access key was deactivated.
    StoredKeyInactive,
    /// The secret's value is not one that the provisioner wrote.
    SecretUnreadable,
    /// The secret is scheduled for deletion.
    SecretScheduledForDeletion,
    /// The user may do more than the bucket policy grants.
    UserHasPermissions,
    /// What an adoption names is not what is there.
    AdoptionDiffers,

    /// The message is not JSON, not an object, too large, or too deep.
    MalformedEvent,
    /// A field is missing, of the wrong type, or breaks its rule.
    InvalidField,
    /// The command comes from a source that is not allowed to send it.
    SourceNotAllowed,
    /// The environment does not belong in this account, or the account is not the expected one.
    WrongAccount,
    /// The deployment's settings contradict each other.
    Misconfigured,
    /// AWS denied the call.
    AccessDenied,
    /// The account or the organization blocks public bucket policies.
    AccountBlocksPublicAccess,
    /// A quota of the account is used up.
    QuotaExceeded,
    /// AWS answered something that nobody here has seen yet.
    Unexpected,
}

impl ErrorCode {
    /// The code as it appears in events, logs and page names: `waiting`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The one class of this code.
    pub fn class(self) -> ErrorClass {
        match self {
            Self::Throttled
            | Self::ServiceUnavailable
            | Self::Propagating
            | Self::Waiting
            | Self::InProgress
            | Self::ConcurrentUpdate
            | Self::OutcomeUnknown
            | Self::OutOfTime
            | Self::EventNotAccepted => ErrorClass::Retryable,
            Self::NotOurs
            | Self::OrgNotActive
            | Self::BucketAmbiguous
            | Self::BucketElsewhere
            | Self::BucketNameDiffers
            | Self::BucketNameTaken
            | Self::PublicGrant
            | Self::UnmanagedKey
            | Self::StoredKeyInactive
            | Self::SecretUnreadable
            | Self::SecretScheduledForDeletion
            | Self::UserHasPermissions
            | Self::AdoptionDiffers => ErrorClass::Conflict,
            Self::MalformedEvent
            | Self::InvalidField
            | Self::SourceNotAllowed
            | Self::WrongAccount
            | Self::Misconfigured
            | Self::AccessDenied
            | Self::AccountBlocksPublicAccess
            | Self::QuotaExceeded
            | Self::Unexpected => ErrorClass::Permanent,
        }
    }
}

impl ErrorClass {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retryable => "retryable",
            Self::Conflict => "conflict",
            Self::Permanent => "permanent",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a step could not do its work: the code, the resource it is about, and what a person can do.
pub struct StepError {
    code: ErrorCode,
    operation: Option<&'static str>,
    resource: String,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StepError {
    /// An error about `resource`. The message says which rule is broken and what a person can do.
    pub fn new(code: ErrorCode, resource: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, operation: None, resource: resource.into(), message: message.into(), source: None }
    }

    /// Names the AWS operation that failed: `CreateUser`.
    pub fn during(mut self, operation: &'static str) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Keeps the error underneath, for the log.
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The class of the code.
    pub fn class(&self) -> ErrorClass {
        self.code.class()
    }

    /// The AWS operation that failed, if it was one.
    pub fn operation(&self) -> Option<&'static str> {
        self.operation
    }

    /// What the error is about: `user rms_xmsqa1`.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// What went wrong and what can be done.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.resource, self.message)
    }
}

/// Without the source: what is underneath may print more than anybody should see.
impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepError({}: {self})", self.code)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn codes_read_back_and_serialize_alike() {
        for code in ErrorCode::iter() {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn keeps_its_source() {
        let error = StepError::new(ErrorCode::Throttled, "user rms_a", "slow down").caused_by("Rate exceeded");
        assert_eq!(error.source().unwrap().to_string(), "Rate exceeded");
        assert_eq!(error.class(), ErrorClass::Retryable);
    }
}
