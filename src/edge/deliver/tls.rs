//! TLS to receivers: whom to trust, and who the watch is to them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::model::limits;

/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A TLS client: whom it trusts, and who it is.
pub type TlsClient = Arc<ClientConfig>;

/// The files of a TLS client.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsFiles<'a> {
    /// Authorities that the receiver's certificate must come from; without it, those that the system trusts.
    pub authorities: Option<&'a Path>,
    /// The client's certificate, its intermediates after it.
    pub certificate: Option<&'a Path>,
    /// Its key.
    pub key: Option<&'a Path>,
}

/// Why no TLS client can be made of them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// There is nothing of the kind in a file.
    #[error("{} holds no {what} in PEM", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// The system has no list of authorities where one was looked for.
    #[error("the system trusts no authorities that could be found")]
    NoAuthorities,
    /// Certificate and key do not make a client.
    #[error("the certificate and the key do not make a client: {0}")]
    Client(String),
}

impl TlsFiles<'_> {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn client(&self) -> Result<TlsClient, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Client(error.to_string()))?
            .with_root_certificates(self.roots()?);
        let config = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let held = PrivateKeyDer::from_pem_slice(&read(key)?);
                let empty = |_| TlsError::Empty { path: key.to_path_buf(), what: "private key" };
                builder.with_client_auth_cert(chain, held.map_err(empty)?)
            }
            _ => Ok(builder.with_no_client_auth()),
        };
        config.map(Arc::new).map_err(|error| TlsError::Client(error.to_string()))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let path = match self.authorities {
            Some(path) => path.to_path_buf(),
            None => {
                let found = SYSTEM.iter().map(Path::new).find(|path| path.is_file());
                found.ok_or(TlsError::NoAuthorities)?.to_path_buf()
            }
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates(&path)?);
        if added == 0 {
            return Err(TlsError::Empty { path, what: "certificate of an authority" });
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).collect();
    match all.is_empty() {
        true => Err(TlsError::Empty { path: path.to_path_buf(), what: "certificate" }),
        false => Ok(all),
    }
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    let unreadable = |why: String| TlsError::Unreadable { path: path.to_path_buf(), why };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    let bound = limits::PEM_FILE_BYTES;
    file.take(bound + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > bound {
        return Err(unreadable("it is larger than such files are".to_owned()));
    }
    Ok(bytes)
}
