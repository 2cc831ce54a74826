//! The answers of the probes for what a service has already: an HTTP server, a recorder of metrics.

use super::answers::SOURCE;

/// The probes, for a service that has an axum server. With the feature `axum`.
///
/// The paths are `/livez`, `/readyz`, `/startupz`, `/status`, `/plan`, `/history`, `/hang-report` and `/metrics`, and `/lifecycle` is
/// the page for people. The answers are those of the option `probes`, which needs no server and also answers while the service
/// starts, backs off, stops or hangs.
/// Here the service's own runtime answers, as long as its server does: a frozen one answers nothing, which a platform's timeout
/// takes for not live.
///
/// What `/readyz` says depends on the option `ready`: write `ready = "explicit"` and call [`ready`](crate::ready) when the service is
/// up, or it counts as up after a second.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
///
/// let routes: Router = Router::new()
///     .route("/orders", get(async || "none"))
///     .merge(lifecycle::probes_router());
/// # drop(routes);
/// ```
#[cfg(feature = "axum")]
pub fn probes_router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    crate::probes::router(SOURCE)
}

/// Records what `/metrics` says, under the same names, through the facade `metrics`: for a service that has a recorder of its own.
/// With the feature `metrics`.
///
/// Call it when metrics are asked for, or before they are sent: nothing is recorded in between, and there is no thread that
/// does it. Without a recorder it does nothing.
///
/// ```
/// // In the handler of `/metrics`, before the recorder is asked for its text.
/// lifecycle::record_metrics();
/// ```
#[cfg(feature = "metrics")]
pub fn record_metrics() {
    crate::probes::record(SOURCE);
}
