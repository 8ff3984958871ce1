//! What the functions say to the world and to each other: commands in, events out, errors, and the shape of
//! a step. Pure types: no input or output, no AWS SDK.

mod account_sweep;
mod command;
mod deployment;
mod error;
mod event;
mod finding;
mod org_adoption_requested;
mod org_command;
mod org_created;
mod org_deleted;
mod org_reconciliation;
mod org_resumed;
mod org_suspended;
mod rotate_key;
mod schema;
mod step;

pub use account_sweep::{AccountSweep, SweepPart, SweepSubject};
pub use command::{
    Command, InvalidField, MOST_DETAIL_BYTES, MOST_DETAIL_LEVELS, Request, Subject, can_be_carried_along,
    unread_request_ids,
};
pub use deployment::Deployment;
pub use error::{ErrorClass, ErrorCode, StepError};
pub use event::{Completed, FAILED_DETAIL_TYPE, Failed, FailureDetail, SCHEMA_VERSION, SOURCE, event_id};
pub use finding::{Capacity, Finding, FindingCode, Remedy, Repair};
pub use org_adoption_requested::{Adoptees, OrgAdoptionRequested};
pub use org_created::{OrgCreated, OrgSubject};
pub use org_deleted::OrgDeleted;
pub use org_reconciliation::OrgReconciliationRequested;
pub use org_resumed::OrgResumed;
pub use org_suspended::OrgSuspended;
pub use rotate_key::{KeyAction, RotateKey};
pub use schema::schemas;
pub use step::{Change, Deadline, Effect, Evidence, Outcome, Report, Resource, Run, Step, StepSpec};
