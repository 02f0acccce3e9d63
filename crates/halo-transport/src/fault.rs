//! Tells the faults below HTTP apart.

use std::error::Error;
use std::io;

use halo_types::{Phase, TransportClass, TransportFailure};
use rustls::{AlertDescription, CertificateError};

use crate::certificate::CertificateFault;

/// Classifies a failure of the HTTP client.
///
/// `phase` is where the exchange was; the client's own word for "could not connect" overrules it
/// in what is returned. `proxied` says whether a proxy stood on the way.
pub(crate) fn classify(
    error: reqwest::Error,
    phase: Phase,
    proxied: bool,
) -> (Phase, TransportFailure) {
    // The outermost text would name the URL with its query, where some keys are.
    let error = error.without_url();
    let phase = if error.is_connect() || error.is_builder() { Phase::Connect } else { phase };
    let class = class_of(&error, phase, proxied);
    (phase, TransportFailure { class, chain: chain(&error) })
}

/// The texts of an error and its causes, outermost first, immediate repetitions left out.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = Vec::new();
    for link in links(error) {
        match certificate_fault(link) {
            Some(fault) => texts.extend(fault.words()),
            None => texts.push(link.to_string()),
        }
    }
    texts.dedup();
    texts
}

/// The refused certificate, where a link is about one.
fn certificate_fault<'e>(link: &'e (dyn Error + 'static)) -> Option<&'e CertificateFault> {
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = tls_error(link)? else {
        return None;
    };
    other.0.downcast_ref()
}

/// The TLS error that a link is or wraps.
fn tls_error<'e>(link: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    match link.downcast_ref::<io::Error>() {
        Some(error) => innermost(error).get_ref()?.downcast_ref(),
        None => link.downcast_ref(),
    }
}

/// The class of a plain I/O fault, as it occurs while a connection is made.
pub(crate) fn io_class(error: &io::Error) -> TransportClass {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => TransportClass::Refused,
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => TransportClass::Unreachable,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => TransportClass::Reset,
        io::ErrorKind::TimedOut => TransportClass::ConnectTimeout,
        _ => TransportClass::Other,
    }
}

fn class_of(error: &reqwest::Error, phase: Phase, proxied: bool) -> TransportClass {
    if error.is_builder() {
        return TransportClass::Other;
    }
    let connecting = phase == Phase::Connect;
    if connecting && error.is_timeout() {
        return TransportClass::ConnectTimeout;
    }
    let found = links(error).find_map(|link| class_of_link(link, phase));
    match found {
        Some(class @ (TransportClass::Certificate | TransportClass::Tls)) => class,
        Some(TransportClass::ConnectTimeout) => TransportClass::ConnectTimeout,
        // With socks4 and socks5 it is this machine that looks for the provider's address.
        _ if links(error).any(|link| link.to_string().starts_with(SOCKS_RESOLVE)) => {
            TransportClass::Dns
        }
        _ if connecting && proxied => TransportClass::Proxy,
        Some(class) => class,
        None if error.is_decode() || error.is_body() => TransportClass::Protocol,
        None => TransportClass::Other,
    }
}

/// How the HTTP client begins a complaint about a name that it looked up for a SOCKS proxy.
const SOCKS_RESOLVE: &str = "error resolving for socks proxy";

fn class_of_link(link: &(dyn Error + 'static), phase: Phase) -> Option<TransportClass> {
    if let Some(error) = tls_error(link) {
        return Some(tls_class(error));
    }
    if let Some(error) = link.downcast_ref::<io::Error>() {
        return io_link(innermost(error), phase);
    }
    if let Some(error) = link.downcast_ref::<hyper::Error>() {
        return hyper_link(error, phase);
    }
    // These types are private to their crates; their texts are all there is.
    let text = link.to_string();
    let starts = |start: &str| text.starts_with(start);
    if starts("dns error") || starts("failed to lookup address") {
        Some(TransportClass::Dns)
    } else if starts("tunnel error") || starts("SOCKS error") || text.contains("socks proxy") {
        Some(TransportClass::Proxy)
    } else if starts("stream error") || starts("connection error") {
        Some(TransportClass::Reset)
    } else {
        None
    }
}

/// The I/O error inside I/O errors: each hides the one it wraps from the chain of sources.
fn innermost(mut error: &io::Error) -> &io::Error {
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        error = inner;
    }
    error
}

fn io_link(error: &io::Error, phase: Phase) -> Option<TransportClass> {
    let in_body = matches!(phase, Phase::Body | Phase::Stream);
    match error.kind() {
        io::ErrorKind::UnexpectedEof if in_body => Some(TransportClass::Truncated),
        io::ErrorKind::UnexpectedEof if error.to_string().contains("tls handshake") => {
            Some(TransportClass::Tls)
        }
        io::ErrorKind::TimedOut if phase != Phase::Connect => Some(TransportClass::Reset),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(TransportClass::Protocol),
        _ => match io_class(error) {
            TransportClass::Other => None,
            class => Some(class),
        },
    }
}

fn hyper_link(error: &hyper::Error, phase: Phase) -> Option<TransportClass> {
    if error.is_parse() {
        Some(TransportClass::Protocol)
    } else if error.is_incomplete_message() {
        Some(match phase {
            Phase::Body | Phase::Stream => TransportClass::Truncated,
            Phase::Connect | Phase::Headers => TransportClass::Reset,
        })
    } else if error.is_canceled() || error.is_closed() {
        Some(TransportClass::Reset)
    } else {
        None
    }
}

fn tls_class(error: &rustls::Error) -> TransportClass {
    use AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::InvalidCertRevocationList(_)
        | rustls::Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::UnknownCA,
        ) => TransportClass::Certificate,
        _ => TransportClass::Tls,
    }
}

fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let link = next?;
        next = link.source();
        Some(link)
    })
}
