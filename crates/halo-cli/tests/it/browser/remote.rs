//! Another device: it signs in with the password, sees the same cards, and is signed out.

use super::stage::{Providers, play};

#[test]
fn a_phone_signs_in_with_the_password_and_sees_the_same_card() {
    play("remote", Providers::None, async |stage| {
        let page = &stage.page;
        page.open("/settings/devices").await;
        assert_eq!(page.count("[data-devices] > li").await, 1);
        for field in ["#new", "#again"] {
            page.type_into(field, "correct horse battery").await;
        }
        page.click("[data-set-password]").await;
        page.there("[data-notice]").await;

        // This browser becomes the phone: it signs out and comes back by the password.
        page.set_size(390, 844).await;
        page.click("[data-devices] [data-revoke]").await;
        page.there("[data-sign-in]").await;
        // The event stream of the page that was left is refused.
        stage.forgive("401");
        page.open("/practice").await;
        page.type_into("#password", "wrong wrong").await;
        page.click("[data-sign-in] button").await;
        page.there("[data-refused]").await;
        page.assert_fits(390).await;
        page.shoot("sign-in-phone").await;
        page.type_into("#password", "correct horse battery").await;
        page.click("[data-sign-in] button").await;
        page.until::<bool>("the page that was wanted", "location.pathname === '/practice'").await;

        page.click("[data-scenario=rate-limit]").await;
        let card = page.card().await;
        assert_eq!(card.kind, "rate_limited");
        page.assert_fits(390).await;
        page.open("/settings/devices").await;
        page.assert_fits(390).await;
        page.shoot("devices-phone").await;
    });
}
