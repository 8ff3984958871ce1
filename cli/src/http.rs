//! The way from an operator's machine to AWS: proxies, and whose certificates are believed.

use std::collections::BTreeMap;

use aws_smithy_http_client::pool::{Client, ConnectionPool};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::exit::Problem;

/// The variable that names a file with further certificate authorities, as the AWS CLI reads it.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// Connections to a host at most; a call that finds all of them taken waits until one is free. A plan for one organization
/// has up to 29 calls under way, to four services. Each connection takes memory and a descriptor, of which macOS gives a
/// process 256, and AWS throttles long before so many are busy.
const CONNECTIONS_PER_HOST: usize = 32;

/// A client that believes the machine's certificate authorities and those of `AWS_CA_BUNDLE`, unlike a function: an
/// operator may sit behind a proxy that shows its own certificates. It goes through the proxy that `HTTPS_PROXY`,
/// `HTTP_PROXY` or `ALL_PROXY` names, but not to the hosts in `NO_PROXY`.
///
/// # Errors
/// When the file that `AWS_CA_BUNDLE` names cannot be read, or is not certificates in PEM.
pub fn client(variables: &BTreeMap<String, String>) -> Result<SharedHttpClient, Problem> {
    client_through(ProxyConfig::from_env(), variables)
}

fn client_through(proxy: ProxyConfig, variables: &BTreeMap<String, String>) -> Result<SharedHttpClient, Problem> {
    let tls = TlsContext::builder().with_trust_store(trusted(variables)?).build();
    let tls = tls.map_err(|error| Problem::Failed(format!("the certificate authorities cannot be used: {error}")))?;
    let pool = ConnectionPool::builder()
        .max_connections_per_host(CONNECTIONS_PER_HOST)
        .proxy_config(proxy)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https()
        .map_err(|error| Problem::Failed(format!("connections cannot be made: {error}")))?;
    let client = Client::new(&pool).map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(SharedHttpClient::new(client))
}

fn trusted(variables: &BTreeMap<String, String>) -> Result<TrustStore, Problem> {
    let machines = TrustStore::empty().with_native_roots(true);
    let Some(path) = variables.get(CA_BUNDLE).filter(|path| !path.is_empty()) else { return Ok(machines) };
    let wrong = |problem: String| Problem::Usage(format!("{CA_BUNDLE} names {path:?}, which {problem}"));
    let bundle = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    aws::check_certificates(&bundle).map_err(wrong)?;
    Ok(machines.with_pem_certificate(bundle))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use aws_config::BehaviorVersion;
    use aws_types::SdkConfig;
    use aws_types::region::Region;
    use futures_util::future::join_all;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;

    use super::*;

    /// As many calls as can be under way at once.
    #[derive(Default)]
    struct Crowd {
        here: Cell<usize>,
        complete: Notify,
    }

    /// Answers a connection's requests, but none before every connection that may be made has one.
    async fn answer(connection: TcpStream, crowd: &Crowd) {
        let mut connection = BufReader::new(connection);
        let mut line = String::new();
        while connection.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            if line != "\r\n" {
                line.clear();
                continue;
            }
            line.clear();
            let complete = crowd.complete.notified();
            crowd.here.set(crowd.here.get() + 1);
            match crowd.here.get() {
                CONNECTIONS_PER_HOST => crowd.complete.notify_waiters(),
                here if here < CONNECTIONS_PER_HOST => complete.await,
                _ => {}
            }
            connection.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_host_gets_no_more_connections_than_that_and_every_call_its_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .region(Region::from_static("us-east-1"))
            .http_client(client_through(ProxyConfig::disabled(), &BTreeMap::new()).unwrap())
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(aws::s3_config(&sdk).allow_no_auth().build());
        let (crowd, connections) = (Crowd::default(), Cell::new(0));
        let serving = async {
            let mut served = futures_util::stream::FuturesUnordered::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        connections.set(connections.get() + 1);
                        served.push(answer(accepted.unwrap().0, &crowd));
                    }
                    Some(()) = futures_util::StreamExt::next(&mut served) => {}
                }
            }
        };
        let calls = join_all((0..CONNECTIONS_PER_HOST + 8).map(|_| s3.head_bucket().bucket("acme").send()));
        let answers = tokio::select! {
            answers = calls => answers,
            () = serving => unreachable!("there is no end of it"),
        };
        assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(|error| error.raw_response().is_some())));
        assert_eq!(crowd.here.get(), CONNECTIONS_PER_HOST + 8);
        assert_eq!(connections.get(), CONNECTIONS_PER_HOST);
    }

    fn trusting(path: &str) -> Result<TrustStore, String> {
        let variables = BTreeMap::from([(CA_BUNDLE.to_owned(), path.to_owned())]);
        trusted(&variables).map_err(|problem| problem.to_string())
    }

    #[test]
    fn bundles_are_certificates_or_refused_with_the_reason() {
        let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/aws/src/amazon-roots.pem");
        assert!(trusting(roots).is_ok());
        assert!(trusting("").is_ok(), "not set");
        let folder = tempfile::tempdir().unwrap();
        for (content, said) in [
            ("no certificate", "has no certificate in it"),
            ("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "is not PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate that cannot be used"),
        ] {
            let file = folder.path().join("bundle.pem");
            std::fs::write(&file, content).unwrap();
            let refused = trusting(file.to_str().unwrap()).unwrap_err();
            assert!(refused.contains(said) && refused.contains("AWS_CA_BUNDLE"), "{refused}");
        }
        assert!(trusting("/no/such/file").unwrap_err().contains("cannot be read"));
    }
}
