//! An app on a folder of its own, and a browser that may be signed in to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use halo_config::{Config, Paths};
use halo_engine::{Engine, Options};
use halo_store_sqlite::SqliteStore;
use halo_web::{AppState, WebOptions, new_link, router};
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) const HOST: &str = "127.0.0.1:7575";

/// An app and what its browser keeps.
pub(crate) struct Browser {
    pub(crate) engine: Engine,
    pub(crate) shutdown: CancellationToken,
    app: Router,
    cookies: Vec<String>,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

impl Browser {
    /// An app that nobody is signed in to.
    pub(crate) async fn stranger() -> Self {
        Self::prepared(async |_, _| {}).await
    }

    /// The same, of which something was stored and set before it began.
    async fn prepared(prepare: impl AsyncFnOnce(&SqliteStore, &Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(Some(folder.path().to_owned())).unwrap();
        let store = Arc::new(SqliteStore::open(&paths.database()).await.unwrap());
        let config = Config::load(paths).unwrap();
        prepare(&store, &config).await;
        let engine = Engine::open(Options::new(config, store)).await.unwrap();
        let shutdown = CancellationToken::new();
        let options = WebOptions { shutdown: shutdown.clone(), ..WebOptions::default() };
        let app = router(AppState::new(engine.clone(), options));
        Self { engine, shutdown, app, cookies: Vec::new(), _folder: folder }
    }

    /// An app with a browser that is signed in.
    pub(crate) async fn signed_in() -> Self {
        Self::signed_in_to(async |_, _| {}).await
    }

    /// The same, of which something was stored and set before it began.
    pub(crate) async fn signed_in_to(prepare: impl AsyncFnOnce(&SqliteStore, &Config)) -> Self {
        let mut browser = Self::prepared(prepare).await;
        let link = browser.link().await;
        let answer = browser.get(&link).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        browser.cookies.push(cookie);
        browser
    }

    /// A fresh link, as a path.
    pub(crate) async fn link(&self) -> String {
        let base = format!("http://{HOST}");
        let link = new_link(self.engine.store().as_ref(), &base).await.unwrap();
        link.strip_prefix(&base).unwrap().to_owned()
    }

    /// A request as this browser sends it; headers given replace its own.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Request<Body> {
        let cookies = self.cookies.join("; ");
        let mut all = vec![("host", HOST), ("cookie", cookies.as_str()), ("accept", "text/html")];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend_from_slice(headers);
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in all {
            request = request.header(name, value);
        }
        request.body(body.into()).unwrap()
    }

    pub(crate) async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, &[], "")).await
    }

    /// Posts a form as a page without scripts does.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_with(path, form, &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut all = vec![(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send(self.request(Method::POST, path, &all, form.to_owned())).await
    }
}
