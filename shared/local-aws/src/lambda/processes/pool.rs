//! The processes of one function.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::process::{Outcome, Process};
use super::session::Session;
use super::{ProcessOptions, SHUTDOWN_LIMIT, error};
use crate::lambda::{FunctionError, Invocation};

pub(super) struct Pool {
    options: ProcessOptions,
    /// One for each process that may be at work. It hands them out in the order asked for.
    places: Semaphore,
    idle: RefCell<Vec<Process>>,
    /// Every process that may still live, also those at work.
    started: RefCell<Vec<Rc<Session>>>,
}

impl Pool {
    pub(super) fn new(options: ProcessOptions) -> Self {
        let places = Semaphore::new(options.most_processes.min(Semaphore::MAX_PERMITS));
        Self { options, places, idle: RefCell::default(), started: RefCell::default() }
    }

    /// Runs an invocation in a process that is there, or in a new one.
    pub(super) async fn invoke(&self, invocation: &Invocation) -> Result<Value, FunctionError> {
        let closed = || error("Sandbox.ShuttingDown", &invocation.request_id, "The function is being shut down");
        let _place = self.places.acquire().await.map_err(|_| closed())?;
        loop {
            // While it is held here, it is killed together with this future.
            let process = match self.take_idle() {
                Some(process) => process,
                None => self.start(invocation).await?,
            };
            match process.invoke(invocation).await {
                Outcome::Answered(result) => {
                    self.give_back(process);
                    return result;
                }
                // An idle process has just died. There are not more of them than processes.
                Outcome::NotBegun => {}
                Outcome::Failed(error) => return Err(error),
            }
            if self.places.is_closed() {
                return Err(closed());
            }
        }
    }

    /// The process that was at work last; so the others stay idle.
    fn take_idle(&self) -> Option<Process> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|process| process.session().is_alive());
        idle.pop()
    }

    async fn start(&self, invocation: &Invocation) -> Result<Process, FunctionError> {
        let (options, request_id) = (&self.options, &invocation.request_id);
        let process = Process::start(options, &invocation.function_arn).await.map_err(|problem| {
            let problem = format!("Couldn't start {}: {problem}", options.executable.display());
            error("Runtime.InvalidEntrypoint", request_id, &problem)
        })?;
        {
            let mut started = self.started.borrow_mut();
            started.retain(|session| !session.has_ended());
            started.push(Rc::clone(process.session()));
        }
        process.initialize(options.init_limit, request_id).await?;
        Ok(process)
    }

    fn give_back(&self, process: Process) {
        if self.places.is_closed() {
            process.session().signal(Signal::TERM);
        }
        self.idle.borrow_mut().push(process);
    }

    pub(super) async fn shut_down(&self) {
        self.places.close();
        for process in self.idle.borrow().iter() {
            process.session().signal(Signal::TERM);
        }
        if tokio::time::timeout(SHUTDOWN_LIMIT, self.all_ended()).await.is_err() {
            for session in self.started.borrow().iter() {
                session.signal(Signal::KILL);
            }
            // What not even SIGKILL ends, waits in the kernel; nobody can wait for that without a bound.
            let _stuck = tokio::time::timeout(SHUTDOWN_LIMIT, self.all_ended()).await.is_err();
        }
        self.idle.borrow_mut().clear();
    }

    async fn all_ended(&self) {
        let sessions = self.started.borrow().clone();
        join_all(sessions.iter().map(|session| session.wait_for(|state| state.ended.map(drop)))).await;
    }
}
