//! Smaller pictures for a model that refuses large ones. Each is made once and is a blob of its
//! own; the original stays, and another model gets it.

use std::collections::BTreeSet;
use std::io::Cursor;

use halo_context::PictureLimits;
use halo_types::{
    BlobId, ConversationId, ImageRef, Message, Record, SmallerImage, Step, StepBy, StepId,
    StepKind, Target, Turn,
};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ImageFormat, ImageReader, Limits};
use uuid::Uuid;

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

/// What a smaller picture has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Smaller {
    /// Its longest side, in pixels.
    pub(crate) max_side: u32,
    max_bytes: usize,
    no_gif: bool,
}

impl Smaller {
    /// As small as a model with these limits takes it, as one of `count`.
    fn fitting(limits: &PictureLimits, count: usize) -> Self {
        Self { max_side: first_side(limits, count), ..Self::of(limits, count, 0) }
    }

    fn of(limits: &PictureLimits, count: usize, max_side: u32) -> Self {
        let share = limits.total.map(|total| total / (count.max(1) as u64));
        let most = [limits.bytes, share].into_iter().flatten().fold(MAX_BYTES as u64, u64::min);
        let max_bytes = usize::try_from(most).unwrap_or(MAX_BYTES);
        Self { max_side, max_bytes, no_gif: limits.no_gif }
    }

    fn is_met_by(&self, image: &ImageRef) -> bool {
        image.width.max(image.height) <= self.max_side
            && image.bytes <= self.max_bytes as u64
            && !(self.no_gif && image.media_type == "image/gif")
    }
}

/// The first size that is tried, on the longest side.
fn first_side(limits: &PictureLimits, count: usize) -> u32 {
    let known = limits.side_among(count as u64).and_then(|side| u32::try_from(side).ok());
    known.map_or(FIRST_SIDE, |side| side.clamp(LEAST_SIDE, FIRST_SIDE))
}

/// The longest side to try next: half of what was tried before, or of the largest picture.
/// `None` where there is nothing left to gain.
pub(crate) fn next_side(
    branch: &[Message],
    steps: &[Step],
    target: &Target,
    limits: &PictureLimits,
) -> Option<u32> {
    let tried = steps.iter().filter_map(|step| match &step.kind {
        StepKind::ShrinkImages { target: of, max_side, .. } if of == target => Some(*max_side),
        _ => None,
    });
    let largest = images(branch).map(|image| image.width.max(image.height)).max()?;
    let first = first_side(limits, images(branch).count());
    let next = match tried.min() {
        Some(tried) => tried / 2,
        None if largest > first => first,
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
        to: Smaller,
    ) -> Result<Vec<SmallerImage>, EngineError> {
        let mut made: Vec<SmallerImage> = Vec::new();
        for image in images(branch) {
            let known = except.contains(&image.blob)
                || made.iter().any(|smaller| smaller.original == image.blob);
            if known || to.is_met_by(image) {
                continue;
            }
            let Some(bytes) = self.store().blob(&image.blob).await? else { continue };
            let name = image.name.clone();
            let work = move || smaller(&bytes, to).map(|small| (inspect(&small, name), small));
            let Ok(Some((Ok(sent), bytes))) = tokio::task::spawn_blocking(work).await else {
                tracing::warn!(blob = %image.blob, "a picture could not be made smaller");
                continue;
            };
            self.store().put_blob(&sent.blob, &bytes).await?;
            made.push(SmallerImage { original: image.blob.clone(), sent });
        }
        Ok(made)
    }

    /// What a model takes of pictures, as far as it is known.
    #[must_use]
    pub fn picture_limits(&self, target: &Target) -> PictureLimits {
        PictureLimits::of(self.protocol_of(target), &target.model, &self.model_facts(target))
    }

    /// Sends the pictures of a conversation to the chosen model as small as it takes them, those
    /// that are still to come too.
    ///
    /// # Errors
    /// [`EngineError::NoTarget`], [`EngineError::NoConversation`], or if the store fails.
    pub async fn send_smaller(&self, id: ConversationId) -> Result<(), EngineError> {
        let live = self.live(id).await?;
        let (target, branch) = {
            let log = live.log.lock().await;
            (self.target_of(&log).ok_or(EngineError::NoTarget)?, log.branch(log.head))
        };
        let kind = self.fitting(&branch, target).await?;
        let step = Step {
            id: StepId::new(Uuid::now_v7()),
            conversation: id,
            at: self.now(),
            kind,
            cause: None,
            by: StepBy::Person,
        };
        self.append(&live, &[Record::Step(step)]).await
    }

    /// The step that makes the pictures of a branch as small as a model takes them.
    pub(crate) async fn fitting(
        &self,
        branch: &[Message],
        target: Target,
    ) -> Result<StepKind, EngineError> {
        let to = Smaller::fitting(&self.picture_limits(&target), images(branch).count());
        let pictures = self.shrink(branch, &BTreeSet::new(), to).await?;
        Ok(StepKind::ShrinkImages { target, max_side: to.max_side, pictures })
    }

    /// The step that makes the pictures of a branch smaller than they were sent last; `None` where
    /// that is of no use any more.
    pub(crate) async fn next_smaller(
        &self,
        branch: &[Message],
        steps: &[Step],
        target: Target,
    ) -> Result<Option<StepKind>, EngineError> {
        let limits = self.picture_limits(&target);
        let Some(max_side) = next_side(branch, steps, &target, &limits) else { return Ok(None) };
        let to = Smaller::of(&limits, images(branch).count(), max_side);
        let pictures = self.shrink(branch, &BTreeSet::new(), to).await?;
        let made = !pictures.is_empty();
        Ok(made.then_some(StepKind::ShrinkImages { target, max_side, pictures }))
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
        let count = images(&branch).count();
        let to = Smaller::of(&self.picture_limits(target), count, max_side);
        let pictures = self.shrink(&branch, &known.collect(), to).await?;
        if !pictures.is_empty() {
            let kind = StepKind::ShrinkImages { target: target.clone(), max_side, pictures };
            guard.append(&[Record::Step(new_step(self, turn, kind, cause, StepBy::Auto))]).await?;
        }
        Ok(())
    }
}

/// A picture that is small enough: JPEG, or PNG where parts of it are transparent. `None` where it
/// cannot be read, or gets no smaller.
fn smaller(bytes: &[u8], to: Smaller) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let converted = to.no_gif && reader.format() == Some(ImageFormat::Gif);
    let whole = reader.decode().ok()?;
    let mut side = to.max_side.min(whole.width().max(whole.height()));
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
        if out.len() <= to.max_bytes {
            let gained = side < whole.width().max(whole.height()) || out.len() < bytes.len();
            return (gained || converted).then_some(out);
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
        let to = |max_side| Smaller { max_side, max_bytes: MAX_BYTES, no_gif: false };
        let small = inspect(&smaller(&sea, to(240)).unwrap(), None).unwrap();
        assert_eq!((small.width, small.height, &*small.media_type), (240, 160, "image/jpeg"));
        let mut glass = image::RgbaImage::from_pixel(300, 100, image::Rgba([9, 9, 9, 255]));
        glass.put_pixel(1, 1, image::Rgba([0, 0, 0, 0]));
        let mut png = Cursor::new(Vec::new());
        glass.write_to(&mut png, ImageFormat::Png).unwrap();
        let small = inspect(&smaller(&png.into_inner(), to(150)).unwrap(), None).unwrap();
        assert_eq!((small.width, small.height, &*small.media_type), (150, 50, "image/png"));
        assert_eq!(smaller(b"no picture", to(100)), None);
    }
}
