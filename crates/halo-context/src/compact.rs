//! Compaction: which older part to summarise, with what request, and the rung that needs no
//! model.

use halo_types::{ChatRequest, Message, MessageId, Parameters, Part, Protocol, Role, Step, Target};

use crate::tokens::{Rough, ceil_boundary, floor_boundary};
use crate::view::{ViewInput, ask, view};
use crate::{Estimator, ModelFacts};

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
    /// The protocol it speaks.
    pub protocol: Protocol,
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
pub fn plan(
    input: &CompactInput<'_>,
    estimator: &mut Estimator<'_>,
) -> Result<CompactPlan, CompactError> {
    let of_branch = |branch, system| {
        view(&ViewInput {
            branch,
            steps: input.steps,
            target: input.target,
            protocol: input.protocol,
            facts: input.facts,
            system,
            parameters: Parameters::default(),
        })
    };
    let now = of_branch(input.branch, input.system);
    let tokens_before = estimator.request(&now.request);
    let system_tokens = input.system.map_or(0, |system| estimator.text(system));
    let last_user = input
        .branch
        .iter()
        .rposition(|message| message.role == Role::User)
        .ok_or(CompactError::NothingBefore)?;
    // What everything from a place on takes.
    let mut tails = vec![0u64; input.branch.len() + 1];
    for (at, message) in input.branch.iter().enumerate().rev() {
        tails[at] = tails[at + 1].saturating_add(estimator.message(message));
    }
    let window = input.facts.window();
    if let Some(window) = window {
        let tokens = system_tokens + tails[last_user];
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
        if tails[at] + system_tokens + summary_max > keep_budget {
            break;
        }
        if message.role == Role::User {
            first_kept = at;
        }
    }
    let anything_sent =
        |end: usize| input.branch[..end].iter().any(|m| !now.summarised.contains(&m.id));
    if !anything_sent(first_kept) {
        // Everything that could go is in a summary already; the newest exchange goes last.
        first_kept = last_user;
        if !anything_sent(first_kept) {
            return Err(CompactError::NothingBefore);
        }
    }
    let mut request = of_branch(&input.branch[..first_kept], None).request;
    as_text(&mut request);
    request.max_tokens = Some(summary_max);
    if let Some(window) = window {
        shrink(&mut request, window.saturating_sub(summary_max + 600), estimator);
    } else if input.useless_tries > 0 {
        let budget = estimator.request(&request) >> input.useless_tries.min(3);
        shrink(&mut request, budget, estimator);
    }
    ask(&mut request, instruction(input.keep, summary_max));
    let kept = system_tokens + tails[first_kept];
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

/// The conversation as something to read: pictures and tools become words, so that whatever is
/// cut off afterwards leaves no call without its result.
fn as_text(request: &mut ChatRequest) {
    for message in &mut request.messages {
        for part in &mut message.parts {
            let words = match part {
                Part::Image(_) => "[a picture]".to_owned(),
                Part::ToolCall { name, arguments, .. } => {
                    format!("[Asked the tool {name}: {arguments}]")
                }
                Part::ToolResult { text, .. } => format!("[The tool answered: {text}]"),
                _ => continue,
            };
            *part = Part::text(words);
        }
    }
}

/// Shortens the longest texts in the middle until the request fits the budget.
fn shrink(request: &mut ChatRequest, budget: u64, estimator: &mut Estimator<'_>) {
    let mut total = estimator.request(request);
    // Halving the longest text each time ends after some tens of rounds even for megabytes.
    for _ in 0..400 {
        if total <= budget {
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
            Some(text) if text.len() > 120 => {
                let before = estimator.passing_text(text);
                *text = middle_cut(text, text.len() / 2);
                total = total.saturating_sub(before) + estimator.passing_text(text);
            }
            _ => break,
        }
    }
    // Many short messages: the oldest go, in pairs so that roles still alternate.
    let mut sizes = request.messages.iter().map(|message| {
        let texts = message.parts.iter().map(|part| match part {
            Part::Text { text } => Rough::of(text),
            _ => 0,
        });
        texts.sum::<u64>() + 4
    });
    let mut gone = 0;
    while total > budget && gone + 2 < request.messages.len() {
        let pair = sizes.next().unwrap_or(0) + sizes.next().unwrap_or(0);
        total = total.saturating_sub(pair);
        gone += 2;
    }
    request.messages.drain(..gone);
    // The sizes above are rough; the rest is counted.
    while request.messages.len() > 2 && estimator.request(request) > budget {
        let few = (request.messages.len() / 20).max(1) * 2;
        let few = few.min(request.messages.len() - 1);
        request.messages.drain(..few - few % 2);
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
    let used: u64 = lines.iter().map(|line| Rough::of(line)).sum();
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
        let cost = Rough::of(&line) + 2;
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
    let mut out = String::new();
    let mut size = Rough::default();
    for word in text.split_whitespace() {
        let space = if out.is_empty() { "" } else { " " };
        for c in space.chars().chain(word.chars()) {
            out.push(c);
            size.add(c);
            if size.tokens() >= tokens {
                out.push('…');
                return out;
            }
        }
    }
    out
}
