//! Turns the data files (`rules/*.toml`, `vendors.toml`, …) into JSON without their examples, so
//! that the program starts without reading TOML, and notes for each pattern which words must stand
//! in a text before the pattern is worth trying.

use std::fs;
use std::path::{Path, PathBuf};

use regex_syntax::hir::{Hir, HirKind};
use serde_json::{Value, json};

type Fault = Box<dyn std::error::Error>;

fn main() -> Result<(), Fault> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    for place in ["build.rs", "rules", "vendors.toml", "facts.toml"] {
        println!("cargo::rerun-if-changed={place}");
    }
    for place in ["hints.toml", "remedies.toml", "texts"] {
        println!("cargo::rerun-if-changed={place}");
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir("rules")?.map(|entry| Ok(entry?.path())).collect::<Result<_, Fault>>()?;
    files.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
    files.sort();

    let mut rules = Vec::new();
    let mut sources = String::from("&[\n");
    for path in &files {
        let Value::Object(mut file) = read(path)? else { continue };
        let Some(Value::Array(list)) = file.remove("rule") else {
            return Err(format!("{}: no [[rule]]", path.display()).into());
        };
        for mut rule in list {
            if let Some(rule) = rule.as_object_mut() {
                rule.remove("example");
                rule.remove("near");
            }
            rules.push(rule);
        }
        let full = fs::canonicalize(path)?;
        sources.push_str(&format!("({:?}, include_str!({:?})),\n", path, full));
    }
    sources.push_str("]\n");
    fs::write(out.join("sources.rs"), sources)?;
    fs::write(out.join("rules.json"), serde_json::to_string(&rules)?)?;

    for name in ["vendors", "remedies", "texts/en", "texts/zh"] {
        let value = read(Path::new(&format!("{name}.toml")))?;
        let name = name.replace('/', "-");
        fs::write(out.join(format!("{name}.json")), serde_json::to_string(&value)?)?;
    }

    let mut groups = Vec::new();
    let facts = read(Path::new("facts.toml"))?;
    for group in facts["fact"].as_array().ok_or("facts.toml: no [[fact]]")? {
        let patterns =
            group["patterns"].as_array().ok_or("facts.toml: a group without patterns")?;
        let patterns = patterns.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
        let kinds = group.get("kinds").cloned().unwrap_or_else(|| json!([]));
        groups.push(json!({ "kinds": kinds, "patterns": patterns }));
    }
    let facts = json!({ "fact": groups, "scope": facts["scope"] });
    fs::write(out.join("facts.json"), serde_json::to_string(&facts)?)?;

    let mut hints = serde_json::Map::new();
    let file = read(Path::new("hints.toml"))?;
    for (name, source) in file.as_object().ok_or("hints.toml: no table")? {
        hints.insert(name.clone(), pattern(source)?);
    }
    fs::write(out.join("hints.json"), serde_json::to_string(&hints)?)?;
    Ok(())
}

fn read(path: &Path) -> Result<Value, Fault> {
    let text = fs::read_to_string(path)?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn pattern(source: &Value) -> Result<Value, Fault> {
    let source = source.as_str().ok_or("a pattern is a text")?;
    let hir = regex_syntax::ParserBuilder::new()
        .multi_line(true)
        .build()
        .parse(source)
        .map_err(|error| format!("{source}: {error}"))?;
    let mut on = required(&hir, true)
        .ok_or_else(|| format!("{source}: no word of three letters must stand in a match"))?;
    on.iter_mut().for_each(|word| *word = word.to_lowercase());
    on.sort();
    on.dedup();
    Ok(json!({ "on": on, "pattern": source }))
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
