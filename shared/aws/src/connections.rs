//! The way to AWS: one connector for every client of a function, and connections that stand before the first call.
//!
//! A connection takes a function most of its first invocation: three round trips, and a key exchange on the small part
//! of a core that Lambda gives after init. During init a function has a whole core. So the connections are opened
//! then, by requests without a signature. Services answer those with a redirection or a refusal, and the connection
//! stays in the connector's pool.

use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector as TlsConnector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::http_client_fn;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use futures_util::future::select;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::CONNECT_TIMEOUT;

/// The certificate authorities of AWS's endpoints: Amazon Root CA 1 to 4 and Starfield Services Root G2.
/// Loading the operating system's store instead would be most of a function's init time.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Who does the cryptography of TLS. Ring, unless a feature says otherwise: aws-lc seeds itself from CPU jitter at
/// first use, which costs a small function half a second.
#[cfg(not(any(feature = "aws-lc", feature = "fips")))]
const CRYPTOGRAPHY: CryptoMode = CryptoMode::Ring;
#[cfg(all(feature = "aws-lc", not(feature = "fips")))]
const CRYPTOGRAPHY: CryptoMode = CryptoMode::AwsLc;
#[cfg(feature = "fips")]
const CRYPTOGRAPHY: CryptoMode = CryptoMode::AwsLcFips;

/// How long init waits for connections. Where there is no way to a service, the first call says so better.
const OPEN_LIMIT: Duration = Duration::from_secs(1);

/// A pool of connections that every client of a function uses.
#[derive(Clone, Debug)]
pub struct Connector(SharedHttpConnector);

/// Where a client sends its calls, and how many of them at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The endpoint: `https://iam.amazonaws.com`.
    pub url: String,
    /// The most calls at one time.
    pub at_once: usize,
}

/// What came of a request that was to open a connection.
struct Opened<'d> {
    destination: &'d Destination,
    /// Whether it was the first to the destination: the others wait for it.
    first: bool,
    answered: bool,
}

impl Connector {
    /// A connector that trusts the given certificate authorities (PEM), or Amazon's.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(ca_bundle: Option<&[u8]>) -> Result<Self, String> {
        if let Some(bundle) = ca_bundle {
            check_certificates(bundle).map_err(|problem| format!("the bundle of certificate authorities {problem}"))?;
        }
        let tls = TlsContext::builder()
            .with_trust_store(TrustStore::empty().with_pem_certificate(ca_bundle.unwrap_or(AMAZON_ROOTS)))
            .build()
            .map_err(|error| format!("the certificate authorities cannot be used: {error}"))?;
        let connector = TlsConnector::builder()
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .tls_provider(Provider::Rustls(CRYPTOGRAPHY))
            .tls_context(tls)
            .build();
        Ok(Self(SharedHttpConnector::new(connector)))
    }

    /// The HTTP client that uses this connector. The settings that SDK clients ask for are the connector's own.
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = self.0.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// Opens connections to every destination, side by side, for at most a second. What cannot be opened is opened by
    /// the first call instead, whose errors are told.
    ///
    /// The first connection to a destination is opened alone: the others resume its TLS session, and so need not verify
    /// the certificates again, which is most of a handshake's work. Of the requests that follow, one finds the first
    /// connection idle. Where the first one cannot be opened, no other is tried.
    pub async fn open(&self, destinations: &[Destination]) {
        let opening = async {
            let first = destinations.iter().map(|destination| self.open_one(destination, true));
            // Each is polled only when it can go on itself: `join_all` would poll all at every step of every handshake.
            let mut requests: FuturesUnordered<_> = first.collect();
            while let Some(Opened { destination, first, answered }) = requests.next().await {
                if first && answered && destination.at_once > 1 {
                    requests.extend((0..destination.at_once).map(|_| self.open_one(destination, false)));
                }
            }
        };
        let limit = TokioSleep::new().sleep(OPEN_LIMIT);
        // Whichever comes first: neither has anything to tell.
        drop(select(Box::pin(opening), limit).await);
    }

    async fn open_one<'d>(&self, destination: &'d Destination, first: bool) -> Opened<'d> {
        Opened { destination, first, answered: self.touch(&destination.url).await }
    }

    /// One request without a signature; whether it was answered. The answer says nothing that matters, but has to be
    /// read to its end: else the connection could not be used again.
    async fn touch(&self, url: &str) -> bool {
        let mut request = HttpRequest::new(SdkBody::empty());
        if request.set_uri(url).is_err() {
            return false;
        }
        let Ok(answer) = self.0.call(request).await else { return false };
        // What breaks here is opened again by the first call.
        ByteStream::new(answer.into_body()).collect().await.is_ok()
    }
}

/// Makes sure that a bundle is certificates in PEM, all of which can be used: the SDK's HTTP client would panic.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence about the bundle.
pub fn check_certificates(bundle: &[u8]) -> Result<(), String> {
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|error| format!("is not PEM: {error}"))?;
        authorities.add(certificate).map_err(|error| format!("has a certificate that cannot be used: {error}"))?;
    }
    if authorities.is_empty() {
        return Err("has no certificate in it; it must hold certificates in PEM".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_runtime_api::client::http::HttpConnector;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A service that counts its connections, and what it does with each.
    async fn service(take: impl Fn(TcpStream) + Send + 'static) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, count) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                take(connection);
            }
        });
        (url, count)
    }

    /// A service that refuses everything on connections that it keeps.
    async fn refusing() -> (String, Arc<AtomicUsize>) {
        service(|connection| drop(tokio::spawn(refuse(connection)))).await
    }

    async fn refuse(mut connection: TcpStream) {
        let mut request = [0; 4096];
        while connection.read(&mut request).await.is_ok_and(|size| size > 0) {
            let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
            connection.write_all(answer).await.unwrap();
        }
    }

    fn destination(url: &str, at_once: usize) -> Destination {
        Destination { url: url.to_owned(), at_once }
    }

    #[tokio::test]
    async fn calls_find_the_connections_open() {
        let (url, count) = refusing().await;
        let connector = Connector::new(None).unwrap();
        connector.open(&[destination(&url, 3)]).await;
        assert_eq!(count.load(Ordering::Relaxed), 3);
        let call = || async {
            let mut request = HttpRequest::new(SdkBody::empty());
            request.set_uri(url.as_str()).unwrap();
            connector.0.call(request).await.unwrap().status().as_u16()
        };
        assert_eq!(futures_util::future::join3(call(), call(), call()).await, (403, 403, 403));
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_service_that_never_answers_does_not_hold_up_another() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}", silent.local_addr().unwrap());
        let (url, count) = refusing().await;
        let connector = Connector::new(None).unwrap();
        connector.open(&[destination(&silent, 3), destination(&url, 3)]).await;
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_service_that_cannot_be_reached_is_tried_once() {
        let (url, count) = service(drop).await;
        Connector::new(None).unwrap().open(&[destination(&url, 3)]).await;
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_left_to_the_first_call() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Connector::new(None).unwrap().open(&[destination(&format!("http://{closed}"), 1), destination("?", 1)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_answers_does_not_stop_init() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        Connector::new(None).unwrap().open(&[destination(&url, 1)]).await;
    }

    #[test]
    fn a_bundle_that_is_no_certificate_is_refused() {
        assert!(Connector::new(Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).is_err());
    }
}
