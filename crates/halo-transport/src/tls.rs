//! TLS: rustls with ring, trusting what the system trusts.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// Makes ring the cryptography of this process. May be called any number of times.
///
/// [`Client::new`](crate::Client::new) calls it; a program that uses rustls before that calls it
/// at its start.
pub fn install_tls() {
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// The TLS settings of every connection.
///
/// A system without any root certificate (a bare container) must still reach local servers, so
/// there the trust is empty and `https` fails with a certificate fault.
pub(crate) fn config() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder();
    let mut config = match Verifier::new(provider) {
        Ok(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "no root certificates found; https will fail");
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}
