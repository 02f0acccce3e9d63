use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode};
use halo_store::TokenKind;

use crate::browser::{Answer, Browser};

const PASSWORD: &str = "correct horse battery";
const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604";

/// A request from another machine.
async fn from(
    browser: &Browser,
    peer: &str,
    method: Method,
    path: &str,
    cookie: &str,
    form: &str,
) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", PHONE),
        ("cookie", cookie),
        ("host", "192.168.1.2:7575"),
    ];
    let mut request = browser.request(method, path, &headers, form.to_owned());
    let peer: SocketAddr = format!("{peer}:40000").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    browser.send(request).await
}

async fn sign_in(browser: &Browser, peer: &str, password: &str) -> Answer {
    let form = format!("password={}&to=%2Fsettings%2Fabout", password.replace(' ', "+"));
    from(browser, peer, Method::POST, "/sign-in", "", &form).await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_signs_a_phone_in_and_the_list_signs_it_out() {
    let browser = Browser::signed_in().await;
    let store = browser.engine.store();
    // Before there is one, the page says how a link is got and takes no password.
    let door = from(&browser, "192.168.1.7", Method::GET, "/", "", "").await;
    assert!(door.body.contains("data-command") && !door.body.contains("data-sign-in"));
    assert_eq!(sign_in(&browser, "192.168.1.7", "").await.header("set-cookie"), "");

    let form = format!("new={PASSWORD}&again={PASSWORD}").replace(' ', "+");
    let set = browser.post("/settings/devices/password", &form).await;
    assert_eq!(set.header("location"), "/settings/devices?done=set", "{}", set.body);
    assert!(!store.setting("access.password").await.unwrap().unwrap().contains("horse"));

    let door = from(&browser, "192.168.1.7", Method::GET, "/c/1?at=2", "", "").await;
    assert_eq!(door.status, StatusCode::UNAUTHORIZED);
    assert!(door.body.contains("data-sign-in") && door.body.contains("data-not-encrypted"));
    assert!(door.body.contains("value=\"/c/1?at=2\""), "{}", door.body);
    let wrong = sign_in(&browser, "192.168.1.7", "another").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("not the password") && wrong.header("set-cookie").is_empty());

    let right = sign_in(&browser, "192.168.1.7", PASSWORD).await;
    assert_eq!(right.header("location"), "/settings/about");
    let phone = cookie(&right);
    let list = from(&browser, "192.168.1.7", Method::GET, "/settings/devices", &phone, "").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.body.contains("Safari · iPhone · 192.168.1.7"), "{}", list.body);

    let sessions = store.tokens(TokenKind::Session).await.unwrap();
    let row = sessions.iter().find(|row| row.label.contains("iPhone")).unwrap();
    let gone = browser.post("/settings/devices/revoke", &format!("hash={}", row.hash)).await;
    assert_eq!(gone.header("location"), "/settings/devices?done=gone");
    let after = from(&browser, "192.168.1.7", Method::GET, "/settings/devices", &phone, "").await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/settings/devices").await.status, StatusCode::OK, "the other stays");
}

#[tokio::test]
async fn another_password_signs_all_others_out_and_needs_the_old_one() {
    let browser = Browser::signed_in().await;
    let store = browser.engine.store();
    halo_web::set_password(store.as_ref(), PASSWORD).await.unwrap();
    let phone = cookie(&sign_in(&browser, "10.0.0.2", PASSWORD).await);
    let change = async |old: &str, new: &str, again: &str| {
        let form = format!("old={old}&new={new}&again={again}").replace(' ', "+");
        browser.post("/settings/devices/password", &form).await
    };
    for (old, new, again, says) in [
        ("wrong", "long enough now", "long enough now", "not the password"),
        (PASSWORD, "long enough now", "long enough", "not the same"),
        (PASSWORD, "short", "short", "at least 10"),
    ] {
        let answer = change(old, new, again).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(says), "{says}");
        assert!(!answer.body.contains("long enough now"), "a password reaches no page");
    }
    assert!(halo_web::is_password(store.as_ref(), PASSWORD).await.unwrap());
    let set = change(PASSWORD, "long enough now", "long enough now").await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.body);
    let after = from(&browser, "10.0.0.2", Method::GET, "/", &phone, "").await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/settings/devices").await.status, StatusCode::OK);
    assert_eq!(sign_in(&browser, "10.0.0.2", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guesses_lock_their_network_and_nobody_else() {
    let browser = Browser::signed_in().await;
    let store = browser.engine.store();
    halo_web::set_password(store.as_ref(), PASSWORD).await.unwrap();
    for _ in 0..5 {
        assert_eq!(sign_in(&browser, "10.0.0.9", "guess").await.status, StatusCode::UNAUTHORIZED);
    }
    let locked = sign_in(&browser, "10.0.0.9", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "even the right one waits");
    assert!(locked.body.contains("Too many wrong passwords"), "{}", locked.body);
    let seconds: u64 = locked.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(sign_in(&browser, "10.0.0.8", PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/").await.status, StatusCode::OK, "who is in stays in");
    let link = browser.link().await;
    let entered = from(&browser, "10.0.0.9", Method::GET, &link, "", "").await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "a link is no guess");
}

#[tokio::test]
async fn a_proxy_with_tls_is_no_open_connection() {
    let browser = Browser::stranger().await;
    halo_web::set_password(browser.engine.store().as_ref(), PASSWORD).await.unwrap();
    let told = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https")];
    let door = browser.send(browser.request(Method::GET, "/", &told, "")).await;
    assert!(door.body.contains("data-sign-in") && !door.body.contains("data-not-encrypted"));
    let form = format!("password={}", PASSWORD.replace(' ', "+"));
    let entered = browser.post_with("/sign-in", &form, &told).await;
    assert!(entered.header("set-cookie").ends_with("; Secure"), "{:?}", entered.headers);
    assert_eq!(entered.header("location"), "/");
}

#[tokio::test]
async fn a_browser_signs_itself_out() {
    let browser = Browser::signed_in().await;
    let out = browser.post("/sign-out", "").await;
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{:?}", out.headers);
    assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
    let tokens = browser.engine.store().tokens(TokenKind::Session).await.unwrap();
    assert!(tokens.is_empty());
}
