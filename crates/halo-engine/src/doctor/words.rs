//! The doctor's findings in words.

use halo_types::{FactValue, Lang, Protocol};

use super::{DoctorStage, Proof, Verdict};

/// The most of what a model said that is quoted, in characters.
const MAX_QUOTE: usize = 160;

impl DoctorStage {
    /// Its name for people.
    #[must_use]
    pub const fn words(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Address => ("Address", "地址"),
            Self::Dns => ("Host name", "主机名"),
            Self::Proxy => ("Proxy", "代理"),
            Self::Connect => ("Connection", "连接"),
            Self::Tls => ("Encryption", "加密"),
            Self::Endpoint => ("Protocol", "协议"),
            Self::Key => ("Key", "密钥"),
            Self::Models => ("Models", "模型"),
            Self::Token => ("Answer", "回答"),
            Self::Stream => ("Stream", "流式"),
            Self::Picture => ("Picture", "图片"),
            Self::Tools => ("Tools", "工具"),
        };
        pick(lang, en, zh)
    }
}

impl Verdict {
    /// Its name for people.
    #[must_use]
    pub const fn words(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Passed => ("passed", "通过"),
            Self::Warned => ("to note", "注意"),
            Self::Failed => ("failed", "失败"),
            Self::Skipped => ("not tested", "未测试"),
        };
        pick(lang, en, zh)
    }
}

impl Proof {
    /// What it shows, for people.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        let (en, zh) = match self {
            Self::Url(text) | Self::Reached(text) | Self::Failed(text) => return text.clone(),
            Self::Endpoint => ("spoken at this address".into(), "该地址支持此协议".into()),
            Self::EndpointElsewhere { base } => (
                format!("not at this address, but at {base}"),
                format!("该地址不支持，但 {base} 可以"),
            ),
            Self::OtherProtocol(protocol) => (
                format!("this address speaks {} instead", name(*protocol)),
                format!("该地址使用的是 {}", name(*protocol)),
            ),
            Self::KeyTaken => ("taken for the list of models".into(), "获取模型列表时有效".into()),
            Self::KeyUnproven => (
                "nothing has asked for it so far; the answer will tell".into(),
                "目前还没有用到密钥；回答时才知道".into(),
            ),
            Self::Models { count, missing: None, .. } => (
                format!("{count}, with the one that is asked"),
                format!("{count} 个，包含所用模型"),
            ),
            Self::Models { count, missing: Some(model), nearest } => {
                let (mut en, mut zh) =
                    (format!("{count}, but no {model}"), format!("{count} 个，但没有 {model}"));
                if !nearest.is_empty() {
                    let names = nearest.join(", ");
                    en.push_str(&format!("; there is {names}"));
                    zh.push_str(&format!("；有 {names}"));
                }
                (en, zh)
            }
            Self::NoList => (
                "the provider gives no list; that proves nothing".into(),
                "服务商不提供模型列表；这并不说明问题".into(),
            ),
            Self::NoModel => {
                ("no model is named, so none was asked".into(), "没有指定模型，因此未提问".into())
            }
            Self::Said(text) => return quoted(text),
            Self::Silent => (
                "it thought up to the small limit of this test".into(),
                "思考用完了测试的少量额度".into(),
            ),
            Self::Streamed { first_ms, pieces, text } => (
                format!("first word after {first_ms} ms, {pieces} pieces: {}", quoted(text)),
                format!("{first_ms} 毫秒后出现第一个词，共 {pieces} 段：{}", quoted(text)),
            ),
            Self::Sees(text) => {
                (format!("it sees: {}", quoted(text)), format!("能看图：{}", quoted(text)))
            }
            Self::Overlooks(text) => (
                format!("the picture was taken, but not seen: {}", quoted(text)),
                format!("图片被接受，但没有看见：{}", quoted(text)),
            ),
            Self::Blind => ("this model takes no pictures".into(), "该模型不支持图片".into()),
            Self::CallsTool(call) => (format!("it calls {call}"), format!("会调用 {call}")),
            Self::IgnoresTool(text) => (
                format!("it answered without the tool: {}", quoted(text)),
                format!("没有使用工具就回答了：{}", quoted(text)),
            ),
            Self::NoTools => ("this model takes no tools".into(), "该模型不支持工具".into()),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// What was learned, for people; `None` for what needs no words here.
#[must_use]
pub fn learned_words(fact: &FactValue, lang: Lang) -> Option<String> {
    let (en, zh) = match fact {
        FactValue::Vision(true) => ("it takes pictures", "支持图片"),
        FactValue::Vision(false) => ("it takes no pictures", "不支持图片"),
        FactValue::Tools(true) => ("it calls tools", "支持工具"),
        FactValue::Tools(false) => ("it takes no tools", "不支持工具"),
        FactValue::Streaming(true) => ("it streams", "支持流式"),
        FactValue::Streaming(false) => ("it does not stream", "不支持流式"),
        FactValue::ParameterRequired(name) => {
            return Some(match lang {
                Lang::En => format!("it demands {name}"),
                Lang::Zh => format!("必须提供参数 {name}"),
            });
        }
        FactValue::ParameterRefused(name) => {
            return Some(match lang {
                Lang::En => format!("it refuses {name}"),
                Lang::Zh => format!("不接受参数 {name}"),
            });
        }
        _ => return None,
    };
    Some(pick(lang, en, zh).to_owned())
}

const fn pick(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// The name of a protocol, which is the same in every language.
fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Anthropic => "Anthropic Messages",
        Protocol::OpenaiChat => "OpenAI Chat Completions",
        Protocol::OpenaiResponses => "OpenAI Responses",
        Protocol::Gemini => "Google generateContent",
    }
}

/// What a model said, in one line and not too long.
fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
