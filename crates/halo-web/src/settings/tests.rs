//! The settings pages as a browser without scripts meets them.

use std::fs;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use halo_config::{Config, Environment, Flags, Paths, ProviderConfig, preset};
use halo_engine::{Engine, Options, Practice};
use halo_store::TokenKind;
use halo_store_sqlite::SqliteStore;
use halo_types::{ProviderId, Target};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::form::Draft;
use crate::{AppState, WebOptions, secret};

const KEY: &str = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz-0123456789";
const ID: &str = "01890000-0000-7000-8000-000000000001";

struct Bench {
    folder: TempDir,
    engine: Engine,
    app: Router,
}

struct Page {
    status: StatusCode,
    location: String,
    body: String,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(Some(folder.path().to_owned())).unwrap();
        let store = SqliteStore::open(&paths.database()).await.unwrap();
        let environment = Environment::fixed([
            ("OPENAI_API_KEY", "sk-proj-from-the-environment-0123456789"),
            ("HALO_ALWAYS_COMPACT", "true"),
        ]);
        let config = Config::load_with(paths, environment, Flags::default()).unwrap();
        let mut practice =
            ProviderConfig::from_preset(preset("ollama").unwrap(), "practice".parse().unwrap());
        practice.preset = "practice".to_owned();
        practice.name = "Practice".to_owned();
        practice.models = vec!["practice".to_owned()];
        let mut options = Options::new(config, Arc::new(store));
        options.practice =
            Some(Practice { provider: practice, models: Vec::new(), scenarios: Vec::new() });
        let engine = Engine::open(options).await.unwrap();
        let state = AppState::new(engine.clone(), WebOptions::default());
        Self { folder, engine, app: super::router().with_state(state) }
    }

    async fn send(&self, request: Request<Body>) -> Page {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|l| l.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Page { status, location, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_as(path, fields, false).await
    }

    async fn post_as(&self, path: &str, fields: &[(&str, &str)], fragment: bool) -> Page {
        let body = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect::<Vec<_>>()
            .join("&");
        let mut request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::HOST, "127.0.0.1:7575");
        if fragment {
            request = request.header("x-halo-fragment", "1");
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    fn config(&self) -> &Config {
        self.engine.config()
    }

    fn keys(&self, id: &str) -> Vec<String> {
        let id: ProviderId = id.parse().unwrap();
        self.config().keys(&id).iter().map(|key| key.expose().to_owned()).collect()
    }

    /// Adds Anthropic with [`KEY`] through the form.
    async fn add_anthropic(&self) {
        let fields = [
            ("preset", "anthropic"),
            ("name", "Anthropic"),
            ("base_url", "http://127.0.0.1:9"),
            ("key", KEY),
            ("model", "claude-sonnet-5-5"),
        ];
        let saved = self.post("/settings/ai-model/save", &fields).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }
        })
        .collect()
}

fn attribute(page: &str, before: &str) -> String {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {page}"));
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_renders() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    for path in [
        "/settings/ai-model",
        "/settings/ai-model?provider=anthropic&field=key",
        "/settings/ai-model?provider=practice&field=key",
        "/settings/ai-model?add=openai-compatible",
        "/settings/recovery",
        "/settings/gateway",
        "/settings/appearance",
        "/settings/about",
    ] {
        let page = bench.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.body.contains("settings-nav-models"), "{path} lacks words");
        for inline in [" style=", "<style", " onclick", "<script>"] {
            assert!(!page.body.contains(inline), "{path} has {inline:?}");
        }
    }
    let root = bench.get("/settings").await;
    assert_eq!(root.location, "/settings/ai-model");
}

#[tokio::test]
async fn the_echo_follows_the_base_url() {
    let bench = Bench::new().await;
    let ask = async |preset: &str, base: &str, key: &str| {
        let fields = [("preset", preset), ("base_url", base), ("key", key)];
        bench.post("/settings/ai-model/url", &fields).await.body
    };
    for base in [
        "relay.example",
        "https://relay.example/v1",
        "https://relay.example/v1/v1/",
        "https://relay.example/v1/chat/completions",
    ] {
        let echo = ask("openai-compatible", base, "").await;
        let called = attribute(&echo, "data-url-chat>");
        assert_eq!(called, "https://relay.example/v1/chat/completions", "{base}");
    }
    let anthropic = ask("anthropic-compatible", "https://relay.example/v1/", "").await;
    assert_eq!(attribute(&anthropic, "data-url-chat>"), "https://relay.example/v1/messages");
    assert!(ask("openai-compatible", "ftp://x", "").await.contains("data-url-error"));
    let hostile = ask("openai-compatible", "https://<script>x", "").await;
    assert!(hostile.contains("data-url-error") && !hostile.contains("<script>"), "{hostile}");
    let plain = "data-url-plain";
    assert!(ask("openai-compatible", "http://relay.example", "k").await.contains(plain));
    assert!(!ask("openai-compatible", "http://relay.example", "").await.contains(plain));
    assert!(!ask("openai-compatible", "http://localhost:1234", "k").await.contains(plain));
    assert!(!ask("openai-compatible", "https://relay.example", "k").await.contains(plain));
}

#[tokio::test]
async fn a_saved_key_is_never_shown_again() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    assert_eq!(bench.keys("anthropic"), [KEY]);
    let pages = [
        bench.get("/settings/ai-model").await,
        bench.get("/settings/ai-model?provider=anthropic&field=key").await,
        bench.post("/settings/ai-model/remove", &[("provider", "anthropic")]).await,
        bench.get("/settings/ai-model?removed=anthropic").await,
    ];
    for page in &pages {
        assert!(!page.body.contains(KEY));
    }
    assert!(pages[0].body.contains("sk-ant-…6789"));
    let database = fs::read(bench.config().paths().database()).unwrap();
    assert!(!database.windows(KEY.len()).any(|bytes| bytes == KEY.as_bytes()));
}

#[tokio::test]
async fn an_empty_key_field_keeps_the_key_and_a_typed_one_replaces_it() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let save = async |keys: &[(&str, &str)]| {
        let mut fields = vec![
            ("id", "anthropic"),
            ("preset", "anthropic"),
            ("name", "Work"),
            ("base_url", "http://127.0.0.1:9/v1/messages"),
            ("model", "claude-opus-5-5"),
        ];
        fields.extend_from_slice(keys);
        let saved = bench.post("/settings/ai-model/save", &fields).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    };
    save(&[("key", ""), ("key", "")]).await;
    assert_eq!(bench.keys("anthropic"), [KEY]);
    save(&[("key", ""), ("key", "sk-ant-second")]).await;
    assert_eq!(bench.keys("anthropic"), [KEY, "sk-ant-second"]);
    save(&[("key", "sk-ant-first"), ("key", "")]).await;
    assert_eq!(bench.keys("anthropic"), ["sk-ant-first", "sk-ant-second"]);
    save(&[("drop_key", "0"), ("drop_key", "1")]).await;
    assert!(bench.keys("anthropic").is_empty());
    let provider = bench.config().provider(&"anthropic".parse().unwrap()).unwrap();
    assert_eq!(provider.name, "Work");
    assert_eq!(provider.models[0], "claude-opus-5-5");
    let official = Draft { base_url: "https://api.anthropic.com".to_owned(), ..keyless() };
    let official = official.provider(bench.config(), None).unwrap();
    assert!(official.needs_key, "a vendor always needs a key");
    assert!(!keyless().provider(bench.config(), None).unwrap().needs_key);
}

fn keyless() -> Draft {
    let base_url = "http://127.0.0.1:9".to_owned();
    Draft { preset: "anthropic".to_owned(), base_url, ..Draft::default() }
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let bench = Bench::new().await;
    let name = "<script>alert(1)</script>\"'&";
    let fields = [
        ("preset", "openai-compatible"),
        ("name", name),
        ("base_url", "http://127.0.0.1:9"),
        ("model", "\"><img src=x onerror=alert(1)>"),
        ("make_default", "1"),
    ];
    let saved = bench.post("/settings/ai-model/save", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    for path in [saved.location.as_str(), "/settings/ai-model?provider=script-alert-1-script"] {
        let page = bench.get(path.split('#').next().unwrap()).await;
        assert!(page.body.contains("alert(1)"), "{path}");
        assert!(
            !page.body.contains("<script>alert") && !page.body.contains("<img src=x"),
            "{path}"
        );
    }
    let page = bench.get("/settings/ai-model?provider=%3Cscript%3E&field=%22%3E%3Cscript%3E").await;
    assert!(!page.body.contains("<script>"));
}

#[tokio::test]
async fn a_form_that_is_wrong_comes_back_as_typed() {
    let bench = Bench::new().await;
    let fields = [
        ("preset", "openai-compatible"),
        ("name", "  "),
        ("base_url", "ht!tp://nowhere at all"),
        ("key", "sk-not saved"),
        ("key_env", "9LIVES"),
        ("model", "m-1"),
    ];
    let page = bench.post("/settings/ai-model/save", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["name", "key", "key_env"] {
        assert!(page.body.contains(&format!("data-fault=\"{field}\"")), "{field}: {}", page.body);
    }
    assert!(page.body.contains("data-url-error"));
    assert!(page.body.contains("ht!tp://nowhere at all") && page.body.contains("m-1"));
    assert!(bench.config().settings().providers.iter().all(|p| p.id.as_str() == "practice"));
    let empty = [("preset", "openai-compatible"), ("name", "A"), ("base_url", " ")];
    let page = bench.post("/settings/ai-model/save", &empty).await;
    assert!(page.body.contains("data-fault=\"url\""));
}

#[tokio::test]
async fn a_removed_provider_can_be_brought_back() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let target = Target { provider: "anthropic".parse().unwrap(), model: "m".into() };
    bench.config().set_default_target(Some(target.clone())).unwrap();
    let before = bench.config().settings();
    let gone = bench.post("/settings/ai-model/remove", &[("provider", "anthropic")]).await;
    assert_eq!(gone.location, "/settings/ai-model?removed=anthropic");
    assert!(bench.keys("anthropic").is_empty());
    let page = bench.get(&gone.location).await;
    assert!(page.body.contains("data-removed=\"anthropic\""));
    assert!(!bench.get("/settings/ai-model").await.body.contains("data-removed"));
    let back = bench.post("/settings/ai-model/restore", &[("provider", "anthropic")]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(bench.config().settings(), before);
    assert_eq!(bench.keys("anthropic"), [KEY]);
    let again = bench.post("/settings/ai-model/restore", &[("provider", "anthropic")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_practice_provider_takes_a_key_and_stays() {
    let bench = Bench::new().await;
    let page = bench.get("/settings/ai-model").await;
    assert!(page.body.contains("data-practice"));
    assert!(!page.body.contains("data-remove>"));
    let refused = bench.post("/settings/ai-model/remove", &[("provider", "practice")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields =
        [("id", "practice"), ("preset", "practice"), ("name", "X"), ("key", "practice-key-ok")];
    let saved = bench.post("/settings/ai-model/save", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert_eq!(bench.keys("practice"), ["practice-key-ok"]);
    let written = fs::read_to_string(bench.config().paths().config()).unwrap_or_default();
    assert!(!written.contains("practice"), "{written}");
}

#[tokio::test]
async fn a_waiting_message_goes_along_until_it_is_sent() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let ids = format!("conversation={ID}&turn={ID}&attempt={ID}");
    let open = bench.get(&format!("/settings/ai-model?provider=anthropic&field=key&{ids}")).await;
    assert!(open.body.contains("data-waiting=\"unsaved\""));
    assert!(open.body.contains("data-open-field=\"key\"") && open.body.contains(" autofocus"));
    let mut fields = vec![
        ("id", "anthropic"),
        ("preset", "anthropic"),
        ("name", "Anthropic"),
        ("base_url", "http://127.0.0.1:9"),
        ("model", "claude-opus-5-5"),
        ("conversation", ID),
        ("turn", ID),
        ("attempt", ID),
        ("field", "key"),
    ];
    let saved = bench.post("/settings/ai-model/save", &fields).await;
    assert_eq!(saved.location, format!("/settings/ai-model?saved=anthropic&{ids}"));
    let page = bench.get(&saved.location).await;
    assert!(page.body.contains("data-resend") && !page.body.contains("name=\"model\""));
    // Where the model was what had to change, the message goes to the new one.
    fields.last_mut().unwrap().1 = "model";
    let saved = bench.post("/settings/ai-model/save", &fields).await;
    assert!(saved.location.ends_with("&to=claude-opus-5-5"), "{}", saved.location);
    let page = bench.get(&saved.location).await;
    assert!(page.body.contains("name=\"model\" value=\"claude-opus-5-5\""));
    let resend = bench
        .post("/settings/ai-model/resend", &[("conversation", ID), ("turn", ID), ("attempt", ID)])
        .await;
    assert_eq!(resend.status, StatusCode::UNPROCESSABLE_ENTITY, "there is no such message");
    assert!(resend.body.contains("data-trouble"));
}

#[tokio::test]
async fn a_refused_model_is_replaced_for_one_message_alone() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let id: ProviderId = "anthropic".parse().unwrap();
    let before = bench.engine.provider(&id).unwrap().models;
    let chosen = Target { provider: id.clone(), model: before[0].clone() };
    bench.config().set_default_target(Some(chosen.clone())).unwrap();

    let waiting = format!("conversation={ID}&turn={ID}&attempt={ID}");
    let link = format!(
        "/settings/ai-model?provider=anthropic&field=model&{waiting}&refused=claude-nope%2F1"
    );
    let page = bench.get(&link).await;
    assert!(page.body.contains(r#"value="claude-nope/1" list="#), "{}", page.body);
    assert!(page.body.contains("data-refused") && page.body.contains(r#"aria-invalid="true""#));
    assert!(!page.body.contains(r#"name="make_default" value="1" checked"#), "{}", page.body);

    let fields = [
        ("id", "anthropic"),
        ("preset", "anthropic"),
        ("name", "Anthropic"),
        ("base_url", "http://127.0.0.1:9"),
        ("model", "claude-other"),
        ("field", "model"),
        ("refused", "claude-nope/1"),
        ("listed", "claude-listed"),
        ("conversation", ID),
        ("turn", ID),
        ("attempt", ID),
    ];
    let saved = bench.post("/settings/ai-model/save", &fields).await;
    assert!(saved.location.ends_with("&to=claude-other"), "{}", saved.location);
    let after = bench.engine.provider(&id).unwrap().models;
    assert_eq!(after[..before.len()], before);
    assert!(after.contains(&"claude-other".to_owned()));
    assert!(after.contains(&"claude-listed".to_owned()));
    assert_eq!(bench.config().settings().default_target, Some(chosen.clone()));

    let ticked: Vec<_> = fields.into_iter().chain([("make_default", "1")]).collect();
    bench.post("/settings/ai-model/save", &ticked).await;
    let default = bench.config().settings().default_target.clone().unwrap();
    assert_eq!(default.model, "claude-other");
}

#[tokio::test]
async fn a_file_broken_by_hand_is_named_and_left_alone() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let path = bench.config().paths().config();
    let broken = "# mine\n[providers.anthropic\nname = \"A\"\n";
    fs::write(&path, broken).unwrap();
    let fields = [
        ("id", "anthropic"),
        ("preset", "anthropic"),
        ("name", "New"),
        ("base_url", "http://127.0.0.1:9"),
        ("key", "sk-ant-new"),
    ];
    for (path, fields) in [
        ("/settings/ai-model/save", &fields[..]),
        ("/settings/ai-model/remove", &[("provider", "anthropic")]),
        ("/settings/recovery", &[("retry_automatically", "1"), ("always_omit_images", "1")]),
    ] {
        let page = bench.post(path, fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let place = attribute(&page.body, "data-place>");
        assert!(place.ends_with("config.toml:2:21"), "{path}: {place}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    assert_eq!(bench.keys("anthropic"), [KEY], "no key moved");
}

#[tokio::test]
async fn a_pasted_key_finds_its_provider() {
    let bench = Bench::new().await;
    let guess = bench
        .post("/settings/ai-model/guess", &[("key", "sk-or-v1-0123456789"), ("preset", "openai")])
        .await;
    assert!(guess.body.contains("data-guess=\"openrouter\""), "{}", guess.body);
    let unsure = bench
        .post("/settings/ai-model/paste", &[("key", "sk-0123456789abcdef0123456789abcdef")])
        .await;
    assert!(unsure.body.contains("data-unsure"));
    assert!(unsure.body.contains("value=\"sk-0123456789abcdef0123456789abcdef\""));
    let chosen = bench
        .post("/settings/ai-model/paste", &[("key", "sk-0123456789"), ("preset", "deepseek")])
        .await;
    assert!(chosen.body.contains("https://api.deepseek.com/"), "{}", chosen.body);
    assert!(chosen.body.contains("value=\"sk-0123456789\""));
    let empty = bench.post("/settings/ai-model/paste", &[("key", ""), ("preset", "ollama")]).await;
    assert_eq!(empty.location, "/settings/ai-model?add=ollama#add");
    assert!(!bench.folder.path().join("secrets.toml").exists(), "nothing was saved");
}

/// A provider that refuses every request with this body.
async fn refusing(body: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(async move || {
        (StatusCode::UNAUTHORIZED, [(header::CONTENT_TYPE, "application/json")], body)
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_test_names_the_step_that_failed_and_quotes_the_provider() {
    const BODY: &str =
        r#"{"error":{"message":"Incorrect API key provided: <none>.","code":"invalid_api_key"}}"#;
    let bench = Bench::new().await;
    let base = refusing(BODY).await;
    let fields = [
        ("preset", "openai-compatible"),
        ("name", "Relay"),
        ("base_url", base.as_str()),
        ("key", "sk-draft-key-0123456789"),
        ("model", "m-1"),
    ];
    let report = bench.post_as("/settings/ai-model/test", &fields, true).await.body;
    assert!(report.contains("data-failed-step=\"key\""), "{report}");
    assert!(report.contains("data-kind=\"invalid_api_key\""), "{report}");
    assert!(report.contains("data-remedy=\"open_settings_key\""), "{report}");
    let (_, pre) = report.split_once("data-raw").unwrap();
    let (_, pre) = pre.split_once(">\n").unwrap();
    let shown = pre.split("</pre>").next().unwrap();
    let shown =
        shown.replace("<mark data-mark-words>", "").replace("</mark>", "").replace("&quot;", "\"");
    assert_eq!(shown.replace("&lt;", "<").replace("&gt;", ">"), BODY);
    assert!(!report.contains("<html"));
    let page = bench.post("/settings/ai-model/test", &fields).await.body;
    assert!(page.contains("<html") && page.contains("data-failed-step=\"key\""));
    let models = bench.post_as("/settings/ai-model/models", &fields, true).await.body;
    assert!(models.contains("data-kind=\"invalid_api_key\""), "{models}");
    assert!(!bench.folder.path().join("secrets.toml").exists(), "a draft is not saved");
}

#[tokio::test]
async fn a_gateway_key_is_shown_once_and_can_be_taken_back() {
    let bench = Bench::new().await;
    let made = bench.post("/settings/gateway/make", &[("label", "<b>editor</b>")]).await;
    let key = attribute(&made.body, "data-new-key>");
    assert!(key.starts_with("halo_") && key.len() > 60, "{key}");
    assert!(made.body.contains("http://127.0.0.1:7575/v1"));
    let page = bench.get("/settings/gateway").await;
    assert!(!page.body.contains(&key) && !page.body.contains("<b>editor"));
    let store = bench.engine.store();
    let hash = secret::hash(&key);
    assert!(store.token(TokenKind::GatewayKey, &hash).await.unwrap().is_some());
    let removed = bench.post("/settings/gateway/remove", &[("hash", &hash)]).await;
    assert!(store.token(TokenKind::GatewayKey, &hash).await.unwrap().is_none());
    assert!(bench.get(&removed.location).await.body.contains("data-restore"));
    bench.post("/settings/gateway/restore", &[("hash", &hash)]).await;
    assert!(store.token(TokenKind::GatewayKey, &hash).await.unwrap().is_some());
}

#[tokio::test]
async fn recovery_keeps_what_the_environment_decides() {
    let bench = Bench::new().await;
    let saved = bench.post("/settings/recovery", &[("always_omit_images", "1")]).await;
    assert_eq!(saved.location, "/settings/recovery?saved=1");
    let recovery = bench.config().settings().recovery.clone();
    assert!(recovery.always_omit_images && !recovery.retry_automatically);
    assert_eq!(recovery.max_tries, 4);
}

#[tokio::test]
async fn the_share_at_which_to_compact_is_a_number_field() {
    let bench = Bench::new().await;
    let page = bench.get("/settings/recovery").await;
    assert!(page.body.contains("name=\"compact_at_percent\" min=\"10\" max=\"100\""));
    assert!(page.body.contains("value=\"80\""));
    let saved = bench.post("/settings/recovery", &[("compact_at_percent", " 65 ")]).await;
    assert_eq!(saved.location, "/settings/recovery?saved=1");
    assert_eq!(bench.config().settings().recovery.compact_at_percent, 65);
    for wrong in ["9", "101", "x", "", "300"] {
        let refused = bench.post("/settings/recovery", &[("compact_at_percent", wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(refused.body.contains("aria-invalid") && refused.body.contains("from 10 to 100"));
    }
    assert_eq!(bench.config().settings().recovery.compact_at_percent, 65);
}

#[tokio::test]
async fn the_ladder_is_made_moved_and_emptied_with_buttons_alone() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let page = bench.get("/settings/recovery").await.body;
    assert!(page.contains("data-ladder-empty") && page.contains("<option value=\"off\" selected>"));
    let saved = bench.post("/settings/recovery", &[("failover", "models")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(bench.config().settings().recovery.failover, halo_config::Reach::Models);

    let ladder = || {
        let settings = bench.config().settings();
        let names = settings.recovery.ladder.iter().map(ToString::to_string);
        names.collect::<Vec<_>>().join(" ")
    };
    let press = async |action: &str, target: &str| {
        let fields = [("do", action), ("target", target)];
        bench.post("/settings/recovery/ladder", &fields).await
    };
    for model in ["anthropic/a", " anthropic/b/c ", "anthropic/d"] {
        assert_eq!(press("add", model).await.status, StatusCode::SEE_OTHER, "{model}");
    }
    press("add", "anthropic/a").await;
    assert_eq!(ladder(), "anthropic/a anthropic/b/c anthropic/d");
    press("up", "anthropic/d").await;
    press("down", "anthropic/a").await;
    press("up", "anthropic/d").await;
    assert_eq!(ladder(), "anthropic/d anthropic/a anthropic/b/c");
    press("remove", "anthropic/a").await;
    press("remove", "anthropic/a").await;
    assert_eq!(ladder(), "anthropic/d anthropic/b/c");
    for wrong in
        ["", "model", "nobody/nothing", "anthropic/", "practice/halo-practice", "anthropic/a,b"]
    {
        let page = press("add", wrong).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(!page.body.contains("settings-ladder-unknown"), "{wrong}");
    }
    let page = bench.get("/settings/recovery").await.body;
    assert!(
        page.contains("data-rung=\"anthropic/d\"") && page.contains("value=\"models\" selected")
    );
    assert!(page.contains("list=\"ladder-known\"") && !page.contains("practice/"));
    assert!(!page.contains("settings-ladder") && !page.contains("settings-failover"), "words");
    // A provider that goes leaves its rungs behind, which say so.
    bench.config().remove_provider(&"anthropic".parse().unwrap()).unwrap();
    assert!(bench.get("/settings/recovery").await.body.contains("data-missing"));
    press("remove", "anthropic/d").await;
    press("remove", "anthropic/b/c").await;
    assert_eq!(ladder(), "");
}

#[tokio::test]
async fn the_default_is_one_of_the_known_models() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let wrong = bench.post("/settings/ai-model/default", &[("target", "nobody/nothing")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right =
        bench.post("/settings/ai-model/default", &[("target", "anthropic/claude-opus-5-5")]).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    let target = bench.config().settings().default_target.clone().unwrap();
    assert_eq!(target.to_string(), "anthropic/claude-opus-5-5");
}

#[tokio::test]
async fn a_language_is_kept_in_a_cookie() {
    let bench = Bench::new().await;
    let request = Request::get("/settings/about")
        .header(header::COOKIE, "halo_lang=zh-CN")
        .body(Body::empty())
        .unwrap();
    assert!(bench.send(request).await.body.contains("许可证"));
    let saved = bench.post("/settings/appearance", &[("language", "zh-CN")]).await;
    assert_eq!(saved.location, "/settings/appearance?saved=1");
}

#[tokio::test]
async fn the_form_says_what_is_known_about_its_model() {
    let bench = Bench::new().await;
    let ask = async |base: &str, model: &str| {
        let fields = [("preset", "openai-compatible"), ("base_url", base), ("model", model)];
        bench.post_as("/settings/ai-model/facts", &fields, true).await.body
    };
    let own = ask("https://api.openai.com/v1", "gpt-5.4").await;
    for words in ["up to 1,050,000 tokens", "$2.5 in, $15 out", "catalogue, 20"] {
        assert!(own.contains(words), "{words}: {own}");
    }
    let relayed = ask("https://relay.example/v1", "gpt-5.4").await;
    assert!(relayed.contains("up to 1,050,000 tokens"), "{relayed}");
    assert!(!relayed.contains('$') && relayed.contains("unknown"), "{relayed}");
    let unknown = ask("https://relay.example/v1", "my-own-model").await;
    assert_eq!(unknown.matches("unknown").count(), 7, "{unknown}");
    assert_eq!(ask("https://relay.example/v1", " ").await.trim(), "");
    let hostile = ask("https://relay.example/v1", "<script>").await;
    assert!(!hostile.contains("<script>"), "{hostile}");

    // The saved form shows the same without scripts.
    bench.add_anthropic().await;
    let page = bench.get("/settings/ai-model?provider=anthropic").await;
    assert!(page.body.contains("What is known about claude-sonnet-5-5"), "{}", page.body);
    assert!(page.body.contains("sees pictures · uses tools · thinks first · 1M tokens"));
}

#[tokio::test]
async fn a_provider_s_own_list_beats_the_catalogue() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let provider = bench.engine.provider(&"anthropic".parse().unwrap()).unwrap();
    let listed = halo_wire::ModelInfo {
        id: "claude-sonnet-5-5".to_owned(),
        context_window: Some(333_000),
        ..halo_wire::ModelInfo::default()
    };
    bench.engine.learn_models(&provider, &[listed]).await;
    let page = bench.get("/settings/ai-model?provider=anthropic").await;
    assert!(page.body.contains("up to 333,000 tokens"), "{}", page.body);
    assert!(page.body.contains("the provider&#39;s list, 20"), "{}", page.body);
}

#[tokio::test]
async fn the_source_of_the_catalogue_is_named() {
    let page = Bench::new().await.get("/settings/about").await;
    let source = &halo_config::catalogue_source().name;
    assert!(page.body.contains(source.as_str()), "{}", page.body);
}

#[tokio::test]
async fn how_a_provider_is_reached_is_shown_checked_and_saved() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let id: ProviderId = "anthropic".parse().unwrap();
    let ca = bench.folder.path().join("ca.pem");
    fs::write(&ca, "nothing of use").unwrap();
    let save = |fields: Vec<(&'static str, String)>| {
        let bench = &bench;
        async move {
            let mut all = vec![
                ("id", "anthropic".to_owned()),
                ("name", "Anthropic".to_owned()),
                ("base_url", "http://127.0.0.1:9".to_owned()),
                ("model", "claude-sonnet-5-5".to_owned()),
            ];
            all.extend(fields);
            let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
            bench.post("/settings/ai-model/save", &all).await
        }
    };
    for (name, value, words) in [
        ("proxy", "sytem".to_owned(), "This is no proxy"),
        ("proxy", "ftp://me:geheim@host:1".to_owned(), "no kind of proxy Halo knows"),
        ("ca_file", "none.pem".to_owned(), "There is no file"),
        ("ca_file", ca.display().to_string(), "There is no certificate in"),
        ("connect_timeout_s", "0".to_owned(), "from 1 to 300"),
        ("idle_timeout_s", "a minute".to_owned(), "from 1 to 3600"),
    ] {
        let page = save(vec![(name, value)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(&format!("data-fault=\"{name}\"")), "{name}: {}", page.body);
        assert!(page.body.contains(words) && !page.body.contains("geheim"), "{}", page.body);
        assert!(page.body.contains("data-connection open"));
    }
    assert_eq!(bench.config().provider(&id).unwrap().connection, Default::default());

    let saved = save(vec![
        ("proxy", "http://me@host:8080".to_owned()),
        ("proxy_password", "geheim".to_owned()),
        ("first_byte_timeout_s", "600".to_owned()),
    ])
    .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let provider = bench.config().provider(&id).unwrap();
    assert_eq!(provider.connection.first_byte_timeout_s, Some(600));
    let exposed = || {
        let provider = bench.config().provider(&id).unwrap();
        provider.connection.proxy.as_ref().and_then(|p| p.url()).map(|url| url.expose())
    };
    assert_eq!(exposed().as_deref(), Some("http://me:geheim@host:8080"));
    let page = bench.get("/settings/ai-model?provider=anthropic").await;
    assert!(
        page.body.contains("value=\"http://me@host:8080\"") && page.body.contains("value=\"600\"")
    );
    assert!(page.body.contains("Leave empty to keep the saved one"), "{}", page.body);
    assert!(!page.body.contains("geheim"));

    // Saved again as it is shown, the password stays; a form without these fields changes nothing.
    for fields in [
        vec![("proxy", "http://me@host:8080".to_owned()), ("proxy_password", String::new())],
        Vec::new(),
    ] {
        assert_eq!(save(fields).await.status, StatusCode::SEE_OTHER);
        assert_eq!(exposed().as_deref(), Some("http://me:geheim@host:8080"));
    }
    // Removed and restored, it is all there again.
    bench.post("/settings/ai-model/remove", &[("provider", "anthropic")]).await;
    let secrets = bench.config().paths().secrets();
    assert!(!fs::read_to_string(&secrets).unwrap().contains("geheim"));
    bench.post("/settings/ai-model/restore", &[("provider", "anthropic")]).await;
    assert_eq!(exposed().as_deref(), Some("http://me:geheim@host:8080"));
    save(vec![("proxy", String::new()), ("first_byte_timeout_s", String::new())]).await;
    assert_eq!(bench.config().provider(&id).unwrap().connection, Default::default());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_not_gone_past() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let fields = [
        ("id", "anthropic"),
        ("name", "Anthropic"),
        ("base_url", "http://127.0.0.1:9"),
        ("model", "claude-sonnet-5-5"),
        ("proxy", "socks9://host:1"),
    ];
    for path in ["/settings/ai-model/test", "/settings/ai-model/models"] {
        let page = bench.post_as(path, &fields, true).await;
        assert!(page.body.contains("no kind of proxy Halo knows"), "{path}: {}", page.body);
        assert!(!page.body.contains("data-test-report"), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn what_the_person_knows_is_kept_counts_first_and_is_taken_back() {
    let bench = Bench::new().await;
    bench.add_anthropic().await;
    let form = [
        ("id", "anthropic"),
        ("preset", "anthropic"),
        ("name", "Anthropic"),
        ("base_url", "http://127.0.0.1:9"),
        ("model", "claude-sonnet-5-5"),
        ("fact_model", "claude-sonnet-5-5"),
    ];
    let set = async |window: &'static str| {
        let fields = [&form[..], &[("fact_window", window), ("fact_vision", "no")]].concat();
        bench.post("/settings/ai-model/facts/set", &fields).await.body
    };
    let page = set("200,000").await;
    assert!(page.contains("up to 200,000 tokens"), "{page}");
    assert_eq!(page.matches("set by you, 20").count(), 2, "{page}");
    assert!(page.contains("data-facts-saved") && page.contains("What is known about"));

    let refused = set("0").await;
    assert!(refused.contains("Reads: it must be between 256 and 1,000,000,000"), "{refused}");
    assert!(refused.contains("up to 200,000 tokens"), "the old one stays");

    let provider = bench.engine.provider(&"anthropic".parse().unwrap()).unwrap();
    let window =
        |fact: &halo_types::Fact| matches!(fact.value, halo_types::FactValue::ContextWindow(_));
    let own = || bench.engine.own_facts(&provider);
    let id = own().into_iter().find(window).unwrap().id.to_string();
    let forget = [&form[..], &[("forget", id.as_str())]].concat();
    let page = bench.post_as("/settings/ai-model/facts/forget", &forget, true).await.body;
    assert!(page.contains("data-fact-restore") && !page.contains("up to 200,000"), "{page}");
    assert_eq!(own().len(), 1);
    let restore = [&form[..], &[("restore", id.as_str())]].concat();
    let page = bench.post_as("/settings/ai-model/facts/restore", &restore, true).await.body;
    assert!(page.contains("up to 200,000 tokens"), "{page}");

    // An emptied field is taken back; saving the provider keeps what stands in the fields.
    set("").await;
    assert!(!own().iter().any(window));
    let fields = [&form[..], &[("fact_window", "300k")]].concat();
    bench.post("/settings/ai-model/save", &fields).await;
    assert!(own().iter().any(window));
}

#[tokio::test]
async fn facts_of_a_provider_that_is_not_saved_cannot_be_set() {
    let bench = Bench::new().await;
    let fields = [
        ("preset", "openai-compatible"),
        ("base_url", "https://relay.example/v1"),
        ("model", "mine"),
        ("fact_model", "mine"),
        ("fact_window", "8192"),
    ];
    let page = bench.post_as("/settings/ai-model/facts/set", &fields, true).await.body;
    assert!(page.contains("Save the provider first"), "{page}");
    assert!(!page.contains("name=\"fact_window\""), "{page}");
}
