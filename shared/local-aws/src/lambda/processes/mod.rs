//! Functions that are processes: built bootstrap binaries, run as Lambda runs them.
//!
//! A process is started when an invocation needs one, asks its own Runtime API server for work, and is kept for
//! later invocations, one at a time. An invocation whose future is dropped takes its process with it. Everything
//! is on one thread, in tasks made by `tokio::task::spawn_local`: call it inside a `LocalSet`.

mod environment;
mod lines;
mod pool;
mod process;
mod runtime_api;
mod session;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::FutureExt;

use super::{FunctionError, Handler};
use pool::Pool;

/// How many processes a function may have at once, unless its options say otherwise.
const MOST_PROCESSES: usize = 10;

/// How long a process may take until it asks for its first invocation (Lambda guide, "Init phase").
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How long a process has between SIGTERM and SIGKILL (Lambda guide, "Shutdown phase", with an external extension).
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// Who hears what the processes print: the function's name, and one line without its end.
pub type LineListener = Rc<dyn Fn(&str, &str)>;

/// How a function's processes are made.
#[derive(Clone)]
pub struct ProcessOptions {
    /// The function's name.
    pub name: String,
    /// The bootstrap binary.
    pub executable: PathBuf,
    /// Variables beside those that Lambda sets. Nothing but PATH is inherited.
    pub environment: BTreeMap<String, String>,
    /// The most processes at once; further invocations wait in order. Their waiting counts in their time-out, so
    /// an event source should have no higher `maximum_concurrency`.
    pub most_processes: usize,
    /// Who hears what the processes print on stdout and stderr.
    pub lines: LineListener,
    /// What the executable is called with; only the tests' bootstrap needs any.
    arguments: Vec<String>,
    init_limit: Duration,
}

impl ProcessOptions {
    /// The usual options: no variables of its own, ten processes, and nobody who listens.
    pub fn new(name: &str, executable: &Path) -> Self {
        Self {
            name: name.to_owned(),
            executable: executable.to_owned(),
            environment: BTreeMap::new(),
            most_processes: MOST_PROCESSES,
            lines: Rc::new(|_, _| ()),
            arguments: Vec::new(),
            init_limit: INIT_LIMIT,
        }
    }
}

/// A function whose code is an executable.
pub struct ProcessFunction {
    pool: Rc<Pool>,
}

impl ProcessFunction {
    /// A function without processes yet.
    pub fn new(options: ProcessOptions) -> Self {
        Self { pool: Rc::new(Pool::new(options)) }
    }

    /// What [`Lambda::add_function`](super::Lambda::add_function) takes. To drop the future of an invocation is to
    /// kill the process that works on it.
    pub fn handler(&self) -> Handler {
        let pool = Rc::clone(&self.pool);
        Rc::new(move |invocation| {
            let pool = Rc::clone(&pool);
            async move { pool.invoke(&invocation).await }.boxed_local()
        })
    }

    /// Ends every process: idle ones are told by SIGTERM, those at work when they have answered. What is still
    /// there after two seconds is killed. Invocations that come later, or still wait for a process, fail.
    pub async fn shut_down(self) {
        self.pool.shut_down().await;
    }
}

fn error(error_type: &str, request_id: &str, problem: &str) -> FunctionError {
    FunctionError {
        error_type: error_type.to_owned(),
        error_message: format!("RequestId: {request_id} Error: {problem}"),
    }
}

#[cfg(test)]
mod tests;
