//! The places the table speaks about: who serves a model, and by which address that is told.

/// Somebody who serves models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its id, the second column of the table.
    pub id: &'static str,
    /// Addresses where it asks its list prices: a host, with the beginning of a path where that
    /// matters. A host that begins with a dot stands for all hosts that end so.
    priced: &'static [&'static str],
    /// Addresses of the same models where another price holds: another currency, a subscription,
    /// or one that depends on region and contract.
    unpriced: &'static [&'static str],
    /// Which of its models it makes itself.
    makes: Makes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Makes {
    Nothing,
    Everything,
    /// What begins so.
    Named(&'static [&'static str]),
}

use Makes::{Everything, Named, Nothing};

const fn maker(
    id: &'static str,
    priced: &'static [&'static str],
    unpriced: &'static [&'static str],
    makes: Makes,
) -> Place {
    Place { id, priced, unpriced, makes }
}

const fn host(id: &'static str, priced: &'static [&'static str]) -> Place {
    Place { id, priced, unpriced: &[], makes: Nothing }
}

const fn unpriced(id: &'static str, addresses: &'static [&'static str]) -> Place {
    Place { id, priced: &[], unpriced: addresses, makes: Nothing }
}

/// Every place, makers first. A name that two makers have counts for the first.
const PLACES: &[Place] = &[
    maker("openai", &["api.openai.com"], &[], Everything),
    maker("anthropic", &["api.anthropic.com"], &[], Everything),
    maker("gemini", &["generativelanguage.googleapis.com"], &[], Everything),
    maker("deepseek", &["api.deepseek.com"], &[], Everything),
    maker("mistral", &["api.mistral.ai", "codestral.mistral.ai"], &[], Everything),
    maker("xai", &["api.x.ai"], &[], Everything),
    // In mainland China prices are in yuan. Others' models are served here too.
    maker(
        "dashscope",
        &["dashscope-intl.aliyuncs.com"],
        &["dashscope.aliyuncs.com", "dashscope-us.aliyuncs.com"],
        Named(&["qwen", "qwq", "qvq"]),
    ),
    // The other paths serve the coding plan, which is paid by the month.
    maker("zai", &["api.z.ai/api/paas/"], &["api.z.ai", "open.bigmodel.cn"], Everything),
    maker("moonshot", &["api.moonshot.ai"], &["api.moonshot.cn"], Everything),
    maker("minimax", &["api.minimax.io"], &["api.minimaxi.com", "api.minimax.chat"], Everything),
    maker("cohere", &["api.cohere.com", "api.cohere.ai"], &[], Everything),
    maker("volcengine", &[], &[".volces.com"], Named(&["doubao"])),
    maker("tencent", &[], &["api.hunyuan.cloud.tencent.com"], Named(&["hy", "hunyuan"])),
    maker("amazon-nova", &["api.nova.amazon.com"], &[], Everything),
    maker("meta", &[], &["api.llama.com"], Named(&["muse"])),
    maker("xiaomi", &[], &["api.xiaomimimo.com"], Everything),
    maker("ai21", &["api.ai21.com"], &[], Everything),
    maker("inception", &["api.inceptionlabs.ai"], &[], Everything),
    // Each request costs a fee for the search as well, so that tokens alone say too little.
    maker("perplexity", &[], &["api.perplexity.ai"], Named(&["sonar"])),
    // Prices depend on the region and the kind of deployment.
    unpriced(
        "azure",
        &[".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"],
    ),
    unpriced("bedrock", &[".amazonaws.com", ".api.aws"]),
    unpriced("vertex", &["aiplatform.googleapis.com", ".aiplatform.googleapis.com"]),
    unpriced("databricks", &[".cloud.databricks.com", ".azuredatabricks.net"]),
    // Paid by the month.
    unpriced("github-copilot", &["api.githubcopilot.com", ".githubcopilot.com"]),
    host("aihubmix", &["aihubmix.com", "api.aihubmix.com"]),
    host("baseten", &["inference.baseten.co"]),
    host("cerebras", &["api.cerebras.ai"]),
    host("cloudflare", &["api.cloudflare.com"]),
    host("deepinfra", &["api.deepinfra.com"]),
    host("fireworks", &["api.fireworks.ai"]),
    host("gmi", &["api.gmi-serving.com"]),
    host("groq", &["api.groq.com"]),
    host("hyperbolic", &["api.hyperbolic.xyz"]),
    host("nebius", &["api.studio.nebius.com", "api.studio.nebius.ai", ".tokenfactory.nebius.com"]),
    host("novita", &["api.novita.ai"]),
    host("nscale", &["inference.api.nscale.com"]),
    host("sambanova", &["api.sambanova.ai"]),
    host("together", &["api.together.xyz", "api.together.ai"]),
    host("v0", &["api.v0.dev"]),
    host("vercel", &["ai-gateway.vercel.sh"]),
    host("wandb", &["api.inference.wandb.ai"]),
];

impl Place {
    /// Every place, makers first.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        PLACES
    }

    /// Who stands behind a base URL, and whether the list prices hold there. `None` for relays
    /// and servers of one's own.
    pub(super) fn at(base_url: &str) -> Option<(&'static Self, bool)> {
        let address = address(base_url)?;
        let found = |list: &[&str]| list.iter().any(|known| stands_for(known, &address));
        PLACES.iter().find_map(|place| {
            let priced = found(place.priced);
            (priced || found(place.unpriced)).then_some((place, priced))
        })
    }

    /// Whether list prices hold at any of its addresses. The table carries no price for a place
    /// where they hold at none.
    #[must_use]
    pub const fn is_priced(&self) -> bool {
        !self.priced.is_empty()
    }

    /// Whether it made the model that it serves under that name.
    pub(super) fn makes(&self, model: &str) -> bool {
        match self.makes {
            Nothing => false,
            Everything => true,
            Named(names) => names.iter().any(|name| model.starts_with(name)),
        }
    }
}

/// Host and path of a base URL in lower case, with a slash behind, without what names a user or a
/// port.
fn address(base_url: &str) -> Option<String> {
    let url = base_url.trim().to_ascii_lowercase();
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host).trim_end_matches('.');
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_end_matches('/');
    (!host.is_empty()).then(|| format!("{host}{path}/"))
}

fn stands_for(known: &str, address: &str) -> bool {
    let host = address.split('/').next().unwrap_or(address);
    if known.starts_with('.') {
        return host.ends_with(known);
    }
    if known.contains('/') { address.starts_with(known) } else { host == known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_tells_who_serves() {
        for (url, place) in [
            ("https://api.openai.com/v1", Some(("openai", true))),
            ("api.openai.com", Some(("openai", true))),
            ("HTTPS://user@API.OpenAI.com:443/v1?x=1", Some(("openai", true))),
            ("https://api.deepseek.com/anthropic", Some(("deepseek", true))),
            ("https://dashscope.aliyuncs.com/compatible-mode/v1", Some(("dashscope", false))),
            ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", Some(("dashscope", true))),
            ("https://coding-intl.dashscope.aliyuncs.com/v1", None),
            ("https://api.z.ai/api/paas/v4", Some(("zai", true))),
            ("https://api.z.ai/api/coding/paas/v4", Some(("zai", false))),
            ("https://open.bigmodel.cn/api/paas/v4", Some(("zai", false))),
            ("https://mine.openai.azure.com/openai/v1", Some(("azure", false))),
            ("https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1", Some(("bedrock", false))),
            ("https://api.groq.com/openai/v1", Some(("groq", true))),
            ("https://openrouter.ai/api/v1", None),
            ("https://api.openai.com.relay.example/v1", None),
            ("https://relay.example/api.openai.com/v1", None),
            ("http://localhost:11434", None),
            ("", None),
            ("https://", None),
            ("://@:/", None),
        ] {
            let found = Place::at(url).map(|(place, priced)| (place.id, priced));
            assert_eq!(found, place, "{url}");
        }
    }

    #[test]
    fn ids_are_unique_and_makers_come_first() {
        let mut ids: Vec<&str> = PLACES.iter().map(|place| place.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), PLACES.len());
        let last_maker = PLACES.iter().rposition(|place| place.makes != Nothing);
        let first_other = PLACES.iter().position(|place| place.makes == Nothing);
        assert!(last_maker < first_other);
    }
}
