//! The SDK configuration of a function, built by hand: no credential chain, no profile files, no metadata
//! calls. In Lambda everything stands in the environment, and the default chain costs init time.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

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

/// Attempts of one call, the first included.
const MOST_ATTEMPTS: u32 = 3;
/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One attempt, from the request's first byte to the reply's last.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// A call with all its attempts. The key protocol's grace period is longer than this and the function's
/// timeout together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(12);

/// Credentials as Lambda gives them to a function.
#[derive(Clone)]
#[expect(missing_docs, reason = "the names are those of the environment variables")]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

/// Endpoints other than AWS's own: `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// For every service.
    pub every: Option<String>,
    /// For one service, by the suffix of the variable: `S3`, `SECRETS_MANAGER`.
    pub by_service: BTreeMap<String, String>,
}

/// What a function needs to know to reach AWS.
#[derive(Clone)]
pub struct SdkSettings {
    /// The region.
    pub region: String,
    /// Who the function is.
    pub credentials: Credentials,
    /// Where the services are, if not at AWS.
    pub endpoints: Endpoints,
    /// A file with certificate authorities to trust instead of Amazon's: the file's content.
    pub ca_bundle: Option<Vec<u8>>,
}

/// The configuration from which every client of a function is made. They share one connector.
///
/// # Errors
/// When the certificates to trust cannot be read.
pub fn sdk_config(settings: SdkSettings) -> Result<SdkConfig, String> {
    let roots = settings.ca_bundle.clone().unwrap_or_else(|| AMAZON_ROOTS.to_vec());
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(roots))
        .build()
        .map_err(|error| format!("the certificate authorities cannot be used: {error}"))?;
    let http = HttpClientBuilder::new().tls_provider(Provider::Rustls(CRYPTOGRAPHY)).tls_context(tls).build_https();
    Ok(with_http_client(settings, http, SharedTimeSource::default()))
}

/// The same configuration with another way to AWS and another clock: what the local AWS plugs into.
pub fn with_http_client(settings: SdkSettings, http: SharedHttpClient, time: SharedTimeSource) -> SdkConfig {
    let SdkSettings { region, credentials, endpoints, .. } = settings;
    let credentials = aws_credential_types::Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token,
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut config = SdkConfig::builder();
    config.set_endpoint_url(endpoints.every.clone());
    config
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(ServiceEndpoints(endpoints))
        .http_client(http)
        .time_source(time)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(MOST_ATTEMPTS))
        .timeout_config(timeouts)
        .build()
}

/// How an SDK client asks for its own endpoint.
#[derive(Debug)]
struct ServiceEndpoints(Endpoints);

impl LoadServiceConfig for ServiceEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        (key.env() == "AWS_ENDPOINT_URL").then(|| self.0.by_service.get(&service).cloned())?
    }
}
