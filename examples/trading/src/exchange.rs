//! The other side: an exchange on loopback that replays twenty years of the S&P 500, one day a tick.
//!
//! It has a thread and a runtime of its own, so it is outside of the service and outlives a restart, as the real one would.

use std::future::pending;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};
use tokio_tungstenite::tungstenite::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

const HISTORY: &str = include_str!("../data/sp500-2000.csv");

/// One trading day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bar {
    /// Counts the days since the exchange opened.
    #[serde(default)]
    pub(crate) seq: u64,
    pub(crate) date: String,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: u64,
}

/// What a client sends first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Subscribe {
    /// The first day that it has not seen.
    pub(crate) from: u64,
    /// How many days it wants; `None`: until it says goodbye.
    pub(crate) days: Option<u64>,
}

/// The header with a client's key, and the only key there is.
pub(crate) const KEY_HEADER: &str = "x-api-key";
pub(crate) const KEY: &str = "paper";

/// How the exchange treats its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Between two days.
    pub(crate) pace: Duration,
    /// Between two pings, which tell a quiet market from a dead connection.
    pub(crate) ping: Duration,
    /// After so many days it sends nothing more, as if a firewall had dropped the connection.
    pub(crate) mute_after: Option<u64>,
    /// So many logins are let in, and then none for a while.
    pub(crate) max_logins: Option<u32>,
}

/// How long it lets nobody in.
const PENALTY: Duration = Duration::from_secs(2);

/// Who may come in.
#[derive(Default)]
struct Door {
    logins: u32,
    closed_until: Option<Instant>,
}

impl Door {
    /// Answers a login as exchanges do: 401 to a wrong key, 429 with `Retry-After` to too many.
    fn admit(&mut self, request: &Request, service: &Service) -> Result<(), Box<ErrorResponse>> {
        let refuse = |status, name, value| {
            let response = ErrorResponse::new(None);
            let (mut parts, body) = response.into_parts();
            parts.status = status;
            parts.headers.insert(name, value);
            Err(Box::new(ErrorResponse::from_parts(parts, body)))
        };
        if request.headers().get(KEY_HEADER).is_none_or(|key| key != KEY) {
            return refuse(StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, HeaderValue::from_static("key"));
        }
        let now = Instant::now();
        if self.closed_until.take_if(|until| *until <= now).is_some() {
            self.logins = 0;
        }
        self.logins += 1;
        if service.max_logins.is_some_and(|most| self.logins > most) {
            let until = *self.closed_until.get_or_insert(now + PENALTY);
            let seconds = until.saturating_duration_since(now).as_secs() + 1;
            return refuse(StatusCode::TOO_MANY_REQUESTS, RETRY_AFTER, HeaderValue::from(seconds));
        }
        Ok(())
    }
}

/// Opens the exchange; port 0 stands for a free one.
pub(crate) fn open(address: SocketAddr, service: Service) -> anyhow::Result<SocketAddr> {
    let history = read_history()?;
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("exchange".to_owned())
        .spawn(move || runtime.block_on(serve(listener, history, service)))?;
    Ok(address)
}

fn read_history() -> Result<Arc<[Bar]>, csv::Error> {
    csv::Reader::from_reader(HISTORY.as_bytes()).deserialize().collect()
}

async fn serve(listener: TcpListener, history: Arc<[Bar]>, service: Service) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let door = Arc::<Mutex<Door>>::default();
    loop {
        let (client, _) = listener.accept().await?;
        let (history, door) = (Arc::clone(&history), Arc::clone(&door));
        tokio::spawn(async move {
            match replay(client, &history, service, &door).await {
                Ok(()) => tracing::info!("the client has said goodbye"),
                Err(error) => tracing::warn!("lost the client: {error:#}"),
            }
        });
    }
}

async fn replay(
    client: tokio::net::TcpStream,
    history: &[Bar],
    service: Service,
    door: &Mutex<Door>,
) -> anyhow::Result<()> {
    #[expect(clippy::result_large_err, reason = "it is tungstenite's type")]
    let mut client = tokio_tungstenite::accept_hdr_async(client, |request: &Request, response| {
        let admitted = door.lock().unwrap_or_else(PoisonError::into_inner).admit(request, &service);
        admitted.map(|()| response).map_err(|refusal| *refusal)
    })
    .await?;
    let request = client.next().await.context("no subscription")??;
    let Subscribe { from, days } = serde_json::from_str(request.to_text()?)?;
    let mut days = from..from.saturating_add(days.unwrap_or(u64::MAX));

    let mut clock = tokio::time::interval(service.pace);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pings = tokio::time::interval(service.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = client.next() => match message.context("hung up")?? {
                Message::Close(_) => break,
                _ => continue,
            },
            _ = pings.tick() => client.send(Message::Ping(Bytes::new())).await?,
            _ = clock.tick() => match days.next() {
                Some(seq) if service.mute_after.is_some_and(|days| seq - from >= days) => pending().await,
                Some(seq) => client.send(Message::text(serde_json::to_string(&day(history, seq))?)).await?,
                None => {
                    client.close(Some(end_of_feed())).await?;
                    break;
                }
            },
        }
    }
    // Whoever closed first: the handshake is over when the stream is.
    while client.next().await.transpose()?.is_some() {}
    Ok(())
}

/// Every second lap runs backwards, so that no price jumps where history starts again.
fn day(history: &[Bar], seq: u64) -> Bar {
    let (lap, day) = (seq as usize / history.len(), seq as usize % history.len());
    if lap.is_multiple_of(2) {
        Bar { seq, ..history[day].clone() }
    } else {
        let day = history[history.len() - 1 - day].clone();
        Bar { seq, open: day.close, close: day.open, ..day }
    }
}

fn end_of_feed() -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: "end of the feed".into() }
}
