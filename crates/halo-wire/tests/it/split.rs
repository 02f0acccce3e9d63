//! Any split of any bytes gives the same events, and none of them makes the decoder panic.

use halo_types::Protocol;
use proptest::prelude::*;

use crate::decode_pieces;

const SCRAPS: &[&str] = &[
    "data: ",
    "data:",
    "event: error\n",
    "event: message_stop\n",
    "\n",
    "\n\n",
    "\r\n\r\n",
    "\r",
    ": c\n",
    "\u{feff}",
    "[DONE]",
    "null",
    "{",
    "}",
    "[",
    "]",
    "\"",
    " ",
    "<html>",
    "你",
    "\\u00e9",
    r#"{"choices":[{"delta":{"content":"Hi"}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f"}}]}}]}"#,
    r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":"7"}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"message_stop"}"#,
    ",",
    r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]}"#,
    r#"{"candidates":[{"finishReason":"OTHER","citationMetadata":{"citations":[{"uri":"u"}]}}]}"#,
    r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
    r#"{"error":{"message":"no"}}"#,
    "event: response.output_text.delta\n",
    r#"{"output_index":0,"content_index":0,"delta":"Hi"}"#,
    r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc","name":"f"}}"#,
    r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{"}"#,
    r#"{"type":"response.output_item.done","item":{"type":"reasoning","summary":[{"text":"Hm"}],"encrypted_content":"e"}}"#,
    r#"{"type":"response.output_item.done","item":{"content":[{"text":"Hi you","annotations":[{}]}]}}"#,
    r#"{"type":"response.completed","response":{"output":[{"type":"message","content":"Hi"},{"type":"web_search_call"}]}}"#,
    r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}"#,
    r#"{"object":"response","status":"failed"}"#,
];

pub(crate) fn scraps() -> impl Strategy<Value = Vec<u8>> {
    let scrap = prop_oneof![
        9 => prop::sample::select(SCRAPS).prop_map(|scrap| scrap.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(scrap, 0..24).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        input in scraps(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        places.extend([0, input.len()]);
        places.sort_unstable();
        for protocol in Protocol::ALL {
            let pieces = places.windows(2).map(|pair| &input[pair[0]..pair[1]]);
            prop_assert_eq!(
                decode_pieces(*protocol, [input.as_slice()]),
                decode_pieces(*protocol, pieces)
            );
        }
    }
}
