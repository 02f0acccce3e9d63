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

/// The other kinds, in the words of programs, systems and people of many languages.
#[test]
#[rustfmt::skip]
fn the_other_kinds_in_many_languages() {
    let rows: &[(Kind, &[&str])] = &[
        (Kind::Network, &[
            "SOCKS5 proxy connection failed",
            "cURL error 7: Failed to connect to localhost port 11434: Connection refused",
            "Keine Internetverbindung",
            "java.net.NoRouteToHostException: No route to host",
            "java.net.ConnectException: Connection refused",
            "javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake",
            "Ollama is not running",
            "AxiosError: Network Error",
            "A conexão foi redefinida",
            "Nenhuma conexão pôde ser feita porque a máquina de destino as recusou ativamente",
            "接続先のサーバーが見つかりません",
            "网络请求超时或断开，请检查代理设置",
            "代理连接失败",
            "DNS 解析失败",
            "Соединение было сброшено",
            "Подключение не установлено, т.к. конечный компьютер отверг запрос на подключение",
            "Nie można nawiązać połączenia, ponieważ komputer docelowy aktywnie go odmawia",
            "连不上服务器",
            "La connexion a été réinitialisée",
            "無法連線，因為目標電腦拒絕連線",
            "サーバーに接続できませんでした",
            "不知道这样的主机。",
            "连接 api.openai.com 失败",
            "ネットワーク接続エラー",
        ]),
        (Kind::Timeout, &[
            "No response within 120s",
            "httpx.ReadTimeout",
            "The gateway gave up waiting for a reply",
            "ESOCKETTIMEDOUT",
            "No answer from the provider for two minutes",
            "stream timeout",
            "The upstream server is timing out",
            "Timed out reading request body. Try again, or use a smaller request size.",
            "请求等待超过 60 秒",
            "Ответ не получен за отведённое время",
            "Zeitüberschreitung der Anforderung",
            "等待模型回复超时",
            "응답을 기다리다 시간이 초과되었습니다",
            "連線逾時",
            "模型响应超时",
            "請求超時",
            "Délai d'attente dépassé",
            "Время ожидания истекло",
            "模型长时间没有响应",
            "응답 시간이 초과되었습니다",
            "响应超时",
            "タイムアウトしました",
            "応答待ちでタイムアウトになりました",
            "Превышено время ожидания ответа",
        ]),
        (Kind::StreamInterrupted, &[
            "websocket: close 1006 (abnormal closure): unexpected EOF",
            "A resposta foi interrompida no meio",
            "Stream closed before the response was complete",
            "The stream stopped before it was finished",
            "okhttp3.internal.http2.StreamResetException: stream was reset: INTERNAL_ERROR",
            "http2: server sent GOAWAY and closed the connection",
            "Response stream aborted by server",
            "httpcore.RemoteProtocolError: Server disconnected without sending a response.",
            "El flujo se interrumpió",
            "流式输出被意外终止",
            "La réponse a été coupée",
            "La respuesta se cortó a la mitad",
            "스트림이 중간에 끊어졌습니다",
            "ストリームが途中で切れました",
            "응답이 중간에 끊겼습니다",
            "流被提前关闭",
            "Поток ответа прерван",
            "回答生成中断",
            "応答が途中で中断されました",
            "Le flux a été interrompu",
            "回覆中斷，請重試",
            "Ответ оборвался на середине",
            "流式传输异常中断",
            "输出到一半中断了",
        ]),
        (Kind::InvalidResponse, &[
            "Newtonsoft.Json.JsonReaderException: Unexpected character encountered while parsing value",
            "No candidates returned",
            "Leere Antwort vom Modell",
            "Unable to deserialize response: missing field `choices`",
            "No output from model",
            "list index out of range while reading choices",
            "Unexpected end of JSON input",
            "Model returned malformed JSON",
            "Получен пустой ответ от модели",
            "供应商返回的数据无法解析",
            "모델이 빈 응답을 반환했습니다",
            "模型回傳空白內容",
            "El proveedor devolvió una respuesta vacía",
            "モデルの応答が空でした",
            "El modelo devolvió una respuesta vacía",
            "API 返回了空内容",
            "返回内容解析失败",
            "无法解析模型输出",
            "Réponse vide du modèle",
            "返回结果为空",
            "模型没有返回任何内容",
            "模型返回了空回复",
            "模型未输出任何内容",
            "モデルから空の応答が返されました",
        ]),
        (Kind::ContentFiltered, &[
            "El mensaje fue bloqueado por el filtro de seguridad",
            "The provider refused this prompt on policy grounds",
            "blocked by content safety",
            "jailbreak attempt detected",
            "I can't process that: content violates our usage guidelines",
            "NSFW content detected",
            "harm category: dangerous content, request refused",
            "The candidate was blocked due to safety",
            "抱歉，内容未能通过安全检测",
            "因内容安全原因，无法回答",
            "コンテンツポリシーに違反しています",
            "触发安全策略，回答终止",
            "內容違反使用政策",
            "提示词触发了内容安全策略",
            "콘텐츠 정책을 위반했습니다",
            "抱歉，响应已被负责任的 AI 服务筛选",
            "输入包含违禁词",
            "안전 필터에 의해 차단되었습니다",
            "Запрос отклонён фильтром содержимого",
            "内容被供应商拦截",
            "El contenido infringe la política de uso",
            "回應已由負責任 AI 服務篩選",
            "Сообщение заблокировано фильтром безопасности",
            "安全フィルターによりブロックされました",
        ]),
        (Kind::PermissionDenied, &[
            "Acesso negado",
            "Forbidden.RAM: User not authorized to operate on the specified resource",
            "Resource not accessible by integration",
            "Principal does not have access to API/Operation.",
            "Access to Bedrock models is not allowed for this account",
            "No tienes acceso a este recurso",
            "Your role does not grant access to inference",
            "No tiene permiso para usar este modelo",
            "Недостаточно прав",
            "该接口需要企业认证",
            "アクセスが拒否されました",
            "权限不够",
            "Permissão negada",
            "服务未开通",
            "尚未授权使用该服务",
            "Keine Berechtigung für dieses Modell",
            "Accès interdit",
            "IP 不在白名单内",
            "접근 권한이 없습니다",
            "账号未实名认证，无法调用",
            "您没有调用该接口的权限",
            "该密钥没有权限访问此模型",
            "暂无该模型使用权限，请先申请",
            "Доступ запрещён",
        ]),
        (Kind::RegionUnsupported, &[
            "FAILED_PRECONDITION: User location is not supported for the API use.",
            "Access denied due to location",
            "LocationNotSupportError",
            "The provider doesn't serve your country",
            "unsupported_country_region_territory",
            "Claude is not available in your country yet",
            "Access from restricted regions is prohibited",
            "Service non disponible dans votre pays",
            "您所在地区无法使用此服务",
            "不支持当前 IP 所在地区",
            "Não disponível no seu país",
            "Ваш регион не поддерживается",
            "Сервис недоступен в вашей стране",
            "当前区域不可用",
            "Diese Region wird nicht unterstützt",
            "この地域では利用できません",
            "해당 국가에서는 서비스를 이용할 수 없습니다",
            "In Ihrem Land nicht verfügbar",
            "您的 IP 所在地区不受支持",
            "お住まいの国ではご利用いただけません",
            "您所在的國家或地區不支援",
            "您所在的国家或地区暂不提供此服务",
            "No disponible en su país",
            "不支持中国大陆地区访问",
        ]),
        (Kind::AccountDisabled, &[
            "Access to this API has been revoked due to policy violations on your account",
            "Organization is inactive",
            "Account on hold",
            "The provider has blocked your account",
            "Unusual activity detected on your account",
            "Your organization has been suspended for unusual activity",
            "Your account is under review",
            "Sua conta foi suspensa",
            "您的账号因违规已被限制使用",
            "アカウントが利用停止になっています",
            "API Key 已被管理员禁用",
            "계정이 정지되었습니다",
            "您的账户已被停用",
            "账户存在风险，已被限制",
            "Ваш аккаунт заблокирован",
            "您的账号因违反用户协议已被封停",
            "该账号已注销",
            "アカウントが凍結されました",
            "アカウントが停止されています",
            "Votre compte a été suspendu",
            "账号被冻结，请联系客服",
            "帳號已被停用",
            "Учётная запись отключена",
        ]),
        (Kind::EndpointNotFound, &[
            "Invalid URL (GET /v1/v1/models)",
            "Seite nicht gefunden",
            "JSON parse error: expected JSON but got HTML",
            "UNIMPLEMENTED: unknown service google.ai.x",
            "API endpoint not found",
            "Page introuvable",
            "Cannot POST /v1/chat/completion",
            "The response was HTML, check your endpoint",
            "Страница не найдена",
            "接口地址不正确",
            "Página não encontrada",
            "Página no encontrada",
            "请求地址不存在",
            "接口返回 404，请检查地址",
            "API 地址填写错误",
            "エンドポイントが見つかりません",
            "페이지를 찾을 수 없습니다",
            "請求的網址不存在",
            "接口路径错误，请检查 base_url",
        ]),
        (Kind::OutputLimitExceeded, &[
            "This model only supports up to 4096 completion tokens",
            "num_predict larger than allowed output",
            "Invalid value for max_output_tokens: must be between 1 and 8192, got 32768",
            "max_tokens must be at most 8192",
            "You asked for 64000 output tokens; this model writes at most 8192",
            "The maximum tokens you requested exceeds the model limit of 4096",
            "max_new_tokens (4096) must not exceed 2048",
            "Requested max_tokens 65536 is above the model's completion limit of 4096",
            "max_tokens 取值范围 [1, 4096]",
            "输出长度上限为 8192，请调低 max_tokens",
            "max_tokens の値が大きすぎます（最大 4096）",
            "max_tokens слишком велик, максимум 8192",
            "max_tokens 必须小于等于 4096",
            "最大输出长度不能超过 4096",
            "最大生成长度参数过大",
            "max_tokens demasiado grande, máximo 4096",
            "max_tokens 不能超过 8192",
            "输出 tokens 上限为 8192，请求了 16000",
        ]),
        (Kind::RequestTooLarge, &[
            "length limit exceeded: body too big",
            "message size exceeds 4194304 bytes",
            "Body limit exceeded",
            "http: request body too large",
            "PayloadTooLargeError: request entity too large",
            "grpc: received message larger than max (5242880 vs. 4194304)",
            "Arquivo muito grande",
            "Maximum number of images per request is 10",
            "Datei zu groß",
            "一次最多上传 10 张图片",
            "请求体超过 10MB 限制",
            "上传的文件超过大小限制",
            "요청 본문이 너무 큽니다",
            "Die Anfrage ist zu groß",
            "El archivo supera el tamaño máximo",
            "Размер запроса слишком большой",
            "附件过大，无法上传",
            "ファイルサイズが大きすぎます",
            "请求过大，请减少附件",
            "檔案太大",
            "文件大小超过限制（最大 20MB）",
            "Requête trop volumineuse",
            "Файл слишком большой",
        ]),
        (Kind::ImageInvalid, &[
            "image must be at least 28x28 pixels",
            "image/tiff is not an accepted media type",
            "unable to download image",
            "can't load image from clipboard data",
            "base64 image data could not be decoded",
            "Failed to decode image: truncated PNG",
            "Unsupported image format: image/heic",
            "failed to decode image bytes",
            "画像の形式が無効です",
            "图片地址不可访问",
            "图片链接无法访问",
            "无法解析图片",
            "Bild ist zu groß (max. 5 MB)",
            "图片解码失败",
            "Недопустимый формат изображения",
            "图片已损坏或格式不支持",
            "Formato de imagen no válido",
            "Ungültiges Bildformat",
            "图片太大，超过 5MB",
            "이미지 형식이 올바르지 않습니다",
            "图片尺寸过小",
            "图片格式不支持，仅支持 jpg、png",
            "Formato de imagem inválido",
            "圖片格式錯誤",
        ]),
        (Kind::InvalidHistory, &[
            "messages: at least one message is required",
            "Expected `thinking` or `redacted_thinking`, but found `text`",
            "Cannot have 2 or more assistant messages at the end of the list",
            "Last message must not be from the assistant",
            "Messages must start with a user turn",
            "After the optional system message, conversation roles must alternate user/assistant",
            "contents.parts must not be empty",
            "API Error: 400 due to tool use concurrency issues.",
            "user 和 assistant 消息必须交替出现",
            "消息顺序错误：tool 消息前缺少 tool_calls",
            "tool_calls 后缺少对应的 tool 回复",
            "assistant 消息不能为空",
            "最后一条消息必须是 user",
            "对话中有工具调用缺少结果",
            "tool 消息必须跟在 tool_calls 之后",
            "messages 不能为空",
        ]),
        (Kind::UnsupportedFeature, &[
            "response_format json_schema is not available",
            "Thinking is not enabled for this model",
            "Model cannot use tools",
            "tool_choice is not available in thinking mode",
            "This model doesn't support streaming",
            "PDF input is not supported by this model",
            "Unrecognized request argument supplied: enable_thinking",
            "Tool use is not supported",
            "O modelo não suporta ferramentas",
            "response_format 暂不支持",
            "当前模型不支持深度思考",
            "这个模型不能使用工具",
            "Ce modèle ne prend pas en charge les outils",
            "该模型不支持 Function Call",
            "此模型不支援工具呼叫",
            "このモデルはツール呼び出しをサポートしていません",
            "Модель не поддерживает вызов инструментов",
            "模型不支持 stream",
            "模型不支持 json_object 输出",
            "Das Modell unterstützt keine Werkzeuge",
            "이 모델은 도구 호출을 지원하지 않습니다",
        ]),
        (Kind::InvalidRequest, &[
            "INVALID_ARGUMENT: Request contains an invalid argument",
            "Invalid JSON body",
            "Request with a GET or HEAD method cannot have a body.",
            "messages: Field required",
            "Must provide an 'engine' or 'deployment_id' parameter",
            "pydantic validation error: field required",
            "temperature: Input should be less than or equal to 2",
            "you must provide a model parameter",
            "잘못된 요청입니다",
            "请求格式不正确",
            "请求参数不正确",
            "パラメータが不正です",
            "Некорректный запрос",
            "请求体不是合法的 JSON",
            "Requisição inválida",
            "參數格式錯誤",
            "temperature 取值范围为 0 到 1",
            "Requête invalide",
            "参数 temperature 超出范围",
            "Ungültige Anfrage",
            "缺少必要参数 model",
        ]),
        (Kind::Cancelled, &[
            "rpc error: code = Canceled desc = context canceled",
            "Vom Benutzer abgebrochen",
            "You cancelled the request",
            "Task was cancelled",
            "CANCELLED: Cancelled on client side",
            "ERR_CANCELED: canceled",
            "Request aborted by client",
            "DOMException: signal is aborted without reason",
            "用户已停止生成",
            "请求已被用户取消",
            "已手动中止",
            "사용자가 취소했습니다",
            "ユーザーによってキャンセルされました",
            "使用者已取消",
            "Cancelado pelo usuário",
            "Запрос отменён пользователем",
            "Annulé par l'utilisateur",
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

/// What a program says around an error silences nothing: the same texts in a log line, in JSON
/// inside a string, behind a stack, behind a client's sentence in other languages.
#[test]
fn wrappers_silence_nothing() {
    let texts: &[(Kind, &str)] = &[
        (Kind::InvalidApiKey, "APIキーの有効期限が切れています"),
        (Kind::InvalidApiKey, "Your key was revoked"),
        (Kind::QuotaExhausted, "剩余点数不够"),
        (Kind::QuotaExhausted, "Ihr Guthaben reicht nicht aus"),
        (Kind::ContextLengthExceeded, "This chat has become too long. Start a new chat."),
        (Kind::ContextLengthExceeded, "Превышена максимальная длина контекста"),
        (Kind::ImageUnsupported, "Este modelo no soporta imágenes"),
        (Kind::RateLimited, "Muitas requisições. Aguarde um momento"),
        (Kind::Overloaded, "All workers busy"),
        (Kind::Network, "getaddrinfo ENOTFOUND api.openai.com"),
        (Kind::Timeout, "java.net.SocketTimeoutException: Read timed out"),
        (Kind::RequestTooLarge, "Attachment is larger than 20 MB"),
        (Kind::Cancelled, "Task was cancelled"),
    ];
    let wraps: &[fn(&str) -> String] = &[
        |t| format!("[2026-11-27 10:00:00.123] ERROR chat.service - request 42 ended: {t}"),
        |t| serde_json::json!({"error": {"message": t, "type": "upstream_error"}}).to_string(),
        |t| serde_json::json!(serde_json::json!({"msg": t}).to_string()).to_string(),
        |t| format!("Error: {t}\n    at async Client.send (/app/src/client.ts:120:15)"),
        |t| {
            format!(
                "Traceback (most recent call last):\n  File \"/srv/llm.py\", line 88, in call\n    \
                 return self._call(messages, timeout=60)\nbase.LLMError: {t}"
            )
        },
        |t| format!("调用大模型接口失败，原因：{t}"),
        |t| format!("Failed to get a response from the model: {t}"),
        |t| format!("Erro ao chamar a API do modelo: {t}"),
        |t| format!("Fehler bei der Anfrage an das Modell: {t}"),
    ];
    let mut wrong = Vec::new();
    for (want, text) in texts {
        for wrap in wraps {
            let whole = wrap(text);
            let got = diagnose(&Evidence::from_text(whole.as_str()), &Context::default());
            if got.kind != *want {
                wrong.push(format!("{whole}: {} by {}", got.kind, got.because.rule));
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
