//! Turns the data files (`rules/*.toml`, `vendors.toml`, …) into what the program starts with: JSON
//! without examples, in which words are numbers, and the trie that finds the words. Notes for each
//! pattern which words must stand in a text before the pattern is worth trying.

#[allow(dead_code, reason = "shared with the crate")]
#[path = "src/literal.rs"]
mod literal;
#[allow(dead_code, reason = "shared with the crate")]
#[path = "src/trie.rs"]
mod trie;

use std::fs;
use std::path::{Path, PathBuf};

use literal::{Interner, Literal, Sort};
use regex_syntax::hir::{Hir, HirKind};
use serde_json::{Value, json};
use trie::Trie;

type Fault = Box<dyn std::error::Error>;

fn main() -> Result<(), Fault> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    for place in ["build.rs", "src/literal.rs", "src/trie.rs", "rules", "vendors.toml"] {
        println!("cargo::rerun-if-changed={place}");
    }
    for place in ["facts.toml", "hints.toml", "remedies.toml", "texts"] {
        println!("cargo::rerun-if-changed={place}");
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir("rules")?.map(|entry| Ok(entry?.path())).collect::<Result<_, Fault>>()?;
    files.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
    files.sort();

    let mut words = Interner::default();
    let mut rules = Vec::new();
    let mut conditions = Vec::new();
    let mut sources = String::from("&[\n");
    for path in &files {
        let Value::Object(mut file) = read(path)? else { continue };
        let Some(Value::Array(list)) = file.remove("rule") else {
            return Err(format!("{}: no [[rule]]", path.display()).into());
        };
        for mut rule in list {
            let rule_object = rule.as_object_mut().ok_or("a rule is a table")?;
            rule_object.remove("example");
            rule_object.remove("near");
            let mut condition = serde_json::Map::new();
            for name in ["any", "all", "absent"] {
                let list = rule_object.remove(name).unwrap_or_else(|| json!([]));
                condition.insert(name.to_owned(), numbers(&mut words, &list, Literal::of_rule)?);
            }
            conditions.push(condition);
            rules.push(rule);
        }
        let full = fs::canonicalize(path)?;
        sources.push_str(&format!("({:?}, include_str!({:?})),\n", path, full));
    }
    sources.push_str("]\n");
    fs::write(out.join("sources.rs"), sources)?;
    fs::write(out.join("rules.json"), serde_json::to_string(&rules)?)?;
    fs::write(out.join("conditions.json"), serde_json::to_string(&conditions)?)?;

    for name in ["remedies", "texts/en", "texts/zh"] {
        let value = read(Path::new(&format!("{name}.toml")))?;
        let name = name.replace('/', "-");
        fs::write(out.join(format!("{name}.json")), serde_json::to_string(&value)?)?;
    }

    let mut groups = Vec::new();
    let facts = read(Path::new("facts.toml"))?;
    for group in facts["fact"].as_array().ok_or("facts.toml: no [[fact]]")? {
        let patterns =
            group["patterns"].as_array().ok_or("facts.toml: a group without patterns")?;
        let patterns =
            patterns.iter().map(|p| pattern(&mut words, p)).collect::<Result<Vec<_>, _>>()?;
        let kinds = group.get("kinds").cloned().unwrap_or_else(|| json!([]));
        groups.push(json!({ "kinds": kinds, "patterns": patterns }));
    }
    let mut scopes = Vec::new();
    for scope in facts["scope"].as_array().ok_or("facts.toml: no [[scope]]")? {
        let list = numbers(&mut words, &scope["words"], Literal::mark)?;
        scopes.push(json!({ "name": scope["name"], "words": list }));
    }
    let facts = json!({ "fact": groups, "scope": scopes });
    fs::write(out.join("facts.json"), serde_json::to_string(&facts)?)?;

    let mut hints = serde_json::Map::new();
    let file = read(Path::new("hints.toml"))?;
    for (name, source) in file.as_object().ok_or("hints.toml: no table")? {
        hints.insert(name.clone(), pattern(&mut words, source)?);
    }
    fs::write(out.join("hints.json"), serde_json::to_string(&hints)?)?;

    let mut vendors = read(Path::new("vendors.toml"))?;
    let list = vendors["vendor"].as_array_mut().ok_or("vendors.toml: no [[vendor]]")?;
    for vendor in list.iter_mut().filter_map(Value::as_object_mut) {
        for name in ["words", "layer"] {
            let list = vendor.get(name).cloned().unwrap_or_else(|| json!([]));
            vendor.insert(format!("{name}_numbers"), numbers(&mut words, &list, Literal::mark)?);
        }
    }
    fs::write(out.join("vendors.json"), serde_json::to_string(&vendors)?)?;

    let spellings = words.spellings();
    let trie = Trie::new(spellings.iter().map(|(text, number)| (text.as_str(), *number)));
    fs::write(out.join("trie.bin"), trie.to_bytes())?;
    let sorts: Vec<u8> = words
        .sorts()
        .iter()
        .map(|sort| Sort::ALL.iter().position(|s| s == sort).unwrap_or_default() as u8)
        .collect();
    fs::write(out.join("sorts.bin"), sorts)?;
    Ok(())
}

/// A list of words, or of lists of words, with each word as its number.
fn numbers(
    words: &mut Interner,
    list: &Value,
    literal: fn(&str) -> Literal,
) -> Result<Value, Fault> {
    match list {
        Value::String(word) => Ok(json!(words.add(literal(word)))),
        Value::Array(items) => {
            let items = items.iter().map(|item| numbers(words, item, literal));
            let mut items = items.collect::<Result<Vec<_>, _>>()?;
            // Words are numbers now, and are looked up by them; groups keep their order.
            items.sort_by_key(Value::as_u64);
            Ok(Value::Array(items))
        }
        other => Err(format!("{other} is no word").into()),
    }
}

fn read(path: &Path) -> Result<Value, Fault> {
    let text = fs::read_to_string(path)?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn pattern(words: &mut Interner, source: &Value) -> Result<Value, Fault> {
    let source = source.as_str().ok_or("a pattern is a text")?;
    let hir = regex_syntax::ParserBuilder::new()
        .multi_line(true)
        .build()
        .parse(source)
        .map_err(|error| format!("{source}: {error}"))?;
    // Where every match begins with one of a few words, it is tried at these words only.
    let start = beginnings(&hir).filter(|set| set.iter().all(|word| word.len() >= 3));
    let anchored = start.is_some();
    let mut on = start
        .or_else(|| required(&hir, true))
        .ok_or_else(|| format!("{source}: no word must stand in a match"))?;
    on.iter_mut().for_each(|word| *word = word.to_lowercase());
    on.sort();
    on.dedup();
    let mut on: Vec<u32> = on.iter().map(|word| words.add(Literal::mark(word))).collect();
    on.sort_unstable();
    Ok(json!({ "on": on, "anchored": anchored, "pattern": source }))
}

/// Words of which one begins every match.
fn beginnings(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?.to_owned()]),
        HirKind::Capture(capture) => beginnings(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => beginnings(&repetition.sub),
        HirKind::Alternation(parts) => {
            let sets: Option<Vec<_>> = parts.iter().map(beginnings).collect();
            sets.map(|sets| sets.concat())
        }
        HirKind::Concat(parts) => {
            // An assertion such as `\b` takes no room.
            let first = parts.iter().find(|part| part.properties().maximum_len() != Some(0))?;
            beginnings(first)
        }
        _ => None,
    }
}

/// Words of which one stands in every match; where the pattern has several such sets, the one
/// whose shortest word is longest. A word that may begin inside another one is cut back to its
/// first character that is no letter, since words are looked for at beginnings only.
fn required(hir: &Hir, first: bool) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let from = if first {
                0
            } else {
                text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len())
            };
            let text = &text[from..];
            (!text.trim().is_empty()).then(|| vec![text.to_owned()])
        }
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => {
            let chars: Vec<char> =
                class.iter().flat_map(|range| range.start()..=range.end()).take(9).collect();
            let marks = chars.iter().all(|c| !c.is_ascii_alphanumeric() && !c.is_whitespace());
            (chars.len() <= 8 && marks).then(|| chars.iter().map(char::to_string).collect())
        }
        HirKind::Capture(capture) => required(&capture.sub, first),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub, first),
        HirKind::Alternation(parts) => {
            let sets: Option<Vec<_>> = parts.iter().map(|part| required(part, first)).collect();
            sets.map(|sets| sets.concat())
        }
        HirKind::Concat(parts) => {
            let mut at_start = first;
            let mut best: Option<Vec<String>> = None;
            for part in parts {
                let set = required(part, at_start);
                let strength = |set: &Vec<String>| set.iter().map(String::len).min().unwrap_or(0);
                if let Some(set) = set
                    && best.as_ref().is_none_or(|old| strength(old) < strength(&set))
                {
                    best = Some(set);
                }
                // An assertion such as `\b` takes no room.
                at_start = at_start && part.properties().maximum_len() == Some(0);
            }
            best
        }
        _ => None,
    }
}
