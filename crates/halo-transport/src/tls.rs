//! TLS: rustls with ring, trusting what the system trusts and what a person adds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use crate::certificate::CertificateFault;

/// How long the system's certificates are taken as read. Clients are made one per provider, and
/// each would read some hundred files.
const SYSTEM_FRESH: Duration = Duration::from_secs(600);

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

/// The TLS settings of a client that trusts `extra` certificates besides those of the system.
pub(crate) fn config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let verifier: Arc<dyn ServerCertVerifier> =
        if extra.is_empty() { system() } else { with_extra(extra)? };
    let mut config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Telling(verifier)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn with_extra(extra: Vec<CertificateDer<'static>>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(Arc::new(Verifier::new_with_extra_roots(extra, provider)?))
}

/// What the system trusts.
///
/// A system without any root certificate (a bare container) must still reach local servers, so
/// there the trust is empty and `https` fails with a certificate fault.
fn system() -> Arc<dyn ServerCertVerifier> {
    static KNOWN: Mutex<Option<(Instant, Arc<dyn ServerCertVerifier>)>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((read_at, verifier)) = &*known
        && read_at.elapsed() < SYSTEM_FRESH
    {
        return Arc::clone(verifier);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match Verifier::new(Arc::clone(&provider)) {
        Ok(verifier) => {
            let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
            *known = Some((Instant::now(), Arc::clone(&verifier)));
            verifier
        }
        Err(error) => {
            tracing::warn!(%error, "no root certificates found; https will fail");
            Arc::new(NoTrust(provider))
        }
    }
}

/// Lets the certificate itself speak where it is refused: who issued it, for which names and times.
#[derive(Debug)]
struct Telling(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for Telling {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match error {
                Error::InvalidCertificate(fault) => {
                    let fault = CertificateFault::new(fault, end_entity, now.as_secs());
                    let other = OtherError(Arc::new(fault));
                    Error::InvalidCertificate(CertificateError::Other(other))
                }
                other => other,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Trusts nobody.
#[derive(Debug)]
struct NoTrust(Arc<CryptoProvider>);

impl NoTrust {
    const REFUSED: Error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
}

impl ServerCertVerifier for NoTrust {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(Self::REFUSED)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::REFUSED)
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::REFUSED)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
