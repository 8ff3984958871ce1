//! What a service answers: a reply or an error, before the protocol gives it its form.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// A successful answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The HTTP status; 200 if not set.
    pub status: Option<StatusCode>,
    /// Headers beside those that every answer has.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// An answer with an XML body.
    pub fn xml(body: String) -> Self {
        Self::default().header("content-type", "text/xml").body(body)
    }

    /// An answer with a JSON body.
    pub fn json(body: &serde_json::Value) -> Self {
        Self::default().header("content-type", "application/x-amz-json-1.1").body(body.to_string())
    }

    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Adds a header; one that is not valid HTTP is left out.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The HTTP response.
    pub fn into_http(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status.unwrap_or(StatusCode::OK);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An error as AWS names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error code: `NoSuchEntity`.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// Headers that the error carries: S3 tells a bucket's region in one.
    pub headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What an operation answers that is not built here: loud, so that no test passes by accident.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Self::new(501, "NotImplemented", format!("local-aws has no {service}:{operation}"))
    }

    /// The HTTP status, 500 should the number not be one.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
