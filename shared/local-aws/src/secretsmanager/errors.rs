//! Secrets Manager's errors. All are HTTP 400. The texts are AWS's where recorded answers of it are public.

use crate::reply::ApiError;

/// An error of this service.
pub(super) fn error(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, code, message)
}

pub(super) fn no_such_secret() -> ApiError {
    error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

pub(super) fn no_such_value(what: &str, which: &str) -> ApiError {
    error(
        "ResourceNotFoundException",
        format!("Secrets Manager can't find the specified secret value for {what}: {which}"),
    )
}

pub(super) fn no_such_version() -> ApiError {
    error("ResourceNotFoundException", "Secrets Manager can't find the specified secret version.")
}

pub(super) fn marked_for_deletion() -> ApiError {
    request("You can't perform this operation on the secret because it was marked for deletion.")
}

pub(super) fn token_in_use(token: &str, arn: &str) -> ApiError {
    error(
        "ResourceExistsException",
        format!(
            "You can't use ClientRequestToken {token} because that value is already in use for a version of \
             secret {arn}."
        ),
    )
}

/// A value that does not fit the state of the secret.
pub(super) fn request(message: impl Into<String>) -> ApiError {
    error("InvalidRequestException", message)
}

/// A value that is never right.
pub(super) fn parameter(message: impl Into<String>) -> ApiError {
    error("InvalidParameterException", message)
}

/// A value outside the limits of the API's own model.
pub(super) fn validation(message: impl Into<String>) -> ApiError {
    error("ValidationException", message)
}

pub(super) fn limit(message: impl Into<String>) -> ApiError {
    error("LimitExceededException", message)
}

/// `why` is the end of the message, which tells the kind of policy.
pub(super) fn access_denied(caller: &str, operation: &str, id: &str, why: &str) -> ApiError {
    let resource = if id.is_empty() { String::new() } else { format!(" on resource: {id}") };
    let action = format!("secretsmanager:{operation}");
    error("AccessDeniedException", format!("User: {caller} is not authorized to perform: {action}{resource} {why}"))
}
