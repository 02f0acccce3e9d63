//! Providers, gateways and local servers: how each is told apart, and its official pages.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use halo_types::Evidence;
use serde::Deserialize;

use crate::trie::Trie;

/// A provider, gateway or local server. Links are official ones; none is better than a guess.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// The stable id, for example `openai`.
    pub id: String,
    /// The name as people write it.
    pub name: String,
    /// Where access and models are managed.
    #[serde(default)]
    pub console_url: Option<String>,
    /// Where keys are made.
    #[serde(default)]
    pub keys_url: Option<String>,
    /// Where money is paid.
    #[serde(default)]
    pub billing_url: Option<String>,
    /// Where limits are shown and raised.
    #[serde(default)]
    pub limits_url: Option<String>,
    /// The status page.
    #[serde(default)]
    pub status_url: Option<String>,
    /// Where support is reached.
    #[serde(default)]
    pub support_url: Option<String>,
    /// The documentation of its errors.
    #[serde(default)]
    pub docs_url: Option<String>,
    /// Whether it hands requests on to other providers.
    #[serde(default)]
    pub relay: bool,
    /// Whether it usually runs on the person's own machine.
    #[serde(default)]
    pub local: bool,
    /// Other names a caller may use for it.
    #[serde(default)]
    pub(crate) hint: Vec<String>,
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    #[serde(default)]
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) words_numbers: Vec<u32>,
    #[serde(default)]
    pub(crate) layer: Vec<String>,
    #[serde(default)]
    pub(crate) layer_numbers: Vec<u32>,
    /// How its errors are shaped, where nobody else shapes them so: the weakest witness.
    #[serde(default)]
    pub(crate) shape: Vec<String>,
    /// What usually comes from it; heard where nothing tells who was asked, as in a pasted text.
    #[serde(default)]
    pub(crate) pasted: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    vendor: Vec<Vendor>,
}

/// The vendors and how they are looked up.
struct Directory {
    vendors: Vec<Vendor>,
    /// By ids and other names, in small letters.
    names: HashMap<String, usize>,
    /// By parts of hosts; the numbers are indexes.
    hosts: Trie,
    /// By the names of response headers.
    headers: HashMap<String, usize>,
    /// By the shape of bodies; see [`PASTED`].
    shapes: Trie,
}

/// Added to the index of a vendor whose shape is heard in pasted texts only.
const PASTED: u32 = 1 << 16;

static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let file: File = serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/vendors.json")))
        .unwrap_or_else(|error| panic!("vendors: {error}"));
    let vendors = file.vendor;
    fn words(
        vendors: &[Vendor],
        list: fn(&Vendor) -> &Vec<String>,
        add: u32,
    ) -> impl Iterator<Item = (&str, u32)> {
        vendors
            .iter()
            .zip(add..)
            .flat_map(move |(v, at)| list(v).iter().map(move |word| (word.as_str(), at)))
    }
    let shapes = words(&vendors, |v| &v.shape, 0).chain(words(&vendors, |v| &v.pasted, PASTED));
    let ids = vendors.iter().enumerate().map(|(at, vendor)| (&vendor.id, at));
    let others = vendors.iter().enumerate().flat_map(|(at, v)| v.hint.iter().map(move |h| (h, at)));
    let mut names = HashMap::new();
    for (name, at) in ids.chain(others) {
        names.entry(name.to_ascii_lowercase()).or_insert(at);
    }
    let mut headers = HashMap::new();
    for (at, vendor) in vendors.iter().enumerate() {
        for name in &vendor.headers {
            headers.entry(name.to_ascii_lowercase()).or_insert(at);
        }
    }
    Directory {
        hosts: Trie::new(words(&vendors, |v| &v.hosts, 0)),
        shapes: Trie::new(shapes),
        headers,
        names,
        vendors,
    }
});

/// Every vendor known.
#[must_use]
pub fn vendors() -> &'static [Vendor] {
    &DIRECTORY.vendors
}

/// A vendor by its id or one of its other names, whatever their case.
///
/// ```
/// let vendor = halo_diagnose::vendor("openai").expect("a well-known one");
/// assert_eq!(vendor.status_url.as_deref(), Some("https://status.openai.com"));
/// assert!(halo_diagnose::vendor("nobody").is_none());
/// ```
#[must_use]
pub fn vendor(id: &str) -> Option<&'static Vendor> {
    index_of(id).map(|at| &vendors()[at])
}

pub(crate) fn index_of(name: &str) -> Option<usize> {
    let name = name.trim();
    let names = &DIRECTORY.names;
    // Callers mostly write small letters.
    names.get(name).or_else(|| names.get(&name.to_ascii_lowercase())).copied()
}

/// How much of a body is looked at for its shape, in bytes.
const SHAPE_HEAD: usize = 1_024;

/// Indexes into [`vendors`] of everybody who may have spoken.
#[derive(Debug, Default)]
pub(crate) struct Witnesses<'e> {
    /// Named by the caller.
    pub(crate) hint: Option<usize>,
    /// Told by the URL that was called.
    pub(crate) host: Option<usize>,
    /// Told by response headers.
    pub(crate) headers: Vec<usize>,
    /// Told by the shape of the body alone: the weakest, so it is looked at only when asked for.
    shape: OnceCell<Option<usize>>,
    /// What the shape is told from.
    head: &'e [u8],
    /// Whether nobody told who was asked, as in a pasted text.
    pasted: bool,
    /// Told by words of the text, in order of appearance, outermost layer first.
    pub(crate) words: Vec<usize>,
    /// Named in the text as one who handed the error on, in the same order.
    pub(crate) layers: Vec<usize>,
}

impl<'e> Witnesses<'e> {
    pub(crate) fn of(evidence: &'e Evidence) -> Self {
        let directory = &*DIRECTORY;
        let hint = evidence.provider.as_deref().and_then(index_of);
        let host = evidence.url.as_deref().and_then(|url| {
            let host = url.split("://").nth(1).unwrap_or(url);
            let host = host.split('/').next().unwrap_or(host).to_ascii_lowercase();
            let mut found: Option<u32> = None;
            directory.hosts.anywhere(host.as_bytes(), |numbers, _, _| {
                found = numbers.iter().copied().chain(found).min();
            });
            found.map(|at| at as usize)
        });
        let mut headers = Vec::new();
        for (name, _) in evidence.headers.iter() {
            let found = directory.headers.get(&name.to_ascii_lowercase()).copied();
            if let Some(found) = found.filter(|found| !headers.contains(found)) {
                headers.push(found);
            }
        }
        let body = evidence.body.as_bytes();
        Self {
            hint,
            host,
            headers,
            head: &body[..body.len().min(SHAPE_HEAD)],
            pasted: evidence.url.is_none() && evidence.provider.is_none(),
            ..Self::default()
        }
    }

    fn shape(&self) -> Option<usize> {
        *self.shape.get_or_init(|| {
            let head = self.head.to_ascii_lowercase();
            let mut shape: Option<u32> = None;
            DIRECTORY.shapes.anywhere(&head, |numbers, _, _| {
                let heard = numbers.iter().copied().filter(|n| self.pasted || *n < PASTED);
                shape = heard.chain(shape).min();
            });
            shape.map(|number| (number % PASTED) as usize)
        })
    }

    /// Everybody, for the `vendor` condition of rules.
    pub(crate) fn contains(&self, vendor: usize) -> bool {
        let mut told = self.hint.iter().chain(&self.host).chain(&self.headers);
        let mut said = self.words.iter().chain(&self.layers);
        told.any(|at| *at == vendor) || said.any(|at| *at == vendor) || self.shape() == Some(vendor)
    }

    /// The innermost speaker: one whose words stand in the text, else whom the call went to.
    pub(crate) fn speaker(&self) -> Option<&'static Vendor> {
        let first = |relay: bool| {
            let plain = |at: &&usize| vendors()[**at].relay == relay;
            self.layers
                .iter()
                .rev()
                .find(plain)
                .or_else(|| self.hint.iter().find(plain))
                .or_else(|| self.host.iter().find(plain))
                .or_else(|| self.words.iter().rev().find(plain))
                .or_else(|| self.headers.iter().find(plain))
        };
        let at = first(false).copied().or_else(|| self.shape()).or_else(|| first(true).copied());
        at.map(|at| &vendors()[at])
    }

    /// Who handed the error on, outermost first, ending with the speaker.
    pub(crate) fn path(&self, speaker: Option<&Vendor>) -> Vec<String> {
        let relays = |at: &&usize| vendors()[**at].relay;
        let outer = self.hint.iter().chain(&self.host).chain(&self.headers).filter(relays);
        let mut path: Vec<String> = Vec::new();
        for at in outer.chain(&self.layers) {
            let id = &vendors()[*at].id;
            if speaker.is_none_or(|speaker| speaker.id != *id) && !path.contains(id) {
                path.push(id.clone());
            }
        }
        path.extend(speaker.map(|speaker| speaker.id.clone()));
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo_types::Headers;

    #[test]
    fn vendors_are_unique_and_their_links_are_https() {
        let mut seen = std::collections::HashSet::new();
        for v in vendors() {
            for name in std::iter::once(&v.id).chain(&v.hint) {
                assert!(seen.insert(name.clone()), "{name} twice");
            }
            let links = [
                &v.console_url,
                &v.keys_url,
                &v.billing_url,
                &v.limits_url,
                &v.status_url,
                &v.support_url,
                &v.docs_url,
            ];
            for link in links.into_iter().flatten() {
                assert!(link.starts_with("https://"), "{link}");
            }
        }
    }

    #[test]
    fn the_speaker_is_told_from_hint_host_and_headers() {
        let mut evidence = Evidence::from_text("x");
        assert!(Witnesses::of(&evidence).speaker().is_none());
        evidence.headers = Headers::new([("X-Amzn-ErrorType", "ThrottlingException")]);
        assert_eq!(Witnesses::of(&evidence).speaker().unwrap().id, "bedrock");
        for (text, who) in [
            ("openai.BadRequestError: Error code: 400", "openai"),
            ("anthropic.APIStatusError: Error code: 529", "anthropic"),
            (r#"{"error":{"code":"1234","message":"x"}}"#, "zhipu"),
            (r#"{"error":{"message":"Authentication Fails"}}"#, "deepseek"),
        ] {
            let mut pasted = Evidence::from_text(text);
            assert_eq!(Witnesses::of(&pasted).speaker().unwrap().id, who);
            // Somebody else was asked, who merely speaks that way.
            pasted.provider = Some("ollama".to_owned());
            assert_eq!(Witnesses::of(&pasted).speaker().unwrap().id, "ollama");
        }
        let own = Evidence::from_text(r#"{"type":"error","error":{"type":"overloaded_error"}}"#);
        assert_eq!(Witnesses::of(&own).speaker().unwrap().id, "anthropic");
        evidence.url = Some("https://api.deepseek.com/chat/completions".to_owned());
        assert_eq!(Witnesses::of(&evidence).speaker().unwrap().id, "deepseek");
        evidence.provider = Some("LM-Studio".to_owned());
        assert_eq!(Witnesses::of(&evidence).speaker().unwrap().id, "lmstudio");
        evidence.provider = Some("openrouter".to_owned());
        let witnesses = Witnesses::of(&evidence);
        assert_eq!(witnesses.path(witnesses.speaker()), ["openrouter", "deepseek"]);
    }
}
