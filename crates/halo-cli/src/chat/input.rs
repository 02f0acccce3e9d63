//! The line that a person types: editing, history, several lines, completion of commands.

use std::path::PathBuf;

use anyhow::Context as _;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Cmd, Config, Context, Editor, EventHandler, Helper, KeyCode, KeyEvent, Modifiers};

use super::command::COMMANDS;

/// How many lines the history keeps.
const HISTORY: usize = 1_000;

/// What came of a prompt.
pub(super) enum Line {
    Text(String),
    /// Ctrl+C.
    Interrupted,
    /// Ctrl+D, or the terminal is gone.
    End,
}

/// The line editor.
pub(super) struct Input {
    editor: Option<Editor<Commands, FileHistory>>,
    history: PathBuf,
}

impl Input {
    pub(super) fn new(history: PathBuf) -> anyhow::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY)
            .context("the history")?
            .auto_add_history(false)
            .bracketed_paste(true)
            .build();
        let mut editor = Editor::with_config(config).context("the terminal cannot be read")?;
        editor.set_helper(Some(Commands));
        let newline = || EventHandler::Simple(Cmd::Newline);
        editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), newline());
        editor.bind_sequence(KeyEvent::ctrl('J'), newline());
        // There is none before the first prompt.
        let _ = editor.load_history(&history);
        Ok(Self { editor: Some(editor), history })
    }

    /// Asks for a line that begins with `draft`.
    pub(super) async fn line(&mut self, prompt: String, draft: String) -> anyhow::Result<Line> {
        let mut editor = self.editor.take().context("the terminal is being read already")?;
        let task = tokio::task::spawn_blocking(move || {
            let read = editor.readline_with_initial(&prompt, (&draft, ""));
            (editor, read)
        });
        let (mut editor, read) = task.await.context("the terminal could not be read")?;
        let line = match read {
            Ok(text) => {
                if !text.trim().is_empty() && editor.add_history_entry(text.as_str())? {
                    // A history that cannot be kept is no reason to stop.
                    let _ = editor.append_history(&self.history);
                }
                Line::Text(text.replace("\\\n", "\n"))
            }
            Err(ReadlineError::Interrupted) => Line::Interrupted,
            Err(ReadlineError::Eof) => Line::End,
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Line::End
            }
            Err(error) => return Err(error).context("the terminal cannot be read"),
        };
        self.editor = Some(editor);
        Ok(line)
    }
}

/// Completes commands, and asks for more after a backslash at the end of a line.
struct Commands;

impl Helper for Commands {}
impl Highlighter for Commands {}

impl Hinter for Commands {
    type Hint = String;
}

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let Some(word) = line[..at].strip_prefix('/') else { return Ok((at, Vec::new())) };
        let fitting = COMMANDS.iter().filter(|name| name.starts_with(word));
        Ok((0, fitting.map(|name| format!("/{name} ")).collect()))
    }
}

impl Validator for Commands {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if context.input().ends_with('\\') {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}
