//! The audit: what the database holds is what a service would have written that nothing ever disturbed.

use std::collections::BTreeSet;

use crate::service::{Database, folder, trading_in};

type Tick = (i64, String, f64, f64, f64, f64, i64);
/// Sequence, side, quantity, price and profit. Not filled: no price is below zero.
type Trade = (i64, String, i64, f64, f64);

pub(crate) fn ticks(database: &Database) -> Vec<Tick> {
    database.rows("SELECT seq, date, open, high, low, close, volume FROM ticks ORDER BY seq")
}

pub(crate) fn trades(database: &Database) -> Vec<Trade> {
    database.rows(
        "SELECT o.seq, side, quantity, coalesce(price, -1.0), coalesce(profit, 0.0)
         FROM orders o LEFT JOIN fills f ON f.seq = o.seq ORDER BY o.seq",
    )
}

/// Every day once, with the numbers of the exchange; every trade and the cash follow from them. A run that ends in order takes
/// back its open order, so the trades are those of an undisturbed run up to the first of those, and exactly those if there is none.
pub(crate) fn audit(database: &Database) {
    database.is_complete();
    let folder = folder();
    let days = database.number("SELECT count(*) FROM ticks");
    let _ = trading_in(&folder, &["--tick", "1ms", "--days", &days.to_string()]).run().expect_code(0);
    let undisturbed = Database::sqlite(folder.path());
    assert_eq!(ticks(database), ticks(&undisturbed));
    let cancelled: BTreeSet<i64> =
        database.rows::<(i64,)>("SELECT seq FROM cancels").into_iter().map(|row| row.0).collect();
    let until = cancelled.first().copied().unwrap_or(i64::MAX);
    let before = |trades: Vec<Trade>| trades.into_iter().filter(|t| t.0 < until).collect::<Vec<_>>();
    assert_eq!(before(trades(database)), before(trades(&undisturbed)));
    let cash = |database: &Database| -> f64 {
        let account: String = database.rows::<(String,)>("SELECT account FROM state")[0].0.clone();
        serde_json::from_str::<serde_json::Value>(&account).unwrap()["cash"].as_f64().unwrap()
    };
    let balance =
        trades(database).into_iter().filter(|trade| trade.3 >= 0.0).fold(100_000.0, |cash, trade| {
            let amount = trade.3 * trade.2 as f64;
            if trade.1 == "buy" { cash - amount } else { cash + amount }
        });
    assert!(
        (cash(database) - balance).abs() < 0.001,
        "{} in the account, {balance} by its trades",
        cash(database)
    );
    if cancelled.is_empty() {
        assert_eq!(cash(database), cash(&undisturbed));
    }
    println!("audited: {days} days, {} trades, {} taken back", trades(database).len(), cancelled.len());
}
