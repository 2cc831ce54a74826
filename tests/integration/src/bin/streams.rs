//! Streams that hold up a graceful stop of their server, or escape it. The argument picks the server: `axum` and `hyper` send
//! events, `websocket` says goodbye, `websocket-stuck` does not, `tonic` watches for ever.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_core::Stream;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{Interval, interval};

/// An event, and then nothing: the stream of a channel on which nobody sends (axum 2673).
struct Pending(bool);

impl Stream for Pending {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Event::default().data("first"))))
    }
}

/// An event every 50 ms, without an end (hyper 2787).
struct Endless(Interval);

impl Stream for Endless {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let _tick = ready!(self.0.poll_tick(context));
        Poll::Ready(Some(Ok(Event::default().data("Hi!"))))
    }
}

fn sse<S: Stream<Item = Result<Event, Infallible>> + Send + 'static>(
    stream: S,
) -> Sse<impl Stream<Item = S::Item>> {
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_millis(50)))
}

/// `on_upgrade` spawns a plain task, which no graceful shutdown of axum waits for (axum 3003): the guard is what a stop sees.
async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| async {
        let _busy = lifecycle::busy("WebSocket of a client");
        println!("connected");
        talk(socket).await;
    })
}

async fn talk(mut socket: WebSocket) {
    if scenario() == "websocket-stuck" {
        return std::future::pending().await;
    }
    lifecycle::stopping().await;
    // What the client is still owed takes a moment.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for message in [Message::text("the last price"), Message::Close(None)] {
        let _ = socket.send(message).await;
    }
    println!("said goodbye");
}

fn routes() -> Router {
    Router::new()
        .route("/pending", get(async || sse(Pending(false))))
        .route("/endless", get(async || sse(Endless(interval(Duration::from_millis(50))))))
        .route("/socket", get(upgrade))
        .layer(lifecycle::in_flight())
}

/// As hyper's own example of a graceful server.
async fn serve_hyper(listener: TcpListener) -> anyhow::Result<()> {
    let graceful = GracefulShutdown::new();
    let service = TowerToHyperService::new(routes());
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            () = lifecycle::stopping() => break,
        };
        let connection = hyper::server::conn::http1::Builder::new();
        let connection = connection.serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(graceful.watch(connection));
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

/// The watch of a health service, as of any server stream, never ends (grpc-rust 1820).
async fn serve_tonic(listener: TcpListener) -> anyhow::Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("orders", tonic_health::ServingStatus::Serving).await;
    let server = tonic::transport::Server::builder().layer(lifecycle::in_flight()).add_service(health);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    Ok(server.serve_with_incoming_shutdown(incoming, lifecycle::stopping()).await?)
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

#[lifecycle::component(phase = "persist")]
fn save() {
    println!("saved");
}

#[lifecycle::main]
async fn main() -> anyhow::Result<()> {
    let listener = lifecycle::listen("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    match scenario().as_str() {
        "hyper" => serve_hyper(listener).await,
        "tonic" => serve_tonic(listener).await,
        _ => Ok(axum::serve(listener, routes()).with_graceful_shutdown(lifecycle::stopping()).await?),
    }
}
