//! The lines of the checklist: pure decisions about what was looked at. One file for each section.

mod account;
mod bucket;
mod by_hand;
mod key;
mod policy;
mod secret;
mod user;

#[cfg(test)]
mod tests;

use aws::{ORG_STATE_ACTIVE, ORG_STATE_TAG};
use contract::ErrorCode;

use super::line::{Line, Remedy, Rule};
use super::observed::{Asked, Observed};

/// Every line for one organization, in order.
pub fn lines(asked: &Asked, observed: &Observed) -> Vec<Line> {
    let sections = [
        account::lines(asked),
        user::lines(asked, observed),
        key::lines(asked, observed),
        secret::lines(asked, observed),
        bucket::lines(asked, observed),
        policy::lines(asked, observed),
        by_hand::lines(),
    ];
    sections.into_iter().flatten().collect()
}

/// What the tag `OrgState` of a user or a bucket says, by the steps' own reading: without it, the organization is active.
fn state_line(rule: Rule, state: Option<&str>) -> Line {
    match state {
        None => rule.pass(format!("no tag {ORG_STATE_TAG}, which counts as {ORG_STATE_ACTIVE}")),
        Some(ORG_STATE_ACTIVE) => rule.pass(format!("{ORG_STATE_TAG}={ORG_STATE_ACTIVE}")),
        Some(state) => rule.fail(
            format!("{ORG_STATE_TAG}={state}"),
            Remedy::of(
                ErrorCode::OrgNotActive,
                "nothing, if that is meant; else set the tag to active on user and bucket",
            ),
        ),
    }
}
