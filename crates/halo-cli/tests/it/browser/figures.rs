//! The page of figures: from what was really sent.

use super::stage::{Providers, play};

#[test]
fn reliability_is_shown_from_the_persons_own_history() {
    play("reliability", Providers::Bench(20.0), async |stage| {
        let page = &stage.page;
        page.open("/reliability").await;
        page.there("[data-nothing]").await;

        page.begin("sim-openai/halo-practice").await;
        for _ in 0..3 {
            page.send("Hello").await;
            page.answer().await;
        }
        page.choose("sim-openai/overloaded").await;
        page.send("Are you well?").await;
        page.answer().await;
        page.choose("sim-anthropic/quota").await;
        page.send("And you?").await;
        assert_eq!(page.card().await.kind, "quota_exhausted");

        page.open("/reliability?span=day").await;
        // The simulator may answer within a millisecond; then there is no time to draw.
        assert!(page.count("svg.chart").await >= 2);
        let tiles: Vec<String> = page
            .read("[...document.querySelectorAll('.rel-tiles strong')].map((e) => e.textContent)")
            .await;
        assert_eq!(tiles[0], "4", "answers: {tiles:?}");
        let failed: u32 = tiles[1].parse().expect("a number");
        assert!(failed >= 2, "{tiles:?}");
        assert_eq!(tiles[2], (failed - 1).to_string(), "healed: all but the quota");
        let rows: Vec<String> = page
            .read("[...document.querySelectorAll('#rel-served + * tbody tr')].map((e) => e.textContent)")
            .await;
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert!(
            rows.iter().any(|row| row.contains("quota") && row.contains("Simulated Anthropic"))
        );
        // The colours are the page's, not black.
        let colours: Vec<String> = page
            .read("[...document.querySelectorAll('svg.chart rect')].map((e) => getComputedStyle(e).fill)")
            .await;
        assert!(colours.iter().any(|c| c == "rgb(63, 125, 88)"), "{colours:?}");
        page.shoot("reliability").await;
        let csv: String = page
            .read("await (await fetch(document.querySelector('[data-csv]').href)).text()")
            .await;
        assert_eq!(csv.lines().count(), 1 + 4 + usize::try_from(failed).expect("small"), "{csv}");
        assert!(csv.contains("quota_exhausted") && csv.contains(",answered,"), "{csv}");

        page.open("/reliability?span=day&provider=sim-anthropic").await;
        assert_eq!(page.count("#rel-served + * tbody tr").await, 1);
        page.set_dark(true).await;
        page.set_size(390, 844).await;
        page.assert_fits(390).await;
        page.shoot("reliability-phone-dark").await;
    });
}
