//! A small run of `survival`: nothing happens that never may, and the figures are there.

use std::process::Command;

use serde_json::Value;

#[test]
fn sixty_turns_survive() {
    // Without the corpus, which is not everywhere: what is drawn is the same on every machine.
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["survival", "--turns", "60", "--seed", "3", "--jobs", "4", "--json"])
        .args(["--corpus", "/nowhere"])
        .output()
        .expect("the binary was built for this test");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("holds no corpus"), "{text}");
    let last = text.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(last).expect("the last line is JSON");
    for (run, name) in [(&report, "everything"), (&report["default"], "default")] {
        for never in
            ["wrong_retries", "lost_words", "doubled_words", "unended_turns", "misdiagnosed"]
        {
            assert_eq!(run[never], 0, "{never} under {name}:\n{text}");
        }
        assert_eq!(run["turns"], 60);
        assert_eq!(run["way_forward_share"], 1.0, "{text}");
        assert_eq!(run["classes"]["transient"]["by_click"], 0, "{text}");
    }
    let healed = |run: &Value| run["healed_share"].as_f64().unwrap_or_default();
    assert!(healed(&report) > healed(&report["default"]) && healed(&report) > 0.8, "{text}");
}
