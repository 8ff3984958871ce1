//! Calls without an SDK, for wiring a test or the command line.

use serde_json::Value;

use crate::aws::LocalAws;
use crate::caller::Caller;
use crate::reply::{ApiError, Reply};
use crate::world::Call;
use crate::{events, secretsmanager, sqs};

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiFailure {
    /// The service's error code.
    pub code: String,
    /// The message.
    pub message: String,
}

impl std::fmt::Display for ApiFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiFailure {}

impl From<ApiError> for ApiFailure {
    fn from(error: ApiError) -> Self {
        Self { code: error.code.to_owned(), message: error.message }
    }
}

impl LocalAws {
    /// What `account`'s administrator is answered to `operation` of a JSON service: `sqs`, `events` or
    /// `secretsmanager`. It goes past the wire: no planned fault, no latency, no line in the trace.
    ///
    /// # Errors
    /// The error that the service answers.
    pub fn api(
        &self,
        account: &str,
        region: &str,
        service: &str,
        operation: &str,
        body: Value,
    ) -> Result<Value, ApiFailure> {
        let now = self.now();
        let caller = Caller::Administrator { account: account.to_owned() };
        let reply = self.with_world(|world| {
            let mut call = Call { world, caller: &caller, region, now, resource: String::new() };
            match service {
                "sqs" => sqs::handle(&mut call, &body, operation),
                "events" => events::handle(&mut call, &body, operation),
                "secretsmanager" => secretsmanager::handle(&mut call, &body, operation),
                other => Err(ApiError::not_implemented(other, operation)),
            }
        })?;
        read(&reply)
    }
}

/// A JSON service answers some operations with no body at all; that is an empty object to its caller.
fn read(reply: &Reply) -> Result<Value, ApiFailure> {
    if reply.body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(&reply.body)
        .map_err(|error| ApiFailure { code: "SerializationException".to_owned(), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;
    use crate::Clock;

    #[test]
    fn calls_as_the_accounts_administrator_and_leaves_no_trace() {
        let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_000_000)));
        let made = aws.api("222222222222", "eu-west-1", "sqs", "CreateQueue", json!({ "QueueName": "jobs" }));
        assert_eq!(made, Ok(json!({ "QueueUrl": "https://sqs.eu-west-1.amazonaws.com/222222222222/jobs" })));
        assert!(aws.take_trace().is_empty());
    }

    #[test]
    fn hands_on_the_services_error() {
        let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH));
        let failure = aws.api("222222222222", "eu-west-1", "dynamodb", "ListTables", json!({})).unwrap_err();
        assert_eq!(failure.code, "NotImplemented");
    }
}
