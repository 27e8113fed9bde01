//! The API as the server itself uses it: for handlers of runs that call it, without a connection.
//!
//! Who asks is an extension of the request that only this module can make, so no request from
//! outside can carry it. The space is that actor's, whatever an address says, and the chain of
//! causes goes on: what a run changes knows the run, and what it starts knows how deep it is.

use crate::App;
use crate::front::SpaceSlug;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use http::{HeaderMap, Response, StatusCode};
use platform::Actor;
use tower::ServiceExt;

/// The actor of a request that the server makes.
#[derive(Clone)]
pub(crate) struct Inside(pub(crate) Actor);

/// The route table without its front door's connection.
#[derive(Clone)]
pub struct OwnApi {
    router: Router,
    app: App,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `None` when it is longer than was to be read.
    pub body: Option<Vec<u8>>,
}

impl OwnApi {
    /// The API over these engines.
    pub fn new(app: App) -> Self {
        Self { router: crate::router::router(app.clone(), Router::new()), app }
    }

    /// Answers a request as the API does, for `actor` in their space. At most `body_bytes_max`
    /// bytes of the answer are read.
    ///
    /// # Errors
    /// When the space of the actor is gone, or the store cannot say.
    pub async fn call(
        &self,
        actor: Actor,
        request: http::Request<String>,
        body_bytes_max: usize,
    ) -> Result<Answer, platform::Error> {
        let space = self.app.platform.space(&actor).await?;
        let mut request: Request = request.map(Body::from);
        request.extensions_mut().insert(SpaceSlug(space.slug.clone()));
        request.extensions_mut().insert(Inside(actor));
        let response: Response<Body> = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, body_bytes_max).await.ok().map(|bytes| bytes.to_vec());
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}
