//! A service under test, and how it is to end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::drill::{Check, Drill};
use super::once::{Body, Fault, Script, run};
use crate::model::cause::{Cause, Signal};
use crate::model::outcome::MainOutcome;
use crate::model::report::Report;

/// A service under test: `app` is its main, run under a manager of its own in paused time.
///
/// ```
/// use std::time::Duration;
/// use lifecycle::test::Service;
///
/// async fn app() -> Result<(), std::io::Error> {
///     lifecycle::stopping().await;
///     Ok(())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let report = Service::new(app).stop_after(Duration::from_secs(3600)).run().await;
/// assert!(report.is_success(), "{report}");
/// # });
/// ```
#[derive(Clone)]
#[must_use = "nothing runs before `run`"]
pub struct Service {
    pub(super) body: Body,
    pub(super) script: Script,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("script", &self.script).finish_non_exhaustive()
    }
}

impl Service {
    /// `app` is called once for each run: state that the test looks at is made outside, or in the closure that calls it.
    pub fn new<F, Fut>(app: F) -> Service
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: MainOutcome,
    {
        let body: Body = Arc::new(move || {
            let main = app();
            Box::pin(async move { main.await.main_outcome() })
        });
        Service { body, script: Script::new() }
    }

    /// Stops it by SIGTERM after so much of its time; otherwise it runs until its main ends or calls `shutdown`.
    pub fn stop_after(self, time: Duration) -> Service {
        self.signal_after(Signal::Terminate, time)
    }

    /// Stops it by SIGTERM, SIGINT or SIGHUP as soon as it first waits. No signal is sent: it is the report's cause.
    pub fn signal(self, signal: Signal) -> Service {
        self.signal_after(signal, Duration::ZERO)
    }

    /// As [`signal`](Service::signal), after so much of its time.
    pub fn signal_after(mut self, signal: Signal, time: Duration) -> Service {
        self.script.end = Some((Cause::Signal(signal), time));
        self
    }

    /// After so much of its time main is dropped, as if it had failed there; hooks run as after any crash.
    pub fn crash_after(mut self, time: Duration) -> Service {
        self.script.end = Some((Cause::MainFailed("crashed by the test".to_owned()), time));
        self
    }

    /// The budget of the shutdown instead of 25 s, as `shutdown_timeout` of `#[lifecycle::main]`.
    pub fn shutdown_timeout(mut self, time: Duration) -> Service {
        self.script.budget.whole = time;
        self
    }

    /// The drain instead of 5 s, as `drain` of `#[lifecycle::main]`.
    pub fn drain(mut self, time: Duration) -> Service {
        self.script.budget.drain = time;
        self
    }

    /// Runs it once.
    ///
    /// # Panics
    /// If the system has no thread left.
    pub async fn run(self) -> Report {
        run(self.body, self.script).await.report
    }

    /// Runs it once for each poll of main and of its tracked tasks that leaves them waiting: stopped by SIGTERM right there;
    /// and once stopped before main begins. `check` gets each report; if it panics, the poll is named with the line at
    /// which its task waits.
    ///
    /// A run before them counts the polls, so it must end: by itself, or by `stop_after`.
    ///
    /// ```
    /// use lifecycle::test::Service;
    ///
    /// async fn app() {
    ///     for _ in 0..3 {
    ///         tokio::task::yield_now().await;
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let reports = Service::new(app).at_every_poll(|report| assert!(report.is_success())).run().await;
    /// assert_eq!(reports.len(), 4);
    /// # });
    /// ```
    pub fn at_every_poll<'a>(self, check: impl FnMut(&Report) + 'a) -> Drill<'a> {
        Drill::new(self, Check::EveryPoll(Box::new(check)))
    }

    /// Runs it once for each hook that a good run calls: that hook then has the fault. The reports are in the order of the
    /// plan.
    pub fn each_hook(self, fault: Fault) -> Drill<'static> {
        Drill::new(self, Check::EachHook(fault))
    }
}
