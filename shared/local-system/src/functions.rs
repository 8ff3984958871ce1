//! How the steps' functions run: in this process, or as the processes that Lambda would start.

use std::cell::{LazyCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::FutureExt;
use futures_util::future::join_all;
use handler::{Environment, Invocation};
use local_aws::LocalAws;
use local_aws::lambda::processes::{LineListener, ProcessFunction, ProcessOptions};
use local_aws::lambda::{FunctionError, Handler};

use crate::problem::Problem;
use crate::registry::{self, Registered};

/// How the steps' functions run.
#[derive(Clone)]
pub enum Functions {
    /// As calls in this process.
    InProcess,
    /// As the built binaries in a folder, each behind a Lambda Runtime API.
    Processes(Processes),
    /// As calls in this process, with somebody between them and AWS.
    Between(Rc<dyn Between>),
}

/// Who stands between functions and AWS: a test that delays calls, loses replies and stops processes.
pub trait Between {
    /// What SDK clients reach AWS through.
    fn http_client(&self) -> SharedHttpClient;

    /// The handler that Lambda calls instead of this one.
    fn handler(&self, function: Handler) -> Handler;
}

/// Where the binaries are, and where they find AWS.
#[derive(Clone)]
pub struct Processes {
    folder: PathBuf,
    endpoint: String,
    lines: LineListener,
    started: Rc<RefCell<Vec<ProcessFunction>>>,
}

impl Functions {
    /// What Lambda calls for this step.
    pub(crate) fn handler(
        &self,
        step: Registered,
        variables: &BTreeMap<String, String>,
        aws: &LocalAws,
    ) -> Result<Handler, Problem> {
        match self {
            Self::InProcess => in_process(step, variables, aws, aws.http_client()),
            Self::Between(between) => {
                in_process(step, variables, aws, between.http_client()).map(|handler| between.handler(handler))
            }
            Self::Processes(processes) => Ok(processes.handler(step, variables)),
        }
    }

    /// Ends the processes, if there are any.
    pub async fn shut_down(self) {
        if let Self::Processes(processes) = self {
            let started = std::mem::take(&mut *processes.started.borrow_mut());
            join_all(started.into_iter().map(ProcessFunction::shut_down)).await;
        }
    }
}

impl Processes {
    /// The binaries in `folder`, named after their steps, which reach AWS at `endpoint`. `lines` hears what they
    /// print.
    ///
    /// # Errors
    /// When a step has no binary there. What is no step may be missing: it fails when it is invoked.
    pub fn in_folder(folder: &Path, endpoint: &str, lines: LineListener) -> Result<Self, Problem> {
        for step in registry::all() {
            let path = folder.join(step.spec.name);
            if !path.is_file() {
                let message = format!("{} is not there; build the functions with cargo build --bins", path.display());
                return Err(Problem::Binaries(message));
            }
        }
        let folder =
            folder.canonicalize().map_err(|error| Problem::Binaries(format!("{}: {error}", folder.display())))?;
        Ok(Self { folder, endpoint: endpoint.to_owned(), lines, started: Rc::default() })
    }

    fn handler(&self, step: Registered, variables: &BTreeMap<String, String>) -> Handler {
        let mut options = ProcessOptions::new(step.spec.name, &self.folder.join(step.spec.name));
        options.environment = variables.clone();
        options.environment.insert("AWS_ENDPOINT_URL".to_owned(), self.endpoint.clone());
        options.lines = Rc::clone(&self.lines);
        let function = ProcessFunction::new(options);
        let handler = function.handler();
        self.started.borrow_mut().push(function);
        handler
    }
}

fn in_process(
    step: Registered,
    variables: &BTreeMap<String, String>,
    aws: &LocalAws,
    http: SharedHttpClient,
) -> Result<Handler, Problem> {
    let environment = Environment::read(variables).map_err(|error| Problem::Failed(error.to_string()))?;
    let time = SharedTimeSource::new(aws.clock().clone());
    // As Lambda does: started when it is first invoked. Most systems of the proof invoke one function of all.
    let function = LazyCell::new(move || {
        let sdk = aws::with_http_client(environment.sdk, http, time);
        (step.function)(environment.settings, &sdk)
    });
    Ok(Rc::new(move |invocation: local_aws::lambda::Invocation| {
        let deadline = UNIX_EPOCH + Duration::from_millis(invocation.deadline.0);
        let running = function(invocation.payload, Invocation { function_arn: invocation.function_arn, deadline });
        let error = |error: handler::FunctionError| FunctionError {
            error_type: error.error_type,
            error_message: error.error_message,
        };
        running.map(move |result| result.map_err(error)).boxed_local()
    }))
}
