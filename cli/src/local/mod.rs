//! `orgctl local`: the whole system in this process, on an AWS that runs in it too.

#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what is not there")]

mod input;
mod progress;
pub mod provision;
mod report;
pub mod serve;
mod snapshot;

pub use input::Event;
