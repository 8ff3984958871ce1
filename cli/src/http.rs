//! The way from an operator's machine to AWS: proxies, and whose certificates are believed.

use std::collections::BTreeMap;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::bounded::BoundedClient;
use crate::exit::Problem;

/// The variable that names a file with further certificate authorities, as the AWS CLI reads it.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// Calls under way at one time: as many as a plan for one organization makes, and some. Each needs a connection, which
/// takes memory and a descriptor, and stays for 90 s; macOS gives a process 256 descriptors.
const CALLS_AT_ONCE: usize = 32;

/// A client that believes the machine's certificate authorities and those of `AWS_CA_BUNDLE`, unlike a function: an
/// operator may sit behind a proxy that shows its own certificates. It goes through the proxy that `HTTPS_PROXY`,
/// `HTTP_PROXY` or `ALL_PROXY` names, but not to the hosts in `NO_PROXY`.
///
/// # Errors
/// When the file that `AWS_CA_BUNDLE` names cannot be read, or is not certificates in PEM.
pub fn client(variables: &BTreeMap<String, String>) -> Result<SharedHttpClient, Problem> {
    let tls = TlsContext::builder().with_trust_store(trusted(variables)?).build();
    let tls = tls.map_err(|error| Problem::Failed(format!("the certificate authorities cannot be used: {error}")))?;
    // The client keeps the connector for as long as the settings stay the same.
    let calls = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build()
    });
    Ok(SharedHttpClient::new(BoundedClient::new(calls, CALLS_AT_ONCE)))
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
    use super::*;

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
