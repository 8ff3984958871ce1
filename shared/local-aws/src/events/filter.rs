//! What the lists of archives and of replays have in common: how they are filtered.

use super::validation;
use crate::reply::ApiError;

/// Of name prefix, source and state only one may be given.
pub(super) fn check_filters(operation: &str, filters: [&Option<String>; 3]) -> Result<(), ApiError> {
    if filters.into_iter().flatten().count() > 1 {
        return Err(validation(format!(
            "At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix."
        )));
    }
    Ok(())
}

/// Whether a state is one that there is.
pub(super) fn check_state(state: Option<&str>, known: &[&str]) -> Result<(), ApiError> {
    match state.filter(|state| !known.contains(state)) {
        Some(other) => Err(validation(format!(
            "1 validation error detected: Value '{other}' at 'state' failed to satisfy constraint: Member must satisfy \
             enum value set: [{}]",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

/// Descriptions of archives and replays have 512 characters at most.
pub(super) fn check_description(description: Option<&str>) -> Result<(), ApiError> {
    match description.filter(|text| text.chars().count() > 512) {
        Some(_) => Err(validation(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length \
             less than or equal to 512",
        )),
        None => Ok(()),
    }
}
