//! A table of blocks that must and must not count.

use halo_types::Kind;

use super::{scan, told};

/// Blocks that are one error each, of this kind.
const COUNT: &[(Kind, &str)] = &[
    (
        Kind::RateLimited,
        "2026-11-01 12:00:00,123 ERROR app.llm: Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
    ),
    (
        Kind::QuotaExhausted,
        "openai.RateLimitError: Error code: 429 - {'error': {'message': 'You exceeded your current quota, please check your plan and billing details.', 'type': 'insufficient_quota', 'param': None, 'code': 'insufficient_quota'}}",
    ),
    (
        Kind::RateLimited,
        "INFO:httpx:HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 429 Too Many Requests\"",
    ),
    (
        Kind::Overloaded,
        "  ⎿  API Error: 529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
    ),
    (
        Kind::RateLimited,
        "10.0.0.7 - - [01/Nov/2026:12:00:00 +0000] \"POST /v1/chat/completions HTTP/1.1\" 429 312 \"-\" \"OpenAI/Python 1.50\"",
    ),
    (
        Kind::ContextLengthExceeded,
        "ERROR:root:This model's maximum context length is 8192 tokens. However, your messages resulted in 9301 tokens. Please reduce the length of the messages.",
    ),
    (
        Kind::InvalidApiKey,
        "2026-11-01T12:00:00Z ERROR relay: Incorrect API key provided: sk-abc***xyz. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    (
        Kind::ModelNotFound,
        "{\"level\":50,\"time\":1793534400123,\"pid\":7,\"err\":{\"type\":\"NotFoundError\",\"message\":\"404 The model `gpt-9` does not exist or you do not have access to it.\",\"code\":\"model_not_found\"},\"msg\":\"completion failed\"}",
    ),
    (
        Kind::RateLimited,
        "{\"level\":\"error\",\"ts\":1793534400.1,\"caller\":\"llm/client.go:88\",\"msg\":\"anthropic call failed\",\"error\":\"429 Too Many Requests: {\\\"type\\\":\\\"error\\\",\\\"error\\\":{\\\"type\\\":\\\"rate_limit_error\\\",\\\"message\\\":\\\"This request would exceed your organization's rate limit\\\"}}\"}",
    ),
    (
        Kind::ModelNotFound,
        "[ERR] 2026/11/01 - 12:00:00 | 2026110112000012345 | relay error: 当前分组 default 下对于模型 gpt-5 无可用渠道（distributor） ",
    ),
    (
        Kind::Timeout,
        "litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out.",
    ),
    (
        Kind::Network,
        "2026/11/01 12:00:00 [error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.7, server: gw, request: \"POST /v1/chat/completions HTTP/1.1\", upstream: \"https://104.18.7.192:443/v1/chat/completions\", host: \"gw\"",
    ),
    (
        Kind::QuotaExhausted,
        "app-1  | 2026-11-01 12:00:00 [ERROR] Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
    (
        Kind::RateLimited,
        "Nov  1 12:00:00 box bot[812]: google.genai.errors.ClientError: 429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'Resource exhausted. Please try again later.', 'status': 'RESOURCE_EXHAUSTED'}}",
    ),
    (
        Kind::ContentFiltered,
        "2026-11-01 12:00:00 ERROR openai.BadRequestError: Error code: 400 - {'error': {'code': 'content_filter', 'message': \"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.\"}}",
    ),
    (
        Kind::RateLimited,
        "WARN  [llm] An error occurred (ThrottlingException) when calling the InvokeModel operation (reached max retries: 4): Too many requests, please wait before trying again.",
    ),
    (
        Kind::Network,
        "2026-11-01 12:00:00 ERROR agent: Cannot connect to host api.openai.com:443 ssl:default [Connect call failed ('10.0.0.1', 443)]",
    ),
    (Kind::ModelNotFound, "Error: model \"llama3.3:70b\" not found, try pulling it first (ollama)"),
    (
        Kind::InvalidHistory,
        "2026-11-01 12:00:00 ERROR anthropic.BadRequestError: Error code: 400 - {'type': 'error', 'error': {'type': 'invalid_request_error', 'message': 'messages.3: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_01.'}}",
    ),
    (
        Kind::RateLimited,
        "[GIN] 2026/11/01 - 12:00:00 | 429 |  1.204s |  10.0.0.7 |    POST     \"/v1/chat/completions\"",
    ),
    (
        Kind::RateLimited,
        "{\"log\":\"openai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-4o'}}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-01T12:00:00.1Z\"}",
    ),
    (
        Kind::ServerError,
        "2026-11-01T12:00:00.1Z stderr F openai.InternalServerError: Error code: 500 - {'error': {'message': 'The server had an error while processing your request. Sorry about that!', 'type': 'server_error'}}",
    ),
    (
        Kind::InvalidApiKey,
        "time=2026-11-01T12:00:00Z level=error msg=\"deepseek request failed\" status=401 body=\"{\\\"error\\\":{\\\"message\\\":\\\"Authentication Fails (no such user)\\\",\\\"type\\\":\\\"authentication_error\\\"}}\"",
    ),
    (
        Kind::QuotaExhausted,
        "2026-11-01 12:00:00 | ERROR | chat.py:88 - 调用大模型失败：账户余额不足，请充值后重试",
    ),
    (
        Kind::OutputLimitExceeded,
        "ERROR anthropic.BadRequestError: max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022",
    ),
    (
        Kind::ImageUnsupported,
        "E1101 12:00:00.123456   1 client.go:99] openrouter: {\"error\":{\"message\":\"No endpoints found that support image input\",\"code\":404}}",
    ),
    (
        Kind::StreamInterrupted,
        "2026-11-01 12:00:00 ERROR codex: stream disconnected before completion: stream closed before response.completed",
    ),
];

/// Blocks that are no error of a provider.
const IGNORE: &[&str] = &[
    "10.0.0.7 - - [01/Nov/2026:12:00:00 +0000] \"GET /api/items HTTP/1.1\" 429 312 \"-\" \"curl/8\"",
    "10.0.0.7 - - [01/Nov/2026:12:00:00 +0000] \"POST /v1/chat/completions HTTP/1.1\" 200 4290 \"-\" \"OpenAI/Python 1.50\"",
    "10.0.0.7 - - [01/Nov/2026:12:00:00 +0000] \"GET /blog/errors HTTP/1.1\" 404 153 \"https://openai.com/\" \"Mozilla\"",
    "INFO:httpx:HTTP Request: POST https://api.openai.com/v1/chat/completions \"HTTP/1.1 200 OK\"",
    "2026-11-01 12:00:00 INFO llm: gpt-4o answered in 429 ms, 500 tokens, 0 errors",
    "2026-11-01 12:00:00 DEBUG llm: request {\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Why do I get Error code: 429 - rate limit exceeded from OpenAI?\"}]}",
    "2026-11-01 12:00:00 DEBUG prompt: I keep getting openai.RateLimitError: Error code: 429 in my code, what does it mean?",
    "2026-11-01 12:00:00 INFO chat: user asked: how do I handle \"Error: rate limit exceeded\" from the Claude API?",
    "> why does claude say rate limit exceeded?",
    "● A 429 error means that you hit the rate limit of the OpenAI API. You should retry with backoff.",
    "2026-11-01 12:00:00 ERROR db: psycopg2.OperationalError: connection to server at \"10.0.0.5\", port 5432 failed: Connection refused",
    "2026-11-01 12:00:00 ERROR sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
    "2026-11-01 12:00:00 ERROR redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.",
    "tests/test_llm.py::test_openai_rate_limit_error PASSED [ 42%]",
    "  ✓ retries when OpenAI answers 429 rate limit exceeded (12 ms)",
    "--- PASS: TestClaudeOverloaded (0.00s)",
    "test client::openai_rate_limit_exceeded ... ok",
    "2026-11-01 12:00:00 ERROR github: API rate limit exceeded for user ID 4290. (api.github.com)",
    "2026-11-01 12:00:00 WARN limiter: rate limit exceeded for client 10.2.3.4",
    "2026/11/01 12:00:00 [error] 31#31: *7 limiting requests, excess: 5.123 by zone \"api\", client: 10.0.0.7",
    "2026-11-01 12:00:00 INFO order 429500 shipped, invoice 529",
    "2026-11-01 12:00:00 ERROR payment: stripe.error.CardError: Your card has insufficient funds.",
    "2026-11-01 12:00:00 ERROR sshd[88]: Failed password for invalid user admin from 10.0.0.9",
    "2026-11-01 12:00:00 ERROR mailer: 550 mailbox unavailable, quota exceeded",
    "2026-11-01 12:00:00 ERROR disk quota exceeded on /var/lib/data",
    "2026-11-01 12:00:00 INFO config: rate_limit=60 openai_model=gpt-4o max_retries=3 timeout=30",
    "2026-11-01 12:00:00 INFO git: fix: handle rate limit errors of the openai client",
    "java.sql.SQLException: Too many connections",
    "2026-11-01 12:00:00 ERROR kafka.errors.RequestTimedOutError: request timed out",
    "2026-11-01 12:00:00 DEBUG openai: response headers x-ratelimit-remaining-requests: 59 x-ratelimit-limit-requests: 60",
    "2026-11-01 12:00:00 INFO gateway: upstream openai healthy, error rate 0.00, failed 0",
    "Error: listen EADDRINUSE: address already in use :::3000",
    "2026-11-01 12:00:00 ERROR TypeError: Cannot read properties of undefined (reading 'model')",
    "2026-11-01 12:00:00 WARN s3: SlowDown: Please reduce your request rate. (bucket.s3.amazonaws.com)",
    "error: failed to push some refs to 'github.com:x/openai-client.git'",
    "2026-11-01 12:00:00 ERROR auth: invalid token for user 42",
    "Pulling model weights: toomanyrequests: You have reached your pull rate limit (docker hub)",
    "{\"level\":30,\"time\":1793534400123,\"req\":{\"method\":\"GET\",\"url\":\"/items\"},\"res\":{\"statusCode\":503},\"msg\":\"request completed\"}",
    "{\"level\":20,\"time\":1793534400123,\"msg\":\"completion\",\"output\":{\"role\":\"assistant\",\"content\":\"The error `insufficient_quota` means your OpenAI quota is used up.\"}}",
    "2026-11-01 12:00:00 INFO retry policy: on 429 or overloaded_error wait 2s, at most 5 times",
];

#[test]
fn errors_of_providers_count() {
    let mut wrong = String::new();
    for (kind, block) in COUNT {
        let summary = scan(block.as_bytes());
        let kinds: Vec<Kind> = summary.kinds.keys().copied().collect();
        if summary.total.count != 1 || kinds != [*kind] {
            wrong += &format!("{kind} wanted: {block}\n{}\n", told(&summary));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn ordinary_lines_do_not() {
    let mut wrong = String::new();
    for block in IGNORE {
        let summary = scan(block.as_bytes());
        if summary.total.count != 0 {
            wrong += &format!("{block}\n{}\n", told(&summary));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// All of them in one file, each of its own: far enough apart not to be accounts of one error.
#[test]
fn together_they_are_as_many_as_alone() {
    let mut text = String::new();
    for (at, line) in IGNORE.iter().enumerate() {
        text += line;
        text.push('\n');
        text += COUNT.get(at).map_or("", |(_, block)| block);
        text += "\nINFO one\nINFO two\nINFO three\n";
    }
    let summary = scan(text.as_bytes());
    assert_eq!(summary.total.count, COUNT.len() as u64, "{}", told(&summary));
}
