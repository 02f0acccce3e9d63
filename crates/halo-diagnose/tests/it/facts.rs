//! Numbers and names that each vendor's wording holds.

use halo_diagnose::{Context, diagnose};
use halo_types::{Evidence, Headers};
use serde_json::{Value, json};

/// A wording and the facts that must be read from it.
type Case = (&'static str, Value);

fn facts(evidence: &Evidence) -> Value {
    let diagnosis = diagnose(evidence, &Context::default());
    let mut facts = serde_json::to_value(&diagnosis.facts).expect("facts are plain data");
    facts["kind"] = json!(diagnosis.kind.as_str());
    facts
}

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (body, want) in cases {
        let got = facts(&Evidence::from_text(*body));
        for (name, value) in want.as_object().expect("a table") {
            let got_value = got.get(name).unwrap_or(&Value::Null);
            if got_value != value {
                wrong
                    .push(format!("{name} is {got_value}, want {value}: {body} ({})", got["kind"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn windows_and_what_was_sent() {
    check(&[
        (
            "This model's maximum context length is 8192 tokens. However, you requested 9301 tokens (1109 in the messages, 8192 in the completion).",
            json!({"context_window": 8192, "input_tokens": 1109, "requested_output_tokens": 8192}),
        ),
        (
            "This model's maximum context length is 4097 tokens. However, your messages resulted in 4114 tokens.",
            json!({"context_window": 4097, "input_tokens": 4114}),
        ),
        (
            "prompt is too long: 208310 tokens > 200000 maximum",
            json!({"context_window": 200_000, "input_tokens": 208_310}),
        ),
        (
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            json!({"context_window": 200_000, "input_tokens": 190_000, "requested_output_tokens": 20_000}),
        ),
        (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            json!({"context_window": 1_048_576, "input_tokens": 1_200_000}),
        ),
        (
            "Unable to submit request because the input token count is 1048800 but model only supports up to 1048576.",
            json!({"context_window": 1_048_576, "input_tokens": 1_048_800}),
        ),
        ("Range of input length should be [1, 129024]", json!({"context_window": 129_024})),
        (
            "request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it",
            json!({"context_window": 8192, "input_tokens": 13392}),
        ),
        (
            "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).",
            json!({"context_window": 59862, "input_tokens": 160_062}),
        ),
        (
            "The input (40000 tokens) is longer than the model's context length (32768 tokens).",
            json!({"context_window": 32768, "input_tokens": 40000}),
        ),
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 512 `max_new_tokens`",
            json!({"context_window": 4096, "input_tokens": 4000, "requested_output_tokens": 512}),
        ),
        (
            "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
            json!({"context_window": 4096, "input_tokens": 5000}),
        ),
        (
            "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292",
            json!({"context_window": 4081, "input_tokens": 4292}),
        ),
        (
            "Prompt token count of 5677 exceeds max token count of 4095.",
            json!({"context_window": 4095, "input_tokens": 5677}),
        ),
        (
            "prompt token count of 200000 exceeds the limit of 128000",
            json!({"context_window": 128_000, "input_tokens": 200_000}),
        ),
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            json!({"context_window": 32768, "input_tokens": 40000}),
        ),
        (
            "Requested tokens (5121) exceed context window of 4096",
            json!({"context_window": 4096, "input_tokens": 5121}),
        ),
        (
            "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
            json!({"context_window": 4096, "input_tokens": 9000}),
        ),
        (
            "Your request exceeded model token limit: 131072 (requested: 140000)",
            json!({"context_window": 131_072, "input_tokens": 140_000}),
        ),
        (
            "This endpoint's maximum context length is 163840 tokens. However, you requested about 180000 tokens (170000 of text input, 10000 in the output).",
            json!({"context_window": 163_840, "input_tokens": 170_000, "requested_output_tokens": 10_000}),
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is 64001 tokens and your request has 24235 input tokens",
            json!({"context_window": 64001, "input_tokens": 24235}),
        ),
        (
            "模型最大支持32768个token，当前请求40000个token",
            json!({"context_window": 32768, "input_tokens": 40000}),
        ),
        (
            "输入 token 数 140000 超过模型上下文长度 131072",
            json!({"context_window": 131_072, "input_tokens": 140_000}),
        ),
        (
            "Prompt length 5000 is greater than max_seq_len 4096",
            json!({"context_window": 4096, "input_tokens": 5000}),
        ),
        (
            "input length 140000 exceeds maximum 131072",
            json!({"context_window": 131_072, "input_tokens": 140_000}),
        ),
    ]);
}

#[test]
fn output_limits() {
    check(&[
        (
            "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.",
            json!({"max_output_tokens": 16384, "requested_output_tokens": 32000}),
        ),
        (
            "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for this model",
            json!({"max_output_tokens": 8192, "requested_output_tokens": 64000}),
        ),
        ("Range of max_tokens should be [1, 8192]", json!({"max_output_tokens": 8192})),
        (
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            json!({"max_output_tokens": 8192}),
        ),
        (
            "parameter check failed, max_completion_tokens range is [2, 4096]",
            json!({"max_output_tokens": 4096}),
        ),
        (
            "The maximum tokens you requested exceeds the model limit of 4096.",
            json!({"max_output_tokens": 4096}),
        ),
        (
            "`max_completion_tokens` must be less than or equal to `32768`, the maximum value for `max_completion_tokens` is less than the `context_window` for this model",
            json!({"max_output_tokens": 32768}),
        ),
        (
            "too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model - received 5000",
            json!({"max_output_tokens": 4096}),
        ),
        (
            "Input validation error: `max_new_tokens` must be <= 512. Given: 1024",
            json!({"max_output_tokens": 512, "requested_output_tokens": 1024}),
        ),
        (
            "Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65537 (exclusive).",
            json!({"max_output_tokens": null, "requested_output_tokens": 100_000}),
        ),
        (
            "Claude's response exceeded the 32000 output token maximum.",
            json!({"max_output_tokens": 32000}),
        ),
        ("max_tokens 参数超出范围，最大值为 4096", json!({"max_output_tokens": 4096})),
        ("max_tokens 不能超过 8192", json!({"max_output_tokens": 8192})),
        (
            "Invalid value for max_output_tokens: must be between 1 and 8192, got 32768",
            json!({"max_output_tokens": 8192, "requested_output_tokens": 32768}),
        ),
    ]);
}

#[test]
fn limits_and_what_they_count() {
    check(&[
        (
            "Rate limit reached for gpt-5 in organization org-1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
            json!({"limit": 3, "used": 3, "requested": 1, "model": "gpt-5", "limit_scope": "requests_per_minute"}),
        ),
        (
            "Rate limit reached for model `llama-3.3-70b` in organization `org_01` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99000, Requested 2000.",
            json!({"limit": 100_000, "model": "llama-3.3-70b", "limit_scope": "tokens_per_day"}),
        ),
        (
            "This request would exceed your organization's rate limit of 40,000 input tokens per minute.",
            json!({"limit": 40000, "limit_scope": "tokens_per_minute"}),
        ),
        (
            "Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20, model: gemini-3-pro\nPlease retry in 37.4s.",
            json!({"limit": 20, "model": "gemini-3-pro"}),
        ),
        (
            "Rate limit of 50 per 86400s exceeded for UserByModelByDay.",
            json!({"limit": 50, "limit_scope": "requests_per_day"}),
        ),
        (
            "Your account request reached organization max concurrency: 1, please try again after 1 seconds",
            json!({"limit": 1, "limit_scope": "concurrency"}),
        ),
        (
            "您已达到请求数限制：1分钟内最多请求10次",
            json!({"limit": 10, "limit_scope": "requests_per_minute"}),
        ),
        (
            "Rate limit exceeded for api_key: 88dc28. Limit type: requests. Current limit: 10, Remaining: 0.",
            json!({"limit": 10, "remaining": 0}),
        ),
        (
            "You are using a Trial key, which is limited to 40 API calls / minute.",
            json!({"limit": 40}),
        ),
        (
            "RPM (Requests Per Minute) limit of the model is exceeded.",
            json!({"limit_scope": "requests_per_minute"}),
        ),
        (
            "已达到 5 小时的使用上限。您的限额将在 2026-10-01 15:00:00 重置",
            json!({"limit_scope": "five_hours"}),
        ),
        (
            "已超出每分钟请求数上限（RPM=3）",
            json!({"limit": 3, "limit_scope": "requests_per_minute"}),
        ),
        (
            "Rate limit exceeded. High demand for m - limited to 20 requests per minute.",
            json!({"limit": 20, "limit_scope": "requests_per_minute"}),
        ),
    ]);
}

#[test]
fn money() {
    check(&[
        (
            "This request requires more credits, or fewer max_tokens. You requested up to 225702 tokens, but can only afford 92985.",
            json!({"balance": "92985"}),
        ),
        (
            "Budget has been exceeded! Current cost: 12.5, Max budget: 10.0",
            json!({"spent": 12.5, "budget": 10.0}),
        ),
        (
            "预扣费额度失败, 用户剩余额度: ＄0.000000, 需要预扣费额度: ＄0.012000",
            json!({"balance": "＄0.000000"}),
        ),
        ("用户余额不足，余额：¥0.35", json!({"balance": "¥0.35"})),
        ("token.RemainQuota = 0, insufficient quota", json!({"balance": "0"})),
        ("Insufficient balance. Your balance is $0.02", json!({"balance": "$0.02"})),
    ]);
}

#[test]
fn models_and_parameters() {
    check(&[
        (
            "The model `gpt-9` does not exist or you do not have access to it.",
            json!({"model": "gpt-9"}),
        ),
        (
            "models/gemini-9-pro is not found for API version v1beta",
            json!({"model": "gemini-9-pro"}),
        ),
        ("model: claude-4-sonnet", json!({"model": "claude-4-sonnet"})),
        ("当前分组 default 下对于模型 gpt-5 无可用渠道", json!({"model": "gpt-5"})),
        ("No available channel for model gpt-4o under group default", json!({"model": "gpt-4o"})),
        ("No endpoints found for foo/bar.", json!({"model": "foo/bar"})),
        ("model 'llama9' not found, try pulling it first", json!({"model": "llama9"})),
        ("Not found the model kimi-k9 or Permission denied", json!({"model": "kimi-k9"})),
        (
            "Invalid model 'sonar-nope'. Permitted models can be found in the documentation",
            json!({"model": "sonar-nope"}),
        ),
        (
            "Model grok-99 does not exist or you do not have access to it.",
            json!({"model": "grok-99"}),
        ),
        (
            "The model or endpoint doubao-nope does not exist or you do not have access to it.",
            json!({"model": "doubao-nope"}),
        ),
        ("Unable to access model meta-llama/Nope.", json!({"model": "meta-llama/Nope"})),
        (
            "Publisher Model `projects/p/locations/l/publishers/google/models/gemini-x` was not found",
            json!({"model": "gemini-x"}),
        ),
        ("Invalid model name passed in model=gpt-99.", json!({"model": "gpt-99"})),
        ("foo/bar is not a multimodal model", json!({"model": "foo/bar"})),
        (
            "registry.ollama.ai/library/gemma:2b does not support tools",
            json!({"model": "registry.ollama.ai/library/gemma:2b"}),
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            json!({"parameter": "max_tokens"}),
        ),
        (
            "Unrecognized request argument supplied: enable_thinking",
            json!({"parameter": "enable_thinking"}),
        ),
        (
            "Unsupported value: 'temperature' does not support 0 with this model.",
            json!({"parameter": "temperature"}),
        ),
        (
            "openai does not support parameters: ['top_k'], for model=m",
            json!({"parameter": "top_k"}),
        ),
        (
            "parameter.enable_thinking must be set to false for non-streaming calls",
            json!({"parameter": "enable_thinking"}),
        ),
        (
            "`temperature` and `top_p` cannot both be specified for this model.",
            json!({"parameter": "top_p"}),
        ),
        (
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","reasoning_effort"],"msg":"Extra inputs are not permitted"}]}"#,
            json!({"parameter": "reasoning_effort"}),
        ),
        (
            r#"{"error":{"message":"x is not supported","code":"unsupported_parameter","param":"seed"}}"#,
            json!({"parameter": "seed"}),
        ),
        (
            r#"Invalid JSON payload received. Unknown name "thinking": Cannot find field."#,
            json!({"parameter": "thinking"}),
        ),
        ("reasoning_effort 'xhigh' not supported", json!({"parameter": "reasoning_effort"})),
    ]);
}

#[test]
fn request_ids() {
    check(&[
        (
            r#"{"type":"error","error":{"type":"api_error","message":"x"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#,
            json!({"request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}),
        ),
        (
            "无效的令牌 (request id: 2026100112000012345678)",
            json!({"request_id": "2026100112000012345678"}),
        ),
        (
            "Internal server error. Please include the request ID 5f0e8a2c1d3b4e5f6a7b8c9d in your message.",
            json!({"request_id": "5f0e8a2c1d3b4e5f6a7b8c9d"}),
        ),
        (
            "The service encountered an unexpected internal error. Request id: 021768000000000abcdef",
            json!({"request_id": "021768000000000abcdef"}),
        ),
        (
            r#"{"code":"InternalError","message":"x","request_id":"f3c1a2b4-5d6e-9f70-8a9b-0c1d2e3f4a5b"}"#,
            json!({"request_id": "f3c1a2b4-5d6e-9f70-8a9b-0c1d2e3f4a5b"}),
        ),
        (
            r#"{"Response":{"Error":{"Code":"InternalError","Message":"内部错误。"},"RequestId":"e1c2d3f4-0000-4000-8000-000000000000"}}"#,
            json!({"request_id": "e1c2d3f4-0000-4000-8000-000000000000"}),
        ),
        (
            "500 Internal Server Error (Service: BedrockRuntime, Status Code: 500, Request ID: 1d4f2c3b-aaaa-bbbb-cccc-1234567890ab)",
            json!({"request_id": "1d4f2c3b-aaaa-bbbb-cccc-1234567890ab"}),
        ),
        (
            "网络错误，错误id：20260320113000a1b2，请联系客服",
            json!({"request_id": "20260320113000a1b2"}),
        ),
    ]);
    for name in ["x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray"] {
        let headers = Headers::new([(name, "abc-123-def")]);
        let got = facts(&Evidence::from_http(500, headers, "x"));
        assert_eq!(got["request_id"], "abc-123-def", "{name}");
    }
}
