//! API keys. Only their bcrypt hashes come over: the gateway proves a key by it at its first use, and keeps a hash of
//! its own from then on.

use sha2::{Digest, Sha256};

use crate::domain::tenant::{KeyHash, KeyLookup, LEGACY_PREFIX_LENGTH};
use crate::domain::window::UtcMicros;
use crate::import::ImportError;
use crate::import::job::{Job, instant};
use crate::import::report::Tally;
use crate::import::source::{Pages, SourceRow};
use crate::store::import::{ForeignKey, Import};

const KIND: &str = "key";
/// Each step of a cost doubles the work: the original hashes at 12, and a check at more than this
/// takes longer than a caller waits.
const COST_MAX: u32 = 14;
/// `$2b$12$` and 22 characters of salt and 31 of hash.
const HASH_LENGTH: usize = 60;

/// Brings keys over, revoked ones too.
pub(super) async fn import(job: &mut Job, import: &mut Import) -> Result<Tally, ImportError> {
    const PAGE: &str = concat!(
        "SELECT id::bigint AS id, \"tenantId\"::bigint AS tenant, \"isActive\" AS is_active, \
         \"keyHash\" AS hash, \"keyPrefix\" AS prefix, ",
        instant!("\"createdAt\""),
        " AS created_at FROM \"ApiKey\" WHERE id > $1::bigint ORDER BY id LIMIT $2"
    );
    let mut tally = Tally::default();
    let mut pages = Pages::of("ApiKey", PAGE, i64::MIN);
    while let Some(rows) = pages.next(&job.source).await? {
        for row in &rows {
            tally.found += 1;
            one(job, import, (row, &mut tally)).await?;
        }
    }
    Ok(tally)
}

async fn one(
    job: &Job,
    import: &mut Import,
    (row, tally): (&SourceRow, &mut Tally),
) -> Result<(), ImportError> {
    let id: i64 = row.get("id")?;
    let text = id.to_string();
    let example = format!("key {id}");
    if import.mark_of(job.original(KIND, &text)).await?.is_some() {
        tally.already_there += 1;
        return Ok(());
    }
    let tenant: i64 = row.get("tenant")?;
    let Some(tenant) = job.known.tenants.get(&tenant) else {
        tally.leave_out_one("its tenant did not come over", &example);
        return Ok(());
    };
    let (hash, prefix): (&str, &str) = (row.get("hash")?, row.get("prefix")?);
    if prefix.chars().count() != LEGACY_PREFIX_LENGTH || !prefix.is_ascii() {
        tally.leave_out_one("its prefix is not eight characters", &example);
        return Ok(());
    }
    match cost(hash) {
        None => {
            tally.leave_out_one("its hash is not one of bcrypt", &example);
            return Ok(());
        }
        Some(cost) if cost > COST_MAX => {
            tally.leave_out_one("its hash takes too long to check", &example);
            return Ok(());
        }
        Some(_) => {}
    }
    let key = ForeignKey {
        tenant: tenant.id,
        prefix: prefix.to_owned(),
        hash: hash.to_owned(),
        is_active: row.get("is_active")?,
        created_at: UtcMicros::new(row.get("created_at")?),
        provisional: provisional(&job.source.name, id),
    };
    let ours = import.add_key(&key).await?;
    import.mark(job.original(KIND, &text), ours.0).await?;
    tally.imported += 1;
    Ok(())
}

/// The cost of a bcrypt hash.
fn cost(hash: &str) -> Option<u32> {
    let parts: Vec<&str> = hash.split('$').collect();
    let ["", "2a" | "2b" | "2x" | "2y", cost, rest] = parts.as_slice() else {
        return None;
    };
    let is_whole = hash.len() == HASH_LENGTH
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/');
    is_whole.then(|| cost.parse().ok()).flatten()
}

/// The columns of our own hash must have something until it is known: what no key hashes to.
fn provisional(source: &str, id: i64) -> (KeyLookup, KeyHash) {
    let digest: [u8; 32] = Sha256::digest(format!("{source} key {id}")).into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    (KeyLookup(u64::from_be_bytes(first)), KeyHash(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_bcrypt_is_known_by_its_form() {
        let hash = |cost: &str| format!("$2b${cost}${}", "a".repeat(53));
        assert_eq!(cost(&hash("12")), Some(12));
        assert_eq!(cost(&hash("31")), Some(31));
        for wrong in [
            "",
            "$2b$12$short",
            &hash("x1"),
            &hash("12").replace("2b", "5"),
        ] {
            assert_eq!(cost(wrong), None, "{wrong}");
        }
    }
}
