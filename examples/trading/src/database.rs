//! The database, SQLite or PostgreSQL: disconnected last, since everything else writes to it.

use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use sqlx::any::AnyPoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, query};

use crate::account::{Fill, Order};
use crate::exchange::Bar;
use crate::recorder::Statistics;

/// Times are microseconds since 1970, so that both databases compare them alike.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS runs (
        id BIGINT PRIMARY KEY, stopped_us BIGINT,
        ticks BIGINT NOT NULL DEFAULT 0, lowest DOUBLE PRECISION, highest DOUBLE PRECISION, profit DOUBLE PRECISION
    );
    CREATE TABLE IF NOT EXISTS ticks (
        run BIGINT NOT NULL REFERENCES runs, seq BIGINT NOT NULL, date TEXT NOT NULL,
        open DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL, low DOUBLE PRECISION NOT NULL,
        close DOUBLE PRECISION NOT NULL, volume BIGINT NOT NULL, PRIMARY KEY (run, seq)
    );
    CREATE TABLE IF NOT EXISTS orders (
        run BIGINT NOT NULL REFERENCES runs, seq BIGINT NOT NULL, side TEXT NOT NULL, quantity BIGINT NOT NULL,
        status TEXT NOT NULL, placed_us BIGINT NOT NULL, PRIMARY KEY (run, seq)
    );
    CREATE TABLE IF NOT EXISTS fills (
        run BIGINT NOT NULL, seq BIGINT NOT NULL, price DOUBLE PRECISION NOT NULL, profit DOUBLE PRECISION NOT NULL,
        filled_us BIGINT NOT NULL, PRIMARY KEY (run, seq), FOREIGN KEY (run, seq) REFERENCES orders (run, seq)
    );";

pub(crate) struct DatabaseManager {
    pool: AnyPool,
    /// Names this run of the service in every table: the moment that it began.
    run: i64,
}

/// The database that is used when no other is named.
pub(crate) fn sqlite(folder: &Path) -> String {
    let options = SqliteConnectOptions::new().filename(folder.join("trading.db")).create_if_missing(true);
    options.to_url_lossy().into()
}

impl DatabaseManager {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        // Not through the pool: it would try again until its time is over, and then not say why.
        let mut connection = AnyConnection::connect(url).await.context("cannot open the database")?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await.context("cannot create the tables")?;
        connection.close().await?;

        let pool = AnyPoolOptions::new().max_connections(4).connect_lazy(url)?;
        let run = now_us();
        query("INSERT INTO runs (id) VALUES ($1)").bind(run).execute(&pool).await?;
        Ok(Self { pool, run })
    }

    pub(crate) async fn place(&self, order: &Order) -> sqlx::Result<()> {
        query("INSERT INTO orders (run, seq, side, quantity, status, placed_us) VALUES ($1, $2, $3, $4, 'open', $5)")
            .bind(self.run)
            .bind(order.seq as i64)
            .bind(order.side.as_str())
            .bind(order.quantity)
            .bind(now_us())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(crate) async fn fill(&self, order: &Order, fill: &Fill) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        query("INSERT INTO fills (run, seq, price, profit, filled_us) VALUES ($1, $2, $3, $4, $5)")
            .bind(self.run)
            .bind(order.seq as i64)
            .bind(fill.price)
            .bind(fill.profit)
            .bind(now_us())
            .execute(&mut *transaction)
            .await?;
        query("UPDATE orders SET status = 'filled' WHERE run = $1 AND seq = $2")
            .bind(self.run)
            .bind(order.seq as i64)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    pub(crate) async fn cancel(&self, order: &Order) -> sqlx::Result<()> {
        query("UPDATE orders SET status = 'cancelled' WHERE run = $1 AND seq = $2")
            .bind(self.run)
            .bind(order.seq as i64)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Notes when trading stopped, and what it had earned: no order of this run is younger.
    pub(crate) async fn stop_trading(&self, profit: f64) -> sqlx::Result<()> {
        query("UPDATE runs SET stopped_us = $1, profit = $2 WHERE id = $3")
            .bind(now_us())
            .bind(profit)
            .bind(self.run)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// All or nothing, and harmless when it is said twice: a flush may be cut off just after its commit.
    pub(crate) async fn record(&self, bars: &[Bar], statistics: &Statistics) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        for bar in bars {
            query("INSERT INTO ticks VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING")
                .bind(self.run)
                .bind(bar.seq as i64)
                .bind(bar.date.as_str())
                .bind(bar.open)
                .bind(bar.high)
                .bind(bar.low)
                .bind(bar.close)
                .bind(bar.volume as i64)
                .execute(&mut *transaction)
                .await?;
        }
        query("UPDATE runs SET ticks = $1, lowest = $2, highest = $3 WHERE id = $4")
            .bind(statistics.ticks)
            .bind(statistics.lowest)
            .bind(statistics.highest)
            .bind(self.run)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    #[lifecycle::component(order = 3, phase = "disconnect")]
    async fn close(&self) {
        self.pool.close().await;
        tracing::info!("the database is closed");
    }
}

fn now_us() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as i64
}
