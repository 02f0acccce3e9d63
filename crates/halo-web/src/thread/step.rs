//! The quiet note of a step, with its Undo.

use askama::Template;
use halo_engine::StepView;
use halo_types::{ConversationId, StepKind, Target};

use super::{Piece, Setting, tokens};
use crate::error::PageError;
use crate::strings::Words;

#[derive(Template)]
#[template(path = "step.html")]
struct StepTemplate<'a> {
    words: Words,
    conversation: ConversationId,
    step: &'a StepView,
    name: &'static str,
    text: String,
    summary: Option<&'a str>,
    by: Option<String>,
}

pub(super) fn piece(
    conversation: ConversationId,
    step: &StepView,
    setting: &Setting<'_>,
) -> Result<Piece, PageError> {
    let words = setting.words;
    let (name, text) = match &step.kind {
        StepKind::OmitImages { target, before } => {
            let key = if before.is_some() { "step-omit-older-images" } else { "step-omit-images" };
            ("omit_images", words.t1(key, "model", setting.model_name(target)))
        }
        StepKind::ShrinkImages { target, max_side, .. } => (
            "shrink_images",
            words.t2(
                "step-shrink-images",
                ("model", &setting.model_name(target)),
                ("side", &max_side.to_string()),
            ),
        ),
        StepKind::Summarise { tokens_before, tokens_after, .. } => (
            "summarise",
            words.t2(
                "step-summarise",
                ("before", &tokens(*tokens_before)),
                ("after", &tokens(*tokens_after)),
            ),
        ),
        StepKind::DropParameter { target, name } => (
            "drop_parameter",
            words.t2("step-drop-parameter", ("name", name), ("model", &setting.model_name(target))),
        ),
        StepKind::LowerMaxTokens { target, max_tokens } => (
            "lower_max_tokens",
            words.t2(
                "step-lower-max-tokens",
                ("max", &max_tokens.to_string()),
                ("model", &setting.model_name(target)),
            ),
        ),
        StepKind::RepairHistory => ("repair_history", words.t("step-repair-history")),
    };
    let (summary, by) = match &step.kind {
        StepKind::Summarise { summary, by, parts, edits, .. } => {
            (Some(summary.as_str()), Some(author(by.as_ref(), *parts, edits.is_some(), setting)))
        }
        _ => (None, None),
    };
    let html = StepTemplate { words, conversation, step, name, text, summary, by }.render()?;
    Ok(Piece::new(format!("s-{}", step.id), html))
}

/// Who wrote a summary, and how.
fn author(by: Option<&Target>, parts: u32, edited: bool, setting: &Setting<'_>) -> String {
    let words = setting.words;
    if edited {
        return words.t("step-summary-edited");
    }
    let Some(target) = by else { return words.t("step-summary-by-rule") };
    let model = setting.model_name(target);
    if parts > 1 {
        words.t2("step-summary-in-parts", ("model", &model), ("parts", &parts.to_string()))
    } else {
        words.t1("step-summary-by", "model", model)
    }
}
