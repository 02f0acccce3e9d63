//! How large a request is, in tokens, before the provider says it.
//!
//! Texts are counted with a published vocabulary, pictures by the maker's rule, and what a protocol
//! puts around them by a few constants. What the provider then reports corrects the next estimate
//! for the same model. All of it is shown as "about".

use std::collections::HashMap;
use std::hash::Hasher as _;

use halo_types::{ChatRequest, Message, Part, Protocol};
use rustc_hash::{FxBuildHasher, FxHasher};

use crate::pictures::PictureRule;
use crate::tokens::Vocabulary;

/// Tokens a message costs beyond its content: role and separators, as OpenAI documents them and
/// the others have them in like size:
/// <https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>
const PER_MESSAGE: u64 = 4;
/// What stands before the answer (same source).
const BEFORE_ANSWER: u64 = 3;
/// What a tool, a call or a result costs beyond its words.
const PER_TOOL: u64 = 8;
/// What Anthropic says before the tools:
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing>
const ANTHROPIC_TOOLS: u64 = 346;
/// How many texts are remembered; some megabytes.
const MAX_REMEMBERED: usize = 200_000;
/// Requests of fewer tokens say more about what the provider adds than about its vocabulary.
const TELLING: u64 = 64;

/// Counts of texts by vocabulary, length and hash, so that each message is counted once however
/// often it is sent. The owner keeps it; it is bounded.
#[derive(Debug, Clone, Default)]
pub struct TokenCache {
    counts: HashMap<(Vocabulary, usize, u64), u64, FxBuildHasher>,
    counted: u64,
}

impl TokenCache {
    fn count(&mut self, vocabulary: Vocabulary, text: &str) -> u64 {
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        let key = (vocabulary, text.len(), hasher.finish());
        if let Some(tokens) = self.counts.get(&key) {
            return *tokens;
        }
        if self.counts.len() >= MAX_REMEMBERED {
            self.counts.clear();
        }
        self.counted += 1;
        let tokens = vocabulary.count(text);
        self.counts.insert(key, tokens);
        tokens
    }

    /// How many texts were counted so far, those that were remembered left out.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.counted
    }
}

/// How far a provider's figures are from Halo's, learnt from the answers of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    permille: u64,
}

impl Correction {
    /// No correction: nothing was reported yet.
    pub const NONE: Self = Self { permille: 1_000 };

    /// From pairs of Halo's own count and the provider's for the same request. Larger requests
    /// weigh more. It stays between a half and the double: beyond that the figures mean something
    /// else.
    #[must_use]
    pub fn learn(pairs: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let sums = pairs
            .into_iter()
            .filter(|(own, reported)| *own > 0 && *reported > 0)
            .fold((0u64, 0u64), |(own, reported), pair| {
                (own.saturating_add(pair.0), reported.saturating_add(pair.1))
            });
        if sums.0 < TELLING {
            return Self::NONE;
        }
        let permille = u128::from(sums.1) * 1_000 / u128::from(sums.0);
        Self { permille: u64::try_from(permille).unwrap_or(u64::MAX).clamp(500, 2_000) }
    }

    fn apply(self, tokens: u64) -> u64 {
        if self == Self::NONE {
            return tokens;
        }
        tokens.saturating_mul(self.permille).div_ceil(1_000)
    }
}

/// Estimates for one model.
///
/// ```
/// use halo_context::{Correction, Estimator, TokenCache};
/// use halo_types::Protocol;
///
/// let mut cache = TokenCache::default();
/// let mut estimator =
///     Estimator::new(Protocol::OpenaiChat, "gpt-4o", Correction::NONE, &mut cache);
/// assert_eq!(estimator.text("Hello, world!"), 4);
/// ```
#[derive(Debug)]
pub struct Estimator<'a> {
    protocol: Protocol,
    vocabulary: Vocabulary,
    pictures: PictureRule,
    correction: Correction,
    cache: &'a mut TokenCache,
}

impl<'a> Estimator<'a> {
    /// Estimates for a model by the name the provider has for it.
    pub fn new(
        protocol: Protocol,
        model: &str,
        correction: Correction,
        cache: &'a mut TokenCache,
    ) -> Self {
        let vocabulary = Vocabulary::of(model);
        Self { protocol, vocabulary, pictures: PictureRule::of(protocol, model), correction, cache }
    }

    /// Tokens of a text.
    pub fn text(&mut self, text: &str) -> u64 {
        let tokens = self.cache.count(self.vocabulary, text);
        self.correction.apply(tokens)
    }

    /// Tokens of a stored message.
    pub fn message(&mut self, message: &Message) -> u64 {
        let tokens = self.parts(&message.parts);
        self.correction.apply(tokens)
    }

    /// Input tokens of a request.
    pub fn request(&mut self, request: &ChatRequest) -> u64 {
        let tokens = self.uncorrected(request);
        self.correction.apply(tokens)
    }

    /// Input tokens of a request by Halo's own count, from which corrections are learnt.
    pub fn uncorrected(&mut self, request: &ChatRequest) -> u64 {
        let system = match request.system.as_deref() {
            Some(text) => self.cache.count(self.vocabulary, text) + PER_MESSAGE,
            None => 0,
        };
        let mut tokens = BEFORE_ANSWER + system;
        for message in &request.messages {
            tokens += self.parts(&message.parts);
        }
        if !request.tools.is_empty() && self.protocol == Protocol::Anthropic {
            tokens += ANTHROPIC_TOOLS;
        }
        for tool in &request.tools {
            let schema = tool.parameters.to_string();
            let texts = [&tool.name, tool.description.as_deref().unwrap_or_default(), &schema];
            tokens += PER_TOOL;
            for text in texts {
                tokens += self.cache.count(self.vocabulary, text);
            }
        }
        tokens
    }

    /// A text that is counted only now: part of a longer one, cut to a length.
    pub(crate) fn passing_text(&self, text: &str) -> u64 {
        self.correction.apply(self.vocabulary.count(text))
    }

    /// A message of these parts, not corrected.
    fn parts(&mut self, parts: &[Part]) -> u64 {
        let mut tokens = PER_MESSAGE;
        for part in parts {
            tokens += match part {
                Part::Text { text } => self.cache.count(self.vocabulary, text),
                Part::Image(image) => self.pictures.tokens(image),
                Part::Thinking { text, redacted, .. } => {
                    // What is encrypted is some base64 about the thought, not tokens of its own.
                    let hidden = redacted.as_ref().map_or(0, |data| data.len() as u64 / 6);
                    self.cache.count(self.vocabulary, text) + hidden
                }
                Part::ToolCall { name, arguments, .. } => {
                    self.cache.count(self.vocabulary, name)
                        + self.cache.count(self.vocabulary, arguments)
                        + PER_TOOL
                }
                Part::ToolResult { text, .. } => self.cache.count(self.vocabulary, text) + PER_TOOL,
                Part::Unknown { json, .. } => self.cache.count(self.vocabulary, &json.to_string()),
            };
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use halo_types::{RequestMessage, Role, ToolSpec};

    use super::*;

    fn request(system: Option<&str>, text: &str, tools: Vec<ToolSpec>) -> ChatRequest {
        ChatRequest {
            system: system.map(str::to_owned),
            messages: vec![RequestMessage { role: Role::User, parts: vec![Part::text(text)] }],
            tools,
            ..ChatRequest::default()
        }
    }

    fn weather() -> ToolSpec {
        ToolSpec {
            name: "get_weather".to_owned(),
            description: Some("Get the current weather in a given location".to_owned()),
            parameters: serde_json::json!({
                "type": "object",
                "properties": {"location": {"type": "string",
                    "description": "The city and state, e.g. San Francisco, CA"}},
                "required": ["location"]
            }),
        }
    }

    #[test]
    fn requests_of_the_makers_own_guides_come_out_as_they_say() {
        // <https://platform.openai.com/docs/api-reference/chat/create>: 19 tokens;
        // <https://platform.claude.com/docs/en/build-with-claude/token-counting>: 14, and with a
        // tool 403.
        let assistant = request(Some("You are a helpful assistant."), "Hello!", Vec::new());
        let scientist = request(Some("You are a scientist"), "Hello, Claude", Vec::new());
        let asked = "What's the weather like in San Francisco?";
        let tool = request(None, asked, vec![weather()]);
        let cases = [
            (Protocol::OpenaiChat, "gpt-4o", assistant, 19, 0),
            (Protocol::Anthropic, "claude-opus-4-5", scientist, 14, 4),
            (Protocol::Anthropic, "claude-opus-4-5", tool, 403, 40),
        ];
        for (protocol, model, request, want, within) in cases {
            let mut cache = TokenCache::default();
            let got =
                Estimator::new(protocol, model, Correction::NONE, &mut cache).request(&request);
            assert!(got.abs_diff(want) <= within, "{model}: {got}, not {want}");
        }
    }

    #[test]
    fn a_text_is_counted_once() {
        let mut cache = TokenCache::default();
        let request = request(Some("Be brief."), "Hello, world!", Vec::new());
        let mut sizes = Vec::new();
        for _ in 0..3 {
            let mut estimator =
                Estimator::new(Protocol::Gemini, "gemini-3-pro", Correction::NONE, &mut cache);
            sizes.push(estimator.request(&request));
        }
        assert_eq!(cache.counted(), 2);
        assert_eq!(sizes, [sizes[0]; 3]);
        // Another vocabulary counts for itself.
        Estimator::new(Protocol::OpenaiChat, "gpt-4", Correction::NONE, &mut cache)
            .request(&request);
        assert_eq!(cache.counted(), 4);
    }

    #[test]
    fn what_was_reported_corrects_within_bounds() {
        let learnt = |pairs: &[(u64, u64)]| Correction::learn(pairs.iter().copied()).apply(1_000);
        assert_eq!(learnt(&[]), 1_000);
        assert_eq!(learnt(&[(1_000, 1_200)]), 1_200);
        assert_eq!(learnt(&[(1_000, 1_200), (9_000, 9_000)]), 1_020);
        assert_eq!(learnt(&[(1_000, 9_000)]), 2_000);
        assert_eq!(learnt(&[(1_000, 1)]), 500);
        assert_eq!(learnt(&[(8, 40)]), 1_000, "too small to tell");
        assert_eq!(learnt(&[(0, 40), (1_000, 0)]), 1_000, "nothing was reported");
        assert_eq!(learnt(&[(u64::MAX, u64::MAX), (u64::MAX, u64::MAX)]), 1_000);
    }
}
