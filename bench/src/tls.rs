//! The local AWS on a port of this machine: behind TLS, with certificates made for the run (a chain of three, as AWS's
//! endpoints have it), or without.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local_aws::LocalAws;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_local};
use tokio_rustls::TlsAcceptor;

use crate::stage::serve;

/// What a function trusts otherwise. Here it trusts one authority more, so that it reads as many certificates as on AWS.
const AMAZON_ROOTS: &[u8] = include_bytes!("../../shared/aws/src/amazon-roots.pem");

/// An endpoint, until it is dropped.
pub struct Endpoint {
    /// Where it is: `https://127.0.0.1:<port>`, or `http://...`.
    pub url: String,
    authority: Option<NamedTempFile>,
    server: JoinHandle<()>,
}

impl Endpoint {
    /// Serves `aws` behind TLS on a free port. Call inside a [`tokio::task::LocalSet`].
    ///
    /// # Errors
    /// When there is no port, or the certificates cannot be made.
    pub async fn start(aws: LocalAws) -> Result<Self, String> {
        let (authority, config) = certificates().map_err(|error| format!("the certificates: {error}"))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let url = format!("https://{}", listener.local_addr().map_err(|error| error.to_string())?);
        let server = spawn_local(accept(listener, TlsAcceptor::from(Arc::new(config)), aws));
        Ok(Self { url, authority: Some(authority), server })
    }

    /// The same without TLS.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start_without_tls(aws: LocalAws) -> Result<Self, String> {
        let (url, server) = serve(aws).await?;
        Ok(Self { url, authority: None, server })
    }

    /// The file with the certificate authorities to trust, for `AWS_CA_BUNDLE`, where there is TLS.
    pub fn authority(&self) -> Option<String> {
        Some(self.authority.as_ref()?.path().display().to_string())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, aws: LocalAws) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, aws) = (tls.clone(), aws.clone());
        connections.spawn_local(async move {
            // Otherwise a reply could wait for the acknowledgement of what went before it.
            let _ = stream.set_nodelay(true);
            // A process that is ended in the middle is no concern of the next one.
            let service = service_fn(move |request| answer(aws.clone(), request));
            let Ok(stream) = tls.accept(stream).await else { return };
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(aws: LocalAws, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let answer = aws.request(Request::from_parts(parts, body)).await;
    answer.map(|response| response.map(Full::new)).map_err(|_| "the connection was reset".to_owned())
}

/// The authorities' certificates in a file, and what a server needs.
fn certificates() -> Result<(NamedTempFile, ServerConfig), Box<dyn std::error::Error>> {
    let root = CertifiedIssuer::self_signed(authority("bench root"), KeyPair::generate()?)?;
    let intermediate = CertifiedIssuer::signed_by(authority("bench intermediate"), KeyPair::generate()?, &root)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &intermediate)?;
    let mut file = NamedTempFile::new()?;
    file.write_all(AMAZON_ROOTS)?;
    file.write_all(root.pem().as_bytes())?;
    file.flush()?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone(), intermediate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    Ok((file, config))
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters
}
