//! The scenarios that come with the crate.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::scenario::{Act, Dialects, HttpReply, Scenario};

/// The files in the order of a gallery.
const FILES: &[(&str, &str)] = &[
    ("talk.toml", include_str!("../scenarios/talk.toml")),
    ("rate-limit.toml", include_str!("../scenarios/rate-limit.toml")),
    ("context.toml", include_str!("../scenarios/context.toml")),
    ("picture.toml", include_str!("../scenarios/picture.toml")),
    ("account.toml", include_str!("../scenarios/account.toml")),
    ("model.toml", include_str!("../scenarios/model.toml")),
    ("overloaded.toml", include_str!("../scenarios/overloaded.toml")),
    ("server-error.toml", include_str!("../scenarios/server-error.toml")),
    ("stream.toml", include_str!("../scenarios/stream.toml")),
    ("answer.toml", include_str!("../scenarios/answer.toml")),
    ("sloppy.toml", include_str!("../scenarios/sloppy.toml")),
    ("other.toml", include_str!("../scenarios/other.toml")),
];

/// A fault in the scenario files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CatalogueError {
    /// The file is no TOML of the expected form.
    #[error("scenarios/{file} cannot be read")]
    File {
        file: &'static str,
        #[source]
        source: toml::de::Error,
    },
    /// A scenario contradicts itself or another one.
    #[error("scenario {id:?}: {what}")]
    Scenario { id: String, what: String },
}

/// Every scenario and the words of the common refusals.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) scenarios: Vec<Scenario>,
    refusals: BTreeMap<String, Dialects<HttpReply>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

impl Catalogue {
    /// Reads the embedded files.
    pub(crate) fn load() -> Result<Self, CatalogueError> {
        let mut scenarios = Vec::new();
        for (file, text) in FILES {
            let parsed: File =
                toml::from_str(text).map_err(|source| CatalogueError::File { file, source })?;
            scenarios.extend(parsed.scenario);
        }
        let file = "refusals.toml";
        let refusals = toml::from_str(include_str!("../scenarios/refusals.toml"))
            .map_err(|source| CatalogueError::File { file, source })?;
        let catalogue = Self { scenarios, refusals };
        catalogue.check()?;
        Ok(catalogue)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.id == id)
    }

    /// The words of a refusal: the scenario's own, or the common ones.
    pub(crate) fn refusal<'a>(
        &'a self,
        name: &str,
        scenario: Option<&'a Scenario>,
    ) -> Option<&'a Dialects<HttpReply>> {
        scenario.and_then(|s| s.refusals.get(name)).or_else(|| self.refusals.get(name))
    }

    fn check(&self) -> Result<(), CatalogueError> {
        for (n, scenario) in self.scenarios.iter().enumerate() {
            let fault = |what: String| CatalogueError::Scenario { id: scenario.id.clone(), what };
            if self.scenarios[..n].iter().any(|other| other.id == scenario.id) {
                return Err(fault("the id is taken".to_owned()));
            }
            if scenario.kind.is_some() != scenario.way_forward.is_some() && scenario.kind.is_some()
            {
                return Err(fault("an error needs a way forward".to_owned()));
            }
            if let Some(name) =
                scenario.refusals.keys().find(|name| !self.refusals.contains_key(*name))
            {
                return Err(fault(format!("there is no limit called {name:?}")));
            }
            for play in &scenario.plays {
                check_act(&play.act).map_err(fault)?;
            }
        }
        Ok(())
    }
}

fn check_act(act: &Act) -> Result<(), String> {
    match act {
        Act::Http(replies) => replies.all().try_for_each(|r| match &r.from_rule {
            None if !(200..600).contains(&r.status) => Err(format!("status {}", r.status)),
            Some(rule) if example_of(rule).is_none() => {
                Err(format!("rule {rule:?} does not exist or has no HTTP example"))
            }
            _ => Ok(()),
        }),
        Act::StreamError(error) => error.data.all().try_for_each(|d| {
            serde_json::from_str::<serde_json::Value>(d)
                .map(drop)
                .map_err(|e| format!("the data of the error event is no JSON: {e}"))
                .and_then(|()| match d.contains('\n') {
                    true => Err("the data of the error event has more than one line".to_owned()),
                    false => Ok(()),
                })
        }),
        Act::Answer(_) | Act::Cut(_) | Act::Stall(_) => Ok(()),
    }
}

/// The first example of a rule that has an HTTP status or at least a body.
pub(crate) fn example_of(rule: &str) -> Option<HttpReply> {
    let rule = halo_diagnose::rules().iter().find(|r| r.id == rule)?;
    let example = rule
        .example
        .iter()
        .find(|e| e.status.is_some() && !e.body.is_empty())
        .or_else(|| rule.example.iter().find(|e| e.status.is_some() || !e.body.is_empty()))?;
    let headers = example.headers.iter().map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    Some(HttpReply {
        status: example.status.unwrap_or(500),
        headers,
        body: example.body.clone(),
        bare: true,
        ..HttpReply::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Group;

    #[test]
    fn the_embedded_scenarios_are_sound() {
        let catalogue = Catalogue::load().unwrap();
        assert!(catalogue.scenarios.len() > 40, "{}", catalogue.scenarios.len());
        for group in Group::ALL {
            assert_eq!(serde_json::to_value(group).unwrap(), group.as_str());
            assert!(catalogue.scenarios.iter().any(|s| s.group == *group), "{group}");
        }
        for row in 1..=10 {
            assert!(catalogue.scenarios.iter().any(|s| s.row == Some(row)), "row {row}");
        }
    }

    #[test]
    fn a_play_is_one_thing() {
        let text = "[[scenario]]\nid='x'\ngroup='other'\ntitle={en='',zh=''}\n\
            description={en='',zh=''}\nprompt={en='',zh=''}\n[[scenario.play]]\nanswer={}\nstall={}";
        let error = toml::from_str::<File>(text).err().unwrap().to_string();
        assert!(error.contains("exactly one"), "{error}");
    }
}
