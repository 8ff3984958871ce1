//! Where a command looks, and as whom: the same options for every command that speaks to AWS.

use clap::{Args, ValueEnum};
use org::AccountClass;

/// Where to look, and as whom. What is not said here comes from the SDK's usual chain: environment, profile files,
/// single sign-on, instance roles.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArguments {
    /// The profile in the AWS configuration files [env: AWS_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// The region of the deployment [env: AWS_REGION, AWS_DEFAULT_REGION]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,

    /// Another endpoint for every service, as `orgctl local serve` prints it [env: AWS_ENDPOINT_URL]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// The account to work in; another one is refused [env: EXPECTED_ACCOUNT_ID]
    #[arg(long, value_name = "ACCOUNT")]
    pub expected_account: Option<String>,

    /// What the account may hold [env: ACCOUNT_CLASS]
    #[arg(long, value_enum, value_name = "CLASS")]
    pub account_class: Option<Class>,
}

/// The class of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// production and staging organizations.
    Production,
    /// qa, development and demo organizations.
    NonProduction,
}

impl From<Class> for AccountClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Production => Self::Production,
            Class::NonProduction => Self::NonProduction,
        }
    }
}
