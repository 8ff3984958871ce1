//! What is the same for every organization of an account, asked once.

use aws::AwsError;
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_smithy_types::Document;
use aws_types::SdkConfig;
use contract::StepError;

use super::Looker;
use crate::checklist::observed::Seen;

/// Buckets of the account to choose another organization's from. An organization has at most a few.
const SOME_BUCKETS: i32 = 10;

impl Looker {
    /// Which of the account's four public access blocks are on.
    pub(super) async fn account_blocks(&self) -> Seen<Vec<&'static str>> {
        self.account_blocks.get_or_init(async || Ok(self.ask_for_account_blocks().await?)).await.clone()
    }

    async fn ask_for_account_blocks(&self) -> Result<Vec<&'static str>, StepError> {
        let account = &self.connection.place.account;
        let client = control_client(&self.connection.sdk);
        let answer = client.get_public_access_block().account_id(account).send().await;
        let block = match answer.map_err(|error| AwsError::of("GetPublicAccessBlock", error)) {
            Ok(answer) => answer.public_access_block_configuration,
            Err(error) if error.code() == "NoSuchPublicAccessBlockConfiguration" => None,
            Err(error) => return Err(error.explain_as_usual(format!("account {account}"))),
        };
        let settings = block.map(|block| {
            [
                ("BlockPublicAcls", block.block_public_acls),
                ("IgnorePublicAcls", block.ignore_public_acls),
                ("BlockPublicPolicy", block.block_public_policy),
                ("RestrictPublicBuckets", block.restrict_public_buckets),
            ]
        });
        Ok(settings.into_iter().flatten().filter(|(_, on)| *on == Some(true)).map(|(setting, _)| setting).collect())
    }

    /// A few buckets of this region that organizations have.
    pub(super) async fn some_buckets(&self) -> Seen<Vec<String>> {
        self.some_buckets.get_or_init(async || Ok(self.ask_for_some_buckets().await?)).await.clone()
    }

    async fn ask_for_some_buckets(&self) -> Result<Vec<String>, StepError> {
        let prefix = self.connection.settings().deployment.conventions.bucket_prefix();
        let region = &self.connection.place.region;
        let request = self.s3.list_buckets().prefix(prefix).bucket_region(region).max_buckets(SOME_BUCKETS);
        let answer = request.send().await.map_err(|error| AwsError::of("ListBuckets", error));
        let answer = answer.map_err(|error| error.explain_as_usual(format!("buckets {prefix}*")))?;
        Ok(answer.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name).collect())
    }
}

/// A client for the account's settings. Behind an endpoint of somebody's own the SDK would put the account's number
/// in front of the host, which few but AWS can resolve; the header `x-amz-account-id` says the same.
fn control_client(sdk: &SdkConfig) -> aws_sdk_s3control::Client {
    let mut config = aws_sdk_s3control::config::Builder::from(sdk);
    if let (Some(url), Some(region)) = (sdk.endpoint_url(), sdk.region()) {
        config = config.endpoint_resolver(OneHost { url: url.to_owned(), region: region.to_string() });
    }
    aws_sdk_s3control::Client::from_conf(config.build())
}

/// One host for every account.
#[derive(Debug)]
struct OneHost {
    url: String,
    region: String,
}

impl ResolveEndpoint for OneHost {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let scheme = [("name", "sigv4"), ("signingName", "s3"), ("signingRegion", &self.region)];
        let scheme = scheme.map(|(key, value)| (key.to_owned(), Document::from(value.to_owned())));
        let schemes = vec![Document::Object(scheme.into())];
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.url.clone()).property("authSchemes", schemes).build()))
    }
}
