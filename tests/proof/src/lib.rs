//! The proof: the real functions on the local AWS, stopped, duplicated and interleaved wherever that is possible,
//! and judged each time by what is there in the end.
//!
//! [`plan`] says what is explored: [`crash_points`] lets something happen to every call, and to every pair of calls;
//! [`paths`] takes deliveries of one message through every order of their calls; [`storm`] sends the whole flow
//! through random weather; [`missing_bus`] takes the event bus away; [`churn`] takes organizations through whole lives. [`violation`] lists the promises, and [`judge`]
//! holds every execution to them. docs/semantics.md says what that covers and what it assumes.

pub mod canary;
pub mod case;
pub mod churn;
pub mod crash_points;
mod delivery;
mod gate;
pub mod interleave;
pub mod judge;
pub mod ledger;
mod lifecycle;
pub mod missing_bus;
pub mod paths;
pub mod plan;
pub mod process;
pub mod report;
pub mod rotation;
pub mod showers;
pub mod stage;
pub mod start;
mod state;
pub mod storm;
pub mod violation;
pub mod watch;
pub mod weather;
mod wire;
pub mod workers;
