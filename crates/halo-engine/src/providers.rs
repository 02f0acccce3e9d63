//! The models that can be asked, and what is known about them.

use halo_config::{ProviderConfig, catalogue_at};
use halo_context::{ModelFacts, PictureLimits, resolve};
use halo_types::{Fact, FactId, FactOrigin, FactScope, FactValue, Price, ProviderId, Target};
use halo_wire::ModelInfo;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Engine, now};

/// A model that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetInfo {
    /// The model at its provider.
    pub target: Target,
    /// The provider's name as the person gave it.
    pub provider_name: String,
    /// Whether it takes pictures; `None` where unknown.
    pub vision: Option<bool>,
    /// Its window in tokens; `None` where unknown.
    pub window: Option<u64>,
    /// What it takes of pictures.
    pub pictures: PictureLimits,
    /// What its tokens cost there; `None` where unknown.
    pub price: Option<Price>,
    /// Whether it is played by the simulator.
    pub practice: bool,
}

impl Engine {
    /// The configured providers, and the practice provider last.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderConfig> {
        self.config().settings().providers.clone()
    }

    /// A provider by its name.
    #[must_use]
    pub fn provider(&self, id: &ProviderId) -> Option<ProviderConfig> {
        self.providers().into_iter().find(|provider| provider.id == *id)
    }

    /// Every known model of every provider.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetInfo> {
        let practice = self.practice().map(|practice| practice.provider.id.clone());
        let facts = self.facts_snapshot();
        let mut targets = Vec::new();
        for provider in self.providers() {
            for model in &provider.models {
                let known = model_facts(&facts, &provider, model);
                targets.push(TargetInfo {
                    target: Target { provider: provider.id.clone(), model: model.clone() },
                    provider_name: provider.name.clone(),
                    vision: known.sees(),
                    window: known.window(),
                    pictures: PictureLimits::of(provider.protocol, model, &known),
                    price: known.price.map(|known| known.value),
                    practice: practice.as_ref() == Some(&provider.id),
                });
            }
        }
        targets
    }

    /// The model that a new conversation asks: the default, else the first of the first provider,
    /// else the practice model.
    #[must_use]
    pub fn default_target(&self) -> Option<Target> {
        let settings = self.config().settings();
        let chosen = settings
            .default_target
            .clone()
            .filter(|target| self.provider(&target.provider).is_some());
        chosen.or_else(|| {
            self.providers().into_iter().find_map(|provider| {
                let model = provider.models.first()?.clone();
                Some(Target { provider: provider.id, model })
            })
        })
    }

    /// What is known about a model.
    #[must_use]
    pub fn model_facts(&self, target: &Target) -> ModelFacts {
        match self.provider(&target.provider) {
            Some(provider) => model_facts(&self.facts_snapshot(), &provider, &target.model),
            None => ModelFacts::default(),
        }
    }

    /// What is known about models at a provider, which need not be saved, in their order. A list
    /// that the provider just gave speaks for itself: names alone say nothing.
    #[must_use]
    pub fn facts_of(&self, provider: &ProviderConfig, models: &[ModelInfo]) -> Vec<ModelFacts> {
        let stored = self.facts_snapshot();
        let known = |model: &ModelInfo| {
            let mut facts = provider_facts(provider, model);
            let scope = scope(provider, &model.id);
            facts.extend(stored.iter().filter(|fact| fact.scope == scope).cloned());
            model_facts(&facts, provider, &model.id)
        };
        models.iter().map(known).collect()
    }
}

/// What facts about a model are attached to.
pub(crate) fn scope(provider: &ProviderConfig, model: &str) -> FactScope {
    // The practice provider has another port at every start; its models stay the same.
    let base_url = if provider.preset == crate::practice::PRESET {
        crate::practice::PRESET.to_owned()
    } else {
        provider.base_url.clone()
    };
    FactScope { provider: provider.id.clone(), base_url, model: model.to_owned() }
}

/// The facts that count for a model: what the store knows before what the catalogue says.
pub(crate) fn model_facts(facts: &[Fact], provider: &ProviderConfig, model: &str) -> ModelFacts {
    let scope = scope(provider, model);
    let mut own: Vec<Fact> = facts.iter().filter(|fact| fact.scope == scope).cloned().collect();
    if provider.preset != crate::practice::PRESET
        && let Some(entry) = catalogue_at(&provider.base_url, model)
    {
        own.extend(entry.facts().iter().map(|fact| Fact {
            id: FactId::new(Uuid::nil()),
            scope: scope.clone(),
            value: fact.value.clone(),
            origin: FactOrigin::Catalogue,
            at: fact.source.at,
            quote: None,
            attempt: None,
            conversation: None,
        }));
    }
    resolve(&own, now())
}

/// What a provider's own list says about a model. The same fact has the same id each time, so a
/// newer list replaces what an older one said.
pub(crate) fn provider_facts(provider: &ProviderConfig, model: &ModelInfo) -> Vec<Fact> {
    let scope = scope(provider, &model.id);
    // The place in this list goes into the id: a new value comes at the end.
    let values = [
        model.context_window.map(FactValue::ContextWindow),
        model.max_output.map(FactValue::MaxOutput),
        model.vision.map(FactValue::Vision),
        model.tools.map(FactValue::Tools),
        model.thinking.map(FactValue::Reasoning),
        model.price.map(FactValue::Price),
    ];
    let fact = |(n, value): (usize, FactValue)| {
        let name = format!("{n}\0{}\0{}\0{}", scope.provider, scope.base_url, scope.model);
        let digest: [u8; 32] = Sha256::digest(name).into();
        let (id, _) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
        Fact {
            id: FactId::new(Uuid::from_bytes(*id)),
            scope: scope.clone(),
            value,
            origin: FactOrigin::Provider,
            at: now(),
            quote: None,
            attempt: None,
            conversation: None,
        }
    };
    values.into_iter().enumerate().filter_map(|(n, v)| Some((n, v?))).map(fact).collect()
}

#[cfg(test)]
mod tests {
    use halo_config::preset;

    use super::*;

    #[test]
    fn the_catalogue_speaks_of_the_place_and_is_beaten_by_its_list() {
        let mut provider =
            ProviderConfig::from_preset(preset("openai").unwrap(), "mine".parse().unwrap());
        let own = model_facts(&[], &provider, "gpt-5.4");
        let window = own.context_window.unwrap();
        assert_eq!(window.value, 1_050_000);
        assert_eq!(window.origin, FactOrigin::Catalogue);
        assert_eq!(window.at, halo_config::catalogue_source().at);
        assert!(own.price.is_some() && own.tools.is_some() && own.reasoning.is_some());

        let listed = ModelInfo {
            id: "gpt-5.4".to_owned(),
            context_window: Some(400_000),
            ..ModelInfo::default()
        };
        let facts = provider_facts(&provider, &listed);
        let both = model_facts(&facts, &provider, "gpt-5.4");
        assert_eq!(both.window(), Some(400_000));
        assert_eq!(both.price, own.price, "the list says nothing about it");
        assert_eq!(model_facts(&facts, &provider, "gpt-5.4-mini").window(), Some(272_000));

        // What was learned at one address is not known at another, and a relay has no price.
        provider.base_url = "https://relay.example/v1".to_owned();
        let relayed = model_facts(&facts, &provider, "gpt-5.4");
        assert_eq!(relayed.window(), Some(1_050_000));
        assert_eq!(relayed.price, None);
        assert_eq!(model_facts(&facts, &provider, "my-own-model"), ModelFacts::default());
    }
}
