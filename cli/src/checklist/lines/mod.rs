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

use super::line::Line;
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
