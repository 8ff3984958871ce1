//! Bucket names (S3 user guide, "General purpose bucket naming rules" and "Namespaces for general purpose
//! buckets").

use super::bucket::Namespace;
use super::errors::invalid_argument;
use crate::reply::ApiError;

const FORBIDDEN_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const FORBIDDEN_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
const WITHOUT_ACCOUNT_REGIONAL: [&str; 2] = ["me-south-1", "me-central-1"];

/// Whether a bucket of this name can exist: 3 to 63 characters of `a-z0-9.-`, letters or digits at the ends,
/// no two dots in a row, and no IP address.
pub(super) fn is_well_formed(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| alphanumeric(c) || c == '.' || c == '-')
        && name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

/// Checks the name of a bucket to be made, and answers its name space.
///
/// # Errors
/// `InvalidBucketName`; `MissingNamespaceHeader` for an account-regional name without the header,
/// `InvalidNamespaceHeader` for the header without such a name, and `InvalidBucketNamespace` for a name that
/// is another account's or region's.
pub(super) fn check_new(name: &str, header: Option<&str>, account: &str, region: &str) -> Result<Namespace, ApiError> {
    let reserved = FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || FORBIDDEN_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if !is_well_formed(name) || reserved {
        return Err(invalid_name());
    }
    let regional = match header {
        None | Some("global") => false,
        Some("account-regional") => true,
        Some(other) => return Err(invalid_argument(format!("Invalid x-amz-bucket-namespace: {other}"))),
    };
    match (regional, account_regional_suffix(name)) {
        (false, None) if name.ends_with("-an") => Err(invalid_name()),
        (false, None) => Ok(Namespace::Global),
        (false, Some(_)) => Err(ApiError::new(
            400,
            "MissingNamespaceHeader",
            "The requested bucket is an account-regional namespace bucket: x-amz-bucket-namespace is missing.",
        )),
        (true, None) => Err(ApiError::new(
            400,
            "InvalidNamespaceHeader",
            "The requested bucket is no account-regional namespace bucket.",
        )),
        (true, Some(suffix)) if suffix != (account, region) || WITHOUT_ACCOUNT_REGIONAL.contains(&region) => {
            Err(ApiError::new(
                400,
                "InvalidBucketNamespace",
                "The account id or the region in the bucket name is not the request's.",
            ))
        }
        (true, Some(_)) => Ok(Namespace::AccountRegional),
    }
}

fn invalid_name() -> ApiError {
    ApiError::new(400, "InvalidBucketName", "The specified bucket is not valid.")
}

/// The account and the region in `<prefix>-<account>-<region>-an`.
fn account_regional_suffix(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_suffix("-an")?;
    // The prefix may have hyphens and digits itself, so every hyphen may be the one before the account.
    let starts = rest.match_indices('-').map(|(at, _)| at);
    starts.into_iter().find_map(|at| {
        let (prefix, after) = rest.split_at_checked(at)?;
        let (account, region) = after.strip_prefix('-')?.split_once('-')?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_account && !prefix.is_empty() && super::regions::is_region(region)).then_some((account, region))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "222222222222";

    fn code(name: &str, header: Option<&str>) -> Result<Namespace, &'static str> {
        check_new(name, header, ACCOUNT, "eu-west-1").map_err(|error| error.code)
    }

    #[test]
    fn takes_what_s3_takes() {
        for name in ["abc", "fusion-rms-acme", "1.2.3.4.5", "a.b-c", &"a".repeat(63)] {
            assert_eq!(code(name, None), Ok(Namespace::Global), "{name}");
        }
    }

    #[test]
    fn refuses_what_s3_refuses() {
        for name in [
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-x",
            "amzn-s3-demo-x",
            "x-s3alias",
            "x--ol-s3",
            "x.mrap",
            "x--x-s3",
            "x--table-s3",
            "x-an",
            &"a".repeat(64),
        ] {
            assert_eq!(code(name, None), Err("InvalidBucketName"), "{name}");
        }
    }

    #[test]
    fn the_account_regional_name_space_needs_header_and_suffix() {
        let regional = Some("account-regional");
        assert_eq!(code("x-222222222222-eu-west-1-an", regional), Ok(Namespace::AccountRegional));
        assert_eq!(code("x-222222222222-eu-west-1-an", None), Err("MissingNamespaceHeader"));
        assert_eq!(code("x-222222222222-eu-west-1-an", Some("global")), Err("MissingNamespaceHeader"));
        assert_eq!(code("abc", regional), Err("InvalidNamespaceHeader"));
        assert_eq!(code("x-333333333333-eu-west-1-an", regional), Err("InvalidBucketNamespace"));
        assert_eq!(code("x-222222222222-us-east-1-an", regional), Err("InvalidBucketNamespace"));
        assert_eq!(code("abc", Some("other")), Err("InvalidArgument"));
    }
}
