//! What a picture costs in tokens, as each maker documents it. A model of nobody known counts like
//! GPT-4o, in whose image most compatible servers are made.

use halo_types::{ImageRef, Protocol};

/// Which side a picture of unknown size is taken to have, in pixels.
const UNKNOWN_SIDE: u32 = 1_024;

/// How a model counts a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureRule {
    /// Squares of `side` pixels, each `percent` hundredths of a token, at most `most` of them;
    /// before that the picture is shrunk to `longest` pixels.
    Patches { side: u32, percent: u64, most: u64, longest: u32 },
    /// The picture shrunk to 2,048 × 2,048 and then to 768 on its short side, in squares of 512.
    Tiles { base: u64, tile: u64 },
    /// Gemini up to 2.5: small pictures and each crop cost the same.
    Crops,
    /// Always the same.
    Flat(u64),
}

/// By the beginning of the name, the first that fits:
/// <https://platform.openai.com/docs/guides/images-vision#calculating-costs>. The factor of 1.2
/// and the bounds from GPT-5.2 on are measured:
/// <https://community.openai.com/t/api-ai-computer-vision-pricing-models-compared-visually/1372291>,
/// <https://huggingface.co/datasets/JOHNISKING/image-token-cost>.
const OPENAI: &[(&str, PictureRule)] = &[
    ("gpt-4o-mini", PictureRule::Tiles { base: 2_833, tile: 5_667 }),
    ("gpt-4.1-mini", patches(162, 1_536)),
    ("gpt-4.1-nano", patches(246, 1_536)),
    ("o4-mini", patches(172, 1_536)),
    ("gpt-5-mini", patches(162, 1_536)),
    ("gpt-5-nano", patches(246, 1_536)),
    ("gpt-5.4-mini", patches(162, 1_536)),
    ("gpt-5.4-nano", patches(246, 1_536)),
    ("gpt-5.2", patches(120, 1_536)),
    ("gpt-5.3", patches(120, 1_536)),
    ("gpt-5.4", patches(120, 2_500)),
    ("gpt-5.", patches(120, 10_000)),
    ("gpt-5", PictureRule::Tiles { base: 70, tile: 140 }),
    ("gpt-6", patches(120, 10_000)),
    ("o1", PictureRule::Tiles { base: 75, tile: 150 }),
    ("o3", PictureRule::Tiles { base: 75, tile: 150 }),
    ("computer-use-preview", PictureRule::Tiles { base: 65, tile: 129 }),
];

/// GPT-5.1 still counts as GPT-5 does.
const OPENAI_FIRST: &[(&str, PictureRule)] =
    &[("gpt-5.1", PictureRule::Tiles { base: 70, tile: 140 })];

/// GPT-4o, GPT-4.1, GPT-4 Turbo, and those who do as they do.
const USUAL: PictureRule = PictureRule::Tiles { base: 85, tile: 170 };

/// Claude up to 4.6 sees less sharply than those after it.
const EARLY_CLAUDE: &[&str] =
    &["claude-3", "-4-0", "-4-1", "-4-5", "-4-6", "opus-4-2", "sonnet-4-2", "haiku-4"];

const fn patches(percent: u64, most: u64) -> PictureRule {
    PictureRule::Patches { side: 32, percent, most, longest: u32::MAX }
}

impl PictureRule {
    pub(crate) fn of(protocol: Protocol, model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        if name.contains("claude") || (protocol == Protocol::Anthropic && !name.contains("gpt")) {
            return claude(&name.replace('.', "-"));
        }
        if name.contains("gemini") || protocol == Protocol::Gemini {
            return gemini(&name);
        }
        let rules = OPENAI_FIRST.iter().chain(OPENAI);
        rules.clone().find(|(begin, _)| name.starts_with(begin)).map_or(USUAL, |(_, rule)| *rule)
    }

    pub(crate) fn tokens(self, image: &ImageRef) -> u64 {
        let known = |side: u32| if side == 0 { UNKNOWN_SIDE } else { side };
        let (width, height) = (known(image.width), known(image.height));
        match self {
            Self::Patches { side, percent, most, longest } => {
                let (width, height) = fit(width, height, longest);
                let squares = squares(width, height, side).min(most);
                (squares * percent).div_ceil(100)
            }
            Self::Tiles { base, tile } => {
                let (width, height) = fit(width, height, 2_048);
                let short = width.min(height);
                let (width, height) = if short > 768 {
                    (scaled(width, 768, short), scaled(height, 768, short))
                } else {
                    (width, height)
                };
                base + tile * squares(width, height, 512)
            }
            Self::Crops if width <= 384 && height <= 384 => 258,
            Self::Crops => {
                let crop = (u64::from(width.min(height)) * 2 / 3).clamp(256, 768);
                258 * u64::from(width).div_ceil(crop) * u64::from(height).div_ceil(crop)
            }
            Self::Flat(tokens) => tokens,
        }
    }
}

/// Squares of 28 pixels: <https://platform.claude.com/docs/en/build-with-claude/vision>. For
/// sizes that are not shrunk it is about the area by 750 that was documented before.
fn claude(name: &str) -> PictureRule {
    let early = name.ends_with("-4") || EARLY_CLAUDE.iter().any(|part| name.contains(part));
    let (most, longest) = if early { (1_568, 1_568) } else { (4_784, 2_576) };
    PictureRule::Patches { side: 28, percent: 100, most, longest }
}

/// From Gemini 3 on: <https://ai.google.dev/gemini-api/docs/media-resolution>; before it:
/// <https://ai.google.dev/gemini-api/docs/image-understanding#token-calculation>.
fn gemini(name: &str) -> PictureRule {
    let before_third =
        ["gemini-1", "gemini-2", "gemini-pro"].iter().any(|part| name.contains(part));
    if before_third { PictureRule::Crops } else { PictureRule::Flat(1_120) }
}

/// The picture shrunk so that no side is longer.
fn fit(width: u32, height: u32, longest: u32) -> (u32, u32) {
    let long = width.max(height);
    if long <= longest {
        return (width, height);
    }
    (scaled(width, longest, long), scaled(height, longest, long))
}

/// `side` by `to` / `from`, rounded, at least one pixel.
fn scaled(side: u32, to: u32, from: u32) -> u32 {
    let scaled = (u64::from(side) * u64::from(to) + u64::from(from) / 2) / u64::from(from.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

fn squares(width: u32, height: u32, side: u32) -> u64 {
    u64::from(width.div_ceil(side)) * u64::from(height.div_ceil(side))
}

#[cfg(test)]
mod tests {
    use halo_types::BlobId;

    use super::*;

    #[test]
    fn pictures_cost_what_is_documented_or_was_measured() {
        use Protocol::{Anthropic, Gemini, OpenaiChat, OpenaiResponses};
        let cases = [
            // The two examples of OpenAI's guide, and one of each other sort.
            (OpenaiChat, "gpt-4o", 1_024, 1_024, 765),
            (OpenaiChat, "gpt-4o", 2_048, 4_096, 1_105),
            (OpenaiChat, "openai/gpt-4.1-mini", 1_024, 1_024, 1_659),
            (OpenaiChat, "gpt-4.1-mini", 4_000, 4_000, 2_489),
            (OpenaiResponses, "gpt-5.1", 1_024, 1_024, 630),
            (OpenaiResponses, "gpt-5", 1_024, 1_024, 630),
            (OpenaiResponses, "gpt-5.5", 1_920, 1_080, 2_448),
            (OpenaiResponses, "gpt-6", 1_024, 1_024, 1_229),
            (OpenaiChat, "o3", 512, 512, 225),
            (OpenaiChat, "somebody-s-model", 512, 512, 255),
            // Measured, less the 65 tokens of the words beside it.
            (Anthropic, "claude-haiku-4-5", 1_024, 1_024, 1_369),
            (Anthropic, "claude-haiku-4-5", 4_032, 3_024, 1_568),
            (Anthropic, "claude-opus-5-5", 1_920, 1_080, 2_691),
            (OpenaiChat, "anthropic/claude-opus-4.6", 200, 200, 64),
            (Gemini, "gemini-2.5-flash", 384, 384, 258),
            (Gemini, "gemini-2.5-flash", 960, 540, 6 * 258),
            (Gemini, "gemini-3-pro", 4_032, 3_024, 1_120),
            // Of a picture whose size nobody knows.
            (OpenaiChat, "gpt-4o", 0, 0, 765),
        ];
        for (protocol, model, width, height, want) in cases {
            let image = ImageRef {
                blob: BlobId::from_digest(&[1; 32]),
                media_type: "image/png".to_owned(),
                width,
                height,
                bytes: 9,
                name: None,
            };
            let got = PictureRule::of(protocol, model).tokens(&image);
            assert_eq!(got, want, "{protocol} {model} {width}×{height}");
        }
    }

    #[test]
    fn no_size_is_too_large_to_count() {
        for rule in [USUAL, patches(246, 1_536), PictureRule::Crops, claude("claude-5")] {
            let image = ImageRef {
                blob: BlobId::from_digest(&[1; 32]),
                media_type: String::new(),
                width: u32::MAX,
                height: 1,
                bytes: u64::MAX,
                name: None,
            };
            assert!(rule.tokens(&image) > 0);
        }
    }
}
