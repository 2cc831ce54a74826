//! Markdown tables, medians and verdicts.

use std::fmt;

pub(crate) struct Table {
    columns: usize,
    lines: Vec<String>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Table {
        let mut table = Table { columns: N, lines: Vec::new() };
        table.row(&head.map(str::to_owned));
        table.lines.push(format!("|{}", "---|".repeat(N)));
        table
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        assert_eq!(cells.len(), self.columns, "{cells:?}");
        self.lines.push(format!("| {} |", cells.join(" | ")));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Of at least one sample.
pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Three significant digits, more or less.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A target from above, whether it was met, and what to know if it was not.
pub(crate) fn at_most(target: &str, limit: f64, got: f64, why: &str) -> String {
    let (limit_text, got_text) = (number(limit), number(got));
    let verdict = if got <= limit {
        format!("met: {got_text}")
    } else {
        format!("missed: {got_text}, by {} ({} x the limit)", number(got - limit), number(got / limit))
    };
    let why = if got <= limit || why.is_empty() { String::new() } else { format!(". {why}") };
    format!("- {target} <= {limit_text}: **{verdict}**{why}\n")
}

/// A target from below, and whether it was met.
pub(crate) fn at_least(target: &str, limit: f64, got: f64) -> String {
    let (limit_text, got_text) = (number(limit), number(got));
    let verdict = if got >= limit {
        format!("met: {got_text}")
    } else {
        format!("missed: {got_text}, by {} ({} of the limit)", number(limit - got), number(got / limit))
    };
    format!("- {target} >= {limit_text}: **{verdict}**\n")
}
