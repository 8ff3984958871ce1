//! Everything that exists: accounts with their regions, and the buckets, whose names all accounts share.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::ids::Ids;
use crate::{events, iam, lambda, s3, secretsmanager, sqs};

/// The partition of all ARNs here.
pub(crate) const PARTITION: &str = "aws";

/// The whole state. A clone is a snapshot.
#[derive(Clone, Serialize, Deserialize)]
pub struct World {
    /// Accounts by their twelve digits. One comes into being when it is first spoken of.
    pub accounts: BTreeMap<String, Account>,
    /// Buckets by name: one name space for all accounts and regions.
    pub buckets: BTreeMap<String, s3::Bucket>,
    /// Where ids come from.
    pub ids: Ids,
    /// How far reads lag behind writes.
    pub propagation: Propagation,
}

/// One AWS account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Account {
    /// IAM is global within the account.
    pub iam: iam::Iam,
    /// The account-level Block Public Access setting, if one was made.
    pub public_access_block: Option<s3::PublicAccessBlock>,
    /// What is regional, by region name.
    pub regions: BTreeMap<String, Region>,
}

/// What one account has in one region.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Region {
    /// Secrets.
    pub secrets: secretsmanager::Secrets,
    /// Queues.
    pub queues: sqs::Queues,
    /// Event buses with their rules and targets.
    pub buses: events::Buses,
    /// Asynchronous invocations that functions have not yet finished.
    pub async_invocations: Vec<lambda::AsyncInvocation>,
    /// Asynchronous invocations that failed for good, each as often as Lambda tries.
    pub failed_invocations: Vec<lambda::AsyncInvocation>,
}

/// How long IAM's changes take to be seen. All zero unless a test says otherwise; AWS gives no bound.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Propagation {
    /// A new user is no valid principal in a policy for this long.
    pub user_as_principal: Duration,
    /// A new access key is refused for this long.
    pub key_usable: Duration,
    /// S3 refuses a new access key for this long, if that is longer.
    #[serde(default)]
    pub key_usable_in_s3: Duration,
    /// A new access key is missing in ListAccessKeys for this long.
    pub key_listed: Duration,
    /// A deleted access key is still in ListAccessKeys for this long.
    pub key_deletion_listed: Duration,
}

impl World {
    /// An empty world whose ids follow from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self {
            accounts: BTreeMap::new(),
            buckets: BTreeMap::new(),
            ids: Ids::seeded(seed),
            propagation: Propagation::default(),
        }
    }

    /// The account, made now if it is new.
    pub fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }

    /// The account's region, made now if it is new.
    pub fn region(&mut self, account: &str, region: &str) -> &mut Region {
        self.account(account).regions.entry(region.to_owned()).or_default()
    }
}

/// One call as an operation sees it.
pub struct Call<'a> {
    /// The state.
    pub world: &'a mut World,
    /// Who calls.
    pub caller: &'a Caller,
    /// The region that the request was sent to.
    pub region: &'a str,
    /// When.
    pub now: Timestamp,
    /// What the call is about, for the trace; the operation sets it.
    pub resource: String,
}

impl Call<'_> {
    /// The caller's account; empty for an anonymous caller, who has none.
    pub fn account_id(&self) -> String {
        self.caller.account().unwrap_or_default().to_owned()
    }

    /// The caller's account itself.
    pub fn account(&mut self) -> &mut Account {
        let id = self.account_id();
        self.world.account(&id)
    }

    /// What the caller's account has in the region of the call.
    pub fn in_region(&mut self) -> &mut Region {
        let id = self.account_id();
        self.world.region(&id, self.region)
    }
}
