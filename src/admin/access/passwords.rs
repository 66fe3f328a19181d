//! Passwords: hashed and checked with argon2id beside the async threads, a few at once. It takes the
//! same time whether there is such a user or not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::admin::error::AdminError;
use crate::settings::secret::Secret;

/// What OWASP recommends for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many are hashed at once: each takes its memory and a core.
const AT_ONCE_MAX: usize = 2;
/// How long one waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(5);
/// How many wait.
const WAITING_MAX: usize = 64;
/// A hash that no password has, for names that nobody has.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords and checks them.
pub(in crate::admin) struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Passwords")
    }
}

impl Passwords {
    /// What is kept of a password.
    pub(in crate::admin) async fn hash(&self, password: Secret) -> Result<Secret, AdminError> {
        let salt: [u8; 16] = rand::random();
        let hashed = self.on_its_turn(move || {
            let hash = hasher()?.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.ok().map(|hash| Secret::new(hash.to_string()))
        });
        hashed.await?.ok_or(AdminError::Internal)
    }

    /// Whether it is the password that was hashed; never where there is no hash.
    pub(in crate::admin) async fn is_right(
        &self,
        password: Secret,
        hash: Option<Secret>,
    ) -> Result<bool, AdminError> {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| Secret::new(NOBODY));
        let verified = self.on_its_turn(move || {
            let password = password.expose().as_bytes();
            Some(hasher()?.verify_password(password, hash.expose()).is_ok())
        });
        let is_right = verified.await?.ok_or(AdminError::Internal)?;
        Ok(is_right && is_known)
    }

    async fn on_its_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AdminError> {
        let turn = self.turn().await?;
        let worked = spawn_blocking(move || {
            // The turn ends with the work, also if nobody waits for it any more.
            let _turn = turn;
            work()
        });
        worked.await.map_err(|_panic| AdminError::Internal)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, AdminError> {
        let _waiting = self.waiting.try_acquire().map_err(|_full| busy())?;
        let turn = timeout(TURN_WAIT_MAX, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_elapsed| busy())?;
        turn.map_err(|_closed| AdminError::Internal)
    }
}

fn busy() -> AdminError {
    AdminError::Busy {
        reason: "Too many logins at once",
        retry_after: TURN_WAIT_MAX,
    }
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_by_no_other() {
        let passwords = Passwords::default();
        let secret = || Secret::new("correct horse battery");
        let hash = passwords.hash(secret()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(hash, passwords.hash(secret()).await.unwrap(), "salted");
        assert!(
            passwords
                .is_right(secret(), Some(hash.clone()))
                .await
                .unwrap()
        );
        let wrong = Secret::new("correct horse batterz");
        assert!(!passwords.is_right(wrong, Some(hash)).await.unwrap());
        assert!(!passwords.is_right(secret(), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_hash_that_nobody_has_costs_what_others_do() {
        let parsed = argon2::password_hash::phc::PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&parsed).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (MEMORY_KIB, PASSES, LANES)
        );
    }
}
