//! Browser sessions, and what keeps other sites from using them.

use crate::harness::{ADMIN, Answer, Server, both, one};
use reqwest::Method;
use serde_json::json;

/// Signs in and returns the cookie.
async fn sign_in(server: &Server) -> String {
    let body = json!({ "j_username": ADMIN.0, "j_password": ADMIN.1 });
    let request = server.bare(Method::POST, "/app/login.do").json(&body);
    let answer = Answer::of(request).await;
    let cookie = answer.header("set-cookie").expect("a cookie").to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    answer.ok();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lasts_until_it_is_ended() {
    for server in both().await {
        let cookie = sign_in(&server).await;
        let me = || server.bare(Method::GET, "/app/api/v1/me").header("cookie", &cookie);
        assert_eq!(Answer::of(me()).await.ok()["username"], ADMIN.0);
        let logout = server.bare(Method::GET, "/app/logout").header("cookie", &cookie);
        let logout = Answer::of(logout).await;
        let cleared = logout.header("set-cookie").unwrap().to_str().unwrap();
        assert!(cleared.contains("Max-Age=0"), "{cleared}");
        Answer::of(me()).await.refused(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_signs_in_and_a_wrong_password_does_not() {
    let server = one().await;
    let form = format!("j_username={}&j_password={}", ADMIN.0, ADMIN.1.replace(' ', "+"));
    let request = server.bare(Method::POST, "/app/login.do").body(form);
    let kind = "application/x-www-form-urlencoded";
    Answer::of(request.header("content-type", kind)).await.ok();
    let wrong = json!({ "j_username": ADMIN.0, "j_password": "wrong" });
    let request = server.bare(Method::POST, "/app/login.do").json(&wrong);
    assert_eq!(Answer::of(request).await.refused(401), "Invalid username or password");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_under_a_cookie_must_come_from_our_pages() {
    let server = one().await;
    let cookie = sign_in(&server).await;
    let origin = format!("http://{}", server.address);
    let check = async |headers: &[(&str, &str)], status: u16| {
        let body = json!({ "slug": "k", "name": "K" });
        let request = server.bare(Method::PUT, "/app/api/v1/space").json(&json!({ "name": "N" }));
        let mut request = request.header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = Answer::of(request).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?} {body}");
    };
    check(&[], 403).await;
    check(&[("sec-fetch-site", "cross-site")], 403).await;
    check(&[("origin", "https://evil.example")], 403).await;
    check(&[("sec-fetch-site", "same-origin")], 200).await;
    check(&[("origin", &origin)], 200).await;
    let login = server.bare(Method::POST, "/app/login.do").header("sec-fetch-site", "cross-site");
    let body = json!({ "j_username": ADMIN.0, "j_password": ADMIN.1 });
    Answer::of(login.json(&body)).await.refused(403);
}
