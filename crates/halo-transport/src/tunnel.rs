//! Asks a proxy by hand for the way to a server.
//!
//! The HTTP client says of a proxy that refuses no more than "unsuccessful". Whoever has to mend
//! it needs the proxy's own words: its status line, or what its SOCKS reply means.

use std::io;
use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::ProxyUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};

/// The longest head of a proxy's answer that is read.
const MAX_HEAD: usize = 8192;
/// The longest status line that is repeated, in characters.
const MAX_LINE: usize = 120;

/// Why a proxy is no way to a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError {
    #[error("the proxy's name {0:?} could not be resolved")]
    Dns(String, #[source] io::Error),
    #[error("no connection to the proxy {0}")]
    Connect(String, #[source] io::Error),
    #[error("the connection to the proxy broke during its handshake")]
    Io(#[source] io::Error),
    #[error("proxy authentication required: the proxy wants a user and a password ({0})")]
    WantsCredentials(String),
    #[error("proxy authentication failed: the proxy does not accept this user and password ({0})")]
    Credentials(String),
    #[error("the proxy does not allow a connection to {0}: {1}")]
    Forbidden(String, String),
    #[error("the proxy could not connect to {0}: {1}")]
    Unsuccessful(String, String),
    #[error("what answers at the proxy's address is no {0} proxy")]
    NoProxy(&'static str),
    #[error("the name {0:?} could not be resolved here, as {1} demands")]
    Target(String, &'static str, #[source] io::Error),
}

/// Connects to the proxy and lets it connect to the server, as the HTTP client would. Returns the
/// proxy's address and, where it was asked for a connection, its answer in words.
///
/// `tunnel` is whether the client asks for one: plain `http` goes through an HTTP proxy without.
pub(crate) async fn ask(
    proxy: &ProxyUrl,
    host: &str,
    port: u16,
    tunnel: bool,
) -> Result<String, TunnelError> {
    let name = proxy.host();
    let addresses: Vec<SocketAddr> = lookup_host((name, proxy.port()))
        .await
        .map_err(|error| TunnelError::Dns(name.to_owned(), error))?
        .collect();
    let socket = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|error| TunnelError::Connect(format!("{name}:{}", proxy.port()), error))?;
    let at = socket.peer_addr().map_err(TunnelError::Io)?;
    let target =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut asking = Asking { socket, proxy, host, port, target };
    let words = match proxy.scheme() {
        "http" if tunnel => asking.connect().await?,
        "socks5" | "socks5h" => asking.socks5().await?,
        "socks4" | "socks4a" => asking.socks4().await?,
        // An encrypted proxy is left to the HTTP client.
        _ => return Ok(at.to_string()),
    };
    Ok(format!("{at} → {}: {words}", asking.target))
}

/// A connection to a proxy that is being asked.
struct Asking<'a> {
    socket: TcpStream,
    proxy: &'a ProxyUrl,
    host: &'a str,
    port: u16,
    target: String,
}

impl Asking<'_> {
    /// HTTP's CONNECT.
    async fn connect(&mut self) -> Result<String, TunnelError> {
        let credentials = self.credentials();
        let target = &self.target;
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some((user, password)) = &credentials {
            let basic = STANDARD.encode(format!("{user}:{password}"));
            request.push_str(&format!("Proxy-Authorization: Basic {basic}\r\n"));
        }
        request.push_str("\r\n");
        self.write(request.as_bytes()).await?;
        let mut head = Vec::new();
        let mut buffer = [0; 1024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD {
            let read = self.socket.read(&mut buffer).await.map_err(TunnelError::Io)?;
            if read == 0 {
                break;
            }
            head.extend_from_slice(&buffer[..read]);
        }
        let head = String::from_utf8_lossy(&head);
        let line = head.lines().next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/")
            .and_then(|rest| rest.split_ascii_whitespace().nth(1))
            .and_then(|status| status.parse::<u16>().ok())
            .ok_or(TunnelError::NoProxy("HTTP"))?;
        let line: String = line.chars().filter(|c| !c.is_control()).take(MAX_LINE).collect();
        match status {
            200..=299 => Ok(line),
            407 if credentials.is_some() => Err(TunnelError::Credentials(line)),
            407 => Err(TunnelError::WantsCredentials(line)),
            400..=499 => Err(TunnelError::Forbidden(self.target.clone(), line)),
            _ => Err(TunnelError::Unsuccessful(self.target.clone(), line)),
        }
    }

    /// RFC 1928 and, for user and password, RFC 1929.
    async fn socks5(&mut self) -> Result<String, TunnelError> {
        let credentials = self.credentials();
        let hello: &[u8] = if credentials.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
        self.write(hello).await?;
        let method: [u8; 2] = self.read().await?;
        match (method, &credentials) {
            ([5, 0], _) => {}
            ([5, 2], Some((user, password))) => {
                let mut login = vec![1];
                for text in [user, password] {
                    // Longer ones do not fit the protocol; the proxy refuses what is left of them.
                    let bytes = &text.as_bytes()[..text.len().min(255)];
                    login.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
                    login.extend_from_slice(bytes);
                }
                self.write(&login).await?;
                let [_, verdict] = self.read().await?;
                if verdict != 0 {
                    return Err(TunnelError::Credentials(format!("SOCKS5 status {verdict}")));
                }
            }
            ([5, 0xff], Some(_)) => {
                return Err(TunnelError::Credentials("it takes none of this kind".to_owned()));
            }
            ([5, 2 | 0xff], None) => {
                return Err(TunnelError::WantsCredentials("SOCKS5".to_owned()));
            }
            _ => return Err(TunnelError::NoProxy("SOCKS5")),
        }
        let mut request = vec![5, 1, 0];
        match self.address("socks5").await? {
            Some(IpAddr::V4(v4)) => request.extend([&[1], v4.octets().as_slice()].concat()),
            Some(IpAddr::V6(v6)) => request.extend([&[4], v6.octets().as_slice()].concat()),
            None => {
                request.extend([3, u8::try_from(self.host.len()).unwrap_or(u8::MAX)]);
                request.extend(self.host.bytes().take(255));
            }
        }
        request.extend(self.port.to_be_bytes());
        self.write(&request).await?;
        let [version, reply] = self.read().await?;
        let words = match (version, reply) {
            (5, 0) => return Ok("SOCKS5: connected".to_owned()),
            (5, 2) => {
                let words = "SOCKS5: not allowed by its rules".to_owned();
                return Err(TunnelError::Forbidden(self.target.clone(), words));
            }
            (5, 1) => "SOCKS5: general failure",
            (5, 3) => "SOCKS5: network unreachable",
            (5, 4) => "SOCKS5: host unreachable",
            (5, 5) => "SOCKS5: connection refused",
            (5, 6) => "SOCKS5: no answer in time (TTL expired)",
            (5, 7) => "SOCKS5: it cannot connect for others",
            (5, 8) => "SOCKS5: it does not know this kind of address",
            (5, _) => "SOCKS5: an unknown failure",
            _ => return Err(TunnelError::NoProxy("SOCKS5")),
        };
        Err(TunnelError::Unsuccessful(self.target.clone(), words.to_owned()))
    }

    /// SOCKS4, and 4a where the proxy looks for the name.
    async fn socks4(&mut self) -> Result<String, TunnelError> {
        let mut request = vec![4, 1];
        request.extend(self.port.to_be_bytes());
        let address = self.address("socks4").await?;
        match address {
            Some(IpAddr::V4(v4)) => request.extend(v4.octets()),
            Some(IpAddr::V6(_)) => {
                let words = "SOCKS4 knows no IPv6 addresses".to_owned();
                return Err(TunnelError::Unsuccessful(self.target.clone(), words));
            }
            None => request.extend([0, 0, 0, 1]),
        }
        // The HTTP client sends no user either.
        request.push(0);
        if address.is_none() {
            request.extend(self.host.bytes());
            request.push(0);
        }
        self.write(&request).await?;
        match self.read().await? {
            [0, 90] => Ok("SOCKS4: connected".to_owned()),
            [0, 92 | 93] => Err(TunnelError::WantsCredentials("SOCKS4".to_owned())),
            [0, code @ 91..=u8::MAX] => {
                let words = format!("SOCKS4: rejected or failed ({code})");
                Err(TunnelError::Unsuccessful(self.target.clone(), words))
            }
            _ => Err(TunnelError::NoProxy("SOCKS4")),
        }
    }

    /// The address to hand to a SOCKS proxy; `None` where it looks for the name itself.
    async fn address(&self, local: &'static str) -> Result<Option<IpAddr>, TunnelError> {
        if let Ok(address) = self.host.parse() {
            return Ok(Some(address));
        }
        if self.proxy.scheme() != local {
            return Ok(None);
        }
        let failed = |error| TunnelError::Target(self.host.to_owned(), local, error);
        let found = lookup_host((self.host, self.port)).await.map_err(failed)?.next();
        Ok(found.map(|address| address.ip()))
    }

    fn credentials(&self) -> Option<(String, String)> {
        Some((self.proxy.user()?, self.proxy.password().unwrap_or_default()))
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), TunnelError> {
        self.socket.write_all(bytes).await.map_err(TunnelError::Io)
    }

    async fn read<const N: usize>(&mut self) -> Result<[u8; N], TunnelError> {
        let mut bytes = [0; N];
        self.socket.read_exact(&mut bytes).await.map_err(TunnelError::Io)?;
        Ok(bytes)
    }
}
