//! A person's own rules: the same files as the built-in ones, heard before them.

use std::fmt;

use halo_types::Kind;

use crate::pattern::Pattern;
use crate::rule::{Rule, RuleFile, StatusPattern};
use crate::table::Table;
use crate::vendor::index_of;
use crate::{Context, diagnose};

/// Rules that a person wrote or taught. They are heard before the built-in ones: where one of
/// them holds, it decides.
///
/// ```
/// use std::sync::Arc;
/// use halo_diagnose::{Context, OwnRules, diagnose};
/// use halo_types::{Evidence, Kind};
///
/// let file = r#"
/// [[rule]]
/// id = "own.relay-is-asleep"
/// kind = "overloaded"
/// any = ["the hamster is tired"]
/// "#;
/// let (rules, faults) = OwnRules::parse([("mine.toml", file)]);
/// assert!(faults.is_empty());
/// let context = Context { own: Some(Arc::new(rules)), ..Context::default() };
/// let diagnosis = diagnose(&Evidence::from_text("Sorry, the hamster is tired."), &context);
/// assert_eq!(diagnosis.kind, Kind::Overloaded);
/// ```
#[derive(Debug)]
pub struct OwnRules {
    pub(crate) table: Table,
}

impl Default for OwnRules {
    fn default() -> Self {
        Self { table: Table::of_rules(Vec::new()) }
    }
}

/// What is wrong with a file of rules, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// The file's name as given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl OwnRules {
    /// Reads files of rules, given as names and contents. What is wrong is left out and told; the
    /// rest holds, down to the other rules of the same file.
    pub fn parse<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Self, Vec<RuleFault>) {
        let mut faults = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        for (name, source) in files {
            for block in blocks(source) {
                let fault = |at: usize, message: String| {
                    let (line, column) = position(source, block.start + at);
                    RuleFault { file: name.to_owned(), line, column, message }
                };
                let text = &source[block.clone()];
                match toml::from_str::<RuleFile>(text) {
                    Ok(file) => {
                        for rule in file.rule {
                            let at = place(text, &rule.id);
                            match flaw(&rule, &rules) {
                                Some(message) => faults.push(fault(at, message)),
                                None => rules.push(rule),
                            }
                        }
                    }
                    Err(error) => {
                        let at = error.span().map_or(0, |span| span.start);
                        faults.push(fault(at, plain(error.message())));
                    }
                }
            }
        }
        let own = Self { table: Table::of_rules(rules) };
        (own, faults)
    }

    /// The rules, in the order they were read.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.table.rules
    }

    /// Examples and near-misses that these rules themselves read otherwise than they say: the id
    /// of the rule, what was wanted, what came out.
    #[must_use]
    pub fn misread(self: &std::sync::Arc<Self>) -> Vec<(String, Kind, Kind)> {
        let context = Context { own: Some(std::sync::Arc::clone(self)), ..Context::default() };
        let checks = self.rules().iter().flat_map(|rule| {
            let examples = rule.example.iter().map(|e| (e.kind.unwrap_or(rule.kind), e));
            let near = rule.near.iter().filter_map(|e| Some((e.kind?, e)));
            examples.chain(near).map(move |(want, example)| (rule, want, example))
        });
        checks
            .filter_map(|(rule, want, example)| {
                let got = diagnose(&example.evidence(), &context).kind;
                (got != want).then(|| (rule.id.clone(), want, got))
            })
            .collect()
    }
}

impl Rule {
    /// The words it goes by, as they are written.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let all = self.all.iter().filter_map(|group| group.first());
        let words = self.any.iter().chain(all).chain(&self.raw).chain(&self.regex);
        words.map(String::as_str).collect()
    }

    /// The statuses it goes by: `429`, `5xx`, `none`.
    #[must_use]
    pub fn statuses(&self) -> Vec<String> {
        let text = |status: &StatusPattern| match status {
            StatusPattern::One(status) => status.to_string(),
            StatusPattern::Class(class) => format!("{class}xx"),
            StatusPattern::None => "none".to_owned(),
        };
        self.status.iter().map(text).collect()
    }
}

/// The ranges of a file that are read on their own: the whole if it is sound, else rule by rule,
/// so that one broken rule does not silence the others.
fn blocks(source: &str) -> Vec<std::ops::Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0;
    let sound = toml::from_str::<RuleFile>(source).is_ok();
    for line in source.split_inclusive('\n').filter(|_| !sound) {
        if line.trim_start().starts_with("[[rule]]") && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(source.len());
    let blocks = starts.windows(2).map(|pair| pair[0]..pair[1]);
    // Remarks before the first rule are no rule.
    blocks.filter(|block| source[block.clone()].lines().any(says_something)).collect()
}

fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// Where the rule with this id stands.
fn place(text: &str, id: &str) -> usize {
    text.find(&format!("{id:?}")).or_else(|| text.find(id)).unwrap_or(0)
}

fn position(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..at.min(source.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The words of the TOML reader on one line.
fn plain(message: &str) -> String {
    message.trim().replace('\n', "; ")
}

/// What makes a rule unfit to be heard.
fn flaw(rule: &Rule, others: &[Rule]) -> Option<String> {
    if rule.id.trim().is_empty() {
        return Some("the rule has an empty id".to_owned());
    }
    if others.iter().any(|other| other.id == rule.id) {
        return Some(format!("there is another rule with the id {:?}", rule.id));
    }
    let mut words = rule.any.iter().chain(rule.all.iter().flatten()).chain(&rule.absent);
    if words.any(|word| word.trim_matches(['#', '*', '|', ' ']).is_empty()) {
        return Some("a word is empty; it would stand in every text".to_owned());
    }
    if rule.all.iter().any(Vec::is_empty) {
        return Some("a group of `all` is empty; no text could fulfil it".to_owned());
    }
    if let Some(regex) = &rule.regex
        && let Err(error) = Pattern::compile(regex)
    {
        return Some(format!("the pattern does not compile: {}", plain(&error.to_string())));
    }
    if let Some(id) = rule.vendor.iter().chain(&rule.not_vendor).find(|id| index_of(id).is_none()) {
        return Some(format!("{id:?} is no provider that Halo knows"));
    }
    let narrow = !rule.any.is_empty()
        || !rule.all.is_empty()
        || !rule.raw.is_empty()
        || !rule.status.is_empty()
        || !rule.transport.is_empty();
    if !narrow {
        return Some(
            "the rule would hold for every failure; give it words (`any`, `all`, `raw`) or a \
             `status`"
                .to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use halo_types::Evidence;

    use super::*;

    fn faults(source: &str) -> Vec<String> {
        OwnRules::parse([("mine.toml", source)]).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_broken_rule_is_told_with_its_place_and_the_others_hold() {
        let source = "# mine\n[[rule]]\nid = \"a\"\nkind = \"overloaded\"\nany = [\"hamster\"]\n\n[[rule]]\nid = \"b\"\nkind = \"no_such_kind\"\nany = [\"x\"]\n\n[[rule]]\nid = \"c\"\nkind = \"timeout\"\nany = [\"sloth\"]\n";
        let (rules, faults) = OwnRules::parse([("mine.toml", source), ("worse.toml", "[[rule")]);
        let ids: Vec<&str> = rules.rules().iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, ["a", "c"]);
        assert_eq!((faults[0].line, faults[0].column), (9, 8), "{}", faults[0]);
        assert!(faults[0].message.contains("no_such_kind"), "{}", faults[0]);
        assert_eq!((faults[1].file.as_str(), faults[1].line), ("worse.toml", 1));
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let rule = |rest: &str| format!("[[rule]]\nid = \"a\"\nkind = \"timeout\"\n{rest}\n");
        for (rest, word) in [
            ("", "every failure"),
            ("any = [\" \"]", "empty"),
            ("all = [[]]", "empty"),
            ("any = [\"x\"]\nregex = \"(\"", "does not compile"),
            ("any = [\"x\"]\nvendor = [\"nobody\"]", "no provider"),
            ("any = [\"x\"]\nanny = 1", "unknown field"),
            ("any = \"x\"", "sequence"),
        ] {
            let faults = faults(&rule(rest));
            assert!(faults.len() == 1 && faults[0].contains(word), "{rest}: {faults:?}");
        }
        let twice = format!("{}{}", rule("any = [\"x\"]"), rule("any = [\"y\"]"));
        assert!(faults(&twice)[0].contains("another rule"));
    }

    #[test]
    fn own_rules_come_first_and_tell_what_they_misread() {
        let source = "[[rule]]\nid = \"a\"\nkind = \"quota_exhausted\"\nany = [\"rate limit\"]\nexample = [{ body = \"rate limit\" }, { body = \"other\" }]\n";
        let (own, faults) = OwnRules::parse([("mine.toml", source)]);
        assert!(faults.is_empty(), "{faults:?}");
        let own = Arc::new(own);
        let wrong = own.misread();
        assert_eq!(wrong, [("a".to_owned(), Kind::QuotaExhausted, Kind::Unknown)]);
        let context = Context { own: Some(own), ..Context::default() };
        let got = diagnose(&Evidence::from_text("Rate limit reached, retry in 5s"), &context);
        assert_eq!((got.kind, got.because.rule.as_str()), (Kind::QuotaExhausted, "a"));
        assert_eq!(got.because.span, Some((0, 10)));
        assert_eq!(got.retry, None);
    }
}
