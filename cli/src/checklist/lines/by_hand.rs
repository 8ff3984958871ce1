//! What an organization gets from people, so far: listed, so that the checklist is whole.

use crate::checklist::line::{Line, Rule, Section};

const BY_HAND: [Rule; 6] = [
    Rule::of(Section::ByHand, "database", "The organization has its own database and login"),
    Rule::of(Section::ByHand, "message-broker", "The organization has its own RabbitMQ virtual host"),
    Rule::of(Section::ByHand, "tenant", "The tenant record is there, named after the organization"),
    Rule::of(Section::ByHand, "dns", "The host name leads to the POS server"),
    Rule::of(Section::ByHand, "log-key", "The log server has a key for the organization"),
    Rule::of(Section::ByHand, "auth-server", "The auth server knows the organization and its licences"),
];

pub(super) fn lines() -> Vec<Line> {
    BY_HAND.map(|rule| rule.not_applicable("done by hand; the provisioner has no part in it yet")).to_vec()
}
