//! The regions of the partition, and where a new bucket may go.

use super::errors::malformed_xml;
use crate::reply::ApiError;

/// The region of the global endpoint, with rules of its own.
pub(super) const US_EAST_1: &str = "us-east-1";

const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-southeast-6",
];

/// Whether there is such a region.
pub(super) fn is_region(name: &str) -> bool {
    REGIONS.contains(&name)
}

/// Checks a `LocationConstraint` against the region that CreateBucket was sent to.
///
/// us-east-1 must not be named, neither there nor elsewhere; every other region must be, at its own endpoint.
pub(super) fn check_location_constraint(constraint: Option<&str>, region: &str) -> Result<(), ApiError> {
    match constraint {
        None if region == US_EAST_1 => Ok(()),
        None => Err(illegal("unspecified")),
        Some("") => Err(malformed_xml()),
        Some(named) if named == US_EAST_1 || !is_region(named) => {
            Err(ApiError::new(400, "InvalidLocationConstraint", "The specified location-constraint is not valid"))
        }
        Some(named) if named == region => Ok(()),
        Some(named) => Err(illegal(named)),
    }
}

fn illegal(constraint: &str) -> ApiError {
    let message = format!(
        "The {constraint} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    ApiError::new(400, "IllegalLocationConstraintException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_region_may_be_named_and_us_east_1_never() {
        let code = |constraint, region| check_location_constraint(constraint, region).map_err(|error| error.code);
        assert_eq!(code(None, "us-east-1"), Ok(()));
        assert_eq!(code(Some("us-east-1"), "us-east-1"), Err("InvalidLocationConstraint"));
        assert_eq!(code(Some("eu-west-1"), "us-east-1"), Err("IllegalLocationConstraintException"));
        assert_eq!(code(Some("eu-west-1"), "eu-west-1"), Ok(()));
        assert_eq!(code(None, "eu-west-1"), Err("IllegalLocationConstraintException"));
        assert_eq!(code(Some("eu-west-2"), "eu-west-1"), Err("IllegalLocationConstraintException"));
        assert_eq!(code(Some("nowhere"), "eu-west-1"), Err("InvalidLocationConstraint"));
    }
}
