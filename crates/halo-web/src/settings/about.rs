//! Settings → Appearance and Settings → About.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;

use super::form::Pairs;
use super::{Answer, Section, Shell, see_other};
use crate::clock::Zone;
use crate::cookies;
use crate::page::{self, Page};
use crate::state::AppState;
use crate::strings::{LANGUAGE_COOKIE, Locale};

/// How long a choice of this browser is kept.
const CHOICE_S: u64 = 400 * 24 * 60 * 60;

struct Choice {
    value: &'static str,
    words: String,
    on: bool,
}

struct Group {
    name: &'static str,
    legend: String,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "settings/appearance.html")]
struct AppearancePage {
    page: Page,
    shell: Shell,
    groups: Vec<Group>,
}

/// `GET /settings/appearance`
pub(super) async fn appearance(
    page: Page,
    headers: HeaderMap,
    Query(query): Query<Pairs>,
) -> Answer {
    let w = page.words;
    let chosen = cookies::value(&headers, LANGUAGE_COOKIE).and_then(Locale::from_tag);
    let language = |value, key, locale| Choice { value, words: w.t(key), on: chosen == locale };
    let theme = |value, key| Choice { value, words: w.t(key), on: value == "system" };
    let groups = vec![
        Group {
            name: "theme",
            legend: w.t("settings-theme"),
            choices: vec![
                theme("system", "settings-theme-system"),
                theme("light", "settings-theme-light"),
                theme("dark", "settings-theme-dark"),
            ],
        },
        Group {
            name: "language",
            legend: w.t("settings-language"),
            choices: vec![
                language("browser", "settings-language-browser", None),
                language("en", "settings-language-en", Some(Locale::En)),
                language("zh-CN", "settings-language-zh", Some(Locale::ZhCn)),
            ],
        },
    ];
    let mut shell = Shell::new(w, Section::Appearance);
    if query.iter().any(|(name, _)| name == "saved") {
        shell.notice = Some(w.t("settings-saved"));
    }
    page::html(&AppearancePage { page, shell, groups })
}

/// `POST /settings/appearance`: the language. The colours are the browser's own business and are
/// kept there by a script.
pub(super) async fn save_appearance(Form(pairs): Form<Pairs>) -> Answer {
    let wanted = pairs.iter().find(|(name, _)| name == "language").map(|(_, value)| value.as_str());
    let locale = wanted.and_then(Locale::from_tag);
    let cookie = match locale {
        Some(locale) => cookies::set(LANGUAGE_COOKIE, locale.tag(), CHOICE_S),
        None => cookies::set(LANGUAGE_COOKIE, "", 0),
    };
    let to = see_other("/settings/appearance?saved=1");
    Ok(([(header::SET_COOKIE, cookie)], to).into_response())
}

#[derive(Template)]
#[template(path = "settings/about.html")]
struct AboutPage {
    page: Page,
    shell: Shell,
    version: &'static str,
    licence: &'static str,
    /// The table behind the catalogue of models, and its day.
    catalogue: String,
    data: String,
    config: String,
    secrets: String,
}

/// `GET /settings/about`
pub(super) async fn about(State(state): State<AppState>, page: Page) -> Answer {
    let paths = state.engine().config().paths();
    let shell = Shell::new(page.words, Section::About);
    let source = halo_config::catalogue_source();
    page::html(&AboutPage {
        version: env!("CARGO_PKG_VERSION"),
        licence: env!("CARGO_PKG_LICENSE"),
        catalogue: format!("{}, {}", source.name, Zone::default().date_text(source.at)),
        data: paths.data().display().to_string(),
        config: paths.config().display().to_string(),
        secrets: paths.secrets().display().to_string(),
        page,
        shell,
    })
}
