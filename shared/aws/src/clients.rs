//! The clients of a function, made once, at init. Whoever makes one says how many calls it makes at once, so that init
//! knows which connections to open.

use std::cell::RefCell;
use std::fmt::Debug;

use aws_smithy_runtime_api::client::endpoint::{EndpointResolverParams, ResolveEndpoint, SharedEndpointResolver};
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use futures_util::future::FutureExt;

use crate::connections::Destination;

/// Notes where the client of an SDK crate sends its calls, with at most so many of them at one time. Every crate has
/// types of its own for the same thing, which no function could be written over.
#[macro_export]
macro_rules! note_destination {
    ($clients:expr, $sdk:ident, $service_id:literal, $at_once:expr) => {{
        use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
        let (region, endpoint) = $clients.region_and_endpoint($service_id);
        let params = Params::builder().set_region(region).set_endpoint(endpoint).build();
        $clients.calls(DefaultResolver::new().into_shared_resolver(), params, $at_once);
    }};
}

/// Makes a function's clients.
pub struct Clients {
    sdk: SdkConfig,
    destinations: RefCell<Vec<Destination>>,
}

impl Clients {
    /// Makes clients from this configuration.
    pub fn new(sdk: SdkConfig) -> Self {
        Self { sdk, destinations: RefCell::default() }
    }

    /// The configuration, for clients that are made later, when they are needed.
    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// Where the clients that were made send their calls.
    pub fn destinations(self) -> Vec<Destination> {
        self.destinations.into_inner()
    }

    /// IAM, with at most `at_once` calls at one time.
    #[cfg(feature = "iam")]
    pub fn iam(&self, at_once: usize) -> aws_sdk_iam::Client {
        note_destination!(self, aws_sdk_iam, "IAM", at_once);
        aws_sdk_iam::Client::new(&self.sdk)
    }

    /// S3, with at most `at_once` calls at one time.
    #[cfg(feature = "s3")]
    pub fn s3(&self, at_once: usize) -> aws_sdk_s3::Client {
        note_destination!(self, aws_sdk_s3, "S3", at_once);
        s3(&self.sdk)
    }

    /// Secrets Manager, with at most `at_once` calls at one time.
    #[cfg(feature = "secretsmanager")]
    pub fn secrets_manager(&self, at_once: usize) -> aws_sdk_secretsmanager::Client {
        note_destination!(self, aws_sdk_secretsmanager, "Secrets Manager", at_once);
        aws_sdk_secretsmanager::Client::new(&self.sdk)
    }

    /// The region, and the endpoint if it is another than AWS's, as the client of that service takes them from the
    /// configuration. Services are called by their ids in AWS's API models.
    pub fn region_and_endpoint(&self, service_id: &str) -> (Option<String>, Option<String>) {
        let key = ServiceConfigKey::builder().service_id(service_id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let own = key.build().ok().and_then(|key| self.sdk.service_config()?.load_config(key));
        let endpoint = own.or_else(|| self.sdk.endpoint_url().map(str::to_owned));
        (self.sdk.region().map(ToString::to_string), endpoint)
    }

    /// Notes where a client sends its calls: what its own resolver says. What cannot be resolved is told by the first
    /// call.
    pub fn calls<P, E>(&self, resolver: SharedEndpointResolver, params: Result<P, E>, at_once: usize)
    where
        P: Debug + Send + Sync + 'static,
    {
        let resolve = |params| resolver.resolve_endpoint(&EndpointResolverParams::new(params)).now_or_never()?.ok();
        if let Some(endpoint) = params.ok().and_then(resolve) {
            self.destinations.borrow_mut().push(Destination { url: endpoint.url().to_owned(), at_once });
        }
    }
}

/// An S3 client, configured by [`s3_config`].
#[cfg(feature = "s3")]
pub fn s3(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(s3_config(sdk).build())
}

/// The configuration of an S3 client. The bucket stands in the path and not in the host's name: so one connection
/// serves every bucket, and can be opened before the bucket is known. S3 supports both (S3 user guide, "Path-style
/// requests"; in 2020 AWS put off their end until further notice). Names with dots, which need it, are served too.
#[cfg(feature = "s3")]
pub fn s3_config(sdk: &SdkConfig) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Builder::from(sdk).force_path_style(true)
}
