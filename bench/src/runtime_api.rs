//! The Runtime API that one measured process talks to (Lambda guide, "Using the Lambda runtime API for custom
//! runtimes"). It hands each of the process's calls to the measurement, with the moment at which it came.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local_aws::Clock;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::Instant;

/// A process makes one call at a time.
const MOST_CALLS: usize = 4;

/// How long a function may work on an invocation, as it is told.
const TIME_LIMIT: Duration = Duration::from_secs(30);

const PREFIX: &str = "/2018-06-01/runtime/";

/// What a process is given to do.
pub struct Invocation {
    /// The request id.
    pub id: String,
    /// The function's ARN.
    pub arn: String,
    /// The payload, as JSON.
    pub payload: Bytes,
}

/// A call that a process made.
pub enum Call {
    /// It asks for an invocation.
    Next(oneshot::Sender<Invocation>),
    /// It answered one: when, and what.
    Answer(Instant, Bytes),
    /// It failed, in an invocation or before the first.
    Error(Bytes),
}

/// The API of one process.
pub struct RuntimeApi {
    /// Where it listens.
    pub address: SocketAddr,
    calls: mpsc::Receiver<Call>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port. Call inside a [`tokio::task::LocalSet`].
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(MOST_CALLS);
        let server = spawn_local(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Otherwise a reply could wait for the acknowledgement of its head.
                let _ = stream.set_nodelay(true);
                let (sender, clock) = (sender.clone(), clock.clone());
                let service = service_fn(move |request| answer(sender.clone(), clock.clone(), request));
                connections.spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, calls, server })
    }

    /// The process's next call.
    pub async fn call(&mut self) -> Option<Call> {
        self.calls.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    calls: mpsc::Sender<Call>,
    clock: Clock,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let came = Instant::now();
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    if request.method() == Method::GET && path == "invocation/next" {
        let (sender, invocation) = oneshot::channel();
        // Nobody listens any more when the measurement is over; the process is about to be ended.
        let _ = calls.send(Call::Next(sender)).await;
        return Ok(match invocation.await {
            Ok(invocation) => next(invocation, &clock),
            Err(_) => empty(StatusCode::GONE),
        });
    }
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let call = if path.ends_with("/response") { Call::Answer(came, body) } else { Call::Error(body) };
    let _ = calls.send(call).await;
    Ok(empty(StatusCode::ACCEPTED))
}

fn next(invocation: Invocation, clock: &Clock) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", invocation.id)
        .header("Lambda-Runtime-Deadline-Ms", clock.now().after(TIME_LIMIT).0)
        .header("Lambda-Runtime-Invoked-Function-Arn", invocation.arn)
        .header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
        .body(Full::new(invocation.payload));
    response.unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
