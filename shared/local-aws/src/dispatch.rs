//! From an HTTP request to a service's operation and back, with the faults and the trace in between.

use bytes::Bytes;
use http::Response;

use crate::caller::Caller;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::signature::Authorization;
use crate::world::Call;
use crate::{events, iam, s3, secretsmanager, sqs, sts};

/// A service, with the operation that a request asks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which service.
    pub service: Service,
    /// Which operation, by its API name.
    pub operation: String,
    /// The region that the request was signed for.
    pub region: String,
}

impl Target {
    /// Whether nothing is asked for: a GET of the service's root without a signature, as opens a connection. It reads
    /// like an anonymous ListBuckets, which S3 redirects to a page about itself.
    pub(crate) fn is_front_end(&self, authorization: Option<&Authorization>) -> bool {
        authorization.is_none() && self.service == Service::S3 && self.operation == "ListBuckets"
    }
}

/// What a request asks for, as a test names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The service as the SDK signs for it: `iam`, `secretsmanager`.
    pub service: &'static str,
    /// The operation by its API name.
    pub operation: String,
}

impl Asked {
    /// Reads a request without answering it; `None` for a service that is not here.
    pub fn of(request: &http::Request<Bytes>) -> Option<Self> {
        let request = Request::from_http(request.clone());
        let target = target(&request, Authorization::of(&request).as_ref()).ok()?;
        Some(Self { service: target.service.name(), operation: target.operation })
    }

    /// Whether the operation can change something.
    pub fn is_mutating(&self) -> bool {
        crate::trace::Recorded::is_mutating(&self.operation)
    }
}

/// The services that are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    EventBridge,
    Iam,
    S3,
    S3Control,
    SecretsManager,
    Sqs,
    Sts,
}

impl Service {
    /// The name in credential scopes and in the trace.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EventBridge => "events",
            Self::Iam => "iam",
            Self::S3 => "s3",
            Self::S3Control => "s3control",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    /// The form that the service gives an error.
    pub(crate) fn error(self, error: &ApiError, request_id: &str) -> Reply {
        match self {
            Self::Iam | Self::Sts | Self::S3Control => crate::query_protocol::error(error, request_id),
            Self::S3 => s3::error(error, request_id),
            Self::SecretsManager | Self::EventBridge => crate::json_protocol::error(error),
            Self::Sqs => sqs::error(error),
        }
    }

    /// The error that the service answers to a request without a signature.
    fn unauthenticated(self) -> ApiError {
        const MESSAGE: &str = "Request is missing Authentication Token";
        match self {
            Self::SecretsManager | Self::EventBridge | Self::Sqs => {
                ApiError::new(400, "MissingAuthenticationTokenException", MESSAGE)
            }
            Self::Iam | Self::Sts | Self::S3 | Self::S3Control => {
                ApiError::new(403, "MissingAuthenticationToken", MESSAGE)
            }
        }
    }

    /// The error that the service answers when its rate limit is hit.
    pub(crate) fn throttled(self) -> ApiError {
        match self {
            Self::Iam | Self::Sts => ApiError::new(400, "Throttling", "Rate exceeded"),
            Self::S3 | Self::S3Control => ApiError::new(503, "SlowDown", "Please reduce your request rate."),
            Self::SecretsManager | Self::EventBridge => ApiError::new(400, "ThrottlingException", "Rate exceeded"),
            Self::Sqs => ApiError::new(403, "RequestThrottled", "Rate exceeded"),
        }
    }

    /// The error that the service answers when it fails itself.
    pub(crate) fn failed(self) -> ApiError {
        match self {
            Self::Iam | Self::Sts => {
                ApiError::new(500, "ServiceFailure", "The request failed because of an unknown error.")
            }
            Self::SecretsManager => ApiError::new(500, "InternalServiceError", "An error occurred on the server side."),
            Self::S3 | Self::S3Control | Self::EventBridge | Self::Sqs => {
                ApiError::new(500, "InternalError", "We encountered an internal error. Please try again.")
            }
        }
    }
}

/// Which service and operation `request` asks for.
pub(crate) fn target(request: &Request, authorization: Option<&Authorization>) -> Result<Target, ApiError> {
    let region = authorization.map_or("us-east-1", |authorization| authorization.region.as_str()).to_owned();
    let addressed = match authorization {
        Some(authorization) => authorization.service.as_str(),
        None => unsigned_service(request),
    };
    let (service, operation) = match addressed {
        "iam" => (Service::Iam, request.form().get("Action").unwrap_or_default().to_owned()),
        "sts" => (Service::Sts, request.form().get("Action").unwrap_or_default().to_owned()),
        "s3" if s3::control::is_control(request) => (Service::S3Control, s3::control::operation(request)),
        "s3" => (Service::S3, s3::operation(request)),
        "secretsmanager" => (Service::SecretsManager, request.target_operation()),
        "events" => (Service::EventBridge, request.target_operation()),
        "sqs" => (Service::Sqs, request.target_operation()),
        other => return Err(ApiError::not_implemented(other, "any operation")),
    };
    Ok(Target { service, operation, region })
}

/// The service that a request without a signature is meant for: its protocol tells. Only S3 answers one.
fn unsigned_service(request: &Request) -> &'static str {
    let target = request.header("x-amz-target").unwrap_or_default();
    let targets = [("secretsmanager.", "secretsmanager"), ("AmazonSQS.", "sqs"), ("AWSEvents.", "events")];
    if let Some((_, service)) = targets.into_iter().find(|(prefix, _)| target.starts_with(prefix)) {
        return service;
    }
    let is_form =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    match is_form.then(|| request.form().get("Version").map(str::to_owned)).flatten().as_deref() {
        Some("2010-05-08") => "iam",
        Some("2011-06-15") => "sts",
        _ => "s3",
    }
}

/// Lets the service carry out the operation.
pub(crate) fn perform(call: &mut Call<'_>, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let anonymous = *call.caller == Caller::Anonymous;
    match target.service {
        Service::S3 => s3::handle(call, request, &target.operation),
        service if anonymous => Err(service.unauthenticated()),
        Service::S3Control => s3::control::handle(call, request, &target.operation),
        Service::Iam => iam::handle(call, &request.form(), &target.operation),
        Service::Sts => sts::handle(call, &target.operation),
        Service::SecretsManager => secretsmanager::handle(call, &request.json()?, &target.operation),
        Service::EventBridge => events::handle(call, &request.json()?, &target.operation),
        Service::Sqs => sqs::handle(call, &request.json()?, &target.operation),
    }
}

/// Adds what every answer carries.
pub(crate) fn finish(reply: Reply, request_id: &str, date: &str) -> Response<Bytes> {
    reply.header("x-amzn-requestid", request_id).header("date", date).into_http()
}
