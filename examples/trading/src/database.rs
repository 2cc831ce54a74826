//! The database, SQLite or PostgreSQL: disconnected last, since everything else writes to it.
//!
//! The cursor is committed with the data: days, their trades and the account after them are one transaction, and a restart goes
//! on from that account. Whatever a crash loses, the exchange sends again.

use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::Context;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection, query, query_scalar, raw_sql};
use tokio::sync::Mutex;

use crate::account::Account;
use crate::batch::Batch;

/// A day and its order have the same key in every run, so that a replay doubles nothing. Rows are only ever added, except for
/// `state` and the end of a run. Times are microseconds since 1970, so that both databases compare them alike.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS state (
        id BIGINT PRIMARY KEY CHECK (id = 0), next BIGINT NOT NULL, account TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS runs (id BIGINT PRIMARY KEY, stopped_us BIGINT, profit DOUBLE PRECISION);
    CREATE TABLE IF NOT EXISTS ticks (
        seq BIGINT PRIMARY KEY, run BIGINT NOT NULL REFERENCES runs, date TEXT NOT NULL,
        open DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL, low DOUBLE PRECISION NOT NULL,
        close DOUBLE PRECISION NOT NULL, volume BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS orders (
        seq BIGINT PRIMARY KEY, run BIGINT NOT NULL REFERENCES runs, side TEXT NOT NULL, quantity BIGINT NOT NULL,
        placed_us BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS fills (
        seq BIGINT PRIMARY KEY REFERENCES orders, run BIGINT NOT NULL REFERENCES runs,
        price DOUBLE PRECISION NOT NULL, profit DOUBLE PRECISION NOT NULL, filled_us BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS cancels (
        seq BIGINT PRIMARY KEY REFERENCES orders, run BIGINT NOT NULL REFERENCES runs, cancelled_us BIGINT NOT NULL
    );";

/// The key is "trading" in ASCII; any number would do that every instance agrees on. The wait is for a predecessor that was
/// killed: the server may take a moment to notice.
const ADVISORY_LOCK: &str = "
    BEGIN; SET LOCAL lock_timeout = '2s'; SELECT pg_advisory_lock(x'0074726164696e67'::bigint); COMMIT";

pub(crate) struct DatabaseManager {
    /// `None` once it is closed.
    session: Mutex<Option<Session>>,
    /// Names this run of the service in every table: the moment that it began.
    run: i64,
}

/// The lock and the only connection that writes, which end together: a service that has lost the lock cannot write.
struct Session {
    connection: AnyConnection,
    /// PostgreSQL's lock belongs to the connection.
    _lock: Option<File>,
}

/// The database that is used when no other is named.
pub(crate) fn sqlite(folder: &Path) -> String {
    let options = SqliteConnectOptions::new().filename(folder.join("trading.db")).create_if_missing(true);
    options.to_url_lossy().into()
}

impl DatabaseManager {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(url).await.context("cannot open the database")?;
        let lock = lock(&mut connection, url)
            .await
            .context("cannot lock the database (is another service using it?)")?;
        raw_sql(SCHEMA).execute(&mut connection).await.context("cannot create the tables")?;
        let run = now_us();
        query("INSERT INTO runs (id) VALUES ($1)").bind(run).execute(&mut connection).await?;
        Ok(Self { session: Mutex::new(Some(Session { connection, _lock: lock })), run })
    }

    /// The account that the last commit left, whatever ended that run.
    pub(crate) async fn account(&self) -> anyhow::Result<Account> {
        let mut session = self.session.lock().await;
        let connection = &mut session.as_mut().context("the database is closed")?.connection;
        let json: Option<String> =
            query_scalar("SELECT account FROM state").fetch_optional(connection).await?;
        json.map_or(Ok(Account::default()), |json| {
            serde_json::from_str(&json).context("the account is not readable")
        })
    }

    /// All or nothing, and harmless when repeated: a commit may succeed although its answer is lost.
    pub(crate) async fn commit(&self, batch: &Batch) -> anyhow::Result<()> {
        let mut session = self.session.lock().await;
        let session = session.as_mut().context("the database is closed")?;
        let mut transaction = session.connection.begin().await?;
        batch.write(&mut transaction, self.run).await?;
        Ok(transaction.commit().await?)
    }

    #[lifecycle::component(order = 3, phase = "disconnect")]
    async fn close(&self) -> sqlx::Result<()> {
        if let Some(session) = self.session.lock().await.take() {
            session.connection.close().await?;
        }
        tracing::info!("the database is closed");
        Ok(())
    }
}

/// Two services on one database would trade the same account.
async fn lock(connection: &mut AnyConnection, url: &str) -> anyhow::Result<Option<File>> {
    if !url.starts_with("sqlite:") {
        raw_sql(ADVISORY_LOCK).execute(connection).await?;
        return Ok(None);
    }
    let database = SqliteConnectOptions::from_str(url)?.get_filename().canonicalize()?;
    // Not the database itself: closing another handle to it would drop the locks that SQLite holds.
    let file = File::create(database.with_added_extension("lock"))?;
    file.try_lock()?;
    Ok(Some(file))
}

pub(crate) fn now_us() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as i64
}
