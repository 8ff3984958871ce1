//! A function's settings, checked.

use std::time::Duration;

use contract::Deployment;

/// What the deployment tells a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The account, its class and the naming conventions.
    pub deployment: Deployment,
    /// The bus that events go to.
    pub event_bus: String,
    /// The queue that messages go to when retrying cannot help.
    pub dead_letter_queue_url: String,
    /// The key that encrypts secrets, if not the account's `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
    /// The age from which an access key that nobody stored counts as lost. Longer than the function's
    /// timeout, a client's timeout and the lag of reads together.
    pub key_grace: Duration,
    /// How long an old access key goes on working after a rotation; after as long again it is deleted.
    pub key_overlap: Duration,
    /// The function by which Secrets Manager rotates new access keys, and every how many days; none for no schedule.
    pub rotation: Option<(String, u16)>,
    /// How often the queue gives a message out before it goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// How many days the secret of an offboarded organization can be restored, if the event does not say.
    pub secret_recovery_days: u8,
    /// Whether what sign-up can mend is mended when a reconciliation finds it.
    pub repair_drift: bool,
    /// From which share of one of the account's limits, in percent, is warned.
    pub capacity_warning_percent: u8,
    /// How many buckets the account may have.
    pub bucket_limit: u32,
    /// The event sources that may send commands.
    pub allowed_sources: Vec<String>,
}

impl Settings {
    /// The step's own queue: the dead-letter queue's URL without its `-dlq`.
    pub fn own_queue_url(&self) -> &str {
        self.dead_letter_queue_url.strip_suffix("-dlq").unwrap_or(&self.dead_letter_queue_url)
    }
}
