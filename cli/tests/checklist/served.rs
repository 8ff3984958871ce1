//! A served AWS for the tests, and the command run against it.

use std::process::Command;
use std::time::SystemTime;

use aws_types::SdkConfig;
use local_aws::{Clock, LocalAws, Recorded, Server};
use local_system::{LocalOptions, LocalSystem};
use serde_json::json;

use crate::common::{PRODUCTION, Serve, command_at, eventually, on_a_runtime, sign_up, stored_key};

/// A running `orgctl local serve`.
pub(crate) struct Served(Serve);

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
        Self(Serve::start(&[]))
    }

    pub(crate) fn admin(&self) -> SdkConfig {
        self.0.admin()
    }

    pub(crate) fn clients(&self) -> Clients {
        Clients::of(&self.admin())
    }

    /// Signs organizations up, and waits until each has everything.
    pub(crate) async fn provision(&self, orgs: &[&str]) {
        let admin = self.admin();
        sign_up(&admin, &orgs.iter().map(|org| (*org).to_owned()).collect::<Vec<_>>()).await;
        let s3 = aws_sdk_s3::Client::new(&admin);
        for org in orgs {
            let has_all = async || {
                stored_key(&admin, org).await?;
                s3.get_bucket_policy().bucket(format!("fusion-rms-{org}")).send().await.ok()
            };
            eventually(&format!("the provisioning of {org}"), has_all).await;
        }
    }

    pub(crate) fn checklist(&self, arguments: &[&str]) -> Checked {
        self.checklist_as(&administrator(), arguments)
    }

    pub(crate) fn checklist_as(&self, key: &Key, arguments: &[&str]) -> Checked {
        let output = command(&self.0.endpoint, key, arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Checked { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn administrator() -> Key {
    (PRODUCTION.to_owned(), "anything".to_owned())
}

fn command(endpoint: &str, (id, secret): &Key, arguments: &[&str]) -> Command {
    let mut command = command_at(endpoint, &[&["checklist"], arguments].concat());
    command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
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

/// An organization's access key.
pub(crate) async fn credential_of(admin: &SdkConfig, org: &str) -> Key {
    let value = stored_key(admin, org).await.unwrap();
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
        let checking = async {
            for arguments in [&["--org", org, "--format", "html"][..], &["--all", "--json"]] {
                let output = tokio::process::Command::from(command(&endpoint, &administrator(), arguments))
                    .output()
                    .await
                    .unwrap();
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
