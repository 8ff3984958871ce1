//! What is known of one process: what it was given, what it answered, whether it lives. Its Runtime API server,
//! the watcher of its end and the invocation at work share it.

use std::cell::{Cell, RefCell};
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::sync::Notify;

use crate::lambda::{FunctionError, Invocation};

#[derive(Default)]
pub(super) struct State {
    /// Whether it waits for an invocation, since its last call of `next`.
    pub(super) asks: bool,
    /// Whether it ever did: its initialization is over.
    pub(super) initialized: bool,
    /// The invocation that it is to be given.
    pub(super) next: Option<Invocation>,
    /// The request id of the invocation that it was given and has not answered.
    pub(super) at_work: Option<String>,
    /// Its answer.
    pub(super) answer: Option<Result<Value, FunctionError>>,
    /// Why it could not start, in its own words.
    pub(super) init_error: Option<FunctionError>,
    /// How it ended. All that it printed has been told by then.
    pub(super) ended: Option<Ended>,
}

/// How a process ended; nothing if the system could not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended(pub(super) Option<ExitStatus>);

pub(super) struct Session {
    /// The process, until the system may give its id to another.
    pid: Cell<Option<Pid>>,
    state: RefCell<State>,
    changed: Notify,
}

impl Session {
    pub(super) fn of(pid: Option<Pid>) -> Self {
        Self { pid: Cell::new(pid), state: RefCell::default(), changed: Notify::new() }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.pid.get().is_some()
    }

    /// Whether it is dead and nothing more will be heard of it.
    pub(super) fn has_ended(&self) -> bool {
        self.state.borrow().ended.is_some()
    }

    /// Forgets the process's id. To be called as soon as its end was collected.
    pub(super) fn forget_pid(&self) {
        self.pid.set(None);
    }

    /// Sends a signal to the process and to all that it started.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid.get() {
            // It can fail only where the process is gone already, which is as well.
            let _gone = kill_process_group(pid, signal).is_err();
        }
    }

    /// Changes the state and wakes those who wait for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.borrow_mut());
        self.changed.notify_waiters();
        result
    }

    /// Waits until `found` finds something in the state.
    pub(super) async fn wait_for<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            // Made before looking: it hears of every change from here on.
            let changed = self.changed.notified();
            if let Some(found) = found(&mut self.state.borrow_mut()) {
                return found;
            }
            changed.await;
        }
    }
}
