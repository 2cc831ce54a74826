//! A progress bar on a terminal, a line a second elsewhere; the log goes above it.

use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::exchange::Bar;

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { days: u64, last: Option<Instant> },
}

impl Progress {
    pub(crate) fn new(days: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Progress::Lines { days: 0, last: None };
        }
        let style = match days {
            Some(_) => "{bar:40} {pos}/{len} days  {msg}",
            None => "{spinner} {pos} days  {msg}",
        };
        let style = ProgressStyle::with_template(style).expect("the template is constant");
        let bar = ProgressBar::with_draw_target(days, ProgressDrawTarget::hidden());
        Progress::Bar(BARS.add(bar.with_style(style).with_finish(ProgressFinish::AndClear)))
    }

    pub(crate) fn show(&mut self, bar: &Bar) {
        match self {
            Progress::Bar(progress) => {
                progress.set_message(format!("{}  {:.2}", bar.date, bar.close));
                progress.inc(1);
            }
            Progress::Lines { days, last } => {
                *days += 1;
                if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
                    *last = Some(Instant::now());
                    tracing::info!("day {days}: {}, {:.2}", bar.date, bar.close);
                }
            }
        }
    }
}

/// Sets up `tracing`: to stderr, since stdout is for the summary.
pub(crate) fn log() {
    let lines =
        tracing_subscriber::fmt::layer().with_writer(|| AboveTheBar).with_ansi(io::stderr().is_terminal());
    // PostgreSQL remarks on every table that exists already.
    let levels = Targets::new().with_default(Level::INFO).with_target("sqlx", Level::WARN);
    tracing_subscriber::registry().with(lines).with(levels).init();
}

struct AboveTheBar;

impl Write for AboveTheBar {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
