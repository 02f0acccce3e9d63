//! Settings → Gateway: where programs connect, and the Halo keys they use.

use askama::Template;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, header};
use halo_engine::Engine;
use halo_store::{TokenKind, TokenRow};

use super::form::Pairs;
use super::models::{Gone, practice_id};
use super::snippets;
use super::undo::Removed;
use super::{Answer, Section, Shell, see_other, uncached};
use crate::clock;
use crate::error::PageError;
use crate::page::{self, Page};
use crate::secret;
use crate::state::AppState;
use crate::strings::Words;

/// The longest label of a key, in characters.
const MAX_LABEL: usize = 60;

/// What stands in the snippets in place of a key.
const PLACEHOLDER: &str = "YOUR_HALO_KEY";

struct KeyRow {
    hash: String,
    label: String,
    created: String,
    used: String,
    remove_label: String,
}

struct Snippet {
    name: &'static str,
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "settings/gateway.html")]
struct GatewayPage {
    page: Page,
    shell: Shell,
    address: String,
    made: Option<String>,
    keys: Vec<KeyRow>,
    removed: Option<Gone>,
    snippets: Vec<Snippet>,
    models_words: String,
    key_words: String,
}

fn value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
}

/// `GET /settings/gateway`
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    page: Page,
    headers: HeaderMap,
    Query(query): Query<Pairs>,
) -> Answer {
    let mut view = View::default();
    if let Some(token) = value(&query, "removed").and_then(|hash| removed.token(hash)) {
        let label = label(page.words, &token);
        view.removed = Some(Gone {
            words: page.words.t1("settings-gateway-key-removed", "label", label),
            id: token.hash,
        });
    }
    if let Some(hash) = value(&query, "restored") {
        let token = state.engine().store().token(TokenKind::GatewayKey, hash).await?;
        view.notice = token.map(|token| {
            page.words.t1("settings-gateway-key-back", "label", label(page.words, &token))
        });
    }
    render(state.engine(), page, &headers, view).await
}

/// `POST /settings/gateway/make`: a new key, shown this once.
pub(super) async fn make(
    State(state): State<AppState>,
    page: Page,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let key = format!("halo_{}", secret::token()?);
    let label = value(&pairs, "label").unwrap_or_default();
    let row = TokenRow {
        kind: TokenKind::GatewayKey,
        hash: secret::hash(&key),
        label: label.chars().filter(|c| !c.is_control()).take(MAX_LABEL).collect(),
        created_at: clock::now(),
        expires_at: None,
        used_at: None,
    };
    state.engine().store().put_token(&row).await?;
    let view = View { made: Some(key), ..View::default() };
    Ok(uncached(render(state.engine(), page, &headers, view).await?))
}

/// `POST /settings/gateway/remove`
pub(super) async fn remove(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let hash = value(&pairs, "hash").unwrap_or_default();
    let store = state.engine().store();
    let Some(token) = store.token(TokenKind::GatewayKey, hash).await? else {
        return Ok(see_other("/settings/gateway"));
    };
    store.remove_token(TokenKind::GatewayKey, &token.hash).await?;
    let to = format!("/settings/gateway?removed={}", token.hash);
    removed.keep_token(token);
    Ok(see_other(&to))
}

/// `POST /settings/gateway/restore`
pub(super) async fn restore(
    State(state): State<AppState>,
    Extension(removed): Extension<Removed>,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let Some(token) = value(&pairs, "hash").and_then(|hash| removed.token(hash)) else {
        return Ok(see_other("/settings/gateway"));
    };
    state.engine().store().put_token(&token).await?;
    Ok(see_other(&format!("/settings/gateway?restored={}", token.hash)))
}

#[derive(Default)]
struct View {
    made: Option<String>,
    removed: Option<Gone>,
    notice: Option<String>,
}

async fn render(engine: &Engine, page: Page, headers: &HeaderMap, view: View) -> Answer {
    let w = page.words;
    let address = address(engine, headers);
    let model = example_model(engine);
    let keys = key_rows(engine, &page).await?;
    let mut shell = Shell::new(w, Section::Gateway);
    shell.notice = view.notice;
    let snippets = snippets(w, &address, &model);
    let gateway = GatewayPage {
        page,
        shell,
        address,
        made: view.made,
        keys,
        removed: view.removed,
        snippets,
        models_words: w.t1("settings-gateway-models", "model", &model),
        key_words: w.t1("settings-gateway-snippet-key", "placeholder", PLACEHOLDER),
    };
    page::html(&gateway)
}

async fn key_rows(engine: &Engine, page: &Page) -> Result<Vec<KeyRow>, PageError> {
    let w = page.words;
    let tokens = engine.store().tokens(TokenKind::GatewayKey).await?;
    let rows = tokens.into_iter().map(|token| {
        let label = label(w, &token);
        let date = page.zone.minute_text(token.created_at);
        KeyRow {
            created: w.t1("settings-gateway-key-created", "date", date),
            used: token.used_at.map_or_else(
                || w.t("settings-gateway-key-unused"),
                |at| w.t1("settings-gateway-key-used", "date", page.zone.minute_text(at)),
            ),
            remove_label: w.t1("settings-gateway-key-remove-named", "label", &label),
            hash: token.hash,
            label,
        }
    });
    Ok(rows.collect())
}

fn label(w: Words, token: &TokenRow) -> String {
    if token.label.trim().is_empty() {
        w.t("settings-gateway-key-unnamed")
    } else {
        token.label.clone()
    }
}

/// The address this very page was reached at, which programs on the same side can use as well.
fn address(engine: &Engine, headers: &HeaderMap) -> String {
    match headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", engine.config().settings().listen),
    }
}

/// A model to name in the snippets: the default, else one that is there.
fn example_model(engine: &Engine) -> String {
    let practice = practice_id(engine);
    let own = |info: &halo_engine::TargetInfo| Some(&info.target.provider) != practice.as_ref();
    let targets = engine.targets();
    engine
        .config()
        .settings()
        .default_target
        .clone()
        .or_else(|| targets.iter().find(|info| own(info)).map(|info| info.target.clone()))
        .or_else(|| targets.first().map(|info| info.target.clone()))
        .map_or_else(|| "anthropic/claude-sonnet-5-5".to_owned(), |target| target.to_string())
}

fn snippets(w: Words, address: &str, model: &str) -> Vec<Snippet> {
    let openai = format!(
        "from openai import OpenAI\n\n\
         client = OpenAI(base_url=\"{address}/v1\", api_key=\"{PLACEHOLDER}\")\n\
         answer = client.chat.completions.create(\n    \
             model=\"{model}\",\n    \
             messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n\
         )\n\
         print(answer.choices[0].message.content)"
    );
    let anthropic = format!(
        "from anthropic import Anthropic\n\n\
         client = Anthropic(base_url=\"{address}\", api_key=\"{PLACEHOLDER}\")\n\
         answer = client.messages.create(\n    \
             model=\"{model}\",\n    \
             max_tokens=1024,\n    \
             messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n\
         )\n\
         print(answer.content[0].text)"
    );
    let curl = format!(
        "curl {address}/v1/chat/completions \\\n  \
         -H \"Authorization: Bearer {PLACEHOLDER}\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  \
         -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
    );
    let env = format!(
        "export OPENAI_BASE_URL={address}/v1\n\
         export OPENAI_API_KEY={PLACEHOLDER}\n\
         export ANTHROPIC_BASE_URL={address}\n\
         export ANTHROPIC_API_KEY={PLACEHOLDER}"
    );
    let own = [
        ("openai", "settings-gateway-snippet-openai", openai),
        ("anthropic", "settings-gateway-snippet-anthropic", anthropic),
        ("curl", "settings-gateway-snippet-curl", curl),
        ("env", "settings-gateway-snippet-env", env),
    ];
    let own = own.map(|(name, key, text)| (name, w.t(key), text));
    own.into_iter()
        .chain(snippets::of(w, address, model, PLACEHOLDER))
        .map(|(name, title, text)| Snippet { name, title, text })
        .collect()
}
