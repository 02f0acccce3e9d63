//! What the doctor found.

use halo_diagnose::{Context, diagnose};
use halo_transport::Stage;
use halo_types::{Diagnosis, Evidence, FactValue, Headers, Phase, Protocol};

use crate::now;

/// A step, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoctorStage {
    /// The base URL makes a URL that can be called.
    Address,
    /// The host name has an address.
    Dns,
    /// The proxy lets through.
    Proxy,
    /// The server takes a connection.
    Connect,
    /// The encryption is agreed on.
    Tls,
    /// The address speaks the protocol.
    Endpoint,
    /// The key is taken.
    Key,
    /// The list of models, and whether the model is in it.
    Models,
    /// The model answers.
    Token,
    /// It answers piece by piece, to the end.
    Stream,
    /// It sees a picture.
    Picture,
    /// It asks for a tool.
    Tools,
}

impl DoctorStage {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Proxy => "proxy",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Endpoint => "endpoint",
            Self::Key => "key",
            Self::Models => "models",
            Self::Token => "token",
            Self::Stream => "stream",
            Self::Picture => "picture",
            Self::Tools => "tools",
        }
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Passed,
    /// It works, but there is something to know.
    Warned,
    /// It does not work.
    Failed,
    /// It was not taken, or proves nothing.
    Skipped,
}

impl Verdict {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What a step showed. [`Proof::words`](Proof::words) says it for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The URL that is called.
    Url(String),
    /// The addresses of the host, or where the connection went.
    Reached(String),
    /// The protocol is spoken at the address given.
    Endpoint,
    /// It is spoken at another base URL.
    EndpointElsewhere {
        /// That base URL, as it may be saved.
        base: String,
    },
    /// Another protocol is spoken at the address given.
    OtherProtocol(Protocol),
    /// The key was taken.
    KeyTaken,
    /// Nothing so far asked for the key.
    KeyUnproven,
    /// The provider's own list of models.
    Models {
        /// How many it names.
        count: usize,
        /// The model that is asked, where it is not among them.
        missing: Option<String>,
        /// Names that resemble it, nearest first.
        nearest: Vec<String>,
    },
    /// There is no list of models, which proves nothing.
    NoList,
    /// No model is named, so none can be asked.
    NoModel,
    /// What the model said.
    Said(String),
    /// It said nothing before the small limit of the test was reached.
    Silent,
    /// What came of a stream.
    Streamed {
        /// Milliseconds to the first word.
        first_ms: u64,
        /// In how many pieces it came.
        pieces: usize,
        /// What it said.
        text: String,
    },
    /// It named what is in the picture.
    Sees(String),
    /// It took the picture and did not say what is in it.
    Overlooks(String),
    /// It takes no pictures.
    Blind,
    /// It asked for the tool.
    CallsTool(String),
    /// It answered without the tool.
    IgnoresTool(String),
    /// It takes no tools.
    NoTools,
    /// The title of the diagnosis of a failed step.
    Failed(String),
}

/// A reply as it came, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawReply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Headers,
    /// The body, at most 64 KiB of it.
    pub body: Vec<u8>,
}

impl RawReply {
    pub(super) fn of_evidence(evidence: &Evidence) -> Option<Self> {
        Some(Self {
            status: evidence.status?,
            headers: evidence.headers.clone(),
            body: evidence.body.as_bytes().to_vec(),
        })
    }
}

/// How one step went.
#[derive(Debug, Clone, PartialEq)]
pub struct StageReport {
    /// The step.
    pub stage: DoctorStage,
    /// How it went.
    pub verdict: Verdict,
    /// Milliseconds it took.
    pub ms: u64,
    /// What it showed.
    pub proof: Proof,
    /// The reply, where there was one.
    pub raw: Option<RawReply>,
    /// What failed, and what that means.
    pub failure: Option<TestFailure>,
}

impl StageReport {
    /// A step that failed.
    pub(super) fn failed(ms: u64, failure: TestFailure) -> Self {
        Self {
            stage: failure.stage,
            verdict: Verdict::Failed,
            ms,
            proof: Proof::Failed(failure.diagnosis.title.to_string()),
            raw: RawReply::of_evidence(&failure.evidence),
            failure: Some(failure),
        }
    }
}

/// How an examination went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DoctorReport {
    /// The steps, in order.
    pub stages: Vec<StageReport>,
    /// The model that was asked.
    pub model: Option<String>,
    /// A base URL that works, where the one given does not.
    pub better_base: Option<String>,
    /// What the steps taught about the model.
    pub learned: Vec<FactValue>,
}

impl DoctorReport {
    /// The first step that failed.
    #[must_use]
    pub fn failure(&self) -> Option<&TestFailure> {
        self.stages.iter().find_map(|stage| stage.failure.as_ref())
    }
}

/// What failed.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFailure {
    /// At which step.
    pub stage: DoctorStage,
    /// What it left behind.
    pub evidence: Box<Evidence>,
    /// What it means.
    pub diagnosis: Box<Diagnosis>,
}

impl TestFailure {
    /// A failure met while `during` was tried; a fault of the network belongs to an earlier step.
    pub(crate) fn new(during: DoctorStage, evidence: Evidence, context: &Context) -> Self {
        let stage = match Stage::of(&evidence) {
            Stage::Address => DoctorStage::Address,
            Stage::Dns => DoctorStage::Dns,
            Stage::Proxy => DoctorStage::Proxy,
            Stage::Tcp => DoctorStage::Connect,
            Stage::Tls => DoctorStage::Tls,
            Stage::Request | Stage::Answer => during,
        };
        let diagnosis = Box::new(diagnose(&evidence, context));
        Self { stage, evidence: Box::new(evidence), diagnosis }
    }

    /// A failure of Halo's own making, before anything left the machine.
    pub(crate) fn local(stage: DoctorStage, words: String, context: &Context) -> Self {
        let evidence =
            Evidence { phase: Some(Phase::Connect), at: Some(now()), ..Evidence::from_text(words) };
        Self { stage, ..Self::new(stage, evidence, context) }
    }
}
