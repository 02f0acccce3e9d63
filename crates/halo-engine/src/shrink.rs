//! Smaller pictures for a model that refuses large ones. Each is made once and is a blob of its
//! own; the original stays, and another model gets it.

use std::collections::BTreeSet;
use std::io::Cursor;

use halo_types::{
    BlobId, ImageRef, Message, Record, SmallerImage, Step, StepBy, StepKind, Target, Turn,
};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ImageFormat, ImageReader, Limits};

use crate::live::RunGuard;
use crate::pictures::{MAX_SIDE, inspect};
use crate::settle::new_step;
use crate::{Engine, EngineError};

/// The first size that is tried, on the longest side. Larger ones are shrunk by most makers anyway:
/// <https://platform.claude.com/docs/en/build-with-claude/vision>
const FIRST_SIDE: u32 = 1_568;
/// Smaller pictures are not made: nothing can be seen on them.
const LEAST_SIDE: u32 = 64;
/// The most that a smaller picture may weigh, in bytes; in base64 it stays below the 5 MB that
/// Anthropic takes.
const MAX_BYTES: usize = 3_500_000;
/// Quality of JPEG, of 100.
const QUALITY: u8 = 85;

/// The longest side to try next: half of what was tried before, or of the largest picture.
/// `None` where there is nothing left to gain.
pub(crate) fn next_side(branch: &[Message], steps: &[Step], target: &Target) -> Option<u32> {
    let tried = steps.iter().filter_map(|step| match &step.kind {
        StepKind::ShrinkImages { target: of, max_side, .. } if of == target => Some(*max_side),
        _ => None,
    });
    let largest = images(branch).map(|image| image.width.max(image.height)).max()?;
    let next = match tried.min() {
        Some(tried) => tried / 2,
        None if largest > FIRST_SIDE => FIRST_SIDE,
        None => largest / 2,
    };
    (next >= LEAST_SIDE).then_some(next)
}

/// The step as it will be, without its pictures having been made: for a preview of its size.
pub(crate) fn preview(branch: &[Message], target: &Target, max_side: u32) -> StepKind {
    let smaller = |image: &ImageRef| {
        let long = image.width.max(image.height);
        let scaled = |side: u32| {
            let side = u64::from(side) * u64::from(max_side) / u64::from(long.max(1));
            u32::try_from(side).unwrap_or(max_side).max(1)
        };
        let (width, height) = (scaled(image.width), scaled(image.height));
        SmallerImage {
            original: image.blob.clone(),
            sent: ImageRef { width, height, ..image.clone() },
        }
    };
    let larger = images(branch).filter(|image| image.width.max(image.height) > max_side);
    let pictures = larger.map(smaller).collect();
    StepKind::ShrinkImages { target: target.clone(), max_side, pictures }
}

fn images(branch: &[Message]) -> impl Iterator<Item = &ImageRef> {
    branch.iter().flat_map(Message::images)
}

impl Engine {
    /// Makes and stores what is sent in place of the pictures of a branch.
    pub(crate) async fn shrink(
        &self,
        branch: &[Message],
        except: &BTreeSet<&BlobId>,
        max_side: u32,
    ) -> Result<Vec<SmallerImage>, EngineError> {
        let mut made: Vec<SmallerImage> = Vec::new();
        for image in images(branch) {
            let known = except.contains(&image.blob)
                || made.iter().any(|smaller| smaller.original == image.blob);
            if known || !is_large(image, max_side) {
                continue;
            }
            let Some(bytes) = self.store().blob(&image.blob).await? else { continue };
            let name = image.name.clone();
            let work =
                move || smaller(&bytes, max_side).map(|small| (inspect(&small, name), small));
            let Ok(Some((Ok(sent), bytes))) = tokio::task::spawn_blocking(work).await else {
                tracing::warn!(blob = %image.blob, "a picture could not be made smaller");
                continue;
            };
            self.store().put_blob(&sent.blob, &bytes).await?;
            made.push(SmallerImage { original: image.blob.clone(), sent });
        }
        Ok(made)
    }

    /// Makes the pictures smaller that came after the person had others shrunk for this model, so
    /// that the same refusal does not come again.
    pub(crate) async fn shrink_newer(
        &self,
        guard: &RunGuard,
        turn: &Turn,
        target: &Target,
    ) -> Result<(), EngineError> {
        let (branch, steps) = {
            let log = guard.live().log.lock().await;
            let steps = log.active_steps();
            let any = |step: &Step| matches!(step.kind, StepKind::ShrinkImages { .. });
            if !steps.iter().any(any) {
                return Ok(());
            }
            (log.branch(Some(turn.prompt)), steps)
        };
        let of_target = steps.iter().filter_map(|step| match &step.kind {
            StepKind::ShrinkImages { target: of, max_side, pictures } if of == target => {
                Some((step.cause, *max_side, pictures))
            }
            _ => None,
        });
        let all: Vec<_> = of_target.collect();
        let Some(&(cause, max_side, _)) = all.iter().min_by_key(|(_, max_side, _)| *max_side)
        else {
            return Ok(());
        };
        let known = all.iter().flat_map(|(_, _, pictures)| pictures.iter().map(|p| &p.original));
        let pictures = self.shrink(&branch, &known.collect(), max_side).await?;
        if !pictures.is_empty() {
            let kind = StepKind::ShrinkImages { target: target.clone(), max_side, pictures };
            guard.append(&[Record::Step(new_step(self, turn, kind, cause, StepBy::Auto))]).await?;
        }
        Ok(())
    }
}

fn is_large(image: &ImageRef, max_side: u32) -> bool {
    image.width.max(image.height) > max_side || image.bytes > MAX_BYTES as u64
}

/// A picture with no side longer than `max_side` and of few enough bytes: JPEG, or PNG where parts
/// of it are transparent. `None` where it cannot be read, or gets no smaller.
fn smaller(bytes: &[u8], max_side: u32) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let whole = reader.decode().ok()?;
    let mut side = max_side.min(whole.width().max(whole.height()));
    loop {
        let picture = whole.resize(side, side, FilterType::Triangle);
        let clear = picture.color().has_alpha()
            && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX);
        let mut out = Cursor::new(Vec::new());
        if clear {
            picture.write_to(&mut out, ImageFormat::Png).ok()?;
        } else {
            let encoder = JpegEncoder::new_with_quality(&mut out, QUALITY);
            picture.to_rgb8().write_with_encoder(encoder).ok()?;
        }
        let out = out.into_inner();
        if out.len() <= MAX_BYTES {
            return (side < whole.width().max(whole.height()) || out.len() < bytes.len())
                .then_some(out);
        }
        side /= 2;
        if side < LEAST_SIDE {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_picture_keeps_its_shape_and_what_is_clear() {
        let sea = crate::pictures::sample();
        let small = inspect(&smaller(&sea, 240).unwrap(), None).unwrap();
        assert_eq!((small.width, small.height, &*small.media_type), (240, 160, "image/jpeg"));
        let mut glass = image::RgbaImage::from_pixel(300, 100, image::Rgba([9, 9, 9, 255]));
        glass.put_pixel(1, 1, image::Rgba([0, 0, 0, 0]));
        let mut png = Cursor::new(Vec::new());
        glass.write_to(&mut png, ImageFormat::Png).unwrap();
        let small = inspect(&smaller(&png.into_inner(), 150).unwrap(), None).unwrap();
        assert_eq!((small.width, small.height, &*small.media_type), (150, 50, "image/png"));
        assert_eq!(smaller(b"no picture", 100), None);
    }
}
