//! What a URL asks for: in this protocol it names the model and the method.

/// What the path of a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeminiTarget {
    /// The model, without `models/`; a tuned model keeps its `tunedModels/`. Empty for the list.
    pub model: String,
    /// What is to be done.
    pub method: GeminiMethod,
}

/// The methods that Halo knows: <https://ai.google.dev/api/all-methods>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeminiMethod {
    /// A whole answer.
    GenerateContent,
    /// A stream.
    StreamGenerateContent {
        /// As events (`alt=sse`); else as one JSON list.
        sse: bool,
    },
    /// How many tokens a request has.
    CountTokens,
    /// The list of models.
    Models,
    /// What is known of one model.
    Model,
}

/// Methods of models that Halo does not know; without this list they would be names.
const OTHERS: &[&str] = &[
    "embedContent",
    "batchEmbedContents",
    "asyncBatchEmbedContent",
    "batchGenerateContent",
    "bidiGenerateContent",
    "generateAnswer",
    "countMessageTokens",
    "generateMessage",
    "generateText",
    "predict",
    "predictLongRunning",
    "rawPredict",
    "streamRawPredict",
    "computeTokens",
];

/// Reads path and query of a request, whatever stands before `/models`: a version, a prefix of
/// the gateway, the project and publisher of Vertex AI.
///
/// ```
/// use halo_wire::endpoint::{GeminiMethod, gemini_target};
///
/// let path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
/// let target = gemini_target(path).ok_or("not of this protocol")?;
/// assert_eq!(target.model, "gemini-2.5-flash");
/// assert_eq!(target.method, GeminiMethod::StreamGenerateContent { sse: true });
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn gemini_target(path_and_query: &str) -> Option<GeminiTarget> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let at = segments.iter().position(|name| matches!(*name, "models" | "tunedModels"))?;
    let name = segments[at + 1..].iter().map(|segment| decoded(segment)).collect::<Vec<_>>();
    let name = name.join("/");
    let prefix = if segments[at] == "tunedModels" { "tunedModels/" } else { "" };
    let target = |name: &str, method| {
        let model = if name.is_empty() { String::new() } else { format!("{prefix}{name}") };
        Some(GeminiTarget { model, method })
    };
    if name.is_empty() {
        return target("", GeminiMethod::Models);
    }
    // A model's name may hold a colon of its own.
    let (model, method) = name.rsplit_once(':').unwrap_or((&name, ""));
    let sse = || query.split('&').any(|pair| pair.eq_ignore_ascii_case("alt=sse"));
    let method = match method {
        _ if model.is_empty() => return None,
        "generateContent" => GeminiMethod::GenerateContent,
        "streamGenerateContent" => GeminiMethod::StreamGenerateContent { sse: sse() },
        "countTokens" => GeminiMethod::CountTokens,
        other if OTHERS.contains(&other) => return None,
        _ => return target(&name, GeminiMethod::Model),
    };
    target(model, method)
}

/// A segment without its percent signs. What is no escape stays as it is.
fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
