//! The naming conventions: every name is derived from the organization's id, none is looked up.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::org_id::OrgId;
use crate::place::Place;

/// Prefixes, templates and the tag key. The defaults are the vendor's conventions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conventions {
    user_prefix: String,
    bucket_prefix: String,
    secret_name_template: String,
    tag_key: String,
}

/// Why a set of conventions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {value:?} cannot be used: {rule}")]
pub struct InvalidConventions {
    /// Which convention.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// A bucket name of the right form for its organization.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BucketName(String);

/// Why a requested bucket name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InvalidBucketName {
    #[error("it must be {standard} or start with {standard}-")]
    NotThisOrganizations { standard: String },
    #[error("bucket names have 3 to 63 lower-case letters, digits and hyphens, and end in a letter or digit")]
    Form,
    #[error("S3 reserves names that end in {0}")]
    ReservedSuffix(&'static str),
}

const BUCKET_NAME_MAX: usize = 63;
const USER_NAME_MAX: usize = 64;
const HASH_LENGTH: usize = 8;
const ORG_ID: &str = "{orgid}";
const TAG_KEY_MAX: usize = 128;
/// Suffixes that S3 reserves (bucketnamingrules), but for `-an`, which has a rule of its own.
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const ACCOUNT_REGIONAL_SUFFIX: &str = "-an";
/// Regions without the account-regional bucket namespace (gpbucketnamespaces, 2026-04).
const WITHOUT_ACCOUNT_REGIONAL: [&str; 2] = ["me-south-1", "me-central-1"];

impl Default for Conventions {
    fn default() -> Self {
        Self {
            user_prefix: "rms_".to_owned(),
            bucket_prefix: "fusion-rms-".to_owned(),
            secret_name_template: "fusion-rms/{orgid}/aws".to_owned(),
            tag_key: "OrgId".to_owned(),
        }
    }
}

impl Conventions {
    /// Conventions other than the default ones.
    ///
    /// # Errors
    /// When an organization id of the greatest length would not fit a name, or a service would refuse it.
    pub fn new(
        user_prefix: &str,
        bucket_prefix: &str,
        secret_name_template: &str,
        tag_key: &str,
    ) -> Result<Self, InvalidConventions> {
        let check = |name, value: &str, holds: bool, rule| {
            if holds { Ok(()) } else { Err(InvalidConventions { name, value: value.to_owned(), rule }) }
        };
        let user_ok = user_prefix.len() + OrgId::MAX_LENGTH <= USER_NAME_MAX
            && user_prefix.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
        check("user prefix", user_prefix, user_ok, "at most 12 letters, digits and _+=,.@-")?;
        let bucket_ok = bucket_prefix.len() + OrgId::MAX_LENGTH <= BUCKET_NAME_MAX
            && bucket_prefix.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && bucket_prefix.bytes().all(is_bucket_byte)
            && !RESERVED_PREFIXES.iter().any(|reserved| bucket_prefix.starts_with(reserved));
        check(
            "bucket prefix",
            bucket_prefix,
            bucket_ok,
            "1 to 11 lower-case letters, digits and hyphens, not a prefix that S3 reserves",
        )?;
        let secret_ok = secret_name_template.matches(ORG_ID).count() == 1
            && secret_name_template.len() + OrgId::MAX_LENGTH <= 512
            && secret_name_template
                .replace(ORG_ID, "")
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c));
        check(
            "secret name template",
            secret_name_template,
            secret_ok,
            "letters, digits and /_+=.@-, with {orgid} in it once",
        )?;
        let tag_ok = !tag_key.is_empty()
            && tag_key.len() <= TAG_KEY_MAX
            && !tag_key.starts_with("aws:")
            && tag_key.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c));
        check("tag key", tag_key, tag_ok, "1 to 128 letters, digits, spaces and _.:/=+-@, not starting with aws:")?;
        Ok(Self {
            user_prefix: user_prefix.to_owned(),
            bucket_prefix: bucket_prefix.to_owned(),
            secret_name_template: secret_name_template.to_owned(),
            tag_key: tag_key.to_owned(),
        })
    }

    /// The IAM user's name: `rms_<orgid>`.
    pub fn user_name(&self, org: &OrgId) -> String {
        format!("{}{org}", self.user_prefix)
    }

    /// The secret's name: `fusion-rms/<orgid>/aws`.
    pub fn secret_name(&self, org: &OrgId) -> String {
        self.secret_name_template.replace(ORG_ID, org.as_str())
    }

    /// The organization whose user has this name, if it is a name of ours.
    pub fn org_of_user(&self, name: &str) -> Option<OrgId> {
        OrgId::parse(name.strip_prefix(&self.user_prefix)?).ok()
    }

    /// The organization whose secret has this name, if it is a name of ours.
    pub fn org_of_secret(&self, name: &str) -> Option<OrgId> {
        let (before, after) = self.secret_name_template.split_once(ORG_ID)?;
        OrgId::parse(name.strip_prefix(before)?.strip_suffix(after)?).ok()
    }

    /// The organization whose bucket has this standard name. An alternative name does not tell: the id in it may be
    /// cut.
    pub fn org_of_bucket(&self, name: &str) -> Option<OrgId> {
        OrgId::parse(name.strip_prefix(&self.bucket_prefix)?).ok()
    }

    /// What every organization's bucket name starts with.
    pub fn bucket_prefix(&self) -> &str {
        &self.bucket_prefix
    }

    /// The tag that says which organization owns a resource: `OrgId`.
    pub fn tag_key(&self) -> &str {
        &self.tag_key
    }

    /// The bucket's name: `fusion-rms-<orgid>`.
    pub fn bucket_name(&self, org: &OrgId) -> BucketName {
        BucketName(format!("{}{org}", self.bucket_prefix))
    }

    /// A name that the command asks for, if this organization may have it.
    ///
    /// # Errors
    /// When it is another organization's, not a bucket name, or reserved.
    pub fn requested_bucket_name(&self, org: &OrgId, name: &str) -> Result<BucketName, InvalidBucketName> {
        let standard = self.bucket_name(org).0;
        let rest = name.strip_prefix(&standard);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            return Err(InvalidBucketName::NotThisOrganizations { standard });
        }
        if !has_form(name) {
            return Err(InvalidBucketName::Form);
        }
        let reserved = RESERVED_SUFFIXES.into_iter().chain([ACCOUNT_REGIONAL_SUFFIX]);
        match reserved.into_iter().find(|suffix| name.ends_with(suffix)) {
            Some(suffix) => Err(InvalidBucketName::ReservedSuffix(suffix)),
            None => Ok(BucketName(name.to_owned())),
        }
    }

    /// The name to take when another account holds the standard one: in the account-regional namespace,
    /// which nobody else can ever hold, where it fits and the region has it; else with a hash of who we are.
    pub fn alternative_bucket_name(&self, org: &OrgId, place: &Place) -> BucketName {
        let Place { account, region, .. } = place;
        let regional = format!("{}{org}-{account}-{region}{ACCOUNT_REGIONAL_SUFFIX}", self.bucket_prefix);
        if regional.len() <= BUCKET_NAME_MAX && !WITHOUT_ACCOUNT_REGIONAL.contains(&region.as_str()) {
            return BucketName(regional);
        }
        self.hashed_bucket_name(org, place)
    }

    /// What to list buckets by, to find every bucket that could be this organization's.
    pub fn bucket_search_prefix(&self, org: &OrgId) -> String {
        format!("{}{}", self.bucket_prefix, self.cut_org_id(org))
    }

    /// A bucket found under that prefix, if its name is one that this organization could have been given, here
    /// or in another region. The tag decides whether it is.
    pub fn own_bucket_name(&self, org: &OrgId, name: &str) -> Option<BucketName> {
        let standard = self.bucket_name(org).0;
        let extended = name.strip_prefix(&standard).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let hash = name.strip_prefix(&self.bucket_search_prefix(org)).and_then(|rest| rest.strip_prefix('-'));
        let hashed =
            hash.is_some_and(|hash| hash.len() == HASH_LENGTH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        (extended || hashed).then(|| BucketName(name.to_owned()))
    }

    /// The name of a bucket that is there, if it is one that this organization's bucket can have, whoever made it.
    ///
    /// # Errors
    /// When it is another organization's, or not a bucket name.
    pub fn existing_bucket_name(&self, org: &OrgId, name: &str) -> Result<BucketName, InvalidBucketName> {
        let standard = self.bucket_name(org).0;
        let found = self.own_bucket_name(org, name);
        let found = found.ok_or(InvalidBucketName::NotThisOrganizations { standard })?;
        if has_form(name) { Ok(found) } else { Err(InvalidBucketName::Form) }
    }

    fn hashed_bucket_name(&self, org: &OrgId, place: &Place) -> BucketName {
        let Place { account, region, .. } = place;
        let hash = hex::encode(Sha256::digest(format!("{org},{account},{region}")));
        BucketName(format!("{}{}-{}", self.bucket_prefix, self.cut_org_id(org), &hash[..HASH_LENGTH]))
    }

    /// The id, cut so that a hyphen and the hash still fit behind it.
    fn cut_org_id<'o>(&self, org: &'o OrgId) -> &'o str {
        let room = BUCKET_NAME_MAX - self.bucket_prefix.len() - 1 - HASH_LENGTH;
        org.as_str().get(..room).unwrap_or(org.as_str())
    }
}

impl BucketName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name belongs in the account-regional namespace, which CreateBucket must be told.
    pub fn is_account_regional(&self) -> bool {
        self.0.ends_with(ACCOUNT_REGIONAL_SUFFIX)
    }
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether it is a bucket's name, as far as a name goes that starts as ours do.
fn has_form(name: &str) -> bool {
    let ends_well = name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= BUCKET_NAME_MAX && name.bytes().all(is_bucket_byte) && ends_well
}

fn is_bucket_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(id: &str) -> OrgId {
        OrgId::parse(id).unwrap()
    }

    fn place(region: &str) -> Place {
        Place { partition: "aws".into(), account: "123456789012".into(), region: region.into() }
    }

    #[test]
    fn the_vendors_names() {
        let names = Conventions::default();
        assert_eq!(names.user_name(&org("xmsqa1")), "rms_xmsqa1");
        assert_eq!(names.bucket_name(&org("xmsqa1")).as_str(), "fusion-rms-xmsqa1");
        assert_eq!(names.secret_name(&org("xmsqa1")), "fusion-rms/xmsqa1/aws");
    }

    #[test]
    fn the_alternative_is_account_regional_where_it_fits() {
        let names = Conventions::default();
        let regional = names.alternative_bucket_name(&org("xmsqa1"), &place("us-east-1"));
        assert_eq!(regional.as_str(), "fusion-rms-xmsqa1-123456789012-us-east-1-an");
        assert!(regional.is_account_regional());
        // 26 is the longest id that fits in us-east-1; Bahrain has no such namespace.
        assert!(names.alternative_bucket_name(&org(&"a".repeat(26)), &place("us-east-1")).is_account_regional());
        for other in [
            names.alternative_bucket_name(&org(&"a".repeat(27)), &place("us-east-1")),
            names.alternative_bucket_name(&org("xmsqa1"), &place("me-south-1")),
            names.alternative_bucket_name(&org(&"a".repeat(52)), &place("us-east-1")),
        ] {
            assert!(!other.is_account_regional());
            assert!(other.as_str().len() <= 63);
        }
    }

    #[test]
    fn every_name_we_give_is_found_again_and_no_other_organizations_is() {
        let names = Conventions::default();
        let place = place("us-east-1");
        for id in ["abc", &"a".repeat(27), &"b".repeat(52)] {
            let org = org(id);
            for given in [
                names.bucket_name(&org),
                names.alternative_bucket_name(&org, &place),
                names.hashed_bucket_name(&org, &place),
            ] {
                assert!(given.as_str().starts_with(&names.bucket_search_prefix(&org)), "{given}");
                assert_eq!(names.own_bucket_name(&org, given.as_str()), Some(given));
            }
        }
        assert_eq!(names.own_bucket_name(&org("abc"), "fusion-rms-abc1"), None);
        assert_eq!(names.own_bucket_name(&org("abc"), "fusion-rms-abc1-media"), None);
    }

    #[test]
    fn a_requested_name_must_be_the_organizations() {
        let names = Conventions::default();
        assert!(names.requested_bucket_name(&org("abc"), "fusion-rms-abc").is_ok());
        assert!(names.requested_bucket_name(&org("abc"), "fusion-rms-abc-media").is_ok());
        for bad in [
            "fusion-rms-abc1",
            "other",
            "fusion-rms-abc-",
            "fusion-rms-abc-An",
            "fusion-rms-abc-s3alias",
            "fusion-rms-abc-an",
            "fusion-rms-abc-a.b",
        ] {
            assert!(names.requested_bucket_name(&org("abc"), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_that_is_there_may_have_every_name_that_is_found() {
        let (names, place) = (Conventions::default(), place("us-east-1"));
        for id in ["abc", &"a".repeat(27), &"b".repeat(52)] {
            let org = org(id);
            for given in [names.bucket_name(&org), names.alternative_bucket_name(&org, &place)] {
                assert_eq!(names.existing_bucket_name(&org, given.as_str()), Ok(given));
            }
        }
        assert!(names.existing_bucket_name(&org("abc"), "fusion-rms-abc-an").is_ok(), "S3 let somebody have it");
        for bad in ["fusion-rms-abc1", "other", "fusion-rms-abc-", "fusion-rms-abc-A", "fusion-rms-abc-/../x"] {
            assert!(names.existing_bucket_name(&org("abc"), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn conventions_that_could_not_hold_an_id_are_refused() {
        assert!(Conventions::new("rms_", "fusion-rms-", "fusion-rms/{orgid}/aws", "OrgId").is_ok());
        assert!(Conventions::new("twelve_chars_", "fusion-rms-", "a/{orgid}", "OrgId").is_err());
        assert!(Conventions::new("rms_", "fusion-rms-x-", "a/{orgid}", "OrgId").is_err());
        assert!(Conventions::new("rms_", "xn--", "a/{orgid}", "OrgId").is_err());
        assert!(Conventions::new("rms_", "f-", "a/b", "OrgId").is_err());
        assert!(Conventions::new("rms_", "f-", "a/{orgid}", "aws:x").is_err());
    }
}
