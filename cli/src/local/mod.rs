//! The whole system in this process, on an AWS that runs in it too.

mod input;
mod progress;
pub mod provision;
mod report;
mod system;

pub use input::Event;
pub use system::{Emitted, LocalOptions, LocalSystem};
