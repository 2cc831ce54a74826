//! A small but real service on `lifecycle`: it trades twenty years of the S&P 500, on paper.
//!
//! Press Ctrl-C: trading stops, what is buffered is written, and the connections are closed in order.

mod account;
#[cfg(all(test, feature = "test-kit"))]
mod audit;
mod batch;
mod database;
#[cfg(all(test, feature = "test-kit"))]
mod drill;
mod exchange;
mod progress;
mod recorder;
mod scheduler;
mod snapshot;
mod strategy;
mod summary;
mod websocket;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::http::uri::Authority;

use crate::database::DatabaseManager;
use crate::exchange::Subscribe;
use crate::progress::Progress;
use crate::recorder::Recorder;
use crate::scheduler::{Misbehave, UnifiedScheduler};
use crate::snapshot::RedisManager;
use crate::strategy::Strategy;
use crate::summary::Summary;
use crate::websocket::WebSocketManager;

/// Trades twenty years of the S&P 500 on paper, and can be stopped, crashed and hung to see what `lifecycle` does.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Trade for so many days, then end; without it, until Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    days: Option<u64>,
    /// How long a day of trading takes, 1ms to 10s
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration("1ms", "10s"))]
    tick: Duration,
    /// Give up on an exchange that has been silent for so long, 100ms to 1m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration("100ms", "1m"))]
    feed_timeout: Duration,
    /// ws://… of an exchange that runs elsewhere; without it, one is opened on loopback
    #[arg(long, value_name = "URL", env, value_parser = parse_exchange_url)]
    exchange_url: Option<String>,
    /// Be that exchange at this address, such as 127.0.0.1:9001, and trade nothing
    #[arg(long, value_name = "ADDRESS", conflicts_with = "exchange_url")]
    serve_exchange: Option<SocketAddr>,
    /// The key to the exchange: with a wrong one nothing is tried again
    #[arg(long, value_name = "KEY", env = "EXCHANGE_KEY", hide_env_values = true, default_value = exchange::KEY)]
    api_key: String,
    /// Where the embedded database and the snapshot are; a run goes on from where the one before ended
    #[arg(long, value_name = "FOLDER", default_value = "trading-data")]
    data_dir: PathBuf,
    /// postgres://… instead of the embedded SQLite
    #[arg(long, value_name = "URL", env, hide_env_values = true, value_parser = parse_database_url)]
    database_url: Option<String>,
    /// redis://… instead of a file, for those who want to read the account
    #[arg(long, value_name = "URL", env, hide_env_values = true, value_parser = parse_redis_url)]
    redis_url: Option<redis::Client>,
    #[command(flatten)]
    misbehave: Misbehave,
}

static ARGS: LazyLock<Args> = LazyLock::new(Args::parse);
static EXCHANGE: OnceLock<String> = OnceLock::new();

/// Once per process, however often main is restarted.
fn init() -> anyhow::Result<()> {
    // First of all: a wrong option must end the process before anything has started.
    let args = &*ARGS;
    progress::log();
    if let Some(url) = &args.exchange_url {
        EXCHANGE.get_or_init(|| url.clone());
        return Ok(());
    }
    let service = exchange::Service {
        pace: args.tick,
        ping: args.feed_timeout / 4,
        mute_after: args.misbehave.mute_after,
        max_logins: args.misbehave.max_logins,
    };
    let address = args.serve_exchange.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let address = exchange::open(address, service)
        .with_context(|| format!("cannot open the exchange at {address} (--serve-exchange)"))?;
    EXCHANGE.get_or_init(|| format!("ws://{address}"));
    Ok(())
}

#[lifecycle::main(init = init)]
async fn main() -> anyhow::Result<()> {
    let exchange = EXCHANGE.get().context("the exchange is open")?;
    if ARGS.serve_exchange.is_some() {
        tracing::info!("the exchange is open at {exchange}");
        lifecycle::ready();
        lifecycle::stopping().await;
        return Ok(());
    }
    let summary = trade(&ARGS, exchange).await?;
    // Not `println!`: it panics when nobody reads any more, and that would be a crash.
    let _ = writeln!(std::io::stdout(), "{summary}");
    Ok(())
}

/// The service, until the feed or a stop ends it.
async fn trade(args: &Args, exchange: &str) -> anyhow::Result<Summary> {
    let folder = data_dir(&args.data_dir)?;
    let url = args.database_url.clone().unwrap_or_else(|| database::sqlite(&folder));
    // First, since it locks the database: a second service gets no further.
    let database = lifecycle::manage(DatabaseManager::connect(&url).await?);
    let snapshots = lifecycle::manage(RedisManager::new(args.redis_url.clone(), &folder));
    let account = database.account().await?;
    let wanted = Subscribe { from: account.next, days: args.days };
    let (feed, news) = WebSocketManager::connect(exchange, &args.api_key, wanted, args.feed_timeout).await?;
    lifecycle::manage(feed);
    let recorder = lifecycle::manage(Recorder::new(&database, &snapshots));
    let strategy = lifecycle::manage(Strategy::new(account, &recorder));
    lifecycle::ready();

    let progress = Progress::new(args.days);
    let misbehave = args.misbehave;
    // A quiet market must not look like a hang.
    let pace = args.tick.min(args.feed_timeout / 4);
    let traded = strategy.clone();
    UnifiedScheduler { news, strategy, progress, misbehave, ticks: 0 }.run(pace).await?;
    Ok(traded.summary().await)
}

fn data_dir(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .and_then(|()| folder.canonicalize())
        .with_context(|| format!("cannot use the folder {} (--data-dir)", folder.display()))
}

fn duration(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    let parse = |text: &str| humantime::parse_duration(text).map_err(|error| error.to_string());
    move |text| {
        let duration = parse(text)?;
        let valid = parse(least)?..=parse(most)?;
        if valid.contains(&duration) { Ok(duration) } else { Err(format!("must be from {least} to {most}")) }
    }
}

fn parse_database_url(text: &str) -> Result<String, &'static str> {
    let known = ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(text.to_owned()) } else { Err("must begin with postgres:// or sqlite:") }
}

/// What would be taken for something else is refused, such as a port above 65535, or a key that would be logged.
fn parse_exchange_url(text: &str) -> Result<String, &'static str> {
    let is_valid = |url: &Uri| {
        let authority = url.authority().map(Authority::as_str);
        let host = url.host().filter(|host| !host.is_empty())?;
        let plain = url.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        (url.scheme_str() == Some("ws") && authority == Some(plain.as_str())).then_some(())
    };
    match text.parse::<Uri>() {
        Ok(url) if is_valid(&url).is_some() => Ok(text.to_owned()),
        _ => Err("write ws://HOST:PORT, also with a path, such as ws://127.0.0.1:9001"),
    }
}

fn parse_redis_url(text: &str) -> Result<redis::Client, String> {
    redis::Client::open(text).map_err(|error| error.to_string())
}
