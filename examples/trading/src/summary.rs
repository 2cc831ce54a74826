//! What a run came to, for a person.

use std::fmt;

use crate::exchange::Bar;

#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) days: u64,
    pub(crate) orders: u64,
    pub(crate) fills: u64,
    span: Option<Span>,
}

#[derive(Clone, Debug)]
struct Span {
    first: String,
    last: String,
    first_price: f64,
    last_price: f64,
    equity_before: f64,
    equity: f64,
}

impl Summary {
    /// `equity`: how it values what it owns at a price, since the first day of a run is told before anything was traded.
    pub(crate) fn add(&mut self, bar: &Bar, equity: impl Fn(f64) -> f64) {
        self.days += 1;
        let span = self.span.get_or_insert_with(|| Span {
            first: bar.date.clone(),
            last: String::new(),
            first_price: bar.open,
            last_price: 0.0,
            equity_before: equity(bar.open),
            equity: 0.0,
        });
        bar.date.clone_into(&mut span.last);
        span.last_price = bar.close;
        span.equity = equity(bar.close);
    }

    pub(crate) fn profit(&self) -> f64 {
        self.span.as_ref().map_or(0.0, |span| span.equity - span.equity_before)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(span) = &self.span else {
            return write!(f, "Summary: not a single day of trading.");
        };
        let percent = |profit: f64| 100.0 * profit / span.equity_before;
        let hold = span.equity_before * (span.last_price / span.first_price - 1.0);
        writeln!(f, "Summary")?;
        writeln!(f, "  days          {} ({} to {})", self.days, span.first, span.last)?;
        writeln!(f, "  orders        {}", self.orders)?;
        writeln!(f, "  fills         {}", self.fills)?;
        writeln!(f, "  profit        {:+.2} ({:+.2} %)", self.profit(), percent(self.profit()))?;
        writeln!(f, "  buy and hold  {hold:+.2} ({:+.2} %)", percent(hold))?;
        write!(f, "  equity        {:.2}", span.equity)
    }
}
