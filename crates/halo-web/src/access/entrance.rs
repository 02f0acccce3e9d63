//! The page that says how to get in.

use std::path::{Path, PathBuf};

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use etcetera::BaseStrategy as _;
use halo_config::Paths;

use super::{Refused, Way};
use crate::error::PageError;
use crate::strings::Words;

/// How a browser that is not signed in came to the door.
pub(crate) struct Entrance {
    /// The connection.
    pub(crate) way: Way,
    /// Whether a password opens.
    pub(crate) password: bool,
    /// It had a link that works no more.
    pub(crate) link_was_used: bool,
    /// The page that was wanted.
    pub(crate) to: String,
    /// Why the password it gave did not open.
    pub(crate) refused: Option<Refused>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    words: Words,
    to: &'a str,
    password: bool,
    /// Whether others on the way can read what is typed.
    open: bool,
    refused: Option<String>,
    how: String,
    command: String,
}

/// Shows it, with the status 401.
pub(crate) fn sign_in(
    words: Words,
    entrance: &Entrance,
    paths: &Paths,
) -> Result<Response, PageError> {
    let how = if entrance.link_was_used { "sign-in-link-used" } else { "sign-in-how" };
    let page = SignInPage {
        words,
        to: &entrance.to,
        password: entrance.password,
        open: !entrance.way.private,
        refused: entrance.refused.map(|refused| refused.words(words)),
        how: words.t(how),
        command: command(paths.data(), usual_folder().as_deref()),
    };
    Ok((StatusCode::UNAUTHORIZED, Html(page.render()?)).into_response())
}

/// The data folder of a Halo that was given none. Only asked for: resolving it as the program
/// does at its start would make the folder.
fn usual_folder() -> Option<PathBuf> {
    Some(etcetera::base_strategy::choose_native_strategy().ok()?.data_dir().join("halo"))
}

/// The command that finds this very Halo: it needs the data folder where that is not the usual.
fn command(folder: &Path, usual: Option<&Path>) -> String {
    if usual == Some(folder) {
        return "halo".to_owned();
    }
    let folder = folder.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/\\:._-+".contains(c);
    if folder.chars().all(plain) {
        format!("halo --data {folder}")
    } else {
        format!("halo --data \"{folder}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_a_data_folder_that_is_not_the_usual_one() {
        let usual = Path::new("/data/halo");
        assert_eq!(command(usual, Some(usual)), "halo");
        assert_eq!(command(Path::new("/other"), Some(usual)), "halo --data /other");
        assert_eq!(command(Path::new("/my data"), None), "halo --data \"/my data\"");
    }
}
