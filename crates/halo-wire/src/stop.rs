//! Why a model stopped, in the words of all providers.

use halo_types::StopReason;

/// What a stop reason says. One table serves all protocols, because relays mix their words.
pub(crate) enum Verdict {
    /// The answer ended.
    Stop(StopReason),
    /// The provider failed in the middle of it.
    Failed,
}

/// Reads a stop reason.
pub(crate) fn read(raw: &str) -> Verdict {
    let reason = match raw.to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "end" | "completed"
        | "complete" => StopReason::End,
        // Gemini's `CONTINUATION` is a limit per request; the rest would have to be asked for.
        "length" | "max_tokens" | "max_output_tokens" | "continuation" => StopReason::Length,
        "tool_calls" | "tool_use" | "function_call" | "tool_call" => StopReason::Tool,
        "content_filter"
        | "sensitive"
        | "safety"
        | "recitation"
        | "prohibited_content"
        | "blocklist"
        | "spii"
        | "image_safety"
        | "image_prohibited_content"
        | "image_recitation"
        // Gemini: the text is in a language that is not supported.
        | "language"
        | "escalation"
        | "model_armor"
        | "guardrail_intervened" => StopReason::Filter,
        "model_context_window_exceeded" | "context_length_exceeded" | "model_length" => {
            StopReason::Context
        }
        "refusal" => StopReason::Refusal,
        // DeepSeek, Zhipu and OpenRouter report a failure of their own this way.
        "insufficient_system_resource" | "network_error" | "error" => return Verdict::Failed,
        // Portkey puts the type of Anthropic's error here.
        reason if reason.ends_with("_error") => return Verdict::Failed,
        _ => StopReason::Other { raw: raw.to_owned() },
    };
    Verdict::Stop(reason)
}

/// Whether a reason of Gemini's is a failure, unless something usable came before it: the model
/// or the request was at fault, or nobody knows what was.
/// <https://ai.google.dev/api/generate-content#FinishReason>; the last four of the list are in
/// `FinishReason` of <https://github.com/googleapis/python-genai/blob/main/google/genai/types.py>.
pub(crate) fn is_failure(raw: &str) -> bool {
    matches!(
        raw.to_ascii_uppercase().as_str(),
        "OTHER"
            | "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "NO_IMAGE"
            | "IMAGE_OTHER"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE"
            | "PUP_LIMITED_DISABLED"
    )
}
