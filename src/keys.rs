//! API keys: making them, and the hash that is all we keep of them.

use std::fmt;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::domain::tenant::{KeyHash, KeyLookup};

const PREFIX: &str = "bg_";
const LOOKUP_HEX_DIGITS: usize = 16;
const SECRET_HEX_DIGITS: usize = 64;
/// Separates the hash that finds a foreign key from the hash that proves it.
const LOOKUP_DOMAIN: &[u8] = b"budgetguard key lookup\0";

/// Hashes keys under the installation's pepper: a stolen database alone verifies nothing.
#[derive(Clone)]
pub struct KeyHasher(Hmac<Sha256>);

impl fmt::Debug for KeyHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyHasher(..)")
    }
}

/// A key that was just made. Its text is shown once and kept nowhere.
pub struct NewKey {
    /// The whole key.
    pub text: String,
    /// The part that may be shown to tell keys apart.
    pub prefix: String,
    /// The part that finds it.
    pub lookup: KeyLookup,
    /// What is stored.
    pub hash: KeyHash,
}

/// The pepper is of a length that no HMAC key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key pepper cannot be used")]
pub struct UnusablePepper;

impl KeyHasher {
    /// A hasher with the installation's pepper.
    pub fn new(pepper: &[u8]) -> Result<Self, UnusablePepper> {
        Hmac::new_from_slice(pepper)
            .map(Self)
            .map_err(|_length| UnusablePepper)
    }

    /// Makes a key from 256 random bits and a random lookup id.
    pub fn generate(&self, lookup: u64, secret: [u8; 32]) -> NewKey {
        let mut text = format!("{PREFIX}{lookup:016x}");
        for byte in secret {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        self.describe(text)
    }

    /// Describes a key that was chosen elsewhere, such as one of an existing installation.
    pub fn describe(&self, text: String) -> NewKey {
        let lookup = self.lookup(&text);
        let shown = if is_ours(&text) {
            PREFIX.len() + LOOKUP_HEX_DIGITS
        } else {
            8.min(text.len() / 2)
        };
        let prefix = text.chars().take(shown).collect();
        let hash = self.hash(&text);
        NewKey {
            text,
            prefix,
            lookup,
            hash,
        }
    }

    /// What finds a key: the public part of ours, a keyed hash of any other.
    pub fn lookup(&self, key: &str) -> KeyLookup {
        let ours = key.strip_prefix(PREFIX).filter(|_| is_ours(key));
        let public = ours.and_then(|rest| rest.get(..LOOKUP_HEX_DIGITS));
        if let Some(lookup) = public.and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
            return KeyLookup(lookup);
        }
        let mut mac = self.0.clone();
        mac.update(LOOKUP_DOMAIN);
        mac.update(key.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let first = digest.first_chunk().copied().unwrap_or_default();
        KeyLookup(u64::from_be_bytes(first))
    }

    /// Whether `key` is the key with this hash. With no hash to compare, as when nothing was
    /// found, the same work is done, so that time tells nothing.
    pub fn verify(&self, key: &str, stored: Option<&KeyHash>) -> bool {
        let hash = self.hash(key);
        let nobody = KeyHash([0; 32]);
        let expected = stored.unwrap_or(&nobody);
        bool::from(hash.0.ct_eq(&expected.0)) && stored.is_some()
    }

    fn hash(&self, key: &str) -> KeyHash {
        let mut mac = self.0.clone();
        mac.update(key.as_bytes());
        KeyHash(mac.finalize().into_bytes().into())
    }
}

fn is_ours(key: &str) -> bool {
    key.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == LOOKUP_HEX_DIGITS + SECRET_HEX_DIGITS
            && rest
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> KeyHasher {
        KeyHasher::new(b"pepper").unwrap()
    }

    #[test]
    fn a_key_is_found_by_its_public_part_and_proved_by_the_whole() {
        let key = hasher().generate(0xabc, [7; 32]);
        assert_eq!(key.text.len(), 83);
        assert_eq!(key.prefix, "bg_0000000000000abc");
        assert_eq!(hasher().lookup(&key.text), KeyLookup(0xabc));
        assert!(hasher().verify(&key.text, Some(&key.hash)));
        let forged = hasher().generate(0xabc, [8; 32]);
        assert!(!hasher().verify(&forged.text, Some(&key.hash)));
        assert!(!hasher().verify(&key.text, None));
    }

    #[test]
    fn a_key_chosen_elsewhere_works_and_shows_at_most_half_of_itself() {
        let key = hasher().describe("sk-legacy".to_owned());
        assert_eq!(key.prefix, "sk-l");
        assert_eq!(hasher().lookup("sk-legacy"), key.lookup);
        assert!(hasher().verify("sk-legacy", Some(&key.hash)));
    }

    #[test]
    fn another_pepper_makes_another_hash() {
        let key = hasher().generate(1, [1; 32]);
        let other = KeyHasher::new(b"other").unwrap();
        assert!(!other.verify(&key.text, Some(&key.hash)));
    }
}
