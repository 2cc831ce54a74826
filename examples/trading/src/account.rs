//! What the strategy owns and has seen: pure arithmetic, and the state that a restart goes on from.

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
}

/// An order at the market: it is filled when the next day opens.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The day whose close gave the signal.
    pub(crate) seq: u64,
    pub(crate) side: Side,
    pub(crate) quantity: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) price: f64,
    /// Realised; a purchase has none.
    pub(crate) profit: f64,
}

impl Account {
    /// Learns the day's close, and says what to do about it: long while the fast average is above the slow one.
    pub(crate) fn see(&mut self, bar: &Bar) -> Option<Order> {
        self.next = bar.seq + 1;
        self.closes.push_back(bar.close);
        if self.closes.len() > SLOW {
            self.closes.pop_front();
        }
        let rising = self.average(FAST)? > self.average(SLOW)?;
        let affordable = (self.cash * (1.0 - RESERVE) / bar.close) as i64;
        match (rising, self.shares) {
            (true, 0) if affordable > 0 => {
                Some(Order { seq: bar.seq, side: Side::Buy, quantity: affordable })
            }
            (false, 1..) => Some(Order { seq: bar.seq, side: Side::Sell, quantity: self.shares }),
            _ => None,
        }
    }

    /// What filling the order at this price would bring.
    pub(crate) fn price(&self, order: &Order, price: f64) -> Fill {
        let profit = match order.side {
            Side::Buy => 0.0,
            Side::Sell => (price - self.cost) * order.quantity as f64,
        };
        Fill { price, profit }
    }

    pub(crate) fn apply(&mut self, order: &Order, fill: Fill) {
        let amount = fill.price * order.quantity as f64;
        match order.side {
            Side::Buy => {
                self.cash -= amount;
                self.shares += order.quantity;
                self.cost = fill.price;
            }
            Side::Sell => {
                self.cash += amount;
                self.shares -= order.quantity;
            }
        }
    }

    /// Cash and shares together, at this price.
    pub(crate) fn equity(&self, price: f64) -> f64 {
        self.cash + self.shares as f64 * price
    }

    fn average(&self, days: usize) -> Option<f64> {
        let first = self.closes.len().checked_sub(days)?;
        Some(self.closes.range(first..).sum::<f64>() / days as f64)
    }
}

impl Default for Account {
    fn default() -> Self {
        Self { next: 0, cash: 100_000.0, shares: 0, cost: 0.0, closes: VecDeque::new() }
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
