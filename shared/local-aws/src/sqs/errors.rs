//! SQS's errors. The service speaks JSON, but its error codes are those of the query protocol it spoke
//! before: the JSON name goes in `__type`, the old code in the `x-amzn-query-error` header, and SDKs that
//! honour `awsQueryCompatible` (the Rust one does) show the old code.

use serde_json::json;

use crate::reply::{ApiError, Reply};

/// An error in the form that SQS gives it.
pub fn error(error: &ApiError) -> Reply {
    let side = if error.status < 500 { "Sender" } else { "Receiver" };
    let body = json!({ "__type": json_type(error.code), "message": error.message });
    Reply { status: Some(error.status_code()), ..super::json(&body) }
        .header("x-amzn-query-error", &format!("{};{side}", error.code))
}

/// The JSON name of an error: the shape's name, which differs from the old code for some.
fn json_type(code: &str) -> String {
    let shape = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    match shape {
        "NonExistentQueue" => "com.amazonaws.sqs#QueueDoesNotExist".to_owned(),
        "QueueAlreadyExists" => "com.amazonaws.sqs#QueueNameExists".to_owned(),
        "MissingParameter" => "com.amazon.coral.service#MissingRequiredParameterException".to_owned(),
        "AccessDenied" | "InvalidParameterValue" => format!("com.amazon.coral.service#{shape}Exception"),
        "SerializationException" => "com.amazon.coral.service#SerializationException".to_owned(),
        other => format!("com.amazonaws.sqs#{other}"),
    }
}

pub(super) fn no_such_queue() -> ApiError {
    ApiError::new(400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

/// What operations on move tasks answer about what is not there, in their words.
pub(super) fn no_such_resource(message: impl Into<String>) -> ApiError {
    ApiError::new(404, "ResourceNotFoundException", message)
}

pub(super) fn unsupported(message: &str) -> ApiError {
    ApiError::new(400, "AWS.SimpleQueueService.UnsupportedOperation", message)
}

pub(super) fn missing(parameter: &str) -> ApiError {
    ApiError::new(400, "MissingParameter", format!("The request must contain the parameter {parameter}."))
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterValue", message)
}

/// The form in which SQS complains about a value: `Value 11 for parameter X is invalid. Reason: ...`.
pub(super) fn invalid_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> ApiError {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub(super) fn invalid_receipt(handle: &str) -> ApiError {
    ApiError::new(
        404,
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub(super) fn not_in_flight() -> ApiError {
    ApiError::new(400, "AWS.SimpleQueueService.MessageNotInflight", "The message referred to is not in flight.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_the_json_name_and_the_query_code() {
        let response = error(&no_such_queue()).into_http();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(body.contains("com.amazonaws.sqs#QueueDoesNotExist"), "{body}");
    }
}
