//! The connection of a command to an AWS account: real, `orgctl local serve`, or any other endpoint.
//!
//! Nothing is done before it is known whose account it is: the account's root user, an account other than the
//! expected one, and an account whose class nobody named are refused.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use contract::StepSpec;
use handler::{Environment, Settings};
use org::{AccountClass, OrgId, Place};

use crate::args::ConnectionArguments;
use crate::exit::Problem;
use crate::http;

/// Attempts of one call. Adaptive: while AWS throttles, calls are held back instead of repeated faster.
const MOST_ATTEMPTS: u32 = 8;
/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One attempt, from waiting for its turn to the reply's last byte.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// A call with all its attempts and what lies between them.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(180);

/// An account and region, ready to be asked.
#[derive(Clone)]
pub struct Connection {
    /// For SDK clients.
    pub sdk: SdkConfig,
    /// Where this is.
    pub place: Place,
    /// Who asks, as STS names it.
    pub caller: String,
    /// Whether somebody said which account this should be.
    pub account_was_expected: bool,
    settings: Settings,
}

impl Connection {
    /// Finds credentials, asks whose they are, and checks that this is where the command should work.
    ///
    /// # Errors
    /// Without region, credentials or answer; for a root user; in another account than the expected one; when
    /// nobody said what the account may hold.
    pub async fn open(arguments: &ConnectionArguments) -> Result<Self, Problem> {
        let mut variables = handler::process_variables();
        overlay(&mut variables, arguments)?;
        let sdk = sdk_config(arguments, http::client(&variables)?).await;
        let Some(region) = sdk.region().map(ToString::to_string) else {
            return Err(Problem::Usage("no region; give --region, or set AWS_REGION".to_owned()));
        };
        let answer = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await;
        let identity = answer.map_err(|error| Problem::call("GetCallerIdentity", "the caller", error))?;
        let caller = identity.arn.unwrap_or_default();
        let place = place_of(&caller, &region)?;
        let account_was_expected = variables.contains_key("EXPECTED_ACCOUNT_ID");
        variables.entry("EXPECTED_ACCOUNT_ID".to_owned()).or_insert_with(|| place.account.clone());
        // Names no step's queue: a command that needs one asks for it by its name.
        variables.insert("DEAD_LETTER_QUEUE_URL".to_owned(), "none-dlq".to_owned());
        let settings = Environment::settings(&variables).map_err(|error| Problem::Usage(error.to_string()))?;
        settings.deployment.admit_place(&place).map_err(|error| {
            let hint = "use other credentials, or another --expected-account";
            Problem::Usage(format!(
                "{} is not the expected account {}; {hint}",
                error.resource(),
                settings.deployment.expected_account
            ))
        })?;
        Ok(Self { sdk, place, caller, account_was_expected, settings })
    }

    /// The deployment's settings, for a step's preview.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What time it is.
    pub fn now(&self) -> SystemTime {
        self.sdk.time_source().unwrap_or_default().now()
    }

    /// The same as reports and journals have it: in UTC, to the second.
    pub fn timestamp(&self) -> String {
        humantime::format_rfc3339_seconds(self.now()).to_string()
    }

    /// What the account may hold.
    pub fn account_class(&self) -> AccountClass {
        self.settings.deployment.account_class
    }

    /// The event bus of the deployment.
    pub fn bus(&self) -> &str {
        &self.settings.event_bus
    }
}

/// The queue of a step.
pub fn queue_name(step: &StepSpec) -> String {
    format!("org-provisioning-{}", step.name)
}

/// The dead-letter queue of a step.
pub fn dead_letter_queue_name(step: &StepSpec) -> String {
    format!("{}-dlq", queue_name(step))
}

/// An organization's id as the command line gives it.
///
/// # Errors
/// What the rule for ids says.
pub fn parse_org_id(text: &str) -> Result<OrgId, String> {
    OrgId::parse(text).map_err(|error| error.to_string())
}

/// Runs a command's work on one thread, as functions run theirs.
///
/// # Errors
/// The work's own, and when the operating system refuses a runtime.
pub fn block_on<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Problem::Failed(error.to_string()))?.block_on(work)
}

/// Options win over variables.
fn overlay(variables: &mut BTreeMap<String, String>, arguments: &ConnectionArguments) -> Result<(), Problem> {
    if let Some(account) = &arguments.expected_account {
        variables.insert("EXPECTED_ACCOUNT_ID".to_owned(), account.clone());
    }
    if let Some(class) = arguments.account_class {
        variables.insert("ACCOUNT_CLASS".to_owned(), AccountClass::from(class).as_str().to_owned());
    }
    variables.retain(|_, value| !value.is_empty());
    if variables.contains_key("ACCOUNT_CLASS") {
        return Ok(());
    }
    let message = "what may the account hold? Give --account-class production (production and staging organizations) or non-production, or set ACCOUNT_CLASS";
    Err(Problem::Usage(message.to_owned()))
}

async fn sdk_config(arguments: &ConnectionArguments, http: SharedHttpClient) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        // Requests are small. One that waits for its turn would be taken for one that is stuck.
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().upload_enabled(false).build())
        .retry_config(RetryConfig::adaptive().with_max_attempts(MOST_ATTEMPTS))
        .timeout_config(timeouts);
    if let Some(profile) = &arguments.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &arguments.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &arguments.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// Where the caller is, if it may be used at all.
fn place_of(caller: &str, region: &str) -> Result<Place, Problem> {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    let ["arn", partition, _, _, account, who] = parts[..] else {
        return Err(Problem::Failed(format!("GetCallerIdentity answered {caller:?}, which is no ARN")));
    };
    if who == "root" {
        let message =
            format!("{caller} is the account's root user, which provisions nothing; use your own IAM identity");
        return Err(Problem::Usage(message));
    }
    Ok(Place { partition: partition.to_owned(), account: account.to_owned(), region: region.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_users_are_refused_and_others_placed() {
        let place = place_of("arn:aws-cn:sts::123456789012:assumed-role/operator/me", "cn-north-1");
        assert!(place.is_ok_and(|place| place.account == "123456789012" && place.partition == "aws-cn"));
        for caller in ["arn:aws:iam::123456789012:root", "arn:aws-us-gov:iam::123456789012:root"] {
            let refused = place_of(caller, "us-east-1").err().map(|problem| problem.to_string());
            assert!(refused.is_some_and(|message| message.contains("root user")), "{caller}");
        }
        assert!(place_of("nobody", "us-east-1").is_err());
        assert!(place_of("arn:aws:iam::123456789012:user/root", "us-east-1").is_ok(), "a user that is called so");
    }

    #[test]
    fn options_win_over_variables_and_a_class_is_needed() {
        let class = |name: &str| BTreeMap::from([("ACCOUNT_CLASS".to_owned(), name.to_owned())]);
        let arguments = ConnectionArguments {
            account_class: Some(crate::args::Class::NonProduction),
            expected_account: Some("123456789012".to_owned()),
            ..ConnectionArguments::default()
        };
        let mut variables = class("production");
        assert!(overlay(&mut variables, &arguments).is_ok());
        assert_eq!(variables.get("ACCOUNT_CLASS").map(String::as_str), Some("non-production"));
        assert_eq!(variables.get("EXPECTED_ACCOUNT_ID").map(String::as_str), Some("123456789012"));
        let nothing = ConnectionArguments::default();
        assert!(overlay(&mut class("production"), &nothing).is_ok());
        assert!(overlay(&mut class(""), &nothing).is_err());
    }
}
