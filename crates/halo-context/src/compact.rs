//! Compaction: which older part to summarise, with what request, and the rung that needs no
//! model.

use halo_types::{
    ChatRequest, Message, MessageId, Parameters, Part, RequestMessage, Role, Step, Target,
};

use crate::ModelFacts;
use crate::estimate::{message_tokens, request_tokens, text_tokens};
use crate::view::{ViewInput, view};

/// The most a summary may take, in tokens.
pub const MAX_SUMMARY_TOKENS: u64 = 2_000;

/// What a compaction is planned from.
#[derive(Debug, Clone, Copy)]
pub struct CompactInput<'a> {
    /// The messages of the branch, oldest first, the prompt that waits for an answer last.
    pub branch: &'a [Message],
    /// The steps in the conversation, oldest first.
    pub steps: &'a [Step],
    /// The model that will be asked for the summary and for the next answer.
    pub target: &'a Target,
    /// What is known about it.
    pub facts: &'a ModelFacts,
    /// The system prompt.
    pub system: Option<&'a str>,
    /// What the person wants kept.
    pub keep: Option<&'a str>,
    /// How often this conversation was compacted without the request fitting afterwards.
    pub useless_tries: u32,
}

/// A planned compaction.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactPlan {
    /// The first message that stays as it is.
    pub first_kept: MessageId,
    /// The request that asks the model for the summary.
    pub request: ChatRequest,
    /// Pictures in that request: none, they are left out of summaries.
    pub applied: Vec<halo_types::StepId>,
    /// Estimated tokens of the next request as it is now.
    pub tokens_before: u64,
    /// Estimated tokens of the next request afterwards, the summary at its largest.
    pub tokens_after: u64,
}

/// Why there is nothing to compact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// There is no older part.
    #[error("there is nothing before the last message that could be summarised")]
    NothingBefore,
    /// What must stay is too long by itself.
    #[error(
        "the system prompt and the last message alone take about {tokens} tokens; the model reads \
         {window}"
    )]
    LastMessageTooLong {
        /// Their estimated tokens.
        tokens: u64,
        /// The model's window.
        window: u64,
    },
}

/// Plans the compaction of everything but the newest messages.
///
/// The prompt that waits for an answer always stays. Before it, whole exchanges stay while they
/// fit a quarter of the window; where the window is unknown, half of the present size is aimed
/// at, and half of that again after each useless try.
///
/// # Errors
/// [`CompactError`] where nothing can be gained.
pub fn plan(input: &CompactInput<'_>) -> Result<CompactPlan, CompactError> {
    let now = view(&ViewInput {
        branch: input.branch,
        steps: input.steps,
        target: input.target,
        facts: input.facts,
        system: input.system,
        parameters: Parameters::default(),
    });
    let tokens_before = request_tokens(&now.request);
    let system_tokens = input.system.map_or(0, text_tokens);
    let last_user = input
        .branch
        .iter()
        .rposition(|message| message.role == Role::User)
        .ok_or(CompactError::NothingBefore)?;
    let tail = |from: usize| input.branch[from..].iter().map(message_tokens).sum::<u64>();
    let window = input.facts.window();
    if let Some(window) = window {
        let tokens = system_tokens + tail(last_user);
        if tokens >= window {
            return Err(CompactError::LastMessageTooLong { tokens, window });
        }
    }
    let summary_max = summary_tokens(window);
    let keep_budget = match window {
        Some(window) => window / 4,
        None => (tokens_before / 2) >> input.useless_tries.min(3),
    };
    let mut first_kept = last_user;
    for (at, message) in input.branch.iter().enumerate().take(last_user).rev() {
        if tail(at) + system_tokens + summary_max > keep_budget {
            break;
        }
        if message.role == Role::User {
            first_kept = at;
        }
    }
    let sent =
        input.branch[..first_kept].iter().filter(|m| !now.summarised.contains(&m.id)).count();
    if sent == 0 {
        // Everything that could go is in a summary already; the newest exchange goes last.
        first_kept = last_user;
        if !input.branch[..first_kept].iter().any(|m| !now.summarised.contains(&m.id)) {
            return Err(CompactError::NothingBefore);
        }
    }
    let mut request = view(&ViewInput {
        branch: &input.branch[..first_kept],
        steps: input.steps,
        target: input.target,
        facts: input.facts,
        system: None,
        parameters: Parameters::default(),
    })
    .request;
    leave_out_images(&mut request);
    request.max_tokens = Some(summary_max);
    if let Some(window) = window {
        shrink(&mut request, window.saturating_sub(summary_max + 600));
    } else if input.useless_tries > 0 {
        let budget = request_tokens(&request) >> input.useless_tries.min(3);
        shrink(&mut request, budget);
    }
    let instruction = Part::text(instruction(input.keep, summary_max));
    match request.messages.last_mut() {
        Some(last) if last.role == Role::User => last.parts.push(instruction),
        _ => request.messages.push(RequestMessage { role: Role::User, parts: vec![instruction] }),
    }
    let kept = system_tokens + tail(first_kept);
    Ok(CompactPlan {
        first_kept: input.branch[first_kept].id,
        request,
        applied: now.applied,
        tokens_before,
        tokens_after: (kept + summary_max.min(tokens_before / 8).max(50)).min(tokens_before),
    })
}

/// The most tokens of a summary for a window: an eighth of it, and never more than
/// [`MAX_SUMMARY_TOKENS`].
fn summary_tokens(window: Option<u64>) -> u64 {
    window.map_or(MAX_SUMMARY_TOKENS, |window| (window / 8).clamp(64, MAX_SUMMARY_TOKENS))
}

fn instruction(keep: Option<&str>, max_tokens: u64) -> String {
    let words = max_tokens * 3 / 5;
    let mut text = format!(
        "Summarise the conversation above so that it can go on without the messages themselves. \
         Keep: what the person wants, decisions and their reasons, names, numbers, file names and \
         code that will be needed again (verbatim where short), and open questions. Write in the \
         language of the conversation, in plain notes, at most {words} words. Answer with the \
         summary only."
    );
    if let Some(keep) = keep.map(str::trim).filter(|keep| !keep.is_empty()) {
        text.push_str("\n\nAbove all keep: ");
        text.push_str(keep);
    }
    text
}

fn leave_out_images(request: &mut ChatRequest) {
    for message in &mut request.messages {
        for part in &mut message.parts {
            if matches!(part, Part::Image(_)) {
                *part = Part::text("[a picture]");
            }
        }
    }
}

/// Shortens the longest texts in the middle until the request fits the budget.
fn shrink(request: &mut ChatRequest, budget: u64) {
    // Halving the longest text each time ends after some tens of rounds even for megabytes.
    for _ in 0..400 {
        if request_tokens(request) <= budget {
            return;
        }
        let longest = request
            .messages
            .iter_mut()
            .flat_map(|message| &mut message.parts)
            .filter_map(|part| match part {
                Part::Text { text } => Some(text),
                _ => None,
            })
            .max_by_key(|text| text.len());
        match longest {
            Some(text) if text.len() > 120 => *text = middle_cut(text, text.len() / 2),
            _ => break,
        }
    }
    // Many short messages: the oldest go, in pairs so that roles still alternate.
    while request_tokens(request) > budget && request.messages.len() > 2 {
        request.messages.drain(..2);
    }
}

/// The head and the tail of a text with a note between, about `max` bytes in all.
fn middle_cut(text: &str, max: usize) -> String {
    let half = max / 2;
    let head_end = floor_boundary(text, half);
    let tail_start = ceil_boundary(text, text.len().saturating_sub(half));
    if head_end >= tail_start {
        return text.to_owned();
    }
    format!("{} […] {}", &text[..head_end], &text[tail_start..])
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// A summary that needs no model: the first message, the beginning of every later one while
/// there is room, and honest notes for the gaps. `span` is what the summary stands for.
#[must_use]
pub fn summary_by_rule(span: &[Message], earlier: Option<&str>, window: Option<u64>) -> String {
    let budget = summary_tokens(window);
    let mut lines =
        vec!["Made by rule, without a model: each message is cut to its beginning.".to_owned()];
    if let Some(earlier) = earlier {
        lines.push(format!("From an earlier summary: {}", beginning(earlier, budget / 3)));
    }
    let used: u64 = lines.iter().map(|line| text_tokens(line)).sum();
    let per_message = (budget.saturating_sub(used) / (span.len().max(1) as u64)).clamp(12, 200);
    let mut left = budget.saturating_sub(used);
    let mut newest_first = Vec::new();
    let mut skipped = 0usize;
    for (at, message) in span.iter().enumerate().rev() {
        let who = match message.role {
            Role::User => "Person",
            Role::Assistant => "Model",
        };
        let images = message.images().count();
        let mut line = format!("{who}: {}", beginning(&message.text(), per_message));
        if images > 0 {
            line.push_str(&format!(" [{images} picture(s)]"));
        }
        let cost = text_tokens(&line) + 2;
        // The first message often says what it is all about; it stays whatever the room.
        if cost <= left || at == 0 {
            left = left.saturating_sub(cost);
            newest_first.push(line);
        } else {
            skipped += 1;
        }
    }
    newest_first.reverse();
    if skipped > 0 {
        let note = format!("[{skipped} messages are left out here.]");
        newest_first.insert(1.min(newest_first.len()), note);
    }
    lines.extend(newest_first);
    lines.join("\n")
}

/// The beginning of a text up to about `tokens`, on one line.
fn beginning(text: &str, tokens: u64) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for c in flat.chars() {
        out.push(c);
        if text_tokens(&out) >= tokens {
            out.push('…');
            break;
        }
    }
    out
}
