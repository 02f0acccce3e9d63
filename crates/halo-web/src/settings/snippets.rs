//! How the usual SDKs and agents are told to go through Halo.

use crate::strings::Words;

/// Name, title and text of each, for the gateway's address and a model.
pub(super) fn of(
    w: Words,
    address: &str,
    model: &str,
    key: &str,
) -> Vec<(&'static str, String, String)> {
    let fill = |text: &str| {
        text.replace("{address}", address).replace("{model}", model).replace("{key}", key)
    };
    TEXTS
        .iter()
        .map(|(name, text)| (*name, w.t(&format!("gateway-snippet-{name}")), fill(text.trim())))
        .collect()
}

const TEXTS: [(&str, &str); 8] = [
    (
        "openai-js",
        r#"
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{address}/v1", apiKey: "{key}" });
const answer = await client.chat.completions.create({
  model: "{model}",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);
"#,
    ),
    (
        "anthropic-js",
        r#"
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "{address}", apiKey: "{key}" });
const answer = await client.messages.create({
  model: "{model}",
  max_tokens: 1024,
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.content);
"#,
    ),
    (
        "langchain",
        r#"
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="{model}", base_url="{address}/v1", api_key="{key}")
print(model.invoke("Hello").content)
"#,
    ),
    (
        "claude-code",
        r"
export ANTHROPIC_BASE_URL={address}
export ANTHROPIC_AUTH_TOKEN={key}
export ANTHROPIC_MODEL={model}
claude
",
    ),
    (
        "aider",
        r"
export OPENAI_API_BASE={address}/v1
export OPENAI_API_KEY={key}
aider --model openai/{model}
",
    ),
    (
        "opencode",
        r#"
{
  "$schema": "https://opencode.ai/config.json",
  "provider": {
    "halo": {
      "npm": "@ai-sdk/openai-compatible",
      "name": "Halo",
      "options": { "baseURL": "{address}/v1", "apiKey": "{key}" },
      "models": { "{model}": {} }
    }
  },
  "model": "halo/{model}"
}
"#,
    ),
    (
        "continue",
        r"
models:
  - name: Halo
    provider: openai
    model: {model}
    apiBase: {address}/v1
    apiKey: {key}
    roles: [chat, edit, apply]
",
    ),
    (
        "cline",
        r"
API Provider: OpenAI Compatible
Base URL:     {address}/v1
API Key:      {key}
Model ID:     {model}
",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strings::Locale;

    #[test]
    fn every_snippet_is_filled_in_and_names_the_place() {
        for lang in [Locale::En, Locale::ZhCn] {
            for (name, title, text) in
                of(Words::new(lang), "http://127.0.0.1:7575", "relay/gpt", "KEY")
            {
                assert!(text.contains("http://127.0.0.1:7575"), "{name}");
                assert!(text.contains("relay/gpt"), "{name}");
                assert!(text.contains("KEY"), "{name}");
                for hole in ["{address}", "{model}", "{key}"] {
                    assert!(!text.contains(hole), "{name} {hole}");
                }
                assert!(!title.contains("gateway-snippet"), "{name}: {title}");
            }
        }
    }
}
