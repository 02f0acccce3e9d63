//! A conversation for reading: messages, thoughts folded, errors in the provider's words with what
//! they mean, and every attempt.

use std::collections::HashSet;
use std::fmt::Write as _;

use halo_diagnose::{Context, diagnose};
use halo_types::redact;
use halo_types::{
    AttemptOutcome, Ending, Lang, Message, Part, Role, StopReason, Timestamp, TurnKind,
};

use crate::log::{AttemptLog, Log, TurnLog};

/// The few words that stand around what was said.
struct Words {
    untitled: &'static str,
    exported: &'static str,
    system: &'static str,
    you: &'static str,
    model: &'static str,
    thinking: &'static str,
    picture: &'static str,
    tool: &'static str,
    tool_said: &'static str,
    other: &'static str,
    stopped: &'static str,
    interrupted: &'static str,
    cut: &'static str,
    error: &'static str,
    said: &'static str,
    nothing_said: &'static str,
    attempt: &'static str,
    answered: &'static str,
    was_stopped: &'static str,
    died: &'static str,
    versions: &'static str,
    damaged: &'static str,
    summary: &'static str,
    pinned: &'static str,
}

const EN: Words = Words {
    untitled: "Untitled conversation",
    exported: "Exported from Halo; begun",
    system: "System prompt",
    you: "You",
    model: "Model",
    thinking: "Thinking",
    picture: "Picture",
    tool: "Calls the tool",
    tool_said: "The tool said",
    other: "Something only its provider understands",
    stopped: "Stopped here by the person.",
    interrupted: "The answer broke off here.",
    cut: "The answer reached the longest length allowed.",
    error: "Error",
    said: "In the provider's words:",
    nothing_said: "Nothing was sent.",
    attempt: "Attempt",
    answered: "answered",
    was_stopped: "stopped by the person",
    died: "Halo ended while it ran",
    versions: "Other versions",
    damaged: "records of this conversation are damaged and could not be read.",
    summary: "What was sent in place of the messages before, in summary",
    pinned: "Pinned: sent word for word whatever is summarised.",
};

const ZH: Words = Words {
    untitled: "未命名的对话",
    exported: "由 Halo 导出；开始于",
    system: "系统提示词",
    you: "你",
    model: "模型",
    thinking: "思考过程",
    picture: "图片",
    tool: "调用工具",
    tool_said: "工具返回",
    other: "只有原服务商能读懂的内容",
    stopped: "在此处被手动停止。",
    interrupted: "回答在此处中断。",
    cut: "回答达到了允许的最大长度。",
    error: "错误",
    said: "服务商的原话：",
    nothing_said: "没有收到任何内容。",
    attempt: "尝试",
    answered: "已回答",
    was_stopped: "被手动停止",
    died: "运行中 Halo 退出了",
    versions: "其他版本",
    damaged: "条记录已损坏，无法读取。",
    summary: "代替之前消息发送的摘要",
    pinned: "已固定：无论如何压缩，都会原文发送。",
};

/// Writes a conversation.
pub(super) fn write(out: &mut String, log: &Log, damaged: usize, context: &Context) {
    let words = match context.lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    };
    Writer { out, log, context, words }.conversation(damaged);
}

struct Writer<'a> {
    out: &'a mut String,
    log: &'a Log,
    context: &'a Context,
    words: &'a Words,
}

impl Writer<'_> {
    fn conversation(&mut self, damaged: usize) {
        let w = self.words;
        let log = self.log;
        let meta = log.meta.as_ref();
        let title = meta.map(|meta| one_line(&meta.title)).filter(|title| !title.is_empty());
        self.line(&format!("# {}", title.as_deref().unwrap_or(w.untitled)));
        if let Some(meta) = meta {
            let target = meta.target.as_ref().map(|t| format!(" · {t}")).unwrap_or_default();
            self.line(&format!("*{} {}{target}*", w.exported, instant(meta.created_at)));
        }
        if damaged > 0 {
            self.line(&format!("**{damaged} {}**", w.damaged));
        }
        if let Some(system) = meta.and_then(|meta| meta.system.as_deref()) {
            self.line(&format!("## {}", w.system));
            self.line(system.trim_end());
        }
        let branch = log.branch(log.head);
        let shown: HashSet<_> = branch.iter().map(|message| message.id).collect();
        for message in &branch {
            self.message(message);
        }
        let mut others: Vec<&Message> =
            log.messages().filter(|message| !shown.contains(&message.id)).collect();
        others.sort_by_key(|message| message.id);
        if !others.is_empty() {
            self.line("---");
            self.line(&format!("# {}", w.versions));
        }
        for message in others {
            self.message(message);
        }
    }

    fn message(&mut self, message: &Message) {
        let w = self.words;
        for entry in &self.log.steps {
            if let halo_types::StepKind::Summarise { first_kept, summary, .. } = &entry.step.kind
                && *first_kept == message.id
                && !entry.undone
            {
                self.folded(w.summary, summary);
            }
        }
        let who = match (message.role, &message.origin) {
            (Role::User, _) => w.you.to_owned(),
            (Role::Assistant, Some(origin)) => origin.target.to_string(),
            (Role::Assistant, None) => w.model.to_owned(),
        };
        self.line(&format!("## {who} · {}", instant(message.at)));
        if self.log.pinned.contains(&message.id) {
            self.line(&format!("*{}*", w.pinned));
        }
        for part in &message.parts {
            self.part(part);
        }
        let note = match &message.ending {
            Some(Ending::Stopped) => Some(w.stopped),
            Some(Ending::Interrupted) => Some(w.interrupted),
            Some(Ending::Complete { stop: StopReason::Length }) => Some(w.cut),
            Some(Ending::Complete { .. }) | None => None,
        };
        if let Some(note) = note {
            self.line(&format!("*{note}*"));
        }
        for turn in &self.log.turns {
            // What continued an answer stands below that answer.
            let place = match &turn.turn.kind {
                TurnKind::Continue { answer } => *answer,
                TurnKind::Reply | TurnKind::Compact { .. } => turn.turn.prompt,
            };
            if place == message.id {
                self.turn(turn);
            }
        }
    }

    fn part(&mut self, part: &Part) {
        let w = self.words;
        match part {
            Part::Text { text } => self.line(text.trim_end()),
            Part::Image(image) => {
                let name = image.name.as_deref().map(one_line).unwrap_or_default();
                let space = if name.is_empty() { "" } else { " " };
                self.line(&format!(
                    "*[{}: {name}{space}{}, {} × {}, {} B]*",
                    w.picture, image.media_type, image.width, image.height, image.bytes
                ));
            }
            Part::Thinking { text, .. } if text.trim().is_empty() => {}
            Part::Thinking { text, .. } => self.folded(w.thinking, text),
            Part::ToolCall { name, arguments, .. } => {
                self.line(&format!("{} `{}`", w.tool, one_line(name)));
                self.fence(arguments);
            }
            Part::ToolResult { text, .. } => {
                self.line(w.tool_said);
                self.fence(text);
            }
            Part::Unknown { protocol, json } => {
                self.line(&format!("{} ({})", w.other, one_line(protocol)));
                self.fence(&json.to_string());
            }
        }
    }

    /// The attempts of a turn. One that was answered at once needs no words: the answer stands
    /// there.
    fn turn(&mut self, turn: &TurnLog) {
        let answered_at_once = match turn.attempts.as_slice() {
            [only] => matches!(
                only.end.as_ref().map(|end| &end.outcome),
                Some(AttemptOutcome::Answered { .. })
            ),
            _ => turn.attempts.is_empty(),
        };
        if answered_at_once {
            return;
        }
        for attempt in &turn.attempts {
            self.attempt(attempt, turn.attempts.len());
        }
    }

    fn attempt(&mut self, attempt: &AttemptLog, of: usize) {
        let w = self.words;
        let start = &attempt.start;
        let took = attempt.end.as_ref().map_or(0, |end| end.total_ms);
        let mut head = format!(
            "{} {}/{of} · {} · {} · {} · {}.{} s",
            w.attempt,
            start.nth,
            start.target,
            redact::mask(&start.url, &[]),
            instant(start.at),
            took / 1000,
            took % 1000 / 100,
        );
        match attempt.end.as_ref().map(|end| &end.outcome) {
            Some(AttemptOutcome::Answered { .. }) => {
                self.line(&format!("*{head} · {}*", w.answered));
            }
            Some(AttemptOutcome::Stopped { .. }) => {
                self.line(&format!("*{head} · {}*", w.was_stopped));
            }
            Some(AttemptOutcome::Died { .. }) | None => {
                self.line(&format!("*{head} · {}*", w.died));
            }
            Some(AttemptOutcome::Failed { evidence, .. }) => {
                let context = Context { now: Some(attempt.ended_at()), ..self.context.clone() };
                let diagnosis = diagnose(evidence, &context);
                if let Some(status) = evidence.status {
                    let _ = write!(head, " · {status}");
                }
                self.line(&format!("### {}: {} (`{}`)", w.error, diagnosis.title, diagnosis.kind));
                self.line(&format!("*{head}*"));
                self.line(&diagnosis.meaning);
                let mut said = redact::mask(&evidence.body.text(), &[]).into_owned();
                for cause in evidence.transport.iter().flat_map(|failure| &failure.chain) {
                    if !said.is_empty() {
                        said.push('\n');
                    }
                    said.push_str(&redact::mask(cause, &[]));
                }
                if said.trim().is_empty() {
                    self.line(w.nothing_said);
                } else {
                    self.line(w.said);
                    self.fence(&said);
                }
            }
        }
    }

    fn folded(&mut self, name: &str, text: &str) {
        self.line(&format!("<details><summary>{name}</summary>"));
        // A thought that writes the end of the fold would open it.
        self.line(&text.trim_end().replace("</details", "&lt;/details"));
        self.line("</details>");
    }

    /// A block that no text can leave.
    fn fence(&mut self, text: &str) {
        let mut longest = 2;
        let mut run = 0;
        for c in text.chars() {
            run = if c == '`' { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        let fence = "`".repeat(longest + 1);
        self.line(&format!("{fence}\n{}\n{fence}", text.trim_end()));
    }

    /// A paragraph.
    fn line(&mut self, text: &str) {
        if !text.is_empty() {
            self.out.push_str(text);
            self.out.push_str("\n\n");
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `2026-11-28 01:20:33 UTC`: a file is read anywhere, so no zone but this.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
