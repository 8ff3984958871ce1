//! Counting the account's secrets: no call tells how many there are. On the way, organizations are found that have a secret
//! and neither a user nor a bucket.

use aws::{AwsError, organizations};
use contract::{ErrorCode, StepError, SweepPart};

use crate::{Observed, PACE, Sweep};

/// Pages that one run reads at most, of up to a hundred secrets. Read one after the other, they stay below the 100 calls in
/// a second that Secrets Manager allows (Secrets Manager user guide, "Quotas"). Should each secret be an organization's
/// that has to be looked at, a second for each is still less than a message can be delayed.
const PAGES_PER_RUN: usize = 8;
const SECRETS_PER_PAGE: i32 = 100;

impl Sweep {
    /// Counts on from a page. Secrets that are scheduled for deletion are there until then, and are counted.
    pub(crate) async fn more_secrets(&self, counted: u64, token: Option<String>) -> Result<Observed, StepError> {
        let (mut counted, mut token, mut named) = (counted, token, Vec::new());
        let mut done = false;
        for _ in 0..PAGES_PER_RUN {
            let request = self.secrets.list_secrets().include_planned_deletion(true).max_results(SECRETS_PER_PAGE);
            let page = request.set_next_token(token).send().await;
            let page = page.map_err(|error| {
                AwsError::of("ListSecrets", error).explain("the account's secrets", |error| match error.code() {
                    "InvalidNextTokenException" => Some((
                        ErrorCode::InvalidField,
                        "cannot be listed from where this sweep stopped; the next sweep begins anew".to_owned(),
                    )),
                    _ => None,
                })
            })?;
            let names = page.secret_list().iter().filter_map(|secret| secret.name());
            named.extend(names.filter_map(|name| self.conventions.org_of_secret(name)));
            counted += u64::try_from(page.secret_list().len()).unwrap_or_default();
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                done = true;
                break;
            }
        }
        let mut orgs = Vec::new();
        if !named.is_empty() {
            let candidates = organizations::candidates(&self.iam, &self.s3, &self.conventions).await?;
            orgs.extend(named.into_iter().filter(|org| !candidates.named.contains(org)));
        }
        let next = if done { SweepPart::Capacity { secrets: counted } } else { SweepPart::Secrets { counted, token } };
        let wait = PACE * u32::try_from(orgs.len()).unwrap_or_default();
        Ok(Observed { orgs, next: Some(next), wait, capacity: Vec::new() })
    }
}
