//! Which certificates providers and the receiver of alerts are trusted by: the system's, and those that
//! the settings add.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;

use crate::settings::Settings;

const BUNDLE: &str = "trusted-certificates.pem";

/// Writes the system's certificates and those of `extra` into one file. Pingora takes a file
/// instead of the system's certificates, never beside them.
pub(super) fn with_extra(extra: Option<&Path>, folder: &Path) -> Result<Option<PathBuf>> {
    let Some(extra) = extra else { return Ok(None) };
    let mut bundle =
        fs::read_to_string(extra).with_context(|| format!("could not read {}", extra.display()))?;
    let system = rustls_native_certs::load_native_certs();
    for certificate in system.context("could not read the system's certificates")? {
        bundle.push_str("\n-----BEGIN CERTIFICATE-----\n");
        bundle.push_str(&STANDARD.encode(&certificate));
        bundle.push_str("\n-----END CERTIFICATE-----\n");
    }
    let path = folder.join(BUNDLE);
    fs::write(&path, bundle).with_context(|| format!("could not write {}", path.display()))?;
    Ok(Some(path))
}

/// Those that the settings trust.
pub fn of_settings(settings: &Settings) -> Result<RootCertStore> {
    roots(settings.upstream.ca_file.as_deref())
}

/// The system's certificates and those of `extra`. As Pingora does, it refuses one that is broken.
pub(super) fn roots(extra: Option<&Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for certificate in system.context("could not read the system's certificates")? {
        let added = roots.add(certificate);
        added.context("one of the system's certificates cannot be used")?;
    }
    let Some(extra) = extra else { return Ok(roots) };
    let named = || format!("could not read {}", extra.display());
    let file = fs::File::open(extra).with_context(named)?;
    for certificate in rustls_pemfile::certs(&mut BufReader::new(file)) {
        roots
            .add(certificate.with_context(named)?)
            .with_context(named)?;
    }
    Ok(roots)
}
