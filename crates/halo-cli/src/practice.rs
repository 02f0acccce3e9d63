//! The practice provider: the simulator in this process, on a loopback port of its own.

use anyhow::Context as _;
use halo_config::{ConnectionSettings, ProviderConfig};
use halo_engine::{Practice, PracticeScenario};
use halo_sim::{Group, SimOptions, Simulator};
use halo_types::{Lang, Protocol};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Starts the simulator and describes it as a provider.
pub(crate) async fn start(
    shutdown: CancellationToken,
) -> anyhow::Result<(Practice, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("the practice provider found no free port")?;
    let address = listener.local_addr().context("the practice provider has no address")?;
    let sim = Simulator::new(SimOptions::default());
    let models = sim.models();
    let provider = ProviderConfig {
        id: "practice".parse().context("the name of the practice provider")?,
        name: "Practice".to_owned(),
        preset: "practice".to_owned(),
        protocol: Protocol::OpenaiChat,
        base_url: format!("http://{address}/v1"),
        key_env: None,
        needs_key: false,
        models: models.iter().map(|model| model.id.clone()).collect(),
        connection: ConnectionSettings::default(),
    };
    let scenarios = sim
        .scenarios()
        .iter()
        .filter(|scenario| scenario.group != Group::Talk)
        .map(practice_scenario)
        .collect();
    let task = tokio::spawn(halo_sim::serve(listener, sim, shutdown));
    Ok((Practice { provider, models, scenarios }, task))
}

fn practice_scenario(scenario: &halo_sim::Scenario) -> PracticeScenario {
    PracticeScenario {
        id: scenario.id.clone(),
        group_en: scenario.group.title(Lang::En).to_owned(),
        group_zh: scenario.group.title(Lang::Zh).to_owned(),
        title_en: scenario.title.en.clone(),
        title_zh: scenario.title.zh.clone(),
        about_en: scenario.description.en.clone(),
        about_zh: scenario.description.zh.clone(),
        prompt_en: scenario.prompt.en.clone(),
        prompt_zh: scenario.prompt.zh.clone(),
        kind: scenario.kind,
        picture: scenario.picture,
        history_en: scenario.history(Lang::En),
        history_zh: scenario.history(Lang::Zh),
        parameters: scenario.parameters.clone(),
        model: scenario.id.clone(),
    }
}
