//! One bootstrap as a process: what it costs until it first asks for work, and for each invocation.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use local_aws::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::proc;
use crate::runtime_api::{Call, Invocation, RuntimeApi};

/// How long anything that a process does may take before the measurement gives up. Generous: under valgrind all of it
/// takes fifty times as long.
const LIMIT: Duration = Duration::from_secs(120);

/// A process whose CPU clock stands still for so long, and which waits, has done what there was to do.
const STILL: Duration = Duration::from_millis(10);

/// What is said where `/proc` has nothing.
const NOT_TOLD: &str = "the process has ended, or this is no Linux";

/// How a process is started.
#[derive(Clone)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// What it is called with.
    pub arguments: Vec<OsString>,
    /// All its variables but the Runtime API's address.
    pub environment: BTreeMap<String, String>,
    /// The ARN that its invocations carry.
    pub arn: String,
    /// What the invocations' deadlines are counted from.
    pub clock: Clock,
}

/// A process that waits for an invocation.
pub struct Process {
    child: Child,
    pid: Pid,
    api: RuntimeApi,
    next: Option<oneshot::Sender<Invocation>>,
    invocations: u32,
    arn: String,
}

/// An invocation that was answered.
pub struct Invoked {
    /// From handing it out to the answer.
    pub took: Duration,
    /// The answer.
    pub answer: Value,
}

impl Process {
    /// Starts a process and waits until it asks for its first invocation.
    ///
    /// # Errors
    /// When it does not get that far.
    pub async fn start(launch: &Launch) -> Result<Self, String> {
        let api = RuntimeApi::start(launch.clock.clone()).await.map_err(|error| error.to_string())?;
        let child = Command::new(&launch.program)
            .args(&launch.arguments)
            .env_clear()
            .envs(&launch.environment)
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", launch.program.display()))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or("the process ended at once")?;
        let mut process = Self { child, pid, api, next: None, invocations: 0, arn: launch.arn.clone() };
        process.ready().await.map_err(|problem| format!("{}: {problem}", launch.program.display()))?;
        Ok(process)
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The CPU time so far; the functions and the empty one have a single thread.
    fn cpu(&self) -> Result<Duration, String> {
        proc::process_cpu(self.id()).ok_or_else(|| NOT_TOLD.to_owned())
    }

    /// The CPU time when the process has done all that there was to do, and waits.
    ///
    /// # Errors
    /// When the process has ended, or does not come to rest.
    pub async fn cpu_at_rest(&self) -> Result<Duration, String> {
        self.cpu_still_for(STILL).await
    }

    /// The same for a process that must stand still for `still`.
    ///
    /// # Errors
    /// When the process has ended, or does not come to rest.
    pub async fn cpu_still_for(&self, still: Duration) -> Result<Duration, String> {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            let before = self.cpu()?;
            tokio::time::sleep(still).await;
            if before == self.cpu()? && proc::sleeps(self.id()) == Some(true) {
                return Ok(before);
            }
        }
        Err("the process does not come to rest".to_owned())
    }

    /// The memory of the process that is in RAM, in KiB.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn resident_kib(&self) -> Result<f64, String> {
        proc::resident_kib(self.id()).ok_or_else(|| NOT_TOLD.to_owned())
    }

    /// Invokes the function, and waits until it is ready for another invocation.
    ///
    /// # Errors
    /// When the function fails or its process ends.
    pub async fn invoke(&mut self, payload: &Value) -> Result<Invoked, String> {
        self.invocations += 1;
        let invocation = Invocation {
            id: format!("00000000-0000-4000-8000-{:012}", self.invocations),
            arn: self.arn.clone(),
            payload: Bytes::from(payload.to_string()),
        };
        let next = self.next.take().ok_or("the process does not wait for an invocation")?;
        let begun = Instant::now();
        next.send(invocation).map_err(|_| "the process has gone")?;
        let (came, answer) = match self.call().await? {
            Call::Answer(came, answer) => (came, answer),
            Call::Error(error) => return Err(format!("the function failed: {}", String::from_utf8_lossy(&error))),
            Call::Next(_) => return Err("the function did not answer".to_owned()),
        };
        let answer = serde_json::from_slice(&answer).map_err(|error| format!("the function's answer: {error}"))?;
        self.ready().await?;
        Ok(Invoked { took: came - begun, answer })
    }

    /// Ends the process in good order, so that a tool around it can write what it found.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn end(mut self) -> Result<(), String> {
        kill_process(self.pid, Signal::TERM).map_err(|error| error.to_string())?;
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        ended.map_err(|_| "the process does not end")?.map(drop).map_err(|error| error.to_string())
    }

    /// Kills the process and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|error| error.to_string())
    }

    async fn ready(&mut self) -> Result<(), String> {
        match self.call().await? {
            Call::Next(next) => self.next = Some(next),
            Call::Error(error) => return Err(format!("failed: {}", String::from_utf8_lossy(&error))),
            Call::Answer(..) => return Err("answered what nobody asked".to_owned()),
        }
        Ok(())
    }

    async fn call(&mut self) -> Result<Call, String> {
        tokio::select! {
            call = self.api.call() => call.ok_or_else(|| "the Runtime API ended".to_owned()),
            status = self.child.wait() => Err(format!("the process ended: {status:?}")),
            () = tokio::time::sleep(LIMIT) => Err("the process takes too long".to_owned()),
        }
    }
}
