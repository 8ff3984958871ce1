//! What this deployment is for: the account it expects, and the conventions it follows.

use org::{AccountClass, Conventions, Place};

use crate::error::{ErrorCode, StepError};

/// The facts about a deployment that guards and names depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The account that the deployment was made for.
    pub expected_account: String,
    /// What that account may hold.
    pub account_class: AccountClass,
    /// How things are called.
    pub conventions: Conventions,
}

impl Deployment {
    /// Whether the function runs where the deployment says.
    ///
    /// # Errors
    /// `wrong-account` when it does not: a template deployed to another account must not write there.
    pub fn admit_place(&self, place: &Place) -> Result<(), StepError> {
        if place.account == self.expected_account {
            return Ok(());
        }
        let message = format!(
            "this function runs in account {}, but its deployment expects {}; correct EXPECTED_ACCOUNT_ID or deploy to that account",
            place.account, self.expected_account
        );
        Err(StepError::new(ErrorCode::WrongAccount, format!("account {}", place.account), message))
    }
}
