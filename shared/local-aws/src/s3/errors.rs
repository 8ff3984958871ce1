//! S3's errors, in S3's words ("Error responses" in the S3 API reference).

use crate::reply::{ApiError, Reply};
use crate::xml::Xml;

/// An error in S3's XML form, which has no wrapper around it.
pub fn error(error: &ApiError, request_id: &str) -> Reply {
    let body = Xml::bare_document("Error", |xml| {
        xml.text("Code", error.code);
        xml.text("Message", &error.message);
        xml.text("RequestId", request_id);
        xml.text("HostId", "local-aws");
    });
    let reply = Reply { status: Some(error.status_code()), ..Reply::default() }
        .header("content-type", "application/xml")
        .header("x-amz-request-id", request_id);
    error.headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value)).body(body)
}

pub(super) fn no_such_bucket() -> ApiError {
    ApiError::new(404, "NoSuchBucket", "The specified bucket does not exist")
}

pub(super) fn no_such_key() -> ApiError {
    ApiError::new(404, "NoSuchKey", "The specified key does not exist.")
}

pub(super) fn access_denied() -> ApiError {
    ApiError::new(403, "AccessDenied", "Access Denied")
}

/// The owner of a bucket is told why; callers of other accounts are not.
pub(super) fn access_denied_because(caller: &str, action: &str, resource: &str, why: &str) -> ApiError {
    let message = format!("User: {caller} is not authorized to perform: {action} on resource: \"{resource}\" {why}");
    ApiError::new(403, "AccessDenied", message)
}

pub(super) fn method_not_allowed() -> ApiError {
    ApiError::new(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

pub(super) fn invalid_argument(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidArgument", message)
}

pub(super) fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidRequest", message)
}

pub(super) fn malformed_xml() -> ApiError {
    ApiError::new(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(super) fn malformed_policy(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "MalformedPolicy", message)
}

/// S3 answers this itself to headers that it does not take; here to those that are not built as well.
pub(super) fn header_not_implemented(name: &str) -> ApiError {
    let message = format!("A header you provided implies functionality that is not implemented: {name}");
    ApiError::new(501, "NotImplemented", message)
}
