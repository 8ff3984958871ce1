//! Everything that a step needs to be a Lambda function: decoding what triggered it, guards, batches, answers,
//! events, dead letters, logs and configuration.
//!
//! The only crate that knows Lambda and the environment. A step's `main` is one call of [`run`].

mod backoff;
mod batch;
mod dead_letters;
mod delivery;
mod environment;
mod events;
mod function;
pub mod journal;
mod metrics;
mod own_queue;
mod preview;
mod queues;
mod runtime;
mod settings;
mod sqs;
mod telemetry;
mod trigger;

pub use delivery::original_detail;
pub use environment::{Environment, InvalidEnvironment, VARIABLES, Variable, process_variables};
pub use function::{Function, FunctionError, Invocation, StepContext, StepFunction};
pub use own_queue::OwnQueue;
pub use preview::Planned;
pub use queues::{LONGEST_DELAY, Queues};
pub use runtime::run;
pub use settings::Settings;
pub use telemetry::log_filter;
