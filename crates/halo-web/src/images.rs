//! Pictures: taken in, and shown.

use axum::extract::{Multipart, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use halo_types::BlobId;
use serde_json::json;

use crate::error::PageError;
use crate::extract::Path;
use crate::state::AppState;

/// The largest upload; the engine has its own, smaller limit for one picture.
pub(crate) const MAX_UPLOAD: usize = 64 * 1024 * 1024;

/// `POST /images`: takes pictures in and gives their references.
pub(crate) async fn add(
    State(state): State<AppState>,
    mut upload: Multipart,
) -> Result<Response, PageError> {
    let mut images = Vec::new();
    loop {
        let field = upload.next_field().await.map_err(broken)?;
        let Some(field) = field else { break };
        let name = field.file_name().map(ToOwned::to_owned);
        let bytes = field.bytes().await.map_err(broken)?;
        let image = state.engine().add_image(bytes.to_vec(), name).await?;
        images.push(json!({ "url": format!("/images/{}", image.blob), "image": image }));
    }
    if images.is_empty() {
        return Err(PageError::Bad("problem-no-file"));
    }
    Ok(axum::Json(json!({ "images": images })).into_response())
}

fn broken(error: axum::extract::multipart::MultipartError) -> PageError {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        PageError::TooLarge { bytes: None, max: MAX_UPLOAD as u64 }
    } else {
        tracing::debug!(%error, "an upload could not be read");
        PageError::Bad("problem-bad-form")
    }
}

/// `GET /images/{blob}`.
pub(crate) async fn show(
    State(state): State<AppState>,
    Path(id): Path<BlobId>,
) -> Result<Response, PageError> {
    let bytes = state.engine().blob(&id).await?.ok_or(PageError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type(&bytes))),
        // Named by its content, so it never changes.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((headers, bytes).into_response())
}

/// Only pictures are given out as something a browser shows.
fn media_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_shown_as_such() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n"), "image/png");
        assert_eq!(media_type(b"RIFF....WEBPVP8 "), "image/webp");
        for other in [&b""[..], b"<html>", b"<svg onload=x>", b"RIFF....WAVE"] {
            assert_eq!(media_type(other), "application/octet-stream");
        }
    }
}
