//! Which kind of environment an organization is, and which kind of account may hold it.

use serde::{Deserialize, Serialize};

/// The environment that an organization was ordered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Environment {
    Production,
    Staging,
    Qa,
    Development,
    Demo,
}

/// What an AWS account may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountClass {
    /// Production and staging, and nothing else.
    Production,
    /// Everything else.
    NonProduction,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 5] = [Self::Production, Self::Staging, Self::Qa, Self::Development, Self::Demo];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Qa => "qa",
            Self::Development => "development",
            Self::Demo => "demo",
        }
    }

    /// The environment of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == text)
    }

    /// The class of account that this environment belongs in.
    pub fn account_class(self) -> AccountClass {
        match self {
            Self::Production | Self::Staging => AccountClass::Production,
            Self::Qa | Self::Development | Self::Demo => AccountClass::NonProduction,
        }
    }
}

impl AccountClass {
    /// The environment to name where only the account's class is known.
    pub fn usual_environment(self) -> Environment {
        match self {
            Self::Production => Environment::Production,
            Self::NonProduction => Environment::Development,
        }
    }

    /// The name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::NonProduction => "non-production",
        }
    }

    /// The class of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Production, Self::NonProduction].into_iter().find(|class| class.as_str() == text)
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for AccountClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for environment in Environment::ALL {
            assert_eq!(Environment::parse(environment.as_str()), Some(environment));
        }
        assert_eq!(Environment::parse("Production"), None);
        assert_eq!(AccountClass::parse("non-production"), Some(AccountClass::NonProduction));
    }

    #[test]
    fn staging_belongs_with_production() {
        assert_eq!(Environment::Staging.account_class(), AccountClass::Production);
        assert_eq!(Environment::Demo.account_class(), AccountClass::NonProduction);
    }
}
