//! What is the same for every organization of an account, asked once.

use aws::AwsError;
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_smithy_types::Document;
use aws_types::SdkConfig;
use contract::{ErrorCode, StepError};

use super::Looker;
use crate::checklist::observed::{Seen, Unseen};

/// Buckets of the account to choose another organization's from. An organization has at most a few.
const SOME_BUCKETS: i32 = 10;

impl Looker {
    /// Which of the account's four public access blocks are on.
    pub(super) async fn account_blocks(&self) -> Seen<Vec<&'static str>> {
        let asked = self.account_blocks.get_or_try_init(async || lasting(self.ask_for_account_blocks().await)).await;
        asked.cloned().and_then(|kept| kept)
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
        let asked = self.some_buckets.get_or_try_init(async || lasting(self.ask_for_some_buckets().await)).await;
        asked.cloned().and_then(|kept| kept)
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

/// What stays true for all organizations: an answer, and that asking is denied. Any other error is that of one
/// moment, so it is not kept and the next organization asks again.
fn lasting<T>(answer: Result<T, StepError>) -> Result<Seen<T>, Unseen> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if error.code() == ErrorCode::AccessDenied => Ok(Err(error.into())),
        Err(error) => Err(error.into()),
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::OnceCell;

    use super::*;

    /// How often is asked for three organizations, where the first answer is this one and every later one is good.
    async fn asked_after(first: fn() -> Result<&'static str, StepError>) -> (usize, Vec<Seen<&'static str>>) {
        let (kept, asked) = (OnceCell::new(), Cell::new(0));
        let mut seen = Vec::new();
        for _ in 0..3 {
            let ask = async || {
                asked.set(asked.get() + 1);
                lasting(if asked.get() == 1 { first() } else { Ok("later") })
            };
            seen.push(kept.get_or_try_init(ask).await.cloned().and_then(|kept| kept));
        }
        (asked.get(), seen)
    }

    #[tokio::test]
    async fn answers_and_denials_are_kept_and_other_errors_are_not() {
        assert_eq!(asked_after(|| Ok("first")).await, (1, vec![Ok("first"); 3]));
        let (asked, seen) = asked_after(|| Err(StepError::new(ErrorCode::AccessDenied, "account", "denied"))).await;
        assert!(asked == 1 && seen.iter().all(Result::is_err), "{asked} {seen:?}");
        let (asked, seen) = asked_after(|| Err(StepError::new(ErrorCode::Throttled, "account", "slower"))).await;
        assert!(asked == 2 && seen[0].is_err() && seen[1..] == [Ok("later"), Ok("later")], "{asked} {seen:?}");
    }
}
