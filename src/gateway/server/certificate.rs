//! The gateway's own certificate: a handshake takes the one of its moment, and another may be put in its
//! place while connections go on with the one that they began with.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use crate::settings::server::Tls;

/// Why files are no certificate and key.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// One of them cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file has no private key in it.
    #[error("`{}` holds no private key in PEM", .0.display())]
    NoKey(PathBuf),
    /// They do not belong together, or cannot be used.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// What a look at the files found.
#[derive(Debug)]
pub enum Look {
    /// Nothing new, or something that is still being written.
    Same,
    /// Another certificate, which is in force now.
    Loaded,
    /// Something that cannot be used. The one before stays in force.
    Failed(CertificateError),
}

/// See the module.
#[derive(Debug)]
pub struct Certificate {
    files: Tls,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// The certificate of these files.
    pub fn load(files: &Tls) -> Result<Self, CertificateError> {
        let current = ArcSwap::from_pointee(read(files)?);
        let files = files.clone();
        Ok(Self { files, current })
    }

    /// Takes what the files hold now.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.current.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// Somebody who looks whether the files changed since they were loaded.
    pub fn watch(self: &Arc<Self>) -> CertificateWatch {
        let taken = stamp(&self.files);
        CertificateWatch {
            certificate: Arc::clone(self),
            seen: taken,
            taken,
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Looks again and again: right on every file system, and through the links that Kubernetes exchanges.
#[derive(Debug)]
pub struct CertificateWatch {
    certificate: Arc<Certificate>,
    /// What was loaded, or found to be of no use.
    taken: Stamp,
    /// What the last look found.
    seen: Stamp,
}

impl CertificateWatch {
    /// Loads what is different from what was taken and the same as at the last look: certificate and key
    /// are written one after the other.
    pub fn look(&mut self) -> Look {
        let now = stamp(&self.certificate.files);
        let is_settled = now == self.seen;
        self.seen = now;
        if now == self.taken || !is_settled {
            return Look::Same;
        }
        self.taken = now;
        self.load()
    }

    /// Loads what is there, whatever it was before.
    pub fn load(&mut self) -> Look {
        match self.certificate.reload() {
            Ok(()) => Look::Loaded,
            Err(error) => Look::Failed(error),
        }
    }
}

/// What tells files from what they were without reading them.
type Stamp = [Option<[i128; 5]>; 2];

fn stamp(files: &Tls) -> Stamp {
    [&files.cert, &files.key].map(|path| {
        let found = fs::metadata(path).ok()?;
        Some([
            found.dev().into(),
            found.ino().into(),
            found.len().into(),
            found.mtime().into(),
            found.mtime_nsec().into(),
        ])
    })
}

fn read(files: &Tls) -> Result<CertifiedKey, CertificateError> {
    let chain = rustls_pemfile::certs(&mut text(&files.cert)?.as_slice())
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable(&files.cert))?;
    let key = rustls_pemfile::private_key(&mut text(&files.key)?.as_slice())
        .map_err(unreadable(&files.key))?
        .ok_or_else(|| CertificateError::NoKey(files.key.clone()))?;
    Ok(CertifiedKey::from_der(
        chain,
        key,
        &ring::default_provider(),
    )?)
}

fn text(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> CertificateError {
    move |source| CertificateError::Read {
        path: path.to_owned(),
        source,
    }
}
