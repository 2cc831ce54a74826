//! An HTTP server whose requests a stop waits for. The argument says whether main waits for the server itself (`graceful`), has
//! left it to a plain task (`spawned`), or lets what it has accepted last send its request (`settled`, as in the recipe).

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use axum::routing::get;
use axum::serve::Listener;
use futures_core::Stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, interval, sleep};

/// A line every 20 ms.
struct Lines {
    interval: Interval,
    left: usize,
}

impl Lines {
    fn new(left: usize) -> Lines {
        Lines { interval: interval(Duration::from_millis(20)), left }
    }
}

impl Stream for Lines {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<String>>> {
        let _tick = ready!(self.interval.poll_tick(context));
        self.left -= 1;
        Poll::Ready(Some(match self.left {
            0 => return Poll::Ready(None),
            1 => Ok("the end\n".to_owned()),
            _ => Ok("data: tick\n\n".to_owned()),
        }))
    }
}

/// One line, and nothing any more.
struct Silence(bool);

impl Stream for Silence {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<String>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok("data: tick\n\n".to_owned())))
    }
}

/// Always ready, and without an end.
struct Flood;

impl Stream for Flood {
    type Item = Result<String>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<String>>> {
        Poll::Ready(Some(Ok("x".repeat(4096))))
    }
}

/// Answered once the stop has begun, as `upgrade` is.
async fn slow() -> &'static str {
    println!("called");
    lifecycle::stopping().await;
    sleep(Duration::from_millis(50)).await;
    "answered"
}

async fn work() -> &'static str {
    sleep(Duration::from_millis(30)).await;
    "answered"
}

async fn stuck() -> &'static str {
    println!("called");
    std::future::pending().await
}

fn events(
    stream: impl Stream<Item = Result<String>> + Send + 'static,
) -> ([(axum::http::HeaderName, &'static str); 1], Body) {
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream))
}

fn routes() -> Router {
    Router::new()
        .route("/quick", get(async || "answered"))
        .route("/work", get(work))
        .route("/slow", get(slow))
        .route("/stuck", get(stuck))
        .route("/events", get(async || events(Lines::new(usize::MAX))))
        .route("/silent", get(async || events(Silence(false))))
        .route("/download", get(async || Body::from_stream(Lines::new(40))))
        .route("/endless", get(async || Body::from_stream(Silence(false))))
        .route("/flood", get(async || Body::from_stream(Flood)))
        .route("/upgrade", get(upgrade))
        .layer(lifecycle::in_flight())
}

async fn upgrade() -> (StatusCode, [(axum::http::HeaderName, &'static str); 2]) {
    println!("called");
    lifecycle::stopping().await;
    (StatusCode::SWITCHING_PROTOCOLS, [(CONNECTION, "upgrade"), (UPGRADE, "echo")])
}

/// Accepts nothing once the stop has begun.
struct UntilStop(Option<TcpListener>);

impl Listener for UntilStop {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let Some(listener) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            biased;
            () = lifecycle::stopping() => {}
            accepted = Listener::accept(listener) => return accepted,
        }
        // Closed at once: what comes now is refused, or waits for the next process where systemd holds the socket.
        self.0 = None;
        std::future::pending().await
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.0.as_ref().map_or(Err(Error::other("the stop has begun")), TcpListener::local_addr)
    }
}

#[lifecycle::component(phase = "persist")]
fn save() {
    println!("saved");
}

#[lifecycle::main]
async fn main() -> Result<()> {
    let listener = lifecycle::listen("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    match std::env::args().nth(1).as_deref() {
        Some("graceful") => {
            axum::serve(listener, routes()).with_graceful_shutdown(lifecycle::stopping()).await
        }
        Some("settled") => {
            let settled = async {
                lifecycle::stopping().await;
                sleep(Duration::from_millis(100)).await;
            };
            let listener = UntilStop(Some(listener));
            axum::serve(listener, routes()).with_graceful_shutdown(settled).await
        }
        Some("spawned") => {
            // Asked for before the first request comes.
            let stopping = lifecycle::stopping();
            tokio::spawn(async { axum::serve(listener, routes()).await });
            stopping.await;
            Ok(())
        }
        other => Err(Error::other(format!("no scenario {other:?}"))),
    }
}
