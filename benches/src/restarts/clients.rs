//! Connections at an even rate beside some that are kept, and what became of each.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub(super) const PER_SECOND: u32 = 300;
pub(super) const KEPT: usize = 8;

/// A request that is not answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two requests on a kept connection.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) made: u64,
    pub(super) refused: u64,
    pub(super) reset: u64,
    other: u64,
    pub(super) kept_broken: u64,
    pub(super) slowest: Duration,
    /// What the servers call themselves: each restart makes another.
    pub(super) instances: BTreeSet<String>,
}

impl Seen {
    pub(super) fn failed(&self) -> u64 {
        self.refused + self.reset + self.other
    }

    fn count(&mut self, answer: std::io::Result<String>, took: Duration) {
        self.made += 1;
        self.slowest = self.slowest.max(took);
        match answer {
            Ok(instance) => {
                self.instances.insert(instance);
            }
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused => self.refused += 1,
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
                    self.reset += 1;
                }
                _ => self.other += 1,
            },
        }
    }
}

/// Clients on a runtime of their own.
pub(super) struct Load {
    runtime: Runtime,
    seen: Arc<Mutex<Seen>>,
    end: CancellationToken,
    clients: JoinSet<()>,
}

impl Load {
    pub(super) fn start(address: SocketAddr) -> Load {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (seen, end, mut clients) = (Arc::default(), CancellationToken::new(), JoinSet::new());
        clients.spawn_on(connect_evenly(address, Arc::clone(&seen), end.clone()), runtime.handle());
        for _ in 0..KEPT {
            clients.spawn_on(keep(address, Arc::clone(&seen), end.clone()), runtime.handle());
        }
        Load { runtime, seen, end, clients }
    }

    /// Once all that was asked is answered, or has failed.
    pub(super) fn stop(mut self) -> Seen {
        self.end.cancel();
        self.runtime.block_on(async { while self.clients.join_next().await.is_some() {} });
        std::mem::take(&mut self.seen.lock().expect("not poisoned"))
    }
}

async fn connect_evenly(address: SocketAddr, seen: Arc<Mutex<Seen>>, end: CancellationToken) {
    let mut requests = JoinSet::new();
    let mut due = interval(Duration::from_secs(1) / PER_SECOND);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !end.is_cancelled() {
        due.tick().await;
        let seen = Arc::clone(&seen);
        requests.spawn(async move {
            let begun = Instant::now();
            let answer = timeout(PATIENCE, ask_once(address)).await;
            let answer = answer.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
            seen.lock().expect("not poisoned").count(answer, begun.elapsed());
        });
        while requests.try_join_next().is_some() {}
    }
    while requests.join_next().await.is_some() {}
}

async fn ask_once(address: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    ask(&mut connection, "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").await
}

/// Sends a request. Returns the body of the answer.
async fn ask(connection: &mut TcpStream, request: &str) -> std::io::Result<String> {
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        if connection.read_buf(&mut answer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if let Some(body) = body(&answer)? {
            return Ok(body);
        }
    }
}

/// None while it is not complete.
fn body(answer: &[u8]) -> std::io::Result<Option<String>> {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.ok_or_else(|| Error::other(format!("no length: {head}")))?;
    Ok((body.len() >= length).then(|| body[..length].to_owned()))
}

/// Asks again and again on one connection; one that was closed meanwhile is opened anew.
async fn keep(address: SocketAddr, seen: Arc<Mutex<Seen>>, end: CancellationToken) {
    let mut kept = None;
    while !end.is_cancelled() {
        sleep(PAUSE).await;
        let mut connection = match kept.take() {
            Some(connection) if !was_closed(&connection) => connection,
            _ => match TcpStream::connect(address).await {
                Ok(connection) => connection,
                // Those that connect anew each time count it.
                Err(_) => continue,
            },
        };
        match ask(&mut connection, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n").await {
            Ok(_) => kept = Some(connection),
            Err(_) => seen.lock().expect("not poisoned").kept_broken += 1,
        }
    }
}

/// By the other side. Nothing that was not asked for comes from it.
fn was_closed(connection: &TcpStream) -> bool {
    let nothing_yet = connection.try_read(&mut [0]);
    !matches!(nothing_yet, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
