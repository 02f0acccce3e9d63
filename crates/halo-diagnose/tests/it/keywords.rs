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

/// Each row of the help page in the languages people paste most: English, simplified and
/// traditional Chinese, Japanese, Korean, Russian, Spanish, Portuguese, French, German.
#[test]
#[rustfmt::skip]
fn ten_rows_in_ten_languages() {
    let rows: &[(Kind, &[&str])] = &[
        // 1, 2: too many requests, rate limit
        (Kind::RateLimited, &[
            "You're sending messages too rapidly", "API call limit reached (60/min). Retrying in 12 seconds...",
            "You can only send 25 messages every 3 hours", "Only 2 simultaneous requests are allowed",
            "您的请求太频繁啦，休息一下再来吧", "已超出每分钟请求数上限（RPM=3）", "API 调用超出 QPS 限制", "今日提问次数已达上限，请明天再来",
            "您發送的訊息過於頻繁，請稍候再試", "請求次數已達每分鐘上限",
            "リクエスト制限を超えました。しばらくしてから再試行してください", "短時間にリクエストを送信しすぎています",
            "요청 빈도가 너무 높습니다. 잠시 후 다시 시도해 주세요", "분당 요청 한도를 초과했습니다",
            "Превышено количество запросов", "Слишком частые запросы, подождите немного",
            "Límite de peticiones por minuto excedido", "Has superado el límite de solicitudes, inténtalo más tarde",
            "Limite de requisições excedido", "Muitas requisições. Aguarde um momento",
            "Limite de requêtes atteinte, réessayez dans 10 secondes", "Vous envoyez trop de messages, patientez",
            "Anfragelimit überschritten, bitte warten Sie", "Ratenbegrenzung erreicht",
        ]),
        // 3: context length exceeded
        (Kind::ContextLengthExceeded, &[
            "Conversation exceeds the 32k window, trim it", "This chat has become too long. Start a new chat.",
            "Context limit reached · /compact or /clear to continue", "The total number of tokens (input + output) must not exceed 8192",
            "对话太长了，请开启新对话", "当前上下文已满", "字数超限，请缩短输入", "历史消息过多，请清空后重试",
            "對話過長，請開始新的對話", "超過最大上下文長度",
            "会話が長すぎます。新しいチャットを開始してください", "入力トークン数が上限を超えました",
            "프롬프트가 너무 깁니다", "컨텍스트 길이를 초과했습니다",
            "Превышена максимальная длина контекста", "Диалог слишком длинный, начните новый",
            "La conversación es demasiado larga", "Se ha superado la longitud máxima del contexto",
            "A conversa está muito longa", "O contexto excede o limite de tokens do modelo",
            "Le prompt est trop long", "La longueur du contexte est dépassée",
            "Kontextlänge überschritten", "Die Eingabe ist zu lang",
        ]),
        // 4: image not supported
        (Kind::ImageUnsupported, &[
            "This model can't see images", "Only 'text' content type is supported.", "images cannot be used with this model",
            "该模型无法理解图片，请切换到多模态模型", "此模型为纯文本模型，不能发送图片", "该模型不能看图",
            "當前模型不支援圖像輸入", "此模型無法讀取圖片",
            "このモデルは画像入力に対応していません", "このモデルでは画像を使用できません",
            "이 모델은 이미지 입력을 지원하지 않습니다", "이미지가 지원되지 않는 모델입니다",
            "Модель не поддерживает изображения", "Эта модель не умеет обрабатывать картинки",
            "Este modelo no soporta imágenes", "Las imágenes no son compatibles con este modelo",
            "O modelo não suporta imagens", "Este modelo não aceita entrada de imagem",
            "Ce modèle ne prend pas en charge les images", "Les images ne sont pas supportées par ce modèle",
            "Dieses Modell unterstützt keine Bilder", "Bildeingabe wird nicht unterstützt",
        ]),
        // 5: insufficient quota
        (Kind::QuotaExhausted, &[
            "Your wallet is empty. Please deposit funds.", "Your free trial credits have expired.",
            "Card declined, please update your payment details", "free tier limit reached, please upgrade",
            "您的体验金已用完", "剩余点数不够", "流量包已用完", "会员已到期，请续费",
            "點數不足，請儲值", "額度已耗盡",
            "クォータを使い果たしました。プランをアップグレードしてください", "残高がありません。チャージしてください",
            "크레딧이 모두 소진되었습니다", "할당량이 소진되었습니다",
            "Квота исчерпана, пополните баланс", "На вашем счёте недостаточно денег",
            "Cuota agotada. Recargue su cuenta", "No quedan créditos disponibles",
            "Cota insuficiente", "Créditos esgotados, faça uma recarga",
            "Crédits épuisés, veuillez recharger votre compte", "Votre solde est insuffisant",
            "Kontingent aufgebraucht", "Ihr Guthaben reicht nicht aus",
        ]),
        // 6, 9: invalid key, 401
        (Kind::InvalidApiKey, &[
            "API key rejected by server", "ANTHROPIC_API_KEY is not set", "JWT expired", "You must supply a key for this provider",
            "凭证无效或已过期", "鉴权不通过", "令牌校验失败", "请先填写 API 密钥",
            "金鑰錯誤或已過期", "未經授權",
            "APIキーが正しくありません", "APIキーの有効期限が切れています",
            "API 키가 올바르지 않습니다", "API 키가 만료되었습니다",
            "Ключ API просрочен", "Ошибка аутентификации",
            "La clave API ha caducado", "Error de autenticación",
            "Chave da API incorreta ou expirada", "Falha na autenticação",
            "Clé API non valide", "Échec de l'authentification",
            "Falscher API-Schlüssel", "API-Schlüssel ist abgelaufen",
        ]),
        // 7: model not found
        (Kind::ModelNotFound, &[
            "There's no model called gpt-7", "Requested model is not deployed", "AI_NoSuchModelError: No such languageModel: foo",
            "没有这个模型", "该分组下没有支持该模型的渠道", "您请求的模型暂未接入",
            "模型名稱錯誤", "找不到模型",
            "指定されたモデルは存在しません", "モデル gpt-9 は利用できません",
            "모델을 찾을 수 없습니다", "존재하지 않는 모델입니다",
            "Неизвестная модель gpt-9", "Такой модели не существует",
            "El modelo gpt-9 no existe", "Modelo no encontrado",
            "O modelo não existe", "Modelo não encontrado",
            "Le modèle gpt-9 n'existe pas", "Modèle introuvable",
            "Unbekanntes Modell: gpt-9", "Modell nicht gefunden",
        ]),
        // 8: overloaded
        (Kind::Overloaded, &[
            "All workers busy", "The model is cold starting, please wait", "No healthy instances for this deployment",
            "当前使用人数较多，请稍后", "算力资源紧张，请稍后再试", "模型目前无法响应",
            "伺服器忙碌中，請稍後再試", "系統忙碌中",
            "サーバーが混み合っています", "現在アクセスが集中しています",
            "서버가 혼잡합니다", "서비스를 일시적으로 사용할 수 없습니다",
            "Сервис временно недоступен", "Модель перегружена",
            "El servidor está sobrecargado", "Servicio no disponible temporalmente",
            "Servidor sobrecarregado", "Serviço temporariamente indisponível",
            "Le serveur est surchargé", "Service temporairement indisponible",
            "Der Server ist überlastet", "Dienst vorübergehend nicht verfügbar",
        ]),
        // 10: fault at the provider
        (Kind::ServerError, &[
            "Something broke on our end", "The server responded with a 500 status", "Application error: a server-side exception has occurred",
            "服务端异常，请联系管理员", "服务器开小差了", "上游接口返回错误",
            "伺服器內部錯誤", "系統發生錯誤",
            "サーバー内部エラーが発生しました", "サーバーエラー",
            "내부 서버 오류가 발생했습니다", "서버 오류",
            "Ошибка на стороне сервера", "Внутренняя ошибка сервера",
            "Error interno del servidor", "Error del servidor",
            "Erro interno do servidor", "Erro no servidor",
            "Erreur interne du serveur", "Erreur serveur",
            "Interner Serverfehler", "Serverfehler",
        ]),
    ];
    let mut wrong = Vec::new();
    for (want, texts) in rows {
        for text in *texts {
            let diagnosis = diagnose(&Evidence::from_text(*text), &Context::default());
            if diagnosis.kind != *want {
                wrong.push(format!("{text}: {} by {}, want {want}", diagnosis.kind, diagnosis.because.rule));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No text may be called transient where waiting would do harm, however hopeful it sounds.
#[test]
fn what_waiting_does_not_cure_is_never_transient() {
    for text in [
        "Insufficient balance, please try again later",
        "Your account has been suspended. Please try again later.",
        "余额不足，请稍后重试",
        "API Key 无效，请稍后再试",
        "密钥已过期，服务暂时不可用",
        "您所在的地区不支持使用该服务，请稍后再试",
        "权限不足，请稍后重试",
        "账号已被封禁，请稍后再试",
        "Saldo insuficiente, tente novamente mais tarde",
        "Chave de API inválida. Tente novamente.",
        "Недостаточно средств, повторите попытку позже",
        r#"{"error":{"code":"UNAUTHORIZED","message":"Sorry, our service is temporarily unavailable, try again later"}}"#,
        r#"{"error":{"type":"authentication_error","message":"The server is busy"}}"#,
    ] {
        let got = diagnose(&Evidence::from_text(text), &Context::default());
        assert!(!got.transient, "{text}: {} by {}", got.kind, got.because.rule);
    }
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
        "The rate of return exceeded expectations this quarter.",
        "TODO: handle the case where the key is invalid",
        "if response.status == 429 { retry() }",
        "fn retry_after_timeout() -> Duration { Duration::from_secs(429) }",
        "const MAX_TOKENS: usize = 4096;",
        "The rate limiter middleware is configured in src/limits.rs",
        "Chapter 4: what to do when you see \"429 Too Many Requests\"? We explain retries.",
        "What does the HTTP code 503 mean?",
        "Explain the difference between authentication and authorization",
        "user: how do I raise my quota? assistant: you can ask support.",
        "Model: gpt-4o | Tokens: 401 in, 500 out | Cost: $0.02",
        "INFO starting server on 0.0.0.0:8000",
        "Downloaded 429 of 500 files",
        "npm notice 500 packages audited",
        "order #40101 shipped to 500 Oak Street",
        "req_401abc429def",
        "Here is a poem about a server that was always busy with dreams",
        "See the docs for models, keys and limits.",
        "这是一篇关于余额宝的文章",
        "请帮我写一首关于网络的诗",
        "Le modèle de la nouvelle voiture est rouge",
        "Успешно выполнено за 500 мс",
        "Произошла ошибка",
        "Se produjo un error",
        "Ein Fehler ist aufgetreten",
        "エラーが発生しました",
        "오류가 발생했습니다",
        "Désolé... Nous n'avons pas pu traiter votre requête. Veuillez réessayer.",
        "抱歉，你的请求失败。请重试",
    ] {
        let diagnosis = diagnose(&Evidence::from_text(text), &Context::default());
        assert_eq!(diagnosis.kind, Kind::Unknown, "{text}: {}", diagnosis.because.rule);
        assert_eq!(diagnosis.confidence, Confidence::Guess);
        assert!(!diagnosis.transient);
        assert!(!diagnosis.remedies.is_empty());
    }
}
