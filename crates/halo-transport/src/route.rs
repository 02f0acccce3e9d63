//! Which way a request takes: straight, or through a proxy.

use std::net::IpAddr;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

/// The setting that goes past every proxy.
pub(crate) const DIRECT: &str = "direct";

/// Says which URLs go through a proxy. It mirrors what the HTTP client does, so that a fault of
/// the proxy is not blamed on the provider.
#[derive(Debug)]
pub(crate) struct Routes(Matcher);

impl Routes {
    /// Everything but this machine through the given proxy, or as the system says.
    pub(crate) fn new(proxy: Option<&str>) -> Self {
        Self(match proxy {
            Some(DIRECT) => Matcher::builder().build(),
            Some(proxy) => Matcher::builder().all(proxy).build(),
            None => Matcher::from_system(),
        })
    }

    /// The proxy on the way to `url`: its URL without credentials.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<String> {
        if is_this_machine(url) {
            return None;
        }
        let uri = url.as_str().parse().ok()?;
        self.0.intercept(&uri).map(|intercept| intercept.uri().to_string())
    }
}

/// Whether `url` names this machine. Such servers are never reached through a proxy: it would
/// look for them on its own side.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().map_or_else(
        |_| host == "localhost" || host.ends_with(".localhost"),
        |address| address.is_loopback(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_past_the_proxy() {
        let routes = Routes::new(Some("socks5h://user:pw@10.0.0.1:1080"));
        for url in ["http://127.0.0.1:7575/", "http://localhost:11434/v1", "http://[::1]:80/"] {
            assert_eq!(routes.proxy_for(&url.parse().unwrap()), None, "{url}");
        }
        for url in ["https://api.openai.com/v1", "http://192.168.1.5:8080/"] {
            let proxy = routes.proxy_for(&url.parse().unwrap()).unwrap();
            assert_eq!(Routes::new(Some(DIRECT)).proxy_for(&url.parse().unwrap()), None);
            assert!(proxy.contains("10.0.0.1:1080") && !proxy.contains("pw"), "{url}: {proxy}");
        }
    }
}
