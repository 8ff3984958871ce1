//! Identifiers as AWS shapes them, the same in every run that starts from the same seed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The source of every id, key and token.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ids {
    seed: u64,
    issued: u64,
}

impl Ids {
    /// Ids that depend on `seed` and on how many were issued before, on nothing else.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, issued: 0 }
    }

    /// `AKIA` and sixteen upper-case characters.
    pub fn access_key_id(&mut self) -> String {
        format!("AKIA{}", self.characters(BASE32, 16))
    }

    /// Forty characters of the base64 alphabet.
    pub fn secret_access_key(&mut self) -> String {
        self.characters(BASE64, 40)
    }

    /// `AIDA` and seventeen upper-case characters: the unique id of an IAM user, never issued twice.
    pub fn user_id(&mut self) -> String {
        format!("AIDA{}", self.characters(BASE32, 17))
    }

    /// `AGPA` and seventeen upper-case characters: the unique id of an IAM group.
    pub fn group_id(&mut self) -> String {
        format!("AGPA{}", self.characters(BASE32, 17))
    }

    /// `ANPA` and seventeen upper-case characters: the unique id of a managed policy.
    pub fn policy_id(&mut self) -> String {
        format!("ANPA{}", self.characters(BASE32, 17))
    }

    /// The six characters that Secrets Manager adds to the name in an ARN.
    pub fn secret_suffix(&mut self) -> String {
        self.characters(LETTERS_AND_DIGITS, 6)
    }

    /// A version-4 UUID in its usual form.
    pub fn uuid(&mut self) -> String {
        let random = self.block().first_chunk().copied().unwrap_or_default();
        uuid::Builder::from_random_bytes(random).into_uuid().to_string()
    }

    fn characters(&mut self, alphabet: &[u8], count: usize) -> String {
        let mut out = String::with_capacity(count);
        while out.len() < count {
            for byte in self.block().into_iter().take(count - out.len()) {
                out.extend(alphabet.get(usize::from(byte) % alphabet.len()).copied().map(char::from));
            }
        }
        out
    }

    fn block(&mut self) -> [u8; 32] {
        self.issued += 1;
        Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(self.issued.to_be_bytes()).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_no_id_twice() {
        let (mut one, mut two) = (Ids::seeded(7), Ids::seeded(7));
        let first = one.access_key_id();
        assert_eq!(first, two.access_key_id());
        assert_ne!(first, one.access_key_id());
        assert_eq!(first.len(), 20);
        assert_eq!(one.secret_access_key().len(), 40);
        assert_eq!(one.uuid().len(), 36);
    }
}
