//! A provider that does what a test says, by key and by the number of the request.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::bench::Bench;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) key: String,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

/// What is said to a request; `None` is an answer.
pub(crate) type Refusal = Option<(u16, Vec<(&'static str, String)>, Value)>;

/// A scripted provider and what came to it.
#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<Mutex<Vec<Came>>>);

impl Scripted {
    /// What came so far.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.0.lock().unwrap().clone()
    }

    /// Puts a scripted provider in the place of a configured one.
    pub(crate) async fn at(
        bench: &Bench,
        id: &str,
        script: impl Fn(usize, &Came) -> Refusal + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scripted = Self::default();
        let (came, script) = (scripted.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (came, script) = (came.clone(), Arc::clone(&script));
                tokio::spawn(async move { came.serve(stream, &*script).await });
            }
        });
        let id: halo_types::ProviderId = id.parse().unwrap();
        let change = |settings: &mut halo_config::Settings| {
            for provider in settings.providers.iter_mut().filter(|p| p.id == id) {
                provider.base_url = format!("http://{address}/v1");
            }
        };
        bench.engine.config().update(change).unwrap();
        scripted
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        script: &(impl Fn(usize, &Came) -> Refusal + ?Sized),
    ) -> Option<()> {
        let mut bytes = Vec::new();
        let came = loop {
            let mut piece = [0; 4096];
            let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
            bytes.extend_from_slice(&piece[..n]);
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let Ok(body) = serde_json::from_str::<Value>(body) else { continue };
            let key = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let key = value.strip_prefix("Bearer ").unwrap_or(value);
                name.eq_ignore_ascii_case("authorization").then(|| key.to_owned())
            });
            break Came { key: key.unwrap_or_default(), body, at: Instant::now() };
        };
        let nth = {
            let mut all = self.0.lock().unwrap();
            all.push(came.clone());
            all.len() - 1
        };
        let (status, headers, kind, text) = match script(nth, &came) {
            Some((status, headers, body)) => {
                (status, headers, "application/json", body.to_string())
            }
            None => {
                let part = json!({ "choices": [{ "index": 0, "delta": { "content": "Yes." } }] });
                let end =
                    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
                let text = format!("data: {part}\n\ndata: {end}\n\ndata: [DONE]\n\n");
                (200, Vec::new(), "text/event-stream", text)
            }
        };
        let more: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\n\
             connection: close\r\n\r\n",
            text.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }
}

/// An error in OpenAI's form.
pub(crate) fn refuse(status: u16, kind: &str, code: &str, message: &str) -> Refusal {
    let error = json!({ "error": { "message": message, "type": kind, "code": code } });
    Some((status, Vec::new(), error))
}

/// A rate limit with the wait it asks for.
pub(crate) fn limit(seconds: u32) -> Refusal {
    let message = format!("Rate limit reached for requests. Please try again in {seconds}s.");
    let (status, _, body) = refuse(429, "requests", "rate_limit_exceeded", &message)?;
    Some((status, vec![("retry-after", seconds.to_string())], body))
}
