//! Settings → Test and Fetch models: the same code path as the chat, with names for its steps.

use std::time::Instant;

use halo_config::{ProviderConfig, Secret};
use halo_diagnose::{Context, diagnose};
use halo_transport::{Call, Stage};
use halo_types::{
    Blobs, ChatRequest, Diagnosis, Evidence, Lang, Part, Phase, ProviderId, RequestMessage, Role,
};
use halo_wire::{Answer, ModelInfo, decode_models, endpoint};
use tokio_util::sync::CancellationToken;

use crate::exchange::{Route, ms};
use crate::providers::provider_facts;
use crate::{Engine, now};

/// A step of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestStep {
    /// The base URL makes a URL that can be called.
    Url,
    /// The host name has an address.
    Dns,
    /// The server takes a connection.
    Connect,
    /// The encryption is agreed on.
    Tls,
    /// The provider takes the request: key, model and form.
    Request,
    /// The answer arrives whole.
    Answer,
}

/// How one step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestStage {
    /// The step.
    pub name: TestStep,
    /// Whether it worked.
    pub ok: bool,
    /// Milliseconds it took.
    pub ms: u64,
    /// What it showed: a URL, an address, the answer.
    pub detail: String,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq)]
pub struct TestReport {
    /// The steps, up to the first that failed.
    pub stages: Vec<TestStage>,
    /// What failed.
    pub failure: Option<TestFailure>,
}

/// What failed in a test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFailure {
    /// At which step.
    pub step: TestStep,
    /// What it left behind.
    pub evidence: Box<Evidence>,
    /// What it means.
    pub diagnosis: Box<Diagnosis>,
}

impl TestFailure {
    fn new(evidence: Evidence, context: &Context) -> Self {
        let step = match Stage::of(&evidence) {
            Stage::Address => TestStep::Url,
            Stage::Dns => TestStep::Dns,
            Stage::Tcp | Stage::Proxy => TestStep::Connect,
            Stage::Tls => TestStep::Tls,
            Stage::Request => TestStep::Request,
            // A refusal says that the request was not taken; an answer that breaks off that it was.
            Stage::Answer if evidence.status.is_some_and(|status| status >= 300) => {
                TestStep::Request
            }
            Stage::Answer => TestStep::Answer,
        };
        let diagnosis = Box::new(diagnose(&evidence, context));
        Self { step, evidence: Box::new(evidence), diagnosis }
    }

    /// A failure of Halo's own making, before anything left the machine.
    fn local(step: TestStep, words: String, context: &Context) -> Self {
        let evidence =
            Evidence { phase: Some(Phase::Connect), at: Some(now()), ..Evidence::from_text(words) };
        Self { step, ..Self::new(evidence, context) }
    }
}

impl Engine {
    /// Sends a real small request, as the chat would, and says how each step went. Works on a
    /// provider that is not saved yet; without `key` the saved one is used.
    pub async fn test(
        &self,
        provider: &ProviderConfig,
        key: Option<Secret>,
        model: &str,
        lang: Lang,
    ) -> TestReport {
        let mut stages = Vec::new();
        let failure = self
            .run_test(provider, key, model, &self.context(now(), lang), &mut stages)
            .await
            .err();
        if let Some(failure) = &failure {
            stages.retain(|stage| stage.name != failure.step);
            stages.push(TestStage {
                name: failure.step,
                ok: false,
                ms: 0,
                detail: failure.diagnosis.title.to_string(),
            });
        }
        TestReport { stages, failure }
    }

    async fn run_test(
        &self,
        provider: &ProviderConfig,
        key: Option<Secret>,
        model: &str,
        context: &Context,
        stages: &mut Vec<TestStage>,
    ) -> Result<(), TestFailure> {
        let began = Instant::now();
        let endpoints = endpoint::resolve(provider.protocol, &provider.base_url)
            .map_err(|error| TestFailure::local(TestStep::Url, error.to_string(), context))?;
        let mut pass = |name, ms, detail| stages.push(TestStage { name, ok: true, ms, detail });
        pass(TestStep::Url, ms(began), endpoints.chat.clone());
        let route = self.draft(provider, key);
        let request = ChatRequest {
            model: model.to_owned(),
            messages: vec![RequestMessage {
                role: Role::User,
                parts: vec![Part::text("Reply with the one word OK.")],
            }],
            stream: true,
            ..ChatRequest::default()
        };
        let call = self
            .call(&route, &request, &Blobs::default(), Vec::new())
            .map_err(|words| TestFailure::local(TestStep::Url, words, context))?;
        let client = self
            .client(provider)
            .await
            .map_err(|error| TestFailure::new(*error.evidence(&call), context))?;
        for report in client.connect_stages(&endpoints.chat).await {
            let name = if report.stage == Stage::Dns { TestStep::Dns } else { TestStep::Connect };
            let took = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
            match report.outcome {
                Ok(detail) => pass(name, took, detail),
                Err(fault) => {
                    let evidence = Evidence {
                        phase: Some(Phase::Connect),
                        url: Some(endpoints.chat.clone()),
                        transport: Some(fault),
                        at: Some(now()),
                        ..Evidence::default()
                    };
                    return Err(TestFailure { step: name, ..TestFailure::new(evidence, context) });
                }
            }
        }
        let began = Instant::now();
        let cancel = CancellationToken::new();
        let fail = |evidence: Box<Evidence>| TestFailure::new(*evidence, context);
        let mut reply = client.send(call, &cancel).await.map_err(fail)?;
        pass(TestStep::Request, ms(began), format!("HTTP {}", reply.status()));
        let mut answer = Answer::default();
        let mut raw = Vec::new();
        while let Some(piece) = reply.next().await.map_err(fail)? {
            raw.extend_from_slice(&piece.raw);
            piece.events.iter().for_each(|event| answer.add(event));
        }
        if answer.is_empty() {
            let evidence = Evidence {
                phase: Some(Phase::Stream),
                at: Some(now()),
                ..Evidence::from_http(reply.status(), reply.headers().clone(), raw)
            };
            return Err(TestFailure::new(evidence, context));
        }
        pass(TestStep::Answer, ms(began), answer.text());
        Ok(())
    }

    /// Where a provider that may not be saved yet is reached, and with what key.
    fn draft(&self, provider: &ProviderConfig, key: Option<Secret>) -> Route {
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
                TestStep::Url,
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
        for model in &models {
            for fact in provider_facts(&provider, model) {
                self.learn(fact).await;
            }
        }
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
        let context = &self.context(now(), lang);
        let endpoints = endpoint::resolve(provider.protocol, &provider.base_url)
            .map_err(|error| TestFailure::local(TestStep::Url, error.to_string(), context))?;
        let route = self.draft(provider, key);
        let mut call = Call::get(endpoints.models, provider.protocol);
        call.headers =
            halo_wire::auth_headers(provider.protocol, route.key.as_ref().map(Secret::expose));
        call.known_secrets = route.key.iter().map(|key| key.expose().to_owned()).collect();
        call.provider = provider.vendor().map(str::to_owned);
        let client = self
            .client(provider)
            .await
            .map_err(|error| TestFailure::new(*error.evidence(&call), context))?;
        let (status, headers, body) = client
            .get(call, &CancellationToken::new())
            .await
            .map_err(|evidence| TestFailure::new(*evidence, context))?;
        decode_models(&body).map_err(|_| {
            let evidence = Evidence {
                at: Some(now()),
                provider: provider.vendor().map(str::to_owned),
                ..Evidence::from_http(status, headers, body)
            };
            TestFailure { step: TestStep::Answer, ..TestFailure::new(evidence, context) }
        })
    }
}
