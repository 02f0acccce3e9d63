//! The list of models that a key can reach.

use halo_config::{ProviderConfig, Secret};
use halo_transport::Call;
use halo_types::{Evidence, Lang, ProviderId};
use halo_wire::{ModelInfo, decode_models, endpoint, next_page};
use tokio_util::sync::CancellationToken;

use crate::doctor::{DoctorStage, RawReply, TestFailure};
use crate::exchange::Route;
use crate::{Engine, now};

/// The most pages of a list that are read.
const MAX_PAGES: usize = 10;

impl Engine {
    /// Where a provider that may not be saved yet is reached, and with what key.
    pub(crate) fn draft(&self, provider: &ProviderConfig, key: Option<Secret>) -> Route {
        let saved = || self.config().keys(&provider.id).into_iter().next();
        Route { provider: provider.clone(), key: key.or_else(saved) }
    }

    /// The models that a saved provider's key can reach; they are kept in its settings.
    ///
    /// # Errors
    /// What the provider answered instead of a list.
    pub async fn fetch_models(
        &self,
        id: &ProviderId,
        lang: Lang,
    ) -> Result<Vec<ModelInfo>, TestFailure> {
        let provider = self.provider(id).ok_or_else(|| {
            TestFailure::local(
                DoctorStage::Address,
                format!("there is no provider named {id}"),
                &self.context(now(), lang),
            )
        })?;
        let models = self.fetch_models_for(&provider, None, lang).await?;
        // What the person chose stays in front.
        let mut names = provider.models.clone();
        let fetched = models.iter().map(|model| &model.id);
        names.extend(fetched.filter(|name| !provider.models.contains(name)).cloned());
        let is_practice = self.practice().is_some_and(|practice| practice.provider.id == *id);
        self.learn_models(&provider, &models).await;
        if !is_practice && let Err(error) = self.config().set_models(id, names) {
            tracing::warn!(%error, "the fetched models could not be kept");
        }
        Ok(models)
    }

    /// The models that a provider's key can reach, also for a provider that is not saved yet.
    ///
    /// # Errors
    /// What the provider answered instead of a list.
    pub async fn fetch_models_for(
        &self,
        provider: &ProviderConfig,
        key: Option<Secret>,
        lang: Lang,
    ) -> Result<Vec<ModelInfo>, TestFailure> {
        self.list_of(provider, key, DoctorStage::Models, lang).await.map(|(models, _)| models)
    }

    /// The same, with the first page as it came.
    pub(crate) async fn list_of(
        &self,
        provider: &ProviderConfig,
        key: Option<Secret>,
        stage: DoctorStage,
        lang: Lang,
    ) -> Result<(Vec<ModelInfo>, RawReply), TestFailure> {
        let context = &self.context(now(), lang);
        let endpoints =
            endpoint::resolve(provider.protocol, &provider.base_url).map_err(|error| {
                TestFailure::local(DoctorStage::Address, error.to_string(), context)
            })?;
        let route = self.draft(provider, key);
        let client = self.client(provider).await.map_err(|error| {
            let call = Call::get(&*endpoints.models, provider.protocol);
            TestFailure::new(stage, *error.evidence(&call), context)
        })?;
        let mut models: Vec<ModelInfo> = Vec::new();
        let mut first = None;
        let mut url = endpoints.models.clone();
        for _ in 0..MAX_PAGES {
            let mut call = Call::get(url, provider.protocol);
            call.headers =
                halo_wire::auth_headers(provider.protocol, route.key.as_ref().map(Secret::expose));
            call.known_secrets = route.key.iter().map(|key| key.expose().to_owned()).collect();
            call.provider = provider.vendor().map(str::to_owned);
            let (status, headers, body) = client
                .get(call, &CancellationToken::new())
                .await
                .map_err(|evidence| TestFailure::new(stage, *evidence, context))?;
            let page = decode_models(&body).map_err(|_| {
                let evidence = Evidence {
                    at: Some(now()),
                    provider: provider.vendor().map(str::to_owned),
                    ..Evidence::from_http(status, headers.clone(), body.clone())
                };
                TestFailure { stage, ..TestFailure::new(stage, evidence, context) }
            })?;
            models.extend(page);
            let next = next_page(&body);
            first.get_or_insert(RawReply { status, headers, body });
            let Some(query) = next else { break };
            url = format!("{}?{query}", endpoints.models);
        }
        let first = first.expect("one page was read");
        Ok((models, first))
    }
}
