//! From the model's name in a request to the provider that serves it.

use halo_config::ProviderConfig;
use halo_types::{ProviderId, Target};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    /// The provider.
    pub(crate) provider: ProviderConfig,
    /// The model's name as the provider knows it.
    pub(crate) model: String,
}

/// Finds the route for a name: `provider/model` where the prefix is a provider, else the only
/// provider that lists the name, else the provider of the default target with the name as given.
/// `None` where there is no provider at all.
pub(crate) fn choose(
    providers: &[ProviderConfig],
    default: Option<&Target>,
    name: &str,
) -> Option<Route> {
    let by_id = |id: &ProviderId| providers.iter().find(|provider| provider.id == *id);
    let to = |provider: &ProviderConfig, model: &str| {
        Some(Route { provider: provider.clone(), model: model.to_owned() })
    };
    if let Some((prefix, model)) = name.split_once('/')
        && !model.is_empty()
        && let Some(provider) = prefix.parse().ok().and_then(|id| by_id(&id))
    {
        return to(provider, model);
    }
    let mut listing = providers.iter().filter(|p| p.models.iter().any(|model| model == name));
    if let (Some(only), None) = (listing.next(), listing.next()) {
        return to(only, name);
    }
    let provider =
        default.and_then(|target| by_id(&target.provider)).or_else(|| providers.first())?;
    to(provider, name)
}

#[cfg(test)]
mod tests {
    use halo_config::preset;

    use super::*;

    fn provider(id: &str, models: &[&str]) -> ProviderConfig {
        let preset = preset("openai").unwrap();
        let mut provider = ProviderConfig::from_preset(preset, id.parse().unwrap());
        provider.models = models.iter().map(|&model| model.to_owned()).collect();
        provider
    }

    #[test]
    fn names_find_their_provider() {
        let providers = [
            provider("work", &["gpt-4o", "shared"]),
            provider("router", &["openai/gpt-4o", "shared"]),
        ];
        let default = Target { provider: "router".parse().unwrap(), model: "shared".to_owned() };
        for (name, want) in [
            ("work/gpt-4o", ("work", "gpt-4o")),
            ("work/anything/else", ("work", "anything/else")),
            ("gpt-4o", ("work", "gpt-4o")),
            ("openai/gpt-4o", ("router", "openai/gpt-4o")),
            ("shared", ("router", "shared")),
            ("unheard-of", ("router", "unheard-of")),
            ("work/", ("router", "work/")),
        ] {
            let route = choose(&providers, Some(&default), name).unwrap();
            assert_eq!((route.provider.id.as_str(), route.model.as_str()), want, "{name}");
        }
        assert_eq!(choose(&[], None, "gpt-4o"), None);
    }
}
