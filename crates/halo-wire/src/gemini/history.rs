//! The rules for the history of messages, in Google's words.
//!
//! The words are those people report, for example
//! <https://github.com/google-gemini/gemini-cli/issues/11814> and
//! <https://github.com/google-gemini/gemini-cli/issues/17208>.

use halo_types::{ChatRequest, Part, Role};

use crate::server::RequestError;

pub(super) const NO_CONTENTS: &str =
    "* GenerateContentRequest.contents: contents is not specified\n";
const CALL_AFTER: &str = "Please ensure that function call turn comes immediately after a user \
                          turn or after a function response turn.";
const RESPONSE_AFTER: &str =
    "Please ensure that function response turn comes immediately after a function call turn.";
const AS_MANY: &str = "Please ensure that the number of function response parts is equal to the \
                       number of function call parts of the function call turn.";

pub(crate) fn check(request: &ChatRequest) -> Result<(), RequestError> {
    if request.messages.is_empty() {
        return Err(RequestError::new(NO_CONTENTS));
    }
    // How many calls the message before made, where it made some.
    let mut called = 0;
    let mut before = None;
    for message in &request.messages {
        let calls = amount(&message.parts, |part| matches!(part, Part::ToolCall { .. }));
        let results = amount(&message.parts, |part| matches!(part, Part::ToolResult { .. }));
        if results > 0 && called == 0 {
            return Err(RequestError::new(RESPONSE_AFTER));
        }
        if called != results {
            return Err(RequestError::new(AS_MANY));
        }
        if calls > 0 && before != Some(Role::User) {
            return Err(RequestError::new(CALL_AFTER));
        }
        called = calls;
        before = Some(message.role);
    }
    if called > 0 { Err(RequestError::new(AS_MANY)) } else { Ok(()) }
}

fn amount(parts: &[Part], is_one: impl Fn(&Part) -> bool) -> usize {
    parts.iter().filter(|part| is_one(part)).count()
}
