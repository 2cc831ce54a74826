//! What the strategy owns and has seen: pure arithmetic, so that the same days always give the same orders.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::exchange::Bar;

const FAST: usize = 10;
const SLOW: usize = 30;
/// Kept in cash, since an order is filled at tomorrow's price.
const RESERVE: f64 = 0.05;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The first day that was not seen yet.
    pub(crate) next: u64,
    cash: f64,
    shares: i64,
    /// What one of the shares had cost.
    cost: f64,
    closes: VecDeque<f64>,
    /// Filled when the next day opens.
    open: Option<Order>,
}

/// An order at the market.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The day whose close gave the signal, and so the order's id: decided again after a crash, it is the same order.
    pub(crate) seq: u64,
    pub(crate) side: Side,
    pub(crate) quantity: i64,
    pub(crate) placed_us: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    Buy,
    Sell,
}

#[derive(Clone, Debug)]
pub(crate) struct Fill {
    /// The order's.
    pub(crate) seq: u64,
    pub(crate) price: f64,
    /// Realised; a purchase has none.
    pub(crate) profit: f64,
    pub(crate) filled_us: i64,
}

impl Account {
    /// A day: yesterday's order is filled when it opens, and its close may give a new one.
    pub(crate) fn trade(&mut self, bar: &Bar, now_us: i64) -> (Option<Fill>, Option<Order>) {
        let fill = self.open.take().map(|order| self.fill(&order, bar.open, now_us));
        self.next = bar.seq + 1;
        self.closes.push_back(bar.close);
        if self.closes.len() > SLOW {
            self.closes.pop_front();
        }
        self.open = self.signal(bar.close).map(|(side, quantity)| Order {
            seq: bar.seq,
            side,
            quantity,
            placed_us: now_us,
        });
        (fill, self.open.clone())
    }

    /// Takes back the order that is not filled yet.
    pub(crate) fn cancel(&mut self) -> Option<Order> {
        self.open.take()
    }

    /// Cash and shares together, at this price.
    pub(crate) fn equity(&self, price: f64) -> f64 {
        self.cash + self.shares as f64 * price
    }

    /// Long while the fast average is above the slow one.
    fn signal(&self, price: f64) -> Option<(Side, i64)> {
        let rising = self.average(FAST)? > self.average(SLOW)?;
        let affordable = (self.cash * (1.0 - RESERVE) / price) as i64;
        match (rising, self.shares) {
            (true, 0) if affordable > 0 => Some((Side::Buy, affordable)),
            (false, 1..) => Some((Side::Sell, self.shares)),
            _ => None,
        }
    }

    fn fill(&mut self, order: &Order, price: f64, now_us: i64) -> Fill {
        let amount = price * order.quantity as f64;
        let profit = match order.side {
            Side::Buy => {
                self.cash -= amount;
                self.shares += order.quantity;
                self.cost = price;
                0.0
            }
            Side::Sell => {
                self.cash += amount;
                self.shares -= order.quantity;
                (price - self.cost) * order.quantity as f64
            }
        };
        Fill { seq: order.seq, price, profit, filled_us: now_us }
    }

    fn average(&self, days: usize) -> Option<f64> {
        let first = self.closes.len().checked_sub(days)?;
        Some(self.closes.range(first..).sum::<f64>() / days as f64)
    }
}

impl Default for Account {
    fn default() -> Self {
        Self { next: 0, cash: 100_000.0, shares: 0, cost: 0.0, closes: VecDeque::new(), open: None }
    }
}

impl Side {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
        }
    }
}
