//! The account that the measured functions work in: a deployment on the local AWS, with real time, and organizations
//! that are as far as a step needs them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use local_aws::LocalAws;
use local_system::{Functions, LocalOptions, LocalSystem};
use serde_json::{Value, json};

use crate::process::Launch;
use crate::stage::{aws_in_real_time, command, on_a_stage};
use crate::tls::Endpoint;

/// An address at which nobody listens: connecting is refused at once.
const NOBODY: &str = "https://127.0.0.1:1";

/// Measures in a new account, on this thread.
///
/// # Errors
/// When the account cannot be made, or the measurement fails.
pub fn in_account<T>(measure: impl AsyncFnOnce(&Account) -> Result<T, String>) -> Result<T, String> {
    on_a_stage(async { measure(&Account::new()?).await })
}

/// The account.
pub struct Account {
    system: LocalSystem,
    organizations: Cell<u32>,
    latency: Cell<Duration>,
}

impl Account {
    /// A new account. Call inside a tokio runtime.
    ///
    /// # Errors
    /// When the deployment cannot be made.
    pub fn new() -> Result<Self, String> {
        let system = LocalSystem::wire(aws_in_real_time(), &LocalOptions::default(), &Functions::InProcess);
        let system = system.map_err(|problem| problem.to_string())?;
        Ok(Self { system, organizations: Cell::new(0), latency: Cell::new(Duration::ZERO) })
    }

    /// The AWS that it is in.
    pub fn aws(&self) -> &LocalAws {
        &self.system.aws
    }

    /// How long each call of a measured process takes from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.latency.set(latency);
        self.aws().set_latency(latency);
    }

    /// How a step's bootstrap is started. Without an endpoint it finds nobody to talk to.
    pub fn launch(&self, program: &Path, step: &str, endpoint: Option<&Endpoint>) -> Launch {
        let place = &self.system.place;
        let queue = format!("https://sqs.{}.amazonaws.com/{}/org-provisioning-{step}", place.region, place.account);
        let mut environment: BTreeMap<String, String> = [
            ("ACCOUNT_CLASS", "production"),
            ("AWS_ACCESS_KEY_ID", &place.account),
            ("AWS_DEFAULT_REGION", &place.region),
            ("AWS_ENDPOINT_URL", endpoint.map_or(NOBODY, |endpoint| &endpoint.url)),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_NAME", step),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_REGION", &place.region),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("DEAD_LETTER_QUEUE_URL", &format!("{queue}-dlq")),
            ("EXPECTED_ACCOUNT_ID", &place.account),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("TZ", ":UTC"),
            ("_HANDLER", "bootstrap"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if let Some(authority) = endpoint.and_then(Endpoint::authority) {
            environment.insert("AWS_CA_BUNDLE".to_owned(), authority);
        }
        Launch {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment,
            arn: format!("arn:aws:lambda:{}:{}:function:{step}", place.region, place.account),
            clock: self.aws().clock().clone(),
        }
    }

    /// A batch with one message, about a new organization for which everything is done that comes before `step`.
    ///
    /// # Errors
    /// When a step before it fails.
    pub async fn message(&self, step: &str) -> Result<Value, String> {
        let number = self.organizations.get() + 1;
        self.organizations.set(number);
        let command = command(&format!("org{number}"));
        let before: &[&str] = match step {
            "secret" => &["iam-user"],
            "bucket-policy" => &["iam-user", "bucket"],
            "verify" => &["iam-user", "bucket", "bucket-policy", "secret"],
            _ => &[],
        };
        self.aws().set_latency(Duration::ZERO);
        for earlier in before {
            let done = self.system.invoke(earlier, command.clone()).await;
            done.map_err(|error| format!("{earlier}: {}", error.error_message))?;
        }
        self.aws().set_latency(self.latency.get());
        Ok(self.batch(step, number, &command))
    }

    fn batch(&self, step: &str, number: u32, command: &Value) -> Value {
        let place = &self.system.place;
        let sent = self.aws().now().0.to_string();
        json!({ "Records": [{
            "messageId": format!("00000000-0000-4000-8000-{number:012}"),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a1",
            "body": command.to_string(),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": sent,
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": sent,
            },
            "messageAttributes": {},
            "md5OfBody": "4856c87f1c656e43ef9467c075905b7f",
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{}:{}:org-provisioning-{step}", place.region, place.account),
            "awsRegion": place.region,
        }] })
    }
}
