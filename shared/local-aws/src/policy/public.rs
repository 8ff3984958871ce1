//! S3's meaning of "public" (S3 user guide, "Blocking public access to your Amazon S3 storage"): a policy is
//! public until it is shown that it grants to fixed callers only.

use std::net::{IpAddr, Ipv4Addr};

use super::condition::Condition;
use super::operator::{Comparison, Network, Quantifier};
use super::principal::Principal;
use super::statement::{Effect, Statement};
use super::wildcard;

/// The condition keys that fix who calls, when they are compared with values without wildcards.
const FIXING_KEYS: [&str; 12] = [
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// The private ranges of RFC 1918. Being narrower than or equal to one of them is never broad.
const PRIVATE: [Network; 3] = [
    Network { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), prefix: 8 },
    Network { address: IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), prefix: 12 },
    Network { address: IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), prefix: 16 },
];

pub(super) fn is_public(statement: &Statement) -> bool {
    statement.effect == Effect::Allow
        && statement.principals.named().iter().any(is_open)
        && !statement.conditions.iter().any(fixes_the_caller)
}

/// Everyone; and everyone whom an outside identity provider knows, as the user guide's first example has it.
fn is_open(principal: &Principal) -> bool {
    matches!(principal, Principal::Any | Principal::Federated(_))
}

fn fixes_the_caller(condition: &Condition) -> bool {
    let operator = condition.operator;
    // These hold for requests without the key as well.
    let optional = operator.negated || operator.if_exists || operator.quantifier == Quantifier::All;
    if optional || !FIXING_KEYS.contains(&condition.key.as_str()) {
        return false;
    }
    condition.values.iter().all(|value| match operator.comparison {
        Comparison::IpAddress => Network::parse(value).is_some_and(|network| !is_broad(network)),
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike | Comparison::Arn => {
            is_fixed(&condition.key, value)
        }
        _ => false,
    })
}

fn is_fixed(key: &str, value: &str) -> bool {
    let significant = match key {
        // Any access point of one account in one region is fixed enough.
        "s3:dataaccesspointarn" => value.strip_suffix("accesspoint/*").unwrap_or(value),
        _ => value,
    };
    key != "aws:sourceip" && !wildcard::is_pattern(significant)
}

fn is_broad(network: Network) -> bool {
    let narrowest_broad = if network.address.is_ipv4() { 8 } else { 32 };
    let private = PRIVATE.iter().any(|range| range.contains(network.address) && network.prefix >= range.prefix);
    network.prefix < narrowest_broad && !private
}
