//! The access key as it is stored. A secret text has no `Debug`, no `Display` and no `Serialize`: it leaves
//! this module only by a call that names it.

use serde::{Deserialize, Serialize};

/// A text that must not be seen: a secret access key.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes charge of a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for signing and storing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// An access key as the secret's value holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// `AKIA...`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretText,
    /// The IAM user that the key belongs to.
    pub user_name: String,
}

/// The value of a secret that is not a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The wire form: `{"accessKeyId": ..., "secretAccessKey": ..., "userName": ...}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    access_key_id: String,
    secret_access_key: String,
    user_name: String,
}

impl Credential {
    /// Reads a secret's value. What is wrong with one that cannot be read is not said: it may be a secret.
    ///
    /// # Errors
    /// When it is not of the wire form.
    pub fn from_secret_string(text: &str) -> Result<Self, Unreadable> {
        let wire: Wire = serde_json::from_str(text).map_err(|_| Unreadable)?;
        Ok(Self {
            access_key_id: wire.access_key_id,
            secret_access_key: SecretText(wire.secret_access_key),
            user_name: wire.user_name,
        })
    }

    /// The secret's value.
    pub fn to_secret_string(&self) -> SecretText {
        let wire = Wire {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.0.clone(),
            user_name: self.user_name.clone(),
        };
        // Three strings always serialize; the empty text would be refused by Secrets Manager.
        SecretText(serde_json::to_string(&wire).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let credential = Credential {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: SecretText::new("s/e+c"),
            user_name: "rms_abc".to_owned(),
        };
        let text = credential.to_secret_string();
        assert_eq!(text.expose(), r#"{"accessKeyId":"AKIAEXAMPLE","secretAccessKey":"s/e+c","userName":"rms_abc"}"#);
        assert!(Credential::from_secret_string(text.expose()).is_ok_and(|read| read == credential));
        assert!(Credential::from_secret_string("{}").is_err());
    }
}
