//! HTTP that finishes what it has accepted, and refuses nobody while it restarts. Run it with `--features tower`, then
//! `curl localhost:3000/slow`, and press Ctrl-C while it waits: the log names the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

#[derive(Default)]
struct Visits(AtomicU64);

impl Visits {
    /// In phase persist, so after the server has given its last answer.
    #[lifecycle::component(phase = "persist")]
    async fn save(&self) {
        println!("{} visits", self.0.load(Ordering::Relaxed));
    }
}

#[lifecycle::main(init = tracing_subscriber::fmt::init)]
async fn main() -> std::io::Result<()> {
    let visits = lifecycle::manage(Visits::default());
    let routes = Router::new()
        .route("/", get(async || "hello\n"))
        .route("/slow", get(slow))
        .route("/status", get(async || lifecycle::status().to_string()))
        .with_state(visits)
        // After all routes: it sees those before it.
        .layer(lifecycle::in_flight());

    let listener = lifecycle::listen("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    lifecycle::ready();
    axum::serve(listener, routes).with_graceful_shutdown(lifecycle::stopping()).await
}

async fn slow(State(visits): State<Arc<Visits>>) -> &'static str {
    visits.0.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(3)).await;
    "worth the wait\n"
}
