//! Starting and stopping.

use crate::harness::{Answer, both, config};
use reqwest::Method;
use server::serve;

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_has_finished_what_it_began_and_starts_again() {
    for mut server in both().await {
        let ready = Answer::of(server.bare(Method::GET, "/readyz")).await.ok();
        assert_eq!(ready["status"], "ready");
        let stream = server.bare(Method::GET, "/app/api/v1/stream");
        let stream = stream.basic_auth(crate::harness::ADMIN.0, Some(crate::harness::ADMIN.1));
        let stream = stream.send().await.unwrap();
        assert_eq!(stream.status(), 200);
        server.laptop_form().await;
        server.take().stop().await;
        assert!(stream.text().await.is_ok(), "the stream ends by itself");
        assert!(server.bare(Method::GET, "/healthz").send().await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_up_a_password_once() {
    let store = testkit::sqlite().await;
    let fresh = || server::config::Config { admin_password: None, ..config(store.options()) };
    let first = serve::start(fresh()).await.unwrap();
    let password = first.password.clone().expect("a password");
    assert!(password.len() >= 16, "{password}");
    first.stop().await;
    let second = serve::start(fresh()).await.unwrap();
    assert_eq!(second.password, None);
    let url = format!("http://{}/app/api/v1/me", second.address);
    let me = reqwest::Client::new().get(url).basic_auth("admin", Some(&password));
    assert_eq!(me.send().await.unwrap().status(), 200);
    second.stop().await;
}
