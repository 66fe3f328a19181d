//! The key that signs checkpoints, and the keys that are trusted to have signed them: Ed25519.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;

/// A text that is no key. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 64 hexadecimal digits")]
pub struct KeyError;

/// Signs checkpoints.
pub struct CheckpointKey(SigningKey);

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CheckpointKey({})", self.public().id())
    }
}

impl CheckpointKey {
    /// Reads the secret: 32 bytes in hex.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Ok(Self(SigningKey::from_bytes(&bytes_of(text)?)))
    }

    /// What others check its signatures with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; Signature::BYTE_SIZE] {
        self.0.sign(message).to_bytes()
    }
}

/// Checks signatures of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads what it prints: 32 bytes in hex.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(&bytes_of(text)?);
        key.map(Self).map_err(|_no_point| KeyError)
    }

    /// How checkpoints name it: the first bytes of its SHA-256, in hex.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        hex::encode(digest.get(..ID_BYTES).unwrap_or_default())
    }

    /// Whether it signed these bytes.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0.as_bytes()))
    }
}

fn bytes_of(text: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let mut bytes = [0; KEY_BYTES];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_secret| KeyError)?;
    Ok(bytes)
}
