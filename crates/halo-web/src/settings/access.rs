//! Settings → Devices: the password for other machines, and the browsers that are signed in.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{Extensions, HeaderMap};
use halo_store::{TokenKind, TokenRow};

use super::form::Pairs;
use super::{Answer, Section, Shell, Trouble, refused, see_other, uncached};
use crate::access::{self, MIN_CHARS, PasswordError, Way};
use crate::auth;
use crate::page::{self, Page};
use crate::state::AppState;

/// What was just done, by the word in the address.
const NOTICES: &[(&str, &str)] = &[
    ("set", "access-set"),
    ("removed", "access-removed"),
    ("gone", "access-device-gone"),
    ("others", "access-others-gone"),
];

struct Device {
    hash: String,
    name: String,
    /// Since when, and when it was last here.
    times: String,
    /// It is the browser that asks.
    this: bool,
}

#[derive(Template)]
#[template(path = "settings/access.html")]
struct AccessPage {
    page: Page,
    shell: Shell,
    listen: String,
    /// Other machines reach this address.
    remote: bool,
    /// Others on the way can read what is typed here.
    open: bool,
    has_password: bool,
    min_chars: usize,
    command: String,
    devices: Vec<Device>,
}

fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// `GET /settings/devices`
pub(super) async fn show(
    State(state): State<AppState>,
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    Query(query): Query<Pairs>,
) -> Answer {
    let done = value(&query, "done");
    let notice = NOTICES.iter().find(|(name, _)| *name == done).map(|(_, key)| page.words.t(key));
    render(&state, page, Way::of(&extensions, &headers), &headers, notice, None).await
}

/// `POST /settings/devices/password`: sets it, or another one. Devices that the old one let in
/// are signed out.
pub(super) async fn set(
    State(state): State<AppState>,
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let store = state.engine().store();
    let way = Way::of(&extensions, &headers);
    let (new, again) = (value(&pairs, "new"), value(&pairs, "again"));
    let w = page.words;
    let trouble = if let Some(trouble) = not_the_old(&state, &page, way, &pairs).await? {
        Some(trouble)
    } else if new != again {
        Some(w.t("access-differ"))
    } else {
        match access::set_password(store.as_ref(), new).await {
            Ok(()) => None,
            Err(PasswordError::TooShort) => Some(w.t1("access-short", "count", MIN_CHARS)),
            Err(PasswordError::TooLong) => Some(w.t("access-long")),
            Err(PasswordError::Hash(why)) => Some(why),
            Err(PasswordError::Store(error)) => return Err(error.into()),
        }
    };
    if let Some(words) = trouble {
        return refuse(&state, page, way, &headers, words).await;
    }
    let this = auth::session(store.as_ref(), &headers).await?;
    auth::sign_out_others(store.as_ref(), this.as_ref().map(|row| row.hash.as_str())).await?;
    Ok(see_other("/settings/devices?done=set"))
}

/// `POST /settings/devices/password/remove`: not while other machines need it.
pub(super) async fn remove(
    State(state): State<AppState>,
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let way = Way::of(&extensions, &headers);
    let mut trouble = not_the_old(&state, &page, way, &pairs).await?;
    if !state.engine().config().settings().listen.ip().is_loopback() {
        trouble = Some(page.words.t("access-needed"));
    }
    if let Some(words) = trouble {
        return refuse(&state, page, way, &headers, words).await;
    }
    access::remove_password(state.engine().store().as_ref()).await?;
    Ok(see_other("/settings/devices?done=removed"))
}

/// `POST /settings/devices/revoke`: signs a device out.
pub(super) async fn revoke(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let store = state.engine().store();
    let hash = value(&pairs, "hash");
    if auth::session(store.as_ref(), &headers).await?.is_some_and(|this| this.hash == hash) {
        return auth::end_session(&state, &headers).await;
    }
    store.remove_token(TokenKind::Session, hash).await?;
    Ok(see_other("/settings/devices?done=gone"))
}

/// `POST /settings/devices/revoke-others`
pub(super) async fn revoke_others(State(state): State<AppState>, headers: HeaderMap) -> Answer {
    let store = state.engine().store();
    let this = auth::session(store.as_ref(), &headers).await?;
    auth::sign_out_others(store.as_ref(), this.as_ref().map(|row| row.hash.as_str())).await?;
    Ok(see_other("/settings/devices?done=others"))
}

/// Why the password may not be changed: a browser left open must not be enough.
async fn not_the_old(
    state: &AppState,
    page: &Page,
    way: Way,
    pairs: &Pairs,
) -> Result<Option<String>, crate::error::PageError> {
    if !access::has_password(state.engine().store().as_ref()).await? {
        return Ok(None);
    }
    let refused = match state.gate().check(state, way.from, value(pairs, "old")).await? {
        Ok(true) => return Ok(None),
        Ok(false) => access::Refused::Wrong,
        Err(until) => access::Refused::until(until),
    };
    Ok(Some(refused.words(page.words)))
}

async fn refuse(
    state: &AppState,
    page: Page,
    way: Way,
    headers: &HeaderMap,
    words: String,
) -> Answer {
    Ok(refused(render(state, page, way, headers, None, Some(Trouble::plain(words))).await?))
}

async fn render(
    state: &AppState,
    page: Page,
    way: Way,
    headers: &HeaderMap,
    notice: Option<String>,
    trouble: Option<Trouble>,
) -> Answer {
    let store = state.engine().store();
    let this = auth::session(store.as_ref(), headers).await?;
    let mut sessions = store.tokens(TokenKind::Session).await?;
    sessions.retain(auth::is_alive);
    // The one in use first, then those that were here last.
    sessions.sort_by_key(|row| {
        let is_this = this.as_ref().is_some_and(|this| this.hash == row.hash);
        (!is_this, std::cmp::Reverse(row.used_at.unwrap_or(row.created_at)))
    });
    let devices = sessions
        .into_iter()
        .map(|row| Device {
            this: this.as_ref().is_some_and(|this| this.hash == row.hash),
            times: times(&page, &row),
            name: match row.label.trim() {
                "" => page.words.t("access-device-unnamed"),
                name => name.to_owned(),
            },
            hash: row.hash,
        })
        .collect();
    let listen = state.engine().config().settings().listen;
    let mut shell = Shell::new(page.words, Section::Devices);
    shell.notice = notice;
    shell.trouble = trouble;
    let answer = page::html(&AccessPage {
        remote: !listen.ip().is_loopback(),
        listen: listen.to_string(),
        open: !way.private,
        has_password: access::has_password(store.as_ref()).await?,
        min_chars: MIN_CHARS,
        command: format!("halo --listen 0.0.0.0:{}", listen.port()),
        devices,
        shell,
        page,
    })?;
    Ok(uncached(answer))
}

fn times(page: &Page, row: &TokenRow) -> String {
    let w = page.words;
    let since = w.t1("access-device-since", "date", page.zone.minute_text(row.created_at));
    match row.used_at {
        Some(at) => {
            let last = w.t1("access-device-last", "date", page.zone.minute_text(at));
            format!("{since} · {last}")
        }
        None => since,
    }
}
