//! The same services over HTTP on a port, for clients in other processes.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::aws::{ConnectionReset, LocalAws};
use crate::request;
use crate::signature::Authorization;

/// The largest body that is taken: more than any call here needs, less than what would fill the memory.
const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Connections at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 1024;
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is told of each signed request before it is answered: access key id and region.
pub type BeforeRequest = Rc<dyn Fn(&str, &str)>;

/// A server that speaks HTTP/1.1 and hands every request to a [`LocalAws`].
pub struct Server {
    aws: LocalAws,
    listener: TcpListener,
    before: BeforeRequest,
}

impl Server {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on: a busy port, most of all.
    pub async fn bind(aws: LocalAws, address: SocketAddr) -> io::Result<Self> {
        Ok(Self { aws, listener: TcpListener::bind(address).await?, before: Rc::new(|_, _| {}) })
    }

    /// Lets `before` know of each signed request.
    pub fn before_requests(mut self, before: BeforeRequest) -> Self {
        self.before = before;
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped. Call inside a [`tokio::task::LocalSet`]; connections that are open then end
    /// with it.
    pub async fn run(self) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = tokio::task::JoinSet::new();
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // One client is gone, or the process has too many files open: that takes a moment to pass.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (aws, before) = (self.aws.clone(), Rc::clone(&self.before));
            let service = service_fn(move |request| answer(aws.clone(), Rc::clone(&before), request));
            connections.spawn_local(async move {
                let _place = place;
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
                // A client that goes away in the middle is no concern of anybody else.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
            while connections.try_join_next().is_some() {}
        }
    }
}

/// Answers one request; a planned connection reset ends the connection.
async fn answer(
    aws: LocalAws,
    before: BeforeRequest,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionReset> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MOST_BODY_BYTES).collect().await else {
        return Ok(too_large());
    };
    let request = Request::from_parts(parts, body.to_bytes());
    if let Some(authorization) = Authorization::of(&request::Request::from_http(request.clone())) {
        before(&authorization.access_key_id, &authorization.region);
    }
    Ok(aws.request(request).await?.map(Full::new))
}

fn too_large() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"the body is too large for local-aws")));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

impl std::fmt::Display for ConnectionReset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the fault plan broke the connection")
    }
}

impl std::error::Error for ConnectionReset {}
