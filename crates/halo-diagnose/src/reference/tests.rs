use std::collections::BTreeSet;

use halo_types::{Confidence, Evidence, Kind, Lang};

use super::texts::{dialects, texts};
use super::*;
use crate::{Context, diagnose};

#[test]
fn every_kind_is_explained_in_both_languages() {
    for lang in [Lang::En, Lang::Zh] {
        let reference = reference(lang);
        assert_eq!(reference.kinds.len(), Kind::ALL.len());
        for page in &reference.kinds {
            let kind = page.kind;
            for text in [&page.more, &page.otherwise, &page.by_itself, &page.waiting] {
                assert!(
                    text.ends_with(['.', '。', '！', ')', '）', '”']),
                    "{kind} {lang:?}: {text}"
                );
            }
            assert!(!page.remedies.is_empty(), "{kind}");
            if kind == Kind::Unknown {
                continue;
            }
            assert!(!page.confused.is_empty(), "{kind} is confused with nothing");
            let vendors = page.vendors.iter().filter(|group| group.vendor.is_some()).count();
            assert!(vendors > 0, "{kind} {lang:?} is shown at no vendor");
        }
    }
}

#[test]
fn a_dialect_is_read_as_the_kind_it_stands_under() {
    let mut wrong = Vec::new();
    for (kind, vendors) in dialects() {
        for (id, list) in vendors {
            assert!(crate::vendor(id).is_some_and(|vendor| *vendor.id == **id), "{id}");
            for dialect in list {
                assert!(dialect.source.starts_with("https://"), "{kind} {id}: a source");
                let evidence = Evidence {
                    provider: Some(id.clone()),
                    status: dialect.status,
                    headers: dialect.headers.clone(),
                    body: dialect.body.as_str().into(),
                    ..Evidence::default()
                };
                let got = diagnose(&evidence, &Context::default());
                if got.kind != *kind {
                    let rule = got.because.rule;
                    wrong.push(format!(
                        "{id}: {} by {rule}, want {kind}\n  {}",
                        got.kind, dialect.body
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_help_page_s_ten_rows_lead_where_they_should() {
    use Kind::{
        ContextLengthExceeded, ImageUnsupported, InvalidApiKey, ModelNotFound, Overloaded,
        QuotaExhausted, RateLimited, ServerError,
    };
    let want = [
        ("429 Too Many Requests", RateLimited),
        ("rate limit", RateLimited),
        ("context length exceeded", ContextLengthExceeded),
        ("image not supported", ImageUnsupported),
        ("insufficient quota", QuotaExhausted),
        ("invalid api key", InvalidApiKey),
        ("model not found", ModelNotFound),
        ("overloaded", Overloaded),
        ("401 Unauthorized", InvalidApiKey),
        ("500 Internal Server Error", ServerError),
    ];
    for lang in [Lang::En, Lang::Zh] {
        let rows = &reference(lang).rows;
        assert_eq!(rows.len(), want.len());
        for (row, (words, kind)) in rows.iter().zip(want) {
            assert_eq!((row.words[0].as_str(), row.kind), (words, kind));
            for words in &row.words {
                let read = diagnose(&Evidence::from_text(words.clone()), &Context::default());
                assert_eq!(read.kind, kind, "{words}");
            }
        }
    }
}

#[test]
fn the_languages_have_the_same_keys_in_the_same_order() {
    let keys = |source: &str| -> Vec<String> {
        source
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                if line.starts_with('[') {
                    return Some(line.to_owned());
                }
                let (key, _) = line.split_once(" = ")?;
                // The order of a section does not matter where the source is a map.
                Some(key.to_owned())
            })
            .collect()
    };
    let (en, zh) = (
        keys(include_str!("../../texts/reference.en.toml")),
        keys(include_str!("../../texts/reference.zh.toml")),
    );
    assert_eq!(en, zh);
}

#[test]
fn what_the_rules_are_warned_of_often_is_explained() {
    use std::collections::BTreeMap;
    let mut pairs: BTreeMap<(Kind, Kind), usize> = BTreeMap::new();
    for rule in crate::rules() {
        for other in rule.near.iter().filter_map(|near| near.kind) {
            if other != rule.kind && other != Kind::Unknown {
                *pairs.entry((rule.kind, other)).or_default() += 1;
            }
        }
    }
    let prose = texts(Lang::En);
    let missing: Vec<_> = pairs
        .iter()
        .filter(|((kind, other), n)| **n > 3 && !prose.kind[kind].confused.contains_key(other))
        .collect();
    assert!(missing.is_empty(), "say in texts/reference.*.toml how to tell apart: {missing:?}");
}

#[test]
fn statuses_and_codes_are_ways_in() {
    let reference = reference(Lang::En);
    let row = reference.status(429).expect("the best known one");
    assert_eq!((row.name, row.usual), ("Too Many Requests", Kind::RateLimited));
    assert!(row.also.contains(&Kind::QuotaExhausted) && row.also.contains(&Kind::Overloaded));
    for status in [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529] {
        let row = reference.status(status).unwrap_or_else(|| panic!("{status}"));
        assert!(!row.name.is_empty(), "{status}");
    }
    for (code, kind) in [
        ("insufficient_quota", Kind::QuotaExhausted),
        ("context_length_exceeded", Kind::ContextLengthExceeded),
        ("overloaded_error", Kind::Overloaded),
        ("ThrottlingException", Kind::RateLimited),
        ("1113", Kind::QuotaExhausted),
    ] {
        let row = reference.codes.iter().find(|row| row.code == code);
        assert!(row.is_some_and(|row| row.kinds.contains(&kind)), "{code}: {row:?}");
    }
}

#[test]
fn words_find_their_part() {
    let kinds = |word: &str| -> Vec<Kind> {
        match reference(Lang::Zh).find(word) {
            Some(Found::Kind(page)) => vec![page.kind],
            Some(Found::Kinds(pages)) => pages.iter().map(|page| page.kind).collect(),
            Some(Found::Code(rows)) => rows.iter().flat_map(|row| row.kinds.clone()).collect(),
            other => panic!("{word}: {other:?}"),
        }
    };
    assert_eq!(kinds("rate limited"), [Kind::RateLimited]);
    assert_eq!(kinds("余额不足"), [Kind::QuotaExhausted]);
    assert!(kinds("image").contains(&Kind::ImageInvalid));
    assert!(kinds("insufficient_quota").contains(&Kind::QuotaExhausted));
    let reference = reference(Lang::En);
    assert!(matches!(reference.find("proxies"), Some(Found::Proxies)));
    let Some(Found::Vendor(page)) = reference.find("OpenRouter") else { panic!("no vendor") };
    assert!(page.relay.is_some() && page.examples.len() > 3);
    assert!(reference.find("  ").is_none() && reference.find("xyzzy").is_none());
    assert!(reference.names().len() > 150);
}

#[test]
fn marks_fall_on_characters_and_examples_are_worth_reading() {
    let reference = reference(Lang::En);
    let mut seen = 0;
    for page in &reference.kinds {
        for example in page.vendors.iter().flat_map(|group| &group.examples) {
            seen += 1;
            if let Some((start, end)) = example.marked {
                assert!(
                    example.words.get(start..end).is_some_and(|w| !w.is_empty()),
                    "{example:?}"
                );
            }
            assert!(!example.words.contains("\"message\":\"x\""), "{example:?}");
        }
    }
    assert!(seen > 250, "{seen}");
}

#[test]
fn the_markdown_holds_together() {
    for lang in [Lang::En, Lang::Zh] {
        let text = reference(lang).markdown();
        let anchors: BTreeSet<&str> = text
            .match_indices("<a id=\"")
            .map(|(at, open)| text[at + open.len()..].split('"').next().unwrap_or_default())
            .collect();
        assert_eq!(anchors.len(), Kind::ALL.len());
        for (at, _) in text.match_indices("](#") {
            let target = text[at + 3..].split(')').next().unwrap_or_default();
            assert!(anchors.contains(target), "{target}");
        }
        let mut columns = 0;
        for line in text.lines() {
            let here = line.replace("\\|", "").matches('|').count();
            if line.starts_with('|') {
                assert!(columns == 0 || columns == here, "{line}");
                columns = here;
            } else {
                columns = 0;
            }
        }
    }
}

/// A page of its own, so that the form is tested and not what the rules say today; that the files
/// in `docs` say what they say is tested where they are written.
#[test]
fn one_kind_as_markdown() {
    let seen = |status, words: &str| Seen {
        status,
        headers: Vec::new(),
        words: words.to_owned(),
        marked: None,
        rule: "some.rule".to_owned(),
        source: None,
    };
    let reference = reference(Lang::En);
    let openai = reference.vendor("openai").expect("the best known one").vendor.clone();
    let page = KindPage {
        more: "More of it.".to_owned(),
        otherwise: "Something else.".to_owned(),
        remedies: reference.kind(Kind::QuotaExhausted).remedies[..2].to_vec(),
        vendors: vec![
            VendorExamples {
                vendor: Some(openai),
                examples: vec![seen(Some(429), "a | b\nc"), seen(None, "with `code` inside")],
            },
            VendorExamples { vendor: None, examples: vec![seen(Some(402), "")] },
        ],
        confused: vec![Confusion {
            kind: Kind::RateLimited,
            title: "Another".to_owned(),
            text: "How to tell.".to_owned(),
            this: Some(seen(None, "no money")),
            that: Some(seen(None, "no time")),
        }],
        ..reference.kind(Kind::QuotaExhausted).clone()
    };
    let mut out = String::new();
    reference.write_kind(&mut out, &page);
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_said_of_waiting_is_what_is_done() {
    let reference = reference(Lang::En);
    let waits = &reference.kind(Kind::RateLimited).by_itself;
    for page in &reference.kinds {
        let says_it_waits = page.by_itself == *waits || page.kind == Kind::StreamInterrupted;
        assert_eq!(says_it_waits, page.transient == Some(true), "{}", page.kind);
    }
    let read = diagnose(&Evidence::from_text("zzz"), &Context::default());
    assert_eq!(read.confidence, Confidence::Guess);
}
