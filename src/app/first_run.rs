//! What a gateway needs that nobody configured: a data folder, an admin key, a pepper, a tenant with
//! a key. Made once, kept in the data folder for its owner only.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::domain::ledger::chain::WriterId;
use crate::domain::stamp::Stamp;
use crate::domain::tenant::Tenant;
use crate::domain::window::Clock;
use crate::keys::KeyHasher;
use crate::settings::Settings;
use crate::settings::secret::Secret;
use crate::store::Store;
use crate::store::keys::NewKey;
use crate::store::ledger::chain::Writer;

const PEPPER_FILE: &str = "key-pepper";
const REPLICA_FILE: &str = "replica";
const REPLICA_NAME_LENGTH: usize = 16;
const CHECKPOINT_KEY_FILE: &str = "checkpoint-key";
const WRITER_FILE: &str = "ledger-writer";
/// Hex digits of the kept file that are its id.
const WRITER_ID_LENGTH: usize = 32;
const ADMIN_KEY_FILE: &str = "admin-key";
const FIRST_KEY_FILE: &str = "first-key";
/// The name of the key that is made for the first tenant.
const FIRST_KEY_NAME: &str = "first";

/// What there is to tell about the start.
#[derive(Debug)]
pub struct FirstRun {
    /// What opens the admin API.
    pub admin_key: Secret,
    /// Where it is kept, if it was made here.
    pub admin_key_file: Option<PathBuf>,
    /// The tenant that calls without any set-up.
    pub tenant: String,
    /// Its key, if it was made just now. Shown once.
    pub tenant_key: Option<Secret>,
    /// Where that key is kept for a start without a terminal.
    pub tenant_key_file: PathBuf,
}

/// Makes what is missing.
pub async fn ensure(
    settings: &Settings,
    store: &Store,
    hasher: &KeyHasher,
    clock: &dyn Clock,
) -> Result<FirstRun> {
    let folder = &settings.stores.data_dir;
    make_private_folder(folder)?;
    let (admin_key, admin_key_file) = if let Some(key) = &settings.admin.api_key {
        (key.clone(), None)
    } else {
        let file = folder.join(ADMIN_KEY_FILE);
        (kept_secret(&file)?, Some(file))
    };
    let tenant = store
        .ensure_tenant(&settings.seed.tenant, &Stamp::by_system(clock.now()))
        .await?
        .tenant;
    Ok(FirstRun {
        admin_key,
        admin_key_file,
        tenant_key: ensure_key(settings, store, hasher, &tenant, clock).await?,
        tenant: tenant.name,
        tenant_key_file: folder.join(FIRST_KEY_FILE),
    })
}

impl FirstRun {
    /// Puts the new key where its owner can read it later; for a start without a terminal.
    pub fn keep_tenant_key(&self) -> Result<()> {
        match &self.tenant_key {
            Some(key) => write_private(&self.tenant_key_file, key.expose()),
            None => Ok(()),
        }
    }
}

/// What opens the admin API of the gateway that these settings or this data folder are of.
pub fn admin_key(settings: &Settings) -> Result<Secret> {
    if let Some(key) = &settings.admin.api_key {
        return Ok(key.clone());
    }
    let file = settings.stores.data_dir.join(ADMIN_KEY_FILE);
    match fs::read_to_string(&file) {
        Ok(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim())),
        Ok(_) | Err(_) => anyhow::bail!(
            "there is no admin key: set ADMIN_API_KEY, or run where the data folder of the gateway is \
             ({} cannot be read)",
            file.display()
        ),
    }
}

/// Makes a key for the tenant unless it has one that works.
async fn ensure_key(
    settings: &Settings,
    store: &Store,
    hasher: &KeyHasher,
    tenant: &Tenant,
    clock: &dyn Clock,
) -> Result<Option<Secret>> {
    if store
        .list_keys(tenant.id)
        .await?
        .iter()
        .any(|key| key.is_active)
    {
        return Ok(None);
    }
    let key = match &settings.seed.api_key {
        Some(key) => hasher.describe(key.expose().to_owned()),
        None => hasher.generate(rand::random(), rand::random()),
    };
    let record = NewKey {
        tenant: tenant.id,
        name: FIRST_KEY_NAME.to_owned(),
        prefix: key.prefix,
        lookup: key.lookup,
        hash: key.hash,
    };
    let stamp = Stamp::by_system(clock.now());
    store.create_key(&record, &stamp).await?;
    Ok(settings
        .seed
        .api_key
        .is_none()
        .then(|| Secret::new(key.text)))
}

/// The pepper of the settings, or the one that was made at the first start.
pub(super) fn key_pepper(settings: &Settings) -> Result<Secret> {
    if let Some(pepper) = &settings.admin.key_pepper {
        return Ok(pepper.clone());
    }
    let folder = &settings.stores.data_dir;
    make_private_folder(folder)?;
    if settings.stores.database_url.is_some() {
        tracing::warn!(
            folder = %folder.display(),
            "KEY_PEPPER is not set: keys made here work only where this data folder is"
        );
    }
    kept_secret(&folder.join(PEPPER_FILE))
}

/// What this process is called among replicas: the same for as long as the data folder, and with it the
/// spool, is the same.
pub(super) fn replica_name(settings: &Settings) -> Result<String> {
    let kept = kept_secret(&settings.stores.data_dir.join(REPLICA_FILE))?;
    Ok(kept.expose().chars().take(REPLICA_NAME_LENGTH).collect())
}

/// Who appends the ledger rows that come from this data folder: the same for as long as it lives, since its
/// spool is locked to one process. Processes that take turns, as in a restart without a gap, share a chain.
pub(super) fn ledger_writer(settings: &Settings) -> Result<Writer> {
    let folder = &settings.stores.data_dir;
    make_private_folder(folder)?;
    let file = folder.join(WRITER_FILE);
    let kept = kept_secret(&file)?;
    let id = u128::from_str_radix(
        kept.expose().get(..WRITER_ID_LENGTH).unwrap_or_default(),
        16,
    );
    let id = id.with_context(|| format!("{} is not what was written there", file.display()))?;
    Ok(Writer {
        id: WriterId::from_bytes(id.to_be_bytes()),
        name: Arc::from("gateway"),
    })
}

/// The key that signs checkpoints: of the settings, or the one that was made when it was first needed.
pub(super) fn checkpoint_key(settings: &Settings) -> Result<Secret> {
    if let Some(key) = &settings.checkpoints.key {
        return Ok(key.clone());
    }
    let folder = &settings.stores.data_dir;
    make_private_folder(folder)?;
    kept_secret(&folder.join(CHECKPOINT_KEY_FILE))
}

/// A folder that only its owner can look into.
pub(super) fn make_private_folder(folder: &Path) -> Result<()> {
    let made = fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o700)));
    made.with_context(|| format!("could not make the data folder {}", folder.display()))
}

/// The secret in a file, made at random if the file is not there.
fn kept_secret(file: &Path) -> Result<Secret> {
    match fs::read_to_string(file) {
        Ok(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim())),
        Ok(_) => anyhow::bail!("{} is empty", file.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let [high, low]: [u128; 2] = rand::random();
            let text = format!("{high:032x}{low:032x}");
            write_private(file, &text)?;
            Ok(Secret::new(text))
        }
        Err(error) => Err(error).with_context(|| format!("could not read {}", file.display())),
    }
}

fn write_private(file: &Path, text: &str) -> Result<()> {
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file);
    opened
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .with_context(|| format!("could not write {}", file.display()))
}
