//! The Runtime API that one process talks to (Lambda guide, "Using the Lambda runtime API for custom runtimes").

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::session::Session;
use crate::lambda::{FunctionError, Invocation};

const PREFIX: &str = "/2018-06-01/runtime/";

/// The largest answer of a synchronous invocation, in bytes, as Lambda's error message puts it.
const LARGEST_ANSWER: usize = 6_291_556;

/// More connections from one process wait until another closes.
const MOST_CONNECTIONS: usize = 16;

/// How long to wait after a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// Serves the process of `session` until it is dropped.
pub(super) async fn serve(listener: TcpListener, session: Rc<Session>) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors, most likely: others must get the time to close theirs.
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                };
                let session = Rc::clone(&session);
                let service = service_fn(move |request| {
                    let session = Rc::clone(&session);
                    async move { Ok::<_, Infallible>(answer(&session, request).await) }
                });
                connections.push(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            // How a connection ends does not matter: the process connects again, or it has ended.
            Some(_) = connections.next() => {}
        }
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(session: &Session, request: Request<Incoming>) -> Answer {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix(PREFIX) else { return not_found() };
    if method == Method::GET && path == "invocation/next" {
        return next(session).await;
    }
    if method != Method::POST {
        return not_found();
    }
    let stated_type = request.headers().get("Lambda-Runtime-Function-Error-Type");
    let stated_type = stated_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Ok(body) = read(request.into_body()).await else {
        return refused(StatusCode::BAD_REQUEST, "InvalidRequest", "The body broke off.");
    };
    if path == "init/error" {
        return init_error(session, body.as_deref().unwrap_or_default(), stated_type);
    }
    let mut words = path.split('/');
    let result = match (words.next(), words.next(), words.next(), words.next(), body) {
        (Some("invocation"), Some(id), Some("response"), None, None) => (id, Err(too_large())),
        (Some("invocation"), Some(id), Some("response"), None, Some(body)) => (id, Ok(value(&body))),
        (Some("invocation"), Some(id), Some("error"), None, body) => {
            (id, Err(posted_error(body.as_deref().unwrap_or_default(), stated_type)))
        }
        _ => return not_found(),
    };
    finish(session, result.0, result.1)
}

/// A body to its end, so that the process can read why it is refused; `None` if it is larger than it may be.
async fn read(mut body: Incoming) -> Result<Option<Vec<u8>>, hyper::Error> {
    let mut bytes = Some(Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        bytes = bytes.filter(|bytes| bytes.len() + data.len() <= LARGEST_ANSWER);
        if let Some(bytes) = &mut bytes {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// Gives the process its next invocation, as soon as there is one.
async fn next(session: &Session) -> Answer {
    let busy = session.change(|state| {
        if state.at_work.is_none() {
            state.asks = true;
            state.initialized = true;
        }
        state.at_work.is_some()
    });
    if busy {
        let message = "The invocation before this one has no answer yet.";
        return refused(StatusCode::FORBIDDEN, "InvalidStateTransition", message);
    }
    let invocation = session
        .wait_for(|state| {
            let next = state.next.take()?;
            state.asks = false;
            state.at_work = Some(next.request_id.clone());
            Some(next)
        })
        .await;
    let built = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", &invocation.request_id)
        .header("Lambda-Runtime-Deadline-Ms", invocation.deadline.0)
        .header("Lambda-Runtime-Invoked-Function-Arn", &invocation.function_arn)
        .header("Lambda-Runtime-Trace-Id", trace_id(&invocation))
        .body(Full::from(invocation.payload.to_string()));
    built.unwrap_or_else(|_| {
        refused(StatusCode::INTERNAL_SERVER_ERROR, "Container.Failure", "The invocation does not fit in headers.")
    })
}

/// An X-Ray header as Lambda makes it for what is not sampled; all of it follows from the invocation.
fn trace_id(invocation: &Invocation) -> String {
    let digits: String = invocation.request_id.chars().filter(char::is_ascii_hexdigit).collect();
    let (root, parent) = (digits.get(..24).unwrap_or_default(), digits.get(16..32).unwrap_or_default());
    format!("Root=1-{:08x}-{root:0>24};Parent={parent:0>16};Sampled=0", invocation.deadline.0 / 1000)
}

fn finish(session: &Session, request_id: &str, result: Result<Value, FunctionError>) -> Answer {
    let too_large = result.as_ref().is_err_and(|error| error.error_type == TOO_LARGE);
    let known = session.change(|state| {
        let known = state.at_work.as_deref() == Some(request_id);
        if known {
            state.at_work = None;
            state.answer = Some(result);
        }
        known
    });
    match (known, too_large) {
        (false, _) => refused(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        (true, true) => refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "The answer is too large."),
        (true, false) => accepted(),
    }
}

fn init_error(session: &Session, body: &[u8], stated_type: Option<String>) -> Answer {
    let error = posted_error(body, stated_type);
    let in_time = session.change(|state| {
        if !state.initialized {
            state.init_error = Some(error);
        }
        !state.initialized
    });
    if in_time {
        accepted()
    } else {
        refused(StatusCode::FORBIDDEN, "InvalidStateTransition", "The initialization is over.")
    }
}

/// A function's answer. One that is not JSON is text, which no trigger understands.
fn value(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// An error as the process describes it. One that is not in the form asked for is told as it came.
fn posted_error(body: &[u8], stated_type: Option<String>) -> FunctionError {
    let described: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| described.get(name).and_then(Value::as_str).map(str::to_owned);
    FunctionError {
        error_type: field("errorType").or(stated_type).unwrap_or_else(|| "Runtime.Unknown".to_owned()),
        error_message: field("errorMessage").unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
    }
}

const TOO_LARGE: &str = "Function.ResponseSizeTooLarge";

fn too_large() -> FunctionError {
    FunctionError {
        error_type: TOO_LARGE.to_owned(),
        error_message: format!("Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."),
    }
}

fn accepted() -> Answer {
    with_body(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn not_found() -> Answer {
    refused(StatusCode::NOT_FOUND, "NotFound", "The Runtime API has no such path and method.")
}

fn refused(status: StatusCode, error_type: &str, message: &str) -> Answer {
    with_body(status, &json!({ "errorType": error_type, "errorMessage": message }))
}

fn with_body(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    answer
}
