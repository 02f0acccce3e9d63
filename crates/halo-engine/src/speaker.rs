//! Who spoke on a card: the page and the terminal say it in their own words.

use halo_types::{Blame, Phase};

use crate::Card;

/// Whose words a card shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker<'a> {
    /// Halo, which ended while the answer arrived.
    HaloEnded,
    /// Halo itself.
    Halo,
    /// Nobody: the connection to this host broke while the answer arrived.
    Broken(&'a str),
    /// Nobody: this host was not reached.
    Network(&'a str),
    /// A proxy in between.
    Proxy,
    /// The provider.
    Provider,
    /// The provider, through these, the outermost first.
    Carried(Vec<&'a str>),
}

impl Card {
    /// Who spoke.
    #[must_use]
    pub fn speaker(&self) -> Speaker<'_> {
        let (diagnosis, evidence) = (&self.diagnosis, &self.evidence);
        let began = evidence.partial_chars > 0 || evidence.phase == Some(Phase::Stream);
        match diagnosis.blame {
            Blame::Halo if began => Speaker::HaloEnded,
            Blame::Halo => Speaker::Halo,
            _ if evidence.transport.is_some() && began => Speaker::Broken(self.host()),
            _ if evidence.transport.is_some() && evidence.status.is_none() => {
                Speaker::Network(self.host())
            }
            Blame::Network => Speaker::Network(self.host()),
            Blame::Proxy => Speaker::Proxy,
            Blame::Caller | Blame::Account | Blame::Provider => {
                let layers = diagnosis.layers.iter().map(String::as_str);
                let carriers: Vec<&str> =
                    layers.filter(|layer| Some(*layer) != diagnosis.vendor.as_deref()).collect();
                if carriers.is_empty() { Speaker::Provider } else { Speaker::Carried(carriers) }
            }
        }
    }

    /// The vendor by name, where the diagnosis knows it; `otherwise` where it does not.
    #[must_use]
    pub fn vendor_name(&self, otherwise: &str) -> String {
        match &self.diagnosis.vendor {
            Some(id) => halo_diagnose::vendor(id)
                .map_or_else(|| id.clone(), |vendor| vendor.name.to_string()),
            None => otherwise.to_owned(),
        }
    }

    /// Host and port of the URL that was called.
    fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }
}
