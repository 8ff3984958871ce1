//! What the steps share of AWS: building clients, telling errors apart, finding resources and whose they are.
//!
//! One module per kind of resource, each behind the feature of its SDK crate. Nothing here writes, but for `new_keys`.

#[cfg(feature = "iam")]
pub mod belongings;
#[cfg(feature = "s3")]
pub mod buckets;
mod clients;
mod config;
mod connections;
mod credential;
mod error;
#[cfg(all(feature = "iam", feature = "secretsmanager"))]
pub mod keys;
#[cfg(feature = "new-keys")]
pub mod new_keys;
#[cfg(all(feature = "iam", feature = "s3"))]
pub mod organizations;
mod ownership;
#[cfg(feature = "secretsmanager")]
pub mod secrets;
mod server_date;
#[cfg(feature = "iam")]
pub mod users;

pub use clients::Clients;
#[cfg(feature = "s3")]
pub use clients::{s3, s3_config};
pub use config::{Credentials, Endpoints, SdkSettings, sdk_config, with_http_client};
pub use connections::{Connector, Destination, check_certificates};
pub use credential::{Credential, SecretText, Unreadable};
pub use error::{AwsError, DENIED_REMEDY};
pub use ownership::{
    CREATED_BY_TAG, ORG_BACK_BY_TAG, ORG_STATE_ACTIVE, ORG_STATE_OFFBOARDED, ORG_STATE_RESUMING, ORG_STATE_SINCE_TAG,
    ORG_STATE_SUSPENDED, ORG_STATE_TAG, STATE_SETTLES, created_by, require_active, require_active_for,
    require_new_return, require_ours, require_settled, since_of, state_since,
};
pub use server_date::ServerDate;
