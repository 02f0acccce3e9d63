//! Words that tell what a block of a log is about: a call of a model, a record of an error, other
//! services, tests, talk.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::vendors;

/// What a word is a mark of. Sets of these are bits of a number.
pub(super) mod sort {
    /// A provider, a model, an SDK, or a word that only their errors use.
    pub(crate) const MODEL: u32 = 1;
    /// The host or path of a provider's API.
    pub(crate) const TARGET: u32 = 1 << 1;
    /// Something went wrong.
    pub(crate) const ERROR: u32 = 1 << 2;
    /// The form in which programs print an error, not people.
    pub(crate) const FORM: u32 = 1 << 3;
    /// Another service.
    pub(crate) const FOREIGN: u32 = 1 << 4;
    /// Somebody talks about errors.
    pub(crate) const TALK: u32 = 1 << 5;
    /// The output of tests.
    pub(crate) const TEST: u32 = 1 << 6;
    /// A type of error as providers write it; others may use the same word.
    pub(crate) const TYPE: u32 = 1 << 7;
    /// The first of the weak marks; several together tell of a call of a model.
    pub(crate) const WEAK: u32 = 1 << 8;
}
use sort::{ERROR, FOREIGN, FORM, MODEL, TALK, TARGET, TEST, TYPE, WEAK};

/// Words by sort. `|` at a side stands for the edge of a word.
const WORDS: &[(u32, &[&str])] = &[
    (
        MODEL,
        &[
            "openai",
            "anthropic",
            "|claude",
            "|gemini-",
            "|gemini|",
            "googlegenerativeai",
            "vertexai",
            "vertex_ai",
            "bedrock",
            "litellm",
            "langchain",
            "langgraph",
            "llama_index",
            "llamaindex",
            "|llama-",
            "|llama3",
            "|llama|",
            "ollama",
            "|vllm",
            "|sglang",
            "llama.cpp",
            "llama_cpp",
            "mistral",
            "mixtral",
            "deepseek",
            "qwen",
            "dashscope",
            "moonshot",
            "|kimi",
            "|glm-",
            "zhipu",
            "bigmodel",
            "doubao",
            "volcengine",
            "siliconflow",
            "openrouter",
            "|groq",
            "together_ai",
            "cohere",
            "|grok-",
            "|xai|",
            "perplexity",
            "|gpt-",
            "|gpt4",
            "chatgpt",
            "|codex",
            "copilot",
            "text-embedding",
            "|one-api",
            "|new-api",
            "one_api",
            "new_api",
            "|llm|",
            "|llm_",
            "llm request",
            "|llms|",
            "context length",
            "context window",
            "context_length",
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "tool_use",
            "tool_call",
            "prompt tokens",
            "completion tokens",
            "input tokens",
            "output tokens",
            "prompt is too long",
            "tokens per min",
            "(tpm)",
            "(rpm)",
            "requests per min (",
            "context_length_exceeded",
            "model_not_found",
            "content_filter",
            "channel error",
            "exceeded your current quota",
            "apicallerror",
            "ai_apicallerror",
            "ai_retryerror",
            "openaierror",
            "contextwindowexceeded",
            "internalserviceerror.algo",
            "|minimax",
            "baidubce",
            "wenxin",
            "hunyuan",
            "|claude-",
            "huggingface",
            "fireworks_ai",
            "fireworks.ai",
            "|sonnet",
            "|opus",
            "|haiku",
            "generativelanguage",
            "image input",
            "vision model",
            "chat completion",
            "chat_completion",
            "anthropic-version",
            "usage limit reached",
            "credit balance is too low",
            "可用渠道",
            "渠道",
            "上游",
            "大模型",
            "模型",
            "令牌",
            "额度",
            "余额不足",
            "|embedding",
            "aisdk",
            "ai-sdk",
            "@ai-sdk",
            "instructor.",
            "dspy",
            "crewai",
            "autogen",
            "semantic_kernel",
        ],
    ),
    (
        TYPE,
        &[
            "rate_limit_error",
            "[api error:",
            "api error: ",
            "error, status code: ",
            "quota_exceeded",
            "insufficient_user_quota",
            ".content.70",
            "image.source.base64",
            "insufficient_quota",
            "overloaded_error",
            "invalid_request_error",
            "authentication_error",
            "permission_error",
            "not_found_error",
            "billing_error",
            "request_too_large",
            "invalid_api_key",
            "upstream_error",
            "ratelimiterror",
            "apistatuserror",
            "apiconnectionerror",
            "apitimeouterror",
            "api_status_error",
            "resource_exhausted",
            "resource has been exhausted",
            "insufficient balance",
            "x-api-key",
            "api error: 4",
            "api error: 5",
            "api error (",
            "stream disconnected before completion",
        ],
    ),
    (
        TARGET,
        &[
            "/chat/completions",
            "/v1/completions",
            "/v1/messages",
            "/v1/responses",
            "/v1/embeddings",
            ":generatecontent",
            ":streamgeneratecontent",
            "/v1/images/generations",
            "/v1/audio/transcriptions",
            "/converse-stream",
            "/v1/rerank",
            "localhost:11434",
            "127.0.0.1:11434",
            "bedrock-runtime.",
        ],
    ),
    (
        ERROR,
        &[
            "error",
            "exception",
            "failed",
            "failure",
            "traceback",
            "|panic",
            "unable to",
            "refused",
            "denied",
            "rejected",
            "timed out",
            "too many",
            "exceeded",
            "overloaded",
            "unauthorized",
            "forbidden",
            "unavailable",
            "limit reached",
            "invalid",
            "错误",
            "失败",
            "异常",
            "超限",
            "频繁",
            "不足",
            "限流",
            "超时",
            "繁忙",
            "饱和",
            "无效",
            "过多",
            "too low",
            "too long",
            "not support",
            "limit",
        ],
    ),
    (
        FORM,
        &[
            "\"error\":{",
            "\"error\": {",
            "'error': {",
            "\\\"error\\\":{",
            "\\\"error\\\": {",
            "\"error\":\"",
            "\"type\":\"error\"",
            "\"type\": \"error\"",
            "'type': 'error'",
            "error code: ",
            "error code ",
            "api error: ",
            "api error (",
            "exception: ",
            "error=",
            "error: ",
            "err=",
            "\"err\":{",
            "\"err\":\"",
            "\"exception\":",
            "error\":\"",
            "status code: 4",
            "status code: 5",
            "status code 4",
            "status code 5",
            "status=4",
            "status=5",
            "exception - ",
            "错误：",
            "错误:",
            "失败：",
            "失败:",
            "报错",
            "错误信息",
            "错误码",
            "429 too many requests",
            "status: 4",
            "status: 5",
            "status_code=4",
            "status_code=5",
            "|error|\t",
            "\"error\": \"",
            "error calling",
        ],
    ),
    (
        FOREIGN,
        &[
            "psycopg",
            "|relation \"",
            "|column \"",
            "at character ",
            "database",
            "postgres",
            "|pq:",
            "pgx",
            "mysql",
            "mariadb",
            "sqlalchemy",
            "sqlite",
            "redis",
            "kafka",
            "mongo",
            "rabbitmq",
            "amqp",
            "elasticsearch",
            "opensearch",
            "clickhouse",
            "cassandra",
            "stripe",
            "api.github.com",
            "github api",
            "gitlab",
            "twilio",
            "sendgrid",
            "smtp",
            "|s3|",
            "amazons3",
            "s3:",
            "dynamodb",
            "|sqs|",
            "cloudwatch",
            "jdbc",
            "hibernate",
            "hikari",
            "oracle",
            "ora-0",
            "kubelet",
            "docker hub",
            "registry-1.docker.io",
            "docker.io",
            "toomanyrequests:",
            "ldap",
            "sshd",
            "zookeeper",
            "memcached",
            "slack.com",
            "slack api",
            "discord",
            "telegram",
            "twitter",
            "shopify",
            "paypal",
            "|etcd",
            "consul",
            "letsencrypt",
            "|acme",
            "npmjs",
            "pypi.org",
            "jira",
            "salesforce",
            "google maps",
            "maps.googleapis",
            "sentry",
            "datadog",
            "prometheus",
            "grafana",
            "limiting requests",
            "limit_req",
            "fail2ban",
            "nginx: [emerg]",
            "too many open files",
            "too many connections",
            "file descriptor",
        ],
    ),
    (
        TALK,
        &[
            "how do ",
            "how to ",
            "how can ",
            "how should",
            "|why ",
            "what does",
            "what is",
            "user:",
            "human:",
            "|user|>",
            "assistant:",
            "question:",
            "|asked",
            "|asks",
            "please explain",
            "tutorial",
            "example:",
            "for example",
            "e.g.",
            "i get ",
            "i'm getting",
            "i keep getting",
            "you might",
            "you may ",
            "you should",
            "you can ",
            "if you",
            "should retry",
            "will be retried",
            "means that",
            "|means",
            "in case of",
            "when the ",
            "whenever",
            "handle ",
            "handling of rate",
            "handles ",
            "role\":\"user",
            "role\": \"user",
            "'role': 'user'",
            "content='",
            "content=\"",
            "prompt:",
            "prompt=",
            "prompt \"",
            "commit ",
            "changelog",
            "feat:",
            "fix:",
            "docs:",
            "todo:",
            "怎么",
            "为什么",
            "如何",
            "什么意思",
            "用户：",
            "用户:",
            "提问",
            "what happens",
            "configured",
            "config:",
            "settings:",
            "enabled",
            "threshold",
            "describe",
            "summary:",
            "title:",
        ],
    ),
    (
        TEST,
        &[
            "|passed|",
            "::test_",
            "✓",
            "✔",
            "--- pass",
            "--- fail",
            "=== run",
            ".spec.",
            ".test.",
            "_test.go",
            "... ok",
            "test result:",
            "|ok 1",
            "|ok 2",
            "|ok 70",
            "not ok ",
            "pytest",
            "assertionerror",
            "unittest",
            "|it(",
            "describe(",
            "|test_",
        ],
    ),
    (WEAK, &["|model|", "model="]),
    (WEAK << 1, &["|tokens"]),
    (WEAK << 2, &["|prompt"]),
    (WEAK << 3, &["|completion"]),
    (WEAK << 4, &["|chat"]),
    (WEAK << 5, &["|assistant"]),
    (WEAK << 6, &["|inference"]),
    (WEAK << 7, &["|agent|"]),
    (WEAK << 8, &["upstream"]),
    (WEAK << 9, &["|provider"]),
    (WEAK << 10, &["|api key", "api_key", "apikey", "api-key"]),
    (WEAK << 11, &["|quota"]),
];

/// Hosts that serve more than models.
const TOO_WIDE: &[&str] = &["amazonaws.com", "bedrock.", "localhost:8080", "127.0.0.1:8080"];

struct Pattern {
    sort: u32,
    left: bool,
    right: bool,
}

struct Table {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut texts: Vec<String> = Vec::new();
    let mut patterns = Vec::new();
    let mut add = |sort: u32, word: &str| {
        let (left, inner) = word.strip_prefix('|').map_or((false, word), |rest| (true, rest));
        let (right, inner) = inner.strip_suffix('|').map_or((false, inner), |rest| (true, rest));
        texts.push(inner.to_ascii_lowercase());
        patterns.push(Pattern { sort, left, right });
    };
    for (sort, words) in WORDS {
        words.iter().for_each(|word| add(*sort, word));
    }
    for vendor in vendors() {
        for host in vendor.hosts.iter().filter(|host| !TOO_WIDE.contains(&host.as_str())) {
            add(TARGET, host);
        }
        for words in [&vendor.layer, &vendor.pasted] {
            words.iter().for_each(|word| add(MODEL, word));
        }
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(&texts)
        .expect("a few hundred short words are within the automaton's limits");
    Table { automaton, patterns }
});

/// How many places are kept.
const MAX_PLACES: usize = 512;

/// The marks of a text.
#[derive(Debug, Default)]
pub(super) struct Marks {
    all: u32,
    /// Sort and begin of each, in order of their ends.
    places: Vec<(u32, usize)>,
}

impl Marks {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut marks = Self::default();
        for found in TABLE.automaton.find_overlapping_iter(bytes) {
            let pattern = &TABLE.patterns[found.pattern().as_usize()];
            let before = found.start().checked_sub(1).map(|at| bytes[at]);
            let after = bytes.get(found.end()).copied();
            let edge = |b: Option<u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric());
            if pattern.left && !edge(before) || pattern.right && !edge(after) {
                continue;
            }
            marks.all |= pattern.sort;
            if marks.places.len() < MAX_PLACES {
                marks.places.push((pattern.sort, found.start()));
            }
        }
        marks
    }

    /// Whether there is a mark of one of these sorts.
    pub(super) fn has(&self, sorts: u32) -> bool {
        self.all & sorts != 0
    }

    /// How many different weak marks there are.
    pub(super) fn weak(&self) -> u32 {
        (self.all / WEAK).count_ones()
    }

    /// Where the first mark of one of these sorts stands.
    pub(super) fn first(&self, sorts: u32) -> Option<usize> {
        self.places.iter().filter(|(sort, _)| sort & sorts != 0).map(|(_, at)| *at).min()
    }

    /// Whether a mark of one of these sorts stands within `from..to`.
    pub(super) fn within(&self, sorts: u32, from: usize, to: usize) -> bool {
        self.places.iter().any(|(sort, at)| sort & sorts != 0 && (from..to).contains(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_words_count() {
        assert!(Marks::of("the grok-2 model").has(MODEL));
        assert!(!Marks::of("ngrok-2 tunnel").has(MODEL));
        assert_eq!(Marks::of("model tokens prompts").weak(), 3);
        assert_eq!(Marks::of("an ERROR").first(ERROR), Some(3));
        assert!(Marks::of("POST https://api.openai.com/x").has(TARGET));
        assert!(!Marks::of("bucket.s3.amazonaws.com").has(TARGET | MODEL));
    }
}
