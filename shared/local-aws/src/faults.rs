//! Faults that a test plans: what happens to the n-th call of an operation.

use std::collections::BTreeMap;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused by the service's rate limit; nothing applied.
    Throttle,
    /// HTTP 500 before anything was applied.
    ServerError,
    /// The connection breaks before anything was applied.
    ConnectionReset,
    /// Applied, but the connection breaks before the reply arrives.
    LostReply,
    /// Applied and answered, that much later than usual.
    Delay(Duration),
    /// Refused with this code and status; nothing applied.
    Refuse {
        /// The service's error code.
        code: &'static str,
        /// The HTTP status.
        status: u16,
    },
}

impl Fault {
    /// The name it has in the trace.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Throttle => "fault:throttle",
            Self::ServerError => "fault:server-error",
            Self::ConnectionReset => "fault:connection-reset",
            Self::LostReply => "fault:lost-reply",
            Self::Delay(_) => "fault:delay",
            Self::Refuse { .. } => "fault:refuse",
        }
    }
}

/// The faults to come, and how often each operation was called since the plan was made.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    planned: BTreeMap<(String, u64), Fault>,
    calls: BTreeMap<String, u64>,
}

impl FaultPlan {
    /// Lets `fault` happen to the `nth` call (from 1) of `operation`, counted from the plan's beginning.
    pub fn on(mut self, operation: &str, nth: u64, fault: Fault) -> Self {
        self.planned.insert((operation.to_owned(), nth), fault);
        self
    }

    /// Counts a call and answers the fault planned for it.
    pub(crate) fn next(&mut self, operation: &str) -> Option<Fault> {
        let count = self.calls.entry(operation.to_owned()).or_default();
        *count += 1;
        self.planned.remove(&(operation.to_owned(), *count))
    }

    /// Whether every planned fault has happened; a test that planned one that never came tests nothing.
    pub fn exhausted(&self) -> bool {
        self.planned.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn happens_to_the_nth_call_of_its_operation_only() {
        let mut plan = FaultPlan::default().on("CreateUser", 2, Fault::Throttle);
        assert_eq!(plan.next("CreateUser"), None);
        assert_eq!(plan.next("GetUser"), None);
        assert!(!plan.exhausted());
        assert_eq!(plan.next("CreateUser"), Some(Fault::Throttle));
        assert_eq!(plan.next("CreateUser"), None);
        assert!(plan.exhausted());
    }
}
