//! The ten rows of the help page, each keyword alone, in the languages people paste.

use halo_diagnose::{Context, diagnose};
use halo_types::{Confidence, Evidence, Kind};

fn kind(text: &str) -> Kind {
    diagnose(&Evidence::from_text(text), &Context::default()).kind
}

#[test]
fn bare_keywords() {
    let rows: &[(Kind, &[&str])] = &[
        (
            Kind::RateLimited,
            &[
                "429 Too Many Requests",
                "429",
                "HTTP 429",
                "rate limit",
                "Rate limit exceeded",
                "rate_limit_exceeded",
                "请求过于频繁",
                "触发限流",
                "请求频率超限",
                "請求過於頻繁",
                "リクエストが多すぎます",
                "요청이 너무 많습니다",
                "Слишком много запросов",
                "Demasiadas solicitudes",
                "Trop de requêtes",
                "Zu viele Anfragen",
            ],
        ),
        (
            Kind::ContextLengthExceeded,
            &[
                "context length exceeded",
                "context_length_exceeded",
                "maximum context length",
                "prompt is too long",
                "超出上下文长度",
                "上下文过长",
                "对话超出模型上下文限制",
                "上下文長度超出限制",
            ],
        ),
        (
            Kind::ImageUnsupported,
            &[
                "image not supported",
                "images are not supported",
                "does not support image input",
                "不支持图片",
                "该模型不支持图像输入",
                "不支援圖片",
                "画像はサポートされていません",
            ],
        ),
        (
            Kind::QuotaExhausted,
            &[
                "insufficient quota",
                "insufficient_quota",
                "quota exhausted",
                "Insufficient Balance",
                "credit balance is too low",
                "余额不足",
                "额度已用尽",
                "账户欠费，请充值",
                "餘額不足",
                "Saldo insuficiente",
                "Недостаточно средств",
            ],
        ),
        (
            Kind::InvalidApiKey,
            &[
                "invalid api key",
                "invalid_api_key",
                "Incorrect API key provided",
                "401 Unauthorized",
                "401",
                "Unauthorized",
                "API 密钥无效",
                "无效的令牌",
                "身份验证失败",
                "Неверный API-ключ",
            ],
        ),
        (
            Kind::ModelNotFound,
            &[
                "model not found",
                "model_not_found",
                "The model `x-1` does not exist",
                "模型不存在",
                "无可用渠道",
                "找不到模型",
            ],
        ),
        (
            Kind::Overloaded,
            &[
                "overloaded",
                "Overloaded",
                "overloaded_error",
                "503 Service Unavailable",
                "server is busy",
                "服务繁忙",
                "系统繁忙，请稍后再试",
                "服務繁忙",
                "Сервер перегружен",
            ],
        ),
        (
            Kind::ServerError,
            &[
                "500 Internal Server Error",
                "Internal Server Error",
                "500",
                "502 Bad Gateway",
                "服务器内部错误",
                "内部服务器错误",
                "Внутренняя ошибка сервера",
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for (want, texts) in rows {
        for text in *texts {
            let got = kind(text);
            if got != *want {
                wrong.push(format!("{text}: {got}, want {want}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_nothing_tells_is_unknown() {
    for text in [
        "",
        "   ",
        "hello",
        "An error occurred",
        "出错了",
        "Build finished in 429 ms",
        "500 people at 401 Main Street",
        "token id 429",
        "See https://example.com/docs/rate-limits#overloaded",
    ] {
        let diagnosis = diagnose(&Evidence::from_text(text), &Context::default());
        assert_eq!(diagnosis.kind, Kind::Unknown, "{text}: {}", diagnosis.because.rule);
        assert_eq!(diagnosis.confidence, Confidence::Guess);
        assert!(!diagnosis.transient);
        assert!(!diagnosis.remedies.is_empty());
    }
}
