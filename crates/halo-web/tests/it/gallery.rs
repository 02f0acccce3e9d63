//! The fault gallery, as a browser without scripts sees it.

use halo_engine::gallery::faults;

use crate::browser::Browser;

#[tokio::test]
async fn all_faults_stand_in_the_gallery_and_can_be_narrowed_down() {
    let browser = Browser::signed_in().await;
    let entries = |page: &str| page.matches("name=\"scenario\"").count();
    let page = browser.get("/practice/all").await.body;
    assert_eq!(entries(&page), faults().len());
    assert!(page.len() < 400_000, "{}", page.len());
    assert!(page.contains("The practice provider is not running"), "nothing can be played here");
    for kind in ["rate_limited", "context_length_exceeded", "invalid_api_key", "overloaded"] {
        assert!(page.contains(&format!("data-kind=\"{kind}\"")), "{kind}");
    }
    let vendor = faults().iter().find_map(|fault| fault.vendor.clone()).unwrap();
    let of_vendor = faults().iter().filter(|f| f.vendor.as_ref() == Some(&vendor)).count();
    let page = browser.get(&format!("/practice/all?vendor={vendor}")).await.body;
    assert_eq!(entries(&page), of_vendor, "{vendor}");
    let one = browser.get("/practice/all?q=RATE_limited").await.body;
    assert!(entries(&one) > 0 && entries(&one) < faults().len());
    assert!(one.contains("value=\"RATE_limited\""));
    let none = browser.get("/practice/all?q=%3Cscript%3Enothing").await.body;
    assert_eq!(entries(&none), 0);
    assert!(none.contains("0 errors") && !none.contains("<script>nothing"), "{none}");
    assert!(browser.get("/practice").await.body.contains("href=\"/practice/all\""));
}
