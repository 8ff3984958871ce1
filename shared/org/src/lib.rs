//! What an organization is called and what it gets: ids, names, places and the bucket policy.
//!
//! Pure: no input or output, no clock, no AWS types. Every rule that other crates rely on is a type here, so
//! that a value which exists is a value that is valid.

mod bucket_policy;
mod environment;
mod naming;
mod org_id;
mod place;
mod policy_document;

pub use bucket_policy::{bucket_policy, foreign_statement, public_grant_outside, same_policy, stale_principals};
pub use environment::{AccountClass, Environment};
pub use naming::{BucketName, Conventions, InvalidBucketName, InvalidConventions};
pub use org_id::{InvalidOrgId, OrgId};
pub use place::{InvalidFunctionArn, Place};
