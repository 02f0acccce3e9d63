//! What a refused certificate says about itself: names, times and issuer, read from its DER.

use std::error::Error;
use std::fmt;

use jiff::Timestamp;
use rustls::CertificateError;

/// The longest name that is repeated, in characters. The other side wrote it.
const MAX_NAME: usize = 80;
/// The most host names that are repeated.
const MAX_NAMES: usize = 8;

/// Why a certificate was refused, with what it says about itself.
#[derive(Debug)]
pub(crate) struct CertificateFault {
    fault: CertificateError,
    about: Option<About>,
    /// The time of this machine's clock, in seconds since 1970.
    now: u64,
}

impl CertificateFault {
    pub(crate) fn new(fault: CertificateError, certificate: &[u8], now: u64) -> Self {
        Self { fault, about: About::read(certificate), now }
    }

    /// The fault in the words of the TLS library, then in ours.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![
            rustls::Error::InvalidCertificate(self.fault.clone()).to_string(),
            self.to_string(),
        ];
        let about_time = matches!(
            self.fault,
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        );
        if about_time {
            words.push(format!("the clock of this machine says {}", date(self.now)));
        }
        words
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(about) = &self.about else {
            return f.write_str("the certificate cannot be read");
        };
        f.write_str("the certificate is for ")?;
        match about.names.as_slice() {
            [] if about.subject.is_empty() => f.write_str("nobody")?,
            [] => write!(f, "{}", about.subject)?,
            names => {
                f.write_str(&names[..names.len().min(MAX_NAMES)].join(", "))?;
                if names.len() > MAX_NAMES {
                    write!(f, " and {} more", names.len() - MAX_NAMES)?;
                }
            }
        }
        write!(f, ", valid from {} to {}", about.not_before, about.not_after)?;
        match about.issuer.as_str() {
            "" => f.write_str(", issued by nobody named"),
            _ if about.own_issuer => write!(f, ", issued by itself ({})", about.issuer),
            issuer => write!(f, ", issued by {issuer}"),
        }
    }
}

impl Error for CertificateFault {}

/// What a certificate that was accepted says, in a line; `None` where it is built otherwise.
pub(crate) fn describe(der: &[u8]) -> Option<String> {
    let about = About::read(der)?;
    let name = about.names.first().cloned().unwrap_or(about.subject);
    let issuer = about.issuer;
    Some(format!("{name}, valid to {}, issued by {issuer}", about.not_after))
}

/// What a certificate says.
#[derive(Debug, PartialEq, Eq)]
struct About {
    issuer: String,
    subject: String,
    own_issuer: bool,
    not_before: String,
    not_after: String,
    names: Vec<String>,
}

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];
const ALT_NAMES: &[u8] = &[0x55, 29, 17];

impl About {
    /// Reads a certificate (RFC 5280, section 4.1); `None` where it is built otherwise.
    fn read(der: &[u8]) -> Option<Self> {
        let mut certificate = Reader(Reader(der).take(SEQUENCE)?);
        let mut tbs = Reader(certificate.take(SEQUENCE)?);
        // The version is optional; serial number and algorithm follow.
        if tbs.peek() == Some(0xa0) {
            tbs.any()?;
        }
        tbs.any()?;
        tbs.any()?;
        let issuer = tbs.take(SEQUENCE)?;
        let mut validity = Reader(tbs.take(SEQUENCE)?);
        let not_before = time(validity.any()?)?;
        let not_after = time(validity.any()?)?;
        let subject = tbs.take(SEQUENCE)?;
        tbs.any()?;
        let mut names = Vec::new();
        while let Some((tag, content)) = tbs.any() {
            if tag == 0xa3 {
                names = alt_names(content).unwrap_or_default();
            }
        }
        Some(Self {
            own_issuer: issuer == subject,
            issuer: name(issuer),
            subject: name(subject),
            not_before,
            not_after,
            names,
        })
    }
}

/// Reads DER: tag, length, content. Everything ends in `None` where the bytes do.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.any().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }
}

/// A distinguished name by its common name and organisation.
fn name(content: &[u8]) -> String {
    let mut sets = Reader(content);
    let (mut common, mut organisation) = (None, None);
    while let Some((_, set)) = sets.any() {
        let mut pairs = Reader(set);
        while let Some(pair) = pairs.take(SEQUENCE) {
            let mut pair = Reader(pair);
            let (Some(kind), Some((tag, value))) = (pair.take(OID), pair.any()) else { continue };
            match kind {
                COMMON_NAME => common = common.or_else(|| Some(text(tag, value))),
                ORGANISATION => organisation = organisation.or_else(|| Some(text(tag, value))),
                _ => {}
            }
        }
    }
    match (common, organisation) {
        (Some(common), Some(organisation)) if common != organisation => {
            format!("{common} ({organisation})")
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => String::new(),
    }
}

/// A string of a name. The other side wrote it, so it is cut and stripped of what would not show.
fn text(tag: u8, bytes: &[u8]) -> String {
    let text = if tag == 0x1e {
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

/// The host names and addresses that a certificate is for.
fn alt_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Reader(Reader(extensions).take(SEQUENCE)?);
    while let Some(extension) = extensions.take(SEQUENCE) {
        let mut extension = Reader(extension);
        if extension.take(OID)? != ALT_NAMES {
            continue;
        }
        // A mark that it is critical may stand between.
        let (mut tag, mut value) = extension.any()?;
        if tag == 0x01 {
            (tag, value) = extension.any()?;
        }
        if tag != 0x04 {
            return None;
        }
        let mut list = Reader(Reader(value).take(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, name)) = list.any() {
            match (tag, name.len()) {
                (0x82, _) => names.push(text(tag, name)),
                (0x87, 4) => {
                    let bytes: [u8; 4] = name.try_into().ok()?;
                    names.push(std::net::Ipv4Addr::from(bytes).to_string());
                }
                (0x87, 16) => {
                    let bytes: [u8; 16] = name.try_into().ok()?;
                    names.push(std::net::Ipv6Addr::from(bytes).to_string());
                }
                _ => {}
            }
        }
        return Some(names);
    }
    None
}

/// `2026-03-01 12:30 UTC` from one of the two forms of a time.
fn time((tag, content): (u8, &[u8])) -> Option<String> {
    let digits = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (century, rest) = match (tag, digits.len()) {
        // Two figures of a year mean 1950 to 2049.
        (0x17, 12) => (if digits < "50" { "20" } else { "19" }, digits),
        (0x18, 14) => digits.split_at(2),
        _ => return None,
    };
    let at = |start: usize| &rest[start..start + 2];
    Some(format!("{century}{}-{}-{} {}:{} UTC", at(0), at(2), at(4), at(6), at(8)))
}

/// The date of a moment, in UTC.
fn date(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
    match moment.map(|moment| moment.to_string()) {
        // `2026-03-01T12:30:00Z`
        Some(text) if text.len() >= 16 => format!("{} {} UTC", &text[..10], &text[11..16]),
        _ => format!("{seconds} s after 1970"),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params =
            CertificateParams::new(["a.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2019, 12, 31);
        params.not_after = date_time_ymd(2051, 2, 28);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "the \u{7}server");
        params.distinguished_name.push(DnType::OrganizationName, "测试");
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_says_who_it_is() {
        let fault = CertificateFault::new(CertificateError::UnknownIssuer, &certificate(), 0);
        assert_eq!(
            fault.words(),
            [
                "invalid peer certificate: UnknownIssuer",
                "the certificate is for a.example, 127.0.0.1, valid from 2019-12-31 00:00 UTC to \
                 2051-02-28 00:00 UTC, issued by itself (the server (测试))",
            ]
        );
        let now = 1_795_824_000;
        let expired = CertificateFault::new(CertificateError::Expired, b"no certificate", now);
        assert_eq!(expired.words()[1], "the certificate cannot be read");
        assert_eq!(expired.words()[2], "the clock of this machine says 2026-11-28 00:00 UTC");
    }

    #[test]
    fn broken_certificates_break_nothing() {
        let whole = certificate();
        for end in 0..whole.len() {
            let _ = About::read(&whole[..end]);
        }
        for at in 0..whole.len() {
            for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xa3, 0xff] {
                let mut broken = whole.clone();
                broken[at] = byte;
                let _ = About::read(&broken).map(|about| about.names.len());
            }
        }
    }

    #[test]
    fn dates_are_reckoned() {
        for (seconds, want) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(date(seconds), want);
        }
        assert!(!date(u64::MAX).is_empty());
    }
}
