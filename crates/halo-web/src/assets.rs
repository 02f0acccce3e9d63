//! The files of `static/`, carried in the binary.

mod minify;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::secret::hex;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// A file as it is sent.
struct Sent {
    tag: String,
    data: Cow<'static, [u8]>,
}

/// All files, made when the first one is asked for.
static SENT: LazyLock<HashMap<String, Sent>> = LazyLock::new(|| {
    let sent = |name: Cow<'static, str>| {
        let file = Files::get(&name)?;
        let data = match (media_type(&name), std::str::from_utf8(&file.data)) {
            ("text/javascript; charset=utf-8", Ok(text)) => {
                minify::script(text).into_bytes().into()
            }
            ("text/css; charset=utf-8", Ok(text)) => minify::style(text).into_bytes().into(),
            _ => file.data,
        };
        Some((name.into_owned(), Sent { tag: tag(&data), data }))
    };
    Files::iter().filter_map(sent).collect()
});

/// `GET /assets/{name}`. Names are stable because the ES modules import each other by name, so
/// browsers revalidate with the tag; on a loopback connection that costs next to nothing.
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = SENT.get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cached =
        headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == file.tag.as_bytes());
    let caching =
        [(header::ETAG, file.tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if cached {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, media_type(&name))], &*file.data).into_response()
}

fn tag(data: &[u8]) -> String {
    format!("\"{}\"", hex(&Sha256::digest(data)[..12]))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bar of all scripts and styles together, in bytes.
    const BAR: usize = 120_000;

    #[test]
    fn scripts_and_styles_stay_small() {
        let mut sizes: Vec<(usize, &str)> = SENT
            .iter()
            .filter(|(name, _)| name.ends_with(".js") || name.ends_with(".css"))
            .map(|(name, file)| (file.data.len(), name.as_str()))
            .collect();
        sizes.sort_unstable();
        let all: usize = sizes.iter().map(|(size, _)| size).sum();
        assert!(all <= BAR, "{all} bytes: {sizes:#?}");
    }
}
