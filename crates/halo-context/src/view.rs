//! The view: messages, steps and facts in, request out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use halo_types::{
    BlobId, ChatRequest, FactOrigin, ImageRef, Message, MessageId, Parameters, Part, Protocol,
    RequestMessage, Role, Step, StepId, StepKind, Target, ThinkingSpec,
};

use crate::ModelFacts;
use crate::mend::{Draft, Mend, pair};

/// What a view is computed from.
#[derive(Debug, Clone, Copy)]
pub struct ViewInput<'a> {
    /// The messages of the branch, oldest first.
    pub branch: &'a [Message],
    /// The steps of the conversation that were not taken back, oldest first.
    pub steps: &'a [Step],
    /// The pinned messages: they are sent word for word, whatever is summarised.
    pub pinned: &'a [MessageId],
    /// The model the request is for.
    pub target: &'a Target,
    /// The protocol it speaks.
    pub protocol: Protocol,
    /// What is known about it.
    pub facts: &'a ModelFacts,
    /// The system prompt.
    pub system: Option<&'a str>,
    /// Parameters of the conversation.
    pub parameters: &'a Parameters,
}

/// A request and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What to send.
    pub request: ChatRequest,
    /// The steps that changed it.
    pub applied: Vec<StepId>,
    /// The steps that hold for this target on this branch, whether or not there was something for
    /// them to change.
    pub in_force: BTreeSet<StepId>,
    /// Messages whose pictures were left out.
    pub without_images: BTreeSet<MessageId>,
    /// Messages whose pictures are sent smaller.
    pub smaller_images: BTreeSet<MessageId>,
    /// Messages that are sent only as part of a summary.
    pub summarised: BTreeSet<MessageId>,
    /// What had to be mended in which message so that the protocol takes it.
    pub mended: BTreeMap<MessageId, BTreeSet<Mend>>,
    /// Pictures that are sent.
    pub images: u32,
    /// Parameters to leave out.
    pub omit: Vec<String>,
}

impl View {
    /// Adds words of the person at the end of the request.
    pub fn ask(&mut self, text: impl Into<String>) {
        ask(&mut self.request, text.into());
    }
}

/// Adds words of the person at the end of a request.
pub(crate) fn ask(request: &mut ChatRequest, text: String) {
    match request.messages.last_mut() {
        Some(last) if last.role == Role::User => last.parts.push(Part::text(text)),
        _ => request
            .messages
            .push(RequestMessage { role: Role::User, parts: vec![Part::text(text)] }),
    }
}

/// What the steps in force come to.
#[derive(Default)]
struct Plan<'a> {
    /// Pictures in messages before this place become notes.
    images_from: usize,
    smaller: HashMap<&'a BlobId, &'a ImageRef>,
    /// The first message that is sent as it is, and what stands for those before.
    start: usize,
    summary: Option<&'a str>,
    plain: bool,
    in_force: Vec<&'a Step>,
}

impl<'a> Plan<'a> {
    fn new(input: &ViewInput<'a>) -> Self {
        let places = places(input);
        let mut plan = Self::default();
        // Of several summaries the one that reaches furthest holds the others; of equals the
        // newest counts.
        let furthest = input
            .steps
            .iter()
            .filter_map(|step| match &step.kind {
                StepKind::Summarise { first_kept, .. } => Some((*places.get(first_kept)?, step.id)),
                _ => None,
            })
            .max();
        for step in input.steps {
            let here = |target: &Target| target == input.target;
            let holds = match &step.kind {
                StepKind::OmitImages { target, before: None } => {
                    // The person may know better than the error that caused the step.
                    let seen_by_person = input
                        .facts
                        .vision
                        .is_some_and(|known| known.value && known.origin == FactOrigin::Person);
                    let holds = here(target) && !seen_by_person;
                    if holds {
                        plan.images_from = usize::MAX;
                    }
                    holds
                }
                StepKind::OmitImages { target, before: Some(before) } => {
                    let place = places.get(before).filter(|_| here(target));
                    plan.images_from = plan.images_from.max(place.copied().unwrap_or(0));
                    place.is_some()
                }
                StepKind::ShrinkImages { target, pictures, .. } => {
                    if here(target) {
                        // A newer step has the smaller picture.
                        plan.smaller.extend(pictures.iter().map(|p| (&p.original, &p.sent)));
                    }
                    here(target)
                }
                StepKind::Summarise { summary, .. } => {
                    let holds = furthest.is_some_and(|(_, id)| id == step.id);
                    if let (true, Some((start, _))) = (holds, furthest) {
                        plan.start = start;
                        plan.summary = Some(summary);
                    }
                    holds
                }
                StepKind::DropParameter { target, .. }
                | StepKind::LowerMaxTokens { target, .. } => here(target),
                StepKind::RepairHistory => {
                    plan.plain = true;
                    true
                }
            };
            if holds {
                plan.in_force.push(step);
            }
        }
        plan
    }
}

/// Where the messages stand that steps name.
fn places(input: &ViewInput<'_>) -> HashMap<MessageId, usize> {
    let named: BTreeSet<MessageId> = input
        .steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Summarise { first_kept: id, .. }
            | StepKind::OmitImages { before: Some(id), .. } => Some(*id),
            _ => None,
        })
        .collect();
    if named.is_empty() {
        return HashMap::new();
    }
    let all = input.branch.iter().enumerate().map(|(at, message)| (message.id, at));
    all.filter(|(id, _)| named.contains(id)).collect()
}

/// Computes the request for the target.
///
/// Whatever the log holds, the request obeys the rules that its protocol has for the history of
/// messages: it begins with the person, roles alternate, no message is empty, each tool call has
/// its result in the message after it, and thinking goes back only to the model that signed it.
/// What was mended for that is named in [`View::mended`].
#[must_use]
pub fn view(input: &ViewInput<'_>) -> View {
    let plan = Plan::new(input);
    let mut view = View {
        request: ChatRequest {
            model: input.target.model.clone(),
            system: input.system.map(str::to_owned).filter(|text| !text.trim().is_empty()),
            stream: true,
            temperature: input.parameters.temperature,
            top_p: input.parameters.top_p,
            max_tokens: input.parameters.max_tokens,
            stop: input.parameters.stop.clone(),
            thinking: input
                .parameters
                .effort
                .clone()
                .map(|effort| ThinkingSpec { effort: Some(effort), budget: None }),
            ..ChatRequest::default()
        },
        applied: Vec::new(),
        in_force: plan.in_force.iter().map(|step| step.id).collect(),
        without_images: BTreeSet::new(),
        smaller_images: BTreeSet::new(),
        summarised: input.branch[..plan.start]
            .iter()
            .map(|message| message.id)
            .filter(|id| !input.pinned.contains(id))
            .collect(),
        mended: BTreeMap::new(),
        images: 0,
        omit: input.facts.refused.clone(),
    };
    let mut drafts: Vec<Draft> = Vec::with_capacity(input.branch.len() - plan.start + 1);
    let pinned = || {
        let before = input.branch[..plan.start].iter().enumerate();
        before.filter(|(_, message)| input.pinned.contains(&message.id))
    };
    if let Some(text) = plan.summary {
        let text = framed(text, pinned().next().is_some());
        drafts.push(Draft::new(Role::User, vec![(None, Part::text(text))]));
    }
    for (at, message) in pinned().chain(input.branch.iter().enumerate().skip(plan.start)) {
        let parts = parts(&mut view, input, &plan, at, message);
        if parts.is_empty() {
            // A person's message is never empty by itself: it is what was left out that made it so.
            view.mended.entry(message.id).or_default().insert(Mend::EmptyMessage);
            continue;
        }
        match drafts.last_mut() {
            Some(last) if last.role == message.role => {
                if last.parts.first().is_some_and(|(from, _)| from.is_some()) {
                    view.mended.entry(message.id).or_default().insert(Mend::Joined);
                }
                last.parts.extend(parts);
            }
            // A conversation begins with the person.
            None if message.role == Role::Assistant => {
                view.mended.entry(message.id).or_default().insert(Mend::Opening);
                let opening = Part::text("[The conversation begins here.]");
                drafts.push(Draft::new(Role::User, vec![(None, opening)]));
                drafts.push(Draft::new(message.role, parts));
            }
            _ => drafts.push(Draft::new(message.role, parts)),
        }
    }
    pair(&mut drafts, &mut view.mended);
    view.request.messages = drafts.into_iter().map(Draft::into_message).collect();
    for step in plan.in_force {
        let changed = match &step.kind {
            StepKind::OmitImages { .. } => !view.without_images.is_empty(),
            StepKind::ShrinkImages { .. } => !view.smaller_images.is_empty(),
            StepKind::DropParameter { name, .. } => {
                if !view.omit.contains(name) {
                    view.omit.push(name.clone());
                }
                true
            }
            StepKind::LowerMaxTokens { max_tokens, .. } => {
                let max_tokens = (*max_tokens).max(1);
                let lowest = view.request.max_tokens.map_or(max_tokens, |m| m.min(max_tokens));
                view.request.max_tokens = Some(lowest);
                true
            }
            StepKind::Summarise { .. } | StepKind::RepairHistory => true,
        };
        // A step that found nothing to change did not change this request.
        if changed {
            view.applied.push(step.id);
        }
    }
    view
}

/// The parts of a message that are sent, each with the message it comes from; none where nothing
/// is left that says something.
fn parts(
    view: &mut View,
    input: &ViewInput<'_>,
    plan: &Plan<'_>,
    at: usize,
    message: &Message,
) -> Vec<(Option<MessageId>, Part)> {
    let id = message.id;
    let mut parts = Vec::with_capacity(message.parts.len());
    let mut says_something = false;
    for part in &message.parts {
        let part = match part {
            Part::Image(image) if at < plan.images_from => {
                view.without_images.insert(id);
                let name = image.name.as_deref().unwrap_or("without a name");
                Part::text(format!(
                    "[A picture ({name}, {}×{} pixels) was attached here; it is left out because \
                     this model does not take it.]",
                    image.width, image.height
                ))
            }
            Part::Image(image) => {
                view.images += 1;
                match plan.smaller.get(&image.blob) {
                    Some(smaller) => {
                        view.smaller_images.insert(id);
                        Part::Image((*smaller).clone())
                    }
                    None => part.clone(),
                }
            }
            Part::Text { text } if text.trim().is_empty() => continue,
            Part::Thinking { text, signature, redacted, protocol } => {
                let signed = signature.is_some() || redacted.is_some();
                let own = message.origin.as_ref().is_some_and(|o| o.target == *input.target);
                // Records of the time before several protocols are Anthropic's.
                let understood = protocol.unwrap_or(Protocol::Anthropic) == input.protocol;
                // Thinking goes back only to the model that signed it.
                if own && signed && understood && message.role == Role::Assistant && !plan.plain {
                    parts.push((Some(id), part.clone()));
                } else if signed || (!own && !text.trim().is_empty()) {
                    view.mended.entry(id).or_default().insert(Mend::ForeignThinking);
                }
                continue;
            }
            Part::Unknown { protocol, .. } if protocol != input.protocol.as_str() || plan.plain => {
                view.mended.entry(id).or_default().insert(Mend::ForeignBlock);
                continue;
            }
            Part::ToolCall { name, arguments, .. } if plan.plain => {
                Part::text(format!("[Asked the tool {name}: {arguments}]"))
            }
            Part::ToolResult { text, .. } if plan.plain => {
                Part::text(format!("[The tool answered: {text}]"))
            }
            part => part.clone(),
        };
        says_something = true;
        parts.push((Some(id), part));
    }
    if !says_something {
        parts.clear();
    }
    // "The final block in an assistant message cannot be `thinking`."
    let is_thought = |part: &(_, Part)| matches!(part.1, Part::Thinking { .. });
    while input.protocol == Protocol::Anthropic && parts.last().is_some_and(is_thought) {
        parts.pop();
    }
    parts
}

fn framed(summary: &str, pinned: bool) -> String {
    let below = if pinned {
        "Messages from that time that were kept word for word follow; then the conversation goes on."
    } else {
        "The conversation goes on below."
    };
    format!(
        "[Summary of the conversation so far. The messages themselves are left out because they \
         do not fit.]\n\n{summary}\n\n[End of the summary. {below}]"
    )
}
