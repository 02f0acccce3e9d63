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
        "length" | "max_tokens" | "max_output_tokens" => StopReason::Length,
        "tool_calls" | "tool_use" | "function_call" | "tool_call" => StopReason::Tool,
        "content_filter"
        | "sensitive"
        | "safety"
        | "recitation"
        | "prohibited_content"
        | "blocklist"
        | "spii"
        | "image_safety"
        | "guardrail_intervened" => StopReason::Filter,
        "model_context_window_exceeded" | "context_length_exceeded" | "model_length" => {
            StopReason::Context
        }
        "refusal" => StopReason::Refusal,
        // DeepSeek, Zhipu and OpenRouter report a failure of their own this way.
        "insufficient_system_resource" | "network_error" | "error" => return Verdict::Failed,
        _ => StopReason::Other { raw: raw.to_owned() },
    };
    Verdict::Stop(reason)
}
