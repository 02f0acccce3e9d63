//! What a person does: sends, acts on a card, stops, compacts, renames, deletes.
//!
//! Every handler serves a plain form, answered by a redirect, and a script, answered by JSON that
//! names the conversation.

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use halo_engine::{Act, Edit, Submission};
use halo_types::{
    Action, AttemptId, ConversationId, ImageRef, Lang, MessageId, StepId, Target, TurnId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use crate::composer;
use crate::error::PageError;
use crate::extract::Path;
use crate::state::AppState;

/// The longest message, in bytes. Longer texts make pages and models slow; they are files.
pub(crate) const MAX_TEXT: usize = 4_000_000;

/// A posted form. What cannot be read is refused in words.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, PageError> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(PageError::TooLarge { bytes: None, max: MAX_TEXT as u64 })
            }
            Err(error) => {
                tracing::debug!(%error, "a form could not be read");
                Err(PageError::Bad("problem-bad-form"))
            }
        }
    }
}

/// The answer after something was done in a conversation.
pub(crate) fn done(headers: &HeaderMap, id: ConversationId) -> Response {
    if wants_json(headers) {
        axum::Json(json!({ "conversation": id })).into_response()
    } else {
        Redirect::to(&format!("/c/{id}")).into_response()
    }
}

/// The answer where another page follows.
pub(crate) fn go(headers: &HeaderMap, address: &str) -> Response {
    if wants_json(headers) {
        axum::Json(json!({ "go": address })).into_response()
    } else {
        Redirect::to(address).into_response()
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

fn new_turn() -> TurnId {
    TurnId::new(Uuid::now_v7())
}

/// The composer's form.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    turn: Option<TurnId>,
    #[serde(default)]
    text: String,
    /// The pictures as a JSON list, as `POST /images` gave them.
    #[serde(default)]
    images: String,
    /// `provider/model`; empty for the conversation's.
    #[serde(default)]
    target: String,
    /// Whether pictures go as small as the model takes them.
    #[serde(default)]
    smaller: String,
    /// The prompt that this replaces.
    #[serde(default)]
    edit: String,
}

/// What a person typed.
enum Typed {
    Compact { keep: Option<String> },
    New,
    Practice,
    Text,
}

fn typed(text: &str) -> Typed {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match (word, rest.trim()) {
        ("/compact", "") => Typed::Compact { keep: None },
        ("/compact", keep) => Typed::Compact { keep: Some(keep.to_owned()) },
        ("/new", "") => Typed::New,
        ("/practice", "") => Typed::Practice,
        _ => Typed::Text,
    }
}

/// A key alone is no message: it would be stored and sent to whoever answers. It goes into the form
/// that sets its provider up.
async fn key_alone(
    state: &AppState,
    headers: &HeaderMap,
    text: &str,
) -> Option<Result<Response, PageError>> {
    let key = halo_config::find_key(text).filter(|key| *key == text.trim())?;
    if wants_json(headers) {
        return Some(Err(PageError::Bad("problem-key-as-message")));
    }
    Some(crate::settings::instead_of_message(state, headers, key).await)
}

/// `POST /messages`: the first message of a new conversation.
pub(crate) async fn first(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(form): Form<Message>,
) -> Result<Response, PageError> {
    match typed(&form.text) {
        Typed::New => return Ok(go(&headers, "/new")),
        Typed::Practice => return Ok(go(&headers, "/practice")),
        Typed::Compact { .. } => return Err(PageError::Bad("problem-nothing-to-compact")),
        Typed::Text => {}
    }
    if let Some(answer) = key_alone(&state, &headers, &form.text).await {
        return answer;
    }
    let smaller = !form.smaller.is_empty();
    let submission = read(form)?;
    // The same submission again, after a lost answer, finds its conversation.
    if let Some(known) = state.engine().store().turn(submission.turn).await? {
        return Ok(done(&headers, known));
    }
    if submission.text.trim().is_empty() && submission.images.is_empty() {
        return Err(PageError::Engine(halo_engine::EngineError::Empty));
    }
    let conversation = state.engine().create(submission.target.clone()).await?;
    if smaller {
        state.engine().send_smaller(conversation).await?;
    }
    state.engine().submit(Submission { conversation, ..submission }).await?;
    Ok(done(&headers, conversation))
}

/// `POST /c/{id}/messages`.
pub(crate) async fn message(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<Message>,
) -> Result<Response, PageError> {
    match typed(&form.text) {
        Typed::New => return Ok(go(&headers, "/new")),
        Typed::Practice => return Ok(go(&headers, &format!("/c/{id}?practice"))),
        Typed::Compact { keep } => {
            state.engine().compact(id, keep, form.turn.unwrap_or_else(new_turn)).await?;
            return Ok(done(&headers, id));
        }
        Typed::Text => {}
    }
    if let Some(answer) = key_alone(&state, &headers, &form.text).await {
        return answer;
    }
    if let Ok(message) = form.edit.parse() {
        check_length(&form.text)?;
        let edit = Edit {
            conversation: id,
            message,
            turn: form.turn.unwrap_or_else(new_turn),
            text: unix_lines(&form.text),
            target: composer::target(&form.target),
        };
        state.engine().edit(edit).await?;
        return Ok(done(&headers, id));
    }
    state.engine().submit(Submission { conversation: id, ..read(form)? }).await?;
    Ok(done(&headers, id))
}

fn check_length(text: &str) -> Result<(), PageError> {
    if text.len() > MAX_TEXT {
        let bytes = u64::try_from(text.len()).ok();
        return Err(PageError::TooLarge { bytes, max: MAX_TEXT as u64 });
    }
    Ok(())
}

/// A submission; the conversation is still to be filled in.
fn read(form: Message) -> Result<Submission, PageError> {
    check_length(&form.text)?;
    let images: Vec<ImageRef> = match form.images.trim() {
        "" => Vec::new(),
        json => serde_json::from_str(json).map_err(|_| PageError::Bad("problem-bad-form"))?,
    };
    Ok(Submission {
        turn: form.turn.unwrap_or_else(new_turn),
        conversation: ConversationId::new(Uuid::nil()),
        text: unix_lines(&form.text),
        images,
        target: composer::target(&form.target),
    })
}

/// Browsers send line breaks of forms as CR LF.
fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A button of a card.
#[derive(Debug, Deserialize)]
pub(crate) struct CardForm {
    turn: TurnId,
    attempt: AttemptId,
    action: String,
    #[serde(default)]
    target: String,
}

/// `POST /c/{id}/act`.
pub(crate) async fn act(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<CardForm>,
) -> Result<Response, PageError> {
    let action: Action = form.action.parse().map_err(|_| PageError::Bad("problem-bad-form"))?;
    let target = match form.target.trim() {
        "" => None,
        typed => Some(chosen(&state, typed, id).await?),
    };
    let act = Act {
        conversation: id,
        turn: form.turn,
        attempt: form.attempt,
        action,
        target,
        text: None,
    };
    state.engine().act(act).await?;
    Ok(done(&headers, id))
}

/// The model a person chose or typed. A bare name means the conversation's provider.
async fn chosen(state: &AppState, typed: &str, id: ConversationId) -> Result<Target, PageError> {
    let engine = state.engine();
    if let Some(target) = composer::target(typed)
        && engine.provider(&target.provider).is_some()
    {
        return Ok(target);
    }
    let view = engine.conversation(id, Lang::En).await?;
    let provider = view.target.ok_or(PageError::Bad("problem-no-target"))?.provider;
    Ok(Target { provider, model: typed.to_owned() })
}

/// `POST /c/{id}/stop`.
pub(crate) async fn stop(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    // A turn that ended in the same moment needs no stopping.
    state.engine().stop(id).await?;
    Ok(done(&headers, id))
}

/// What waits and is to be sent at once.
#[derive(Debug, Deserialize)]
pub(crate) struct Waiting {
    turn: TurnId,
}

/// `POST /c/{id}/send-now`.
pub(crate) async fn send_now(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(waiting): Form<Waiting>,
) -> Result<Response, PageError> {
    // A turn that left in the same moment needs no hurry.
    state.engine().send_now(id, waiting.turn).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/messages/{message}/continue`.
pub(crate) async fn cont(
    State(state): State<AppState>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().cont(id, message, new_turn()).await?;
    Ok(done(&headers, id))
}

/// Which model answers again.
#[derive(Debug, Deserialize)]
pub(crate) struct AgainForm {
    /// `provider/model`; empty for the conversation's.
    #[serde(default)]
    target: String,
}

/// `POST /c/{id}/messages/{message}/regenerate`.
pub(crate) async fn regenerate(
    State(state): State<AppState>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    headers: HeaderMap,
    Form(form): Form<AgainForm>,
) -> Result<Response, PageError> {
    let target = match form.target.trim() {
        "" => None,
        typed => Some(chosen(&state, typed, id).await?),
    };
    state.engine().regenerate(id, message, new_turn(), target).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/messages/{message}/fork`: the next prompt follows this message.
pub(crate) async fn fork(
    State(state): State<AppState>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().fork(id, message).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/messages/{message}/choose`: shows the branch that goes through a message.
pub(crate) async fn choose(
    State(state): State<AppState>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().choose(id, message).await?;
    Ok(done(&headers, id))
}

/// Whether a message is to be pinned.
#[derive(Debug, Deserialize)]
pub(crate) struct PinForm {
    pinned: u8,
}

/// `POST /c/{id}/messages/{message}/pin`: keeps a message out of summaries, or no longer.
pub(crate) async fn pin(
    State(state): State<AppState>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    headers: HeaderMap,
    Form(form): Form<PinForm>,
) -> Result<Response, PageError> {
    state.engine().pin(id, message, form.pinned > 0).await?;
    Ok(done(&headers, id))
}

/// What a compaction has to keep.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CompactForm {
    turn: Option<TurnId>,
    #[serde(default)]
    keep: String,
}

/// `POST /c/{id}/compact`: the older part is summarised, as `/compact` does.
pub(crate) async fn compact(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<CompactForm>,
) -> Result<Response, PageError> {
    let keep = Some(form.keep).filter(|keep| !keep.trim().is_empty());
    state.engine().compact(id, keep, form.turn.unwrap_or_else(new_turn)).await?;
    Ok(done(&headers, id))
}

/// The chosen model.
#[derive(Debug, Deserialize)]
pub(crate) struct TargetForm {
    /// As forms carry it.
    pub(crate) target: String,
}

/// `POST /c/{id}/target`.
pub(crate) async fn set_target(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<TargetForm>,
) -> Result<Response, PageError> {
    let target = composer::target(&form.target).ok_or(PageError::Bad("problem-bad-form"))?;
    state.engine().set_target(id, target).await?;
    Ok(done(&headers, id))
}

/// Which pictures are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct LeaveOutForm {
    /// How many of the newest still go; none where it is not given.
    keep: Option<usize>,
}

/// `POST /c/{id}/leave-out-images`: the pictures are not sent to the chosen model.
pub(crate) async fn leave_out_images(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<LeaveOutForm>,
) -> Result<Response, PageError> {
    state.engine().leave_out_images(id, form.keep).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/send-smaller`: the pictures go to the chosen model as small as it takes them.
pub(crate) async fn send_smaller(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().send_smaller(id).await?;
    Ok(done(&headers, id))
}

/// A new title.
#[derive(Debug, Deserialize)]
pub(crate) struct TitleForm {
    title: String,
}

/// `POST /c/{id}/rename`.
pub(crate) async fn rename(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<TitleForm>,
) -> Result<Response, PageError> {
    let title: String = form.title.trim().chars().take(200).collect();
    state.engine().rename(id, &title).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/pin`: on top of the list, or back among the others.
pub(crate) async fn keep_on_top(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Form(form): Form<PinForm>,
) -> Result<Response, PageError> {
    state.engine().keep_on_top(id, form.pinned > 0).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/delete`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().delete(id).await?;
    Ok(go(&headers, &format!("/?deleted={id}")))
}

/// `POST /c/{id}/restore`.
pub(crate) async fn restore(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().restore(id).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/steps/{step}/undo`.
pub(crate) async fn undo_step(
    State(state): State<AppState>,
    Path((id, step)): Path<(ConversationId, StepId)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().undo_step(id, step).await?;
    Ok(done(&headers, id))
}

/// `POST /c/{id}/steps/{step}/redo`.
pub(crate) async fn redo_step(
    State(state): State<AppState>,
    Path((id, step)): Path<(ConversationId, StepId)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    state.engine().redo_step(id, step).await?;
    Ok(done(&headers, id))
}

/// The words of a summary.
#[derive(Debug, Deserialize)]
pub(crate) struct SummaryForm {
    text: String,
}

/// `POST /c/{id}/steps/{step}/edit`: the person's words stand in place of a summary.
pub(crate) async fn edit_summary(
    State(state): State<AppState>,
    Path((id, step)): Path<(ConversationId, StepId)>,
    headers: HeaderMap,
    Form(form): Form<SummaryForm>,
) -> Result<Response, PageError> {
    check_length(&form.text)?;
    state.engine().edit_summary(id, step, &unix_lines(&form.text)).await?;
    Ok(done(&headers, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_text() {
        assert!(matches!(typed("/compact"), Typed::Compact { keep: None }));
        assert!(
            matches!(typed(" /compact the plan\n"), Typed::Compact { keep: Some(k) } if k == "the plan")
        );
        assert!(matches!(typed("/new"), Typed::New));
        assert!(matches!(typed("/practice "), Typed::Practice));
        for text in ["/newer", "/new words", "/practice makes perfect", "see /compact", "/"] {
            assert!(matches!(typed(text), Typed::Text), "{text}");
        }
    }
}
