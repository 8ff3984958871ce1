//! The JSON protocols of Secrets Manager, EventBridge and SQS: reading parameters, writing errors.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::reply::{ApiError, Reply};

/// The parameters of an operation, in the shape that it declares.
///
/// # Errors
/// `ValidationException` naming the parameter that is missing or of the wrong type.
pub(crate) fn parameters<T: DeserializeOwned>(body: &Value) -> Result<T, ApiError> {
    serde_json::from_value(body.clone()).map_err(|error| ApiError::new(400, "ValidationException", error.to_string()))
}

/// An error in its JSON form.
pub(crate) fn error(error: &ApiError) -> Reply {
    let body = json!({ "__type": error.code, "message": error.message });
    Reply { status: Some(error.status_code()), ..Reply::json(&body) }
}
