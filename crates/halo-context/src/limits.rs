//! Which pictures a model takes: what its maker documents, and what is known better.

use halo_types::{ImageRef, Protocol};

use crate::ModelFacts;

/// What a model takes of pictures in one request. `None` where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureLimits {
    /// The largest file, in bytes.
    pub bytes: Option<u64>,
    /// The longest side, in pixels.
    pub side: Option<u64>,
    /// The longest side where there are more pictures than the first figure says.
    pub crowded: Option<(u64, u64)>,
    /// The most pictures.
    pub count: Option<u64>,
    /// The most that all of them weigh, in bytes.
    pub total: Option<u64>,
    /// Whether animations and other GIFs are refused.
    pub no_gif: bool,
}

/// What of the pictures of a request its model would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureFaults {
    /// How many are too large or of a form that is not taken; made smaller, they fit.
    pub large: u32,
    /// How many there are, and the most that are taken, where they are too many.
    pub many: Option<(u64, u64)>,
}

impl PictureFaults {
    /// Whether all of them are taken, as far as is known.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// In base64, which is what goes out, a file is a third larger.
const fn from_base64(bytes: u64) -> u64 {
    bytes / 4 * 3
}

const MIB: u64 = 1024 * 1024;
/// Room for the words of a request beside its pictures, in bytes.
const WORDS: u64 = 2 * MIB;

/// <https://platform.claude.com/docs/en/build-with-claude/vision>; the size is that of the base64
/// text, as its refusals count it.
const CLAUDE: PictureLimits = PictureLimits {
    bytes: Some(from_base64(5 * MIB)),
    side: Some(8_000),
    crowded: Some((20, 2_000)),
    count: Some(100),
    total: Some(from_base64(32_000_000 - WORDS)),
    no_gif: false,
};
/// The same page: models with more than 200,000 tokens.
const CLAUDE_LARGE_COUNT: u64 = 600;

/// <https://ai.google.dev/gemini-api/docs/image-understanding> and
/// <https://ai.google.dev/gemini-api/docs/file-input-methods>
const GEMINI: PictureLimits = PictureLimits {
    bytes: None,
    side: None,
    crowded: None,
    count: Some(3_600),
    total: Some(from_base64(100_000_000 - WORDS)),
    no_gif: true,
};

/// <https://developers.openai.com/api/docs/guides/images-vision>
const OPENAI: PictureLimits = PictureLimits {
    bytes: None,
    side: None,
    crowded: None,
    count: Some(1_500),
    total: Some(from_base64(512_000_000 - WORDS)),
    no_gif: false,
};

impl PictureLimits {
    /// What a model takes: what the person, an error or the provider said of it first, then what
    /// its maker documents. Of other makers nothing is known.
    #[must_use]
    pub fn of(protocol: Protocol, model: &str, facts: &ModelFacts) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let openai = ["gpt-", "chatgpt", "o1", "o3", "o4"];
        let mut limits = if name.contains("claude") {
            let large = facts.window().is_some_and(|window| window > 200_000);
            let count = Some(if large { CLAUDE_LARGE_COUNT } else { 100 });
            Self { count, ..CLAUDE }
        } else if name.contains("gemini") && protocol == Protocol::Gemini {
            GEMINI
        } else if openai.iter().any(|begin| name.starts_with(begin)) && !name.contains("oss") {
            OPENAI
        } else {
            Self::default()
        };
        let known = |known: Option<crate::Known<u64>>, documented| {
            known.map(|known| known.value).or(documented)
        };
        limits.bytes = known(facts.picture_bytes, limits.bytes);
        limits.side = known(facts.picture_side, limits.side);
        limits.count = known(facts.picture_count, limits.count);
        limits
    }

    /// The longest side for one of `count` pictures, in pixels.
    #[must_use]
    pub fn side_among(&self, count: u64) -> Option<u64> {
        let crowded = self.crowded.filter(|(most, _)| count > *most).map(|(_, side)| side);
        [self.side, crowded].into_iter().flatten().min()
    }

    /// Whether one of `count` pictures is taken as it is.
    #[must_use]
    pub fn takes(&self, image: &ImageRef, count: u64) -> bool {
        let long = u64::from(image.width.max(image.height));
        self.bytes.is_none_or(|most| image.bytes <= most)
            && self.side_among(count).is_none_or(|most| long <= most)
            && !(self.no_gif && image.media_type == "image/gif")
    }

    /// What of these pictures of one request would be refused.
    pub fn faults<'a>(&self, images: impl IntoIterator<Item = &'a ImageRef>) -> PictureFaults {
        let images: Vec<&ImageRef> = images.into_iter().collect();
        let count = images.len() as u64;
        let weight: u64 = images.iter().map(|image| image.bytes).sum();
        let large = if self.total.is_some_and(|most| weight > most) {
            images.len()
        } else {
            images.iter().filter(|image| !self.takes(image, count)).count()
        };
        PictureFaults {
            large: u32::try_from(large).unwrap_or(u32::MAX),
            many: self.count.filter(|most| count > *most).map(|most| (count, most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use halo_types::{BlobId, FactOrigin, Timestamp};

    use super::*;
    use crate::Known;

    fn image(side: u32, bytes: u64) -> ImageRef {
        ImageRef {
            blob: BlobId::from_digest(&[7; 32]),
            media_type: "image/png".to_owned(),
            width: side,
            height: side / 2,
            bytes,
            name: None,
        }
    }

    fn of(protocol: Protocol, model: &str) -> PictureLimits {
        PictureLimits::of(protocol, model, &ModelFacts::default())
    }

    #[test]
    fn a_maker_s_limits_hold_where_its_model_is_asked_by_any_name() {
        let claude = of(Protocol::Anthropic, "claude-sonnet-4-5");
        assert_eq!(claude, of(Protocol::OpenaiChat, "anthropic/claude-sonnet-4-5"));
        let faults = |images: &[ImageRef]| claude.faults(images);
        assert!(faults(&[image(8_000, 3_900_000)]).is_none());
        assert_eq!(faults(&[image(8_001, 1), image(9, 1)]).large, 1);
        assert_eq!(faults(&[image(900, 4_000_000)]).large, 1, "in base64 that is over 5 MiB");
        let crowd = vec![image(2_001, 1); 20];
        assert!(faults(&crowd).is_none());
        let crowd = vec![image(2_001, 1); 21];
        assert_eq!(faults(&crowd).large, 21);
        assert_eq!(faults(&vec![image(9, 1); 101]).many, Some((101, 100)));
        assert_eq!(faults(&vec![image(900, 3_000_000); 8]).large, 8, "together they are too heavy");

        let gif = ImageRef { media_type: "image/gif".to_owned(), ..image(9, 9) };
        assert_eq!(of(Protocol::Gemini, "gemini-3-pro").faults([&gif]).large, 1);
        assert!(of(Protocol::OpenaiResponses, "gpt-5.4").faults([&gif]).is_none());
        assert_eq!(of(Protocol::OpenaiChat, "my-own-model"), PictureLimits::default());
    }

    #[test]
    fn what_an_error_taught_comes_before_what_is_documented() {
        let known = |value| Some(Known { value, origin: FactOrigin::Learned, at: Timestamp(0) });
        let facts = ModelFacts {
            picture_bytes: known(1_000),
            picture_count: known(1),
            picture_side: known(10_000),
            ..ModelFacts::default()
        };
        let limits = PictureLimits::of(Protocol::Anthropic, "claude-sonnet-4-5", &facts);
        let faults = limits.faults(&[image(9_000, 1_001), image(9_000, 1_000)]);
        assert_eq!(faults, PictureFaults { large: 1, many: Some((2, 1)) });
    }
}
