//! The connection to the exchange: disconnected first, with a real close handshake.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
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

/// So many days may wait to be traded.
const BUFFER: usize = 64;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct WebSocketManager {
    /// Its URL.
    exchange: String,
    key: String,
    /// After so long a silence, the connection counts as dead: a peer that vanishes closes nothing. Even a quiet market
    /// sends pings.
    timeout: Duration,
    connection: Mutex<Connection>,
    news: mpsc::Sender<News>,
}

struct Connection {
    socket: Option<Socket>,
    /// What has not arrived yet.
    wanted: Subscribe,
}

pub(crate) enum News {
    Day(Bar),
    /// The exchange has nothing more to send.
    End,
}

impl WebSocketManager {
    /// Logs in; what arrives then is in the channel.
    pub(crate) async fn connect(
        exchange: &str,
        key: &str,
        wanted: Subscribe,
        timeout: Duration,
    ) -> anyhow::Result<(Self, mpsc::Receiver<News>)> {
        let (news, arrived) = mpsc::channel(BUFFER);
        let connection = Mutex::new(Connection { socket: None, wanted });
        let manager = Self { exchange: exchange.to_owned(), key: key.to_owned(), timeout, connection, news };
        let mut connection = manager.connection.lock().await;
        connection.socket = Some(manager.log_in(&connection.wanted).await?);
        drop(connection);
        Ok((manager, arrived))
    }

    async fn log_in(&self, wanted: &Subscribe) -> anyhow::Result<Socket> {
        let exchange = self.exchange.as_str();
        let mut login = exchange.into_client_request()?;
        let key = self.key.parse().context("the key (--api-key) is no header's value")?;
        login.headers_mut().insert(KEY_HEADER, key);
        let (mut socket, _) = time::timeout(self.timeout, connect_async(login))
            .await
            .map_err(anyhow::Error::from)
            .and_then(|connected| connected.map_err(refusal))
            .with_context(|| format!("cannot reach the exchange at {exchange}"))?;
        socket.send(Message::text(serde_json::to_string(wanted)?)).await?;
        Ok(socket)
    }

    /// A connection that is lost is made again, alone: what has arrived is traded meanwhile.
    #[lifecycle::task(restart(max_restarts = 3, within = "1m", wait = "100ms", max_wait = "5s"))]
    async fn feed(&self) -> anyhow::Result<()> {
        let connection = &mut *self.connection.lock().await;
        tokio::select! {
            // In this order: a stop comes before the next message, and hang reports list the branches alike each time.
            biased;
            () = lifecycle::stopping() => Ok(()),
            ended = self.receive(connection) => {
                if ended.is_err() {
                    connection.socket = None;
                }
                ended
            }
        }
    }

    async fn receive(&self, Connection { socket, wanted }: &mut Connection) -> anyhow::Result<()> {
        let socket = match socket {
            Some(socket) => socket,
            None => socket.insert(self.log_in(wanted).await?),
        };
        loop {
            let Ok(message) = time::timeout(self.timeout, socket.next()).await else {
                bail!("the exchange has been silent for {:.1?}", self.timeout);
            };
            let news = match message.transpose().context("the feed broke")? {
                Some(Message::Text(bar)) => News::Day(serde_json::from_str(&bar)?),
                Some(Message::Close(Some(frame))) if frame.code == CloseCode::Normal => News::End,
                Some(Message::Close(_)) | None => bail!("the exchange closed the feed"),
                Some(_) => continue,
            };
            let is_last = matches!(news, News::End);
            // Nobody takes it: trading has ended.
            if self.news.send(news).await.is_err() || is_last {
                return Ok(());
            }
            wanted.from += 1;
            wanted.days = wanted.days.map(|days| days - 1);
        }
    }

    #[lifecycle::component(order = 1, phase = "disconnect")]
    async fn close(&self) {
        let Some(socket) = &mut self.connection.lock().await.socket else { return };
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
