//! The response object and its parts, with every field that the official SDKs' types demand:
//! <https://github.com/openai/openai-python/blob/main/src/openai/types/responses/response.py>

use halo_types::{StopReason, Usage};
use serde_json::{Value, json};

/// What a response is about, the same in all its snapshots.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: i64,
}

impl Head {
    /// A response that is being made. What the client asked for is not known here; these are the
    /// documented defaults.
    pub(super) fn begun(&self) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": "in_progress",
            "background": false,
            "completed_at": null,
            "error": null,
            "incomplete_details": null,
            "instructions": null,
            "max_output_tokens": null,
            "max_tool_calls": null,
            "metadata": {},
            "model": self.model,
            "output": [],
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "prompt_cache_key": null,
            "reasoning": { "effort": null, "summary": null },
            "safety_identifier": null,
            "service_tier": null,
            "store": false,
            "temperature": null,
            "text": { "format": { "type": "text" } },
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": null,
            "truncation": "disabled",
            "usage": null,
            "user": null,
        })
    }

    /// A finished response; `cut` is the reason why it is incomplete.
    pub(super) fn ended(&self, output: Value, usage: &Usage, cut: Option<&str>) -> Value {
        let mut response = self.begun();
        response["status"] = json!(if cut.is_some() { "incomplete" } else { "completed" });
        response["incomplete_details"] =
            cut.map_or(Value::Null, |reason| json!({ "reason": reason }));
        response["output"] = output;
        response["usage"] = figures(usage);
        response
    }

    /// The id of an item of this response.
    pub(super) fn item_id(&self, prefix: &str, at: usize) -> String {
        let stem = self.id.strip_prefix("resp_").unwrap_or(&self.id);
        format!("{prefix}_{stem}_{at}")
    }
}

/// Why a response is incomplete. A full context window counts as the output limit:
/// <https://platform.openai.com/docs/guides/reasoning#allocating-space-for-reasoning>
pub(super) fn cut(stop: Option<&StopReason>) -> Option<&'static str> {
    match stop? {
        StopReason::Length | StopReason::Context => Some("max_output_tokens"),
        StopReason::Filter | StopReason::Refusal => Some("content_filter"),
        StopReason::End | StopReason::Tool | StopReason::Other { .. } => None,
    }
}

fn figures(usage: &Usage) -> Value {
    if *usage == Usage::default() {
        return Value::Null;
    }
    let (input, output) = (usage.input.unwrap_or_default(), usage.output.unwrap_or_default());
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read.unwrap_or_default(),
            "cache_write_tokens": usage.cache_write.unwrap_or_default(),
        },
        "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": usage.thinking.unwrap_or_default() },
        "total_tokens": input.saturating_add(output),
    })
}

pub(super) fn message(id: &str, status: &str, content: Value) -> Value {
    json!({
        "id": id, "type": "message", "status": status, "role": "assistant", "content": content,
    })
}

pub(super) fn output_text(text: &str, annotations: &[Value]) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": annotations, "logprobs": [] })
}

pub(super) fn reasoning(id: &str, summary: Option<&str>, proof: Option<&str>) -> Value {
    let summary: Vec<Value> = summary.into_iter().map(summary_text).collect();
    let mut item = json!({ "id": id, "type": "reasoning", "summary": summary });
    if let Some(proof) = proof {
        item["encrypted_content"] = json!(proof);
    }
    item
}

pub(super) fn summary_text(text: &str) -> Value {
    json!({ "type": "summary_text", "text": text })
}
