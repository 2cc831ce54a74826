//! A service that serves HTTP itself, on the Unix socket `app.sock`: the probes' router beside routes and a recorder of its own.
//! It is up once the file `go` is there; `/stop` begins a stop, with a second in which it still answers.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

#[lifecycle::heartbeat(name = "tick")]
async fn tick() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

async fn own_metrics(State(recorder): State<PrometheusHandle>) -> String {
    metrics::counter!("orders_total").increment(1);
    lifecycle::record_metrics();
    recorder.render()
}

#[lifecycle::main(ready = "explicit", flavor = current_thread, restart = false)]
async fn main() -> anyhow::Result<()> {
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let routes = Router::new()
        .route("/", get(async || "its own"))
        .route("/own", get(own_metrics))
        .route("/stop", get(async || lifecycle::shutdown("asked")))
        .merge(lifecycle::probes_router())
        .nest("/ops", lifecycle::probes_router())
        .with_state(recorder);
    let listener = lifecycle::listen_unix("app.sock").await?;
    let server = axum::serve(listener, routes);
    println!("listens");
    tokio::spawn(async {
        while !std::path::Path::new("go").exists() {
            tick().await;
        }
        lifecycle::ready();
        println!("up");
    });
    let a_second_later = async {
        lifecycle::stopping().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    Ok(server.with_graceful_shutdown(a_second_later).await?)
}
