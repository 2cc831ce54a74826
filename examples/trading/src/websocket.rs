//! The connection to the exchange: disconnected first, with a real close handshake.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::exchange::{Bar, Subscribe};

pub(crate) struct WebSocketManager {
    socket: Mutex<WebSocketStream<MaybeTlsStream<TcpStream>>>,
}

/// What arrived since the last call.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) bars: Vec<Bar>,
    /// The exchange has nothing more to send.
    pub(crate) ended: bool,
}

impl WebSocketManager {
    pub(crate) async fn connect(exchange: SocketAddr, subscribe: &Subscribe) -> anyhow::Result<Self> {
        let (mut socket, _) = connect_async(format!("ws://{exchange}"))
            .await
            .with_context(|| format!("cannot reach the exchange at {exchange}"))?;
        socket.send(Message::text(serde_json::to_string(subscribe)?)).await?;
        Ok(Self { socket: Mutex::new(socket) })
    }

    /// Takes what is here and does not wait for more: a quiet market must not look like a hang.
    pub(crate) async fn receive(&self) -> anyhow::Result<News> {
        let mut socket = self.socket.lock().await;
        let mut news = News::default();
        while let Some(message) = socket.next().now_or_never() {
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
        Ok(news)
    }

    #[lifecycle::component(order = 1, phase = "disconnect")]
    async fn close(&self) -> anyhow::Result<()> {
        let mut socket = self.socket.lock().await;
        // The sink's `close` and not the socket's own: it accepts that the exchange may have closed already.
        SinkExt::close(&mut *socket).await?;
        // Until the exchange has answered; what it sent before that is not ours any more.
        while socket.next().await.transpose()?.is_some() {}
        tracing::info!("the exchange has said goodbye");
        Ok(())
    }
}
