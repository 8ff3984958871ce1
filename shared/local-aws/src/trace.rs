//! A record of every request, so that a test can say what was asked, in which order, by whom.

use crate::clock::Timestamp;

/// One request as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When it arrived.
    pub at: Timestamp,
    /// The service as the SDK signs for it: `iam`, `s3`, `secretsmanager`, `events`, `sqs`, `sts`.
    pub service: &'static str,
    /// The operation by its API name: `CreateUser`.
    pub operation: String,
    /// The name of what it was about: a user, a bucket (`bucket/key` for objects), a secret, a queue, a bus.
    pub resource: String,
    /// The caller's ARN, or `anonymous`.
    pub caller: String,
    /// `ok`, the error code that was answered, or the name of the injected fault.
    pub outcome: String,
    /// Whether the operation is one that can change something.
    pub mutating: bool,
}

impl Recorded {
    /// Whether `operation` changes state. AWS names its read-only operations consistently.
    pub fn is_mutating(operation: &str) -> bool {
        !["Get", "List", "Head", "Describe", "Receive"].iter().any(|verb| operation.starts_with(verb))
    }
}

impl std::fmt::Display for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {} -> {}", self.service, self.operation, self.resource, self.outcome)
    }
}
