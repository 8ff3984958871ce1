//! What the tests of commands share: a server of their own, `orgctl` run against it, and a queue that hears the bus.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use aws_types::SdkConfig;
use serde_json::{Value, json};

/// How long a condition may take to come true. A bound, not an expectation.
pub(crate) const PATIENCE: Duration = Duration::from_secs(400);

/// The account of a server that may hold production and staging organizations.
pub(crate) const PRODUCTION: &str = "111111111111";
/// The account of a server that may hold the others.
pub(crate) const NON_PRODUCTION: &str = "333333333333";
/// Where commands look if a test says nothing else.
pub(crate) const REGION: &str = "us-east-1";

/// A running `orgctl local serve`; killed when it is dropped.
pub(crate) struct Serve {
    process: Child,
    /// `http://127.0.0.1:<port>`.
    pub(crate) endpoint: String,
}

impl Serve {
    /// Starts a server on a free port, with further arguments of `local serve`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_orgctl"))
            .args(["local", "serve", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.find(|line| line.contains("http://")).expect("it says where it listens");
        let endpoint = ready.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        // Somebody has to read on, or the server would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, endpoint }
    }

    /// The configuration of an SDK client with these credentials.
    pub(crate) fn config(&self, access_key_id: &str, secret: &str, region: &str) -> SdkConfig {
        let settings = aws::SdkSettings {
            region: region.to_owned(),
            credentials: aws::Credentials {
                access_key_id: access_key_id.to_owned(),
                secret_access_key: secret.to_owned(),
                session_token: None,
            },
            endpoints: aws::Endpoints { every: Some(self.endpoint.clone()), by_service: [].into() },
            ca_bundle: None,
        };
        aws::sdk_config(settings, &aws::Connector::new(None).unwrap())
    }

    /// The administrator of the production account.
    pub(crate) fn admin(&self) -> SdkConfig {
        self.config(PRODUCTION, "anything", REGION)
    }

    /// `orgctl` with these arguments, as the administrator of the production account, ready to be started. Nothing
    /// of the tester's own AWS settings is in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command_at(&self.endpoint, arguments)
    }

    /// Runs [`Serve::command`] to its end.
    pub(crate) fn orgctl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        interrupt(&self.process);
        self.process.wait().unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// [`Serve::command`] for any endpoint.
pub(crate) fn command_at(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgctl"));
    command.args(arguments).env_clear().envs([
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", PRODUCTION),
        ("AWS_SECRET_ACCESS_KEY", "anything"),
        ("AWS_REGION", REGION),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("ACCOUNT_CLASS", "production"),
    ]);
    command
}

/// Ctrl-C for any process that a test has started.
pub(crate) fn interrupt(process: &Child) {
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

/// What a command printed on standard output.
pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// What a command printed on standard error.
pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The JSON values that a command printed, one after the other.
pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    values.map(|value| value.unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))).collect()
}

/// Runs a test's calls.
pub(crate) fn on_a_runtime<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// A queue of the user's own, `name`, that hears events of one type, made as any user would make it. Gives its URL.
pub(crate) async fn listen(config: &SdkConfig, name: &str, detail_type: &str) -> String {
    let sqs = aws_sdk_sqs::Client::new(config);
    let arn = format!("arn:aws:sqs:us-east-1:111111111111:{name}");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sqs:SendMessage",
        "Principal": { "Service": "events.amazonaws.com" }, "Resource": arn }] });
    let queue = sqs.create_queue().queue_name(name);
    let queue = queue.attributes(aws_sdk_sqs::types::QueueAttributeName::Policy, policy.to_string());
    let url = queue.send().await.unwrap().queue_url.unwrap();
    let events = aws_sdk_eventbridge::Client::new(config);
    let rule = events.put_rule().name(name).event_bus_name("org-provisioning");
    rule.event_pattern(json!({ "detail-type": [detail_type] }).to_string()).send().await.unwrap();
    let target = aws_sdk_eventbridge::types::Target::builder().id("q").arn(arn);
    let targets = events.put_targets().rule(name).event_bus_name("org-provisioning");
    targets.targets(target.build().unwrap()).send().await.unwrap();
    url
}

/// Up to ten messages of a queue, deleted from it. Waits for up to a second. What is not JSON is null.
pub(crate) async fn receive(config: &SdkConfig, url: &str) -> Vec<Value> {
    let sqs = aws_sdk_sqs::Client::new(config);
    let answer =
        sqs.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(1).send().await.unwrap();
    let mut bodies = Vec::new();
    for message in answer.messages() {
        sqs.delete_message().queue_url(url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
        bodies.push(serde_json::from_str(message.body().unwrap()).unwrap_or(Value::Null));
    }
    bodies
}

/// Puts `OrgCreated` for production organizations on the bus.
pub(crate) async fn sign_up(config: &SdkConfig, orgs: &[String]) {
    let client = aws_sdk_eventbridge::Client::new(config);
    for some in orgs.chunks(10) {
        let entries = some.iter().map(|org| {
            let detail = json!({ "orgId": org, "environment": "production" }).to_string();
            let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder();
            entry
                .event_bus_name("org-provisioning")
                .source("org-signup")
                .detail_type("OrgCreated")
                .detail(detail)
                .build()
        });
        let answer = client.put_events().set_entries(Some(entries.collect())).send().await.unwrap();
        assert_eq!(answer.failed_entry_count, 0);
    }
}

/// What the organization's secret holds, once it is there.
pub(crate) async fn stored_key(config: &SdkConfig, org: &str) -> Option<Value> {
    let client = aws_sdk_secretsmanager::Client::new(config);
    let answer = client.get_secret_value().secret_id(format!("fusion-rms/{org}/aws")).send().await.ok()?;
    serde_json::from_str(answer.secret_string()?).ok()
}

/// Signs organizations up, and waits until each of them is provisioned.
pub(crate) async fn provision(serve: &Serve, orgs: &[&str]) {
    let config = serve.admin();
    let heard = listen(&config, "provision-helper", "OrgProvisioned").await;
    sign_up(&config, &orgs.iter().map(|org| (*org).to_owned()).collect::<Vec<_>>()).await;
    let mut missing: std::collections::BTreeSet<&str> = orgs.iter().copied().collect();
    let waited = async {
        while !missing.is_empty() {
            for event in receive(&config, &heard).await {
                missing.remove(event.pointer("/detail/orgId").and_then(Value::as_str).unwrap_or_default());
            }
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("{orgs:?} were not provisioned"));
}
