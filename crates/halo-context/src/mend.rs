//! What every protocol demands of the history of messages, whatever the log holds.
//!
//! A call of a tool has its result in the message right after it, and each result its call in the
//! message right before. Logs break that: an answer is stopped between the two, a branch begins in
//! the middle, a summary takes one of them, an import holds only half. A request that breaks it is
//! refused for ever, so the view mends it in every request. Nothing is dropped in silence: a call
//! without a result gets one that says so, a result without its call is sent as words.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use halo_types::{MessageId, Part, RequestMessage, Role};

/// The longest id of a call that all protocols take, in characters.
const MAX_ID: usize = 64;

/// What was mended in a message so that the target's protocol takes it. It is not undone: the
/// request would only be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mend {
    /// The thinking of another model, or of another protocol, is left out.
    ForeignThinking,
    /// Something that only another protocol can hold is left out.
    ForeignBlock,
    /// Nothing of it is left to send, so it is left out.
    EmptyMessage,
    /// It is sent as one with the message before it, which is of the same speaker.
    Joined,
    /// A note of the person's stands before it, since a conversation begins with the person.
    Opening,
    /// A call of a tool got a result that says that there is none.
    CallWithoutResult,
    /// The result of a tool whose call is missing is sent as words.
    ResultWithoutCall,
}

/// A message of the request in the making: its parts, each with the message it comes from.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) role: Role,
    pub(crate) parts: Vec<(Option<MessageId>, Part)>,
}

impl Draft {
    pub(crate) fn new(role: Role, parts: Vec<(Option<MessageId>, Part)>) -> Self {
        Self { role, parts }
    }

    pub(crate) fn into_message(self) -> RequestMessage {
        let parts = self.parts.into_iter().map(|(_, part)| part).collect();
        RequestMessage { role: self.role, parts }
    }

    fn has_tools(&self) -> bool {
        let is_tool = |part: &Part| matches!(part, Part::ToolCall { .. } | Part::ToolResult { .. });
        self.parts.iter().any(|(_, part)| is_tool(part))
    }
}

/// A call that waits for its result.
struct Open {
    /// The id in the log, by which the result finds it.
    stored: String,
    /// The id in the request.
    sent: String,
    from: Option<MessageId>,
}

/// Pairs calls and results. Roles have to alternate.
pub(crate) fn pair(drafts: &mut Vec<Draft>, mended: &mut BTreeMap<MessageId, BTreeSet<Mend>>) {
    if !drafts.iter().any(Draft::has_tools) {
        return;
    }
    let mut note = |from: Option<MessageId>, mend: Mend| {
        if let Some(id) = from {
            mended.entry(id).or_default().insert(mend);
        }
    };
    let mut used: HashSet<String> = HashSet::new();
    let mut made = 0;
    let mut open: Vec<Open> = Vec::new();
    for draft in drafts.iter_mut() {
        if open.is_empty() && !draft.has_tools() {
            continue;
        }
        let mut results: Vec<(Option<MessageId>, Part)> = Vec::new();
        let mut others = Vec::with_capacity(draft.parts.len());
        for (from, mut part) in draft.parts.drain(..) {
            match (&mut part, draft.role) {
                (Part::ToolCall { id, .. }, Role::Assistant) => {
                    let stored = id.clone();
                    if !is_sound(id) || used.contains(id) {
                        *id = fresh(&used, &mut made);
                    }
                    used.insert(id.clone());
                    open.push(Open { stored, sent: id.clone(), from });
                }
                (Part::ToolResult { call_id, text, .. }, role) => {
                    let call = open.iter().position(|call| call.stored == *call_id);
                    match call.filter(|_| role == Role::User) {
                        Some(at) => {
                            *call_id = open.remove(at).sent;
                            results.push((from, part));
                            continue;
                        }
                        None => {
                            note(from, Mend::ResultWithoutCall);
                            part = Part::text(format!(
                                "[Result of a tool whose call is not part of this request: {text}]"
                            ));
                        }
                    }
                }
                (Part::ToolCall { name, arguments, .. }, Role::User) => {
                    note(from, Mend::CallWithoutResult);
                    part = Part::text(format!("[Call of the tool {name}: {arguments}]"));
                }
                _ => {}
            }
            others.push((from, part));
        }
        if draft.role == Role::User {
            results.extend(open.drain(..).map(|call| without_result(call, &mut note)));
        }
        // Results stand before anything else that is said.
        results.append(&mut others);
        draft.parts = results;
    }
    if !open.is_empty() {
        let results = open.into_iter().map(|call| without_result(call, &mut note)).collect();
        drafts.push(Draft::new(Role::User, results));
    }
}

/// The result of a call that has none.
fn without_result(
    call: Open,
    note: &mut impl FnMut(Option<MessageId>, Mend),
) -> (Option<MessageId>, Part) {
    note(call.from, Mend::CallWithoutResult);
    let text = "(There is no result: the call was interrupted.)".to_owned();
    (None, Part::ToolResult { call_id: call.sent, text, is_error: true })
}

/// Whether every protocol takes an id as it is.
fn is_sound(id: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(letters)
}

/// An id that no call has.
fn fresh(used: &HashSet<String>, made: &mut u32) -> String {
    loop {
        *made += 1;
        let id = format!("call_{made}");
        if !used.contains(&id) {
            return id;
        }
    }
}
