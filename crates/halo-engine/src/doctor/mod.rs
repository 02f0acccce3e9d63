//! The doctor: a walk from the host name to a tool call, step by step, each with its time, what it
//! proves, and the provider's raw reply. It serves `halo doctor` and Settings → Test.
//!
//! A step that fails leads to the same diagnosis as in a conversation. What a step teaches about
//! the model (pictures, tools, streaming) becomes a fact, as if an answer had taught it.

mod network;
mod report;
mod speech;
mod trial;
mod words;

use std::time::Instant;

use halo_config::{ProviderConfig, Secret};
use halo_transport::{Call, Client};
use halo_types::{Fact, FactId, FactOrigin, FactValue, Lang};
use uuid::Uuid;

pub use report::{DoctorReport, DoctorStage, Proof, RawReply, StageReport, TestFailure, Verdict};
pub use words::learned_words;

use crate::exchange::{Route, ms};
use crate::{Engine, now};

/// What is examined.
#[derive(Debug, Clone)]
pub struct Patient {
    /// The provider; it may not be saved yet.
    pub provider: ProviderConfig,
    /// The key to use; the saved one where absent.
    pub key: Option<Secret>,
    /// The model to ask; without one, the first of the provider's or of its own list.
    pub model: Option<String>,
}

/// One examination, while it runs.
struct Examination<'a> {
    engine: &'a Engine,
    client: Client,
    route: Route,
    model: Option<String>,
    lang: Lang,
    /// Hears of each step as soon as it is over.
    listen: &'a mut (dyn FnMut(&StageReport) + Send + Sync),
    report: DoctorReport,
}

impl Engine {
    /// Examines a provider, and says how each step went as soon as it is over. Steps behind one
    /// that failed are left out where they cannot be taken.
    pub async fn examine(
        &self,
        patient: Patient,
        lang: Lang,
        listen: &mut (dyn FnMut(&StageReport) + Send + Sync),
    ) -> DoctorReport {
        let model = patient.model.or_else(|| patient.provider.models.first().cloned());
        let route = self.draft(&patient.provider, patient.key);
        let client = match self.client(&patient.provider).await {
            Ok(client) => client,
            Err(error) => {
                let call = Call::get(&*patient.provider.base_url, patient.provider.protocol);
                let context = self.context(now(), lang);
                let evidence = *error.evidence(&call);
                let failure = TestFailure::new(DoctorStage::Address, evidence, &context);
                let stage = StageReport::failed(0, failure);
                listen(&stage);
                return DoctorReport { stages: vec![stage], model, ..DoctorReport::default() };
            }
        };
        let mut examination = Examination {
            engine: self,
            client,
            route,
            model,
            lang,
            listen,
            report: DoctorReport::default(),
        };
        examination.run().await;
        examination.report.model.clone_from(&examination.model);
        examination.report
    }
}

impl Examination<'_> {
    async fn run(&mut self) {
        if !self.reach().await || !self.find_endpoint().await || !self.list_models().await {
            return;
        }
        if self.model.is_none() {
            self.skip(DoctorStage::Token, Proof::NoModel);
            return;
        }
        if self.one_token().await {
            self.stream().await;
            self.picture().await;
            self.tools().await;
        }
    }

    /// Notes how a step went.
    fn note(&mut self, stage: StageReport) {
        (self.listen)(&stage);
        self.report.stages.push(stage);
    }

    fn pass(&mut self, stage: DoctorStage, began: Instant, proof: Proof, raw: Option<RawReply>) {
        let ms = ms(began);
        self.note(StageReport { stage, verdict: Verdict::Passed, ms, proof, raw, failure: None });
    }

    fn warn(&mut self, stage: DoctorStage, began: Instant, proof: Proof, raw: Option<RawReply>) {
        let ms = ms(began);
        self.note(StageReport { stage, verdict: Verdict::Warned, ms, proof, raw, failure: None });
    }

    fn skip(&mut self, stage: DoctorStage, proof: Proof) {
        let verdict = Verdict::Skipped;
        self.note(StageReport { stage, verdict, ms: 0, proof, raw: None, failure: None });
    }

    /// Notes a failure; the step at fault may be an earlier one than the one that met it.
    fn fail(&mut self, began: Instant, failure: TestFailure) {
        self.note(StageReport::failed(ms(began), failure));
    }

    /// Keeps what a step taught, if the provider is saved under this address.
    async fn learn(&mut self, value: FactValue, quote: Option<String>) {
        let Some(model) = self.model.clone() else { return };
        self.report.learned.push(value.clone());
        let provider = &self.route.provider;
        let saved = self.engine.provider(&provider.id);
        if saved.is_none_or(|saved| saved.base_url != provider.base_url) {
            return;
        }
        let fact = Fact {
            id: FactId::new(Uuid::now_v7()),
            scope: crate::providers::scope(provider, &model),
            value,
            origin: FactOrigin::Learned,
            at: now(),
            quote,
            attempt: None,
            conversation: None,
        };
        self.engine.learn(fact).await;
    }
}
