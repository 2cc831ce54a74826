//! A small but real service on `lifecycle`: it trades twenty years of the S&P 500, on paper.
//!
//! Press Ctrl-C: trading stops, what is buffered is written, and the connections are closed in order.

mod account;
mod database;
mod exchange;
mod progress;
mod recorder;
mod scheduler;
mod snapshot;
mod strategy;
mod summary;
mod websocket;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use crate::account::Account;
use crate::database::DatabaseManager;
use crate::exchange::Subscribe;
use crate::progress::Progress;
use crate::recorder::Recorder;
use crate::scheduler::{Misbehave, UnifiedScheduler};
use crate::snapshot::RedisManager;
use crate::strategy::Strategy;
use crate::websocket::WebSocketManager;

/// Trades twenty years of the S&P 500 on paper, and can be stopped, crashed and hung to see what `lifecycle` does.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Trade for so many days, then end; without it, until Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    days: Option<u64>,
    /// How long a day of trading takes, 1ms to 10s
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = parse_tick)]
    tick: Duration,
    /// Where the embedded database and the last state are; a run goes on from where the one before ended
    #[arg(long, value_name = "FOLDER", default_value = "trading-data")]
    data_dir: PathBuf,
    /// postgres://… instead of the embedded SQLite
    #[arg(long, value_name = "URL", env, hide_env_values = true, value_parser = parse_database_url)]
    database_url: Option<String>,
    /// redis://… instead of the embedded redb
    #[arg(long, value_name = "URL", env, hide_env_values = true, value_parser = parse_redis_url)]
    redis_url: Option<redis::Client>,
    #[command(flatten)]
    misbehave: Misbehave,
}

static ARGS: LazyLock<Args> = LazyLock::new(Args::parse);
static EXCHANGE: OnceLock<SocketAddr> = OnceLock::new();

/// Once per process, however often main is restarted.
fn init() -> anyhow::Result<()> {
    // First of all: a wrong option must end the process before anything has started.
    let args = &*ARGS;
    progress::log();
    let exchange = exchange::open(args.tick).context("cannot open the exchange")?;
    EXCHANGE.get_or_init(|| exchange);
    Ok(())
}

#[lifecycle::main(init = init)]
async fn main() -> anyhow::Result<()> {
    let args = &*ARGS;
    let folder = data_dir(&args.data_dir)?;
    // First, since it locks the folder: a second service must not get as far as the database.
    let snapshots = lifecycle::manage(match &args.redis_url {
        Some(server) => RedisManager::connect(server).await?,
        None => RedisManager::embedded(&folder)?,
    });
    let url = args.database_url.clone().unwrap_or_else(|| database::sqlite(&folder));
    let database = lifecycle::manage(DatabaseManager::connect(&url).await?);
    let account: Account = snapshots.load().await?.unwrap_or_default();
    let subscribe = Subscribe { from: account.next, days: args.days };
    let exchange = *EXCHANGE.get().context("the exchange is open")?;
    let feed = lifecycle::manage(WebSocketManager::connect(exchange, &subscribe).await?);
    let recorder = lifecycle::manage(Recorder::new(&database));
    let strategy = lifecycle::manage(Strategy::new(account, &database, &snapshots));
    lifecycle::ready();

    let progress = Progress::new(args.days);
    let misbehave = args.misbehave;
    let summary = strategy.clone();
    UnifiedScheduler { feed, strategy, recorder, progress, misbehave, ticks: 0 }.run(args.tick).await?;

    // Not `println!`: it panics when nobody reads any more, and that would be a crash.
    let _ = writeln!(std::io::stdout(), "{}", summary.summary().await);
    Ok(())
}

fn data_dir(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .and_then(|()| folder.canonicalize())
        .with_context(|| format!("cannot use the folder {} (--data-dir)", folder.display()))
}

fn parse_tick(text: &str) -> Result<Duration, String> {
    let tick = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let valid = Duration::from_millis(1)..=Duration::from_secs(10);
    if valid.contains(&tick) { Ok(tick) } else { Err("must be from 1ms to 10s".to_owned()) }
}

fn parse_database_url(text: &str) -> Result<String, &'static str> {
    let known = ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(text.to_owned()) } else { Err("must begin with postgres:// or sqlite:") }
}

fn parse_redis_url(text: &str) -> Result<redis::Client, String> {
    redis::Client::open(text).map_err(|error| error.to_string())
}
