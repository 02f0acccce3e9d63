//! A file of further certificates to trust.

use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

/// The largest file that is read; the system's whole store is a quarter of it.
const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with a file of certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// There is no such file.
    #[error("the CA file {path} does not exist", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("the CA file {path} cannot be read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is far too large for what it should hold.
    #[error("the CA file {path} is larger than 1 MiB", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// There is no certificate in it.
    #[error(
        "the CA file {path} holds no certificate; it must be PEM, a text with \
         \"-----BEGIN CERTIFICATE-----\"",
        path = path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in it is damaged.
    #[error("certificate number {nth} in the CA file {path} cannot be read", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which one, from 1.
        nth: usize,
    },
}

/// Reads a file of certificates and says how many there are in it.
///
/// # Errors
/// What is wrong with the file.
pub fn check_ca_file(path: &Path) -> Result<usize, CaError> {
    read(path).map(|certificates| certificates.len())
}

/// The certificates of a file, each known to be usable.
pub(crate) fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, CaError> {
    let path = || path.to_owned();
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => CaError::Missing { path: path() },
        _ => CaError::Unreadable { path: path(), source },
    };
    // Only a plain file: reading a pipe or a device might never end.
    let metadata = std::fs::metadata(path()).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file")));
    }
    if metadata.len() > MAX_BYTES {
        return Err(CaError::TooLarge { path: path() });
    }
    let text = std::fs::read(path()).map_err(unreadable)?;
    let mut found = Vec::new();
    // Each is tried by itself, so that the damaged one can be named.
    let mut store = RootCertStore::empty();
    for (at, certificate) in CertificateDer::pem_slice_iter(&text).enumerate() {
        let damaged = || CaError::Damaged { path: path(), nth: at + 1 };
        let certificate = match certificate {
            Ok(certificate) => certificate,
            Err(pem::Error::NoItemsFound) => break,
            Err(_) => return Err(damaged()),
        };
        store.add(certificate.clone()).map_err(|_| damaged())?;
        found.push(certificate);
    }
    if found.is_empty() { Err(CaError::NoCertificate { path: path() }) } else { Ok(found) }
}
