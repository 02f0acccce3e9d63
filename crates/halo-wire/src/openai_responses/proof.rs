//! What proves that a thought is the model's own.
//!
//! A reasoning item carries its thinking encrypted. Sent back whole, it lets the model go on
//! thinking without anything being stored at the provider:
//! <https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halo_types::{Part, Protocol};
use serde_json::{Map, Value, json};

use crate::json::text;

/// What neutral thinking holds itself, and what the server takes only where it wrote it.
const APART: &[&str] = &["type", "summary", "content", "status"];

/// Stands before proofs that a client of ours gets to keep.
const SEAL: &str = "halo.";

/// The proof in a reasoning item: the whole item without its text.
pub(crate) fn read(item: &Value) -> Option<String> {
    let proof: Map<String, Value> = item
        .as_object()?
        .iter()
        .filter(|(key, value)| !value.is_null() && !APART.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!proof.is_empty()).then(|| Value::Object(proof).to_string())
}

/// The reasoning item that a proof was read from. `None` without the encrypted thinking: the
/// server stores nothing for us, so an id alone would be unknown to it.
pub(crate) fn item(proof: &str, thought: &str) -> Option<Value> {
    let Ok(mut item) = serde_json::from_str::<Value>(proof) else {
        return None;
    };
    text(&item, "encrypted_content")?;
    item["type"] = json!("reasoning");
    item["summary"] = match thought.trim() {
        "" => json!([]),
        _ => json!([{ "type": "summary_text", "text": thought }]),
    };
    Some(item)
}

/// The id inside a proof.
pub(crate) fn id(proof: &str) -> Option<String> {
    text(&serde_json::from_str(proof).ok()?, "id").map(str::to_owned)
}

/// The proof of any protocol as the `encrypted_content` of an item that a client of ours sends
/// back unread. The item's id in a stream has to be told before the proof comes, and the
/// provider refuses encrypted thinking under another id; so the proof holds its own.
pub(crate) fn seal(protocol: Protocol, signature: Option<&str>, redacted: Option<&str>) -> String {
    let proof = json!({
        "protocol": protocol.as_str(), "signature": signature, "redacted": redacted,
    });
    format!("{SEAL}{}", STANDARD.encode(proof.to_string()))
}

/// The thought in a reasoning item that a client sends.
pub(crate) fn part(item: &Value) -> Part {
    let thought = thought(item);
    if let Some(proof) = text(item, "encrypted_content").and_then(unseal) {
        let own = |key: &str| text(&proof, key).map(str::to_owned);
        return Part::Thinking {
            text: thought,
            signature: own("signature"),
            redacted: own("redacted"),
            protocol: text(&proof, "protocol").and_then(|name| name.parse().ok()),
        };
    }
    Part::Thinking {
        text: thought,
        signature: read(item),
        redacted: None,
        protocol: Some(Protocol::OpenaiResponses),
    }
}

fn unseal(sealed: &str) -> Option<Value> {
    let bytes = STANDARD.decode(sealed.strip_prefix(SEAL)?).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// The summaries, or where there are none the thinking itself, which open models show.
fn thought(item: &Value) -> String {
    let texts = |key: &str| -> Vec<&str> {
        let parts = item.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        parts.iter().filter_map(|part| text(part, "text")).collect()
    };
    let summaries = texts("summary");
    if summaries.is_empty() { texts("content") } else { summaries }.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_the_item_without_its_text() {
        let whole = json!({"type":"reasoning","id":"rs_1","status":null,"encrypted_content":"E",
            "summary":[{"type":"summary_text","text":"Hm"}]});
        let proof = read(&whole).unwrap();
        assert_eq!(proof, r#"{"encrypted_content":"E","id":"rs_1"}"#);
        let back = json!({"type":"reasoning","id":"rs_1","encrypted_content":"E",
            "summary":[{"type":"summary_text","text":"Hm"}]});
        assert_eq!(item(&proof, "Hm"), Some(back));
        assert_eq!(item(r#"{"id":"rs_1"}"#, "Hm"), None);
        assert_eq!(item("no JSON", "Hm"), None);
        assert_eq!(item("[]", "Hm"), None);
    }

    #[test]
    fn sealed_proofs_of_all_protocols_come_back() {
        for protocol in Protocol::ALL {
            let sealed = seal(*protocol, Some("s"), None);
            let item = json!({"type":"reasoning","id":"x","encrypted_content":sealed,
                "summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}]});
            let want = Part::Thinking {
                text: "a\n\nb".to_owned(),
                signature: Some("s".to_owned()),
                redacted: None,
                protocol: Some(*protocol),
            };
            assert_eq!(part(&item), want);
        }
        let open = json!({"type":"reasoning","id":"x","encrypted_content":"halo.?","content":[{"text":"c"}]});
        let Part::Thinking { text, signature: Some(proof), .. } = part(&open) else { panic!() };
        assert_eq!((text.as_str(), id(&proof).as_deref()), ("c", Some("x")));
    }
}
