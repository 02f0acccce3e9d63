//! The way to the provider: name, connection, encryption, address, key and list of models.

use std::time::Instant;

use halo_config::nearest;
use halo_transport::{Call, Stage};
use halo_types::{Evidence, Kind, Phase, Protocol};
use halo_wire::endpoint;

use super::speech::Heard;
use super::{DoctorStage, Examination, Proof, RawReply, StageReport, TestFailure, Verdict};
use crate::exchange::ms;
use crate::now;

/// Names offered in place of one that is not in the list.
const MAX_NEAREST: usize = 5;

/// What a call without any content says about an address.
enum Address {
    /// The protocol is spoken there.
    Speaks,
    /// It is not.
    Silent(Box<TestFailure>),
    /// The way there is broken.
    Unreachable(Box<TestFailure>),
}

impl Examination<'_> {
    /// Takes the steps before the first request. `false` where the way ends here.
    pub(super) async fn reach(&mut self) -> bool {
        let began = Instant::now();
        let provider = &self.route.provider;
        let url = match endpoint::resolve(provider.protocol, &provider.base_url) {
            Ok(endpoints) => endpoints.chat_url(self.model.as_deref().unwrap_or("MODEL"), true),
            Err(error) => {
                let context = self.engine.context(now(), self.lang);
                let stage = DoctorStage::Address;
                self.fail(began, TestFailure::local(stage, error.to_string(), &context));
                return false;
            }
        };
        self.pass(DoctorStage::Address, began, Proof::Url(url.clone()), None);
        for report in self.client.connect_stages(&url).await {
            let stage = match report.stage {
                Stage::Dns => DoctorStage::Dns,
                Stage::Proxy => DoctorStage::Proxy,
                Stage::Tls => DoctorStage::Tls,
                _ => DoctorStage::Connect,
            };
            match report.outcome {
                Ok(detail) => {
                    let ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
                    let proof = Proof::Reached(detail);
                    let verdict = Verdict::Passed;
                    self.note(StageReport { stage, verdict, ms, proof, raw: None, failure: None });
                }
                Err(fault) => {
                    let evidence = Evidence {
                        phase: Some(Phase::Connect),
                        url: Some(url.clone()),
                        transport: Some(fault),
                        at: Some(now()),
                        ..Evidence::default()
                    };
                    let failure = self.failure(stage, evidence);
                    self.fail(began, TestFailure { stage, ..failure });
                    return false;
                }
            }
        }
        true
    }

    /// Finds out where the protocol is spoken, and goes on from there.
    pub(super) async fn find_endpoint(&mut self) -> bool {
        let began = Instant::now();
        let given = self.route.provider.clone();
        let stage = DoctorStage::Endpoint;
        let first = match self.knock(given.protocol, &given.base_url).await {
            Address::Speaks => {
                self.pass(stage, began, Proof::Endpoint, None);
                return true;
            }
            Address::Unreachable(failure) => {
                self.fail(began, *failure);
                return false;
            }
            Address::Silent(failure) => failure,
        };
        for base in endpoint::variants(given.protocol, &given.base_url) {
            if matches!(self.knock(given.protocol, &base).await, Address::Speaks) {
                self.report.better_base = Some(base.clone());
                self.route.provider.base_url.clone_from(&base);
                self.warn(stage, began, Proof::EndpointElsewhere { base }, None);
                return true;
            }
        }
        for protocol in Protocol::ALL.iter().copied().filter(|other| *other != given.protocol) {
            if matches!(self.knock(protocol, &given.base_url).await, Address::Speaks) {
                let mut report = StageReport::failed(ms(began), *first);
                report.proof = Proof::OtherProtocol(protocol);
                self.note(report);
                return false;
            }
        }
        self.fail(began, *first);
        false
    }

    /// Sends a request without content: an API refuses it with words of its own, anything else
    /// answers with a page or says that there is nothing.
    async fn knock(&self, protocol: Protocol, base: &str) -> Address {
        let stage = DoctorStage::Endpoint;
        let context = self.engine.context(now(), self.lang);
        let model = self.model.as_deref().unwrap_or("MODEL");
        let url = match endpoint::resolve(protocol, base) {
            Ok(endpoints) => endpoints.chat_url(model, false),
            Err(error) => {
                let failure = TestFailure::local(stage, error.to_string(), &context);
                return Address::Unreachable(Box::new(failure));
            }
        };
        let mut call = Call::post(url, protocol, b"{}".to_vec());
        self.credentials(protocol, &mut call);
        let evidence = match self.client.send(call, self.engine.closing()).await {
            Ok(reply) => match Heard::all(reply).await {
                Ok(_) => return Address::Speaks,
                Err((evidence, _)) => evidence,
            },
            Err(evidence) => evidence,
        };
        let reached = evidence.status.is_some();
        let failure = Box::new(self.failure(stage, *evidence));
        match failure.diagnosis.kind {
            Kind::EndpointNotFound | Kind::InvalidResponse if reached => Address::Silent(failure),
            _ if reached => Address::Speaks,
            _ => Address::Unreachable(failure),
        }
    }

    /// Fetches the list of models, which also shows whether the key is taken.
    pub(super) async fn list_models(&mut self) -> bool {
        let began = Instant::now();
        let provider = &self.route.provider;
        let key = self.route.key.clone();
        let fetched = self.engine.list_of(provider, key, DoctorStage::Models, self.lang).await;
        match fetched {
            Ok((models, raw)) => {
                if self.route.key.is_some() {
                    self.pass(DoctorStage::Key, began, Proof::KeyTaken, None);
                } else {
                    self.skip(DoctorStage::Key, Proof::KeyUnproven);
                }
                let names: Vec<String> = models.iter().map(|model| model.id.clone()).collect();
                self.model = self.model.take().or_else(|| names.first().cloned());
                let missing = self.model.clone().filter(|model| !names.contains(model));
                let mut nearest =
                    missing.as_deref().map(|m| nearest(m, &names)).unwrap_or_default();
                nearest.truncate(MAX_NEAREST);
                let known = missing.is_none();
                let proof = Proof::Models { count: names.len(), missing, nearest };
                if known {
                    self.pass(DoctorStage::Models, began, proof, Some(raw));
                } else {
                    // Some lists leave out what can be asked; the next step will tell.
                    self.warn(DoctorStage::Models, began, proof, Some(raw));
                }
                true
            }
            Err(failure) => match failure.diagnosis.kind {
                // A key that is refused here is refused everywhere.
                Kind::InvalidApiKey | Kind::RegionUnsupported | Kind::AccountDisabled => {
                    self.fail(began, TestFailure { stage: DoctorStage::Key, ..failure });
                    false
                }
                _ if failure.evidence.status.is_none() => {
                    self.fail(began, failure);
                    false
                }
                _ => {
                    let raw = RawReply::of_evidence(&failure.evidence);
                    self.skip(DoctorStage::Key, Proof::KeyUnproven);
                    let (stage, verdict, proof) =
                        (DoctorStage::Models, Verdict::Skipped, Proof::NoList);
                    let ms = ms(began);
                    self.note(StageReport { stage, verdict, ms, proof, raw, failure: None });
                    true
                }
            },
        }
    }
}
