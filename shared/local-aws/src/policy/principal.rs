//! Who a statement is about, and who asks.

use super::json::Node;
use super::statement::Effect;

const INVALID: &str = "Invalid principal in policy";

/// One kind of principal that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `*`, or `{"AWS": "*"}`, which means the same in a resource policy: everyone, anonymous callers too.
    Any,
    /// Accounts (twelve digits or the root ARN), user and role ARNs, and unique ids such as `AIDA...`.
    Aws(Vec<String>),
    /// AWS services: `events.amazonaws.com`.
    Service(Vec<String>),
    /// Identity providers. Nobody here signs in through one, so this never matches.
    Federated(Vec<String>),
    /// Canonical user ids. A service that takes them has to put ARNs in their place: as they are they never match.
    CanonicalUser(Vec<String>),
}

/// The principals of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// `Principal`: these.
    Only(Vec<Principal>),
    /// `NotPrincipal`: all but these. AWS takes it with `Deny` alone.
    AllBut(Vec<Principal>),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalIdentity<'a> {
    /// No credentials.
    Anonymous,
    /// Somebody who may do what the account may: its administrator.
    Account {
        /// Twelve digits.
        account: &'a str,
    },
    /// An IAM user.
    User {
        /// Twelve digits.
        account: &'a str,
        /// The ARN.
        arn: &'a str,
        /// The unique id, `AIDA...`.
        user_id: &'a str,
    },
    /// An AWS service.
    Service {
        /// Its principal name: `events.amazonaws.com`.
        name: &'a str,
    },
}

impl Principals {
    /// The principals that are named, to include or to except.
    pub fn named(&self) -> &[Principal] {
        match self {
            Self::Only(principals) | Self::AllBut(principals) => principals,
        }
    }

    /// The account ids, ARNs and unique ids under `AWS`.
    pub fn aws(&self) -> impl Iterator<Item = &str> {
        self.named()
            .iter()
            .flat_map(|principal| match principal {
                Principal::Aws(names) => names.as_slice(),
                _ => &[],
            })
            .map(String::as_str)
    }

    /// Whether a statement with `effect` is about `who`.
    ///
    /// Naming an account allows what its own identity policies then pass on to its users, so it does not reach
    /// them by itself. Denying an account denies all of its users. A user is excepted by
    /// `NotPrincipal` only if its account is named there as well: the IAM user guide warns of leaving it out.
    pub(super) fn include(&self, who: &PrincipalIdentity<'_>, effect: Effect) -> bool {
        match self {
            Self::Only(principals) => {
                let through_account = effect == Effect::Deny && names_account_of(principals, who);
                names(principals, who) || through_account
            }
            Self::AllBut(principals) => {
                let any = principals.contains(&Principal::Any);
                let with_account = match who {
                    PrincipalIdentity::User { .. } => names_account_of(principals, who),
                    _ => true,
                };
                !(any || names(principals, who) && with_account)
            }
        }
    }

    pub(super) fn parse(node: Node) -> Result<Vec<Principal>, String> {
        let kinds = match node {
            Node::Scalar(all) if all == "*" => return Ok(vec![Principal::Any]),
            other => other.into_fields().map_err(|_| INVALID.to_owned())?,
        };
        let mut principals = Vec::new();
        for (kind, names) in kinds {
            let names = names.into_texts().map_err(|_| INVALID.to_owned())?;
            principals.push(of_kind(&kind, names)?);
        }
        if principals.is_empty() { Err(INVALID.to_owned()) } else { Ok(principals) }
    }
}

fn of_kind(kind: &str, names: Vec<String>) -> Result<Principal, String> {
    if kind == "AWS" && names.iter().any(|name| name == "*") {
        return Ok(Principal::Any);
    }
    // A wildcard stands for everyone or is not allowed: it cannot match a part of a name.
    if names.iter().any(|name| name.contains('*')) {
        return Err(INVALID.to_owned());
    }
    match kind {
        "AWS" if names.iter().all(|name| is_aws_principal(name)) => Ok(Principal::Aws(names)),
        "Service" => Ok(Principal::Service(names)),
        "Federated" => Ok(Principal::Federated(names)),
        "CanonicalUser" => Ok(Principal::CanonicalUser(names)),
        _ => Err(INVALID.to_owned()),
    }
}

fn is_aws_principal(name: &str) -> bool {
    is_account_id(name)
        || name.starts_with("arn:") && name.splitn(6, ':').count() == 6
        || name.len() >= 16 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_account_id(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `name` is `account`, as twelve digits or as the ARN of its root.
fn is_account(name: &str, account: &str) -> bool {
    let root_of = || name.strip_prefix("arn:")?.split_once(":iam::")?.1.strip_suffix(":root");
    name == account || root_of() == Some(account)
}

/// Whether `who` is named itself.
fn names(principals: &[Principal], who: &PrincipalIdentity<'_>) -> bool {
    principals.iter().any(|principal| match (principal, who) {
        (Principal::Any, _) => true,
        (Principal::Aws(names), PrincipalIdentity::Account { account }) => {
            names.iter().any(|name| is_account(name, account))
        }
        (Principal::Aws(names), PrincipalIdentity::User { arn, user_id, .. }) => {
            names.iter().any(|name| name == arn || name == user_id)
        }
        (Principal::Service(names), PrincipalIdentity::Service { name }) => names.iter().any(|service| service == name),
        _ => false,
    })
}

/// Whether the account is named that `who` belongs to.
fn names_account_of(principals: &[Principal], who: &PrincipalIdentity<'_>) -> bool {
    match who {
        PrincipalIdentity::Account { account } | PrincipalIdentity::User { account, .. } => {
            names(principals, &PrincipalIdentity::Account { account })
        }
        PrincipalIdentity::Anonymous | PrincipalIdentity::Service { .. } => false,
    }
}
