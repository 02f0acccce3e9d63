//! The view: messages, steps and facts in, request out.

use std::collections::BTreeSet;

use halo_types::{
    ChatRequest, FactOrigin, Message, MessageId, Parameters, Part, RequestMessage, Role, Step,
    StepId, StepKind, Target,
};

use crate::ModelFacts;

/// What a view is computed from.
#[derive(Debug, Clone, Copy)]
pub struct ViewInput<'a> {
    /// The messages of the branch, oldest first.
    pub branch: &'a [Message],
    /// The steps of the conversation that were not taken back, oldest first.
    pub steps: &'a [Step],
    /// The model the request is for.
    pub target: &'a Target,
    /// What is known about it.
    pub facts: &'a ModelFacts,
    /// The system prompt.
    pub system: Option<&'a str>,
    /// Parameters of the conversation.
    pub parameters: Parameters,
}

/// A request and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What to send.
    pub request: ChatRequest,
    /// The steps that changed it.
    pub applied: Vec<StepId>,
    /// Messages whose pictures were left out.
    pub without_images: BTreeSet<MessageId>,
    /// Messages that are sent only as part of a summary.
    pub summarised: BTreeSet<MessageId>,
    /// Pictures that are sent.
    pub images: u32,
    /// Parameters to leave out.
    pub omit: Vec<String>,
}

/// Whether a step changes requests to this target on this branch.
#[must_use]
pub fn in_force(step: &Step, input: &ViewInput<'_>) -> bool {
    match &step.kind {
        // The person may know better than the error that caused the step.
        StepKind::OmitImages { target } => {
            let seen_by_person = input
                .facts
                .vision
                .is_some_and(|known| known.value && known.origin == FactOrigin::Person);
            target == input.target && !seen_by_person
        }
        StepKind::Summarise { first_kept, .. } => {
            position(input.branch, *first_kept).is_some_and(|at| {
                // Of several summaries the one that reaches furthest holds the others.
                !input.steps.iter().any(|other| {
                    other.id > step.id && summary_start(other, input.branch) >= Some(at)
                })
            })
        }
        StepKind::DropParameter { target, .. } | StepKind::LowerMaxTokens { target, .. } => {
            target == input.target
        }
        StepKind::RepairHistory => true,
    }
}

fn summary_start(step: &Step, branch: &[Message]) -> Option<usize> {
    match &step.kind {
        StepKind::Summarise { first_kept, .. } => position(branch, *first_kept),
        _ => None,
    }
}

fn position(branch: &[Message], id: MessageId) -> Option<usize> {
    branch.iter().position(|message| message.id == id)
}

/// Computes the request for the target.
///
/// Whatever the log holds, the request begins with the person, its roles alternate and none of
/// its messages is empty.
#[must_use]
pub fn view(input: &ViewInput<'_>) -> View {
    let mut view = View {
        request: ChatRequest {
            model: input.target.model.clone(),
            system: input.system.map(str::to_owned).filter(|text| !text.trim().is_empty()),
            stream: true,
            temperature: input.parameters.temperature,
            top_p: input.parameters.top_p,
            max_tokens: input.parameters.max_tokens,
            ..ChatRequest::default()
        },
        applied: Vec::new(),
        without_images: BTreeSet::new(),
        summarised: BTreeSet::new(),
        images: 0,
        omit: input.facts.refused.clone(),
    };
    let mut omit_images = false;
    let mut repair = false;
    let mut start = 0;
    let mut summary = None;
    for step in input.steps.iter().filter(|step| in_force(step, input)) {
        match &step.kind {
            StepKind::OmitImages { .. } => omit_images = true,
            StepKind::Summarise { first_kept, summary: text, .. } => {
                start = position(input.branch, *first_kept).unwrap_or(0);
                summary = Some(text.as_str());
            }
            StepKind::DropParameter { name, .. } => {
                if !view.omit.contains(name) {
                    view.omit.push(name.clone());
                }
            }
            StepKind::LowerMaxTokens { max_tokens, .. } => {
                let lowest = view.request.max_tokens.map_or(*max_tokens, |m| m.min(*max_tokens));
                view.request.max_tokens = Some(lowest);
            }
            StepKind::RepairHistory => repair = true,
        }
        view.applied.push(step.id);
    }
    view.summarised.extend(input.branch[..start].iter().map(|message| message.id));
    let mut images_left_out = false;
    if let Some(text) = summary {
        push(&mut view.request.messages, Role::User, vec![Part::text(framed(text))]);
    }
    for message in &input.branch[start..] {
        let mut parts = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match part {
                Part::Image(image) if omit_images => {
                    images_left_out = true;
                    view.without_images.insert(message.id);
                    let name = image.name.as_deref().unwrap_or("without a name");
                    parts.push(Part::text(format!(
                        "[A picture ({name}, {}×{} pixels) was attached here; it is left out \
                         because this model does not take pictures.]",
                        image.width, image.height
                    )));
                }
                Part::Image(_) => {
                    view.images += 1;
                    parts.push(part.clone());
                }
                Part::Text { text } if text.trim().is_empty() => {}
                // Thinking goes back only to the model that signed it.
                Part::Thinking { signature, redacted, .. } => {
                    let own = message.origin.as_ref().is_some_and(|o| o.target == *input.target);
                    if own && !repair && (signature.is_some() || redacted.is_some()) {
                        parts.push(part.clone());
                    }
                }
                _ => parts.push(part.clone()),
            }
        }
        push(&mut view.request.messages, message.role, parts);
    }
    if repair {
        pair_tool_calls(&mut view.request.messages);
    }
    // A step that found nothing to leave out did not change this request.
    if omit_images && !images_left_out {
        view.applied.retain(|id| {
            !input
                .steps
                .iter()
                .any(|s| s.id == *id && matches!(s.kind, StepKind::OmitImages { .. }))
        });
    }
    view
}

/// Adds parts, joining them to the message before where the same role speaks on.
fn push(messages: &mut Vec<RequestMessage>, role: Role, parts: Vec<Part>) {
    if parts.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(last) if last.role == role => last.parts.extend(parts),
        // A conversation begins with the person.
        None if role == Role::Assistant => {
            messages.push(RequestMessage {
                role: Role::User,
                parts: vec![Part::text("[The conversation begins here.]")],
            });
            messages.push(RequestMessage { role, parts });
        }
        _ => messages.push(RequestMessage { role, parts }),
    }
}

fn framed(summary: &str) -> String {
    format!(
        "[Summary of the conversation so far. The messages themselves are left out because they \
         do not fit.]\n\n{summary}\n\n[End of the summary. The conversation goes on below.]"
    )
}

/// Leaves out tool calls without a result right after them, and results without a call before.
fn pair_tool_calls(messages: &mut Vec<RequestMessage>) {
    for i in 0..messages.len() {
        let next: BTreeSet<String> =
            messages.get(i + 1).into_iter().flat_map(|m| &m.parts).filter_map(result_of).collect();
        let previous: BTreeSet<String> = i
            .checked_sub(1)
            .and_then(|p| messages.get(p))
            .into_iter()
            .flat_map(|m| &m.parts)
            .filter_map(call_of)
            .collect();
        messages[i].parts.retain(|part| match part {
            Part::ToolCall { id, .. } => next.contains(id),
            Part::ToolResult { call_id, .. } => previous.contains(call_id),
            _ => true,
        });
    }
    messages.retain(|message| !message.parts.is_empty());
    let mut merged: Vec<RequestMessage> = Vec::with_capacity(messages.len());
    for message in messages.drain(..) {
        push(&mut merged, message.role, message.parts);
    }
    *messages = merged;
}

fn call_of(part: &Part) -> Option<String> {
    match part {
        Part::ToolCall { id, .. } => Some(id.clone()),
        _ => None,
    }
}

fn result_of(part: &Part) -> Option<String> {
    match part {
        Part::ToolResult { call_id, .. } => Some(call_id.clone()),
        _ => None,
    }
}
