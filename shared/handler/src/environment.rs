//! The environment, read here and nowhere else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use aws::{Credentials, Endpoints, SdkSettings};
use contract::{Deployment, OrgDeleted};
use org::{AccountClass, Conventions};

use crate::backoff::{EARLY_TRIES, SMALLEST_DELAY};
use crate::settings::Settings;

/// A variable that a function reads. The table in the README is checked against this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// What it is when it is not set; `None` if it must be set.
    pub default: Option<&'static str>,
    /// What it means.
    pub meaning: &'static str,
}

const fn required(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: None, meaning }
}

const fn optional(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: Some(default), meaning }
}

const EXPECTED_ACCOUNT_ID: Variable =
    required("EXPECTED_ACCOUNT_ID", "The account that the deployment is for; elsewhere nothing is written");
const ACCOUNT_CLASS: Variable =
    required("ACCOUNT_CLASS", "`production` or `non-production`: which environments the account may hold");
const DEAD_LETTER_QUEUE_URL: Variable = required(
    "DEAD_LETTER_QUEUE_URL",
    "The step's dead-letter queue, `.../org-provisioning-<step>-dlq`; its own queue is the same without `-dlq`",
);
const EVENT_BUS_NAME: Variable =
    optional("EVENT_BUS_NAME", "org-provisioning", "The bus that completion and failure events go to");
const ALLOWED_SOURCES: Variable =
    optional("ALLOWED_SOURCES", "org-signup", "Event sources that may send commands, separated by commas");
const USER_PREFIX: Variable = optional("USER_PREFIX", "rms_", "What IAM user names start with");
const BUCKET_PREFIX: Variable = optional("BUCKET_PREFIX", "fusion-rms-", "What bucket names start with");
const SECRET_NAME_TEMPLATE: Variable = optional(
    "SECRET_NAME_TEMPLATE",
    "fusion-rms/{orgid}/aws",
    "The secret's name, with `{orgid}` where the organization's id goes",
);
const TAG_KEY: Variable = optional("TAG_KEY", "OrgId", "The tag that says which organization owns a resource");
const KMS_KEY_ID: Variable =
    optional("KMS_KEY_ID", "", "The KMS key for secrets; empty for the account's `aws/secretsmanager`");
const KEY_GRACE_SECONDS: Variable =
    optional("KEY_GRACE_SECONDS", "120", "The age from which an access key that nobody stored counts as lost");
const KEY_OVERLAP_SECONDS: Variable = optional(
    "KEY_OVERLAP_SECONDS",
    "604800",
    "How long an old access key goes on working after a rotation; after as long again it is deleted",
);
const ROTATION_FUNCTION_ARN: Variable = optional(
    "ROTATION_FUNCTION_ARN",
    "",
    "The function that rotates access keys on schedule; empty for no schedule, and schedules that are there stay",
);
const ROTATION_DAYS: Variable = optional("ROTATION_DAYS", "90", "The days between two rotations of an access key");
const SECRET_RECOVERY_DAYS: Variable = optional(
    "SECRET_RECOVERY_DAYS",
    "30",
    "How many days, 7 to 30, the secret of an offboarded organization can be restored, if the event does not say",
);
const RECONCILE_REPAIR: Variable = optional(
    "RECONCILE_REPAIR",
    "false",
    "`true`: drift that the steps of sign-up can mend is mended when it is found; else it is only told",
);
const CAPACITY_WARNING_PERCENT: Variable = optional(
    "CAPACITY_WARNING_PERCENT",
    "80",
    "From which share of the account's users, buckets or secrets, 1 to 100, is warned",
);
const BUCKET_LIMIT: Variable =
    optional("BUCKET_LIMIT", "10000", "How many buckets the account may have; no API that functions may use tells");
const MAX_RECEIVE_COUNT: Variable = optional("MAX_RECEIVE_COUNT", "13", "The queue's maxReceiveCount");

/// Every variable of the provisioner's own. Beside these, Lambda's and the SDK's usual ones are read:
/// `AWS_REGION`, the credentials, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_CA_BUNDLE`,
/// `SSL_CERT_FILE` and `AWS_LAMBDA_LOG_LEVEL`.
pub const VARIABLES: [Variable; 19] = [
    EXPECTED_ACCOUNT_ID,
    ACCOUNT_CLASS,
    DEAD_LETTER_QUEUE_URL,
    EVENT_BUS_NAME,
    ALLOWED_SOURCES,
    USER_PREFIX,
    BUCKET_PREFIX,
    SECRET_NAME_TEMPLATE,
    TAG_KEY,
    KMS_KEY_ID,
    KEY_GRACE_SECONDS,
    KEY_OVERLAP_SECONDS,
    ROTATION_FUNCTION_ARN,
    ROTATION_DAYS,
    MAX_RECEIVE_COUNT,
    SECRET_RECOVERY_DAYS,
    RECONCILE_REPAIR,
    CAPACITY_WARNING_PERCENT,
    BUCKET_LIMIT,
];

/// What keys older than may be judged must exceed: the longest function timeout that infra/ allows (30 s), a
/// client's timeout (12 s) and an assumed lag of reads (15 s).
const SMALLEST_KEY_GRACE: Duration = Duration::from_secs(60);
/// SQS delays a message by at most 900 s, and the delayed check comes later than the grace period.
const LARGEST_KEY_GRACE: Duration = Duration::from_secs(840);

/// Less than this, and whoever reads the secret once an hour meets a key that works no more.
const SMALLEST_KEY_OVERLAP: Duration = Duration::from_secs(3600);
/// An old key is deleted after twice its overlap, and has to be before the next one is made: infra/ rotates every 90 days.
const LARGEST_KEY_OVERLAP: Duration = Duration::from_secs(44 * 24 * 3600);

/// A variable that is missing or breaks its rule.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidEnvironment {
    name: String,
    problem: String,
}

impl std::fmt::Display for InvalidEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "environment variable {} {}", self.name, self.problem)
    }
}

/// As it displays: this is what a process prints that ends with this error.
impl std::fmt::Debug for InvalidEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidEnvironment {}

fn invalid(name: &str, problem: impl Into<String>) -> InvalidEnvironment {
    InvalidEnvironment { name: name.to_owned(), problem: problem.into() }
}

/// The environment of a function, read and checked.
#[derive(Clone)]
pub struct Environment {
    /// The provisioner's settings.
    pub settings: Settings,
    /// How to reach AWS.
    pub sdk: SdkSettings,
    /// The log level: `INFO` unless `AWS_LAMBDA_LOG_LEVEL` says otherwise.
    pub log_level: tracing::Level,
}

impl Environment {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is missing or breaks its rule.
    pub fn of_process() -> Result<Self, InvalidEnvironment> {
        let variables = process_variables();
        let mut environment = Self::read(&variables)?;
        for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
            if let Some(path) = variables.get(name).filter(|path| !path.is_empty()) {
                let bundle = std::fs::read(path)
                    .map_err(|error| invalid(name, format!("names a file that cannot be read: {error}")))?;
                environment.sdk.ca_bundle = Some(bundle);
                break;
            }
        }
        Ok(environment)
    }

    /// Reads only the provisioner's own settings: what somebody needs who is no function.
    ///
    /// # Errors
    /// The first variable that is missing or breaks its rule.
    pub fn settings(variables: &BTreeMap<String, String>) -> Result<Settings, InvalidEnvironment> {
        Reader(variables).settings()
    }

    /// Reads an environment given as a map.
    ///
    /// # Errors
    /// The first variable that is missing or breaks its rule.
    pub fn read(variables: &BTreeMap<String, String>) -> Result<Self, InvalidEnvironment> {
        let reader = Reader(variables);
        let log_level = match reader.text("AWS_LAMBDA_LOG_LEVEL") {
            None => "INFO",
            // Lambda knows a level that tracing does not.
            Some("FATAL") => "ERROR",
            Some(level) => level,
        };
        Ok(Self {
            settings: reader.settings()?,
            sdk: reader.sdk()?,
            log_level: log_level
                .parse()
                .map_err(|_| invalid("AWS_LAMBDA_LOG_LEVEL", format!("is {log_level:?}, which is no log level")))?,
        })
    }
}

/// The variables of the process that are text. What is not, is none that anything here reads.
pub fn process_variables() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

struct Reader<'v>(&'v BTreeMap<String, String>);

impl<'v> Reader<'v> {
    /// A variable's value; an empty one counts as not set.
    fn text(&self, name: &str) -> Option<&'v str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn get(&self, variable: Variable) -> Result<&'v str, InvalidEnvironment> {
        self.text(variable.name)
            .or(variable.default)
            .ok_or_else(|| invalid(variable.name, format!("is not set. {}", variable.meaning)))
    }

    fn number(&self, variable: Variable) -> Result<u32, InvalidEnvironment> {
        let text = self.get(variable)?;
        text.parse().map_err(|_| invalid(variable.name, format!("is {text:?}, which is not a whole number")))
    }

    fn settings(&self) -> Result<Settings, InvalidEnvironment> {
        let class = self.get(ACCOUNT_CLASS)?;
        let account_class = AccountClass::parse(class).ok_or_else(|| {
            invalid(ACCOUNT_CLASS.name, format!("is {class:?}, and must be production or non-production"))
        })?;
        let expected_account = self.get(EXPECTED_ACCOUNT_ID)?.to_owned();
        if expected_account.len() != 12 || !expected_account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid(
                EXPECTED_ACCOUNT_ID.name,
                format!("is {expected_account:?}, and must be twelve digits"),
            ));
        }
        let dead_letter_queue_url = self.get(DEAD_LETTER_QUEUE_URL)?.to_owned();
        if !dead_letter_queue_url.ends_with("-dlq") {
            return Err(invalid(
                DEAD_LETTER_QUEUE_URL.name,
                format!("is {dead_letter_queue_url:?}, and must end in -dlq"),
            ));
        }
        let conventions = Conventions::new(
            self.get(USER_PREFIX)?,
            self.get(BUCKET_PREFIX)?,
            self.get(SECRET_NAME_TEMPLATE)?,
            self.get(TAG_KEY)?,
        )
        .map_err(|error| {
            invalid("USER_PREFIX, BUCKET_PREFIX, SECRET_NAME_TEMPLATE or TAG_KEY", format!("cannot be used: {error}"))
        })?;
        let (key_grace, max_receive_count) = self.key_grace_and_receives()?;
        Ok(Settings {
            deployment: Deployment { expected_account, account_class, conventions },
            event_bus: self.get(EVENT_BUS_NAME)?.to_owned(),
            dead_letter_queue_url,
            kms_key_id: self.text(KMS_KEY_ID.name).map(str::to_owned),
            key_grace,
            key_overlap: self.key_overlap()?,
            rotation: self.rotation()?,
            max_receive_count,
            secret_recovery_days: self.secret_recovery_days()?,
            repair_drift: self.flag(RECONCILE_REPAIR)?,
            capacity_warning_percent: self.capacity_warning_percent()?,
            bucket_limit: self.number(BUCKET_LIMIT)?,
            allowed_sources: self
                .get(ALLOWED_SOURCES)?
                .split(',')
                .map(str::trim)
                .filter(|source| !source.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    fn flag(&self, variable: Variable) -> Result<bool, InvalidEnvironment> {
        match self.get(variable)? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(invalid(variable.name, format!("is {other:?}, and must be true or false"))),
        }
    }

    fn capacity_warning_percent(&self) -> Result<u8, InvalidEnvironment> {
        let percent = u8::try_from(self.number(CAPACITY_WARNING_PERCENT)?).ok();
        let percent = percent.filter(|percent| (1..=100).contains(percent));
        percent.ok_or_else(|| invalid(CAPACITY_WARNING_PERCENT.name, "must be 1 to 100"))
    }

    fn key_overlap(&self) -> Result<Duration, InvalidEnvironment> {
        let overlap = Duration::from_secs(self.number(KEY_OVERLAP_SECONDS)?.into());
        if (SMALLEST_KEY_OVERLAP..=LARGEST_KEY_OVERLAP).contains(&overlap) {
            return Ok(overlap);
        }
        let range = format!("{} to {}", SMALLEST_KEY_OVERLAP.as_secs(), LARGEST_KEY_OVERLAP.as_secs());
        Err(invalid(KEY_OVERLAP_SECONDS.name, format!("must be {range}")))
    }

    /// Between two rotations the old key has to work, to rest, and to be gone. Where nothing is rotated on schedule, the days
    /// are nobody's.
    fn rotation(&self) -> Result<Option<(String, u16)>, InvalidEnvironment> {
        let Some(function_arn) = self.text(ROTATION_FUNCTION_ARN.name) else { return Ok(None) };
        let days = u16::try_from(self.number(ROTATION_DAYS)?).unwrap_or_default();
        let room = 2 * self.key_overlap()? < Duration::from_secs(24 * 3600) * u32::from(days);
        if !(1..=1000).contains(&days) || !room {
            let problem = format!("must be 1 to 1000, and more than twice {}", KEY_OVERLAP_SECONDS.name);
            return Err(invalid(ROTATION_DAYS.name, problem));
        }
        Ok(Some((function_arn.to_owned(), days)))
    }

    fn secret_recovery_days(&self) -> Result<u8, InvalidEnvironment> {
        let range = OrgDeleted::RECOVERY_WINDOW_DAYS;
        let days = u8::try_from(self.number(SECRET_RECOVERY_DAYS)?).ok().filter(|days| range.contains(days));
        days.ok_or_else(|| invalid(SECRET_RECOVERY_DAYS.name, format!("must be {} to {}", range.start(), range.end())))
    }

    /// A message that waits for a lost key to age must not run out of receives before.
    fn key_grace_and_receives(&self) -> Result<(Duration, u32), InvalidEnvironment> {
        let key_grace = Duration::from_secs(self.number(KEY_GRACE_SECONDS)?.into());
        if !(SMALLEST_KEY_GRACE..=LARGEST_KEY_GRACE).contains(&key_grace) {
            let range = format!("{} to {}", SMALLEST_KEY_GRACE.as_secs(), LARGEST_KEY_GRACE.as_secs());
            return Err(invalid(KEY_GRACE_SECONDS.name, format!("must be {range}")));
        }
        let max_receive_count = self.number(MAX_RECEIVE_COUNT)?;
        if SMALLEST_DELAY * max_receive_count.saturating_sub(1 + EARLY_TRIES) <= 2 * key_grace {
            let problem = format!(
                "is {max_receive_count}, but ({max_receive_count} - 1 - {EARLY_TRIES} early tries) x {} s, the smallest delay, must exceed twice {} ({} s)",
                SMALLEST_DELAY.as_secs(),
                KEY_GRACE_SECONDS.name,
                key_grace.as_secs()
            );
            return Err(invalid(MAX_RECEIVE_COUNT.name, problem));
        }
        Ok((key_grace, max_receive_count))
    }

    fn sdk(&self) -> Result<SdkSettings, InvalidEnvironment> {
        let lambdas =
            |name: &str| self.text(name).map(str::to_owned).ok_or_else(|| invalid(name, "is not set; Lambda sets it"));
        let by_service = self.0.iter().filter_map(|(name, url)| {
            let service = name.strip_prefix("AWS_ENDPOINT_URL_")?;
            (!url.is_empty()).then(|| (service.to_owned(), url.clone()))
        });
        Ok(SdkSettings {
            region: lambdas("AWS_REGION")?,
            credentials: Credentials {
                access_key_id: lambdas("AWS_ACCESS_KEY_ID")?,
                secret_access_key: lambdas("AWS_SECRET_ACCESS_KEY")?,
                session_token: self.text("AWS_SESSION_TOKEN").map(str::to_owned),
            },
            endpoints: Endpoints {
                every: self.text("AWS_ENDPOINT_URL").map(str::to_owned),
                by_service: by_service.collect(),
            },
            ca_bundle: None,
        })
    }
}

#[cfg(test)]
mod tests;
