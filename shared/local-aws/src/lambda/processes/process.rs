//! One process: started, given invocations one after the other, and killed when it is dropped.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, spawn_local};

use super::session::{Ended, Session, State};
use super::{ProcessOptions, environment, error, lines, runtime_api};
use crate::lambda::{FunctionError, Invocation};

/// How long the last lines of a process may take. They end with it, unless it left its output to another process.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A process that runs. Dropping it kills it.
pub(super) struct Process {
    session: Rc<Session>,
    server: JoinHandle<()>,
}

/// What became of an invocation.
pub(super) enum Outcome {
    /// The process answered, or posted an error.
    Answered(Result<Value, FunctionError>),
    /// The process ended before it had the invocation, which another one can so take over.
    NotBegun,
    /// The process ended, or never got as far as to be given anything.
    Failed(FunctionError),
}

impl Process {
    /// Starts a process for the function with this ARN.
    pub(super) async fn start(options: &ProcessOptions, function_arn: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        // A path is meant from where we are, not from where the process will be.
        let executable = std::path::absolute(&options.executable)?;
        let task_root = executable.parent().unwrap_or(Path::new("/"));
        let mut child = Command::new(&executable)
            .args(&options.arguments)
            .env_clear()
            .envs(environment::variables(options, task_root, function_arn, listener.local_addr()?))
            .current_dir(task_root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C in a terminal is for us, who then end the processes in good order, and
            // what a process starts can be killed with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let session = Rc::new(Session::of(pid));
        let printed = [
            child.stdout.take().map(|output| spawn_local(lines::tell(output, listener_of(options)))),
            child.stderr.take().map(|output| spawn_local(lines::tell(output, listener_of(options)))),
        ];
        spawn_local(watch(child, printed, Rc::clone(&session)));
        let server = spawn_local(runtime_api::serve(listener, Rc::clone(&session)));
        Ok(Self { session, server })
    }

    pub(super) fn session(&self) -> &Rc<Session> {
        &self.session
    }

    /// Waits until a new process asks for its first invocation.
    pub(super) async fn initialize(&self, limit: Duration, request_id: &str) -> Result<(), FunctionError> {
        let initialized = self.session.wait_for(|state| match state {
            State { initialized: true, .. } => Some(Ok(())),
            State { init_error: Some(posted), .. } => Some(Err(posted.clone())),
            State { ended: Some(ended), .. } => Some(Err(exited(request_id, *ended))),
            _ => None,
        });
        tokio::time::timeout(limit, initialized).await.unwrap_or_else(|_| {
            let problem = format!("Initialization timed out after {:.2} seconds", limit.as_secs_f64());
            Err(error("Sandbox.Timedout", request_id, &problem))
        })
    }

    /// Gives the process an invocation and waits until it is ready for another: that, not the answer, is where
    /// an invocation ends (Lambda guide, "Invoke phase").
    pub(super) async fn invoke(&self, invocation: &Invocation) -> Outcome {
        self.session.change(|state| state.next = Some(invocation.clone()));
        let outcome = self.session.wait_for(|state| {
            if let Some(answer) = state.answer.take() {
                return Some(Outcome::Answered(answer));
            }
            let ended = state.ended?;
            // Nobody asks for it any more.
            let not_begun = state.next.take().is_some();
            Some(if not_begun { Outcome::NotBegun } else { Outcome::Failed(exited(&invocation.request_id, ended)) })
        });
        let outcome = outcome.await;
        self.session.wait_for(|state| (state.asks || state.ended.is_some()).then_some(())).await;
        outcome
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.session.signal(Signal::KILL);
        self.server.abort();
    }
}

fn listener_of(options: &ProcessOptions) -> impl Fn(&str) + use<> {
    let (listener, name) = (Rc::clone(&options.lines), options.name.clone());
    move |line| listener(&name, line)
}

/// Waits for the end of a process and collects it, whoever ended it.
async fn watch(mut child: Child, printed: [Option<JoinHandle<()>>; 2], session: Rc<Session>) {
    let status = child.wait().await.ok();
    session.forget_pid();
    let readers: Vec<JoinHandle<()>> = printed.into_iter().flatten().collect();
    let stop: Vec<_> = readers.iter().map(JoinHandle::abort_handle).collect();
    let all_told = futures_util::future::join_all(readers);
    if tokio::time::timeout(LAST_LINES, all_told).await.is_err() {
        stop.iter().for_each(tokio::task::AbortHandle::abort);
    }
    session.change(|state| state.ended = Some(Ended(status)));
}

/// The error of an invocation whose process ended (Lambda guide, "Failures during the invoke phase").
fn exited(request_id: &str, ended: Ended) -> FunctionError {
    let problem = match ended.0 {
        Some(status) if !status.success() => format!("Runtime exited with error: {status}"),
        _ => "Runtime exited without providing a reason".to_owned(),
    };
    error("Runtime.ExitError", request_id, &problem)
}
