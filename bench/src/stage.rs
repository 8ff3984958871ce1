//! A local AWS on a port of this machine, with the deployment wired to it: what functions, peers and `orgctl` are
//! measured against. Everything runs on the calling thread.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use local_aws::{Clock, LocalAws, Server};
use local_system::{Functions, LocalOptions, LocalSystem, Processes};
use serde_json::{Value, json};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

/// How long anything here may take. A bound, not an expectation.
pub const PATIENCE: Duration = Duration::from_secs(1800);

/// A new AWS in real time, as `orgctl local serve` has it: it keeps no record of its calls, and they do not take turns.
pub fn aws_in_real_time() -> LocalAws {
    #[expect(clippy::disallowed_methods, reason = "what is measured lives in real time")]
    let aws = LocalAws::new(1, Clock::starting_at(SystemTime::now()));
    aws.set_recording(false);
    aws.set_taking_turns(false);
    aws
}

/// The running system. Its tasks end with it.
pub struct Stage {
    /// The system.
    pub system: LocalSystem,
    /// `http://127.0.0.1:<port>`.
    pub endpoint: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Stage {
    /// Starts a system in real time. Its functions are the built ones in `functions`, as processes that reach AWS over
    /// HTTP; without a folder they are calls in this process, past HTTP.
    ///
    /// # Errors
    /// When no port is free, or a function is not in the folder.
    pub async fn start(functions: Option<&Path>) -> Result<Self, String> {
        let aws = aws_in_real_time();
        let (endpoint, server) = serve(aws.clone()).await?;
        let functions = match functions {
            None => Functions::InProcess,
            Some(folder) => {
                let processes = Processes::in_folder(folder, &endpoint, Rc::new(|_, _| ()));
                Functions::Processes(processes.map_err(|problem| problem.to_string())?)
            }
        };
        let options = LocalOptions { archive: true, ..LocalOptions::default() };
        let system = LocalSystem::wire(aws, &options, &functions);
        let system = system.map_err(|problem| problem.to_string())?;
        let lambda = system.lambda.clone();
        let tasks = vec![server, tokio::task::spawn_local(async move { lambda.run().await })];
        Ok(Self { system, endpoint, tasks })
    }

    /// Puts the event that starts an organization on the bus, past HTTP: whoever signs up pays for that call.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub fn sign_up(&self, org: &str) -> Result<(), String> {
        self.system.put_event("org-signup", "OrgCreated", &command(org)).map_err(|problem| problem.to_string())
    }

    /// Waits until each of these organizations has its first `OrgProvisioned`, and answers when these came, in their order.
    ///
    /// # Errors
    /// When one fails, or it takes too long.
    pub async fn provisioned(&self, orgs: impl IntoIterator<Item = String>) -> Result<Vec<Instant>, String> {
        let mut missing: BTreeSet<String> = orgs.into_iter().collect();
        let mut came = Vec::with_capacity(missing.len());
        let waiting = async {
            loop {
                for event in self.system.take_emitted().map_err(|problem| problem.to_string())? {
                    let org = event.detail["orgId"].as_str().unwrap_or_default();
                    match event.detail_type.as_str() {
                        "OrgProvisioned" if missing.remove(org) => came.push(Instant::now()),
                        "OrgProvisioningFailed" => return Err(format!("{org} failed: {}", event.detail)),
                        _ => {}
                    }
                }
                if missing.is_empty() {
                    return Ok(came);
                }
                while !self.system.has_heard() {
                    self.system.aws.changed().await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .map_err(|_| "the organizations were not provisioned".to_owned())?
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Serves an AWS over plain HTTP on a free port of this machine, until the task is aborted. Call inside a [`LocalSet`].
///
/// # Errors
/// When no port is free.
pub async fn serve(aws: LocalAws) -> Result<(String, JoinHandle<()>), String> {
    let server = Server::bind(aws, ([127, 0, 0, 1], 0).into()).await.map_err(|error| error.to_string())?;
    let endpoint = format!("http://{}", server.address().map_err(|error| error.to_string())?);
    Ok((endpoint, tokio::task::spawn_local(server.run())))
}

/// Runs what needs a stage, on this thread and in real time.
///
/// # Errors
/// What the work answers.
pub fn on_a_stage<T, E: From<String>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    LocalSet::new().block_on(&runtime.map_err(|error| error.to_string())?, work)
}

/// The detail of `OrgCreated`.
pub fn command(org: &str) -> Value {
    json!({ "orgId": org, "environment": "production" })
}
