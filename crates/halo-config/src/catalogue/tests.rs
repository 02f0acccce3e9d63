use super::*;

#[test]
fn dates_are_cut_and_nothing_else() {
    for (name, want) in [
        ("gpt-4.1-2025-04-14", "gpt-4.1"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("mistral-large-latest", "mistral-large-latest"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("mistral-large-2512", "mistral-large-2512"),
        ("gpt-4-0613", "gpt-4-0613"),
        ("20250929", "20250929"),
        ("模型-20250929", "模型"),
        ("", ""),
    ] {
        assert_eq!(without_date(name), want);
    }
}

#[test]
fn the_table_is_sorted_and_every_line_is_plausible() {
    let lines: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 1500, "{}", lines.len());
    let mut last = ("", "");
    for line in lines {
        let (name, at, row) = Row::read(line).unwrap_or_else(|| panic!("{line}"));
        assert!(last < (name, at), "{line} stands behind {last:?}");
        last = (name, at);
        let place = Place::all().iter().find(|known| known.id == at).expect(line);
        assert!(name > "#" && *name == name.to_ascii_lowercase(), "{line}");
        assert!(!row.is_empty(), "{line} says nothing");
        assert!(row.price.is_none() || place.is_priced(), "{line} has a price");
        assert!(row.context_window.is_none_or(|w| (256..=20_000_000).contains(&w)), "{line}");
        assert!(row.price.is_none_or(|price| price.input > 0 || price.output > 0), "{line}");
        // Every line is found by its name.
        assert!(lines_of(TABLE, name).any(|found| found == (at, row)), "{line}");
    }
    assert!(SOURCE.name.starts_with("litellm "), "{}", SOURCE.name);
    // 2026-11-20, and not before.
    assert!(SOURCE.at >= Timestamp(1_795_132_800_000), "{:?}", SOURCE.at);
}

#[test]
fn lines_are_found_at_both_ends_and_between() {
    let table = "# head\n# more\na\tp\t1\na\tq\t2\na/b\tp\t3\nb\tr\t4\n";
    for (name, want) in [
        ("a", &[("p", 1), ("q", 2)][..]),
        ("a/b", &[("p", 3)]),
        ("b", &[("r", 4)]),
        ("a/", &[]),
        ("a/bb", &[]),
        ("z", &[]),
        ("", &[]),
        ("# head", &[]),
        ("a\tp", &[]),
        ("模型", &[]),
    ] {
        for table in [table, table.trim_end()] {
            let found: Vec<_> = lines_of(table, name)
                .map(|(at, row)| (at, row.context_window.unwrap_or_default()))
                .collect();
            assert_eq!(found, want, "{name}");
        }
    }
    assert_eq!(lines_of("", "a").count(), 0);
    assert_eq!(lines_of("\n\n", "a").count(), 0);
    assert_eq!(lines_of("模\n型\n", "型").count(), 0);
}

#[test]
fn what_is_kept_by_hand_says_something_new() {
    assert!(!OWN.is_empty());
    for (name, (row, source)) in OWN.iter() {
        assert!(!row.is_empty(), "{name} says nothing");
        assert!(source.at > Timestamp(0), "{name}: {source:?}");
        let made = of_maker(&Names::of(name));
        let Some(made) = made else { continue };
        let mut alone = CatalogueEntry::default();
        alone.complete(&made, &SOURCE);
        let mut both = CatalogueEntry::default();
        both.complete(row, source);
        assert!(
            both.facts().iter().any(|own| alone.facts().iter().all(|fact| fact.value != own.value)),
            "the table says all of {name}"
        );
    }
}

/// Window, output, vision, tools, reasoning.
fn shown(entry: &CatalogueEntry) -> String {
    let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let flag = |letter: char, can: Option<bool>| match can {
        Some(true) => letter.to_string(),
        Some(false) => format!("-{letter}"),
        None => String::new(),
    };
    format!(
        "{} {} {}{}{}",
        count(entry.context_window()),
        count(entry.max_output()),
        flag('v', entry.vision()),
        flag('t', entry.tools()),
        flag('r', entry.reasoning())
    )
}

#[test]
fn models_of_many_vendors_are_known() {
    for (model, want) in [
        ("gpt-5.6", "922000 128000 vtr"),
        ("gpt-4.1", "1047576 32768 vt"),
        ("gpt-4o-mini", "128000 16384 vt"),
        ("o3-mini", "200000 100000 -vtr"),
        ("claude-sonnet-5-5", "1000000 128000 vtr"),
        ("claude-sonnet-4-5", "200000 64000 vtr"),
        ("gemini-2.5-pro", "1048576 65536 vtr"),
        ("gemini-3.8-flash", "1048576 65536 vtr"),
        ("deepseek-v4-flash", "1000000 393216 vtr"),
        ("deepseek-chat", "131072 8192 t"),
        ("mistral-large-2512", "262144 ? vt"),
        ("grok-4.5", "500000 ? vtr"),
        ("qwen-plus", "129024 16384 tr"),
        ("qwen3.5-plus", "991808 65536 vtr"),
        ("glm-5", "200000 128000 tr"),
        ("kimi-k2.5", "262144 ? vtr"),
        ("MiniMax-M2", "200000 8192 tr"),
        ("command-a-03-2025", "256000 8000 t"),
        ("doubao-seed-2-1-pro-260915", "1024000 256000 vtr"),
        ("nova-pro-v1", "300000 10000 vt"),
        ("sonar-pro", "200000 8000 "),
        ("gpt-oss-120b", "131072 65536 "),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "10000000 16384 v"),
        ("muse-spark-1.3", "1048576 131072 vtr"),
        ("jamba-large-1.7", "256000 ? "),
    ] {
        let entry = catalogue(model).unwrap_or_else(|| panic!("{model} is not known"));
        assert_eq!(shown(&entry), want, "{model}");
        assert_eq!(entry.price(), None, "{model}: nobody said where");
    }
}

#[test]
fn names_are_found_with_prefix_and_date_and_never_guessed() {
    let plain = catalogue("claude-sonnet-4-5").unwrap();
    for name in [
        "anthropic/claude-sonnet-4-5",
        "Claude-Sonnet-4-5-20250929",
        "claude-sonnet-4-5:free",
        "anthropic/claude-sonnet-4.5",
        " claude-sonnet-4-5 ",
    ] {
        assert_eq!(catalogue(name).as_ref(), Some(&plain), "{name}");
    }
    for name in [
        "",
        "/",
        "//",
        ":free",
        "claude",
        "claude-sonnet-4-5-mine",
        "gpt-4.2",
        "gpt-4.1-turbo",
        "llama3.2:latest",
        "-2025-04-14",
        "openai",
        "# package: litellm",
        "gpt-4.1\t1",
        "gpt-4.1\n",
        "模型",
    ] {
        let found = catalogue(name);
        let same = name.trim() == "gpt-4.1";
        assert_eq!(found.is_some(), same, "{name:?}");
        let relay = catalogue_at("https://relay.example/v1", name);
        assert_eq!(relay.is_some(), same, "{name:?}");
    }
}

#[test]
fn the_place_decides_about_price_and_limits() {
    let dollars = |entry: &CatalogueEntry| {
        entry.price().map(|price| {
            let text = [Some(price.input), Some(price.output), price.cache_read, price.cache_write];
            text.map(|nano| nano.map_or("-".to_owned(), halo_types::dollars)).join(" ")
        })
    };
    for (url, model, want) in [
        ("https://api.anthropic.com", "claude-sonnet-5-5", Some("2 10 0.1 2.5")),
        ("https://api.openai.com/v1", "gpt-5.4", Some("2.5 15 0.25 -")),
        // The date of a version that costs the same.
        ("https://api.openai.com/v1", "gpt-4.1-2025-04-14", Some("2 8 0.5 -")),
        // A version that costs something else.
        ("https://api.openai.com/v1", "gpt-4o-2024-05-13", Some("5 15 - -")),
        ("https://api.deepseek.com", "deepseek-v4-flash", Some("0.3 1.2 0.006 -")),
        ("https://api.deepseek.com/anthropic", "deepseek-v4-flash", Some("0.3 1.2 0.006 -")),
        ("https://api.groq.com/openai/v1", "openai/gpt-oss-120b", Some("0.15 0.6 0.075 -")),
        ("https://ai-gateway.vercel.sh/v1", "anthropic/claude-sonnet-4.5", Some("3 15 0.3 3.75")),
        // Others' prices: relays, other currencies, subscriptions, regions.
        ("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4.5", None),
        ("https://relay.example/v1", "claude-sonnet-5-5", None),
        ("http://localhost:11434", "gpt-oss-120b", None),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen-plus", None),
        ("https://api.z.ai/api/coding/paas/v4", "glm-5", None),
        ("https://mine.openai.azure.com/openai/v1", "gpt-5.4", None),
        ("https://api.githubcopilot.com", "gpt-5.4", None),
        ("https://ai-gateway.vercel.sh/v1", "anthropic/claude-sonnet-4.5:free", None),
    ] {
        let entry = catalogue_at(url, model).unwrap_or_else(|| panic!("{model} at {url}"));
        assert_eq!(dollars(&entry).as_deref(), want, "{model} at {url}");
        assert!(entry.context_window().is_some(), "{model} at {url}");
    }

    let window = |url, model| catalogue_at(url, model).and_then(|entry| entry.context_window());
    // The same name, another window.
    assert_eq!(window("https://api.openai.com/v1", "gpt-5.4"), Some(1_050_000));
    assert_eq!(window("https://mine.openai.azure.com", "gpt-5.4"), Some(922_000));
    // A model that only one host serves is not known elsewhere.
    let name = "accounts/fireworks/models/glm-5p3";
    assert_eq!(window("https://api.fireworks.ai/inference/v1", name), Some(1_048_576));
    assert_eq!(window("https://relay.example/v1", name), None);
}

#[test]
fn every_fact_has_its_source() {
    let at = catalogue_at("https://api.groq.com/openai/v1", "openai/gpt-oss-120b").unwrap();
    let source = |fact: &CatalogueFact| fact.source.name.clone();
    assert!(at.facts().iter().all(|fact| source(fact) == SOURCE.name), "{at:?}");
    let alone = catalogue("openai/gpt-oss-120b").unwrap();
    assert!(alone.facts().iter().all(|fact| source(fact) == "litellm 1.109.1"), "{alone:?}");
    // 2026-11-22.
    assert!(alone.facts().iter().all(|fact| fact.source.at == Timestamp(1_795_305_600_000)));
}

#[test]
fn a_shorter_window_takes_no_longer_answer_from_the_maker() {
    let mut entry = CatalogueEntry::default();
    entry.complete(&Row { context_window: Some(8192), ..Row::default() }, &SOURCE);
    let maker = Row {
        context_window: Some(200_000),
        max_output: Some(64_000),
        tools: Some(true),
        ..Row::default()
    };
    entry.complete(&maker, &SOURCE);
    assert_eq!(shown(&entry), "8192 ? t");
}
