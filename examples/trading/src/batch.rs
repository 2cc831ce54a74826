//! What is not in the database yet, and how it gets there: one statement a table, one transaction for all of them.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, query};

use crate::account::{Account, Fill, Order};
use crate::exchange::Bar;

/// Days in a transaction. A crash loses none of them, whatever the size: the exchange sends them again.
pub(crate) const BATCH: usize = 64;

const TICKS: [&str; 8] = ["seq", "run", "date", "open", "high", "low", "close", "volume"];
const ORDERS: [&str; 5] = ["seq", "run", "side", "quantity", "placed_us"];
const FILLS: [&str; 5] = ["seq", "run", "price", "profit", "filled_us"];
const CANCELS: [&str; 3] = ["seq", "run", "cancelled_us"];

// The parameters that SQLite takes in one statement; PostgreSQL takes twice as many.
const _: () = assert!(BATCH * TICKS.len() <= 32_766);

#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) bars: Vec<Bar>,
    pub(crate) orders: Vec<Order>,
    pub(crate) fills: Vec<Fill>,
    pub(crate) stop: Option<Stop>,
    /// After all of the above: where the next run begins. `None` if there is nothing to write.
    pub(crate) account: Option<Account>,
}

/// The end of a run: none of its orders is younger.
pub(crate) struct Stop {
    pub(crate) stopped_us: i64,
    pub(crate) profit: f64,
    pub(crate) cancelled: Option<Order>,
}

type Row<'a> = Query<'a, Any, AnyArguments>;

impl Batch {
    /// The caller provides the transaction.
    pub(crate) async fn write(&self, connection: &mut AnyConnection, run: i64) -> anyhow::Result<()> {
        let Some(account) = &self.account else { return Ok(()) };
        insert(connection, "ticks", &TICKS, &self.bars, |row, bar| {
            let row = row.bind(bar.seq as i64).bind(run).bind(&bar.date);
            row.bind(bar.open).bind(bar.high).bind(bar.low).bind(bar.close).bind(bar.volume as i64)
        })
        .await?;
        insert(connection, "orders", &ORDERS, &self.orders, |row, order| {
            let row = row.bind(order.seq as i64).bind(run).bind(order.side.as_str());
            row.bind(order.quantity).bind(order.placed_us)
        })
        .await?;
        insert(connection, "fills", &FILLS, &self.fills, |row, fill| {
            row.bind(fill.seq as i64).bind(run).bind(fill.price).bind(fill.profit).bind(fill.filled_us)
        })
        .await?;
        if let Some(stop) = &self.stop {
            stop.write(connection, run).await?;
        }
        let state = "INSERT INTO state (id, next, account) VALUES (0, $1, $2)
            ON CONFLICT (id) DO UPDATE SET next = excluded.next, account = excluded.account";
        let state = query(state).bind(account.next as i64).bind(serde_json::to_string(account)?);
        state.execute(connection).await?;
        Ok(())
    }
}

impl Stop {
    async fn write(&self, connection: &mut AnyConnection, run: i64) -> sqlx::Result<()> {
        insert(connection, "cancels", &CANCELS, self.cancelled.as_slice(), |row, order| {
            row.bind(order.seq as i64).bind(run).bind(self.stopped_us)
        })
        .await?;
        let end = query("UPDATE runs SET stopped_us = $1, profit = $2 WHERE id = $3");
        end.bind(self.stopped_us).bind(self.profit).bind(run).execute(connection).await?;
        Ok(())
    }
}

/// All rows in one statement; rows that exist already stay as they are.
///
/// Not with `QueryBuilder`: for `Any` it writes `?`, which PostgreSQL does not understand.
async fn insert<'a, T>(
    connection: &mut AnyConnection,
    table: &str,
    columns: &[&str],
    rows: &'a [T],
    bind: impl Fn(Row<'a>, &'a T) -> Row<'a>,
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let width = columns.len();
    let row =
        |row| (1..=width).map(|column| format!("${}", row * width + column)).collect::<Vec<_>>().join(", ");
    let values = (0..rows.len()).map(|index| format!("({})", row(index))).collect::<Vec<_>>().join(", ");
    let columns = columns.join(", ");
    let sql = format!("INSERT INTO {table} ({columns}) VALUES {values} ON CONFLICT (seq) DO NOTHING");
    // The text varies with the number of rows, so a prepared statement would rarely be used again.
    let insert = query(AssertSqlSafe(sql)).persistent(false);
    rows.iter().fold(insert, bind).execute(connection).await?;
    Ok(())
}
