//! Pictures: checked by their bytes, named by their hash.

use halo_types::{BlobId, ImageRef, Part};
use halo_wire::Answer;
use image::{ImageFormat, ImageReader, Limits};
use sha2::{Digest, Sha256};

use crate::{Engine, EngineError};

/// The largest picture file that is taken, in bytes.
pub const MAX_PICTURE_BYTES: usize = 20 * 1024 * 1024;
/// The largest side in pixels that is decoded.
pub(crate) const MAX_SIDE: u32 = 16_384;

impl Engine {
    /// Checks and stores a picture.
    ///
    /// # Errors
    /// [`EngineError::NotAPicture`], [`EngineError::PictureTooLarge`], or if the store fails.
    pub async fn add_image(
        &self,
        bytes: Vec<u8>,
        name: Option<String>,
    ) -> Result<ImageRef, EngineError> {
        // Decoding is work for a thread that may be kept busy.
        let checked = tokio::task::spawn_blocking(move || {
            inspect(&bytes, name.clone()).map(|image| (image, bytes))
        });
        let (image, bytes) = checked.await.unwrap_or_else(|_| {
            Err(EngineError::NotAPicture {
                name: "The file".to_owned(),
                why: "it could not be read".to_owned(),
            })
        })?;
        self.store().put_blob(&image.blob, &bytes).await?;
        Ok(image)
    }

    /// The parts of an answer, its pictures stored. What a model calls a picture and is none
    /// becomes a note, so that it can never reach a page or another provider.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn keep_pictures(&self, answer: &Answer) -> Result<Vec<Part>, EngineError> {
        let mut parts = answer.parts();
        for part in &mut parts {
            let Part::Image(image) = part else { continue };
            let bytes = answer.blobs.get(&image.blob).unwrap_or_default().to_vec();
            match self.add_image(bytes, None).await {
                Ok(kept) => *image = kept,
                Err(EngineError::Store(error)) => return Err(EngineError::Store(error)),
                Err(error) => {
                    tracing::warn!(%error, media_type = image.media_type, "a picture of an answer");
                    *part = Part::text(format!(
                        "[The model sent a picture ({}, {} bytes) that cannot be shown: {error}]",
                        image.media_type, image.bytes
                    ));
                }
            }
        }
        Ok(parts)
    }

    /// The bytes of a stored picture.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store().blob(id).await?)
    }
}

/// Reads a picture's format and size from its bytes; a name or a declared type is not believed.
///
/// # Errors
/// [`EngineError::PictureTooLarge`] and [`EngineError::NotAPicture`].
pub(crate) fn inspect(bytes: &[u8], name: Option<String>) -> Result<ImageRef, EngineError> {
    let shown = || name.clone().unwrap_or_else(|| "The file".to_owned());
    if bytes.len() > MAX_PICTURE_BYTES {
        return Err(EngineError::PictureTooLarge {
            name: shown(),
            bytes: bytes.len(),
            max: MAX_PICTURE_BYTES,
        });
    }
    let refuse = |why: String| EngineError::NotAPicture { name: shown(), why };
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| refuse(error.to_string()))?;
    let media_type = match reader.format() {
        Some(ImageFormat::Png) => "image/png",
        Some(ImageFormat::Jpeg) => "image/jpeg",
        Some(ImageFormat::Gif) => "image/gif",
        Some(ImageFormat::WebP) => "image/webp",
        _ => {
            return Err(refuse("its bytes are none of PNG, JPEG, GIF and WebP".to_owned()));
        }
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    // Decoding finds what a header alone hides: a file that is cut off or damaged.
    let picture = reader.decode().map_err(|error| refuse(error.to_string()))?;
    Ok(ImageRef {
        blob: BlobId::from_digest(&Sha256::digest(bytes).into()),
        media_type: media_type.to_owned(),
        width: picture.width(),
        height: picture.height(),
        bytes: bytes.len() as u64,
        name,
    })
}

/// A small red square as PNG: nobody mistakes its colour.
pub(crate) fn red_square() -> Vec<u8> {
    png(&image::RgbImage::from_pixel(64, 64, image::Rgb([220, 20, 20])))
}

/// A small picture for practice: a sun over a sea, as PNG.
pub(crate) fn sample() -> Vec<u8> {
    let (width, height) = (480u32, 320u32);
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (f64::from(x) - 330.0, f64::from(y) - 110.0);
        if (dx * dx + dy * dy).sqrt() < 42.0 {
            image::Rgb([252, 211, 119])
        } else if y < 205 {
            let t = (y * 120 / 205) as u8;
            image::Rgb([120 + t, 165 + t / 2, 220])
        } else {
            let wave = ((x / 6 + y / 3) % 4) as u8 * 6;
            image::Rgb([38, 92 + wave, 140 + wave])
        }
    });
    png(&picture)
}

fn png(picture: &image::RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    match picture.write_to(&mut bytes, ImageFormat::Png) {
        Ok(()) => bytes.into_inner(),
        Err(error) => unreachable!("an RGB picture in memory encodes as PNG: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_told_by_its_bytes() {
        let png = sample();
        let image = inspect(&png, Some("sea.txt".to_owned())).unwrap();
        assert_eq!((image.media_type.as_str(), image.width, image.height), ("image/png", 480, 320));
        assert_eq!(image.bytes, png.len() as u64);
    }

    #[test]
    fn a_file_that_only_calls_itself_a_picture_is_refused_with_words() {
        for bytes in [&b"hello"[..], &b""[..], &b"\x89PNG\r\n\x1a\nrest"[..], &sample()[..200]] {
            let error = inspect(bytes, Some("cat.png".to_owned())).unwrap_err();
            assert!(error.to_string().starts_with("cat.png is not a picture"), "{error}");
        }
    }
}
