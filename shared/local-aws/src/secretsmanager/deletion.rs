//! DeleteSecret and RestoreSecret.

use std::time::Duration;

use serde_json::{Value, json};

use super::input::Input;
use super::secret::{Deletion, Secret};
use super::{errors, named, short};
use crate::clock::Timestamp;
use crate::reply::ApiError;
use crate::world::{Call, PARTITION};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_WINDOW_DAYS: i64 = 30;
/// A forced deletion is carried out in the background: the name is not free at once.
const FORCED_DELETION_TAKES: Duration = Duration::from_secs(1);

/// Schedules the deletion, or forces it. Forcing never fails for a secret that is not there.
pub(super) fn delete(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let (window, forced) = (input.number("RecoveryWindowInDays")?, input.flag("ForceDeleteWithoutRecovery")?);
    if window.is_some_and(|days| !(7..=30).contains(&days)) {
        return Err(errors::parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."));
    }
    if window.is_some() && forced {
        return Err(errors::parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let now = call.now;
    if forced {
        return force(call, input, now);
    }
    let secret = super::active(call, input)?;
    let days = u32::try_from(window.unwrap_or(DEFAULT_WINDOW_DAYS)).unwrap_or_default();
    let at = now.after(DAY.saturating_mul(days));
    Ok(end(secret, Deletion { at, forced }, at))
}

fn force(call: &mut Call<'_>, input: &Input<'_>, now: Timestamp) -> Result<Value, ApiError> {
    match named(call, input) {
        Ok(secret) => Ok(end(secret, Deletion { at: now.after(FORCED_DELETION_TAKES), forced: true }, now)),
        Err(error) if error.code == "ResourceNotFoundException" => {
            let (id, suffix) = (input.secret_id()?, call.world.ids.secret_suffix());
            let arn =
                format!("arn:{PARTITION}:secretsmanager:{}:{}:secret:{id}-{suffix}", call.region, call.account_id());
            let arn = if id.starts_with("arn:") { id.to_owned() } else { arn };
            Ok(json!({ "ARN": arn, "Name": id, "DeletionDate": now.epoch_seconds() }))
        }
        Err(error) => Err(error),
    }
}

fn end(secret: &mut Secret, deletion: Deletion, date: Timestamp) -> Value {
    secret.deletion = Some(deletion);
    let mut body = short(secret);
    body["DeletionDate"] = json!(date.epoch_seconds());
    body
}

/// Takes a scheduled deletion back.
pub(super) fn restore(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let secret = named(call, input)?;
    secret.deletion = None;
    Ok(short(secret))
}
