//! Where something is: partition, account and region, from which ARNs are built.

/// A partition, account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// `us-east-1`, ...
    pub region: String,
}

/// The text is not the ARN of a Lambda function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the ARN of a Lambda function (arn:<partition>:lambda:<region>:<account>:function:<name>)")]
pub struct InvalidFunctionArn(String);

impl Place {
    /// Where the function with this ARN runs. A function learns its place from its own ARN: no call, no
    /// configuration that could be wrong.
    ///
    /// # Errors
    /// When `arn` is not the ARN of a Lambda function.
    pub fn of_function(arn: &str) -> Result<Self, InvalidFunctionArn> {
        let invalid = || InvalidFunctionArn(arn.to_owned());
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        let ["arn", partition, "lambda", region, account, "function", name] = parts[..] else {
            return Err(invalid());
        };
        let account_is_valid = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if partition.is_empty() || region.is_empty() || name.is_empty() || !account_is_valid {
            return Err(invalid());
        }
        Ok(Self { partition: partition.to_owned(), account: account.to_owned(), region: region.to_owned() })
    }

    /// The ARN of an IAM user without a path.
    pub fn user_arn(&self, user_name: &str) -> String {
        format!("arn:{}:iam::{}:user/{user_name}", self.partition, self.account)
    }

    /// Whether this is the ARN here of the secret of that name: Secrets Manager adds a hyphen and six characters.
    pub fn is_secret_arn(&self, arn: &str, name: &str) -> bool {
        let Self { partition, account, region } = self;
        let start = format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-");
        arn.strip_prefix(&start)
            .is_some_and(|suffix| suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// The ARN of a bucket.
    pub fn bucket_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_function_arn() {
        let place = Place::of_function("arn:aws-cn:lambda:cn-north-1:123456789012:function:iam-user:live").unwrap();
        assert_eq!(place.user_arn("rms_a"), "arn:aws-cn:iam::123456789012:user/rms_a");
        assert_eq!(place.bucket_arn("b"), "arn:aws-cn:s3:::b");
    }

    #[test]
    fn refuses_other_arns() {
        for arn in ["", "arn:aws:iam::123456789012:user/x", "arn:aws:lambda:us-east-1:12345:function:x"] {
            assert!(Place::of_function(arn).is_err(), "{arn}");
        }
    }
}
