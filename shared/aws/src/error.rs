//! From an SDK error to a [`StepError`]: what it means for this operation, else what it means anywhere.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::{ErrorCode, StepError};

/// A failed call, with what is needed to judge it.
pub struct AwsError {
    operation: &'static str,
    code: String,
    message: String,
    status: Option<u16>,
    /// Whether a request was sent at all.
    sent: bool,
    /// Why nothing came back.
    unanswered: Option<String>,
    source: Box<dyn Error + Send + Sync>,
}

/// Codes by which services say that they are asked too often.
const THROTTLED: [&str; 10] = [
    "KmsThrottled",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "PriorRequestNotComplete",
];
/// Codes by which services say that they failed, or that a retry with a new signature may do.
const UNAVAILABLE: [&str; 9] = [
    "InternalError",
    "InternalFailure",
    "InternalServiceError",
    "ServiceFailure",
    "ServiceUnavailable",
    "RequestTimeout",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
];
/// Codes by which services say that somebody else is changing the same thing.
const CONCURRENT: [&str; 4] =
    ["ConcurrentModification", "EntityTemporarilyUnmodifiable", "OperationAborted", "ConditionalRequestConflict"];
/// Codes by which services say that they do not know something that was there a moment ago.
const NOT_KNOWN_YET: [&str; 2] = ["NoSuchBucket", "NoSuchEntity"];
/// How a message about a denial goes on: what to do is for who is denied, and that is a function unless somebody else
/// looks with a step's eyes, who says something else from here on.
pub const DENIED_REMEDY: &str = "; give the function's role";
/// Codes by which services say no.
const DENIED: [&str; 10] = [
    "KmsAccessDenied",
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "MissingAuthenticationToken",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
];

/// What the SDK calls a reply that cannot be read.
const RESPONSE_ERROR: &str = "response error";

impl AwsError {
    /// Takes an SDK error apart.
    pub fn of<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let (code, message) =
            (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned());
        let status = match &error {
            SdkError::ServiceError(context) => Some(context.raw().status().as_u16()),
            _ => None,
        };
        let sent = !matches!(error, SdkError::ConstructionFailure(_));
        let unanswered = match &error {
            SdkError::ConstructionFailure(_) | SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
                Some(with_sources(&error))
            }
            // What is said of a reply may hold a piece of it, and that a secret.
            _ => None,
        };
        Self { operation, code, message, status, sent, unanswered, source: Box::new(error) }
    }

    /// The service's error code, or nothing if the service did not answer.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The service's message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status of the service's answer.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether the service certainly did not do what was asked: it answered, with a refusal, or was never
    /// asked. Anything else (a time-out, a broken connection, a server error) leaves that open.
    pub fn is_refusal(&self) -> bool {
        // Without the service's own code somebody else may have answered: a proxy, on the way back.
        let refused = !self.code.is_empty()
            && self.status.is_some_and(|status| (400..500).contains(&status))
            && !UNAVAILABLE.contains(&self.code());
        refused || self.is_throttling() || !self.sent
    }

    /// Whether the service asked for patience.
    pub fn is_throttling(&self) -> bool {
        THROTTLED.contains(&self.code())
    }

    /// What the error means for the step. `meaning` knows what this operation's own codes mean; what it does
    /// not know means the same everywhere.
    pub fn explain(
        self,
        resource: impl Into<String>,
        meaning: impl FnOnce(&Self) -> Option<(ErrorCode, String)>,
    ) -> StepError {
        let (code, message) = meaning(&self).unwrap_or_else(|| self.usual_meaning());
        StepError::new(code, resource, message).during(self.operation).caused_by(self.source)
    }

    /// The same for an operation that has no codes of its own.
    pub fn explain_as_usual(self, resource: impl Into<String>) -> StepError {
        self.explain(resource, |_| None)
    }

    fn usual_meaning(&self) -> (ErrorCode, String) {
        let (operation, code) = (self.operation, self.code.as_str());
        let (kind, message) = if THROTTLED.contains(&code) {
            (
                ErrorCode::Throttled,
                format!("AWS limits the rate of {operation} ({code}); the step is tried again later"),
            )
        } else if CONCURRENT.contains(&code) {
            (
                ErrorCode::ConcurrentUpdate,
                format!("{operation} met another change ({code}); the step is tried again later"),
            )
        } else if NOT_KNOWN_YET.contains(&code) {
            (
                ErrorCode::Propagating,
                format!("{operation} does not know it yet, or any more ({code}); the step is tried again later"),
            )
        } else if DENIED.contains(&code) || (code.is_empty() && self.status == Some(403)) {
            // HEAD answers have no body, hence no code.
            let said = if code.is_empty() { "403".to_owned() } else { format!("{code}: {}", self.message) };
            (
                ErrorCode::AccessDenied,
                format!("{operation} was denied ({said}){DENIED_REMEDY} this permission and replay the event"),
            )
        } else if self.sent && self.unanswered() {
            (
                ErrorCode::ServiceUnavailable,
                format!("{operation} got no usable answer ({}); the step is tried again later", self.reason()),
            )
        } else {
            (
                ErrorCode::Unexpected,
                format!("{operation} answered {}; look it up, mend the cause and replay the event", self.reason()),
            )
        };
        (kind, message)
    }

    /// Whether the service failed, or what came back is not its answer.
    fn unanswered(&self) -> bool {
        let is_answer = self.status.is_some_and(|status| (400..500).contains(&status));
        let by_somebody_else = self.code.is_empty() && matches!(self.status, Some(400 | 408 | 429));
        UNAVAILABLE.contains(&self.code()) || !is_answer || by_somebody_else
    }

    /// What the service said, or what kept it from answering.
    pub fn reason(&self) -> String {
        match (self.code.as_str(), self.status) {
            ("", Some(status)) => format!("HTTP status {status}"),
            ("", None) => self.unanswered.clone().unwrap_or_else(|| self.source.to_string()),
            (code, _) if self.message.is_empty() => code.to_owned(),
            (code, _) => format!("{code}: {}", self.message),
        }
    }
}

/// What an error says, and what those say that it came from. SDK errors alone say no more than "dispatch failure".
fn with_sources(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let says = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        // Some repeat what their source says.
        if said.iter().all(|before| !before.contains(&says)) {
            said.push(says.clone());
        }
        // Credentials come from a service, too. What is said of its reply may hold a piece of it.
        next = error.source().filter(|_| says != RESPONSE_ERROR);
    }
    said.join(": ")
}

/// Without the source: an SDK error holds the raw reply, which may hold a secret.
impl std::fmt::Debug for AwsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AwsError({}: {})", self.operation, self.reason())
    }
}

#[cfg(all(test, feature = "iam"))]
mod tests {
    use std::io;

    use aws_sdk_iam::operation::get_user::GetUserError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn what_kept_a_service_from_answering_is_said_and_nothing_of_its_replies() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "tcp connect error:\n  Connection refused");
        let error = SdkError::<GetUserError, _>::dispatch_failure(ConnectorError::io(refused.into()));
        let error = AwsError::of("GetUser", error);
        assert_eq!(error.reason(), "dispatch failure: io error: tcp connect error: Connection refused");

        let unreadable = || {
            let reply = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from("<SecretAccessKey>"));
            SdkError::<GetUserError, _>::response_error("<SecretAccessKey> is not closed", reply)
        };
        assert_eq!(AwsError::of("GetUser", unreadable()).reason(), RESPONSE_ERROR);
        let of_credentials = ConnectorError::other(unreadable().into(), None);
        let error = AwsError::of("GetUser", SdkError::<GetUserError, _>::dispatch_failure(of_credentials));
        assert_eq!(error.reason(), format!("dispatch failure: other: {RESPONSE_ERROR}"));
    }
}
