//! The connection to the exchange: disconnected first, with a real close handshake.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::exchange::{Bar, KEY_HEADER, Subscribe};

/// How long to wait for the exchange's goodbye. Nothing is lost without it.
const GOODBYE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct WebSocketManager {
    feed: Mutex<Feed>,
    /// After so long a silence, the connection counts as dead: a peer that vanishes closes nothing.
    timeout: Duration,
}

struct Feed {
    socket: Socket,
    heard: Instant,
}

/// What arrived since the last call.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) bars: Vec<Bar>,
    /// The exchange has nothing more to send.
    pub(crate) ended: bool,
}

impl WebSocketManager {
    pub(crate) async fn connect(
        exchange: SocketAddr,
        key: &str,
        subscribe: &Subscribe,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let mut login = format!("ws://{exchange}").into_client_request()?;
        login
            .headers_mut()
            .insert(KEY_HEADER, key.parse().context("the key (--api-key) is no header's value")?);
        let (mut socket, _) = time::timeout(timeout, connect_async(login))
            .await
            .map_err(anyhow::Error::from)
            .and_then(|connected| connected.map_err(refusal))
            .with_context(|| format!("cannot reach the exchange at {exchange}"))?;
        socket.send(Message::text(serde_json::to_string(subscribe)?)).await?;
        Ok(Self { feed: Mutex::new(Feed { socket, heard: Instant::now() }), timeout })
    }

    /// Takes what is here and does not wait for more: a quiet market must not look like a hang.
    ///
    /// Even then the exchange sends pings, so silence means that the connection is dead.
    pub(crate) async fn receive(&self) -> anyhow::Result<News> {
        let Feed { socket, heard } = &mut *self.feed.lock().await;
        let mut news = News::default();
        while let Some(message) = socket.next().now_or_never() {
            *heard = Instant::now();
            match message.transpose().context("the feed broke")? {
                Some(Message::Text(bar)) => news.bars.push(serde_json::from_str(&bar)?),
                Some(Message::Close(Some(frame))) if frame.code == CloseCode::Normal => {
                    news.ended = true;
                    break;
                }
                Some(Message::Close(_)) | None => bail!("the exchange closed the feed"),
                Some(_) => {}
            }
        }
        ensure!(heard.elapsed() < self.timeout, "the exchange has been silent for {:.1?}", heard.elapsed());
        Ok(news)
    }

    #[lifecycle::component(order = 1, phase = "disconnect")]
    async fn close(&self) {
        let socket = &mut self.feed.lock().await.socket;
        match time::timeout(GOODBYE, say_goodbye(socket)).await {
            Ok(Ok(())) => tracing::info!("the exchange has said goodbye"),
            Ok(Err(error)) => tracing::warn!("hung up on the exchange: {error}"),
            Err(_) => tracing::warn!("hung up on the exchange: it does not answer"),
        }
    }
}

/// What the exchange's answer means for the next try: a wrong key stays wrong, and who asks again too soon is banned.
fn refusal(error: tungstenite::Error) -> anyhow::Error {
    let tungstenite::Error::Http(response) = &error else { return error.into() };
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match (response.status(), retry_after) {
        (StatusCode::UNAUTHORIZED, _) => lifecycle::permanent("it does not know our key (--api-key)").into(),
        (StatusCode::TOO_MANY_REQUESTS, Some(seconds)) => {
            let wait = Duration::from_secs(seconds);
            lifecycle::retry_after(format!("it lets us in again in {wait:?}"), wait).into()
        }
        _ => error.into(),
    }
}

async fn say_goodbye(socket: &mut Socket) -> Result<(), tungstenite::Error> {
    // The sink's `close` and not the socket's own: it accepts that the exchange may have closed already.
    SinkExt::close(socket).await?;
    // Until the exchange has answered; what it sent before that is sent again to the next run.
    while socket.next().await.transpose()?.is_some() {}
    Ok(())
}
