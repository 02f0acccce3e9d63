//! Mistakes that clients make with errors, seen in the field; each one a test, by its number in
//! the list of `ui.md`. The texts are in the words of the vendors named beside them.

use halo_diagnose::{Context, diagnose};
use halo_types::{Action, Blame, Diagnosis, Evidence, Headers, Kind, Phase, Timestamp};

use Kind::{
    AccountDisabled, ContentFiltered, ContextLengthExceeded, EndpointNotFound, ImageUnsupported,
    InvalidApiKey, InvalidHistory, InvalidRequest, InvalidResponse, ModelNotFound, Network,
    OutputLimitExceeded, Overloaded, PermissionDenied, QuotaExhausted, RateLimited,
    RegionUnsupported, RequestTooLarge, ServerError, StreamInterrupted, Timeout,
    UnsupportedFeature,
};

/// 2026-09-21T14:13:20Z.
const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Whose words they are, the status (0 for a text without one), the body, and what it may be read
/// as.
type Case<'a> = (&'a str, u16, &'a str, &'a [Kind]);

/// The evidence of a case. A name that begins with `@` is also the hint who was spoken to.
fn evidence((who, status, body, _): Case<'_>) -> Evidence {
    let mut evidence = match status {
        0 => Evidence::from_text(body),
        status => Evidence::from_http(status, Headers::default(), body),
    };
    evidence.provider = who.strip_prefix('@').map(str::to_owned);
    evidence
}

fn read(evidence: &Evidence) -> Diagnosis {
    diagnose(evidence, &Context { now: Some(NOW), ..Context::default() })
}

/// Reads all cases and reports every wrong one; `more` says what else is wrong with a diagnosis.
#[track_caller]
fn check(cases: &[Case<'_>], more: impl Fn(&Evidence, &Diagnosis) -> Option<String>) {
    let mut wrong = Vec::new();
    for case in cases {
        let evidence = evidence(*case);
        let got = read(&evidence);
        let (who, status, body, want) = case;
        let fault = if want.contains(&got.kind) {
            more(&evidence, &got)
        } else {
            Some(format!("is read as {}, not as {want:?}", got.kind))
        };
        if let Some(fault) = fault {
            wrong.push(format!("{who} {status} {fault} (by {})\n    {body}", got.because.rule));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[track_caller]
fn kinds(cases: &[Case<'_>]) {
    check(cases, |_, _| None);
}

fn has(diagnosis: &Diagnosis, action: Action) -> bool {
    diagnosis.remedies.iter().any(|remedy| remedy.action == action)
}

fn first(diagnosis: &Diagnosis) -> Action {
    diagnosis.remedies.first().map(|remedy| remedy.action).expect("there is a remedy")
}

#[test]
fn mistake_01_every_429_is_an_empty_balance() {
    let waits: &[Case<'_>] = &[
        // It speaks of a payment method, and still a minute helps.
        ("openai", 429, r#"{"error":{"message":"Rate limit reached for gpt-5-mini in organization org-q1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#, &[RateLimited]),
        ("a relay", 429, r#"{"error":{"message":"Rate limit reached for requests. To raise your limits, add a payment method in billing settings.","code":"rate_limit_exceeded"}}"#, &[RateLimited]),
        ("a relay", 429, r#"{"error":{"message":"您的账户请求速率已达上限，充值可提升限额","code":"rate_limit"}}"#, &[RateLimited]),
        ("google's python client", 0, "google.api_core.exceptions.ResourceExhausted: 429 You exceeded your current quota, please check your plan and billing details. [violations {\n  quota_id: \"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\"\n}\n, retry_delay {\n  seconds: 41\n}\n]", &[RateLimited]),
        ("anthropic", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests has exceeded your per-minute rate limit (https://docs.claude.com/en/api/rate-limits); see the response headers for current usage. Please try again later or contact sales at https://www.anthropic.com/contact-sales to discuss your options for a rate limit increase."}}"#, &[RateLimited]),
        ("gemini", 429, r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 10\nPlease retry in 12.4s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12s"}]}}"#, &[RateLimited]),
        ("vertex", 429, r#"{"error":{"code":429,"message":"Resource has been exhausted, please try again later. See https://cloud.google.com/vertex-ai/docs/error-code-429.","status":"RESOURCE_EXHAUSTED"}}"#, &[RateLimited]),
        ("@dashscope", 429, r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan and billing details.","param":null,"type":"insufficient_quota"},"request_id":"7d1"}"#, &[RateLimited]),
        ("@zhipu", 429, r#"{"error":{"code":"1302","message":"您当前使用该API的并发数过高，请降低并发，或联系客服增加限额。"}}"#, &[RateLimited]),
        ("bedrock", 429, r#"{"__type":"ThrottlingException","message":"Too many requests, please wait before trying again."}"#, &[RateLimited]),
        ("mistral", 429, r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#, &[RateLimited]),
        ("azure", 429, r#"{"error":{"code":"429","message":"Requests to the Responses_Create Operation under Azure OpenAI API have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 8 seconds. To increase your default rate limit, visit https://aka.ms/oai/quotaincrease."}}"#, &[RateLimited]),
        ("groq", 429, r#"{"error":{"message":"Rate limit reached for model `qwen-3-32b` in organization `org_9` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99523, Requested 1200. Please try again in 10m24.3s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing","type":"tokens","code":"rate_limit_exceeded"}}"#, &[RateLimited]),
        ("openrouter", 429, r#"{"error":{"message":"Rate limit exceeded: free-models-per-day-high-balance. Add credits to unlock more free model requests per day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1790035200000"}}}}"#, &[RateLimited]),
        ("moonshot", 429, r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}"#, &[Overloaded]),
        ("@volcengine", 429, r#"{"error":{"code":"ServerOverloaded","message":"The service is temporarily unable to process additional requests, please retry later.","type":"TooManyRequests"}}"#, &[Overloaded]),
        ("nginx", 429, "<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<body>\r\n<center><h1>429 Too Many Requests</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>", &[RateLimited]),
        ("nothing", 429, "", &[RateLimited]),
    ];
    check(waits, |_, got| {
        let words = format!("{} {}", got.title, got.meaning).to_lowercase();
        let money =
            ["recharge", "top up", "balance", "credit"].iter().find(|w| words.contains(**w));
        if let Some(word) = money {
            return Some(format!("speaks of money ({word})"));
        }
        if !got.transient || first(got) != Action::WaitAndResend {
            return Some(format!("offers {} first", first(got)));
        }
        has(got, Action::OpenBilling).then(|| "sends people to the till".to_owned())
    });
    let paid: &[Case<'_>] = &[
        ("openai", 429, r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For help see https://platform.openai.com/docs/guides/error-codes.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#, &[QuotaExhausted]),
        ("@zhipu", 429, r#"{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}"#, &[QuotaExhausted]),
        ("@moonshot", 429, r#"{"error":{"message":"Your account org-1 <ak-2> is suspended due to insufficient balance, please recharge your account or check your plan and billing details","type":"exceeded_current_quota_error"}}"#, &[QuotaExhausted]),
        ("xai", 429, r#"{"code":"Some resource has been exhausted","error":"Your team 7a3 has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits or raise your spending limit."}"#, &[QuotaExhausted]),
    ];
    check(paid, |_, got| {
        (got.transient || has(got, Action::WaitAndResend)).then(|| "says that waiting helps".into())
    });
}

#[test]
fn mistake_02_token_exceed_limit_is_an_overflow() {
    kinds(&[
        ("anthropic", 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 40,000 input tokens per minute (org: 6f1, model: claude-sonnet-4-5). Reduce the prompt length or the maximum tokens requested, or try again later."}}"#, &[RateLimited]),
        ("anthropic, the sentence alone", 0, "would exceed your organization's rate limit of 40,000 input tokens per minute", &[RateLimited]),
        ("openai", 429, r#"{"error":{"message":"Request too large for gpt-4o in organization org-q1 on tokens per min (TPM): Limit 30000, Requested 48021. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#, &[RequestTooLarge]),
        ("azure", 429, r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current AIServices S0 pricing tier. Please retry after 24 seconds."}}"#, &[RateLimited]),
        ("openai", 400, r#"{"error":{"message":"max_tokens is too large: 200000. This model supports at most 16384 completion tokens, whereas you provided 200000.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}"#, &[OutputLimitExceeded]),
        ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5"}}"#, &[OutputLimitExceeded]),
        ("a relay", 400, r#"{"error":{"message":"The value of max_output_tokens exceeds the limit of this model (65536)"}}"#, &[OutputLimitExceeded]),
        ("gemini", 429, r#"{"error":{"code":429,"message":"Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_input_token_count, limit: 250000\nPlease retry in 31.2s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"31s"}]}}"#, &[RateLimited]),
        ("bedrock", 429, r#"{"message":"Too many tokens, please wait before trying again."}"#, &[RateLimited]),
        ("@volcengine", 429, r#"{"error":{"code":"RateLimitExceeded.EndpointTPMExceeded","message":"The Tokens Per Minute (TPM) limit of the associated endpoint for your account has been exceeded.","type":"TooManyRequests"}}"#, &[RateLimited]),
        ("cerebras", 429, r#"{"message":"Tokens per day limit exceeded - too many tokens processed.","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"}"#, &[RateLimited]),
        ("@new-api", 403, r#"{"error":{"message":"token quota is not enough, token remain quota: ＄0.002000, need quota: ＄0.020000","type":"new_api_error","param":"","code":"pre_consume_token_quota_failed"}}"#, &[QuotaExhausted]),
        ("@new-api", 401, r#"{"error":{"message":"该令牌额度已用尽 TokenStatusExhausted[sk-abc***xyz]","type":"new_api_error"}}"#, &[QuotaExhausted]),
        ("a relay", 401, r#"{"error":"The access token has expired and its refresh limit was exceeded"}"#, &[InvalidApiKey]),
        // And the real one stays one.
        ("vllm", 400, r#"{"object":"error","message":"This model's maximum context length is 32768 tokens. However, you requested 40000 tokens (36000 in the messages, 4000 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","code":400}"#, &[ContextLengthExceeded]),
        ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 195000 + 21333 > 200000, decrease input length or `max_tokens` and try again"}}"#, &[ContextLengthExceeded]),
    ]);
}

#[test]
fn mistake_03_every_403_is_a_bad_key() {
    kinds(&[
        ("openai", 403, r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#, &[RegionUnsupported]),
        ("openrouter", 403, r#"{"error":{"code":403,"message":"openai/gpt-5 requires moderation. Your input was flagged for \"violence\". No credits were charged.","metadata":{"reasons":["violence"],"flagged_input":"…","provider_name":"OpenAI"}}}"#, &[ContentFiltered]),
        ("@volcengine", 403, r#"{"error":{"code":"AccountOverdueError","message":"The request failed because your account has an overdue balance.","type":"Forbidden"}}"#, &[QuotaExhausted]),
        ("@siliconflow", 403, r#"{"code":30001,"message":"Sorry, your account balance is insufficient","data":{}}"#, &[QuotaExhausted]),
        ("@together", 403, r#"{"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 8900 `inputs` tokens and 512 `max_new_tokens`","type":"invalid_request_error"}}"#, &[ContextLengthExceeded]),
        ("anthropic", 403, r#"{"type":"error","error":{"type":"forbidden","message":"Request not allowed"}}"#, &[PermissionDenied]),
        ("gemini", 403, r#"{"error":{"code":403,"message":"Generative Language API has not been used in project 12345 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=12345 then retry.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED"}]}}"#, &[PermissionDenied]),
        ("@new-api", 403, r#"{"error":{"message":"用户额度不足, 剩余额度: ＄0.000000","type":"new_api_error","param":"","code":"insufficient_user_quota"}}"#, &[QuotaExhausted]),
        ("azure", 403, r#"{"error":{"code":"AccessDenied","message":"Public access is disabled. Please configure private endpoint."}}"#, &[PermissionDenied]),
        ("github", 403, r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest","status":"403"}"#, &[RateLimited]),
        ("bedrock", 403, r#"{"__type":"AccessDeniedException","message":"You don't have access to the model with the specified model ID."}"#, &[PermissionDenied, ModelNotFound]),
        ("@one-api", 403, r#"{"error":{"message":"用户已被封禁","type":"one_api_error"}}"#, &[AccountDisabled]),
        ("groq", 403, r#"{"error":{"message":"Access denied. Please check your network settings."}}"#, &[PermissionDenied]),
        ("cloudflare", 403, "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body><h1>Sorry, you have been blocked</h1><p>You are unable to access api.example.com</p></body></html>", &[PermissionDenied]),
        ("nothing", 403, "", &[PermissionDenied]),
        // Where the key is at fault, the words say so.
        ("bedrock", 403, r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#, &[InvalidApiKey]),
        ("@novita", 403, r#"{"code":403,"reason":"INVALID_API_KEY","message":"invalid api key","metadata":{}}"#, &[InvalidApiKey]),
        ("fireworks", 403, r#"{"error":{"message":"The API key you provided is invalid.","code":"UNAUTHORIZED"}}"#, &[InvalidApiKey]),
    ]);
}

#[test]
fn mistake_04_every_404_is_a_missing_model() {
    let address: &[Case<'_>] = &[
        ("nginx", 404, "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>", &[EndpointNotFound]),
        ("go", 404, "404 page not found", &[EndpointNotFound]),
        ("fastapi", 404, r#"{"detail":"Not Found"}"#, &[EndpointNotFound]),
        ("openai", 404, r#"{"error":{"message":"Invalid URL (POST /v1/v1/chat/completions)","type":"invalid_request_error","param":null,"code":null}}"#, &[EndpointNotFound]),
        ("spring", 404, r#"{"timestamp":"2026-09-21T14:13:20.000+00:00","status":404,"error":"Not Found","path":"/v1/chat/completion"}"#, &[EndpointNotFound]),
        ("express", 404, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot POST /chat/completions</pre>\n</body>\n</html>", &[EndpointNotFound]),
        ("lmstudio", 200, r#"{"error":"Unexpected endpoint or method. (POST /chat/completions)"}"#, &[EndpointNotFound]),
        ("kong", 404, r#"{"message":"no Route matched with those values"}"#, &[EndpointNotFound]),
        ("azure", 404, r#"{"error":{"code":"404","message":"Resource not found","innererror":null}}"#, &[EndpointNotFound]),
        ("cloudflare", 404, r#"{"success":false,"errors":[{"code":7000,"message":"No route for that URI"}],"messages":[],"result":null}"#, &[EndpointNotFound]),
        ("an app's page", 200, "<!doctype html><html lang=\"en\"><head><title>New API</title></head><body><noscript>You need to enable JavaScript to run this app.</noscript><div id=\"root\"></div></body></html>", &[EndpointNotFound]),
        ("nothing", 404, "", &[EndpointNotFound]),
    ];
    check(address, |_, got| {
        let to = first(got);
        (to != Action::OpenSettingsUrl).then(|| format!("offers {to} first"))
    });
    kinds(&[
        ("openai", 404, r#"{"error":{"message":"The model `gpt-6x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#, &[ModelNotFound]),
        ("anthropic", 404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-nine"}}"#, &[ModelNotFound]),
        ("ollama", 404, r#"{"error":"model \"llama9:8b\" not found, try pulling it first"}"#, &[ModelNotFound]),
        ("gemini", 404, r#"{"error":{"code":404,"message":"models/gemini-1.0-ultra is not found for API version v1, or is not supported for generateContent. Call ListModels to see the list of available models.","status":"NOT_FOUND"}}"#, &[ModelNotFound]),
        ("azure", 404, r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment gpt-x for this resource does not exist. If you created the deployment a moment ago, please wait and try again."}}"#, &[ModelNotFound]),
        ("openrouter", 404, r#"{"error":{"message":"No endpoints found for acme/foo-1.","code":404}}"#, &[ModelNotFound]),
        ("openrouter", 404, r#"{"error":{"message":"No endpoints found that support image input","code":404},"user_id":"u"}"#, &[ImageUnsupported]),
        ("openrouter", 404, r#"{"error":{"message":"No endpoints found that support tool use. Try disabling \"search\".","code":404}}"#, &[UnsupportedFeature]),
        ("openrouter", 404, r#"{"error":{"message":"No endpoints found matching your data policy (Free model training). Configure: https://openrouter.ai/settings/privacy","code":404}}"#, &[PermissionDenied]),
        ("@volcengine", 404, r#"{"error":{"code":"ModelNotOpen","message":"Your account 21 has not activated the model doubao-x. Please activate the model service in the Ark Console.","type":"NotFound"}}"#, &[PermissionDenied]),
        ("bedrock", 404, r#"{"message":"Model use case details have not been submitted for this account. Fill out the use case form and try again in 15 minutes."}"#, &[PermissionDenied]),
    ]);
}

#[test]
fn mistake_05_a_provider_that_is_slow_is_a_broken_proxy() {
    let slow: &[Case<'_>] = &[
        ("anthropic", 504, r#"{"type":"error","error":{"type":"timeout_error","message":"The request timed out while processing."}}"#, &[Timeout]),
        ("gemini", 504, r#"{"error":{"code":504,"message":"The request timed out. Please try again.","status":"DEADLINE_EXCEEDED"}}"#, &[Timeout]),
        ("azure", 408, r#"{"error":{"code":"Timeout","message":"The operation timed out.","target":null}}"#, &[Timeout]),
        ("openrouter", 408, r#"{"error":{"message":"Request timed out","code":408}}"#, &[Timeout]),
        ("envoy", 504, "upstream request timeout", &[Timeout]),
        ("cloudflare", 524, "error code: 524", &[Timeout]),
        ("nginx", 504, "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>", &[Timeout]),
        ("aws load balancer", 504, r#"{"message":"Endpoint request timed out"}"#, &[Timeout]),
        ("@dashscope", 504, r#"{"code":"RequestTimeOut","message":"Request timed out, please try again later.","request_id":"7"}"#, &[Timeout]),
        ("a log", 0, "openai.InternalServerError: Error code: 504 - {'error': {'message': 'upstream timeout', 'type': 'server_error'}}", &[Timeout]),
    ];
    check(slow, |_, got| {
        if first(got) == Action::CheckNetwork {
            return Some("sends people to their proxy".to_owned());
        }
        (got.blame == Blame::Network).then(|| "blames the network".to_owned())
    });
    // And where no answer came, the network is what to look at.
    kinds(&[
        ("node", 0, "TypeError: fetch failed\n  [cause]: ConnectTimeoutError: Connect Timeout Error (attempted address: api.example.com:443, timeout: 10000ms)", &[Network]),
        ("go", 0, "Post \"https://api.example.com/v1/chat/completions\": dial tcp 203.0.113.7:443: i/o timeout", &[Network]),
        ("python", 0, "httpx.ConnectTimeout: timed out while connecting to api.example.com", &[Network]),
        ("node", 0, "connect ETIMEDOUT 203.0.113.7:443", &[Network]),
    ]);
}

#[test]
fn mistake_06_stream_options_is_a_broken_stream() {
    let cases: &[Case<'_>] = &[
        ("azure", 400, r#"{"error":{"code":"BadRequest","message":"stream_options is not supported by this model"}}"#, &[UnsupportedFeature]),
        ("a relay", 400, r#"{"error":{"message":"'stream_options' is not permitted"}}"#, &[UnsupportedFeature, InvalidRequest]),
        ("a local server", 400, r#"{"error":{"message":"Additional properties are not allowed ('stream_options' was unexpected)"}}"#, &[UnsupportedFeature]),
        ("openai", 400, r#"{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}"#, &[UnsupportedFeature]),
        ("openai", 400, r#"{"error":{"message":"The 'stream_options' parameter is only allowed when 'stream' is enabled.","type":"invalid_request_error","param":"stream_options","code":null}}"#, &[UnsupportedFeature, InvalidRequest]),
        ("mistral", 422, r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]},"type":"invalid_request_error"}"#, &[UnsupportedFeature]),
        ("a relay", 400, r#"{"error":{"message":"json: unknown field \"stream_options\"","type":"invalid_request_error"}}"#, &[UnsupportedFeature, InvalidRequest]),
        ("azure", 400, r#"{"error":{"message":"Unsupported value: 'stream' does not support true with this model. Only the default (false) value is supported.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#, &[UnsupportedFeature]),
        ("a local server", 400, r#"{"detail":"Streaming is not supported for this model"}"#, &[UnsupportedFeature]),
        ("@qianfan", 400, r#"{"error":{"code":"invalid_argument","message":"该模型不支持流式输出","type":"invalid_request_error"}}"#, &[UnsupportedFeature]),
        ("openai", 400, r#"{"error":{"message":"Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#, &[PermissionDenied]),
    ];
    check(cases, |_, got| got.transient.then(|| "says that waiting helps".to_owned()));
    // A stream that really broke.
    kinds(&[
        ("python", 0, "httpx.RemoteProtocolError: peer closed connection without sending complete message body (received 812 bytes, expected 4096)", &[StreamInterrupted]),
        ("node", 0, "Error: stream closed before message_stop was received: premature close", &[StreamInterrupted]),
    ]);
}

#[test]
fn mistake_07_an_overflow_must_say_token_or_context() {
    let cases: &[Case<'_>] = &[
        ("@dashscope", 400, r#"{"code":"InvalidParameter","message":"Range of input length should be [1, 202745]","request_id":"7"}"#, &[ContextLengthExceeded]),
        ("dashscope, the sentence alone", 0, "Range of input length should be [1, 202745]", &[ContextLengthExceeded]),
        ("bedrock", 400, r#"{"message":"Input is too long for requested model."}"#, &[ContextLengthExceeded]),
        ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"}}"#, &[ContextLengthExceeded]),
        ("@zai", 400, r#"{"error":{"code":"1261","message":"Prompt exceeds max length"},"request_id":"7"}"#, &[ContextLengthExceeded]),
        ("@zhipu", 400, r#"{"error":{"code":"1261","message":"Prompt 超长，请缩短后重试"}}"#, &[ContextLengthExceeded]),
        ("a relay", 400, r#"{"error":{"message":"对话内容过长，请精简后重试"}}"#, &[ContextLengthExceeded]),
        ("a client", 0, "输入内容过长，超出模型可处理的最大长度", &[ContextLengthExceeded]),
        ("llama.cpp", 400, r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error"}}"#, &[ContextLengthExceeded]),
        ("copilot", 400, r#"{"error":{"message":"prompt is too large for the selected model","code":"model_max_prompt_tokens_exceeded"}}"#, &[ContextLengthExceeded]),
        ("a relay", 400, r#"{"error":{"message":"Your prompt is too large. Please shorten it."}}"#, &[ContextLengthExceeded]),
        ("@qianfan", 400, r#"{"error":{"code":"invalid_argument","message":"the length of messages exceeds the model's maximum input length","type":"invalid_request_error"}}"#, &[ContextLengthExceeded]),
    ];
    check(cases, |_, got| {
        let to = first(got);
        (to != Action::CompactAndResend).then(|| format!("offers {to} first"))
    });
}

#[test]
fn mistake_08_a_refused_picture_is_known_by_one_sentence() {
    let cases: &[Case<'_>] = &[
        ("openai", 400, r#"{"error":{"message":"Invalid content type. image_url is only supported by certain models.","type":"invalid_request_error","param":"messages.[0].content.[1].type","code":null}}"#, &[ImageUnsupported]),
        ("vllm", 400, r#"{"object":"error","message":"qwen3-8b is not a multimodal model","type":"BadRequestError","param":null,"code":400}"#, &[ImageUnsupported]),
        ("vllm", 400, r#"{"error":{"message":"At most 0 image(s) may be provided in one prompt.","type":"BadRequestError","code":400}}"#, &[ImageUnsupported]),
        ("deepseek", 400, r#"{"error":{"message":"Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, expected `text` at line 1 column 180","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#, &[ImageUnsupported]),
        ("ollama", 400, r#"{"error":"this model is missing data required for image input"}"#, &[ImageUnsupported]),
        ("llama.cpp", 500, r#"{"error":{"code":500,"message":"image input is not supported by this server, start it with --mmproj","type":"server_error"}}"#, &[ImageUnsupported]),
        ("openrouter", 404, r#"{"error":{"message":"No endpoints found that support image input","code":404},"user_id":"u"}"#, &[ImageUnsupported]),
        ("bedrock", 400, r#"{"message":"This model doesn't support the image content block that you provided. Remove the image and try again."}"#, &[ImageUnsupported]),
        ("xai", 400, r#"{"code":"Client specified an invalid argument","error":"Image inputs are not supported by this model."}"#, &[ImageUnsupported]),
        ("@siliconflow", 400, r#"{"code":20041,"message":"The model is not a VLM (Vision Language Model). Please use text-only prompts.","data":null}"#, &[ImageUnsupported]),
        ("moonshot", 400, r#"{"error":{"message":"Invalid request: image input not supported for model moonshot-v1-8k","type":"invalid_request_error"}}"#, &[ImageUnsupported]),
        ("lmstudio", 400, r#"{"error":{"message":"Model does not support images. Please use a model that does."}}"#, &[ImageUnsupported]),
        ("a relay", 400, r#"{"error":{"message":"'image_url' is not a supported content type"}}"#, &[ImageUnsupported]),
        ("a relay", 400, r#"{"error":{"message":"No image support for model acme-1"}}"#, &[ImageUnsupported]),
        ("a relay", 400, r#"{"error":{"message":"Model acme-1 can not process images"}}"#, &[ImageUnsupported]),
        ("a relay", 400, r#"{"error":{"message":"input_image is not supported"}}"#, &[ImageUnsupported]),
        ("openai", 400, r#"{"error":{"message":"Invalid value: 'image_url'. Supported values are: 'text'.","type":"invalid_request_error","param":"messages[0].content[1].type","code":"invalid_value"}}"#, &[ImageUnsupported]),
        ("@zhipu", 400, r#"{"error":{"code":"1210","message":"当前模型不支持图片输入"}}"#, &[ImageUnsupported]),
        ("a relay", 400, r#"{"error":{"message":"该模型仅支持文本输入，不支持图像","type":"new_api_error"}}"#, &[ImageUnsupported]),
        ("a client", 0, "This model does not have vision capabilities", &[ImageUnsupported]),
    ];
    check(cases, |_, got| {
        let to = first(got);
        (to != Action::ResendWithoutImages).then(|| format!("offers {to} first"))
    });
}

#[test]
fn mistake_09_provider_returned_error_while_the_reason_stands_beside_it() {
    let cases: &[Case<'_>] = &[
        ("anthropic behind openrouter", 400, r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 212031 tokens > 200000 maximum\"}}","provider_name":"Anthropic"}},"user_id":"u"}"#, &[ContextLengthExceeded]),
        ("openai behind openrouter", 429, r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"{\"error\":{\"message\":\"You exceeded your current quota, please check your plan and billing details.\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}","provider_name":"OpenAI"}}}"#, &[QuotaExhausted]),
        ("google behind openrouter", 400, r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"User location is not supported for the API use.\",\n    \"status\": \"FAILED_PRECONDITION\"\n  }\n}\n","provider_name":"Google AI Studio"}}}"#, &[RegionUnsupported]),
        ("prose behind openrouter", 429, r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"acme/foo-1:free is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits","provider_name":"Acme"}}}"#, &[RateLimited]),
        ("a filter behind openrouter", 400, r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.\",\"code\":\"content_filter\",\"status\":400}}","provider_name":"Azure"}}}"#, &[ContentFiltered]),
        ("a history behind openrouter", 400, r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_01\"}}"}}}"#, &[InvalidHistory]),
        ("a client's log", 0, r#"API error 400: {"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"max_tokens is too large: 65536. This model supports at most 32768 completion tokens\"}}"}}"#, &[OutputLimitExceeded]),
        ("litellm around openrouter", 500, r#"{"error":{"message":"litellm.APIError: APIError: OpenrouterException - {\"error\":{\"message\":\"Provider returned error\",\"code\":402,\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"Insufficient Balance\\\",\\\"type\\\":\\\"unknown_error\\\"}}\"}}}","type":null,"param":null,"code":"500"}}"#, &[QuotaExhausted]),
    ];
    check(cases, |_, got| {
        let quote = &got.because.quote;
        quote.contains("Provider returned").then(|| "quotes the wrapper".to_owned())
    });
    // Where nothing stands beside it, the code decides.
    kinds(&[
        ("openrouter", 502, r#"{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"","provider_name":"Acme"}}}"#, &[ServerError]),
        ("openrouter", 429, r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"ERROR","provider_name":"Acme"}}}"#, &[RateLimited]),
    ]);
}

#[test]
fn mistake_10_an_empty_bubble_for_a_200_without_an_answer() {
    let cases: &[Case<'_>] = &[
        ("nothing", 200, "", &[InvalidResponse]),
        ("white space", 200, "\n\n", &[InvalidResponse]),
        ("null", 200, "null", &[InvalidResponse]),
        ("an empty object", 200, "{}", &[InvalidResponse]),
        ("a stream of nothing", 200, "data: [DONE]\n\n", &[InvalidResponse]),
        ("openai without choices", 200, r#"{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}"#, &[InvalidResponse]),
        ("text", 200, "OK", &[InvalidResponse]),
        ("a stream of comments", 200, ": keep-alive\n\n: keep-alive\n\n", &[InvalidResponse]),
        ("a relay", 200, r#"{"choices":null}"#, &[InvalidResponse]),
        ("a page", 200, "<!DOCTYPE html><html><head><title>Welcome</title></head><body><div id=app></div></body></html>", &[EndpointNotFound]),
        ("an error frame", 200, "data: {\"error\":{\"message\":\"Internal server error\",\"code\":500}}\n\n", &[ServerError]),
        ("anthropic", 200, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n", &[Overloaded]),
        ("@minimax", 200, r#"{"id":"04","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#, &[QuotaExhausted]),
        ("@qianfan", 200, r#"{"error_code":18,"error_msg":"Open api qps request limit reached"}"#, &[RateLimited]),
        ("@hunyuan", 200, r#"{"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"The SecretId is not found."},"RequestId":"7"}}"#, &[InvalidApiKey]),
        ("gemini", 200, r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9}}"#, &[ContentFiltered]),
        ("a relay", 200, r#"{"success":false,"message":"无效的令牌"}"#, &[InvalidApiKey]),
    ];
    check(cases, |_, got| {
        (got.title.is_empty() || got.remedies.len() < 2).then(|| "leaves people alone".to_owned())
    });
}

#[test]
fn mistake_11_a_tiny_wait_burns_all_tries_and_a_huge_one_hangs() {
    const DAY: u64 = 86_400_000;
    // What the provider said comes out as it was said; what follows from it is recovery's work.
    let cases: &[(&str, &str, &str, Option<u64>)] = &[
        ("retry-after", "0", "", Some(0)),
        ("retry-after", "0.05", "", Some(50)),
        ("retry-after-ms", "1", "", Some(1)),
        ("retry-after", "Mon, 21 Sep 2026 14:13:20 GMT", "", Some(0)),
        ("retry-after", "Sun, 20 Sep 2026 14:13:20 GMT", "", Some(0)),
        ("retry-after", "86400", "", Some(DAY)),
        ("retry-after", "1209600", "", Some(14 * DAY)),
        ("retry-after", "Mon, 28 Sep 2026 14:13:20 GMT", "", Some(7 * DAY)),
        ("", "", r#"{"error":{"message":"Rate limit reached. Please try again in 0s.","code":"rate_limit_exceeded"}}"#, Some(0)),
        ("", "", r#"{"error":{"message":"Rate limit reached. Please try again in 1ms.","code":"rate_limit_exceeded"}}"#, Some(1)),
        ("", "", r#"{"error":{"code":"too_many_requests","message":"Rate limit is exceeded. Try again in 86400 seconds.","status":429}}"#, Some(DAY)),
        ("", "", r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_in_seconds":345600}}"#, Some(4 * DAY)),
        ("", "", r#"{"error":{"code":"1310","message":"Weekly limit exhausted. Your limit will reset at 2026-09-24 14:13:20"}}"#, Some(3 * DAY)),
        ("retry-after", "", "", None),
        ("retry-after", "never", "", None),
    ];
    let mut wrong = Vec::new();
    for (name, value, body, want) in cases {
        let headers = Headers::new((!name.is_empty()).then_some((*name, *value)));
        let got = read(&Evidence::from_http(429, headers, *body));
        let after = got.retry.as_ref().map(|retry| retry.after_ms);
        if after != *want || !got.transient {
            wrong.push(format!("{name}: {value} {body}: {after:?}, want {want:?}"));
        }
    }
    // Nonsense is no wait of a thousand years: "long", and never more than a month and a half.
    for value in ["99999999999", "1e300", "inf", "NaN", "-1"] {
        let headers = Headers::new([("retry-after", value)]);
        let got = read(&Evidence::from_http(429, headers, ""));
        if got.retry.as_ref().is_some_and(|retry| retry.after_ms > 45 * DAY) {
            wrong.push(format!("retry-after: {value}: {:?}", got.retry));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistake_13_the_same_doomed_request_is_sent_again() {
    let cases: &[Case<'_>] = &[
        ("openai", 401, r#"{"error":{"message":"Incorrect API key provided: sk-x. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","code":"invalid_api_key"}}"#, &[InvalidApiKey]),
        ("deepseek", 402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"402"}}"#, &[QuotaExhausted]),
        ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#, &[QuotaExhausted]),
        ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#, &[AccountDisabled]),
        ("gemini", 400, r#"[{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}]"#, &[RegionUnsupported]),
        ("openai", 400, r#"{"error":{"message":"Unsupported parameter: 'top_k' is not supported with this model.","type":"invalid_request_error","param":"top_k","code":"unsupported_parameter"}}"#, &[UnsupportedFeature]),
        ("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages: roles must alternate between \"user\" and \"assistant\", but found multiple \"user\" roles in a row"}}"#, &[InvalidHistory]),
        ("openai", 400, r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.","type":"invalid_request_error","code":"invalid_prompt"}}"#, &[ContentFiltered]),
        ("gemini, no share of this model", 429, r#"{"error":{"code":429,"message":"Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-3-pro\nPlease retry in 31s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"31s"}]}}"#, &[QuotaExhausted]),
        ("new-api, dressed as a server's fault", 503, r#"{"error":{"message":"分组 default 下模型 foo-1 无可用渠道（distributor）","type":"new_api_error","code":"model_not_found"}}"#, &[ModelNotFound]),
        ("a relay, dressed as a server's fault", 500, r#"{"error":{"message":"This model's maximum context length is 131072 tokens, however you requested 140021 tokens","type":"upstream_error","code":500}}"#, &[ContextLengthExceeded]),
        ("a certificate", 0, "unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca", &[Network]),
        ("a proxy's sign-in", 407, "<html><head><title>407 Proxy Authentication Required</title></head></html>", &[Network]),
    ];
    check(cases, |_, got| {
        if got.transient {
            return Some("says that waiting helps".to_owned());
        }
        if got.retry.is_some() {
            return Some("tells a wait".to_owned());
        }
        let unchanged = has(got, Action::WaitAndResend)
            // After the network is put right, the same bytes may go.
            || got.kind != Network && has(got, Action::Resend);
        unchanged.then(|| "offers to send the same again".to_owned())
    });
}

#[test]
fn mistake_14_a_repair_that_changes_nothing() {
    // A repair needs to know what to change: the parameter, or the number.
    let parameters: &[(Case<'_>, &str)] = &[
        (("openai", 400, r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}"#, &[UnsupportedFeature]), "temperature"),
        (("openai, without the field", 0, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", &[UnsupportedFeature]), "max_tokens"),
        (("gemini", 400, r#"{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"presencePenalty\" at 'generation_config': Cannot find field.","status":"INVALID_ARGUMENT"}}"#, &[UnsupportedFeature]), "presencePenalty"),
        (("mistral", 422, r#"{"detail":[{"type":"extra_forbidden","loc":["body","logit_bias"],"msg":"Extra inputs are not permitted","input":{}}]}"#, &[UnsupportedFeature]), "logit_bias"),
        (("xai", 400, r#"{"code":"Client specified an invalid argument","error":"Model grok-4 does not support parameter presencePenalty."}"#, &[UnsupportedFeature]), "presencePenalty"),
        (("groq", 400, r#"{"error":{"message":"property 'reasoning_effort' is unsupported","type":"invalid_request_error"}}"#, &[UnsupportedFeature]), "reasoning_effort"),
        (("litellm", 400, r#"{"error":{"message":"litellm.UnsupportedParamsError: ollama does not support parameters: ['logprobs'], for model=qwen3. To drop these, set `litellm.drop_params=True`","type":"None","code":"400"}}"#, &[UnsupportedFeature]), "logprobs"),
    ];
    let mut wrong = Vec::new();
    for (case, want) in parameters {
        let got = read(&evidence(*case));
        let named = got.facts.parameter.as_deref();
        // `generation_config.x` names x as well.
        if named.is_none_or(|name| name.rsplit('.').next() != Some(*want)) {
            wrong.push(format!("{} names {named:?}, not {want}\n    {}", case.0, case.2));
        }
        if !case.3.contains(&got.kind) || first(&got) != Action::DropParameterAndResend {
            let (kind, to) = (got.kind, first(&got));
            wrong.push(format!("{} is {kind} and offers {to} first\n    {}", case.0, case.2));
        }
    }
    let numbers: &[(Case<'_>, u64)] = &[
        (("openai", 400, r#"{"error":{"message":"max_tokens is too large: 200000. This model supports at most 16384 completion tokens, whereas you provided 200000.","param":"max_tokens"}}"#, &[]), 16_384),
        (("anthropic", 400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5"}}"#, &[]), 64_000),
        (("deepseek", 400, r#"{"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 8192]","type":"invalid_request_error"}}"#, &[]), 8_192),
        (("@dashscope", 400, r#"{"code":"InvalidParameter","message":"Range of max_tokens should be [1, 16384]"}"#, &[]), 16_384),
        (("groq", 400, r#"{"error":{"message":"`max_completion_tokens` must be less than or equal to `32768`, the maximum value for `max_completion_tokens` is less than the `context_window` for this model","type":"invalid_request_error","param":"max_completion_tokens"}}"#, &[]), 32_768),
    ];
    for (case, want) in numbers {
        let got = read(&evidence(*case));
        if (got.kind, got.facts.max_output_tokens) != (OutputLimitExceeded, Some(*want)) {
            let most = got.facts.max_output_tokens;
            wrong.push(format!(
                "{} is {} with {most:?}, not {want}\n    {}",
                case.0, got.kind, case.2
            ));
        }
        if first(&got) != Action::LowerMaxTokensAndResend {
            wrong.push(format!("{} offers {} first\n    {}", case.0, first(&got), case.2));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn mistake_17_an_error_frame_under_200_is_a_success() {
    let cases: &[Case<'_>] = &[
        ("anthropic", 200, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}\n\n", &[InvalidApiKey]),
        ("anthropic, after a start", 200, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[]}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Internal server error\"}}\n\n", &[ServerError]),
        ("openai responses", 200, "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Rate limit reached for gpt-5 on tokens per min (TPM). Please try again in 6s.\"}}}\n\n", &[RateLimited]),
        ("openai responses", 200, "event: error\ndata: {\"type\":\"error\",\"code\":\"context_length_exceeded\",\"message\":\"Your input exceeds the context window of this model. Please adjust your input and try again.\",\"param\":\"input\",\"sequence_number\":2}\n\n", &[ContextLengthExceeded]),
        ("openai chat", 200, "data: {\"error\":{\"message\":\"The server had an error while processing your request. Sorry about that!\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n", &[ServerError]),
        ("bedrock", 200, r#"{"throttlingException":{"message":"Your request was throttled, please try again later."}}"#, &[RateLimited]),
        ("gemini", 200, "[{\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"API key not valid. Please pass a valid API key.\",\n    \"status\": \"INVALID_ARGUMENT\",\n    \"details\": [{\"@type\": \"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\": \"API_KEY_INVALID\"}]\n  }\n}\n]", &[InvalidApiKey]),
        ("@dashscope", 200, "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidApiKey\",\"message\":\"Invalid API-key provided.\",\"request_id\":\"7\"}\n\n", &[InvalidApiKey]),
        ("@minimax", 200, "data: {\"id\":\"04\",\"base_resp\":{\"status_code\":1004,\"status_msg\":\"login fail: Please carry the API secret key in the 'Authorization' field of the request header\"}}\n\n", &[InvalidApiKey]),
        ("new-api", 200, "data: {\"error\":{\"message\":\"该令牌额度已用尽\",\"type\":\"new_api_error\"}}\n\n", &[QuotaExhausted]),
        ("lmstudio", 200, "event: error\ndata: {\"error\":{\"message\":\"Trying to keep the first 5200 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input\"}}\n\n", &[ContextLengthExceeded]),
        ("ollama", 200, "{\"error\":\"an error was encountered while running the model: CUDA error: out of memory\"}\n", &[Overloaded, ServerError]),
        ("openrouter", 200, "data: {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,\"message\":\"Provider disconnected unexpectedly\"}}\n\n", &[StreamInterrupted, ServerError]),
        ("openrouter, after comments", 200, ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {\"error\":{\"message\":\"Insufficient credits. Add more using https://openrouter.ai/settings/credits\",\"code\":402}}\n\n", &[QuotaExhausted]),
        ("vercel", 200, "data: {\"type\":\"error\",\"errorText\":\"No such model: acme/foo-1\"}\n\ndata: [DONE]\n\n", &[ModelNotFound]),
        ("a relay", 200, "data: {\"choices\":[],\"error\":{\"message\":\"Upstream error\",\"code\":502}}\n\n", &[ServerError, StreamInterrupted]),
        ("a relay, without a space", 200, "data:{\"error\":{\"message\":\"Invalid token\",\"type\":\"new_api_error\"}}\n\ndata:[DONE]\n\n", &[InvalidApiKey]),
    ];
    // As a whole body, and inside a stream that had begun, as the chat itself meets it.
    let mut wrong = Vec::new();
    for case in cases {
        let whole = evidence(*case);
        let begun = Evidence { phase: Some(Phase::Stream), partial_chars: 12, ..whole.clone() };
        for (evidence, when) in [(whole, "at once"), (begun, "after the first words")] {
            let got = read(&evidence);
            if !case.3.contains(&got.kind) {
                let (who, rule) = (case.0, got.because.rule);
                wrong.push(format!("{who}, {when}: {} by {rule}\n    {}", got.kind, case.2));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
