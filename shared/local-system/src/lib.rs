//! The deployment in small: all steps, on an AWS that runs in this process.
//!
//! [`registry`] lists the steps; [`LocalSystem`] wires them as infra/ does.

#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what is not there")]

mod functions;
mod problem;
pub mod registry;
mod system;

pub use functions::{Between, Functions, Processes};
pub use problem::Problem;
pub use system::{Emitted, LocalOptions, LocalSystem, MAX_RECEIVE_COUNT, account_of};
