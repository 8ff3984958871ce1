//! An AWS that runs in the process: strict where the real one is strict, as fast as a function call.
//!
//! [`LocalAws`] holds several accounts with IAM, S3, Secrets Manager, EventBridge, SQS, STS and Lambda. It
//! speaks AWS's wire protocols at the HTTP level: an SDK client reaches it through
//! [`LocalAws::http_client`], without a socket. Ids and time are deterministic, every request is recorded,
//! and faults happen where a test plans them.
//!
//! It knows nothing of the provisioner, so it cannot be lenient for its sake.

mod api;
mod aws;
mod background;
mod caller;
mod clock;
mod connector;
mod dispatch;
pub mod events;
mod faults;
pub mod iam;
mod ids;
mod json_protocol;
pub mod lambda;
pub mod policy;
mod query_protocol;
mod reply;
mod request;
pub mod s3;
pub mod secretsmanager;
mod server;
mod signature;
pub mod sqs;
mod sts;
mod trace;
mod world;
mod xml;

pub use api::ApiFailure;
pub use aws::LocalAws;
pub use caller::Caller;
pub use clock::{Clock, Timestamp};
pub use dispatch::Asked;
pub use faults::{Fault, FaultPlan};
pub use server::{BeforeRequest, Server};
pub use trace::Recorded;
pub use world::{Account, Propagation, Region, World};
