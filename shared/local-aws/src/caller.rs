//! Who calls: read from the request's signature.
//!
//! An access key id of twelve digits acts as that account's administrator, whatever the secret. An `AKIA...`
//! key is the IAM user's who owns it, and its signature is checked. Without credentials the caller is
//! anonymous. What an `AKIA...` caller is refused for differs between S3 and the other services.

use crate::clock::Timestamp;
use crate::iam::KeyStatus;
use crate::reply::ApiError;
use crate::request::Request;
use crate::signature::{self, Authorization};
use crate::world::{PARTITION, World};

/// The caller of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No credentials.
    Anonymous,
    /// An IAM user that may do everything in its account, and is not the root user.
    Administrator {
        /// The account's twelve digits.
        account: String,
    },
    /// An IAM user made through the API.
    User {
        /// The account's twelve digits.
        account: String,
        /// The user's name.
        name: String,
        /// The user's ARN.
        arn: String,
        /// The user's unique id (`AIDA...`).
        user_id: String,
    },
}

impl Caller {
    /// The account that the caller belongs to.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Administrator { account } | Self::User { account, .. } => Some(account),
        }
    }

    /// The caller's ARN, or `anonymous`.
    pub fn arn(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Administrator { account } => format!("arn:{PARTITION}:iam::{account}:user/administrator"),
            Self::User { arn, .. } => arn.clone(),
        }
    }

    /// Whether the caller may do everything in its own account.
    pub fn is_administrator(&self) -> bool {
        matches!(self, Self::Administrator { .. })
    }
}

/// Finds out who sent `request`.
///
/// # Errors
/// What the service answers to an unknown, inactive or not yet usable key, and to a wrong signature.
pub(crate) fn authenticate(
    world: &World,
    request: &Request,
    authorization: Option<&Authorization>,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    let Some(authorization) = authorization else { return Ok(Caller::Anonymous) };
    let key_id = authorization.access_key_id.as_str();
    if key_id.len() == 12 && key_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Caller::Administrator { account: key_id.to_owned() });
    }
    let found = world.accounts.iter().find_map(|(account, state)| Some((account, state.iam.access_key(key_id)?)));
    match found {
        Some((account, (user, key)))
            if key.status == KeyStatus::Active
                && now >= key.created.after(usable_after(world, &authorization.service)) =>
        {
            if !signature::matches(request, authorization, &key.secret) {
                return Err(wrong_signature(&authorization.service));
            }
            Ok(Caller::User {
                account: account.clone(),
                name: user.name.clone(),
                arn: user.arn(account),
                user_id: user.id.clone(),
            })
        }
        _ => Err(unknown_key(&authorization.service)),
    }
}

/// How old a key is when the service knows it.
fn usable_after(world: &World, service: &str) -> std::time::Duration {
    let lag = &world.propagation;
    if service == "s3" { lag.key_usable.max(lag.key_usable_in_s3) } else { lag.key_usable }
}

fn unknown_key(service: &str) -> ApiError {
    match service {
        "s3" => ApiError::new(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "iam" | "sts" => {
            ApiError::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        }
        _ => {
            ApiError::new(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
        }
    }
}

fn wrong_signature(service: &str) -> ApiError {
    const MESSAGE: &str = "The request signature we calculated does not match the signature you provided.";
    match service {
        "s3" | "iam" | "sts" => ApiError::new(403, "SignatureDoesNotMatch", MESSAGE),
        _ => ApiError::new(400, "InvalidSignatureException", MESSAGE),
    }
}
