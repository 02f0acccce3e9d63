//! At which addresses the app can be reached, and whether it may be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use anyhow::bail;
use halo_store::Store;

/// The address of a listener for a browser on this machine.
pub(crate) fn here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// The addresses of a listener for others: the names given, else the address this machine has in
/// its network.
pub(crate) fn elsewhere(listen: SocketAddr, hosts: &[String]) -> Vec<String> {
    if listen.ip().is_loopback() {
        return Vec::new();
    }
    let names = hosts.iter().map(|name| format!("http://{name}:{}", listen.port()));
    let ip = if listen.ip().is_unspecified() { own_ip() } else { Some(listen.ip()) };
    let number = ip.map(|ip| format!("http://{}", SocketAddr::new(ip, listen.port())));
    names.chain(number).collect()
}

/// The address by which this machine would send to the outside. Nothing is sent: connecting a
/// UDP socket only asks the routing table. 192.0.2.1 belongs to nobody (RFC 5737).
fn own_ip() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified() && !ip.is_loopback()).then_some(ip)
}

/// Refuses to be reached by other machines without a password. One in `HALO_PASSWORD` is taken
/// over first.
pub(crate) async fn guarded(
    store: &dyn Store,
    listen: SocketAddr,
    data: &Path,
) -> anyhow::Result<()> {
    if let Ok(password) = std::env::var("HALO_PASSWORD")
        && !password.is_empty()
        && !halo_web::is_password(store, &password).await?
    {
        halo_web::set_password(store, &password).await?;
        halo_web::sign_out_all(store).await?;
    }
    if listen.ip().is_loopback() || halo_web::has_password(store).await? {
        return Ok(());
    }
    bail!(
        "{listen} can be reached from other machines, and there is no password yet; set one with: \
         halo password --data {}",
        data.display()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_an_address_that_works_for_them() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(here(at("0.0.0.0:80")), at("127.0.0.1:80"));
        assert_eq!(here(at("[::]:80")), at("[::1]:80"));
        assert_eq!(here(at("192.168.1.4:80")), at("192.168.1.4:80"));
        let names = ["halo.example".to_owned()];
        assert!(elsewhere(at("127.0.0.1:80"), &names).is_empty());
        let told = elsewhere(at("192.168.1.4:80"), &names);
        assert_eq!(told, ["http://halo.example:80", "http://192.168.1.4:80"]);
    }
}
