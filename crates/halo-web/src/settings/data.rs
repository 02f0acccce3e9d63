//! Settings → Data: taking conversations out, bringing them in, and what to do where the database
//! is damaged.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Form, Multipart, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use halo_engine::archive::{ArchiveError, Export, ExportFormat, ImportReport, Skipped};
use halo_engine::{Onward, Rescue};
use halo_types::ConversationId;
use serde::Deserialize;

use super::backup::{self, Backup, Deleted};
use super::form::Pairs;
use super::{Answer, Section, Shell, Trouble, refused, see_other};
use crate::clock;
use crate::error::PageError;
use crate::extract::Path;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::Words;

/// The largest file that is imported through a page. `halo import` has no such limit.
pub(crate) const MAX_IMPORT: usize = 512 * 1024 * 1024;

#[derive(Template)]
#[template(path = "settings/data.html")]
struct DataPage {
    page: Page,
    shell: Shell,
    folder: String,
    conversations: String,
    /// Conversations that were left as they are, with their titles.
    differing: Vec<(ConversationId, String)>,
    /// Conversations of the file that could not be read, each with the reason.
    skipped: Vec<(String, String)>,
    damage: Option<DamageWords>,
    backups: Vec<Backup>,
    /// That those that were deleted together can be brought back.
    undelete: Option<String>,
    any: bool,
}

struct DamageWords {
    what: String,
    read: String,
    lost: Option<String>,
    files: String,
    chosen: Option<String>,
}

/// What was just done, by the word in the address.
const NOTICES: &[(&str, &str)] =
    &[("backup", "backup-made"), ("deleted", "backup-deleted"), ("undeleted", "backup-undeleted")];

/// `GET /settings/data`
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(deleted): Extension<Deleted>,
    page: Page,
    Query(query): Query<Pairs>,
) -> Answer {
    let mut shell = Shell::new(page.words, Section::Data);
    let done = query.iter().find(|(name, _)| name == "done").map_or("", |(_, word)| word.as_str());
    let notice = NOTICES.iter().find(|(name, _)| *name == done);
    shell.notice = notice.map(|(_, key)| page.words.t(key));
    let mut data = data(&state, page, shell, Vec::new(), None).await?;
    let gone = deleted.count();
    data.undelete = (gone > 0).then(|| data.shell.w.n("backup-undelete", "count", gone));
    page::html(&data)
}

async fn data(
    state: &AppState,
    page: Page,
    shell: Shell,
    differing: Vec<(ConversationId, String)>,
    chosen: Option<Onward>,
) -> Result<DataPage, PageError> {
    let w = page.words;
    let count = state.engine().conversations().await?.len();
    Ok(DataPage {
        folder: state.engine().config().paths().data().display().to_string(),
        conversations: match count {
            1 => w.t("settings-data-one"),
            n => w.t1("settings-data-count", "count", n),
        },
        differing,
        skipped: Vec::new(),
        backups: backup::all(state.engine().config().paths().data(), page.zone),
        undelete: None,
        any: count > 0,
        damage: state.engine().rescue().map(|rescue| damage(w, rescue, chosen)),
        page,
        shell,
    })
}

fn damage(w: Words, rescue: &Rescue, chosen: Option<Onward>) -> DamageWords {
    let (records, conversations) = (rescue.records.to_string(), rescue.conversations.to_string());
    DamageWords {
        what: rescue.what.clone(),
        read: w.t2(
            "settings-data-damage-read",
            ("records", &records),
            ("conversations", &conversations),
        ),
        lost: (rescue.lost > 0).then(|| w.t1("settings-data-damage-lost", "count", rescue.lost)),
        files: w.t2(
            "settings-data-damage-files",
            ("damaged", &rescue.damaged.display().to_string()),
            ("rescued", &rescue.rescued.display().to_string()),
        ),
        chosen: chosen.map(|chosen| {
            w.t(match chosen {
                Onward::Rescued => "settings-data-chosen-rescued",
                Onward::Empty => "settings-data-chosen-empty",
            })
        }),
    }
}

/// `POST /settings/data/onward`: what the next start begins with.
pub(super) async fn onward(
    State(state): State<AppState>,
    page: Page,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let with = pairs.iter().find(|(name, _)| name == "with").map(|(_, value)| value.as_str());
    let choice = match with {
        Some("rescued") => Onward::Rescued,
        Some("empty") => Onward::Empty,
        _ => return Err(PageError::Bad("problem-bad-form")),
    };
    if state.engine().rescue().is_none() {
        return Ok(see_other("/settings/data"));
    }
    let mut shell = Shell::new(page.words, Section::Data);
    if let Err(error) = state.engine().go_on_with(choice) {
        shell.trouble = Some(Trouble {
            words: page.words.t("settings-error-file"),
            place: None,
            raw: Some(error.to_string()),
        });
        return Ok(refused(page::html(&data(&state, page, shell, Vec::new(), None).await?)?));
    }
    page::html(&data(&state, page, shell, Vec::new(), Some(choice)).await?)
}

/// Which form a file is to have.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
}

impl Wanted {
    fn format(&self) -> Result<ExportFormat, PageError> {
        match self.format.as_deref() {
            None | Some("json") => Ok(ExportFormat::Json),
            Some("markdown" | "md") => Ok(ExportFormat::Markdown),
            Some(_) => Err(PageError::NotFound),
        }
    }
}

/// `GET /export`: all conversations as a file.
pub(crate) async fn export_all(
    State(state): State<AppState>,
    words: Words,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let format = wanted.format()?;
    let export = state.engine().export(None, format, words.lang()).await?;
    Ok(download(export, format, "halo"))
}

/// `GET /c/{id}/export`: one conversation as a file.
pub(crate) async fn export_one(
    State(state): State<AppState>,
    Path(id): Path<ConversationId>,
    page: Page,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let format = wanted.format()?;
    let export = state.engine().export(Some(id), format, page.words.lang()).await?;
    let all = state.engine().conversations().await?;
    let title = all.iter().find(|row| row.id == id).map_or("halo", |row| &row.title);
    Ok(download(export, format, title))
}

/// The file as it is written, one conversation at a time.
fn download(export: Export, format: ExportFormat, title: &str) -> Response {
    let body = Body::from_stream(stream::try_unfold(export, async |mut export| {
        let piece = export.next().await?;
        Ok::<_, ArchiveError>(piece.map(|piece| (Bytes::from(piece), export)))
    }));
    let date = clock::Zone::default().date_text(clock::now());
    let ending = format.extension();
    let plain: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let plain = plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let plain = if plain.is_empty() { "conversation".to_owned() } else { plain };
    let named = format!("attachment; filename=\"{plain}-{date}.{ending}\"");
    (
        [
            (header::CONTENT_TYPE, format.media_type().to_owned()),
            (header::CONTENT_DISPOSITION, named),
        ],
        body,
    )
        .into_response()
}

/// `POST /settings/data/import`
pub(super) async fn import(
    State(state): State<AppState>,
    page: Page,
    mut upload: Multipart,
) -> Answer {
    let w = page.words;
    let mut file = None;
    while let Some(field) = upload.next_field().await.map_err(broken)? {
        if field.name() == Some("file") {
            file = Some(field.bytes().await.map_err(broken)?);
        }
    }
    let file = file.filter(|bytes| !bytes.is_empty()).ok_or(PageError::Bad("problem-no-file"))?;
    let mut shell = Shell::new(w, Section::Data);
    match state.engine().import(file.into()).await {
        Ok(report) => {
            shell.notice = Some(notice(w, &report));
            // The list has grown.
            let page = Page::again(&state, page).await?;
            let title = |id| {
                let rows = page.days.iter().flat_map(|day| &day.rows);
                rows.into_iter()
                    .find(|row| row.id == id)
                    .map_or_else(String::new, |row| row.title.clone())
            };
            let differing = report.differing.iter().map(|id| (*id, title(*id))).collect();
            let skipped = report.skipped.iter().map(|one| skipped(w, one)).collect();
            let shown = data(&state, page, shell, differing, None).await?;
            page::html(&DataPage { skipped, ..shown })
        }
        Err(error) => {
            shell.trouble = Some(trouble(w, &error));
            Ok(refused(page::html(&data(&state, page, shell, Vec::new(), None).await?)?))
        }
    }
}

fn broken(error: axum::extract::multipart::MultipartError) -> PageError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        PageError::TooLarge { bytes: None, max: MAX_IMPORT as u64 }
    } else {
        PageError::Bad("problem-bad-form")
    }
}

/// What was imported, in one or more sentences.
fn notice(w: Words, report: &ImportReport) -> String {
    let parts = [
        ("settings-data-added", report.added),
        ("import-messages", report.messages),
        ("settings-data-continued", report.continued),
        ("settings-data-restored", report.restored),
        ("settings-data-known", report.known),
        ("settings-data-differing", report.differing.len()),
        ("settings-data-import-damaged", report.damaged),
        ("import-skipped", report.skipped.len()),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(_, n)| *n > 0).map(|(key, n)| w.t1(key, "count", n)).collect();
    if said.is_empty() { w.t("settings-data-import-nothing") } else { said.join(" ") }
}

/// Which conversation was skipped, and why.
fn skipped(w: Words, one: &Skipped) -> (String, String) {
    let nth = w.t1("import-nth", "count", one.nth);
    let name = one.title.as_ref().map_or(nth.clone(), |title| format!("{nth} · {title}"));
    (name, one.why.clone())
}

fn trouble(w: Words, error: &ArchiveError) -> Trouble {
    let (key, place) = match error {
        ArchiveError::NotAnExport => ("import-not-an-export", None),
        ArchiveError::Package { .. } => ("import-package", None),
        ArchiveError::TooLarge { .. } => ("import-too-large", None),
        ArchiveError::Newer { .. } => ("settings-data-newer", None),
        ArchiveError::Damaged { line, column, .. } => {
            ("settings-data-file-damaged", Some(format!("{line}:{column}")))
        }
        ArchiveError::Conversation { conversation, .. } => {
            ("settings-data-file-damaged", Some(conversation.clone()))
        }
        ArchiveError::Incomplete => ("settings-data-file-damaged", None),
        _ => ("settings-data-store", None),
    };
    let mut raw = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        raw.push_str(&format!(": {source}"));
    }
    Trouble { words: w.t(key), place, raw: Some(raw) }
}
