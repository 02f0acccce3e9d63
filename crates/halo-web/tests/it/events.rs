use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt as _;

use crate::browser::Browser;

async fn next(body: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap()?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn news_come_with_ids_and_can_be_caught_up() {
    let browser = Browser::signed_in().await;
    let response = browser.open(browser.request(Method::GET, "/events", &[], "")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut stream = response.into_body();
    let id = browser.engine.create(None).await.unwrap();
    browser.engine.rename(id, "One").await.unwrap();
    let mut seen = next(&mut stream).await.unwrap();
    while !seen.contains("event: list") {
        seen = next(&mut stream).await.unwrap();
    }
    let last = seen.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    browser.engine.rename(id, "Two").await.unwrap();
    let headers = [("last-event-id", last.as_str())];
    let again = browser.open(browser.request(Method::GET, "/events", &headers, "")).await;
    let missed = next(&mut again.into_body()).await.unwrap();
    assert!(missed.contains("event: ") && !missed.contains("resync"), "{missed}");
    let headers = [("last-event-id", "an-earlier-run")];
    let lost = browser.open(browser.request(Method::GET, "/events", &headers, "")).await;
    let resync = next(&mut lost.into_body()).await.unwrap();
    assert!(resync.contains("event: resync"), "{resync}");
}

#[tokio::test]
async fn streams_end_with_the_program() {
    let browser = Browser::signed_in().await;
    let response = browser.open(browser.request(Method::GET, "/events", &[], "")).await;
    browser.shutdown.cancel();
    assert_eq!(next(&mut response.into_body()).await, None);
}
