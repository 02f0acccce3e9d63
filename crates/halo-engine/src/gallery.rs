//! The fault gallery: every rule of the diagnosis that has an answer of a provider for an example,
//! played in that provider's own words.

use std::sync::LazyLock;

use halo_diagnose::{Context, diagnose, rules};
use halo_types::{Evidence, Kind, Lang, Parameters};

use crate::PracticeScenario;

/// What a name of an entry begins with; the simulator plays models of such names.
const PREFIX: &str = "rule:";

/// An error that can be played.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The rule.
    pub rule: &'static str,
    /// What it must be read as.
    pub kind: Kind,
    /// Whose words they are, where the words tell.
    pub vendor: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// The answer, as the provider gives it.
    pub evidence: Evidence,
}

impl Fault {
    /// The name by which [`crate::Engine::play`] knows it.
    #[must_use]
    pub fn scenario(&self) -> String {
        format!("{PREFIX}{}", self.rule)
    }
}

/// Everything that can be played, in the order of kinds. Left out is what only a hint beside the
/// answer can tell: who was asked, how many pictures went along.
#[must_use]
pub fn faults() -> &'static [Fault] {
    static FAULTS: LazyLock<Vec<Fault>> = LazyLock::new(|| {
        let mut all: Vec<Fault> = rules().iter().filter_map(fault).collect();
        all.sort_by_key(|fault| fault.kind);
        all
    });
    &FAULTS
}

fn fault(rule: &'static halo_diagnose::Rule) -> Option<Fault> {
    let told = |e: &&halo_diagnose::Example| e.status.is_some() && !e.body.is_empty();
    let example = rule.example.iter().find(told)?;
    let status = example.status.filter(|status| (200..600).contains(status))?;
    let kind = example.kind.unwrap_or(rule.kind);
    let evidence = Evidence {
        // As it will be asked for: then the answer alone has to tell whose words it is.
        provider: Some(crate::practice::PRESET.to_owned()),
        ..Evidence::from_http(status, example.headers.clone(), example.body.as_str())
    };
    let diagnosis = diagnose(&evidence, &Context::default());
    (diagnosis.kind == kind).then(|| Fault {
        rule: &rule.id,
        kind,
        vendor: example.provider.clone().or(diagnosis.vendor),
        status,
        evidence,
    })
}

/// The entry of a name as a scenario.
pub(crate) fn scenario(name: &str, lang: Lang) -> Option<PracticeScenario> {
    let fault = faults().iter().find(|fault| name.strip_prefix(PREFIX) == Some(fault.rule))?;
    let title = |lang| {
        let title = &halo_diagnose::kind_text(fault.kind, lang).title;
        format!("{title} · {}", fault.rule)
    };
    // What is sent is the name of the rule, in any language; the title says it in words.
    let (words, none) = (title(lang), String::new);
    Some(PracticeScenario {
        id: name.to_owned(),
        group_en: none(),
        group_zh: none(),
        title_en: words.clone(),
        title_zh: words,
        about_en: none(),
        about_zh: none(),
        prompt_en: fault.rule.to_owned(),
        prompt_zh: fault.rule.to_owned(),
        kind: Some(fault.kind),
        picture: false,
        history_en: Vec::new(),
        history_zh: Vec::new(),
        parameters: Parameters::default(),
        model: name.to_owned(),
    })
}
