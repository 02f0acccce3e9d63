//! Base URLs as people type them.

use halo_types::Protocol::{Anthropic, Gemini, OpenaiChat};
use halo_wire::endpoint::{EndpointError, GeminiMethod, gemini_target, resolve};

#[test]
fn bases_become_the_urls_to_call() {
    let openai = &[
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com//v1///", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions/", "https://api.openai.com/v1"),
        ("https://api.openai.com/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/models", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/responses", "https://api.openai.com/v1"),
        ("  api.openai.com \n", "https://api.openai.com/v1"),
        ("\"https://api.openai.com/v1\"", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com/v1", "https://api.openai.com/v1"),
        ("https:\\\\api.openai.com\\v1", "https://api.openai.com/v1"),
        ("https:/api.openai.com", "https://api.openai.com/v1"),
        ("https//api.openai.com", "https://api.openai.com/v1"),
        ("//api.openai.com", "https://api.openai.com/v1"),
        ("https://relay.example:8443", "https://relay.example:8443/v1"),
        ("relay.example:8443/v1", "https://relay.example:8443/v1"),
        ("https://relay.example/V1", "https://relay.example/V1"),
        // Machines at home.
        ("localhost:11434", "http://localhost:11434/v1"),
        ("localhost", "http://localhost/v1"),
        ("127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("127.1.2.3", "http://127.1.2.3/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
        ("192.168.1.20:1234", "http://192.168.1.20:1234/v1"),
        ("10.0.0.5", "http://10.0.0.5/v1"),
        ("172.16.0.1:5000", "http://172.16.0.1:5000/v1"),
        ("172.32.0.1", "https://172.32.0.1/v1"),
        ("8.8.8.8", "https://8.8.8.8/v1"),
        ("nas.local:11434", "http://nas.local:11434/v1"),
        ("ollama:11434", "http://ollama:11434/v1"),
        ("http:8080", "http://http:8080/v1"),
        ("https://localhost:8443", "https://localhost:8443/v1"),
        // Paths of their own.
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        (
            "https://generativelanguage.googleapis.com",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
        ("openrouter.ai", "https://openrouter.ai/api/v1"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"),
        (
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
        (
            "https://dashscope.aliyuncs.com/compatible-mode",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
        ("https://open.bigmodel.cn/api/paas/v4/", "https://open.bigmodel.cn/api/paas/v4"),
        ("https://api.z.ai/api/coding/paas/v4", "https://api.z.ai/api/coding/paas/v4"),
        ("https://ark.cn-beijing.volces.com/api/v3", "https://ark.cn-beijing.volces.com/api/v3"),
        ("https://qianfan.baidubce.com/v2", "https://qianfan.baidubce.com/v2"),
        ("https://api.fireworks.ai/inference/v1", "https://api.fireworks.ai/inference/v1"),
        ("https://models.github.ai/inference", "https://models.github.ai/inference"),
        ("https://api.perplexity.ai", "https://api.perplexity.ai"),
        ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1"),
        (
            "https://gateway.ai.cloudflare.com/v1/acct/gw/compat",
            "https://gateway.ai.cloudflare.com/v1/acct/gw/compat",
        ),
    ];
    for (typed, base) in openai {
        let endpoints = resolve(OpenaiChat, typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
        assert_eq!(endpoints.base, *base, "{typed}");
        assert_eq!(endpoints.chat, format!("{base}/chat/completions"));
        assert_eq!(endpoints.models, format!("{base}/models"));
        assert_eq!(resolve(OpenaiChat, &endpoints.base), Ok(endpoints), "again: {typed}");
    }
    let anthropic = &[
        ("https://api.anthropic.com", "https://api.anthropic.com/v1"),
        ("api.anthropic.com/v1/", "https://api.anthropic.com/v1"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        ("https://api.anthropic.com/v1/messages/count_tokens", "https://api.anthropic.com/v1"),
        ("https://api.anthropic.com/v1/v1/messages", "https://api.anthropic.com/v1"),
        ("https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1"),
        ("https://api.deepseek.com", "https://api.deepseek.com/anthropic/v1"),
        ("https://open.bigmodel.cn/api/anthropic", "https://open.bigmodel.cn/api/anthropic/v1"),
        (
            "https://gateway.ai.cloudflare.com/v1/acct/gw/anthropic",
            "https://gateway.ai.cloudflare.com/v1/acct/gw/anthropic/v1",
        ),
        ("http://127.0.0.1:7575", "http://127.0.0.1:7575/v1"),
    ];
    for (typed, base) in anthropic {
        let endpoints = resolve(Anthropic, typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
        assert_eq!(endpoints.base, *base, "{typed}");
        assert_eq!(endpoints.chat, format!("{base}/messages"));
        assert_eq!(endpoints.models, format!("{base}/models"));
        assert_eq!(resolve(Anthropic, &endpoints.base), Ok(endpoints), "again: {typed}");
    }
}

#[test]
fn what_is_no_base_says_why() {
    let cases = [
        ("", EndpointError::Empty),
        ("  \n", EndpointError::Empty),
        ("\"\"", EndpointError::Empty),
        ("my key is sk-1", EndpointError::WhiteSpace),
        ("https://a b.com", EndpointError::WhiteSpace),
        ("ftp://host", EndpointError::Scheme("ftp://".to_owned())),
        ("wss://host/v1", EndpointError::Scheme("wss://".to_owned())),
        ("https://", EndpointError::NoHost),
        ("https://user:pw@host/v1", EndpointError::Credentials),
        ("https://host:99999", EndpointError::Port("99999".to_owned())),
        ("https://host:0", EndpointError::Port("0".to_owned())),
        ("https://host:port", EndpointError::Port("port".to_owned())),
        ("https://ho(st", EndpointError::Host("ho(st".to_owned())),
        ("https://a..b", EndpointError::Host("a..b".to_owned())),
        ("https://[::1", EndpointError::Host("[::1".to_owned())),
        ("https://host/v1?api-version=1", EndpointError::Query('?')),
        ("https://host/#/v1", EndpointError::Query('#')),
        ("https://host/{resource}/v1", EndpointError::Character('{')),
    ];
    for (typed, want) in cases {
        assert_eq!(resolve(OpenaiChat, typed), Err(want), "{typed:?}");
    }
}

#[test]
fn bases_of_gemini() {
    let google = "https://generativelanguage.googleapis.com/v1beta";
    let vertex = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google";
    let cases = [
        ("generativelanguage.googleapis.com", google),
        ("https://generativelanguage.googleapis.com/", google),
        ("https://generativelanguage.googleapis.com/v1beta/", google),
        ("https://generativelanguage.googleapis.com/v1beta/models", google),
        ("https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash", google),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
            google,
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/{model}:streamGenerateContent?alt=sse",
            google,
        ),
        // The base of the interface in OpenAI's form.
        ("https://generativelanguage.googleapis.com/v1beta/openai/", google),
        ("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", google),
        (
            "https://generativelanguage.googleapis.com/v1",
            "https://generativelanguage.googleapis.com/v1",
        ),
        ("https://relay.example", "https://relay.example/v1beta"),
        ("https://relay.example/gemini", "https://relay.example/gemini/v1beta"),
        ("https://relay.example/gemini/v1beta", "https://relay.example/gemini/v1beta"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/v1beta"),
        (
            "https://gateway.ai.cloudflare.com/v1/acct/gw/google-ai-studio",
            "https://gateway.ai.cloudflare.com/v1/acct/gw/google-ai-studio/v1beta",
        ),
        (vertex, vertex),
        (
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1",
            vertex,
        ),
        (
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro:generateContent",
            vertex,
        ),
        ("aiplatform.googleapis.com", "https://aiplatform.googleapis.com/v1/publishers/google"),
        (
            "https://aiplatform.googleapis.com/v1beta1",
            "https://aiplatform.googleapis.com/v1beta1/publishers/google",
        ),
    ];
    for (typed, base) in cases {
        let endpoints = resolve(Gemini, typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
        assert_eq!(endpoints.base, base, "{typed}");
        let url = endpoints.chat_url("models/gemini-2.5-flash", false);
        assert_eq!(url, format!("{base}/models/gemini-2.5-flash:generateContent"));
        assert_eq!(endpoints.models, format!("{base}/models"));
        assert_eq!(resolve(Gemini, &endpoints.base), Ok(endpoints), "again: {typed}");
    }
    let endpoints = resolve(Gemini, google).unwrap();
    assert_eq!(
        endpoints.chat_url("tunedModels/my tune", true),
        format!("{google}/tunedModels/my%20tune:streamGenerateContent?alt=sse")
    );
    assert_eq!(
        endpoints.chat_url("publishers/google/models/gemini-3-pro", false),
        format!("{google}/models/gemini-3-pro:generateContent")
    );
}

#[test]
fn paths_of_gemini() {
    let stream = |sse| GeminiMethod::StreamGenerateContent { sse };
    let cases = [
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            "gemini-2.5-flash",
            GeminiMethod::GenerateContent,
        ),
        ("/v1beta/models/g:streamGenerateContent?alt=sse", "g", stream(true)),
        ("/v1beta/models/g:streamGenerateContent?key=k&alt=sse", "g", stream(true)),
        ("/v1beta/models/g:streamGenerateContent", "g", stream(false)),
        ("/v1beta/models/g:streamGenerateContent?alt=json", "g", stream(false)),
        ("//v1beta//models/g%3AcountTokens", "g", GeminiMethod::CountTokens),
        ("/v1beta/tunedModels/x:generateContent", "tunedModels/x", GeminiMethod::GenerateContent),
        (
            "/v1/projects/p/locations/l/publishers/google/models/m:generateContent",
            "m",
            GeminiMethod::GenerateContent,
        ),
        (
            "/gemini/v1beta/models/openrouter/deep%20seek%2Fr1:free:generateContent",
            "openrouter/deep seek/r1:free",
            GeminiMethod::GenerateContent,
        ),
        ("/v1beta/models", "", GeminiMethod::Models),
        ("/v1beta/models/?pageSize=1000", "", GeminiMethod::Models),
        ("/v1beta/models/llama3:8b", "llama3:8b", GeminiMethod::Model),
        ("/v1beta/models/100%", "100%", GeminiMethod::Model),
        ("/v1beta/models/%e4%bd%a0%zz%4", "你%zz%4", GeminiMethod::Model),
    ];
    for (path, model, method) in cases {
        let target = gemini_target(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!((target.model.as_str(), target.method), (model, method), "{path}");
    }
    for path in [
        "",
        "/",
        "/v1/messages",
        "/v1beta/models/e:embedContent",
        "/v1beta/models/:generateContent",
    ] {
        assert_eq!(gemini_target(path), None, "{path}");
    }
}
