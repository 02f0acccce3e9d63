//! Who spoke: told from the base URL, the headers, the shape of a body, request ids and codes.

use std::collections::BTreeSet;

use halo_diagnose::{Context, diagnose, vendors};
use halo_types::{Evidence, Headers};

/// What tells a vendor; an empty string where nothing does.
struct Witness {
    id: &'static str,
    url: &'static str,
    header: &'static str,
    /// Bodies that come from it when nothing tells who was asked.
    bodies: &'static [&'static str],
}

const fn w(
    id: &'static str,
    url: &'static str,
    header: &'static str,
    bodies: &'static [&'static str],
) -> Witness {
    Witness { id, url, header, bodies }
}

#[rustfmt::skip]
const WITNESSES: &[Witness] = &[
    w("openai", "https://api.openai.com/v1/chat/completions", "openai-processing-ms",
        &["Rate limit reached for gpt-5 in organization org-abc123 on requests per min (RPM): Limit 3",
          r#"{"error":{"message":"Incorrect API key provided: sk-abc. You can find your API key at https://platform.openai.com/account/api-keys."}}"#,
          "openai.RateLimitError: Error code: 429"]),
    w("anthropic", "https://api.anthropic.com/v1/messages", "anthropic-organization-id",
        &[r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
          r#"{"error":{"message":"x"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#]),
    w("gemini", "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent", "",
        &[r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
          r#"{"error":{"code":429,"details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}"#,
          "models/gemini-9 is not found for API version v1beta"]),
    w("vertex", "https://us-central1-aiplatform.googleapis.com/v1/projects/p", "",
        &["Publisher Model `projects/p/locations/l/publishers/google/models/m` was not found",
          r#"{"type":"error","request_id":"req_vrtx_011CSHoEeqs5C35K2UUqR7Fy"}"#]),
    w("azure", "https://x.openai.azure.com/openai/deployments/d/chat/completions", "apim-request-id",
        &[r#"{"error":{"code":"DeploymentNotFound","message":"x"}}"#,
          "Access denied due to invalid subscription key or wrong API endpoint."]),
    w("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse", "x-amzn-errortype",
        &["An error occurred (ThrottlingException) when calling the Converse operation: x",
          "not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/m"]),
    w("mistral", "https://api.mistral.ai/v1/chat/completions", "",
        &[r#"{"object":"error","message":"x","type":"invalid_request_message_order","code":"3230"}"#]),
    w("cohere", "https://api.cohere.com/v2/chat", "",
        &[r#"{"id":"3f2b","message":"You are using a Trial key, which is limited to 40 API calls / minute."}"#]),
    w("xai", "https://api.x.ai/v1/chat/completions", "",
        &[r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***56."}"#]),
    w("groq", "https://api.groq.com/openai/v1/chat/completions", "x-groq-region",
        &[r#"{"error":{"message":"Failed to call a function.","code":"tool_use_failed","failed_generation":"<f>"}}"#]),
    w("deepseek", "https://api.deepseek.com/chat/completions", "",
        &[r#"{"error":{"message":"Authentication Fails, Your api key is invalid"}}"#, r#"{"error":{"message":"Model Not Exist"},"x":"Model Not Exist"}"#]),
    w("together", "https://api.together.xyz/v1/chat/completions", "",
        &["Unable to access model m. Please visit https://api.together.ai/models"]),
    w("fireworks", "https://api.fireworks.ai/inference/v1/chat/completions", "",
        &["Model accounts/fireworks/models/nope not found, inaccessible, and/or not deployed"]),
    w("perplexity", "https://api.perplexity.ai/chat/completions", "",
        &["Invalid model 'sonar-x'. Permitted models can be found in the documentation at https://docs.perplexity.ai"]),
    w("openrouter", "https://openrouter.ai/api/v1/chat/completions", "",
        &[r#"{"error":{"code":404,"message":"No endpoints found for foo/bar."},"user_id":"user_2abc"}"#]),
    w("cerebras", "https://api.cerebras.ai/v1/chat/completions", "x-ratelimit-limit-requests-day",
        &[r#"{"message":"Tokens per minute limit exceeded","type":"too_many_tokens_error","code":"token_quota_exceeded"}"#]),
    w("nvidia", "https://integrate.api.nvidia.com/v1/chat/completions", "nvcf-reqid",
        &["Function '0f1e': Not found for account 'abc123'"]),
    w("huggingface", "https://router.huggingface.co/v1/chat/completions", "",
        &[r#"{"error":"Model m is currently loading","estimated_time":20.0}"#,
          "You have exceeded your monthly included credits for Inference Providers."]),
    w("replicate", "https://api.replicate.com/v1/predictions", "",
        &[r#"{"detail":"Request was throttled. Expected available in 1 second.","status":429}"#]),
    w("github-models", "https://models.github.ai/inference/chat/completions", "x-ratelimit-type",
        &["Rate limit of 50 per 86400s exceeded for UserByModelByDay."]),
    w("github-copilot", "https://api.githubcopilot.com/chat/completions", "",
        &["Copilot Request id: 5f0e", "Sorry, you have been rate-limited. Please wait a moment."]),
    w("cloudflare", "https://api.cloudflare.com/client/v4/accounts/a/ai/run/m", "",
        &[r#"{"result":null,"success":false,"errors":[{"code":5007,"message":"No such model"}],"messages":[]}"#]),
    w("cloudflare-ai-gateway", "https://gateway.ai.cloudflare.com/v1/a/g/openai", "cf-aig-log-id",
        &[r#"{"success":false,"result":[],"messages":[],"error":[{"code":2003,"message":"Rate limited"}]}"#]),
    w("wandb", "https://api.inference.wandb.ai/v1/chat/completions", "",
        &["Invalid key, see https://wandb.ai/authorize"]),
    w("novita", "https://api.novita.ai/openai/chat/completions", "",
        &[r#"{"code":403,"reason":"INVALID_API_KEY","message":"x"}"#]),
    w("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions", "x-dashscope-request-id",
        &[r#"{"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"f3c1a2b4-5d6e"}"#,
          "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]"]),
    w("zhipu", "https://open.bigmodel.cn/api/paas/v4/chat/completions", "",
        &[r#"{"error":{"code":"1302","message":"您的账户已达到速率限制"}}"#]),
    w("zai", "https://api.z.ai/api/paas/v4/chat/completions", "",
        &["Authentication Failed, see https://docs.z.ai/api-reference"]),
    w("moonshot", "https://api.moonshot.cn/v1/chat/completions", "",
        &[r#"{"error":{"type":"exceeded_current_quota_error","message":"x"}}"#]),
    w("kimi-code", "https://api.kimi.com/coding/v1/chat/completions", "",
        &["Kimi For Coding is currently only available for Coding Agents"]),
    w("minimax", "https://api.minimaxi.com/v1/chat/completions", "",
        &[r#"{"id":"x","base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#]),
    w("volcengine", "https://ark.cn-beijing.volces.com/api/v3/chat/completions", "",
        &[r#"{"error":{"code":"ModelNotOpen","message":"x"}}"#,
          "The request failed. Request id: 021768000000000abcdef"]),
    w("qianfan", "https://qianfan.baidubce.com/v2/chat/completions", "",
        &[r#"{"error_code":110,"error_msg":"Access token invalid or no longer valid"}"#]),
    w("hunyuan", "https://hunyuan.tencentcloudapi.com", "",
        &[r#"{"Response":{"Error":{"Code":"LimitExceeded","Message":"超过配额限制。"},"RequestId":"e1"}}"#]),
    w("siliconflow", "https://api.siliconflow.cn/v1/chat/completions", "x-siliconcloud-trace-id",
        &[r#"{"code":20012,"message":"Model does not exist.","data":null}"#]),
    w("stepfun", "https://api.stepfun.com/v1/chat/completions", "",
        &[r#"{"error":{"message":"x","type":"request_params_invalid"}}"#]),
    w("spark", "https://spark-api-open.xf-yun.com/v1/chat/completions", "",
        &[r#"{"header":{"code":10013,"message":"x","sid":"cht000","status":2}}"#]),
    w("ollama", "http://localhost:11434/api/chat", "",
        &[r#"{"error":"model 'x' not found, try pulling it first"}"#]),
    w("lmstudio", "http://localhost:1234/v1/chat/completions", "",
        &["Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"]),
    w("vllm", "", "",
        &[r#"{"object":"error","message":"x","type":"BadRequestError","param":null,"code":400}"#]),
    w("sglang", "http://localhost:30000/v1/chat/completions", "",
        &["The input (40000 tokens) is longer than the model's context length (32768 tokens)."]),
    w("llamacpp", "http://localhost:8080/v1/chat/completions", "",
        &[r#"{"error":{"code":400,"message":"x","type":"exceed_context_size_error","n_ctx":8192}}"#]),
    w("tgi", "", "",
        &[r#"{"error":"Model is overloaded","error_type":"overloaded"}"#]),
    w("litellm", "", "x-litellm-call-id", &["litellm.BadRequestError: x"]),
    w("one-api", "", "", &[r#"{"error":{"message":"x","type":"one_api_error"}}"#]),
    w("new-api", "", "x-oneapi-request-id", &[r#"{"error":{"message":"x","type":"new_api_error"}}"#]),
    w("portkey", "https://api.portkey.ai/v1/chat/completions", "x-portkey-trace-id",
        &["Portkey Error: Invalid API Key. Error Code: 03"]),
    w("vercel-ai-gateway", "https://ai-gateway.vercel.sh/v1/chat/completions", "",
        &["GatewayTimeoutError: Gateway request timed out"]),
    w("01ai", "https://api.lingyiwanwu.com/v1/chat/completions", "", &[]),
    w("claude-code", "", "", &["Claude Code: request failed"]),
    w("langchain", "", "", &["see https://python.langchain.com/docs/troubleshooting"]),
    w("cline", "", "", &["Cline API request failed"]),
    w("deepinfra", "https://api.deepinfra.com/v1/openai", "", &["deepinfra error: x"]),
    w("sambanova", "https://api.sambanova.ai/v1", "", &[]),
    w("modelscope", "https://api-inference.modelscope.cn/v1", "", &[]),
    w("baichuan", "https://api.baichuan-ai.com/v1", "", &[]),
];

fn told(evidence: &Evidence) -> Option<String> {
    diagnose(evidence, &Context::default()).vendor
}

#[test]
fn every_vendor_is_told_by_each_of_its_witnesses() {
    let mut wrong = Vec::new();
    let mut check = |id: &str, by: &str, evidence: &Evidence| {
        let got = told(evidence);
        if got.as_deref() != Some(id) {
            wrong.push(format!("{id} by {by}: {got:?}"));
        }
    };
    for witness in WITNESSES {
        let id = witness.id;
        let mut named = Evidence::from_text("x");
        named.provider = Some(id.to_owned());
        check(id, "hint", &named);
        if !witness.url.is_empty() {
            let mut evidence = Evidence::from_http(500, Headers::default(), "x");
            evidence.url = Some(witness.url.to_owned());
            check(id, witness.url, &evidence);
        }
        if !witness.header.is_empty() {
            let headers = Headers::new([(witness.header, "x")]);
            check(id, witness.header, &Evidence::from_http(500, headers, "x"));
        }
        for body in witness.bodies {
            check(id, body, &Evidence::from_text(*body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_vendor_is_forgotten_and_each_can_be_told() {
    let tested: BTreeSet<&str> = WITNESSES.iter().map(|witness| witness.id).collect();
    let known: BTreeSet<&str> = vendors().iter().map(|vendor| vendor.id.as_str()).collect();
    assert_eq!(tested, known);
    for witness in WITNESSES {
        let ways = witness.bodies.len()
            + usize::from(!witness.url.is_empty())
            + usize::from(!witness.header.is_empty());
        assert!(ways > 0, "{}: nothing tells it", witness.id);
    }
}

#[test]
fn whoever_takes_money_has_a_page_for_it() {
    // A relay that one hosts oneself, a client and a local server take none.
    let free = ["claude-code", "langchain", "cline", "litellm", "one-api", "new-api"];
    for vendor in vendors().iter().filter(|v| !v.local && !free.contains(&v.id.as_str())) {
        let pages = [&vendor.billing_url, &vendor.console_url, &vendor.keys_url];
        assert!(pages.iter().any(|page| page.is_some()), "{}: no page at all", vendor.id);
    }
}
