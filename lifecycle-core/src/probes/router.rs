//! The same answers for a service that has an HTTP server.

use axum::Router;
use axum::body::Body;
use axum::routing::get;

use super::{Source, answers};

pub(crate) fn router<S: Clone + Send + Sync + 'static>(source: Source) -> Router<S> {
    answers::PATHS.into_iter().fold(Router::new(), |router, path| {
        router.route(path, get(async move || answers::get(path, source).await.map(Body::new)))
    })
}
