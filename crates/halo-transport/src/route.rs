//! Which way a request takes: straight, or through a proxy.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{Proxy, ProxyUrl};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;

/// Says which URLs go through a proxy. It mirrors what the HTTP client does, so that a fault of
/// the proxy is not blamed on the provider.
#[derive(Debug)]
pub(crate) struct Routes {
    way: Way,
    /// Whether servers on this machine are reached through the proxy, too.
    this_machine: bool,
}

#[derive(Debug)]
enum Way {
    System(Box<Matcher>),
    Direct,
    Through(ProxyUrl),
}

impl Routes {
    /// Everything through the given proxy, or as the system says. This machine is left out unless
    /// `this_machine` says otherwise of a given proxy.
    pub(crate) fn new(proxy: &Proxy, this_machine: bool) -> Self {
        let way = match proxy {
            Proxy::System => Way::System(Box::new(Matcher::from_system())),
            Proxy::Direct => Way::Direct,
            Proxy::Url(url) => Way::Through(url.clone()),
        };
        Self { this_machine: this_machine && matches!(way, Way::Through(_)), way }
    }

    /// Whether `url` is never reached through a proxy: it names this machine, where a proxy would
    /// look on its own side.
    pub(crate) fn is_near(&self, url: &Url) -> bool {
        !self.this_machine && is_this_machine(url)
    }

    /// The proxy on the way to `url`.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<ProxyUrl> {
        if self.is_near(url) {
            return None;
        }
        match &self.way {
            Way::Direct => None,
            Way::Through(proxy) => Some(proxy.clone()),
            Way::System(matcher) => {
                with_credentials(&matcher.intercept(&url.as_str().parse().ok()?)?)
            }
        }
    }
}

/// The proxy of the system as an address with its credentials.
fn with_credentials(found: &Intercept) -> Option<ProxyUrl> {
    let proxy: ProxyUrl = found.uri().to_string().parse().ok()?;
    let basic = found.basic_auth().and_then(|header| {
        let encoded = header.to_str().ok()?.strip_prefix("Basic ")?;
        let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = plain.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    });
    let raw = || found.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
    Some(match basic.or_else(raw) {
        Some((user, password)) => proxy.with_user(&user).with_password(&password),
        None => proxy,
    })
}

/// Whether `url` names this machine.
fn is_this_machine(url: &Url) -> bool {
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

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn this_machine_is_reached_past_a_proxy_that_was_not_chosen_for_it() {
        let proxy: Proxy = "socks5h://user:pw@10.0.0.1:1080".parse().unwrap();
        let (general, chosen) = (Routes::new(&proxy, false), Routes::new(&proxy, true));
        for here in ["http://127.0.0.1:7575/", "http://localhost:11434/v1", "http://[::1]:80/"] {
            assert_eq!(general.proxy_for(&url(here)), None, "{here}");
            assert_eq!(chosen.proxy_for(&url(here)).as_ref(), proxy.url(), "{here}");
            assert_eq!(Routes::new(&Proxy::System, true).proxy_for(&url(here)), None);
        }
        for there in ["https://api.openai.com/v1", "http://192.168.1.5:8080/"] {
            assert_eq!(general.proxy_for(&url(there)).as_ref(), proxy.url(), "{there}");
            assert_eq!(Routes::new(&Proxy::Direct, true).proxy_for(&url(there)), None);
        }
    }

    #[test]
    fn the_proxy_of_the_system_keeps_its_credentials() {
        for (setting, want) in [
            ("http://me:s%40x@10.0.0.1:3128", "http://me:s%40x@10.0.0.1:3128"),
            ("socks5://me:pw@10.0.0.1:1080", "socks5://me:pw@10.0.0.1:1080"),
            ("http://10.0.0.1:3128", "http://10.0.0.1:3128"),
        ] {
            let matcher = Matcher::builder().all(setting).build();
            let found = matcher.intercept(&"https://api.example/".parse().unwrap()).unwrap();
            assert_eq!(with_credentials(&found).unwrap().expose(), want);
        }
    }
}
