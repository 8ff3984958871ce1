//! An HTTP request as the services read it.

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::reply::ApiError;

/// A request, its body whole in memory.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// Host and port as the client addressed them.
    pub host: String,
    /// The path as it was sent, still percent-encoded.
    pub path: String,
    /// The query as it was sent, still percent-encoded, without the question mark.
    pub raw_query: String,
    /// The query's names and values, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// Takes an HTTP request apart.
    pub fn from_http(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        Self {
            host: host.or_else(|| parts.uri.authority().map(ToString::to_string)).unwrap_or_default(),
            query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
            path: parts.uri.path().to_owned(),
            raw_query,
            method: parts.method,
            headers: parts.headers,
            body,
        }
    }

    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a query parameter; empty for one that was sent without a value.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form, as the query protocol (IAM, STS) sends it.
    pub fn form(&self) -> Form {
        Form(form_urlencoded::parse(&self.body).into_owned().collect())
    }

    /// The body as JSON; an empty body is an empty object, as the JSON protocols have it.
    pub fn json(&self) -> Result<serde_json::Value, ApiError> {
        if self.body.is_empty() {
            return Ok(serde_json::Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::new(400, "SerializationException", format!("the body is not JSON: {error}")))
    }

    /// The operation named by `X-Amz-Target: <service>.<operation>`.
    pub fn target_operation(&self) -> String {
        self.header("x-amz-target").and_then(|target| target.rsplit('.').next()).unwrap_or_default().to_owned()
    }
}

/// The parameters of a query-protocol request.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A list of structures: `Tags.member.1.Key`, `Tags.member.1.Value`, ... as pairs.
    pub fn pairs(&self, list: &str, first: &str, second: &str) -> Vec<(String, String)> {
        (1..=self.0.len())
            .map_while(|n| {
                let key = self.get(&format!("{list}.member.{n}.{first}"))?;
                let value = self.get(&format!("{list}.member.{n}.{second}")).unwrap_or_default();
                Some((key.to_owned(), value.to_owned()))
            })
            .collect()
    }
}
