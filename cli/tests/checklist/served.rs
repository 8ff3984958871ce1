//! A served AWS for the tests, and the command run against it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use aws_types::SdkConfig;
use local_aws::{Clock, LocalAws, Recorded, Server};
use orgctl::local::{LocalOptions, LocalSystem};
use serde_json::{Value, json};

/// How long a condition may take to come true. A bound, not an expectation.
const PATIENCE: Duration = Duration::from_secs(400);

/// A running `orgctl local serve`; killed when it is dropped.
pub(crate) struct Served {
    process: Child,
    endpoint: String,
}

/// What the command said.
pub(crate) struct Checked {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// An access key: id and secret.
pub(crate) type Key = (String, String);

impl Served {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_orgctl"))
            .args(["local", "serve", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.find(|line| line.contains("http://")).expect("it says where it listens");
        let endpoint = ready.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        // Somebody has to read on, or the server would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, endpoint }
    }

    pub(crate) fn admin(&self) -> SdkConfig {
        config(&self.endpoint)
    }

    pub(crate) fn clients(&self) -> Clients {
        Clients::of(&self.admin())
    }

    /// Signs organizations up, and waits until each has everything.
    pub(crate) async fn provision(&self, orgs: &[&str]) {
        let admin = self.admin();
        let events = aws_sdk_eventbridge::Client::new(&admin);
        for some in orgs.chunks(10) {
            let entries = some.iter().map(|org| {
                let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder();
                let entry = entry.event_bus_name("org-provisioning").source("org-signup").detail_type("OrgCreated");
                entry.detail(json!({ "orgId": org, "environment": "production" }).to_string()).build()
            });
            let answer = events.put_events().set_entries(Some(entries.collect())).send().await.unwrap();
            assert_eq!(answer.failed_entry_count, 0);
        }
        let s3 = aws_sdk_s3::Client::new(&admin);
        for org in orgs {
            let waiting = async {
                while value_of(&admin, org).await.is_none()
                    || s3.get_bucket_policy().bucket(format!("fusion-rms-{org}")).send().await.is_err()
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{org} was not provisioned"));
        }
    }

    pub(crate) fn checklist(&self, arguments: &[&str]) -> Checked {
        self.checklist_as(&("111111111111".to_owned(), "anything".to_owned()), arguments)
    }

    pub(crate) fn checklist_as(&self, key: &Key, arguments: &[&str]) -> Checked {
        let output = command(&self.endpoint, key, arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Checked { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command with nothing of the settings of whoever runs the tests.
fn command(endpoint: &str, (id, secret): &Key, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgctl"));
    command.env_clear().env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", endpoint).env("ACCOUNT_CLASS", "production");
    command.arg("checklist").args(arguments);
    command
}

/// An administrator's clients.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sdk: SdkConfig,
}

impl Clients {
    fn of(sdk: &SdkConfig) -> Self {
        Self {
            iam: aws_sdk_iam::Client::new(sdk),
            s3: aws_sdk_s3::Client::new(sdk),
            secrets: aws_sdk_secretsmanager::Client::new(sdk),
            sdk: sdk.clone(),
        }
    }
}

fn config(endpoint: &str) -> SdkConfig {
    aws::sdk_config(aws::SdkSettings {
        region: "us-east-1".to_owned(),
        credentials: aws::Credentials {
            access_key_id: "111111111111".to_owned(),
            secret_access_key: "anything".to_owned(),
            session_token: None,
        },
        endpoints: aws::Endpoints { every: Some(endpoint.to_owned()), by_service: [].into() },
        ca_bundle: None,
    })
    .unwrap()
}

pub(crate) fn on_a_runtime<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// The text of an organization's secret, if it can be read.
pub(crate) async fn value_of(admin: &SdkConfig, org: &str) -> Option<String> {
    let secrets = aws_sdk_secretsmanager::Client::new(admin);
    let answer = secrets.get_secret_value().secret_id(format!("fusion-rms/{org}/aws")).send().await.ok()?;
    answer.secret_string
}

/// An organization's access key.
pub(crate) async fn credential_of(admin: &SdkConfig, org: &str) -> Key {
    let value: Value = serde_json::from_str(&value_of(admin, org).await.unwrap()).unwrap();
    let text = |field: &str| value[field].as_str().unwrap().to_owned();
    (text("accessKeyId"), text("secretAccessKey"))
}

pub(crate) async fn secret_of(admin: &SdkConfig, org: &str) -> String {
    credential_of(admin, org).await.1
}

pub(crate) async fn key_of(admin: &SdkConfig, org: &str) -> String {
    credential_of(admin, org).await.0
}

/// Every call that a checklist makes, in every format and of all organizations. Provisioning is done before, in
/// simulated time.
pub(crate) fn trace_of_a_checklist(org: &str) -> Vec<Recorded> {
    let paused = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let world = paused.block_on(async {
        let system = LocalSystem::start(&LocalOptions::default()).unwrap();
        let detail = json!({ "orgId": org, "environment": "production" });
        system.put_event("org-signup", "OrgCreated", &detail).unwrap();
        system.settle().await.unwrap();
        system.aws.snapshot()
    });
    on_a_runtime(async {
        let now = SystemTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let aws = LocalAws::new(1, Clock::starting_at(now));
        aws.restore(world);
        let server = Server::bind(aws.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
        let endpoint = format!("http://{}", server.address().unwrap());
        let key = ("111111111111".to_owned(), "anything".to_owned());
        let checking = async {
            for arguments in [&["--org", org, "--format", "html"][..], &["--all", "--json"]] {
                let output = tokio::process::Command::from(command(&endpoint, &key, arguments)).output().await.unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        };
        tokio::task::LocalSet::new()
            .run_until(async {
                tokio::select! {
                    () = server.run() => panic!("the server ended"),
                    () = checking => {}
                }
            })
            .await;
        aws.take_trace()
    })
}
