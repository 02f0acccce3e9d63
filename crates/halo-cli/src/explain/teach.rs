//! `halo explain --teach`: a rule of one's own out of an error that was read wrongly.

use std::process::ExitCode;

use halo_config::RulesFolder;
use halo_diagnose::{Context, Lesson, TeachError, kind_text, teach};
use halo_types::{Kind, Lang};

use super::{ExplainArgs, USAGE, asked, complain};

pub(super) fn parse_kind(text: &str) -> Result<Kind, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("the kinds are {}", names.join(", "))
    })
}

pub(super) fn run(
    args: &ExplainArgs,
    kind: Kind,
    rules: Option<&RulesFolder>,
    context: &Context,
) -> ExitCode {
    match learn(args, kind, rules, context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
fn learn(
    args: &ExplainArgs,
    kind: Kind,
    rules: Option<&RulesFolder>,
    context: &Context,
) -> anyhow::Result<()> {
    let evidence = asked(args, context)?;
    let lesson = teach(&evidence, kind, args.words.as_deref(), context).map_err(|error| {
        let hint = match error {
            TeachError::NoWords => "\n  give them with --words \"…\"",
            _ => "",
        };
        anyhow::anyhow!("{error}{hint}")
    })?;
    print!("{}", told(&lesson, context.lang));
    if args.dry_run {
        return Ok(());
    }
    let rules = rules.ok_or_else(|| {
        anyhow::anyhow!("no data folder is known for this user; name one with --data")
    })?;
    let file = rules.add(&lesson.entry)?;
    match context.lang {
        Lang::En => println!("written to {}", file.display()),
        Lang::Zh => println!("已写入 {}", file.display()),
    }
    Ok(())
}

/// What the lesson changes, and the rule itself.
fn told(lesson: &Lesson, lang: Lang) -> String {
    let title = |kind: Kind| format!("{} [{kind}]", kind_text(kind, lang).title);
    let (before, after) = (title(lesson.before.kind), title(lesson.after.kind));
    let mut out = match lang {
        Lang::En => format!("was:  {before}\nnow:  {after}\nby:   “{}”\n", lesson.words),
        Lang::Zh => format!("原来：{before}\n现在：{after}\n依据：“{}”\n", lesson.words),
    };
    if !lesson.also.is_empty() {
        let others: Vec<String> =
            lesson.also.iter().map(|(id, kind)| format!("{id} [{kind}]")).collect();
        out.push_str(&match lang {
            Lang::En => format!(
                "careful: these words also stand in errors that mean something else, which the \
                 rule would now read as {}: {}\n",
                lesson.after.kind,
                others.join(", ")
            ),
            Lang::Zh => format!(
                "注意：含义不同的其他错误里也有这些词，按新规则它们会被当成 {}：{}\n",
                lesson.after.kind,
                others.join("、")
            ),
        });
    }
    out.push('\n');
    out.push_str(&lesson.entry);
    out.push('\n');
    out
}
