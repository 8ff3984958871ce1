//! What the account has, held against what it may have.

use aws::{AwsError, organizations};
use aws_sdk_iam::types::SummaryKeyType;
use contract::{Capacity, ErrorCode, StepError};

use crate::Sweep;

/// Secrets in a region (Secrets Manager user guide, "Quotas"); the quota cannot be raised.
const SECRETS: u64 = 500_000;

impl Sweep {
    /// Users as IAM counts them, with IAM's own limit; buckets as they are listed; secrets as this sweep counted them.
    pub(crate) async fn capacity(&self, account: &str, secrets: u64) -> Result<Vec<Capacity>, StepError> {
        let resource = || format!("account {account}");
        let answer = self.iam.get_account_summary().send().await;
        let summary = answer.map_err(|error| AwsError::of("GetAccountSummary", error).explain_as_usual(resource()))?;
        let number = |key: SummaryKeyType| {
            let value = summary.summary_map().and_then(|map| map.get(&key)).copied();
            value.and_then(|value| u64::try_from(value).ok()).ok_or_else(|| {
                let message = format!("GetAccountSummary does not tell {}", key.as_str());
                StepError::new(ErrorCode::Unexpected, resource(), message).during("GetAccountSummary")
            })
        };
        let buckets = u64::try_from(organizations::count_buckets(&self.s3).await?).unwrap_or(u64::MAX);
        Ok(vec![
            Capacity::new("users", number(SummaryKeyType::Users)?, number(SummaryKeyType::UsersQuota)?),
            Capacity::new("buckets", buckets, self.bucket_limit.into()),
            Capacity::new("secrets", secrets, SECRETS),
        ])
    }
}
